// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
)

// TestEveryWindowIsUsed: a fault that only opens a window does something in some history.
func TestEveryWindowIsUsed(t *testing.T) {
	t.Parallel()
	unused := map[Fault]bool{
		ReplyLost: true, WriteLate: true, StaleRead: true, AsyncFails: true, ReadsThrottled: true, APIHangs: true,
		ReplicaAlternates: true, ReplicaOld: true, NetlinkSlow: true,
	}
	for seed := uint64(1); seed <= 40 && len(unused) > 0; seed++ {
		w := newWorld(seed)
		w.live(nil)
		for f := range unused {
			if w.faults.hits[f] > 0 {
				delete(unused, f)
			}
		}
	}
	for f := range unused {
		t.Errorf("no history of the seeds 1 to 40 has used %s", f)
	}
}

// announcer returns a world in which the first node leads an announced group, and the
// hand that it has for it.
func announcer() (*world, *node, *hand) {
	o := options{
		nodes: 2, interval: time.Second, apiLatency: 100 * time.Millisecond, callsPerHour: 5000,
		groups: []groupOptions{{kind: announce, addresses: 1}},
	}
	w := worldOf(o, newChance(5))
	for _, n := range w.nodes {
		w.start(n)
	}
	w.run(20*time.Second, nil)
	return w, w.nodes[0], &w.nodes[0].hands[0]
}

// TestASlowKernelStandsBeforeThePermit: it takes its time, and then the gate is asked, so
// that a role lost meanwhile counts.
func TestASlowKernelStandsBeforeThePermit(t *testing.T) {
	t.Parallel()
	for _, loses := range []bool{false, true} {
		w, n, h := announcer()
		if n.machine.Role("g1") != election.Active {
			t.Fatalf("%s is %s", n.name, n.machine.Role("g1"))
		}
		if d := w.netlink(n); d != 0 {
			t.Errorf("a kernel that is not slow takes %v", d)
		}
		for range 1000 {
			if a := h.state.Addresses[0]; w.now.Sub(a.Ended) < 100*time.Millisecond && !h.busy {
				break
			}
			w.run(time.Second/20, nil)
		}
		n.netlinkSlow++
		a, p := h.state.Addresses[0], n.machine.Permit("g1")
		w.startGuest(n, h, controller.Decision{Step: controller.Announce, Repeat: true, Seen: a.Seen}, p)
		if loses {
			w.step(n, election.Drain{Group: "g1", Force: true})
		}
		w.run(2*netlinkMax+time.Second/100, nil)
		if left := h.state.Addresses[0].AnnouncedAt > a.AnnouncedAt; left == loses || len(w.checks.found) > 0 {
			t.Errorf("the role is lost %v, the frame leaves %v; found %v", loses, left, w.checks.found)
		}
	}
}

// TestAStepOfASlowKernelIsGivenItsTime: an address may stay for a second after the last
// slow step, and no longer.
func TestAStepOfASlowKernelIsGivenItsTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after  time.Duration
		broken bool
	}{"0.9 s after it": {900 * time.Millisecond, false}, "1.1 s after it": {1100 * time.Millisecond, true}} {
		w, _, _ := announcer()
		b := w.nodes[1]
		w.now = w.now.Add(time.Minute)
		b.addresses = map[[2]int]bool{{0, 0}: true}
		w.checks.leftover(w, b, 0)
		b.netlinkUntil = w.local(b).Add(netlinkMax)
		w.now = w.now.Add(netlinkMax + tc.after)
		w.checks.leftover(w, b, 0)
		if got := len(w.checks.found) > 0; got != tc.broken {
			t.Errorf("%s: found %v", name, w.checks.found)
		}
	}
}

