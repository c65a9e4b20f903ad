// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	"github.com/fipctl/fipctl/internal/netif"
)

// playedGuests are the guests of three nodes, and the daemon's side of the second.
func playedGuests(t *testing.T, announce func(int) bool) (*guests, *plan, *netif.Remote) {
	t.Helper()
	p := &plan{prefix: [3]byte{127, 83, 20}, daemon: portDaemon, web: portWeb}
	g := newGuests(p, len(nodeNames), announce)
	server := httptest.NewServer(g.machines)
	t.Cleanup(server.Close)
	remote, err := netif.NewRemote(server.URL, nodeNames[standbyNode])
	if err != nil {
		t.Fatal(err)
	}
	return g, p, remote
}

func TestAGuestHasWhatItsDaemonPutThere(t *testing.T) {
	t.Parallel()
	g, p, remote := playedGuests(t, nil)
	ctx := t.Context()
	iface, err := remote.InterfaceByAddress(ctx, p.node(standbyNode))
	if err != nil || g.has(standbyNode) {
		t.Fatalf("interface %q, %v; the guest has the address from the start: %v", iface, err, g.has(standbyNode))
	}
	if _, err := remote.AddHost(ctx, p.floatingIP(), iface); err != nil {
		t.Fatal(err)
	}
	if !g.has(standbyNode) || g.has(ownerNode) {
		t.Errorf("after a step of lb-b: lb-b %v, lb-a %v", g.has(standbyNode), g.has(ownerNode))
	}
	g.forget(standbyNode)
	if g.has(standbyNode) {
		t.Error("a machine that was switched off keeps the address")
	}
	if _, err := remote.AddHost(ctx, p.floatingIP(), netif.Loopback); err != nil || !g.has(standbyNode) {
		t.Errorf("a route's address goes to loopback: %v", err)
	}
}

func TestTheCloudHearsWhatAGuestAnnounces(t *testing.T) {
	t.Parallel()
	var heard []int
	_, p, remote := playedGuests(t, func(i int) bool { heard = append(heard, i); return true })
	ctx := t.Context()
	announce := func(ip netip.Addr) error {
		_, err := remote.Announce(ctx, ip, "eth0", func() error { return nil })
		return err
	}
	_, err := remote.AddHost(ctx, p.floatingIP(), "eth0")
	for _, step := range []error{
		err,
		announce(p.floatingIP()),
		announce(p.node(standbyNode)), // not the floating IP
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	if !slices.Equal(heard, []int{standbyNode, standbyNode}) { // by either frame
		t.Errorf("heard of nodes %v", heard)
	}
}

func TestTheFirstHolderHasTheAddressFromBefore(t *testing.T) {
	t.Parallel()
	for _, o := range offers() {
		for holder := range map[int]bool{ownerNode: true, heldByNobody: true, heldByStranger: true} {
			so := clusterOptions{settings: settings{nodes: pairNodes}, offer: o, holder: holder}
			g := &loopback{plan: testPlan(t), six: o.six}
			c, err := openCloud(o, g, so)
			if err == nil {
				err = g.open(c, so)
			}
			if err != nil {
				t.Fatal(err)
			}
			want := -1
			if holder == ownerNode {
				want = ownerNode
			}
			if got := g.delivers(); got != want {
				t.Errorf("%s held by %d: clients reach %d", o.name(), holder, got)
			}
			g.close()
		}
	}
}

// Where the guest must have the address, a missing one is an outage.
func TestClientsReachAGuestOnlyIfItHasTheAddress(t *testing.T) {
	t.Parallel()
	for _, o := range offers() {
		g := loopbackOf(o)
		g.cloud = memoryCloudAt(t, o, g)
		if o.guest() {
			g.guests = newGuests(g, len(nodeNames), g.cloud.announced)
			if got := g.delivers(); got != -1 {
				t.Errorf("%s: without the guest's step clients reach node %d", o.name(), got)
			}
			if _, err := g.guests.machines[nodeNames[ownerNode]].AddHost(t.Context(), g.floatingIP(), interfaceOf(o)); err != nil {
				t.Fatal(err)
			}
		}
		if got := g.delivers(); got != ownerNode {
			t.Errorf("%s: clients reach node %d", o.name(), got)
		}
		if err := g.cloud.place(standbyNode); err != nil {
			t.Fatal(err)
		}
		want := standbyNode
		if o.guest() {
			want = -1
		}
		if got := g.delivers(); got != want {
			t.Errorf("%s: moved to lb-b by hand, clients reach node %d, want %d", o.name(), got, want)
		}
		if args := g.runArguments(); (len(args) > 0) != o.guest() {
			t.Errorf("%s: daemons are told %q", o.name(), args)
		}
	}
}

func TestOnlyAnnouncementsThatMayMoveTheAddressAreNews(t *testing.T) {
	t.Parallel()
	var a announcements
	for _, s := range []struct {
		ms, node, holder int
		since            int // when the address last moved
	}{
		{10, 0, 0, 0},                          // its holder refreshes it
		{20, 1, 0, 0},                          // a claim
		{30, 1, 0, 0},                          // and its repetition
		{1100, 1, 1, 1000},                     // its holder again
		{2100, 1, 0, 2000},                     // moved away by another hand: a new claim of the same node
		{2200, 0, 0, 2000}, {2300, 1, 0, 2000}, // the two side by side
	} {
		a.add(at(s.ms), s.node, s.holder, at(s.since))
	}
	var got []int
	for _, n := range a.taken() {
		got = append(got, int(n.at.Sub(at(0)).Milliseconds()))
	}
	if want := []int{20, 2100}; !slices.Equal(got, want) {
		t.Errorf("noted at %v, want %v", got, want)
	}
}
