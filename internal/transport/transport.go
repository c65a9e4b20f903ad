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
	// p.Data, and reports whether there was one. A failed read is passed over.
	Poll(p *Packet) bool

	// Wait blocks until Poll may have something (it may also be mistaken), ctx
	// ends (the error is its cause) or the transport is closed (ErrClosed).
	// Only one goroutine may wait.
	Wait(ctx context.Context) error

	// Dropped returns how many datagrams the system has dropped since the start because
	// nobody took them in time, as it told with the last one that was polled.
	Dropped() uint64

	// Close ends Wait and frees the port. What was not polled is lost.
	Close() error
}
