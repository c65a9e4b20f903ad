// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// A supervisor tells the process and its group, within microseconds: that is one order.
func TestASignalThatComesTwiceAtOnceIsOneOrder(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		a.signals <- syscall.SIGTERM
		w.pass(time.Millisecond)
		a.signals <- syscall.SIGTERM
		if err := a.wait(); err != nil {
			t.Errorf("end: %v", err)
		}
		w.eventually("the successor owns it", b.bound)
		w.wantMoves(1, 1)
		if !a.log.has("reason=handed-over") {
			t.Error("nothing was handed over")
		}
	})
}

// Whoever repeats it a second later means it.
func TestASignalThatComesAgainASecondLaterEndsTheDaemon(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.blackHole(true) // the handover takes its time
		a.signals <- syscall.SIGTERM
		w.pass(repeatsFor)
		a.signals <- syscall.SIGTERM
		if err := a.wait(); err == nil || !strings.Contains(err.Error(), "told twice") {
			t.Errorf("end: %v", err)
		}
	})
}

// A stop that follows a restart at once, before the engine has run: it hands over.
func TestAStopOverrulesARestartThatHasNotBegun(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		let := make(chan struct{})
		a.engine.facts <- func() { <-let }
		a.signals <- syscall.SIGUSR1
		w.pass(time.Millisecond)
		a.signals <- syscall.SIGTERM
		w.pass(time.Millisecond)
		close(let)
		if err := a.wait(); err != nil {
			t.Errorf("end: %v", err)
		}
		w.within(2*time.Second, "the successor owns it", b.bound)
		w.wantMoves(1, 1)
	})
}

// The engine has left and said that it comes back; the process is still there. Nobody waits
// twenty seconds for it.
func TestAStopTakesBackTheRestartThatWasAnnounced(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		let := make(chan struct{})
		a.daemon.wg.Go(func() { <-let }) // a task that takes its time to end
		a.signals <- syscall.SIGUSR1
		w.pass(100 * time.Millisecond)
		if b.role() != "backup" {
			t.Fatalf("after the restart was announced the standby is %s", b.role())
		}
		a.signals <- syscall.SIGTERM
		w.pass(100 * time.Millisecond)
		close(let)
		if err := a.wait(); err != nil {
			t.Errorf("end: %v", err)
		}
		w.within(2*time.Second, "the successor owns it", b.bound)
		if !b.log.has("reason=owner-goodbye") {
			t.Error("the standby did not hear a goodbye")
		}
		w.wantMoves(1, 1)
	})
}

// A restart does not call off a stop.
func TestARestartDoesNotOverruleAStop(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		a.signals <- syscall.SIGTERM
		w.pass(time.Millisecond)
		a.signals <- syscall.SIGUSR1
		if err := a.wait(); err != nil {
			t.Errorf("end: %v", err)
		}
		w.within(2*time.Second, "the successor owns it", b.bound)
		w.wantMoves(1, 1)
	})
}
