// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	inside    = netip.MustParseAddr("10.0.4.50") // a client in the subnet
	routed    = netip.MustParseAddr("172.16.0.9")
	metadata0 = netip.MustParseAddr("169.254.0.23")
	api       = netip.MustParseAddr("169.254.0.100")
)

// newVPC returns the decisions for two nodes and a client.
func newVPC(t *testing.T, c *cloud, client netip.Addr) *vpc {
	t.Helper()
	o := options(c, client)
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	return &vpc{options: o, links: newLinks()}
}

// sent returns a frame as the station's kernel would send it.
func sent(t *testing.T, v *vpc, from Station, src, dst netip.Addr) frame {
	t.Helper()
	own := v.mac(from)
	return slices.Concat(gatewayMAC[:], own[:], []byte{0x08, 0x00}, []byte(ipPacket(t, protoUDP, src, dst, udpBody("x"))))
}

// outcome is a verdict about a packet in words that a table can hold.
type outcome struct {
	To       Station
	Src, Dst netip.Addr
	Dropped  Reason
}

func outcomeOf(t *testing.T, v *vpc, got verdict) outcome {
	t.Helper()
	if got.frame == nil {
		return outcome{Dropped: got.dropped}
	}
	if mac(got.frame.dst()) != v.mac(got.to) || mac(got.frame.src()) != gatewayMAC {
		t.Errorf("the frame to %s is addressed from %x to %x", got.to, got.frame.src(), got.frame.dst())
	}
	p, ok := parsePacket(got.frame.payload())
	if !ok || !sound(p[:20]) || !soundSegment(p) {
		t.Errorf("the packet arrives damaged: %x", []byte(got.frame))
	}
	return outcome{To: got.to, Src: p.src(), Dst: p.dst(), Dropped: got.dropped}
}

type journey struct {
	name     string
	from     Station // whose wire
	src, dst netip.Addr
	want     outcome
}

