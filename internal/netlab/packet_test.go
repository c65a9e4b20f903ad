// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"pgregory.net/rapid"
)

var (
	node0    = netip.MustParseAddr("10.0.4.20")
	node1    = netip.MustParseAddr("10.0.4.21")
	floating = netip.MustParseAddr("10.0.4.99")
	public   = netip.MustParseAddr("203.0.113.7")
	internet = netip.MustParseAddr("198.51.100.10")
)

// sound reports whether the words of b, its checksum among them, add up as RFC 1071
// wants it: to a multiple of 65535. It divides where the code under test carries.
func sound(b []byte) bool {
	total := uint64(0)
	for i, v := range b {
		total += uint64(v) << (8 * (1 - i%2))
	}
	return total%0xffff == 0
}

// soundSegment reports whether the checksum of TCP or UDP is right.
func soundSegment(p packet) bool {
	pseudo := slices.Concat(p[12:20], []byte{0, p[9]}, binary.BigEndian.AppendUint16(nil, uint16(len(p.body()))))
	return sound(slices.Concat(pseudo, p.body()))
}

// ipPacket returns a packet with correct checksums.
func ipPacket(t interface{ Fatal(...any) }, proto int, src, dst netip.Addr, body []byte) packet {
	h := ipv4.Header{Version: 4, Len: 20, TotalLen: 20 + len(body), TTL: 64, Protocol: proto,
		Src: src.AsSlice(), Dst: dst.AsSlice()}
	b, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(body))) // the library's order is some systems' own
	binary.BigEndian.PutUint16(b[10:], complement(b))
	p := packet(slices.Concat(b, body))
	if at := map[int]int{protoTCP: 16, protoUDP: 6}[proto]; at > 0 && len(body) >= at+2 {
		pseudo := slices.Concat(p[12:20], []byte{0, byte(proto)}, binary.BigEndian.AppendUint16(nil, uint16(len(body))))
		binary.BigEndian.PutUint16(p.body()[at:], complement(slices.Concat(pseudo, body)))
	}
	return p
}

// complement returns what makes the words of b sound.
func complement(b []byte) uint16 {
	total := uint64(0)
	for i, v := range b {
		total += uint64(v) << (8 * (1 - i%2))
	}
	return uint16(0xffff - total%0xffff)
}

func udpBody(payload string) []byte {
	b := []byte{0x30, 0x39, 0x00, 0x35, 0, byte(8 + len(payload)), 0, 0}
	return append(b, payload...)
}

func TestChecksumIsTheOneOfRFC1071(t *testing.T) {
	t.Parallel()
	// The numbers of its section 3, whose sum is ddf2.
	if got, want := checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), ^uint16(0xddf2); got != want {
		t.Errorf("got %04x, want %04x", got, want)
	}
}

func TestCorrectionIsTheOneOfRFC1624(t *testing.T) {
	t.Parallel()
	// The example of its section 4, in which the older equation goes wrong.
	if got := corrected(0xdd2f, 0x5555, 0x3285); got != 0x0000 {
		t.Errorf("got %04x, want 0000", got)
	}
}

func TestTranslationKeepsChecksumsCorrect(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		addr := rapid.Map(rapid.Uint32(), func(v uint32) netip.Addr {
			return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, v)))
		})
		proto := rapid.SampledFrom([]int{protoTCP, protoUDP}).Draw(t, "protocol")
		body := rapid.SliceOfN(rapid.Byte(), 20, 60).Draw(t, "body")
		copy(body[tcpChecksumAt:], []byte{0, 0})
		copy(body[udpChecksumAt:], []byte{0, 0})
		p := ipPacket(t, proto, addr.Draw(t, "src"), addr.Draw(t, "dst"), body)
		src, dst := addr.Draw(t, "new src"), addr.Draw(t, "new dst")
		p.translate(src, dst)
		if p.src() != src || p.dst() != dst {
			t.Fatalf("got %s to %s, want %s to %s", p.src(), p.dst(), src, dst)
		}
		if !sound(p[:20]) {
			t.Fatalf("the header's checksum is wrong: %x", p[:20])
		}
		if !soundSegment(p) {
			t.Fatalf("the checksum of protocol %d is wrong: %x", proto, p)
		}
	})
}