// TestAClockIsReadForwardsAndBackwards: when it shows an instant is the first instant of
// the world at which it does, however it has run.
func TestAClockIsReadForwardsAndBackwards(t *testing.T) {
	t.Parallel()
	c := newChance(6)
	for range 2000 {
		now := election.Instant(time.Hour)
		k := clock{shows: now, since: now, fast: c.Int64N(2*driftMax+1) - driftMax}
		for range 3 {
			now = now.Add(c.between(0, time.Hour))
			k.goesOn(now, k.at(now), c.Int64N(2*driftMax+1)-driftMax)
		}
		shows := k.at(now).Add(c.between(0, 10*time.Hour))
		at := k.when(shows)
		if k.at(at) < shows || at > k.since && k.at(at-1) >= shows {
			t.Fatalf("%+v: shows %d at %d, and %d one before; want %d", k, k.at(at), at, k.at(at-1), shows)
		}
	}
	k := clock{fast: driftMax}
	if got := k.at(election.Instant(100 * time.Second)); got != election.Instant(105*time.Second) {
		t.Errorf("5 %% fast, it shows %v after 100 s", time.Duration(got))
	}
}

// TestANodeCountsByItsOwnClock: its adverts, the uptime in them and its deadlines.
func TestANodeCountsByItsOwnClock(t *testing.T) {
	t.Parallel()
	w, n, _ := announcer()
	const fast = 50_000
	began, ran := w.local(n), 100*time.Second
	w.runClock(n, fast)
	seen := &w.nodes[1].seen.peers[n.id]
	heard := seen.heard
	w.run(ran, nil)
	if got := w.local(n).Sub(began); got != 105*time.Second {
		t.Errorf("in %v its clock has got %v further", ran, got)
	}
	if got := seen.heard - heard; got < 104 || got > 106 {
		t.Errorf("it sent %d adverts in %v, want 105", got, ran)
	}
	if got := w.lasting(n, 3*time.Second); got < 2857*time.Millisecond || got > 2858*time.Millisecond {
		t.Errorf("its deadline of 3 s takes %v", got)
	}
	w.pause(n, true)
	shows := w.local(n)
	w.run(10*time.Second, nil)
	if w.local(n) != shows {
		t.Errorf("a clock that stands still went on for %v", w.local(n).Sub(shows))
	}
	w.wake(n)
	if w.local(n) != shows || n.clock.stoodAt != w.now {
		t.Errorf("when it goes on, it shows %v more", w.local(n).Sub(shows))
	}
}

// TestAStallThatWasNoneIsTheDriftOfClocks is the checker of verdicts by uptime.
func TestAStallThatWasNoneIsTheDriftOfClocks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(w *world, n *node, p *packet)
		broken bool
	}{
		"it ran all the while":            {func(*world, *node, *packet) {}, true},
		"its clocks stood still":          {func(w *world, n *node, _ *packet) { n.clock.stoodAt = w.now }, false},
		"it stood still for a moment":     {func(w *world, n *node, _ *packet) { n.wokeAt = w.now }, false},
		"its own adverts are overdue":     {func(w *world, n *node, _ *packet) { n.seen.peers[1].told -= election.Instant(time.Minute) }, false},
		"the peer's adverts came late":    {func(_ *world, n *node, _ *packet) { n.seen.peers[1].recent[0].late = 3 * time.Second }, false},
		"the peer's session is a new one": {func(_ *world, _ *node, p *packet) { p.advert.Session++ }, false},
	} {
		w, n, _ := announcer()
		p := &packet{from: 1, to: n.id, sent: w.now, advert: election.Advert{Session: w.nodes[1].session}}
		tc.before(w, n, p)
		w.checks.verdict(w, n, p)
		if got := len(w.checks.found) > 0; got != tc.broken {
			t.Errorf("%s: found %v", name, w.checks.found)
		}
	}
}

// TestCheckersAllowForDrift: as much as the worst clock of the history gives reason for.
func TestCheckersAllowForDrift(t *testing.T) {
	t.Parallel()
	c := checks{}
	if c.atMost(time.Minute) != time.Minute || c.counted(time.Minute) != time.Minute || c.apart(time.Minute) != 0 {
		t.Error("something is allowed although all clocks are right")
	}
	c.drift = 50_000
	if got := c.atMost(95 * time.Second); got != 100*time.Second {
		t.Errorf("95 s of a clock that is 5 %% slow may take %v", got)
	}
	if got := c.counted(100 * time.Second); got != 105*time.Second {
		t.Errorf("a clock that is 5 %% fast counts %v in 100 s", got)
	}
	if got := c.apart(100 * time.Second); got != 10*time.Second {
		t.Errorf("in 100 s two clocks are %v apart", got)
	}
}

