// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"context"
	"net"
	"net/netip"
)

// ReadMax is the most bytes of a datagram that are read: one more than the
// protocol's largest, so that an oversized one is seen to be that.
const ReadMax = 1201

// ErrClosed is returned by a transport that was closed.
var ErrClosed = net.ErrClosed

// Packet is one received datagram.
type Packet struct {
	From netip.AddrPort // who sent it, never in the IPv4-in-IPv6 form
	To   netip.Addr     // the local address it was sent to; invalid if the system does not say
	Data []byte         // at most ReadMax bytes

	// Refused marks a notice instead of a datagram: the host of From says that
	// nothing listens at that port (ICMP port unreachable), so its daemon is
	// dead while the host lives. Data is empty.
	Refused bool
}

// Stats counts what happened since the transport was opened.
type Stats struct {
	Received   uint64 // datagrams, oversized ones included
	Refused    uint64 // notices that nothing listens at a peer's port
	Unreached  uint64 // other notices about datagrams that did not arrive
	ReadErrors uint64 // errors while receiving, none of which ends anything
}

// Transport sends and receives datagrams without ever blocking, except in Wait.
// Every method may be called at any time from any goroutine.
type Transport interface {
	// LocalAddr returns the address and port it listens on; the address is
	// unspecified if it listens on all.
	LocalAddr() netip.AddrPort

	// Send hands one datagram to the network. from chooses the source address
	// and must be local; the zero Addr leaves the choice to the system. Success
	// says nothing about arrival. It never blocks: with the send buffer full
	// the datagram is lost and an error returned.
	Send(to netip.AddrPort, from netip.Addr, b []byte) error

	// Poll puts the next datagram or notice already received into p, reusing
	// p.Data, and reports whether there was one. Failed reads are counted.
	Poll(p *Packet) bool

	// Wait blocks until Poll may have something (it may also be mistaken), ctx
	// ends (the error is its cause) or the transport is closed (ErrClosed).
	// Only one goroutine may wait.
	Wait(ctx context.Context) error

	// Stats returns the counters.
	Stats() Stats

	// Close ends Wait and frees the port. What was not polled is lost.
	Close() error
}
