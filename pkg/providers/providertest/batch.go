// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"context"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/pkg/providers"
)

var batchCases = []testCase{
	{"a batch says of each address what Owner says",
		"Owners gives one reading for each address, in their order: unbound, held, pending and unknown ones.",
		batchLikeOwner},
	{"a batch remembers nothing",
		"Each batch asks the cloud; nothing about ownership is kept between calls (invariant 6).",
		batchReadsEachTime},
	{"a batch of none and of one",
		"No address costs no call; a single one may be read as Owner does.",
		batchSizes},
	{"a throttled batch says how long to wait",
		batchFaultRule, batchFault(Throttled, providers.Throttled)},
	{"a batch answered with 5xx is Transient",
		batchFaultRule, batchFault(ServerError, providers.Transient)},
	{"a batch answered with nothing is no owner",
		batchFaultRule, batchFault(EmptyBody, providers.Transient, providers.Unknown)},
	{"a batch answered with half a document is no owner",
		batchFaultRule, batchFault(TruncatedBody, providers.Transient, providers.Unknown)},
	{"a batch whose context is over sends nothing",
		"A call whose context is over before it begins sends nothing and is Canceled.",
		batchEnded},
	{"a batch cancelled under way is Canceled",
		"A cancelled read tells nothing about the cloud.",
		batchCancelled},
}

const batchFaultRule = "A call that fails gives its error to every address that it was made for, and no owner."

func batchReader(t *testing.T, h Harness) providers.BatchReader {
	t.Helper()
	b, ok := h.Provider().(providers.BatchReader)
	if !ok {
		t.Skip("not applicable: no BatchReader")
	}
	return b
}

// wantLikeOwner reads as one by one and in a batch, and compares.
func wantLikeOwner(t *testing.T, h Harness, as ...providers.Address) []providers.Reading {
	t.Helper()
	got := batchReader(t, h).Owners(bounded(t), as)
	if len(got) != len(as) {
		t.Fatalf("%d readings of %d addresses", len(got), len(as))
	}
	for i, a := range as {
		want, err := h.Provider().Owner(bounded(t), a)
		if providers.KindOf(err) != providers.KindOf(got[i].Err) || (err == nil) != (got[i].Err == nil) {
			t.Errorf("%s: got error %v, Owner says %v", a, got[i].Err, err)
		}
		if diff := cmp.Diff(want, got[i].Assignment, compareTargets, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-owner +batch):\n%s", a, diff)
		}
	}
	return got
}

func batchLikeOwner(t *testing.T, h Harness) {
	a, b := h.Targets()
	for _, holder := range []providers.Target{free(h), a, b} {
		h.Place(holder)
		got := wantLikeOwner(t, h, h.Address(), h.UnknownAddress(), h.Address())
		wantKind(t, got[1].Err, providers.NotFound)
	}
	want := 0
	if announcer, ok := h.(Announcer); ok {
		announcer.Announce(a)
	} else if _, err := h.Provider().Assign(bounded(t), h.Address(), a, look(t, h)); err != nil {
		t.Fatalf("Assign: %v", err)
	} else {
		want = 1
	}
	wantLikeOwner(t, h, h.UnknownAddress(), h.Address())
	h.Settle()
	wantLikeOwner(t, h, h.UnknownAddress(), h.Address())
	if n := h.Calls().Writes; n != want {
		t.Errorf("%d writes, want %d, those of the case alone", n, want)
	}
}

func batchReadsEachTime(t *testing.T, h Harness) {
	reader := batchReader(t, h)
	a, b := h.Targets()
	for _, holder := range []providers.Target{a, b, free(h), b} {
		h.Place(holder)
		got := reader.Owners(bounded(t), []providers.Address{h.Address(), h.UnknownAddress()})[0]
		if got.Err != nil || got.Assignment.Target != holder {
			t.Errorf("placed on %q: got %q, %v", holder, got.Assignment.Target, got.Err)
		}
	}
}

func batchSizes(t *testing.T, h Harness) {
	reader := batchReader(t, h)
	before := h.Calls()
	if got := reader.Owners(bounded(t), nil); len(got) > 0 {
		t.Errorf("readings of no address: %+v", got)
	}
	wantCalls(t, h, before, Calls{})
	wantLikeOwner(t, h, h.Address())
	wantLikeOwner(t, h, h.UnknownAddress())
}

// batchFault returns a case in which a batch runs into f while the address is held.
func batchFault(f Fault, allowed ...providers.Kind) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		reader := batchReader(t, h)
		a, _ := h.Targets()
		h.Place(a)
		inject(t, h, Reads, f)
		for _, got := range reader.Owners(bounded(t), []providers.Address{h.Address(), h.UnknownAddress()}) {
			wantKind(t, got.Err, allowed...)
			wantRetryAfter(t, h, f, got.Err)
			if !got.Assignment.Target.IsZero() {
				t.Errorf("an owner came with the error: %q", got.Assignment.Target)
			}
		}
	}
}

func batchEnded(t *testing.T, h Harness) {
	reader := batchReader(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := h.Calls()
	for _, got := range reader.Owners(ctx, []providers.Address{h.Address(), h.UnknownAddress()}) {
		wantKind(t, got.Err, providers.Canceled)
	}
	wantCalls(t, h, before, Calls{})
}

func batchCancelled(t *testing.T, h Harness) {
	reader := batchReader(t, h)
	inject(t, h, Reads, Hang)
	for _, got := range reader.Owners(onceArrived(t, h), []providers.Address{h.Address(), h.UnknownAddress()}) {
		wantKind(t, got.Err, providers.Canceled)
	}
}
