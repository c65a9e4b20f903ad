// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

const notRobbed = "Assign never takes the address from anything but seen.Target: a rival that was faster is a Conflict."

var rivalCases = []testCase{
	{"an attach does not take an address from a rival", notRobbed, attachIsConditional},
	{"an attach on a stale read does not take an address from a rival", notRobbed, staleAttach},
	{"a rival that is faster between the two calls keeps the address", notRobbed, rivalBetweenCalls},
	{"a rival whose attach is under way keeps the address",
		"While an operation is under way another write is refused as Busy or Conflict.",
		rivalUnderWay},
	{"a rival that took the address from the holder keeps it", notRobbed, rivalTookIt},
	{"a release does not take an address from a rival",
		"Release leaves the address alone if from no longer holds it, as far as the API can express that.",
		releaseIsConditional},
}

// needsConditionalAttach skips kinds that move whoever holds the address.
func needsConditionalAttach(t *testing.T, h Harness) {
	t.Helper()
	needsWrites(t, h)
	if writesPerMove(h) == 1 && !h.Traits().NamesHolder {
		t.Skip("not applicable: this cloud moves an address whoever holds it, and the caller knows (AtomicMove)")
	}
}

func needsNamedHolder(t *testing.T, h Harness) {
	t.Helper()
	needsWrites(t, h)
	if !h.Traits().NamesHolder {
		t.Skip("not applicable: a write of this cloud cannot say from whom it takes the address")
	}
}

func attachIsConditional(t *testing.T, h Harness) {
	needsConditionalAttach(t, h)
	a, _ := h.Targets()
	seen := look(t, h)
	h.Place(h.Rival()) // after the caller saw that the address is free
	_, err := h.Provider().Assign(bounded(t), h.Address(), a, seen)
	wantKind(t, err, providers.Conflict)
	h.Settle()
	wantHolder(t, h, h.Rival())
}

func staleAttach(t *testing.T, h Harness) {
	needsConditionalAttach(t, h)
	a, _ := h.Targets()
	needsFrozenReads(t, h)
	h.Place(h.Rival())
	seen := look(t, h)
	if seen.Target != free(h) {
		t.Fatalf("the read is not stale: %+v", seen)
	}
	_, err := h.Provider().Assign(bounded(t), h.Address(), a, seen)
	wantKind(t, err, providers.Conflict)
	h.Settle()
	wantHolder(t, h, h.Rival())
}

func rivalBetweenCalls(t *testing.T, h Harness) {
	needsTwoCalls(t, h)
	a, b := h.Targets()
	h.Place(a)
	if _, err := h.Provider().Assign(bounded(t), h.Address(), b, look(t, h)); err != nil {
		t.Fatalf("detach: %v", err)
	}
	h.Settle()
	seen := look(t, h)
	if _, err := h.Provider().Assign(bounded(t), h.Address(), h.Rival(), seen); err != nil {
		t.Fatalf("the rival's attach: %v", err)
	}
	h.Settle()
	_, err := h.Provider().Assign(bounded(t), h.Address(), b, seen)
	wantKind(t, err, providers.Conflict)
	h.Settle()
	wantHolder(t, h, h.Rival())
}

func rivalUnderWay(t *testing.T, h Harness) {
	needsWrites(t, h)
	if !h.Provider().Capabilities().Asynchronous {
		t.Skip("not applicable: an accepted write takes effect at once")
	}
	a, _ := h.Targets()
	seen := look(t, h)
	if _, err := h.Provider().Assign(bounded(t), h.Address(), h.Rival(), seen); err != nil {
		t.Fatalf("the rival's attach: %v", err)
	}
	_, err := h.Provider().Assign(bounded(t), h.Address(), a, seen)
	wantKind(t, err, providers.Busy, providers.Conflict)
	h.Settle()
	wantHolder(t, h, h.Rival())
}

func rivalTookIt(t *testing.T, h Harness) {
	needsNamedHolder(t, h)
	a, b := h.Targets()
	h.Place(a)
	seen := look(t, h)
	h.Place(h.Rival())
	_, err := h.Provider().Assign(bounded(t), h.Address(), b, seen)
	wantKind(t, err, providers.Conflict)
	h.Settle()
	wantHolder(t, h, h.Rival())
}

func releaseIsConditional(t *testing.T, h Harness) {
	p := releaser(t, h)
	needsNamedHolder(t, h)
	a, _ := h.Targets()
	h.Place(h.Rival())
	_, err := p.Release(bounded(t), h.Address(), a)
	wantKind(t, err, providers.Conflict)
	h.Settle()
	wantHolder(t, h, h.Rival())
}
