// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/netlab"
	"github.com/fipctl/fipctl/pkg/providers"
)

// namespaces is the ground with real interfaces: every node and the client have a
// network namespace, and packets go by the word of the fake cloud. It needs root.
type namespaces struct {
	offer   offer
	cloud   *cloud
	fabric  *netlab.Fabric
	closed  atomic.Bool // no probe passes
	running sync.WaitGroup
}

var _ ground = (*namespaces)(nil)

// The network of the namespaces. Addresses of nodes follow that of the first.
var (
	nsSubnet = netip.MustParsePrefix("10.0.4.0/24")
	nsNode   = netip.MustParseAddr("10.0.4.20")
	// The client is a machine of the same network, or somebody on the Internet where
	// the floating IP is a public one.
	nsClient       = netip.MustParseAddr("10.0.4.50")
	nsPublicClient = netip.MustParseAddr("198.51.100.7")
	// The floating IPs, by kind; a kind that is not here is public.
	nsPublic  = netip.MustParseAddr("203.0.113.10")
	nsPrivate = map[string]netip.Addr{
		providers.KindHAVIP:     netip.MustParseAddr("10.0.4.99"),
		providers.KindPrivateIP: netip.MustParseAddr("10.0.4.99"),
		providers.KindRoute:     netip.MustParseAddr("172.16.0.9"),
	}
	// nsGateway is where node 0 is seen to come from on the Internet while it holds no
	// public address, as behind a NAT gateway; the others follow. Without one no
	// standby could probe a public address.
	nsGateway = netip.MustParseAddr("198.51.100.20")
)

// nsPatience is when the client gives up. What cannot be delivered vanishes, and its
// kernel sends it again after a second (RFC 6298 section 2): a request that waits for that
// would hide an outage.
const nsPatience = 900 * time.Millisecond

// patience implements layout.
func (*namespaces) patience() time.Duration { return nsPatience }

const nsAPI = "http://169.254.0.100"

// after returns the address n behind first.
func after(first netip.Addr, n int) netip.Addr {
	for range n {
		first = first.Next()
	}
	return first
}

// The layout.

func (g *namespaces) node(i int) netip.Addr { return after(nsNode, i) }

func (g *namespaces) nodeDaemon(i int) netip.AddrPort {
	return netip.AddrPortFrom(g.node(i), portDaemon)
}
func (g *namespaces) nodeWeb(i int) netip.AddrPort { return netip.AddrPortFrom(g.node(i), portWeb) }
func (g *namespaces) bound(int) netip.Addr         { return netip.IPv4Unspecified() }
func (g *namespaces) seen(_, j int) netip.AddrPort { return g.nodeDaemon(j) }
func (g *namespaces) floatingWeb() netip.AddrPort  { return netip.AddrPortFrom(g.floatingIP(), portWeb) }
func (g *namespaces) floatingDaemon() netip.AddrPort {
	return netip.AddrPortFrom(g.floatingIP(), portDaemon)
}
func (g *namespaces) apiURL() string               { return nsAPI }
func (g *namespaces) metadataURL(int) string       { return "" } // where the cloud has it
func (g *namespaces) subnetOf(string) netip.Prefix { return nsSubnet }

func (g *namespaces) floatingIP() netip.Addr {
	if ip, ok := nsPrivate[g.offer.kind]; ok {
		return ip
	}
	return nsPublic
}

// public reports whether the floating IP is a public address.
func (g *namespaces) public() bool { return g.floatingIP() == nsPublic }

// place implements ground.
func (g *namespaces) place() string { return "in network namespaces of this machine" }

// guestText implements ground.
func (g *namespaces) guestText() string {
	return "a daemon puts the address on an interface of its namespace; announcements are real"
}

// open implements ground.
func (g *namespaces) open(c *cloud, o clusterOptions) (err error) {
	g.cloud = c
	options := netlab.Options{Subnet: nsSubnet, Client: nsClient, Binding: g, API: c.vendor.api()}
	if g.public() {
		options.Client = nsPublicClient
	}
	for i, name := range nodeNames[:c.nodes] {
		options.Nodes = append(options.Nodes, netlab.Node{Name: name, MAC: macOf(i), Private: g.node(i), Metadata: c.vendor.metadata(i)})
	}
	if g.fabric, err = netlab.Open(options); err != nil {
		return err
	}
	g.blind(o.blind)
	if !c.offer.guest() || o.holder < 0 {
		return nil
	}
	return g.fabric.Do(netlab.Station(o.holder), func() error {
		return prepare(context.Background(), netif.Kernel{}, c.offer, g.floatingIP())
	})
}

