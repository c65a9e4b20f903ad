// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
)

// quietCluster returns a cluster of a kind of address on which no faults come, two minutes
// after its start: the first node leads.
func quietCluster(nodes int, kind moveKind, change func(*options)) *world {
	o := options{
		nodes: nodes, survivors: nodes, steady: true, interval: time.Second, apiLatency: 20 * time.Millisecond, callsPerHour: 5000, clocks: make([]int64, nodes),
		groups: []groupOptions{{kind: kind, addresses: 1, drift: 100 * time.Millisecond, displacedRetry: election.DisplacedRetryDefault}},
	}
	if change != nil {
		change(&o)
	}
	w := worldOf(o, newChance(1))
	w.faults.ends = map[int]func(){}
	for _, n := range w.nodes {
		w.start(n)
	}
	w.run(2*time.Minute, nil)
	return w
}

// holds reports whether a node holds the first address of the first group.
func (w *world) holds(n *node) bool { return w.model.Holder(w.groups[0].addresses[0].IP) == n.target }

// deaf makes the API answer nothing to a node, or again.
func (w *world) deaf(n *node, by int) { w.api[n.id].on[APIBlackHole-APISlow] += by }

// TestAWriteLeavesOneReadAfterTheEndOfTheTimerAtMost, whatever a call takes, for every kind
// of address and every advert interval, and after the owner's word one read after that.
func TestAWriteLeavesOneReadAfterTheEndOfTheTimerAtMost(t *testing.T) {
	t.Parallel()
	for _, kind := range []moveKind{oneCall, oneCallLater, twoCalls, announce} {
		for _, interval := range []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second} {
			for _, call := range []time.Duration{20, 110, 300, 800, 1200, 2500, 2900} {
				for _, killed := range []bool{true, false} {
					call := call * time.Millisecond
					w := quietCluster(2, kind, func(o *options) { o.interval, o.apiLatency = interval, call/2 })
					a, b := w.nodes[0], w.nodes[1]
					w.run(interval/3, nil)
					allowed, before := 30*time.Millisecond, w.checks.writeN
					if killed {
						a.hostDown = true
						w.crash(a)
						allowed += election.ActiveDown(election.PriorityMin, interval)
					} else {
						w.step(a, election.Health{Group: "g1", Known: true})
						w.turn(a)
					}
					at := w.now
					for w.checks.writeN == before && w.now.Sub(at) < time.Minute {
						w.run(time.Millisecond, nil)
					}
					if took := w.now.Sub(at); took > allowed+call || !killed && took < call {
						t.Errorf("%v, adverts each %v, %v a call, killed %v: the write leaves after %v", kind, interval, call, killed, took)
					}
					if !w.run(time.Minute, func() bool { return w.holds(b) }) {
						t.Errorf("%v, adverts each %v, %v a call, killed %v: it never gets there", kind, interval, call, killed)
					}
				}
			}
		}
	}
}

// TestAServiceThatFailsWhereverTheAddressIsMovesItSeldom: the return delay bounds that, at
// every latency (docs/design.md section 5.9). A read of the address from before it went
// away is no ground to return.
func TestAServiceThatFailsWhereverTheAddressIsMovesItSeldom(t *testing.T) {
	t.Parallel()
	for _, kind := range []moveKind{oneCall, oneCallLater, announce} {
		for _, call := range []time.Duration{20, 800, 2500} {
			w := quietCluster(2, kind, func(o *options) { o.apiLatency = call * time.Millisecond / 2 })
			before, since, held := w.checks.moves, [2]election.Instant{w.now, w.now}, [2]bool{}
			for range 3000 {
				for i, n := range w.nodes {
					if h := w.holds(n); h != held[i] {
						held[i], since[i] = h, w.now
					}
					lasts, ok := w.now.Sub(since[i]), n.serviceOK[0]
					if held[i] && lasts > time.Second && ok || !held[i] && lasts > 200*time.Millisecond && !ok {
						n.serviceOK[0] = !ok
						w.tellHealth(n, 0)
						w.turn(n)
					}
				}
				w.run(100*time.Millisecond, nil)
			}
			if moves := w.checks.moves - before; moves > 10 {
				t.Errorf("%v, %d ms a call: %d moves in five minutes", kind, call, moves)
			}
		}
	}
}

