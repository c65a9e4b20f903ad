// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"context"
	"strconv"

	"github.com/fipctl/fipctl/pkg/providers"
)

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
	if w.frozen != nil && w.bug != "guesses" {
		held = *w.frozen
	}
	w.cached = &held
	got := providers.Assignment{Target: held, Pending: len(w.pending) > 0 && w.frozen == nil && !w.announced}
	if w.occupied {
		got.Version = version
	}
	return got, nil
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

// guestDriver is the driver for a world in which the guest moves the address.
type guestDriver struct{ w *world }

func (d guestDriver) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		AtomicMove: d.w.atomic, Asynchronous: d.w.async, MovesWithoutAPI: d.w.announced, IPv4: true, MoveTimeout: 1,
	}
}

func (d guestDriver) Assign(ctx context.Context, a providers.Address, to providers.Target, _ providers.Assignment) (providers.Result, error) {
	switch d.w.bug {
	case "writes-what-the-guest-does":
		defer d.w.lock()()
		return d.w.write(ctx, "assign "+a.String(), to, func() providers.Kind { return providers.Unknown })
	case "takes-the-wish-for-the-truth":
		return providers.Result{}, nil
	}
	got, err := d.w.read(ctx, a)
	if err == nil && got.Target != to {
		err = d.w.fail("assign "+a.String(), providers.Conflict)
	}
	return providers.Result{}, err
}

// driver is the driver for a world that is written to.
type driver struct {
	guestDriver
	detached bool // of a driver that remembers how far it came
}

func (d guestDriver) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	return d.w.read(ctx, a)
}

func (d *driver) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	w := d.w
	defer w.lock()()
	if w.occupied && seen.Version != version {
		w.t.Errorf("seen is not what Owner says: %+v", seen)
	}
	detach := !w.atomic && !seen.Target.IsZero()
	if w.bug == "remembers-how-far-it-came" {
		detach = !w.atomic && !d.detached
	}
	d.detached = true
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
		return w.from(seen.Target)
	})
}

// from refuses to take the address from another holder than the named one.
func (w *world) from(named providers.Target) providers.Kind {
	if w.named && w.holder != named && w.bug != "robs" {
		return providers.Conflict
	}
	return providers.Unknown
}

func (d *driver) Release(ctx context.Context, a providers.Address, from providers.Target) (providers.Result, error) {
	defer d.w.lock()()
	return d.w.write(ctx, "release "+a.String(), providers.Target{}, func() providers.Kind {
		if d.w.bug == "releases-from-anybody" {
			return providers.Unknown
		}
		return d.w.from(from)
	})
}

func (d guestDriver) Placement(ctx context.Context, t providers.Target) (providers.Placement, error) {
	defer d.w.lock()()
	if _, err := d.w.arrive(ctx, "read placement of "+t.String(), Reads); err != nil {
		return providers.Placement{}, err
	}
	return providers.Placement{Zone: "z1"}, nil
}

func (d guestDriver) InstanceState(ctx context.Context, t providers.Target) (providers.InstanceState, error) {
	defer d.w.lock()()
	if _, err := d.w.arrive(ctx, "read state of "+t.String(), Reads); err != nil {
		if d.w.bug == "takes-no-answer-for-gone" {
			return providers.InstanceGone, nil
		}
		return providers.InstanceUnknown, err
	}
	return d.w.states[t], nil
}

func (d guestDriver) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	op := "check " + a.String()
	if _, err := d.w.read(ctx, a); err != nil {
		return err
	}
	defer d.w.lock()()
	if d.w.busy == t {
		return d.w.fail(op, providers.Busy)
	}
	return nil
}

func (d *driver) Operation(ctx context.Context, a providers.Address, r providers.Result) (providers.OperationState, error) {
	defer d.w.lock()()
	if _, err := d.w.arrive(ctx, "read operation of "+a.String(), Reads); err != nil {
		return providers.OperationUnknown, err
	}
	return d.w.done[r.Operation], nil
}

// Owners reads all addresses in one call, as clouds with a list do.
func (d guestDriver) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
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