// run implements ground.
func (g *namespaces) run(ctx context.Context) {
	g.running.Add(1)
	defer g.running.Done()
	_ = g.fabric.Run(ctx) // a fabric that breaks is an outage without a cause: the scenario fails
}

// close implements ground.
func (g *namespaces) close() {
	g.running.Wait()
	if g.fabric != nil {
		_ = g.fabric.Close() // nothing can remain
		g.fabric = nil
	}
}

// runArguments implements ground: guest steps go to the node's own kernel.
func (g *namespaces) runArguments() []string { return nil }

// power implements ground. What is on the node's interface stays: a daemon has to do
// with what an earlier one left.
func (g *namespaces) power(i int, on bool) { g.fabric.Isolate(netlab.Station(i), !on) }

// takeOff implements ground.
func (g *namespaces) takeOff(ctx context.Context, i int) (away time.Duration, err error) {
	err = g.fabric.Do(netlab.Station(i), func() (err error) {
		away, err = takenOff(ctx, netif.Kernel{}, g.offer, g.floatingIP())
		return err
	})
	return away, err
}

// start implements ground.
func (g *namespaces) start(i int, c command) (p *process, err error) {
	err = g.fabric.Do(netlab.Station(i), func() (err error) {
		p, err = c.start()
		return err
	})
	return p, err
}

// dial implements ground.
func (g *namespaces) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, nsPatience)
	defer cancel()
	return g.fabric.Dial(ctx, netlab.Client, network, address)
}

// cut implements ground.
func (g *namespaces) cut(broken bool) {
	for i := range g.cloud.nodes {
		for j := range g.cloud.nodes {
			if i != j {
				g.cutFrom(i, j, broken)
			}
		}
	}
}

// cutFrom implements ground: what the nodes say to each other in their own names is
// refused; what they ask the floating IP, and what it answers, is not.
func (g *namespaces) cutFrom(i, j int, broken bool) {
	g.fabric.Refuse(netlab.Datagrams{From: netlab.Station(i), Source: g.node(i), To: g.nodeDaemon(j)}, broken)
}

// blind implements ground.
func (g *namespaces) blind(yes bool) {
	g.closed.Store(yes)
	for i := range g.cloud.nodes {
		g.fabric.Refuse(netlab.Datagrams{From: netlab.Station(i), To: g.floatingDaemon()}, yes)
	}
}

func (g *namespaces) blinded() bool                { return g.closed.Load() }
func (g *namespaces) lastHeard(_, _ int) time.Time { return time.Time{} } // the fabric does not tell
func (g *namespaces) left(int)                     {}                     // packets go to the new holder at once

// within implements ground.
func (g *namespaces) within(pid int) string { return fmt.Sprintf("nsenter -t %d -n ", pid) }

// The binding of the fabric is the cloud's.

// Holder implements netlab.Binding for what is no public address.
func (g *namespaces) Holder(ip netip.Addr, _ netlab.Station) (netlab.Station, bool) {
	if ip != g.floatingIP() || g.public() {
		return 0, false
	}
	holder := g.cloud.delivers()
	return netlab.Station(holder), holder >= 0
}

// Owns implements netlab.Binding.
func (g *namespaces) Owns(node netlab.Station, ip netip.Addr) bool {
	holder, ok := g.Holder(ip, node)
	return ok && holder == node
}

// Private implements netlab.Binding.
func (g *namespaces) Private(public netip.Addr) (netip.Addr, bool) {
	if g.public() && public == g.floatingIP() {
		holder := g.cloud.delivers()
		return g.node(max(holder, 0)), holder >= 0
	}
	for i := range g.cloud.nodes {
		if g.public() && public == after(nsGateway, i) {
			return g.node(i), true
		}
	}
	return netip.Addr{}, false
}

// Public implements netlab.Binding.
func (g *namespaces) Public(private netip.Addr) (netip.Addr, bool) {
	for i := range g.cloud.nodes {
		switch {
		case !g.public() || private != g.node(i):
		case g.cloud.delivers() == i:
			return g.floatingIP(), true
		default:
			return after(nsGateway, i), true
		}
	}
	return netip.Addr{}, false
}

// Announced implements netlab.Binding: the cloud heeds what is announced of a HAVIP.
func (g *namespaces) Announced(node netlab.Station, ip netip.Addr) bool {
	return ip == g.floatingIP() && g.cloud.announced(int(node))
}