func TestTranslationLeavesAloneWhatItMust(t *testing.T) {
	t.Parallel()
	later := func(p packet) packet { // turned into a fragment that is not the first
		binary.BigEndian.PutUint16(p[6:], 185)
		binary.BigEndian.PutUint16(p[10:], 0)
		binary.BigEndian.PutUint16(p[10:], complement(p[:20]))
		return p
	}
	silent := func(p packet) packet { // without a UDP checksum
		copy(p.body()[udpChecksumAt:], []byte{0, 0})
		return p
	}
	tests := []struct {
		name string
		p    packet
	}{
		{"a UDP packet without checksum", silent(ipPacket(t, protoUDP, node0, internet, udpBody("x")))},
		{"a later fragment", later(ipPacket(t, protoUDP, node0, internet, udpBody("not a header")))},
		{"another protocol", ipPacket(t, 47, node0, internet, []byte("anything at all"))},
		{"a TCP header cut short", ipPacket(t, protoTCP, node0, internet, make([]byte, 17))},
		{"a ping", ipPacket(t, protoICMP, node0, internet, []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0})},
		{"an ICMP error that quotes too little", ipPacket(t, protoICMP, node0, internet, []byte{3, 3, 0xfc, 0xfc, 0, 0, 0, 0, 0x45})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(tt.p.body())
			tt.p.translate(public, internet)
			if diff := cmp.Diff(before, tt.p.body()); diff != "" {
				t.Errorf("the body changed (-before +after):\n%s", diff)
			}
			if !sound(tt.p[:20]) || tt.p.src() != public {
				t.Errorf("the header is wrong: %x", tt.p[:20])
			}
		})
	}
}

func TestAChecksumThatWasWrongStaysWrong(t *testing.T) {
	t.Parallel()
	p := ipPacket(t, protoUDP, node0, internet, udpBody("payload"))
	p[len(p)-1] ^= 0x40
	p.translate(public, internet)
	if soundSegment(p) {
		t.Error("the damage can no longer be seen")
	}
}

func TestAUDPChecksumNeverBecomesNone(t *testing.T) {
	t.Parallel()
	p := ipPacket(t, protoUDP, netip.MustParseAddr("0.0.0.0"), internet, udpBody("x"))
	// Adding the checksum itself to a covered word makes it zero.
	sum := p.body()[udpChecksumAt : udpChecksumAt+2]
	p.translate(netip.AddrFrom4([4]byte{0, 0, sum[0], sum[1]}), internet)
	if !cmp.Equal(sum, []byte{0xff, 0xff}) {
		t.Errorf("got checksum %x, want ffff", sum)
	}
}

func TestAnICMPErrorQuotesWhatItsReceiverSent(t *testing.T) {
	t.Parallel()
	// The client sent to the public address; the node, which saw the private one,
	// says that nobody listens.
	quoted := ipPacket(t, protoUDP, internet, node0, udpBody("hello"))
	body, err := (&icmp.Message{Type: ipv4.ICMPTypeDestinationUnreachable, Code: 3,
		Body: &icmp.DstUnreach{Data: quoted}}).Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := ipPacket(t, protoICMP, node0, internet, body)
	p.translate(public, internet)
	if !sound(p.body()) {
		t.Errorf("the checksum of ICMP is wrong: %x", p.body())
	}
	got := packet(p.body()[8:])
	if got.src() != internet || got.dst() != public {
		t.Errorf("it quotes a packet from %s to %s, want from %s to %s", got.src(), got.dst(), internet, public)
	}
	if !sound(got[:20]) || !soundSegment(got) {
		t.Errorf("the checksums in the quoted packet are wrong: %x", got)
	}
}

func TestAPacketIsParsed(t *testing.T) {
	t.Parallel()
	good := ipPacket(t, protoUDP, node0, node1, udpBody("x"))
	change := func(at int, v byte) []byte {
		p := slices.Clone(good)
		p[at] = v
		return p
	}
	tests := []struct {
		name      string
		b         []byte
		ok, whole bool
		length    int
	}{
		{"as it is", good, true, true, len(good)},
		{"without the padding of its frame", slices.Concat(good, make([]byte, 17)), true, true, len(good)},
		{"cut short behind its header", good[:24], true, false, 24},
		{"not in the middle of its header", good[:19], false, false, 0},
		{"not in another version", change(0, 0x65), false, false, 0},
		{"not with a header shorter than the shortest", change(0, 0x44), false, false, 0},
		{"not with a header longer than itself", change(0, 0x4f), false, false, 0},
		{"not with a length shorter than its header", change(3, 19), false, false, 0},
		{"not when empty", nil, false, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, ok := parsePacket(tt.b)
			if ok != tt.ok || len(p) != tt.length || ok && p.whole() != tt.whole {
				t.Errorf("got %d bytes, ok %t", len(p), ok)
			}
		})
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add([]byte(ipPacket(f, protoUDP, node0, node1, udpBody("x"))))
	f.Add([]byte(ipPacket(f, protoICMP, node0, node1, slices.Concat([]byte{3, 3, 0, 0, 0, 0, 0, 0},
		ipPacket(f, protoTCP, node1, node0, make([]byte, 8))))))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parsePacket(b)
		if !ok {
			return
		}
		p.translate(public, internet)
		if p.src() != public || p.dst() != internet {
			t.Errorf("got %s to %s", p.src(), p.dst())
		}
	})
}
