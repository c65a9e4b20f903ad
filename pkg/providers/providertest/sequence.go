// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

var sequenceCases = []testCase{
	{"a crash between two calls is completed by either node",
		"Nothing but the owner read says how far a move has come, to any instance of the driver (invariant 5).",
		crashBetweenCalls},
	{"a crash while the first call is under way",
		"A second write waits for the first, whoever made it: Busy or Conflict, and Owner says that something is pending, or whom it shows.",
		crashDuringCall},
	{"a move completes although every reply is lost",
		"After an Ambiguous write the owner read decides what is next; no step is made twice.",
		completes(CutAfter)},
	{"a move completes although every request is lost once",
		"After an Ambiguous write the owner read decides what is next; no step is left out.",
		completes(CutBefore)},
	{"a stale read is no more than what it says",
		"Owner hands on what the cloud shows. It corrects nothing from memory (invariant 6).",
		staleOwner},
	{"a step made again on a stale read does no harm",
		"A step that was made already is accepted, or refused as Conflict or Busy; it takes the address nowhere else.",
		staleRepeat},
}

func needsTwoCalls(t *testing.T, h Harness) {
	t.Helper()
	needsWrites(t, h)
	if writesPerMove(h) < 2 {
		t.Skip("not applicable: a move is one call (AtomicMove)")
	}
}

func needsFrozenReads(t *testing.T, h Harness) {
	t.Helper()
	if !h.FreezeReads() {
		t.Skip("not applicable: reads of this cloud are never stale")
	}
}

func crashBetweenCalls(t *testing.T, h Harness) {
	needsTwoCalls(t, h)
	a, b := h.Targets()
	for _, finisher := range []providers.Target{a, b, h.Rival()} {
		h.Place(a)
		if _, err := h.Provider().Assign(bounded(t), h.Address(), b, look(t, h)); err != nil {
			t.Fatalf("detach: %v", err)
		}
		h.Settle()
		wantHolder(t, h, providers.Target{})
		if _, err := h.Provider().Assign(bounded(t), h.Address(), finisher, look(t, h)); err != nil {
			t.Fatalf("attach to %s: %v", finisher, err)
		}
		h.Settle()
		wantHolder(t, h, finisher)
	}
}

func crashDuringCall(t *testing.T, h Harness) {
	needsTwoCalls(t, h)
	if !h.Provider().Capabilities().Asynchronous {
		t.Skip("not applicable: an accepted write takes effect at once")
	}
	a, b := h.Targets()
	h.Place(a)
	if _, err := h.Provider().Assign(bounded(t), h.Address(), b, look(t, h)); err != nil {
		t.Fatalf("detach: %v", err)
	}
	seen := look(t, h)
	if seen.Target != a && !seen.Pending {
		t.Errorf("Owner while it is taken off %s: %+v", a, seen)
	}
	for _, before := range []providers.Assignment{seen, {}} {
		_, err := h.Provider().Assign(bounded(t), h.Address(), b, before)
		wantKind(t, err, providers.Busy, providers.Conflict)
	}
	h.Settle()
	wantHolder(t, h, providers.Target{})
}

// completes returns a case in which each write of a move runs into f once.
func completes(f Fault) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		needsWrites(t, h)
		a, b := h.Targets()
		h.Place(a)
		before, steps := h.Calls(), writesPerMove(h)
		for step := 1; step <= steps; step++ {
			seen := look(t, h)
			inject(t, h, Writes, f)
			_, err := h.Provider().Assign(bounded(t), h.Address(), b, seen)
			wantKind(t, err, providers.Ambiguous)
			h.Clear()
			h.Settle()
			if f.applied() {
				continue
			}
			again := look(t, h)
			if again.Target != seen.Target {
				t.Errorf("step %d took effect: %+v", step, again)
			}
			if _, err := h.Provider().Assign(bounded(t), h.Address(), b, again); err != nil {
				t.Fatalf("step %d, again: %v", step, err)
			}
			h.Settle()
		}
		wantHolder(t, h, b)
		if !f.applied() {
			steps *= 2
		}
		if n := h.Calls().Writes - before.Writes; n != steps {
			t.Errorf("%d writes, want %d", n, steps)
		}
	}
}

func staleOwner(t *testing.T, h Harness) {
	p := h.Provider()
	a, b := h.Targets()
	h.Place(a)
	owner(t, h, p)
	h.Place(b) // the last that the driver saw is a
	needsFrozenReads(t, h)
	for _, truth := range []providers.Target{a, h.Rival(), free(h)} {
		h.Place(truth)
		if got := owner(t, h, p); got.Target != b {
			t.Errorf("the cloud shows %s, Owner says %q", b, got.Target)
		}
	}
	h.Settle()
	if got := owner(t, h, p); got.Target != free(h) {
		t.Errorf("the cloud shows %q, Owner says %q", free(h), got.Target)
	}
}

func staleRepeat(t *testing.T, h Harness) {
	needsWrites(t, h)
	a, b := h.Targets()
	h.Place(a)
	needsFrozenReads(t, h)
	seen := look(t, h)
	if _, err := h.Provider().Assign(bounded(t), h.Address(), b, seen); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Provider().Assign(bounded(t), h.Address(), b, look(t, h)); err != nil {
		wantKind(t, err, providers.Busy, providers.Conflict)
	}
	h.Settle()
	if _, err := h.Provider().Assign(bounded(t), h.Address(), b, seen); err != nil {
		wantKind(t, err, providers.Busy, providers.Conflict)
	}
	h.Settle()
	var want providers.Target
	if writesPerMove(h) == 1 {
		want = b
	}
	wantHolder(t, h, want)
}
