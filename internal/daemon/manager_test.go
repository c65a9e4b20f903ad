// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"github.com/fipctl/fipctl/internal/config"
)

// supervisor plays a service manager with a watchdog of 30 s, as in the example units.
type supervisor struct {
	mu     sync.Mutex
	states []string
	fed    time.Time     // when it was last fed
	hungry time.Duration // the longest time between two feedings
}

func (s *supervisor) manager() *manager {
	return &manager{watchdog: 30 * time.Second, tell: func(state string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if state != sdnotify.SdNotifyWatchdog {
			s.states = append(s.states, state)
			return nil
		}
		if !s.fed.IsZero() {
			s.hungry = max(s.hungry, time.Since(s.fed))
		}
		s.fed = time.Now()
		return nil
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

// fullSocket returns a socket whose queue is full, and what reads it empty and returns what
// was sent since.
func fullSocket(t *testing.T) (path string, read func() []string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	in, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	for err == nil { // the kernel bounds it
		err = send(path, "filling")
	}
	if !errors.Is(err, syscall.EAGAIN) {
		t.Fatalf("fill it: %v", err)
	}
	return path, func() (states []string) {
		b := make([]byte, 100)
		_ = in.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		for {
			n, err := in.Read(b)
			if err != nil {
				return states
			}
			if s := string(b[:n]); s != "filling" {
				states = append(states, s)
			}
		}
	}
}

// TestAManagerThatDoesNotReadHoldsUpNothing with a real socket whose queue is full: sending
// to it as the library does would hang for ever.
func TestAManagerThatDoesNotReadHoldsUpNothing(t *testing.T) {
	socket, _ := fullSocket(t)
	inWorld(t, target(nodeA), func(w *world) {
		deaf := func(_ *node, _ *Options, p *parts) {
			p.manager = &manager{watchdog: 30 * time.Second, tell: func(state string) error { return send(socket, state) }}
		}
		a := w.start(nodeA, deaf)
		b := w.start(nodeB, nil)
		w.eventually("the owner leads", a.bound)
		a.reloadNow()
		if !a.log.has("configuration reloaded") {
			t.Error("it did not reload")
		}
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		w.eventually("the other has it", b.bound)
	})
}

func TestWhatTheManagerCouldNotBeToldItIsToldLater(t *testing.T) {
	t.Parallel()
	socket, read := fullSocket(t)
	m := &manager{tell: func(state string) error { return send(socket, state) }}
	m.notify(sdnotify.SdNotifyReloading)
	m.notify(sdnotify.SdNotifyReady)
	if got := read(); got != nil {
		t.Errorf("the full socket took %v", got)
	}
	m.look(true)
	m.look(true)
	m.notify(sdnotify.SdNotifyStopping)
	m.notify(sdnotify.SdNotifyReady) // of a reload that ends after the order to stop
	if got, want := read(), []string{"READY=1", "STOPPING=1"}; !slices.Equal(got, want) {
		t.Errorf("it was told %v, want %v", got, want)
	}
}

// slowReloads starts a pair whose owner leads, and whose reloads hang until let is closed.
func (w *world) slowReloads() (a, b *node, let chan struct{}) {
	let = make(chan struct{})
	a = w.start(nodeA, func(n *node, _ *Options, p *parts) {
		p.clouds = func(cfg *config.Config) (*clouds, error) {
			if n.daemon != nil {
				<-let
			}
			return n.clouds(cfg)
		}
	})
	b = w.start(nodeB, nil)
	w.eventually("the owner leads", a.bound)
	return a, b, let
}

// TestAReloadOrATaskThatHangsHoldsUpNoStop has the disk hang below a reload, and then below
// a check.
func TestAReloadOrATaskThatHangsHoldsUpNoStop(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b, let := w.slowReloads()
		a.reloadNow()
		began := time.Now()
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 10*time.Second { // of virtual time
			t.Errorf("the stop took %v", took)
		}
		w.eventually("the other has it", b.bound)
		if !a.log.has("a task did not end") || a.log.has("configuration reloaded") {
			t.Errorf("it logs:\n%s", a.log.lines(slog.LevelInfo))
		}
		close(let)
	})
}

// TestAReloadThatEndsWhileTheNodeLeavesIsRefused has the handover take its time.
func TestAReloadThatEndsWhileTheNodeLeavesIsRefused(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b, let := w.slowReloads()
		w.pass(5 * time.Second)
		b.cloud.hang("assign", true)
		a.reloadNow()
		a.signals <- syscall.SIGTERM
		w.pass(100 * time.Millisecond)
		close(let)
		w.must(a.wait())
		if a.log.has("configuration reloaded") || !a.log.has(`msg="reload refused" reason=stopping`) {
			t.Errorf("it logs:\n%s", a.log.lines(slog.LevelInfo))
		}
		b.cloud.hang("assign", false)
	})
}

// TestASecondSignalEndsItWhateverHangs has the engine hang, and its queue full.
func TestASecondSignalEndsItWhateverHangs(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		w.pass(time.Second)
		let := make(chan struct{})
		for range factsMax + 1 {
			a.engine.facts <- func() { <-let }
		}
		a.signals <- syscall.SIGTERM
		w.pass(time.Minute)
		began := time.Now()
		a.signals <- syscall.SIGTERM
		if err := a.wait(); err == nil || !strings.Contains(err.Error(), "told twice") {
			t.Errorf("it ended with %v", err)
		}
		if took := time.Since(began); took > tasksEnd { // of virtual time
			t.Errorf("it took %v", took)
		}
		close(let)
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
