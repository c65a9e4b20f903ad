// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestClustersSurviveRandomFaults throws random faults and orders at small
// clusters. While they last, every step keeps the rules of worldcheck_test.go (one
// mover, roles through Changed, no deadline in the past). When they stop, exactly
// one node is active, the address is bound to it, and nothing moves any more
// (invariant 4).
func TestClustersSurviveRandomFaults(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for range rapid.IntRange(1, 25).Draw(t, "faults") {
			drawFault(t, w)
			w.run(time.Duration(rapid.IntRange(1, 6000).Draw(t, "ms")) * time.Millisecond)
			requireNothingBroken(t, w)
		}
		w.mend()
		w.run(3 * time.Minute)
		requireNothingBroken(t, w)
		requireOneOwner(t, w)
		moves := w.cloud.moves
		w.run(time.Minute)
		requireNothingBroken(t, w)
		requireOneOwner(t, w)
		if !w.group.Preempt && w.cloud.moves != moves {
			t.Fatalf("it moved %d times more", w.cloud.moves-moves)
		}
	})
}

func drawWorld(t *rapid.T) *world {
	names := []string{"a", "b", "c"}[:rapid.IntRange(2, 3).Draw(t, "nodes")]
	w := quietWorld(names...)
	w.quiet = false
	w.group.AtomicMove = rapid.Bool().Draw(t, "atomic")
	w.group.Preempt = rapid.Bool().Draw(t, "preempt")
	w.group.PreemptDelay = 10 * time.Second
	w.group.DisplacedRetry = time.Minute
	w.group.MoveTimeout = 20 * time.Second
	w.probes = rapid.Bool().Draw(t, "probes")
	w.interval = rapid.SampledFrom([]time.Duration{250 * time.Millisecond, time.Second}).Draw(t, "interval")
	w.cloud.readDelay = time.Duration(rapid.IntRange(5, 800).Draw(t, "read ms")) * time.Millisecond
	w.cloud.moveDelay = time.Duration(rapid.IntRange(0, 3000).Draw(t, "move ms")) * time.Millisecond
	w.cloud.owner = rapid.SampledFrom([]Owner{byA, byB, {Kind: OwnerNone}}).Draw(t, "owner")
	for _, name := range names {
		w.start(name)
	}
	w.run(time.Duration(rapid.IntRange(0, 10).Draw(t, "calm s")) * time.Second)
	return w
}

// drawFault does one thing to a world that an operator, a cable or a cloud may do.
func drawFault(t *rapid.T, w *world) {
	n := w.nodes[rapid.SampledFrom(w.names).Draw(t, "node")]
	other := rapid.SampledFrom(w.names).Draw(t, "other")
	toggle := rapid.Bool().Draw(t, "on")
	switch fault := rapid.IntRange(0, 14).Draw(t, "fault"); {
	case fault == 0:
		w.link([]string{n.name, other}, toggle)
	case fault == 1:
		w.link([]string{n.name + ">" + other}, toggle)
	case fault == 2:
		w.cloud.down = toggle
	case fault == 3:
		w.cloud.downFor[n.name] = toggle
	case fault == 4:
		w.cloud.loseReply = toggle
	case fault == 5 && n.m == nil:
		w.start(n.name)
	case fault == 5:
		w.crash(n.name)
	case fault == 12:
		percent, dice := rapid.IntRange(0, 40).Draw(t, "loss"), rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "dice")))
		w.drop = func() bool { return dice.IntN(100) < percent }
	case fault == 13:
		for _, a := range w.kept[n.name+">"+other] {
			w.hand(other, Received{&a})
		}
	case fault == 14:
		w.badly[n.name+">"+other] = toggle
	case fault == 6:
		w.move(rapid.SampledFrom([]Owner{byA, byB, {Kind: OwnerNone}}).Draw(t, "thief"))
	case n.m == nil:
	case fault == 7 && n.paused:
		w.wake(n.name)
	case fault == 7:
		n.paused = true
	case fault == 8 && !n.paused:
		n.healthy = toggle
		w.step(n, Health{Group: "web", Known: true, Healthy: toggle})
	case !n.paused:
		order := []Event{Assign{Group: "web", Force: toggle}, HandTo{"web", other}, Drain{"web", toggle}, ResumeNode{"web"}, CancelOrder{"web"}}
		w.step(n, rapid.SampledFrom(order).Draw(t, "order"))
	}
}

// mend ends every fault.
func (w *world) mend() {
	w.drop, w.badly = nil, map[string]bool{}
	w.cut, w.cloud.down, w.cloud.downFor, w.cloud.loseReply = map[string]bool{}, false, map[string]bool{}, false
	for _, name := range w.names {
		n := w.nodes[name]
		n.healthy = true
		if n.paused {
			w.wake(name)
		}
		if n.m == nil {
			w.start(name)
			continue
		}
		w.step(n, Health{Group: "web", Known: true, Healthy: true})
		w.step(n, ResumeNode{Group: "web"})
	}
}

func requireNothingBroken(t *rapid.T, w *world) {
	if len(w.wrong) > 0 {
		t.Fatalf("%v\n%s", w.wrong, strings.Join(w.log, "\n"))
	}
}

func requireOneOwner(t *rapid.T, w *world) {
	var active []string
	for _, name := range w.names {
		if w.nodes[name].m.Role("web") == Active {
			active = append(active, name)
		}
	}
	if len(active) != 1 || w.cloud.owner != (Owner{OwnerNode, active[0]}) {
		w.show()
		t.Fatalf("active is %v, the cloud's owner %v\n%s", active, w.cloud.owner, strings.Join(w.log, "\n"))
	}
}

// TestTheChecksHaveTeeth breaks the write gate on purpose: a controller that
// believes any read must be found out.
func TestTheChecksHaveTeeth(t *testing.T) {
	t.Parallel()
	w := quietWorld("a", "b")
	w.start("a")
	w.start("b")
	w.run(10 * time.Second)
	n := w.nodes["b"]
	n.hand.read.Began = n.seen.owningAt - 1
	w.checkWrite(n)
	if len(w.wrong) != 1 {
		t.Fatalf("a write of a backup was not noticed: %v", w.wrong)
	}
}
