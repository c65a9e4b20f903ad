// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

var writeCases = []testCase{
	{"binding a free address is one write",
		"Assign makes exactly one write and does not read first.",
		assignFree},
	{"a move takes the writes the capabilities promise",
		"With AtomicMove one Assign moves the address; otherwise one detaches and one attaches. Owner alone says when it is done, to any instance of the driver.",
		move},
	{"assigning to the holder does no harm",
		"Assigning to the target that holds the address already is accepted, or refused as Conflict or Busy: what counts is the owner read after it.",
		assignToHolder},
	{"a write meets a pending operation",
		"While an operation is under way another write is refused as Busy or Conflict, and reads still answer.",
		pendingOperation},
	{"a busy target is Busy",
		"Busy is something that passes by itself; the address stays where it is.",
		busyTarget},
	{"an unknown target is refused",
		"NotFound or Invalid; the address stays where it is.",
		unknownTarget},
	{"a release is one write",
		"Release makes exactly one write and leaves the address with nobody.",
		release},
}

// writesPerMove returns how many writes the capabilities promise.
func writesPerMove(h Harness) int {
	if h.Provider().Capabilities().AtomicMove {
		return 1
	}
	return 2
}

func assignFree(t *testing.T, h Harness) {
	needsWrites(t, h)
	a, _ := h.Targets()
	seen := look(t, h)
	before := h.Calls()
	if _, err := h.Provider().Assign(bounded(t), h.Address(), a, seen); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, h, before, Calls{Writes: 1})
	h.Settle()
	wantHolder(t, h, a)
}

func move(t *testing.T, h Harness) {
	needsWrites(t, h)
	a, b := h.Targets()
	h.Place(a)
	for step, steps := 1, writesPerMove(h); step <= steps; step++ {
		seen := look(t, h)
		before := h.Calls()
		if _, err := h.Provider().Assign(bounded(t), h.Address(), b, seen); err != nil {
			t.Fatalf("write %d: %v", step, err)
		}
		wantCalls(t, h, before, Calls{Writes: 1})
		h.Settle()
		if step < steps {
			wantHolder(t, h, providers.Target{})
		}
	}
	wantHolder(t, h, b)
	if got := look(t, h); got.Target != b || got.Pending {
		t.Errorf("Owner after the move: %+v, want %q", got, b)
	}
}

func assignToHolder(t *testing.T, h Harness) {
	needsWrites(t, h)
	p := h.Provider()
	a, _ := h.Targets()
	seen := owner(t, h, p)
	h.Place(a)
	if p.Capabilities().AtomicMove {
		seen = owner(t, h, p) // where it takes two calls that would be told to detach
	}
	if _, err := p.Assign(bounded(t), h.Address(), a, seen); err != nil {
		wantKind(t, err, providers.Conflict, providers.Busy)
	}
	h.Settle()
	wantHolder(t, h, a)
}

func pendingOperation(t *testing.T, h Harness) {
	needsWrites(t, h)
	p := h.Provider()
	if !p.Capabilities().Asynchronous {
		t.Skip("not applicable: an accepted write takes effect at once")
	}
	a, b := h.Targets()
	if _, err := p.Assign(bounded(t), h.Address(), a, owner(t, h, p)); err != nil {
		t.Fatal(err)
	}
	seen := owner(t, h, p)
	if seen.Target != free(h) && seen.Target != a {
		t.Errorf("Owner while pending: %+v", seen)
	}
	_, err := p.Assign(bounded(t), h.Address(), b, seen)
	wantKind(t, err, providers.Busy, providers.Conflict)
	h.Settle()
	wantHolder(t, h, a)
	if got := owner(t, h, p); got.Pending {
		t.Errorf("still pending after completion: %+v", got)
	}
}

func busyTarget(t *testing.T, h Harness) {
	needsWrites(t, h)
	p := h.Provider()
	a, _ := h.Targets()
	seen := owner(t, h, p)
	if !h.MakeBusy(a) {
		t.Skip("not applicable: machines of this cloud are never busy")
	}
	_, err := p.Assign(bounded(t), h.Address(), a, seen)
	wantKind(t, err, providers.Busy)
	wantHolder(t, h, free(h))
}

func unknownTarget(t *testing.T, h Harness) {
	needsWrites(t, h)
	seen := look(t, h)
	_, err := h.Provider().Assign(bounded(t), h.Address(), h.UnknownTarget(), seen)
	wantKind(t, err, providers.NotFound, providers.Invalid)
	h.Settle()
	wantHolder(t, h, free(h))
}

func releaser(t *testing.T, h Harness) providers.Releaser {
	t.Helper()
	p, ok := h.Provider().(providers.Releaser)
	if !ok {
		t.Skip("not applicable: no Releaser")
	}
	return p
}

func release(t *testing.T, h Harness) {
	p := releaser(t, h)
	a, _ := h.Targets()
	h.Place(a)
	before := h.Calls()
	if _, err := p.Release(bounded(t), h.Address(), a); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, h, before, Calls{Writes: 1})
	h.Settle()
	wantHolder(t, h, providers.Target{})
}
