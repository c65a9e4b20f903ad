// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"strings"
	"testing"
	"time"
)

// restarts lets the daemon of a leave and announce that it comes back, down for so long and
// then up for so long, times times.
func (w *world) restarts(name string, down, up time.Duration, times int) {
	for range times {
		w.step(w.nodes[name], Leave{Restart: true})
		w.step(w.nodes[name], Depart{})
		w.crash(name)
		w.run(down)
		w.start(name)
		w.run(up)
	}
}

// An operator who tries a setting restarts the owner time and again, and systemctl announces
// each restart. An owner that led until it left comes back to lead, so the address stays.
func TestAnnouncedRestartsOfALeaderAreNoCrashLoop(t *testing.T) {
	t.Parallel()
	for _, up := range []time.Duration{5 * time.Second, 9 * time.Second, 14 * time.Second} {
		w := quietWorld("a", "b", "c")
		w.quiet = false
		for _, n := range w.names {
			w.start(n)
		}
		w.cloud.readDelay = 400 * time.Millisecond
		w.run(10 * time.Second)
		w.restarts("a", time.Second, up, 6)
		if w.cloud.moves > 0 || w.nodes["a"].m.Role("web") != Active {
			t.Errorf("up for %v each time, it moved %d times:\n%s", up, w.cloud.moves, strings.Join(w.log, "\n"))
		}
		for _, p := range w.nodes["b"].m.Status().Peers {
			if p.CrashLoops {
				t.Errorf("up for %v each time, %s counts as crash-looping", up, p.Name)
			}
		}
	}
}

// An owner that is restarted before it has resumed serves nobody who must be waited for,
// however well each restart is announced.
func TestAnOwnerThatNeverResumesBetweenItsRestartsIsRelieved(t *testing.T) {
	t.Parallel()
	w := quietWorld("a", "b")
	w.quiet = false
	w.start("a")
	w.start("b")
	w.run(10 * time.Second)
	w.cloud.readDelay = 900 * time.Millisecond
	w.restarts("a", 3*time.Second, 800*time.Millisecond, 16)
	if w.cloud.owner != byB || w.nodes["b"].m.Role("web") != Active {
		t.Errorf("after a minute of restarts the owner is %v:\n%s", w.cloud.owner, strings.Join(w.log, "\n"))
	}
}

// A crash announces nothing.
func TestCrashesOfALeaderAreACrashLoop(t *testing.T) {
	t.Parallel()
	w := quietWorld("a", "b")
	w.start("a")
	w.start("b")
	w.run(10 * time.Second)
	for range 3 {
		w.crash("a")
		w.run(200 * time.Millisecond)
		w.start("a")
		w.run(5 * time.Second)
	}
	if !w.nodes["b"].m.Status().Peers[0].CrashLoops {
		t.Error("no crash loop is seen")
	}
}

// A stop after an announced restart takes the announcement back: nobody waits for who does
// not come.
func TestAStopAfterARestartSaysGoodbye(t *testing.T) {
	t.Parallel()
	for _, departed := range []bool{false, true} {
		s := leadingSeat(t)
		s.hearFor(5*time.Second, Backup)
		s.step(Leave{Restart: true})
		if departed {
			s.step(Depart{})
		}
		if g := s.newest(); !g.Flags.Has(FlagRestarting) {
			t.Errorf("departed %v: no restart is announced: %+v", departed, g)
		}
		s.step(Leave{})
		if departed {
			if g := s.newest(); g.Flags.Has(FlagRestarting) || !saysGoodbye(&g) {
				t.Errorf("no goodbye: %+v", g)
			}
			sent := len(s.sent)
			s.step(Leave{})
			s.step(Tick{})
			if len(s.sent) != sent {
				t.Error("it says more than goodbye")
			}
		} else if g := s.newest(); g.Flags.Has(FlagRestarting) || g.Handover.To != "a" {
			t.Errorf("nothing is handed over: %+v", g)
		}
	}
}
