// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// callTimeout bounds each call of a case that is about something else.
const callTimeout = 10 * time.Second

// testCase is one rule and the way to see whether it holds.
type testCase struct {
	name string
	rule string
	run  func(t *testing.T, h Harness)
}

// Run checks one driver against every rule, each in a world of its own.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	for _, c := range slices.Concat(ownerCases, writeCases, sequenceCases, rivalCases, announceCases,
		faultCases, contextCases, optionalCases, batchCases) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the rule: %s", c.rule)
				}
			})
			h := newHarness(t)
			if announced(h) {
				defer wantNoWrites(t, h)
			}
			c.run(t, h)
		})
	}
}

// announced reports whether the guest moves the address, and nothing is ever written.
func announced(h Harness) bool { return h.Provider().Capabilities().MovesWithoutAPI }

// needsWrites skips a case that is about writes for a kind that has none.
func needsWrites(t *testing.T, h Harness) {
	t.Helper()
	if announced(h) {
		t.Skip("not applicable: the guest moves the address, nothing is written (MovesWithoutAPI)")
	}
}

// wantNoWrites fails the test if any write arrived.
func wantNoWrites(t *testing.T, h Harness) {
	t.Helper()
	if n := h.Calls().Writes; n != 0 {
		t.Errorf("%d writes", n)
	}
}

// free returns who holds the address when none of the machines does.
func free(h Harness) providers.Target { return h.Traits().Occupant }

// look reads the owner with a driver of its own, so that the one under test has no
// warm connection and nothing to remember.
func look(t *testing.T, h Harness) providers.Assignment {
	t.Helper()
	return owner(t, h, h.Provider())
}

// bounded returns a context for one call.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	t.Cleanup(cancel)
	return ctx
}

// inject skips the case if the harness cannot do f.
func inject(t *testing.T, h Harness, on Direction, f Fault) {
	t.Helper()
	if !h.Inject(on, f) {
		t.Skipf("not applicable: the fake has no fault %s on %s", f, on)
	}
}

// owner reads the owner and fails the test on an error.
func owner(t *testing.T, h Harness, p providers.Provider) providers.Assignment {
	t.Helper()
	got, err := p.Owner(bounded(t), h.Address())
	if err != nil {
		t.Fatalf("Owner: %v", err)
	}
	return got
}

// wantHolder compares the truth with what is wanted.
func wantHolder(t *testing.T, h Harness, want providers.Target) {
	t.Helper()
	if got := h.Owner(); got != want {
		t.Errorf("the address is held by %q, want %q", got, want)
	}
}

// wantKind compares the kind of an error, which must be a complete one.
func wantKind(t *testing.T, err error, allowed ...providers.Kind) {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v (%T), want a *providers.Error of kind %v", err, err, allowed)
		return
	}
	if !slices.Contains(allowed, e.Kind) {
		t.Errorf("got kind %v (%v), want %v", e.Kind, err, allowed)
	}
	if e.Provider == "" || e.Op == "" {
		t.Errorf("error without provider or operation: %#v", e)
	}
}

// wantCalls compares the requests that arrived since before.
func wantCalls(t *testing.T, h Harness, before Calls, want Calls) {
	t.Helper()
	now := h.Calls()
	if got := (Calls{now.Reads - before.Reads, now.Writes - before.Writes}); got != want {
		t.Errorf("requests that arrived: %+v, want %+v", got, want)
	}
}
