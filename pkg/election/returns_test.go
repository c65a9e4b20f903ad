// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"strings"
	"testing"
	"time"
)

func (w *world) health(name string, healthy bool) {
	n := w.nodes[name]
	n.healthy = healthy
	w.step(n, Health{Group: "web", Known: true, Healthy: healthy})
}

// flapped returns a world in which a leads and b, whose check has failed three times, is in
// fault once more.
func flapped(names ...string) *world {
	w := quietWorld(names...)
	w.quiet = false
	for _, n := range names {
		w.start(n)
	}
	w.run(10 * time.Second)
	for range 3 {
		w.health("b", false)
		w.run(2 * time.Second)
		w.health("b", true)
		w.run(time.Second)
	}
	w.health("b", false)
	w.run(5 * time.Second)
	w.log = nil
	return w
}

// standStill has a die while b does not run.
func (w *world) standStill() {
	w.crash("a")
	w.nodes["b"].paused = true
	w.run(time.Minute)
	w.wake("b")
}

// The delay after a fault keeps a node from taking part in a quarrel. Where the owner is dead
// and nobody else could lead there is none: the clients are without a service until it ends.
func TestTheLastHealthyNodeWaitsForNoDeadOwner(t *testing.T) {
	t.Parallel()
	down := ActiveDown(100, time.Second)
	for _, tt := range []struct {
		name   string
		other  string // what holds it back; empty: nothing does
		change func(*world)
		within time.Duration // from its recovery on
	}{
		{"the owner is silent", "", func(w *world) { w.crash("a") }, 2*down + time.Second},
		{"the cloud says that its machine is stopped", "", func(w *world) {
			w.standStill()
			w.step(w.nodes["b"], InstanceRead{Group: "web", Owner: byA, Began: w.now, Stopped: true})
			w.cloud.stopped["a"] = true
		}, down + time.Second},
		{"the owner is in fault and heard", "return-delay", func(w *world) { w.health("a", false) }, 30 * time.Second},
		{"another node could lead", "return-delay", func(w *world) { w.crash("a"); w.health("c", true) }, 0},
		{"the owner is heard one way", "return-delay", func(w *world) { w.link([]string{"b>a"}, true); w.link([]string{"c>a"}, true) }, 30 * time.Second},
		{"its service answers", "return-delay", func(w *world) {
			w.crash("a")
			for i := range 10 {
				w.after(time.Duration(i)*5*time.Second, func() { w.step(w.nodes["b"], ServiceProbed{Group: "web", OK: true}) })
			}
		}, 30 * time.Second},
		{"the node itself stood still", "return-delay", (*world).standStill, down - 500*time.Millisecond},
	} {
		w := flapped("a", "b", "c")
		w.health("c", false)
		w.run(time.Second)
		tt.change(w)
		w.run(200 * time.Millisecond)
		w.health("b", true)
		w.run(tt.within)
		n := w.nodes["b"]
		if leads := n.m.Role("web") == Active; leads != (tt.other == "") {
			t.Errorf("%s: after %v it is %v (%v):\n%s", tt.name, tt.within, n.m.Role("web"), n.m.Status().Groups[0].Reason, strings.Join(w.log, "\n"))
		}
		if got := n.m.Status().Groups[0].Reason; tt.other != "" && got.String() != tt.other {
			t.Errorf("%s: it waits for %v", tt.name, got)
		}
	}
}

// Checks that fail in turn on two nodes, each of which is heard, move the address no oftener
// for it: each time the owner lives.
func TestChecksThatFailInTurnMoveTheAddressSeldom(t *testing.T) {
	t.Parallel()
	for _, half := range []time.Duration{4 * time.Second, 9 * time.Second, 15 * time.Second} {
		w := quietWorld("a", "b")
		w.start("a")
		w.start("b")
		w.run(10 * time.Second)
		for i := 0; i < int(10*time.Minute/half); i++ {
			w.health("a", i%2 == 0)
			w.health("b", i%2 == 1)
			w.run(half)
		}
		if rounds := int(10*time.Minute/half) / 2; w.cloud.moves > 12 {
			t.Errorf("%v each: %d moves in %d rounds", half, w.cloud.moves, rounds)
		}
	}
}

// Whoever signs with another key may lead and be about to bind what nobody holds, so the
// others leave it to that node; one whose service fails never does.
func TestAnUnboundAddressIsNotLeftForEverToANodeWithAnotherKey(t *testing.T) {
	t.Parallel()
	w := quietWorld("a", "b", "c")
	w.quiet = false
	w.cloud.owner = Owner{Kind: OwnerNone}
	w.nodes["c"].healthy = false
	for _, link := range []string{"a>c", "b>c", "c>a", "c>b"} {
		w.badly[link] = true
	}
	for _, n := range w.names {
		w.start(n)
	}
	w.run(unboundHold)
	if w.cloud.moves > 0 {
		t.Errorf("within %v it moved:\n%s", unboundHold, strings.Join(w.log, "\n"))
	}
	w.run(5 * time.Second)
	if w.cloud.owner != byB || w.cloud.moves != 1 {
		t.Errorf("after %v the owner is %v, after %d moves:\n%s", unboundHold, w.cloud.owner, w.cloud.moves, strings.Join(w.log, "\n"))
	}
	for _, link := range []string{"a>c", "b>c", "c>a", "c>b"} {
		w.badly[link] = false
	}
	w.health("c", true)
	w.run(time.Minute)
	if w.cloud.owner != byB || w.cloud.moves != 1 {
		t.Errorf("with one key again, the owner is %v, after %d moves:\n%s", w.cloud.owner, w.cloud.moves, strings.Join(w.log, "\n"))
	}
}