// TestAHandIsSeenInHalfAMinuteByWhoeverCanRead: nodes that cannot read have no turn.
func TestAHandIsSeenInHalfAMinuteByWhoeverCanRead(t *testing.T) {
	t.Parallel()
	for cannot := range 3 {
		for wait := range 10 {
			w := quietCluster(3, oneCall, nil)
			for _, n := range w.nodes[1 : 1+cannot] {
				w.deaf(n, 1)
			}
			w.run(5*time.Minute+time.Duration(wait)*9*time.Second, nil)
			w.must(w.model.Place(w.groups[0].addresses[0].IP, w.strangers[0]))
			at := w.now
			w.run(5*time.Minute, func() bool { return w.nodes[0].seen.groups[0].read.Owner.Kind == election.OwnerForeign })
			if took := w.now.Sub(at); took > 32*time.Second {
				t.Errorf("%d of two standbys cannot read: it is seen after %v", cannot, took)
			}
		}
	}
}

// TestAReadThatHangsHidesNoEffect: a move has been accepted, and the first read after it gets
// no answer.
func TestAReadThatHangsHidesNoEffect(t *testing.T) {
	t.Parallel()
	for wait := range 10 { // the move takes another time in each
		w := quietCluster(2, oneCallLater, nil)
		w.run(time.Duration(wait)*time.Second, nil)
		a, b := w.nodes[0], w.nodes[1]
		a.hostDown = true
		w.crash(a)
		h := &b.hands[0]
		for h.state.Addresses[0].AcceptedAt == 0 || h.watch.Flying() != 0 {
			w.run(time.Millisecond, nil)
		}
		w.deaf(b, 1)
		for h.watch.Flying() == 0 {
			w.run(time.Millisecond, nil)
		}
		w.deaf(b, -1)
		accepted := w.now
		for !w.holds(b) {
			w.run(time.Millisecond, nil)
		}
		came := w.now
		for !h.state.Addresses[0].Mine {
			w.run(time.Millisecond, nil)
		}
		if late := w.now.Sub(came); late > max(hangsAtMost, came.Sub(accepted)/2) {
			t.Errorf("it is seen %v after it has come, in %v", late, came.Sub(accepted))
		}
	}
}

// hangsAtMost is after what time a read counts as hanging where calls take 20 ms, and what
// another one takes.
const hangsAtMost = 800 * time.Millisecond

// TestRefreshesKeepToTheBudgetAndShareTheirReads: nobody waits for them (invariant 12).
func TestRefreshesKeepToTheBudgetAndShareTheirReads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ groups, calls, most int }{{1, 5000, 360}, {8, 5000, 370}, {8, 300, 32}} {
		w := quietCluster(2, announce, func(o *options) {
			o.callsPerHour = tt.calls
			for len(o.groups) < tt.groups {
				o.groups = append(o.groups, o.groups[0])
			}
		})
		w.run(10*time.Minute, nil)
		w.checks.readCalls = make([]int, 2)
		w.run(30*time.Minute, nil)
		if got := w.checks.readCalls[0]; got > tt.most || got < tt.most/2 {
			t.Errorf("%d groups, %d calls an hour: %d owner reads of the node that leads in half an hour", tt.groups, tt.calls, got)
		}
	}
}

// TestAnAnnouncementIsReadForWhileItIsPrepared: what the kernel takes makes no read too old.
func TestAnAnnouncementIsReadForWhileItIsPrepared(t *testing.T) {
	t.Parallel()
	w := quietCluster(2, announce, nil)
	n := w.nodes[0]
	h := &n.hands[0]
	for h.busy {
		w.run(time.Millisecond, nil)
	}
	a := h.state.Addresses[0]
	h.busy, h.announcing = true, true
	s := &guestStep{
		decision: controller.Decision{Step: controller.Announce, Repeat: true, Seen: a.Seen},
		term:     n.machine.Permit("g1").Term, began: a.Began, ended: a.Ended, here: true,
	}
	w.decide(n, h)
	w.turn(n)
	w.run(10*time.Second, nil)
	if why := w.withheld(n, h, s); why != election.ReasonNone {
		t.Errorf("after ten seconds of preparing it is withheld: %s", why)
	}
}
