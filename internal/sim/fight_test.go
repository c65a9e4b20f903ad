// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// TestAnAnnouncementThatNobodySawIsNoGroundToTakeTheAddressAgain: two nodes that do not
// hear each other, and for each the API is well just when it announces. Neither has read
// that the address came to it, so for each the other is whom its claim began from; they
// took it from each other with every moment in which the API was well (invariant 2).
func TestAnAnnouncementThatNobodySawIsNoGroundToTakeTheAddressAgain(t *testing.T) {
	t.Parallel()
	w := quietCluster(2, announce, nil)
	a, b := w.nodes[0], w.nodes[1]
	announces := func(n *node) {
		last := n.hands[0].state.Addresses[0].AnnouncedAt
		for range 3000 {
			if w.run(2*time.Millisecond, nil); n.hands[0].state.Addresses[0].AnnouncedAt > last && n.machine.Role("g1") == election.Active {
				break
			}
		}
		w.deaf(n, 1)
		w.run(150*time.Millisecond, nil)
	}
	apart := func(int, int) bool { return true }
	heal := w.cutAll(apart)
	announces(b)
	heal()
	w.run(1100*time.Millisecond, nil)
	heal = w.cutAll(apart)
	before := w.checks.moves
	announces(a)
	for i := range 4 { // the API of one of them is well for a moment, then that of the other
		w.run(4*time.Second, nil)
		n := []*node{b, a}[i%2]
		w.deaf(n, -1)
		announces(n)
	}
	moves := w.checks.moves - before
	heal()
	if moves > 2 || len(w.checks.found) > 0 { // a's, and what b had on its way
		t.Errorf("%d moves; found %v", moves, w.checks.found)
	}
}

// TestNodesWhoseIdentitiesAreSwappedDoNotFightForEver: each has the other's private address by
// the file, and so neither hears the other. Whatever they take each other for, the address
// does not go to and fro without end.
func TestNodesWhoseIdentitiesAreSwappedDoNotFightForEver(t *testing.T) {
	t.Parallel()
	for _, kind := range []moveKind{oneCall, oneCallLater, twoCalls, announce} {
		w := quietCluster(2, kind, nil)
		a, b := w.nodes[0], w.nodes[1]
		w.crash(a)
		w.crash(b)
		w.shutIn(func(*node) bool { return true })
		a.addr, b.addr = b.addr, a.addr
		w.startAll()
		before := w.checks.moves
		w.run(150*time.Second, nil) // four losses that count, half a minute apart; in two calls it takes longer
		if !kind.atomic() {
			w.run(12*time.Minute, nil)
		}
		moves := w.checks.moves - before
		w.run(20*time.Minute, nil)
		if more := w.checks.moves - before - moves; more > 0 {
			t.Errorf("%s: %d moves, and later %d; %s", kind, moves, more, w.state())
		}
	}
}

// TestAContentionNeedsLosses is the first half of the checker: a node that a replica fools may
// not call the address contended.
func TestAContentionNeedsLosses(t *testing.T) {
	t.Parallel()
	for losses, broken := range map[int]bool{0: true, lossesLeast - 1: true, lossesLeast: false} {
		w, n, _ := announcer()
		for range losses {
			w.must(w.model.Place(w.groups[0].addresses[0].IP, w.strangers[0]))
			w.must(w.model.Place(w.groups[0].addresses[0].IP, n.target))
		}
		w.checks.contends(w, n, &election.Action{Kind: election.Held, Group: "g1", Reason: election.ReasonContended})
		if got := len(w.checks.found) > 0; got != broken {
			t.Errorf("%d losses: found %v", losses, w.checks.found)
		}
	}
}

// TestReplicasThatAlternateAreNoFight: the address has just come to a node, and half of what it
// reads is from before. It takes back what is moved, as its file says, and lost nothing.
func TestReplicasThatAlternateAreNoFight(t *testing.T) {
	t.Parallel()
	for _, version := range []bool{true, false} {
		for _, latency := range []time.Duration{20 * time.Millisecond, 600 * time.Millisecond, 1200 * time.Millisecond} {
			for late := range time.Duration(4) {
				w := quietCluster(2, announce, func(o *options) {
					o.apiLatency = latency
					for range 2 {
						o.groups = append(o.groups, o.groups[0])
					}
					for i := range o.groups {
						o.groups[i].reclaim, o.groups[i].version, o.groups[i].unlisted = true, version, true
					}
				})
				b := w.nodes[1]
				for gi := range w.groups {
					w.ordered(b, gi)
					w.step(b, election.Assign{Group: w.groups[gi].name})
					w.turn(b)
				}
				w.run(time.Minute, func() bool { return b.machine.Role("g1") == election.Active && w.holds(b) })
				w.run(late*time.Second, nil)
				w.api[b.id].on[ReplicaAlternates-APISlow]++
				w.api[b.id].alternateBy = 30 * time.Second
				w.run(2*time.Minute, nil)
				if len(w.checks.found) > 0 || w.lacks(0) != "" {
					t.Errorf("bindings are told %v, %v a call, %d s after it came: %v; %s", version, latency, late, w.checks.found, w.state())
				}
			}
		}
	}
}