func checkJourneys(t *testing.T, v *vpc, journeys []journey) {
	t.Helper()
	for _, tt := range journeys {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := outcomeOf(t, v, v.handle(tt.from, sent(t, v, tt.from, tt.src, tt.dst)))
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPacketsInsideTheNetwork(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.holders[floating], c.holders[routed] = 1, 0
	// The client's own public address lets it reach that of a node.
	c.publics[public], c.publics[netip.MustParseAddr("203.0.113.8")] = node1, inside
	nobody := netip.MustParseAddr("10.0.4.77")
	checkJourneys(t, newVPC(t, c, inside), []journey{
		{"from node to node", 0, node0, node1, outcome{To: 1, Src: node0, Dst: node1}},
		{"from the client to a node", Client, inside, node0, outcome{To: 0, Src: inside, Dst: node0}},
		{"from a node to the client", 0, node0, inside, outcome{To: Client, Src: node0, Dst: inside}},
		{"to the holder of a floating address", Client, inside, floating, outcome{To: 1, Src: inside, Dst: floating}},
		{"from the holder of a floating address", 1, floating, inside, outcome{To: Client, Src: floating, Dst: inside}},
		{"to the next hop of a route", Client, inside, routed, outcome{To: 0, Src: inside, Dst: routed}},
		{"from the next hop of a route", 0, routed, inside, outcome{To: Client, Src: routed, Dst: inside}},
		{"by public addresses", Client, inside, public,
			outcome{To: 1, Src: netip.MustParseAddr("203.0.113.8"), Dst: node1}},
		{"from a node without a public address to a public one", 0, node0, public, outcome{Dropped: NoPublic}},
		{"to an address that nobody holds", 0, node0, nobody, outcome{Dropped: NoHolder}},
		{"to the gateway", 0, node0, netip.MustParseAddr("10.0.4.1"), outcome{Dropped: NoHolder}},
		{"from another node's address", 0, node1, inside, outcome{Dropped: ForeignSource}},
		{"from a floating address held by another", 0, floating, inside, outcome{Dropped: ForeignSource}},
		{"from the client with a node's address", Client, node0, node1, outcome{Dropped: ForeignSource}},
		{"from a node as if it were the metadata service", 0, metadata0, node1, outcome{Dropped: ForeignSource}},
		{"to the metadata service", 1, node1, metadata0, outcome{To: Metadata, Src: node1, Dst: metadata0}},
		{"to the API", 1, node1, api, outcome{To: API, Src: node1, Dst: api}},
		{"from the metadata service", Metadata, metadata0, node1, outcome{To: 1, Src: metadata0, Dst: node1}},
		{"from the API to a floating address", Metadata, api, floating, outcome{To: 1, Src: api, Dst: floating}},
		{"from the services with a node's address", Metadata, node0, node1, outcome{Dropped: ForeignSource}},
		{"from the client to the API", Client, inside, api, outcome{Dropped: NotANode}},
	})
}

func TestPacketsBetweenTheNetworkAndTheInternet(t *testing.T) {
	t.Parallel()
	c := newCloud()
	unbound, ofFloating := netip.MustParseAddr("203.0.113.8"), netip.MustParseAddr("203.0.113.9")
	c.holders[floating] = 1
	c.publics[public], c.publics[ofFloating] = node0, floating
	c.publics[netip.MustParseAddr("203.0.113.10")] = netip.MustParseAddr("10.0.4.98") // itself held by nobody
	checkJourneys(t, newVPC(t, c, internet), []journey{
		{"to a public address", Client, internet, public, outcome{To: 0, Src: internet, Dst: node0}},
		{"from its holder", 0, node0, internet, outcome{To: Client, Src: public, Dst: internet}},
		{"to the public address of a floating one", Client, internet, ofFloating, outcome{To: 1, Src: internet, Dst: floating}},
		{"from the holder of that", 1, floating, internet, outcome{To: Client, Src: ofFloating, Dst: internet}},
		{"from a node without a public address", 1, node1, internet, outcome{Dropped: NoPublic}},
		{"to a public address bound to nothing", Client, internet, unbound, outcome{Dropped: NoHolder}},
		{"to a public address of a floating one that nobody holds", Client, internet,
			netip.MustParseAddr("203.0.113.10"), outcome{Dropped: NoHolder}},
		{"straight to a private address", Client, internet, node0, outcome{Dropped: NoHolder}},
		{"straight to a floating address", Client, internet, floating, outcome{Dropped: NoHolder}},
		{"from a node to the public address of another", 1, floating, public, outcome{To: 0, Src: ofFloating, Dst: node0}},
		{"from a node to elsewhere on the Internet", 0, node0, netip.MustParseAddr("192.0.2.1"), outcome{Dropped: NoHolder}},
	})
}

// A firewall can drop what nodes say to each other and let pass what they say to the
// floating address on the same node.
func TestAFirewallRefusesDatagramsByWhereTheyAreSent(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.publics[public], c.publics[netip.MustParseAddr("203.0.113.8")] = node1, node0
	c.holders[floating] = 1
	v := newVPC(t, c, internet)
	const port = 0x35 // of udpBody
	at := func(ip netip.Addr) netip.AddrPort { return netip.AddrPortFrom(ip, port) }
	v.links.setRefused(Datagrams{From: 0, To: at(node1)}, true)
	v.links.setRefused(Datagrams{From: 1, To: netip.AddrPortFrom(node0, port+1)}, true)
	v.links.setRefused(Datagrams{From: 1, Source: floating, To: at(node0)}, true)
	v.links.setRefused(Datagrams{From: Client, To: at(public)}, true)
	refused := outcome{Dropped: Refused}
	journeys := []journey{
		{"to the node", 0, node0, node1, refused},
		{"the other way", 1, node1, node0, outcome{To: 0, Src: node1, Dst: node0}},
		{"the other way, from what the node holds", 1, floating, node0, refused},
		{"to what the node holds", 0, node0, floating, outcome{To: 1, Src: node0, Dst: floating}},
		{"to its public address", 0, node0, public, outcome{To: 1, Src: netip.MustParseAddr("203.0.113.8"), Dst: node1}},
		{"to its public address by another", Client, internet, public, refused},
	}
	for _, j := range journeys {
		got := outcomeOf(t, v, v.handle(j.from, sent(t, v, j.from, j.src, j.dst)))
		if diff := cmp.Diff(j.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", j.name, diff)
		}
	}
	own := v.mac(0)
	segment := append(udpBody("")[:4], make([]byte, 16)...) // to the same port
	tcp := slices.Concat(gatewayMAC[:], own[:], []byte{0x08, 0x00}, []byte(ipPacket(t, protoTCP, node0, node1, segment)))
	if got := v.handle(0, tcp); got.dropped != "" {
		t.Errorf("another protocol: dropped as %s", got.dropped)
	}
	v.links.setRefused(Datagrams{From: 0, To: at(node1)}, false)
	if got := v.handle(0, sent(t, v, 0, node0, node1)); got.dropped != "" {
		t.Errorf("passed again: dropped as %s", got.dropped)
	}
}

func TestAnAnchorIsTheNodesOwn(t *testing.T) {
	t.Parallel()
	c := newCloud()
	own, anchor := netip.MustParseAddr("203.0.113.8"), netip.MustParseAddr("10.17.0.5")
	c.publics[public], c.publics[own] = anchor, node1
	c.holders[anchor] = 0 // the cloud is not asked
	v := newVPC(t, c, internet)
	v.options.Nodes[1].Anchors = []netip.Addr{anchor}
	checkJourneys(t, v, []journey{
		{"to the reserved address", Client, internet, public, outcome{To: 1, Src: internet, Dst: anchor}},
		{"its answer", 1, anchor, internet, outcome{To: Client, Src: public, Dst: internet}},
		{"to the node's own public address", Client, internet, own, outcome{To: 1, Src: internet, Dst: node1}},
		{"what the node sends by itself", 1, node1, internet, outcome{To: Client, Src: own, Dst: internet}},
	})
}

func TestFramesThatAreNotCarried(t *testing.T) {
	t.Parallel()
	v := newVPC(t, newCloud(), inside)
	change := func(at int, b ...byte) frame {
		f := sent(t, v, 0, node0, node1)
		copy(f[at:], b)
		return f
	}
	tests := []struct {
		name string
		f    frame
		want Reason
	}{
		{"shorter than a header", make(frame, 13), Malformed},
		{"with another MAC than the sender's", change(6, 2, 2, 2, 2, 2, 2), ForeignSource},
		{"with the MAC of another node", change(6, 2, 0, 0x5e, 0x10, 0, 2), ForeignSource},
		{"of IPv6", change(12, 0x86, 0xdd), NotIPv4},
		{"to everybody", change(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), Multicast},
		{"to a group, as VRRP does by default", change(0, 0x01, 0x00, 0x5e, 0, 0, 0x12), Multicast},
		{"cut short", sent(t, v, 0, node0, node1)[:40], Malformed},
		{"of a broken header", change(14, 0x46+0x20), Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(outcome{Dropped: tt.want}, outcomeOf(t, v, v.handle(0, tt.f)),
				cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAHolderThatIsNoNodeIsNobody(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.holders[floating] = 2 // no such node
	v := newVPC(t, c, inside)
	if got := v.handle(0, sent(t, v, 0, node0, floating)); got.dropped != NoHolder {
		t.Errorf("got %q, want %q", got.dropped, NoHolder)
	}
}

func TestCutsHoldForOneDirection(t *testing.T) {
	t.Parallel()
	v := newVPC(t, newCloud(), inside)
	v.links.setCut(0, 1, true)
	checkJourneys(t, v, []journey{
		{"the cut direction", 0, node0, node1, outcome{Dropped: CutLink}},
		{"the other direction", 1, node1, node0, outcome{To: 0, Src: node1, Dst: node0}},
		{"another link of the same node", 0, node0, inside, outcome{To: Client, Src: node0, Dst: inside}},
	})
}

func TestTheServicesAreCutApart(t *testing.T) {
	t.Parallel()
	v := newVPC(t, newCloud(), inside)
	v.links.setCut(API, 0, true)
	v.links.setCut(1, Metadata, true)
	checkJourneys(t, v, []journey{
		{"a call of the API", 0, node0, api, outcome{To: API, Src: node0, Dst: api}},
		{"its answer", Metadata, api, node0, outcome{Dropped: CutLink}},
		{"an answer of metadata to the same node", Metadata, metadata0, node0, outcome{To: 0, Src: metadata0, Dst: node0}},
		{"a question for metadata", 1, node1, metadata0, outcome{Dropped: CutLink}},
		{"a call of the same node", 1, node1, api, outcome{To: API, Src: node1, Dst: api}},
	})
}

func TestAnIsolatedStationNeitherSendsNorReceives(t *testing.T) {
	t.Parallel()
	v := newVPC(t, newCloud(), inside)
	v.links.isolate(0, true)
	checkJourneys(t, v, []journey{
		{"from it", 0, node0, node1, outcome{Dropped: CutLink}},
		{"to it", 1, node1, node0, outcome{Dropped: CutLink}},
		{"between others", 1, node1, inside, outcome{To: Client, Src: node1, Dst: inside}},
	})
}

func TestMendingALinkMendsIt(t *testing.T) {
	t.Parallel()
	v := newVPC(t, newCloud(), inside)
	v.links.setCut(0, 1, true)
	v.links.isolate(1, true)
	v.links.setCut(0, 1, false)
	v.links.isolate(1, false)
	if got := v.handle(0, sent(t, v, 0, node0, node1)); got.dropped != "" {
		t.Errorf("dropped as %q", got.dropped)
	}
}

func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	l := newLinks()
	for _, v := range []verdict{{frame: frame{}}, drop(NoHolder), drop(CutLink), {heeded: true}, drop(NoHolder)} {
		l.count(1, v)
	}
	want := Counts{Delivered: 1, Heeded: 1, Dropped: map[Reason]int{NoHolder: 2, CutLink: 1}}
	if diff := cmp.Diff(want, l.of(1)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	l.of(1).Dropped[NoHolder] = 9 // the caller's copy
	if got := l.of(1).Dropped[NoHolder]; got != 2 {
		t.Errorf("a caller changed the counts to %d", got)
	}
}

func TestEveryProblemOfTheOptionsIsReported(t *testing.T) {
	t.Parallel()
	o := options(nil, netip.MustParseAddr("2001:db8::1"))
	o.Binding = nil
	o.APIAddr = netip.MustParseAddrPort("[2001:db8::2]:80")
	o.Nodes = append(o.Nodes,
		Node{Name: "c", MAC: o.Nodes[0].MAC, Private: netip.MustParseAddr("10.0.5.1")},
		Node{Name: "d", MAC: net.HardwareAddr{1, 0, 0, 0, 0, 1}, Private: netip.MustParseAddr("10.0.4.1")},
		Node{Name: "e", MAC: net.HardwareAddr{2}, Private: node0,
			Anchors: []netip.Addr{node0.Next(), netip.MustParseAddr("2001:db8::3")}})
	want := []string{
		"read client: 2001:db8::1 is no IPv4 address",
		"read API address: 2001:db8::2 is not IPv4",
		"read binding: it is missing",
		"read node c: 10.0.5.1 is not in 10.0.4.0/24",
		"read node c: MAC 02:00:5e:10:00:01 belongs to a",
		"read node d: 10.0.4.1 belongs to the gateway",
		`read node d: "01:00:00:00:00:01" is no unicast MAC of 6 bytes`,
		"read node e: 10.0.4.20 belongs to a",
		"read node e: 10.0.4.21 belongs to b",
		"read node e: 2001:db8::3 is no IPv4 address",
		`read node e: "02" is no unicast MAC of 6 bytes`,
	}
	err := o.validate()
	if err == nil {
		t.Fatal("the options are accepted")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for _, at := range []string{"10.0.4.99", "198.51.100.10", "169.254.0.23"} {
		o := options(newCloud(), internet)
		o.APIAddr = netip.AddrPortFrom(netip.MustParseAddr(at), 80)
		want := "read API address: " + at + " belongs to the subnet, the client or the metadata service"
		if err := o.validate(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	o = Options{Subnet: netip.MustParsePrefix("10.0.4.0/30")}
	if err := o.validate(); err == nil || err.Error() != "read subnet: 10.0.4.0/30 is no IPv4 prefix with room for a gateway and nodes" {
		t.Errorf("got %v", err)
	}
}

// asked returns an ARP message of a node in its frame.
func asked(v *vpc, from Station, operation int, sender, target netip.Addr) frame {
	own := v.mac(from)
	return slices.Concat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, own[:], []byte{0x08, 0x06},
		[]byte{0, 1, 8, 0, 6, 4}, binary.BigEndian.AppendUint16(nil, uint16(operation)),
		own[:], sender.AsSlice(), make([]byte, 6), target.AsSlice())
}
