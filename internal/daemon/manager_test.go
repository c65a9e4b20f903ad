// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"slices"
	"sync"
	"testing"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"
)

// supervisor plays a service manager with a watchdog of 30 s, as in the example units.
type supervisor struct {
	mu     sync.Mutex
	states []string
	fed    time.Time     // when it was last fed
	hungry time.Duration // the longest time between two feedings
}

func (s *supervisor) manager() manager {
	return manager{watchdog: 30 * time.Second, tell: func(state string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if state != sdnotify.SdNotifyWatchdog {
			s.states = append(s.states, state)
			return
		}
		if !s.fed.IsZero() {
			s.hungry = max(s.hungry, time.Since(s.fed))
		}
		s.fed = time.Now()
	}}
}

// waits returns how long it was or is hungry at most.
func (s *supervisor) waits() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.hungry, time.Since(s.fed))
}

// TestTheWatchdogIsFedWhileTheEngineTurns: through a pause of 15 s wherever it begins, and
// not when the engine hangs.
func TestTheWatchdogIsFedWhileTheEngineTurns(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		var s supervisor
		a := w.start(nodeA, func(_ *node, _ *Options, p *parts) { p.manager = s.manager() })
		w.pass(time.Minute)
		if got := s.waits(); got == 0 || got > 7500*time.Millisecond {
			t.Errorf("at rest it waited %v", got)
		}
		hold := func(d time.Duration) {
			let := make(chan struct{})
			a.engine.post(func() { <-let })
			w.pass(d)
			close(let)
			w.pass(10 * time.Second)
		}
		for range 10 { // each begins at another moment
			hold(15*time.Second + 700*time.Millisecond)
		}
		if got := s.waits(); got > 25*time.Second {
			t.Errorf("through pauses of 15 s it waited %v", got)
		}
		if !a.log.has("engine stands still") || !a.log.has("engine runs again") {
			t.Error("the log does not tell")
		}
		hold(time.Minute)
		if got := s.waits(); got < time.Minute {
			t.Errorf("while the engine hung for a minute it waited only %v", got)
		}
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		if want := []string{"READY=1", "STOPPING=1"}; !slices.Equal(s.states, want) {
			t.Errorf("it was told %v, want %v", s.states, want)
		}
	})
}

func TestWithoutAWatchdogNobodyIsFed(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		var s supervisor
		w.start(nodeA, func(_ *node, _ *Options, p *parts) { p.manager = s.manager(); p.manager.watchdog = 0 })
		w.pass(time.Minute)
		if !s.fed.IsZero() {
			t.Error("it was fed")
		}
	})
}
