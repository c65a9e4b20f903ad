// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// manner is how a world moves its address.
type manner struct {
	atomic    bool // moves in one write; else detach and attach
	async     bool // writes take effect at Settle
	named     bool // a write names the holder it takes the address from
	announced bool // the guest moves it, nothing is written
	occupied  bool // there is always a holder, and seen carries a version
}

// occupant holds the address of an occupied world at first.
var occupant = providers.Target{Instance: "x"}

// version is what a read of an occupied world carries for the next write.
const version = "item-1"

// world is the smallest cloud there can be: memory behind method calls. Its driver
// may have a bug, which the suite must find.
type world struct {
	t *testing.T
	manner
	bug string

	mu      sync.Mutex
	holder  providers.Target
	frozen  *providers.Target // what reads show instead
	pending []func()
	done    map[string]providers.OperationState
	states  map[providers.Target]providers.InstanceState
	busy    providers.Target
	faults  [2]map[Fault]bool
	way     [2]string // in which calls are throttled
	calls   Calls
	cached  *providers.Target
}

func newWorld(t *testing.T, m manner, bug string) Harness {
	w := &world{t: t, manner: m, bug: bug, done: map[string]providers.OperationState{}, states: map[providers.Target]providers.InstanceState{}}
	for _, id := range []string{"a", "b", "r"} {
		w.states[providers.Target{Instance: id}] = providers.InstanceRunning
	}
	w.Clear()
	if w.occupied {
		w.holder = occupant
	}
	if w.announced {
		return announcingWorld{w}
	}
	return w
}

// announcingWorld is a world in which the guest can announce the address.
type announcingWorld struct{ *world }

func (w announcingWorld) Announce(t providers.Target) {
	defer w.lock()()
	w.pending = append(w.pending, func() { w.holder = t })
}

func (w *world) Provider() providers.Provider {
	if w.announced {
		return &guestDriver{w}
	}
	return &driver{guestDriver: guestDriver{w}}
}

func (w *world) Rival() providers.Target { return providers.Target{Instance: "r"} }

func (w *world) Traits() Traits {
	out := Traits{NamesHolder: w.named}
	if w.occupied {
		out.Occupant = occupant
	}
	return out
}

func (w *world) Address() providers.Address {
	return providers.Address{Provider: "memory", Kind: "test", IP: netip.MustParseAddr("192.0.2.1")}
}

func (w *world) UnknownAddress() providers.Address {
	return providers.Address{Provider: "memory", Kind: "test", IP: netip.MustParseAddr("192.0.2.2")}
}

func (w *world) Targets() (a, b providers.Target) {
	return providers.Target{Instance: "a"}, providers.Target{Instance: "b"}
}

func (w *world) UnknownTarget() providers.Target { return providers.Target{Instance: "c"} }
func (w *world) Secrets() []string               { return []string{"hunter2"} }

func (w *world) lock() func() { w.mu.Lock(); return w.mu.Unlock }

func (w *world) Owner() providers.Target  { defer w.lock()(); return w.holder }
func (w *world) Place(t providers.Target) { defer w.lock()(); w.holder = t }
func (w *world) Calls() Calls             { defer w.lock()(); return w.calls }

func (w *world) SetState(t providers.Target, s providers.InstanceState) bool {
	defer w.lock()()
	w.states[t] = s
	return true
}

func (w *world) MakeBusy(t providers.Target) bool { defer w.lock()(); w.busy = t; return true }

func (w *world) Inject(on Direction, f Fault) bool {
	defer w.lock()()
	w.faults[on][f] = true
	return true
}

func (w *world) Clear() {
	defer w.lock()()
	w.faults = [2]map[Fault]bool{{}, {}}
}

func (w *world) Throttlings() []string { return []string{"too many requests", "slow down"} }

func (w *world) Throttle(on Direction, way string) {
	w.Inject(on, Throttled)
	defer w.lock()()
	w.way[on] = way
}

func (w *world) FreezeReads() bool {
	defer w.lock()()
	held := w.holder
	w.frozen = &held
	return true
}

func (w *world) Settle() {
	defer w.lock()()
	for _, f := range w.pending {
		f()
	}
	w.pending, w.frozen = nil, nil
}

// fault returns the injected fault of a direction, if any.
func (w *world) fault(on Direction) (Fault, bool) {
	for f := range w.faults[on] {
		return f, true
	}
	return 0, false
}

func (w *world) fail(op string, kind providers.Kind) *providers.Error {
	e := &providers.Error{Provider: "memory", Op: op, Kind: kind, RequestID: "r1", Err: errors.New("no")}
	if w.bug == "leaks-the-secret" {
		e.Err = errors.New("token hunter2 refused")
	}
	return e
}

// arrive does what every call does first: the context, the count, the faults.
// With an error that hides an effect it returns apply = true as well.
func (w *world) arrive(ctx context.Context, op string, on Direction) (apply bool, err error) {
	if ctx.Err() != nil && w.bug != "ignores-the-context" {
		return false, w.fail(op, providers.Canceled)
	}
	f, faulty := w.fault(on)
	if faulty && f == Unreachable {
		return false, w.fail(op, providers.Transient)
	}
	if on == Writes {
		w.calls.Writes++
	} else {
		w.calls.Reads++
	}
	if !faulty || f == OperationFails || f.harmless() {
		return true, nil
	}
	unsure := providers.Transient
	if on == Writes {
		unsure = providers.Ambiguous
	}
	switch f {
	case Denied:
		return false, w.fail(op, providers.Denied)
	case Throttled:
		e := w.fail(op, providers.Throttled)
		if w.way[on] == "slow down" && w.bug == "knows-one-throttling" {
			e.Kind = providers.Invalid
		}
		if w.bug != "forgets-retry-after" {
			e.RetryAfter = RetryAfterHint
		}
		return false, e
	case Hang:
		w.mu.Unlock()
		<-ctx.Done()
		w.mu.Lock()
		if on == Reads && errors.Is(ctx.Err(), context.Canceled) {
			unsure = providers.Canceled
		}
	case CutAfter:
		if w.bug == "takes-a-lost-reply-for-success" {
			return true, nil
		}
		if w.bug == "takes-a-lost-reply-for-failure" {
			unsure = providers.Transient
		}
	case EmptyBody:
		if on == Reads && w.bug == "takes-an-empty-answer-for-unbound" {
			return false, nil
		}
	}
	return f.applied(), w.fail(op, unsure)
}
