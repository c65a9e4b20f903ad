// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
)

// canClaim reports what a node believes of a peer.
func (n *node) canClaim(peer string) bool {
	for _, g := range n.Snapshot().Groups {
		for _, other := range g.Nodes {
			if other.Name == peer {
				return other.CanClaim
			}
		}
	}
	return false
}

// hasKinds gives a node two kinds of address at its cloud, each with a driver.
func (n *node) hasKinds(p *parts, reserved, other providers.Provider) {
	p.clouds = func(cfg *config.Config) (*clouds, error) {
		cs := newClouds()
		for _, pr := range cfg.Providers {
			cs.add(cfg, pr.Name, registry.Cloud{Kinds: map[string]providers.Provider{"reserved-ip": reserved, "other": other}, Metadata: n.meta, Credentials: "x"})
		}
		return cs, nil
	}
}

// TestACardMayComeBackUnderAnotherName: the interface that is gone is no reason any more.
func TestACardMayComeBackUnderAnotherName(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s := newSegment(w)
		a, b := w.start(nodeA, s.join), w.start(nodeB, s.join)
		w.eventually("it leads", a.bound)
		w.pass(10 * time.Second)
		primary := privates[nodeB].Addr()
		for _, ev := range []netif.Event{
			{Kind: netif.EventDown, Iface: "eth0", Why: netif.WhySetDown, Addrs: []netip.Addr{primary, floating}},
			{Kind: netif.EventRemoved, Iface: "eth0", Addr: primary},
			{Kind: netif.EventDown, Iface: "eth0", Why: netif.WhyGone},
			{Kind: netif.EventUp, Iface: "eth1"},
			{Kind: netif.EventAdded, Iface: "eth1", Addr: floating}, // by hand: says nothing of the card
		} {
			w.must(b.engine.call(context.Background(), func() { b.engine.guestEvent(ev) }))
			w.pass(time.Second)
		}
		if b.text(condLinkDown) == "" || a.canClaim(nodeB) {
			t.Error("nobody minds that the card is gone")
		}
		w.must(b.engine.call(context.Background(), func() {
			b.engine.guestEvent(netif.Event{Kind: netif.EventAdded, Iface: "eth1", Addr: primary})
		}))
		w.pass(time.Minute)
		if text := b.text(condLinkDown); text != "" || !a.canClaim(nodeB) {
			t.Errorf("the card is back: can claim %v, %s", a.canClaim(nodeB), text)
		}
	})
}

// TestALinkThatWasDownWhenTheMachineWasRecognised is no reason once it carries again.
func TestALinkThatWasDownWhenTheMachineWasRecognised(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s := newSegment(w)
		other := netip.MustParseAddr("10.0.9.21")
		m := netif.NewMemory(netif.Link{Name: netif.Loopback},
			netif.Link{Name: "eth1", MAC: "02:00:5e:10:00:99", Prefixes: []netip.Prefix{netip.PrefixFrom(privates[nodeB].Addr(), 24)}},
			netif.Link{Name: "eth0", MAC: "02:00:5e:10:00:98", Prefixes: []netip.Prefix{netip.PrefixFrom(other, 24)}})
		m.OnAnnounce(func(f netif.Frame) error { return s.hear(nodeB, f) })
		s.machines[nodeB] = m
		m.SetLink("eth0", false)
		a := w.start(nodeA, s.join)
		b := w.start(nodeB, func(n *node, o *Options, p *parts) {
			s.join(n, o, p)
			n.meta.id.Target.PrivateIP = other
			n.meta.err = errors.New("not yet")
		})
		w.eventually("it leads", a.bound)
		w.pass(2 * time.Second)
		b.meta.set(nil)
		w.pass(20 * time.Second)
		m.SetLink("eth0", true)
		w.pass(time.Minute)
		if text := b.text(condLinkDown); text != "" || !a.canClaim(nodeB) {
			t.Errorf("a minute after the link is up: can claim %v, %s", a.canClaim(nodeB), text)
		}
	})
}

// TestALinkThatFlapsIsAnnouncedOnceASecond at most.
func TestALinkThatFlapsIsAnnouncedOnceASecond(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, _ := announcing(w)
		w.pass(20 * time.Second)
		s.take()
		for range 300 {
			a.ifaces.SetLink("eth0", false)
			w.pass(100 * time.Millisecond)
			a.ifaces.SetLink("eth0", true)
			w.pass(100 * time.Millisecond)
		}
		if n := len(s.take()); n > 61 || n == 0 {
			t.Errorf("%d announcements in a minute", n)
		}
	})
}

// TestAGroupGoesWithAReadOnlyWhereThatCostsNothing: one at rest beside one of another kind
// that is refreshed all the time.
func TestAGroupGoesWithAReadOnlyWhereThatCostsNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s := newSegment(w)
		two := address(1)
		w.must(w.cloud.AddAddress(fakecloud.Address{IP: two, Region: "fra1", Holder: target(nodeA)}))
		others := map[string]lister{}
		change := func(n *node, o *Options, p *parts) {
			s.join(n, o, p)
			first, second := lister{n.cloud, &[]int{}, nil}, lister{newDriver(w, n.name), &[]int{}, nil}
			others[n.name] = second
			g := o.Config.Groups[0]
			g.Name, g.VRID = "web1", g.VRID+1
			g.Addresses = []providers.Address{{Provider: "digitalocean", Kind: "other", IP: two}}
			o.Config.Groups = append(o.Config.Groups, g)
			n.hasKinds(p, first, second)
		}
		a := w.start(nodeA, change)
		w.start(nodeB, change)
		w.eventually("it has both", func() bool { return allBound(a) })
		w.pass(3 * time.Minute)
		_ = others[nodeA].taken()
		w.pass(10 * time.Minute)
		if n := len(others[nodeA].taken()); n > 11 {
			t.Errorf("%d reads in ten minutes of a group at rest", n)
		}
	})
}
