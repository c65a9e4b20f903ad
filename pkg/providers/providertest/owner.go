// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

var ownerCases = []testCase{
	{"capabilities are constant and possible",
		"Capabilities does no I/O, always returns the same value, names a family and a positive MoveTimeout.",
		capabilitiesAreConstant},
	{"held by nobody is an answer",
		"A zero Target without an error means that the cloud answered and nobody holds the address.",
		unboundIsAnAnswer},
	{"the owner is what the cloud says now",
		"Owner reads; nothing about ownership is remembered between calls (invariant 6).",
		ownerIsReadEachTime},
	{"reads never write",
		"Owner, InstanceState, Placement, Preflight and Operation read and never repair.",
		readsNeverWrite},
	{"an unknown address is not found",
		"NotFound means that the address itself does not exist; it is no unbound address.",
		unknownAddress},
	{"concurrent use",
		"A driver is safe for concurrent use; every answer is one the cloud gave.",
		concurrentUse},
}

func capabilitiesAreConstant(t *testing.T, h Harness) {
	p := h.Provider()
	before, first := h.Calls(), p.Capabilities()
	if diff := cmp.Diff(first, h.Provider().Capabilities()); diff != "" {
		t.Errorf("two drivers differ:\n%s", diff)
	}
	if !first.IPv4 && !first.IPv6 {
		t.Error("no address family")
	}
	if first.MoveTimeout <= 0 || first.SettleTime < 0 || first.SettleTime > first.MoveTimeout || first.MinInterval < 0 {
		t.Errorf("impossible times: %+v", first)
	}
	for _, late := range []time.Duration{first.LateTime4, first.LateTime6} {
		if late < 0 || late != 0 && (late >= first.SettleTime || first.MovesWithoutAPI) {
			t.Errorf("an impossible time until an unanswered write is repeated: %+v", first)
		}
	}
	wantCalls(t, h, before, Calls{})
}

func unboundIsAnAnswer(t *testing.T, h Harness) {
	if !free(h).IsZero() {
		t.Skip("not applicable: an address of this kind always has a holder")
	}
	if diff := cmp.Diff(providers.Target{}, owner(t, h, h.Provider()).Target, compareTargets); diff != "" {
		t.Error(diff)
	}
}

func ownerIsReadEachTime(t *testing.T, h Harness) {
	p := h.Provider()
	a, b := h.Targets()
	for _, holder := range []providers.Target{a, b, free(h), b, a, h.Rival()} {
		h.Place(holder)
		if diff := cmp.Diff(holder, owner(t, h, p).Target, compareTargets); diff != "" {
			t.Errorf("placed on %q:\n%s", holder, diff)
		}
	}
}

func readsNeverWrite(t *testing.T, h Harness) {
	p := h.Provider()
	a, b := h.Targets()
	for _, holder := range []providers.Target{free(h), a, b} {
		h.Place(holder)
		owner(t, h, p)
		if i, ok := p.(providers.Inspector); ok {
			_, _ = i.InstanceState(bounded(t), a) // only what it sends matters here
		}
		if c, ok := p.(providers.Preflighter); ok {
			_ = c.Preflight(bounded(t), h.Address(), a) // as above
		}
		if r, ok := p.(providers.Recogniser); ok {
			_ = r.PrivateAddresses(bounded(t), h.Address(), a) // as above
		}
		if l, ok := p.(providers.Placer); ok {
			_, _ = l.Placement(bounded(t), a) // as above
		}
		if o, ok := p.(providers.Tracker); ok {
			_, _ = o.Operation(bounded(t), h.Address(), providers.Result{Operation: "1"}) // as above
		}
		wantHolder(t, h, holder)
	}
	wantNoWrites(t, h)
}

func unknownAddress(t *testing.T, h Harness) {
	got, err := h.Provider().Owner(bounded(t), h.UnknownAddress())
	wantKind(t, err, providers.NotFound)
	if !got.Target.IsZero() {
		t.Errorf("an owner came with the error: %q", got.Target)
	}
}

func concurrentUse(t *testing.T, h Harness) {
	p := h.Provider()
	a, b := h.Targets()
	h.Place(a)
	seen := owner(t, h, p)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 4 {
				got, err := p.Owner(bounded(t), h.Address())
				if err != nil || (got.Target != a && got.Target != b && !got.Target.IsZero()) {
					t.Errorf("Owner: %q, %v", got.Target, err)
				}
			}
		})
	}
	if announcer, ok := h.(Announcer); ok {
		announcer.Announce(b)
	} else if _, err := p.Assign(bounded(t), h.Address(), b, seen); err != nil {
		t.Errorf("Assign: %v", err)
	}
	h.Settle()
	wg.Wait()
}

var compareTargets = cmp.Comparer(func(a, b providers.Target) bool { return a == b })
