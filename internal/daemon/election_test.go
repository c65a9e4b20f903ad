// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/pkg/providers"
)

// writes returns how many writes have left all nodes that ever ran.
func (w *world) writes() int {
	total := 0
	for _, n := range w.nodes {
		writes, _ := n.cloud.count()
		total += writes
	}
	return total
}

// wantMoves checks how often the address was asked to move, and did.
func (w *world) wantMoves(writes, moves int) {
	w.Helper()
	if got := w.writes(); got != writes {
		w.Errorf("%d writes, want %d", got, writes)
	}
	if got := w.cloud.Moves(floating); got != moves {
		w.Errorf("%d moves, want %d", got, moves)
	}
}

func TestTwoDaemonsElectOneWithOneWrite(t *testing.T) {
	inWorld(t, providers.Target{}, func(w *world) {
		a, b := w.pair()
		w.pass(30 * time.Second)
		if a.bound() == b.bound() || a.role() == b.role() {
			t.Errorf("roles %s and %s, bound %v and %v", a.role(), b.role(), a.bound(), b.bound())
		}
		if got := w.writes(); got != 1 {
			t.Errorf("%d writes", got)
		}
	})
}

func TestAHostThatDiesIsReplaced(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(10 * time.Second)
		died := time.Now()
		a.crash()
		w.eventually("the standby leads", func() bool { return b.role() == "active" })
		if took := time.Since(died); took > activeDown {
			t.Errorf("it took %v to decide", took)
		}
		w.eventually("the standby owns the address", b.bound)
		w.pass(10 * time.Second)
		w.wantMoves(1, 1)
	})
}

func TestAStopHandsOverFirst(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		if err := a.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if holder := w.cloud.Holder(floating); holder != target(nodeB) {
			t.Errorf("the daemon left while %s held the address", holder)
		}
		w.eventually("the successor owns it", b.bound)
		w.pass(10 * time.Second)
		w.wantMoves(1, 1)
		if !b.log.has("reason=successor") {
			t.Error("the successor did not take over by agreement")
		}
	})
}

func TestTheEndOfTheContextIsAStop(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.cancelContext()
		if err := a.wait(); err != nil {
			t.Errorf("end: %v", err)
		}
		w.eventually("the successor owns it", b.bound)
		w.wantMoves(1, 1)
	})
}

func TestAStopWithoutASuccessorLeavesTheBinding(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		w.eventually("the node leads", a.bound)
		began := time.Now()
		if err := a.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if took, bound := time.Since(began), handoverTime(a.engine.groups[0])+2*interval; took > bound {
			t.Errorf("it took %v, more than %v", took, bound)
		}
		w.wantMoves(0, 0)
	})
}

func TestASecondSignalEndsTheDaemonAtOnce(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		b.cloud.blackHole(true) // the handover takes its time
		began := time.Now()
		a.signals <- syscall.SIGTERM
		a.signals <- syscall.SIGINT
		if err := a.wait(); err == nil || err.Error() != "told twice to stop: left without handing over" {
			t.Errorf("end: %v", err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestARestartMovesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		for range 2 {
			a.signals <- syscall.SIGUSR1
			if err := a.wait(); err != nil {
				t.Errorf("end: %v", err)
			}
			w.pass(10 * time.Second) // far longer than silence is borne otherwise
			a = w.start(nodeA, nil)
			w.eventually("the node leads again", a.bound)
			w.pass(time.Minute)
		}
		if b.role() != "backup" {
			t.Errorf("the standby is %s", b.role())
		}
		w.wantMoves(0, 0)
	})
}

// TestACrashWithAnAutomaticRestartMovesNothing: nothing was announced, and the daemon is
// back after the RestartSec of the example unit, time and again.
func TestACrashWithAnAutomaticRestartMovesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		for range 3 {
			w.pass(2 * time.Minute)
			a.crash()
			w.pass(100 * time.Millisecond)
			a = w.start(nodeA, nil)
			w.pass(activeDown)
			if !a.bound() || b.role() != "backup" {
				t.Errorf("roles %s and %s", a.role(), b.role())
			}
		}
		w.pass(time.Minute)
		w.wantMoves(0, 0)
	})
}

func TestTheRestartOfBothMovesNothing(t *testing.T) {
	inWorld(t, target(nodeB), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.crash()
		b.crash()
		w.pass(time.Minute)
		a, b = w.pair()
		w.pass(time.Minute)
		if !b.bound() || a.role() != "backup" {
			t.Errorf("roles %s and %s", a.role(), b.role())
		}
		w.wantMoves(0, 0)
	})
}

