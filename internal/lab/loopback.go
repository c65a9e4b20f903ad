// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// loopback is the ground that needs no privileges: everything is on loopback
// addresses, and the lab carries what the network of a cloud would.
type loopback struct {
	*plan
	cloud     *cloud
	listeners []*face.Listener
	relay     *relay
	web       *floating
	probes    *floatingUDP
}

var _ ground = (*loopback)(nil)

// open implements ground.
func (g *loopback) open(c *cloud, o clusterOptions) (err error) {
	g.cloud = c
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

// listen binds the API and the metadata services.
func (g *loopback) listen() error {
	l, err := face.Listen(g.api().String(), g.cloud.vendor.api())
	if err != nil {
		return err
	}
	g.listeners = append(g.listeners, l)
	for i := range g.cloud.nodes {
		if l, err = face.Listen(g.metadata(i).String(), g.cloud.vendor.metadata(i)); err != nil {
			return err
		}
		g.listeners = append(g.listeners, l)
	}
	return nil
}

// delivers returns the number of the node that packets for the floating IP reach, or
// -1.
func (g *loopback) delivers() int { return g.cloud.delivers() }

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

// start implements ground.
func (g *loopback) start(_ int, c command) (*process, error) { return c.start() }

// dial implements ground.
func (g *loopback) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: askTimeout}).DialContext(ctx, network, address)
}

func (g *loopback) cut(broken bool)               { g.relay.cut(broken) }
func (g *loopback) cutFrom(i, j int, broken bool) { g.relay.cutFrom(i, j, broken) }
func (g *loopback) blind(yes bool)                { g.probes.closed.Store(yes) }
func (g *loopback) blinded() bool                 { return g.probes.closed.Load() }
func (g *loopback) lastHeard(i, j int) time.Time  { return g.relay.lastHeard(i, j) }
func (g *loopback) left(i int)                    { g.web.moved(i) }
