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
	w := worldOf(options{
		nodes: 2, survivors: 2, interval: time.Second, apiLatency: 20 * time.Millisecond, callsPerHour: 5000, clocks: make([]int64, 2),
		groups: []groupOptions{{kind: announce, addresses: 1, drift: 100 * time.Millisecond, displacedRetry: election.DisplacedRetryDefault}},
	}, newChance(1))
	w.faults.ends = map[int]func(){}
	for _, n := range w.nodes {
		w.start(n)
	}
	w.run(2*time.Minute, nil)
	a, b := w.nodes[0], w.nodes[1]
	deaf := func(n *node, by int) { w.api[n.id].on[APIBlackHole-APISlow] += by }
	announces := func(n *node) {
		last := n.hands[0].state.Addresses[0].AnnouncedAt
		for range 3000 {
			if w.run(2*time.Millisecond, nil); n.hands[0].state.Addresses[0].AnnouncedAt > last && n.machine.Role("g1") == election.Active {
				break
			}
		}
		deaf(n, 1)
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
		deaf(n, -1)
		announces(n)
	}
	moves := w.checks.moves - before
	heal()
	if moves > 1 || len(w.checks.found) > 0 {
		t.Errorf("%d moves where one is allowed; found %v", moves, w.checks.found)
	}
}
