// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
)

// Station is an end of the fabric: a node by its index in [Options], or one of the
// constants.
type Station int

// The stations that are no nodes.
const (
	Client   Station = -1 // who talks to the service
	Metadata Station = -2 // the metadata services of all nodes
	API      Station = -3 // the cloud's API
)

// String returns a word for messages; nodes are counted from 0.
func (s Station) String() string {
	switch s {
	case Client:
		return "client"
	case Metadata:
		return "metadata"
	case API:
		return "api"
	default:
		return fmt.Sprintf("node %d", int(s))
	}
}

// nodesMax bounds what one machine is asked to carry.
const nodesMax = 16

// apiDefault is where nodes find the API unless told otherwise: link-local, so that
// no plan of addresses collides with it.
var apiDefault = netip.MustParseAddrPort("169.254.0.100:80")

// The metadata services answer on port 80 at the address that most clouds use, and
// at Tencent Cloud's second one (its page "Querying Instance Metadata" names it
// metadata.tencentyun.com).
const metadataPort = 80

var metadataAddrs = []netip.Addr{netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("169.254.0.23")}

// Options say what to build.
type Options struct {
	Subnet netip.Prefix // IPv4, of all nodes; its first address is the gateway's
	Nodes  []Node       // 1 to 16
	// Client is the client's address. Inside the subnet it is a machine of the same
	// network; outside it is somebody on the Internet, who reaches public addresses
	// only.
	Client  netip.Addr
	Binding Binding
	// API serves the nodes' calls at APIAddr (zero: 169.254.0.100:80) over plain
	// HTTP. A request's RemoteAddr is the address of the node that sent it. Nil:
	// connections are refused.
	API     http.Handler
	APIAddr netip.AddrPort
}

// Node is one machine.
type Node struct {
	Name    string
	MAC     net.HardwareAddr // 6 bytes, unicast
	Private netip.Addr       // its primary private address, within the subnet
	// Anchors are further IPv4 addresses on its interface that are always its own,
	// such as those that DigitalOcean translates reserved IPs to. They may lie outside
	// the subnet.
	Anchors []netip.Addr
	// Metadata serves this node at http://169.254.169.254 and http://169.254.0.23.
	// Nil: not found.
	Metadata http.Handler
}

// Binding is the cloud's word on who holds which address. It is asked for every
// packet, so that a change of the binding is in effect with the next one. The
// own addresses of nodes are not asked about. Methods are called
// concurrently and must not block.
type Binding interface {
	// Holder returns the node to which packets for ip are delivered that come from a
	// station: the holder of a private floating address, or of a destination in that
	// station's route table. False: nobody.
	Holder(ip netip.Addr, from Station) (node Station, ok bool)
	// Owns reports whether a node may send from ip.
	Owns(node Station, ip netip.Addr) bool
	// Private returns the private address that a public one stands for; false if it
	// is bound to nothing or no public address.
	Private(public netip.Addr) (netip.Addr, bool)
	// Public returns the public address by which a private one is seen outside;
	// false for none.
	Public(private netip.Addr) (netip.Addr, bool)
	// Announced tells of a gratuitous ARP that a node sent for ip, and reports
	// whether the cloud heeds announcements of that address at all. Whether this one
	// moved anything is between the cloud and Holder.
	Announced(node Station, ip netip.Addr) bool
}

// Reason is why a frame was not delivered.
type Reason string

// The reasons.
const (
	Malformed     Reason = "malformed"         // not what its headers say
	NotIPv4       Reason = "not-ipv4"          // neither IPv4 nor ARP
	Multicast     Reason = "multicast"         // to a group or to everybody, which the fabric does not do
	ForeignSource Reason = "foreign-source"    // from an address (IP or MAC) that its sender does not hold
	Announcement  Reason = "announcement"      // ARP that claims an address which does not move so
	UnansweredARP Reason = "unanswered-arp"    // a question outside the subnet, or about the asker's own address
	NoHolder      Reason = "no-holder"         // for an address that nobody holds
	NoPublic      Reason = "no-public-address" // to the Internet from an address without a public one
	CutLink       Reason = "cut"               // on a link that is cut
	Refused       Reason = "refused"           // by the firewall
	Undeliverable Reason = "undeliverable"     // the receiver's interface is down or full
	NotANode      Reason = "not-a-node"        // to metadata or the API from somebody who is no node
)

// validate fills in the default and reports everything that is wrong.
func (o *Options) validate() error {
	if !o.APIAddr.IsValid() {
		o.APIAddr = apiDefault
	}
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !o.Subnet.Addr().Is4() || o.Subnet.Bits() > 29 {
		return fmt.Errorf("read subnet: %s is no IPv4 prefix with room for a gateway and nodes", o.Subnet)
	}
	if len(o.Nodes) < 1 || len(o.Nodes) > nodesMax {
		bad("read nodes: %d, want 1 to %d", len(o.Nodes), nodesMax)
	}
	if !o.Client.Is4() {
		bad("read client: %s is no IPv4 address", o.Client)
	}
	switch at := o.APIAddr.Addr(); {
	case !at.Is4():
		bad("read API address: %s is not IPv4", at)
	case o.Subnet.Contains(at) || at == o.Client || slices.Contains(metadataAddrs, at):
		bad("read API address: %s belongs to the subnet, the client or the metadata service", at)
	}
	if o.Binding == nil {
		bad("read binding: it is missing")
	}
	addrs := map[netip.Addr]string{gateway(o.Subnet): "the gateway", o.Client: "the client"}
	macs := map[string]string{}
	for _, n := range o.Nodes {
		if !o.Subnet.Contains(n.Private) {
			bad("read node %s: %s is not in %s", n.Name, n.Private, o.Subnet)
		}
		for _, ip := range n.addrs() {
			if !ip.Is4() {
				bad("read node %s: %s is no IPv4 address", n.Name, ip)
			}
			if other := addrs[ip]; other != "" {
				bad("read node %s: %s belongs to %s", n.Name, ip, other)
			}
			addrs[ip] = n.Name
		}
		if len(n.MAC) != macLen || n.MAC[0]&1 != 0 {
			bad("read node %s: %q is no unicast MAC of 6 bytes", n.Name, n.MAC)
		}
		if other := macs[string(n.MAC)]; other != "" {
			bad("read node %s: MAC %s belongs to %s", n.Name, n.MAC, other)
		}
		macs[string(n.MAC)] = n.Name
	}
	return errors.Join(problems...)
}

// addrs returns the addresses that are always the node's own, the primary first.
func (n Node) addrs() []netip.Addr { return slices.Concat([]netip.Addr{n.Private}, n.Anchors) }

// gateway returns the first address of a subnet, which clouds keep for themselves.
func gateway(subnet netip.Prefix) netip.Addr { return subnet.Masked().Addr().Next() }
