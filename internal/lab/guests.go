// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"net/netip"
	"slices"

	"github.com/fipctl/fipctl/internal/netif"
)

// guests plays the interfaces of the nodes, where what a daemon does to them would need
// root: what it puts there, and what it announces. A machine that is switched off keeps
// nothing; one whose daemon dies keeps all.
type guests struct {
	ip       netip.Addr
	machines netif.Machines
}

// newGuests returns one machine per node, each with its private address. announce
// hears what they announce of the floating IP.
func newGuests(at layout, nodes int, announce func(i int) bool) *guests {
	g := &guests{ip: at.floatingIP(), machines: netif.Machines{}}
	for i, name := range nodeNames[:nodes] {
		m := netif.NewMemory(
			netif.Link{Name: netif.Loopback},
			netif.Link{Name: guestInterface, MAC: macOf(i).String(), Prefixes: []netip.Prefix{netip.PrefixFrom(at.node(i), at.node(i).BitLen())}},
		)
		m.OnAnnounce(func(f netif.Frame) error {
			if f.Addr == g.ip {
				announce(i) // whether the cloud heeds it, the sender does not learn
			}
			return nil
		})
		g.machines[name] = m
	}
	return g
}

// prepare gives the holder that a scenario begins with the address, as an earlier daemon
// would have: without it, what asks through the address at the start gets no answer.
func prepare(ctx context.Context, m netif.Interfaces, o offer, ip netip.Addr) error {
	_, err := m.AddHost(ctx, ip, interfaceOf(o))
	return err
}

// guestInterface is the one that has a node's private address.
const guestInterface = "eth0"

// forget takes off node i whatever a daemon put there.
func (g *guests) forget(i int) {
	ctx, m := context.Background(), g.machines[nodeNames[i]]
	names, _ := m.Placed(ctx, g.ip) // in memory: nothing can fail
	for _, name := range names {
		_ = m.RemoveHost(ctx, g.ip, name)
	}
}

// has reports whether node i has the floating IP.
func (g *guests) has(i int) bool {
	local, err := g.machines[nodeNames[i]].Local(context.Background())
	return err == nil && slices.Contains(local, g.ip)
}
