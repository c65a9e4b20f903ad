// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"encoding/binary"
	"net/netip"
)

// Sizes and numbers of Ethernet (IEEE 802.3), IPv4 (RFC 791), TCP (RFC 9293), UDP
// (RFC 768) and ICMP (RFC 792), as far as the fabric reads them.
const (
	macLen          = 6
	etherHeaderLen  = 14
	etherTypeIPv4   = 0x0800
	etherTypeARP    = 0x0806
	ipv4HeaderMin   = 20
	icmpHeaderLen   = 8
	protoICMP       = 1
	protoTCP        = 6
	protoUDP        = 17
	tcpChecksumAt   = 16
	udpChecksumAt   = 6
	icmpChecksumAt  = 2
	moreFragments   = 0x2000
	fragmentOffsets = 0x1fff
)

// frame is an Ethernet frame of at least a header.
type frame []byte

func (f frame) dst() []byte     { return f[:macLen] }
func (f frame) src() []byte     { return f[macLen : 2*macLen] }
func (f frame) etherType() int  { return int(binary.BigEndian.Uint16(f[12:])) }
func (f frame) payload() []byte { return f[etherHeaderLen:] }
func (f frame) multicast() bool { return f[0]&1 != 0 }
func (f frame) readdress(dst, src mac) {
	copy(f.dst(), dst[:])
	copy(f.src(), src[:])
}

type mac [macLen]byte

// packet is an IPv4 packet whose header is whole. What follows it may be cut short:
// an ICMP error quotes only the beginning.
type packet []byte

// parsePacket returns the packet in b, without what pads a short frame; false if
// the header is not whole.
func parsePacket(b []byte) (packet, bool) {
	if len(b) < ipv4HeaderMin || b[0]>>4 != 4 {
		return nil, false
	}
	p := packet(b)
	total := int(binary.BigEndian.Uint16(b[2:]))
	if p.headerLen() < ipv4HeaderMin || len(b) < p.headerLen() || total < p.headerLen() {
		return nil, false
	}
	return p[:min(total, len(b))], true
}

// whole reports whether nothing of the packet was cut off.
func (p packet) whole() bool { return len(p) == int(binary.BigEndian.Uint16(p[2:])) }

func (p packet) headerLen() int  { return int(p[0]&0x0f) * 4 }
func (p packet) src() netip.Addr { return netip.AddrFrom4([4]byte(p[12:16])) }
func (p packet) dst() netip.Addr { return netip.AddrFrom4([4]byte(p[16:20])) }
func (p packet) body() []byte    { return p[p.headerLen():] }
func (p packet) fragments() int  { return int(binary.BigEndian.Uint16(p[6:])) }

// first reports whether the packet begins with a header of its protocol.
func (p packet) first() bool { return p.fragments()&fragmentOffsets == 0 }

// udpPort returns the port that a datagram of UDP is for, if the packet begins one.
func (p packet) udpPort() (uint16, bool) {
	if p[9] != protoUDP || !p.first() || len(p.body()) < 4 {
		return 0, false
	}
	return binary.BigEndian.Uint16(p.body()[2:]), true
}

// translate gives the packet another source and destination and corrects every
// checksum that covers them, also inside the packet that an ICMP error quotes. A
// checksum that was wrong stays wrong, so that the receiver notices.
func (p packet) translate(src, dst netip.Addr) {
	oldSrc, oldDst := p.src(), p.dst()
	if src == oldSrc && dst == oldDst {
		return
	}
	if p.first() && p[9] == protoICMP {
		p.translateQuoted(src, dst)
	}
	sums := p.checksums()
	p.setAddress(12, src, sums)
	p.setAddress(16, dst, sums)
}

// checksums returns those that cover the addresses: the header's, and that of TCP
// or UDP, which count them into a pseudo-header. A UDP checksum of zero means none.
func (p packet) checksums() [][]byte {
	sums := [][]byte{p[10:12]}
	if at := transportChecksumAt(p[9]); at > 0 && p.first() && len(p.body()) >= at+2 {
		sum := p.body()[at : at+2]
		if p[9] != protoUDP || binary.BigEndian.Uint16(sum) != 0 {
			sums = append(sums, sum)
		}
	}
	return sums
}

func transportChecksumAt(proto byte) int {
	switch proto {
	case protoTCP:
		return tcpChecksumAt
	case protoUDP:
		return udpChecksumAt
	default:
		return 0
	}
}

// setAddress writes an address into the header and tells the checksums.
func (p packet) setAddress(at int, addr netip.Addr, sums [][]byte) {
	now := addr.As4()
	for _, sum := range sums {
		v := binary.BigEndian.Uint16(sum)
		v = corrected(v, binary.BigEndian.Uint16(p[at:]), binary.BigEndian.Uint16(now[:]))
		v = corrected(v, binary.BigEndian.Uint16(p[at+2:]), binary.BigEndian.Uint16(now[2:]))
		if v == 0 && &sum[0] != &p[10] {
			v = 0xffff // the same number, but zero would mean "no checksum" to UDP
		}
		binary.BigEndian.PutUint16(sum, v)
	}
	copy(p[at:], now[:])
}

// translateQuoted does the same in the packet that an ICMP error is about. It went
// the other way, so its destination is what the error comes from.
func (p packet) translateQuoted(src, dst netip.Addr) {
	b := p.body()
	if len(b) < icmpHeaderLen || !isICMPError(b[0]) || p.fragments()&moreFragments != 0 {
		return
	}
	quoted, ok := parsePacket(b[icmpHeaderLen:])
	if !ok {
		return
	}
	qsrc, qdst := quoted.src(), quoted.dst()
	if qsrc == p.dst() {
		qsrc = dst
	}
	if qdst == p.src() {
		qdst = src
	}
	before := checksum(b)
	quoted.translate(qsrc, qdst)
	sum := b[icmpChecksumAt : icmpChecksumAt+2]
	binary.BigEndian.PutUint16(sum, corrected(binary.BigEndian.Uint16(sum), ^before, ^checksum(b)))
}

// isICMPError reports whether a message of the type quotes a packet: destination
// unreachable, source quench, redirect, time exceeded, parameter problem.
func isICMPError(kind byte) bool {
	return kind == 3 || kind == 4 || kind == 5 || kind == 11 || kind == 12
}

// corrected returns a checksum after one of the words it covers changed (RFC 1624,
// equation 3).
func corrected(sum, was, is uint16) uint16 {
	v := uint32(^sum) + uint32(^was) + uint32(is)
	v = v>>16 + v&0xffff
	return ^uint16(v>>16 + v&0xffff)
}

// checksum returns the Internet checksum of b (RFC 1071); 0 for one that contains
// its own correct checksum.
func checksum(b []byte) uint16 {
	var v uint32
	for ; len(b) >= 2; b = b[2:] {
		v += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		v += uint32(b[0]) << 8
	}
	for v > 0xffff {
		v = v>>16 + v&0xffff
	}
	return ^uint16(v)
}
