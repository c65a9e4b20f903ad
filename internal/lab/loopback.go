// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// loopback is the ground that needs no privileges: everything is on loopback
// addresses, and the lab carries what the network of a cloud would. There is one IPv6
// address on loopback, and daemons that listen on IPv4 could not send to it: a floating IPv6
// is a name for the cloud and the guests, clients reach its owner by an IPv4 address, and no
// probe is on its way.
type loopback struct {
	*plan
	six       bool // the floating IP is an IPv6
	cloud     *cloud
	listeners []*face.Listener
	relay     *relay
	web       *floating
	probes    *floatingUDP
	guests    *guests // nil: the guest need not do anything
}

var _ ground = (*loopback)(nil)

// loopbackIPv6 is the floating IPv6 of every lab: nothing is ever sent to it.
var loopbackIPv6 = netip.MustParseAddr("2001:db8::10")

// floatingIP implements layout.
func (g *loopback) floatingIP() netip.Addr {
	if g.six {
		return loopbackIPv6
	}
	return g.plan.floatingIP()
}

// place implements ground.
func (g *loopback) place() string { return "all on this machine" }

// guestText implements ground.
func (g *loopback) guestText() string {
	return "what a daemon does to interfaces is handed to the lab, not to the kernel; announcements to the fake cloud"
}

// open implements ground.
func (g *loopback) open(c *cloud, o clusterOptions) (err error) {
	g.cloud = c
	if c.offer.guest() {
		g.guests = newGuests(g, c.nodes, c.announced)
	}
	if g.guests != nil && o.holder >= 0 {
		m := g.guests.machines[nodeNames[o.holder]]
		if err := prepare(context.Background(), m, c.offer, g.floatingIP()); err != nil {
			return err
		}
	}
	if err := g.listen(); err != nil {
		return err
	}
	if g.relay, err = openRelay(g.plan, nodeNames[:o.nodes], o.seed); err != nil {
		return err
	}
	if g.web, err = openFloating(g.floatingWeb(), g.delivers, g.nodeWeb); err != nil {
		return err
	}
	if g.probes, err = openFloatingUDP(g.floatingDaemon(), g.delivers, g.nodeDaemon); err != nil {
		return err
	}
	g.blind(o.blind)
	return nil
}

// listen binds the API, the metadata services, and what plays the guests.
func (g *loopback) listen() error {
	served := map[netip.AddrPort]http.Handler{g.api(): g.cloud.vendor.api()}
	for i := range g.cloud.nodes {
		served[g.metadata(i)] = g.cloud.vendor.metadata(i)
	}
	if g.guests != nil {
		served[g.guest()] = g.guests.machines
	}
	for at, handler := range served {
		l, err := face.Listen(at.String(), handler)
		if err != nil {
			return err
		}
		g.listeners = append(g.listeners, l)
	}
	return nil
}

// delivers returns the number of the node that packets for the floating IP reach, or
// -1: where the cloud sends them, if that machine has the address.
func (g *loopback) delivers() int {
	node := g.cloud.delivers()
	if node >= 0 && g.guests != nil && !g.guests.has(node) {
		return -1
	}
	return node
}

// runArguments implements ground: the lab plays what a daemon would do to interfaces.
func (g *loopback) runArguments() []string {
	if g.guests == nil {
		return nil
	}
	return []string{"--guest-endpoint", "http://" + g.guest().String()}
}

// power implements ground.
func (g *loopback) power(i int, on bool) {
	if !on && g.guests != nil {
		g.guests.forget(i)
	}
}

// run implements ground.
func (g *loopback) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range g.listeners {
		wg.Go(func() { _ = l.Run(ctx) }) // what it could complain of, the daemons notice
	}
	wg.Go(func() { g.relay.run(ctx, g.plan) })
	wg.Go(func() { g.web.run(ctx) })
	wg.Go(func() { g.probes.run(ctx) })
	wg.Wait()
}

// close implements ground.
func (g *loopback) close() {
	for _, l := range g.listeners {
		_ = l.Close() // the processes that used it are gone
	}
	if g.relay != nil {
		g.relay.close()
	}
	if g.web != nil {
		_ = g.web.listener.Close() // closed already if it was served
	}
	if g.probes != nil {
		g.probes.close()
	}
}

// takeOff implements ground.
func (g *loopback) takeOff(ctx context.Context, i int) (time.Duration, error) {
	return takenOff(ctx, g.guests.machines[nodeNames[i]], g.cloud.offer, g.floatingIP())
}

// start implements ground.
func (g *loopback) start(_ int, c command) (*process, error) { return c.start() }

// dial implements ground.
func (g *loopback) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: askTimeout}).DialContext(ctx, network, address)
}

func (g *loopback) cut(broken bool)               { g.relay.cut(broken) }
func (g *loopback) cutFrom(i, j int, broken bool) { g.relay.cutFrom(i, j, broken) }
func (g *loopback) blind(yes bool)                { g.probes.closed.Store(yes) }
func (g *loopback) blinded() bool                 { return g.six || g.probes.closed.Load() }
func (g *loopback) lastHeard(i, j int) time.Time  { return g.relay.lastHeard(i, j) }
func (g *loopback) within(int) string             { return "" }
func (g *loopback) left(i int)                    { g.web.moved(i) }
