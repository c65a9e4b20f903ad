// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"encoding/binary"
	"net/netip"
)

// An ARP message for IPv4 over Ethernet (RFC 826).
const (
	arpLen     = 28
	arpRequest = 1
	arpReply   = 2
)

// arp is such a message.
type arp []byte

// parseARP returns the message in b, without what pads a short frame; false if it
// is of another kind.
func parseARP(b []byte) (arp, bool) {
	if len(b) < arpLen {
		return nil, false
	}
	a := arp(b[:arpLen])
	kind := binary.BigEndian.Uint64(b) // hardware, protocol, two lengths, operation
	switch kind {
	case 0x0001_0800_06_04_0000 | arpRequest, 0x0001_0800_06_04_0000 | arpReply:
		return a, true
	}
	return nil, false
}

func (a arp) operation() int     { return int(a[7]) }
func (a arp) sender() netip.Addr { return netip.AddrFrom4([4]byte(a[14:18])) }
func (a arp) target() netip.Addr { return netip.AddrFrom4([4]byte(a[24:28])) }
func (a arp) senderMAC() (m mac) { return mac(a[8:14]) }
func (a arp) gratuitous() bool   { return a.sender() == a.target() }
func (a arp) asks() bool         { return a.operation() == arpRequest && !a.gratuitous() }
func (a arp) answer(from mac) {
	asker, asked := [macLen + 4]byte(a[8:18]), [4]byte(a[24:28])
	a[7] = arpReply
	copy(a[8:], from[:])
	copy(a[14:], asked[:])
	copy(a[18:], asker[:])
}

// handleARP answers a question about any address that can be reached from the
// station with the fabric's own MAC, and tells the binding of an announcement. No
// ARP reaches another station.
func (v *vpc) handleARP(from Station, f frame) verdict {
	a, ok := parseARP(f.payload())
	switch {
	case !ok:
		return drop(Malformed)
	case a.senderMAC() != mac(f.src()):
		return drop(ForeignSource)
	case a.asks():
		return v.answerARP(from, f, a)
	case from >= 0 && a.gratuitous() && v.options.Binding.Announced(from, a.sender()):
		return verdict{heeded: true}
	default:
		return drop(Announcement)
	}
}

// answerARP answers unless the station asks whether somebody else has its own
// address, or, being a node, for something outside its subnet.
func (v *vpc) answerARP(from Station, f frame, a arp) verdict {
	if v.owns(from, a.target()) || from >= 0 && !v.options.Subnet.Contains(a.target()) {
		return drop(UnansweredARP)
	}
	a.answer(gatewayMAC)
	f.readdress(mac(f.src()), gatewayMAC)
	return verdict{to: from, frame: f}
}
