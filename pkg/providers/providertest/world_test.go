// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// world is the smallest cloud there can be: memory behind method calls. Its driver
// may have a bug, which the suite must find.
type world struct {
	t      *testing.T
	atomic bool // moves in one write; else detach and attach
	async  bool // writes take effect at Settle
	bug    string

	mu      sync.Mutex
	holder  providers.Target
	pending []func()
	done    map[string]providers.OperationState
	states  map[providers.Target]providers.InstanceState
	busy    providers.Target
	faults  [2]map[Fault]bool
	calls   Calls
	cached  *providers.Target
}

func newWorld(t *testing.T, atomic, async bool, bug string) *world {
	return &world{
		t: t, atomic: atomic, async: async, bug: bug,
		done:   map[string]providers.OperationState{},
		states: map[providers.Target]providers.InstanceState{{Instance: "a"}: providers.InstanceRunning, {Instance: "b"}: providers.InstanceRunning},
		faults: [2]map[Fault]bool{{}, {}},
	}
}

func (w *world) Provider() providers.Provider { return driver{w} }

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

func (w *world) Settle() {
	defer w.lock()()
	for _, f := range w.pending {
		f()
	}
	w.pending = nil
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
	if !faulty || f == OperationFails {
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

// read answers an owner read.
func (w *world) read(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	defer w.lock()()
	op := "read owner of " + a.String()
	if w.cached != nil && w.bug == "remembers" {
		return providers.Assignment{Target: *w.cached}, nil
	}
	apply, err := w.arrive(ctx, op, Reads)
	switch {
	case err != nil:
		return providers.Assignment{}, err
	case !apply:
		return providers.Assignment{}, nil
	case a != w.Address() && w.bug != "takes-unknown-for-unbound":
		return providers.Assignment{}, w.fail(op, providers.NotFound)
	case w.holder.IsZero() && w.bug == "repairs":
		w.calls.Writes++
		w.holder = providers.Target{Instance: "a"}
	}
	if a != w.Address() {
		return providers.Assignment{}, nil
	}
	held := w.holder
	w.cached = &held
	return providers.Assignment{Target: held, Pending: len(w.pending) > 0}, nil
}

// write makes one write that sets the holder, unless refuse says otherwise.
func (w *world) write(ctx context.Context, op string, to providers.Target, refuse func() providers.Kind) (providers.Result, error) {
	if w.bug == "reads-first" {
		w.calls.Reads++
	}
	if w.bug == "writes-twice" {
		w.calls.Writes++
	}
	apply, failed := w.arrive(ctx, op, Writes)
	if !apply {
		return providers.Result{}, failed
	}
	switch kind := refuse(); {
	case len(w.pending) > 0:
		return providers.Result{}, w.fail(op, providers.Busy)
	case w.busy != providers.Target{}:
		return providers.Result{}, w.fail(op, providers.Busy)
	case kind != providers.Unknown:
		return providers.Result{}, w.fail(op, kind)
	}
	id := strconv.Itoa(w.calls.Writes)
	w.done[id] = providers.OperationPending
	effect := func() {
		if f, ok := w.fault(Writes); ok && f == OperationFails {
			w.done[id] = providers.OperationFailed
			return
		}
		w.holder, w.done[id] = to, providers.OperationDone
	}
	if w.async {
		w.pending = append(w.pending, effect)
	} else {
		effect()
	}
	if failed != nil {
		return providers.Result{}, failed
	}
	return providers.Result{Operation: id}, nil
}

// driver is the driver for a world.
type driver struct{ w *world }

func (d driver) Capabilities() providers.Capabilities {
	return providers.Capabilities{AtomicMove: d.w.atomic, Asynchronous: d.w.async, IPv4: true, MoveTimeout: 1}
}

func (d driver) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	return d.w.read(ctx, a)
}

func (d driver) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	w := d.w
	defer w.lock()()
	detach := !w.atomic && !seen.Target.IsZero()
	goal := to
	if detach {
		goal = providers.Target{}
	}
	return w.write(ctx, "assign "+a.String(), goal, func() providers.Kind {
		switch {
		case w.states[to] == providers.InstanceUnknown:
			return providers.NotFound
		case !w.atomic && !detach && !w.holder.IsZero() && w.bug != "steals":
			return providers.Conflict
		}
		return providers.Unknown
	})
}

func (d driver) Release(ctx context.Context, a providers.Address, _ providers.Target) (providers.Result, error) {
	defer d.w.lock()()
	return d.w.write(ctx, "release "+a.String(), providers.Target{}, func() providers.Kind { return providers.Unknown })
}

func (d driver) InstanceState(ctx context.Context, t providers.Target) (providers.InstanceState, error) {
	defer d.w.lock()()
	if _, err := d.w.arrive(ctx, "read state of "+t.String(), Reads); err != nil {
		if d.w.bug == "takes-no-answer-for-gone" {
			return providers.InstanceGone, nil
		}
		return providers.InstanceUnknown, err
	}
	return d.w.states[t], nil
}

func (d driver) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	defer d.w.lock()()
	op := "check " + a.String()
	if _, err := d.w.arrive(ctx, op, Reads); err != nil {
		return err
	}
	if d.w.busy == t {
		return d.w.fail(op, providers.Busy)
	}
	return nil
}

func (d driver) Operation(ctx context.Context, a providers.Address, r providers.Result) (providers.OperationState, error) {
	defer d.w.lock()()
	if _, err := d.w.arrive(ctx, "read operation of "+a.String(), Reads); err != nil {
		return providers.OperationUnknown, err
	}
	return d.w.done[r.Operation], nil
}

// Owners reads all addresses in one call, as clouds with a list do.
func (d driver) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	out := make([]providers.Reading, 0, len(as))
	w := d.w
	for i, a := range as {
		if w.bug == "drops-what-is-unknown" && a != w.Address() {
			continue
		}
		if w.bug == "answers-in-another-order" {
			a = as[len(as)-1-i]
		}
		var r providers.Reading
		if r.Assignment, r.Err = w.read(ctx, a); w.bug == "takes-a-lost-list-for-unbound" && providers.KindOf(r.Err) == providers.Transient {
			r.Err = nil
		}
		if w.bug == "forgets-what-is-pending" {
			r.Assignment.Pending = false
		}
		out = append(out, r)
	}
	return out
}