func TestAFailedCheckMovesTheAddressAndItsRecoveryDoesNot(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.check.set(errors.New("connection refused"))
		w.eventually("the standby owns the address", b.bound)
		if a.role() != "fault" {
			t.Errorf("the broken node is %s", a.role())
		}
		a.check.set(nil)
		w.eventually("the node is a standby again", func() bool { return a.role() == "backup" })
		w.pass(time.Minute)
		w.wantMoves(1, 1)
	})
}

// TestAnOwnerInFaultIsRelievedWithoutATimer: the standby claims one call after its word.
func TestAnOwnerInFaultIsRelievedWithoutATimer(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.check.set(errors.New("connection refused"))
		w.eventually("the owner is in fault", func() bool { return a.role() == "fault" })
		said := time.Now()
		w.eventually("the write has left", func() bool { return w.writes() == 1 })
		if took := time.Since(said); took > 4*callTime {
			t.Errorf("it took %v", took)
		}
		w.eventually("the standby owns the address", b.bound)
	})
}

// TestWhatBreaksBothServicesMovesNothing: a standby whose own service is broken as well
// does not take the owner at its word, in whatever phase its checks are.
func TestWhatBreaksBothServicesMovesNothing(t *testing.T) {
	for phase := time.Duration(0); phase < time.Second; phase += 100 * time.Millisecond {
		t.Run(phase.String(), func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a := w.start(nodeA, nil)
				w.eventually("the owner leads", a.bound)
				b := w.start(nodeB, func(_ *node, o *Options, _ *parts) { o.Config.Groups[0].Checks[0].Fall = 3 })
				w.pass(5*time.Second + phase)
				a.check.set(errors.New("no database"))
				b.check.set(errors.New("no database"))
				w.eventually("both are in fault", func() bool { return a.role() == "fault" && b.role() == "fault" })
				w.wantMoves(0, 0)
			})
		})
	}
}

// TestAnElectionNeverWaitsForTheCloud: with the API a black hole on the owner and
// on the standby, adverts keep their rhythm and nothing moves (invariants 3, 12).
func TestAnElectionNeverWaitsForTheCloud(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.cloud.blackHole(true)
		b.cloud.blackHole(true)
		for range 4 * 60 {
			w.pass(interval)
			for _, n := range []*node{a, b} {
				for _, peer := range n.state().Nodes {
					if age := peer.LastAdvertAgeMS; age != nil && time.Duration(*age)*time.Millisecond > interval+publishEvery {
						t.Fatalf("%s last heard %s %d ms ago", n.name, peer.Name, *age)
					}
				}
			}
		}
		if !a.bound() || b.role() != "backup" {
			t.Errorf("roles %s and %s", a.role(), b.role())
		}
		w.wantMoves(0, 0)
	})
}

func TestAnEngineThatBreaksAnInvariantSaysNothingMore(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.engine.post(func() { panic("invariant 1: two writes at once") })
		if err := a.wait(); err == nil || err.Error() != "run engine: invariant 1: two writes at once" {
			t.Errorf("end: %v", err)
		}
		for _, words := range []string{`msg="engine failed"`, `panic="invariant 1: two writes at once"`, "recent=", "lb-a", "stack="} {
			if !a.log.has(words) {
				t.Errorf("the log has no %s", words)
			}
		}
		w.pass(interval)
		if age := *b.state().Nodes[0].LastAdvertAgeMS; age < interval.Milliseconds() {
			t.Errorf("it sent an advert %d ms ago", age)
		}
		w.eventually("the standby owns the address", b.bound)
		w.wantMoves(1, 1)
	})
}

// TestAnAddressThatDoesNotAnswerIsHandedOverWhereTheFileSaysSo, and only there.
func TestAnAddressThatDoesNotAnswerIsHandedOverWhereTheFileSaysSo(t *testing.T) {
	for name, on := range map[string]config.OnNotAnswering{"alarm": config.Alarm, "hand over": config.HandOver} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				set := func(_ *node, o *Options, _ *parts) { o.Config.Groups[0].OnNotAnswering = on }
				a, b := w.start(nodeA, set), w.start(nodeB, set)
				w.eventually("the owner leads", a.bound)
				w.pass(30 * time.Second)
				w.network.Move(floating, nil)
				w.pass(2 * time.Minute)
				if moved := b.bound(); moved != (on == config.HandOver) {
					t.Errorf("it is handed over: %v", moved)
				}
				if got := w.cloud.Moves(floating); got > 1 {
					t.Errorf("%d moves", got)
				}
			})
		})
	}
}