// TestANodeIsFooledByAReadFromBeforeItsOwnWrite is the checker of section 5.8 on reads of
// the previous owner.
func TestANodeIsFooledByAReadFromBeforeItsOwnWrite(t *testing.T) {
	t.Parallel()
	before := election.OwnerRead{Owner: election.Owner{Kind: election.OwnerNode, Node: "b"}}
	for name, tc := range map[string]struct {
		during func(w *world, g *shadowGroup, read *election.OwnerRead)
		broken bool
	}{
		"it names the owner of before": {func(*world, *shadowGroup, *election.OwnerRead) {}, true},
		"it names another":             {func(_ *world, _ *shadowGroup, r *election.OwnerRead) { r.Owner.Node = "c" }, false},
		"it shows another binding":     {func(_ *world, _ *shadowGroup, r *election.OwnerRead) { r.Version = "2" }, false},
		"the address has gone there": {func(w *world, _ *shadowGroup, _ *election.OwnerRead) {
			w.must(w.model.Place(w.groups[0].addresses[0].IP, w.nodes[1].target))
		}, false},
		"the cloud should know by then":   {func(w *world, _ *shadowGroup, _ *election.OwnerRead) { w.now = w.now.Add(5 * time.Second) }, false},
		"no write of it was acknowledged": {func(_ *world, g *shadowGroup, _ *election.OwnerRead) { g.ackedAt = 0 }, false},
	} {
		w, n, _ := announcer()
		w.groups[0].config.SettleTime = 5 * time.Second
		g := &n.seen.groups[0]
		g.from = before
		n.seen.writeOver(0, w.local(n), true)
		read := before
		tc.during(w, g, &read)
		read.Began, read.Ended = w.local(n), w.local(n)
		n.seen.read(w, 0, read)
		w.checks.changed(w, n, &election.Action{Kind: election.Changed, Group: "g1", From: election.Active, To: election.Backup, Reason: election.ReasonDisplaced})
		if got := len(w.checks.found) > 0; got != tc.broken {
			t.Errorf("%s: found %v", name, w.checks.found)
		}
	}
}

// TestAStepInTheGuestHoldsUpNoRead, as in the daemon; a write does.
func TestAStepInTheGuestHoldsUpNoRead(t *testing.T) {
	t.Parallel()
	w, n, h := announcer()
	h.watch, h.busy = controller.Watch{}, true // nothing was read yet
	if groups, _ := w.wanted(n, w.local(n)); len(groups) != 1 {
		t.Error("beside a step in the guest, no read is wanted")
	}
	h.write = &write{}
	if groups, _ := w.wanted(n, w.local(n)); len(groups) != 0 {
		t.Error("beside a write, a read is wanted")
	}
}

// TestBoundNeedsAReadOfThisTerm is the checker of invariant 6 on reads that are too old.
func TestBoundNeedsAReadOfThisTerm(t *testing.T) {
	t.Parallel()
	for before, broken := range map[time.Duration]bool{-time.Second: false, 3900 * time.Millisecond: false, 4100 * time.Millisecond: true} {
		w, n, _ := announcer()
		g := &n.seen.groups[0]
		g.activeAt = g.read.Began.Add(before)
		advert := election.GroupAdvert{VRID: 1, Role: election.Active, Flags: election.FlagBound}
		w.checks.sends(w, n, &election.Action{Kind: election.Send, Peer: "b", Advert: &election.Advert{Groups: []election.GroupAdvert{advert}}})
		if got := len(w.checks.found) > 0; got != broken {
			t.Errorf("active %v after the read began: found %v", before, w.checks.found)
		}
	}
}

func TestABreachIsToldOnce(t *testing.T) {
	t.Parallel()
	w := callWorld()
	for _, text := range []string{"one", "one", "another", "another"} {
		w.checks.broken(w, checkWitness, "%s", text)
	}
	if len(w.checks.found) != 2 || w.checks.fatal != 2 {
		t.Errorf("found %v", w.checks.found)
	}
}
