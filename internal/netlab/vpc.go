// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"net/netip"
	"slices"
)

// The MACs that are no node's: locally administered.
var (
	gatewayMAC = mac{0x02, 0x66, 0x69, 0x70, 0x00, 0x01}
	clientMAC  = mac{0x02, 0x66, 0x69, 0x70, 0x00, 0x02}
	serviceMAC = mac{0x02, 0x66, 0x69, 0x70, 0x00, 0x03}
)

// vpc decides what becomes of a frame. It is immutable; what changes is behind the
// Binding and in links.
type vpc struct {
	options Options // validated
	links   *links
}

// verdict is what becomes of a frame: it is delivered, or heeded as an announcement,
// or dropped for a reason.
type verdict struct {
	to      Station
	frame   frame // to write to that station; nil: to nobody
	heeded  bool
	dropped Reason
}

func drop(r Reason) verdict { return verdict{dropped: r} }

// handle decides about a frame that came from the wire of a station. The wire of
// Metadata is API's too. It changes the frame.
func (v *vpc) handle(wire Station, b []byte) verdict {
	if len(b) < etherHeaderLen {
		return drop(Malformed)
	}
	f := frame(b)
	if mac(f.src()) != v.mac(wire) {
		return drop(ForeignSource)
	}
	switch {
	case f.etherType() == etherTypeARP:
		if v.links.off(wire) {
			return drop(CutLink)
		}
		return v.handleARP(wire, f)
	case f.etherType() != etherTypeIPv4:
		return drop(NotIPv4)
	case f.multicast():
		return drop(Multicast)
	}
	p, ok := parsePacket(f.payload())
	if !ok || !p.whole() {
		return drop(Malformed)
	}
	return v.carry(wire, f, p)
}

// carry decides about a packet.
func (v *vpc) carry(wire Station, f frame, p packet) verdict {
	from := wire
	if s, ok := v.service(p.src()); ok && wire == Metadata {
		from = s
	}
	if !v.owns(from, p.src()) {
		return drop(ForeignSource)
	}
	way, reason := v.route(from, p.src(), p.dst())
	switch {
	case reason != "":
	case v.links.cut(from, way.to):
		reason = CutLink
	case v.links.refuses(from, p):
		reason = Refused
	}
	if reason != "" {
		return drop(reason)
	}
	p.translate(way.src, way.dst)
	f.readdress(v.mac(way.to), gatewayMAC)
	return verdict{to: way.to, frame: f}
}

// way is where a packet goes and the addresses it then has.
type way struct {
	to       Station
	src, dst netip.Addr
}

// route finds the way of a packet.
func (v *vpc) route(from Station, src, dst netip.Addr) (way, Reason) {
	if to, ok := v.service(dst); ok {
		if from < 0 {
			return way{}, NotANode
		}
		return way{to, src, dst}, ""
	}
	inner, bound := v.options.Binding.Private(dst)
	if bound || v.publicClient() && (from == Client || dst == v.options.Client) {
		return v.outside(from, way{src: src, dst: dst}, inner)
	}
	to, ok := v.inside(from, dst)
	if !ok {
		return way{}, NoHolder
	}
	return way{to, src, dst}, ""
}

// outside finds the way of a packet by the Internet: it leaves with a public
// address, and a public destination becomes the private address inner.
func (v *vpc) outside(from Station, w way, inner netip.Addr) (way, Reason) {
	if from != Client || !v.publicClient() {
		public, ok := v.options.Binding.Public(w.src)
		if !ok {
			return way{}, NoPublic
		}
		w.src = public
	}
	if v.publicClient() && w.dst == v.options.Client {
		w.to = Client
		return w, ""
	}
	to, ok := v.inside(from, inner)
	if !ok {
		return way{}, NoHolder
	}
	w.to, w.dst = to, inner
	return w, ""
}

// inside returns the station that a packet for a private address is delivered to.
func (v *vpc) inside(from Station, dst netip.Addr) (Station, bool) {
	if !dst.IsValid() {
		return 0, false
	}
	if dst == v.options.Client && !v.publicClient() {
		return Client, true
	}
	for i, n := range v.options.Nodes {
		if slices.Contains(n.addrs(), dst) {
			return Station(i), true
		}
	}
	to, ok := v.options.Binding.Holder(dst, from)
	return to, ok && to >= 0 && int(to) < len(v.options.Nodes)
}

// owns reports whether a station may send from an address.
func (v *vpc) owns(s Station, ip netip.Addr) bool {
	switch s {
	case Client:
		return ip == v.options.Client
	case Metadata, API:
		_, ok := v.service(ip)
		return ok
	default:
		return slices.Contains(v.options.Nodes[s].addrs(), ip) || v.options.Binding.Owns(s, ip)
	}
}

// service returns the station that serves at an address.
func (v *vpc) service(ip netip.Addr) (Station, bool) {
	for _, m := range metadataAddrs {
		if m == ip {
			return Metadata, true
		}
	}
	return API, ip == v.options.APIAddr.Addr()
}

// publicClient reports whether the client is on the Internet.
func (v *vpc) publicClient() bool { return !v.options.Subnet.Contains(v.options.Client) }

// mac returns the MAC of a station's interface.
func (v *vpc) mac(s Station) mac {
	switch s {
	case Client:
		return clientMAC
	case Metadata, API:
		return serviceMAC
	default:
		return mac(v.options.Nodes[s].MAC)
	}
}
