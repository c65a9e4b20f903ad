// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// TestAQuietHourCostsLittle runs a healthy cluster for an hour: nothing changes, the
// nodes take turns to read, one each thirty seconds, and the machine is stepped only when
// something is due (invariant 12). A deadline that does not move would show here
// as a multitude of steps.
func TestAQuietHourCostsLittle(t *testing.T) {
	t.Parallel()
	w := quietWorld("a", "b", "c")
	for _, name := range w.names {
		w.start(name)
	}
	w.run(2 * time.Minute)
	before := map[string]worldNode{}
	for name, n := range w.nodes {
		before[name] = *n
	}
	w.quiet, w.log = false, nil
	w.run(time.Hour)
	all := 0
	for name, n := range w.nodes {
		steps, reads := n.seen.steps-before[name].seen.steps, n.hand.reads-before[name].hand.reads
		// Own adverts and those of two peers, reads, probes, and per advert at most
		// one tick at which its sender is not yet suspicious.
		if steps > 3600*4 {
			t.Errorf("%s: %d steps", name, steps)
		}
		if reads < 3600/90-2 || reads > 3600/90+2 {
			t.Errorf("%s: %d reads", name, reads)
		}
		all += reads
	}
	if all > 3600/30 {
		t.Errorf("%d reads of all nodes", all)
	}
	if len(w.log) != 0 || len(w.wrong) != 0 {
		t.Errorf("something happened: %v %v", w.log, w.wrong)
	}
}

// TestReadsKeepToTheBudgetInEveryLastingState: states that may last for days are
// read at the steady pace once their first minute is over.
func TestReadsKeepToTheBudgetInEveryLastingState(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		begin func(*world)
		every time.Duration
	}{
		{"a standby is dead", func(w *world) { w.crash("b") }, 15 * time.Second},
		{"a stranger holds the address", func(w *world) { w.move(Owner{Kind: OwnerForeign}) }, 15 * time.Second},
		{"the link is cut and a probe holds", func(w *world) {
			w.probes = true
			w.run(20 * time.Second)
			w.link([]string{"a", "b"}, true)
		}, 15 * time.Second},
		{"the standby is drained", func(w *world) { w.step(w.nodes["b"], Drain{Group: "web"}) }, 15 * time.Second},
		{"the API is down", func(w *world) { w.cloud.down = true }, 15 * time.Second},
		{"the owner is dead and the API is down", func(w *world) {
			w.cloud.down = true
			w.crash("a")
		}, time.Second},
		{"an offer was never withdrawn", func(w *world) {
			w.cloud.downFor["b"] = true
			w.step(w.nodes["a"], HandTo{"web", "b"})
			w.run(500 * time.Millisecond)
			w.crash("a")
			w.cloud.downFor["b"] = false
		}, 15 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld("a", "b")
			w.start("a")
			w.start("b")
			w.run(time.Minute)
			tt.begin(w)
			w.run(3 * time.Minute)
			for _, n := range w.nodes {
				before := n.hand.reads
				steps := n.seen.steps
				w.run(10 * time.Minute)
				if got, most := n.hand.reads-before, int(10*time.Minute/tt.every)+1; got > most {
					t.Errorf("%s: %d reads in ten minutes, want at most %d", n.name, got, most)
				}
				if got := n.seen.steps - steps; got > 5*600 {
					t.Errorf("%s: %d steps in ten minutes", n.name, got)
				}
			}
		})
	}
}

// TestAClaimNeverWaitsForTheReadBudget: whenever the owner dies, also right after a
// read of the steady pace, it is decided at the end of active-down.
func TestAClaimNeverWaitsForTheReadBudget(t *testing.T) {
	t.Parallel()
	for offset := time.Duration(0); offset < 16*time.Second; offset += 90 * time.Millisecond {
		w := quietWorld("a", "b")
		w.interval = 250 * time.Millisecond
		w.start("a")
		w.start("b")
		w.run(2*time.Minute + offset)
		w.crash("a")
		w.run(2 * worldLinkDelay)
		heard := w.nodes["b"].m.peers[0].heardAt
		for w.nodes["b"].m.Role("web") != Active && w.now.Sub(heard) < 10*time.Second {
			w.run(time.Millisecond)
		}
		want := ActiveDown(101, w.interval)
		if got := w.now.Sub(heard); got > want+w.cloud.readDelay {
			t.Fatalf("owner dead after %v: decided after %v, want %v", offset, got, want)
		}
	}
}
