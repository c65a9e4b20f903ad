// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

const verified = "Where the guest moves the address Assign only reads whether to holds it, and what it cannot read is not confirmed."

var announceCases = []testCase{
	{"an announced address needs no write",
		"Where the guest moves the address nothing is written: Assign reads whether to holds it, and is a Conflict if not.",
		announceAndVerify},
	{"Owner shows an announcement when the cloud has taken it",
		"Owner is what the cloud says now, not what was announced.",
		announceAndRead},
	{"an unknown address cannot be confirmed", verified, verifyUnknown},
	{"a confirmation that gets no connection is Transient", verified, verifyFault(Unreachable, providers.Transient)},
	{"a confirmation that is cut is Transient", verified, verifyFault(CutBefore, providers.Transient)},
	{"a confirmation answered with 5xx is Transient", verified, verifyFault(ServerError, providers.Transient)},
	{"a confirmation answered with nothing is none", verified, verifyFault(EmptyBody, providers.Transient, providers.Unknown)},
	{"a confirmation answered with a page is none", verified, verifyFault(HTMLBody, providers.Transient, providers.Unknown)},
	{"a confirmation answered with half a document is none", verified, verifyFault(TruncatedBody, providers.Transient, providers.Unknown)},
	{"a throttled confirmation is Throttled", verified, verifyFault(Throttled, providers.Throttled)},
	{"a denied confirmation is Denied", verified, verifyFault(Denied, providers.Denied)},
}

// announcer returns the harness's Announcer, or skips the case.
func announcer(t *testing.T, h Harness) Announcer {
	t.Helper()
	if !announced(h) {
		t.Skip("not applicable: the cloud moves the address, not the guest")
	}
	a, ok := h.(Announcer)
	if !ok {
		t.Fatal("the driver moves by announcement, and the harness is no Announcer")
	}
	return a
}

func announceAndVerify(t *testing.T, h Harness) {
	guest := announcer(t, h)
	a, b := h.Targets()
	seen := look(t, h)
	for _, holder := range []providers.Target{a, b, a} {
		_, err := h.Provider().Assign(bounded(t), h.Address(), holder, seen)
		wantKind(t, err, providers.Conflict)
		guest.Announce(holder)
		h.Settle()
		wantHolder(t, h, holder)
		before := h.Calls()
		if _, err := h.Provider().Assign(bounded(t), h.Address(), holder, seen); err != nil {
			t.Errorf("held by %s: %v", holder, err)
		}
		if h.Calls().Reads == before.Reads {
			t.Error("Assign confirmed without a read")
		}
	}
}

func announceAndRead(t *testing.T, h Harness) {
	guest := announcer(t, h)
	p := h.Provider()
	a, b := h.Targets()
	h.Place(a)
	guest.Announce(b)
	if got := owner(t, h, p); got.Target != a {
		t.Errorf("the cloud has not taken the announcement, Owner says %q", got.Target)
	}
	h.Settle()
	if got := owner(t, h, p); got.Target != b {
		t.Errorf("the cloud has taken the announcement, Owner says %q", got.Target)
	}
}

func verifyUnknown(t *testing.T, h Harness) {
	announcer(t, h)
	a, _ := h.Targets()
	_, err := h.Provider().Assign(bounded(t), h.UnknownAddress(), a, providers.Assignment{})
	wantKind(t, err, providers.NotFound)
}

// verifyFault returns a case in which the confirmation of the true holder runs into f.
func verifyFault(f Fault, allowed ...providers.Kind) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		announcer(t, h)
		p := h.Provider()
		a, _ := h.Targets()
		h.Place(a)
		inject(t, h, Reads, f)
		_, err := p.Assign(bounded(t), h.Address(), a, providers.Assignment{Target: a})
		wantKind(t, err, allowed...)
		wantDetails(t, h, f, err)
	}
}
