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
	{"an attach does not take an address from a rival",
		"Assign never takes the address from anything but seen.Target.",
		attachIsConditional},
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

func assignFree(t *testing.T, h Harness) {
	p := h.Provider()
	a, _ := h.Targets()
	before := h.Calls()
	if _, err := p.Assign(bounded(t), h.Address(), a, providers.Assignment{}); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, h, before, Calls{Writes: 1})
	h.Settle()
	wantHolder(t, h, a)
}

func move(t *testing.T, h Harness) {
	a, b := h.Targets()
	h.Place(a)
	want := 2
	if h.Provider().Capabilities().AtomicMove {
		want = 1
	}
	for step := 1; step <= want; step++ {
		before, seen := h.Calls(), owner(t, h, h.Provider())
		if _, err := h.Provider().Assign(bounded(t), h.Address(), b, seen); err != nil {
			t.Fatalf("write %d: %v", step, err)
		}
		wantCalls(t, h, before, Calls{Reads: 1, Writes: 1})
		h.Settle()
		if step < want {
			wantHolder(t, h, providers.Target{})
		}
	}
	wantHolder(t, h, b)
	if got := owner(t, h, h.Provider()); got.Target != b || got.Pending {
		t.Errorf("Owner after the move: %+v, want %q", got, b)
	}
}

func attachIsConditional(t *testing.T, h Harness) {
	p := h.Provider()
	if p.Capabilities().AtomicMove {
		t.Skip("not applicable: this cloud moves an address whoever holds it, and the caller knows (AtomicMove)")
	}
	a, b := h.Targets()
	h.Place(b) // a rival, after the caller saw nobody
	_, err := p.Assign(bounded(t), h.Address(), a, providers.Assignment{})
	wantKind(t, err, providers.Conflict)
	h.Settle()
	wantHolder(t, h, b)
}

func assignToHolder(t *testing.T, h Harness) {
	p := h.Provider()
	a, _ := h.Targets()
	h.Place(a)
	seen := owner(t, h, p)
	if !p.Capabilities().AtomicMove {
		seen = providers.Assignment{} // else it would be told to detach
	}
	if _, err := p.Assign(bounded(t), h.Address(), a, seen); err != nil {
		wantKind(t, err, providers.Conflict, providers.Busy)
	}
	h.Settle()
	wantHolder(t, h, a)
}

func pendingOperation(t *testing.T, h Harness) {
	p := h.Provider()
	if !p.Capabilities().Asynchronous {
		t.Skip("not applicable: an accepted write takes effect at once")
	}
	a, b := h.Targets()
	if _, err := p.Assign(bounded(t), h.Address(), a, providers.Assignment{}); err != nil {
		t.Fatal(err)
	}
	seen := owner(t, h, p)
	if !seen.Target.IsZero() && seen.Target != a {
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
	p := h.Provider()
	a, _ := h.Targets()
	if !h.MakeBusy(a) {
		t.Skip("not applicable: machines of this cloud are never busy")
	}
	_, err := p.Assign(bounded(t), h.Address(), a, providers.Assignment{})
	wantKind(t, err, providers.Busy)
	wantHolder(t, h, providers.Target{})
}

func unknownTarget(t *testing.T, h Harness) {
	_, err := h.Provider().Assign(bounded(t), h.Address(), h.UnknownTarget(), providers.Assignment{})
	wantKind(t, err, providers.NotFound, providers.Invalid)
	h.Settle()
	wantHolder(t, h, providers.Target{})
}

func release(t *testing.T, h Harness) {
	p, ok := h.Provider().(providers.Releaser)
	if !ok {
		t.Skip("not applicable: no Releaser")
	}
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
