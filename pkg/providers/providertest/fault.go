// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

var faultCases = slices.Concat(writeFaults("", false), writeFaults(", with a holder", true), []testCase{
	{"a read that gets no connection is Transient",
		"No answer is an error, never an unbound address.",
		readFault(Unreachable, providers.Transient)},
	{"a read that is cut is Transient",
		"No answer is an error, never an unbound address.",
		readFault(CutBefore, providers.Transient)},
	{"a read answered with 5xx is Transient",
		"No answer is an error, never an unbound address.",
		readFault(ServerError, providers.Transient)},
	{"a read answered with nothing is no owner",
		"A missing field is an error, never a zero value taken for the truth.",
		readFault(EmptyBody, providers.Transient, providers.Unknown)},
	{"a read answered with a page is no owner",
		"What does not decode is an error, never an unbound address.",
		readFault(HTMLBody, providers.Transient, providers.Unknown)},
	{"a read answered with half a document is no owner",
		"What does not decode is an error, never an unbound address.",
		readFault(TruncatedBody, providers.Transient, providers.Unknown)},
	{"a read whose answer is cut is no owner",
		"An answer is complete or none.",
		readFault(CutWithin, providers.Transient)},
	{"a read answered with members that contradict each other is no owner",
		"What is said twice is not said: no reading of JSON tells which counts.",
		everyDoubling},
	{"an answer in another form is the same answer",
		"A byte order mark, white space, compression and chunks change no word.",
		everyForm},
	{"a throttled read says how long to wait",
		"A long RetryAfter is handed on, not waited for.",
		readFault(Throttled, providers.Throttled)},
	{"a denied read is Denied",
		"Denied is for credentials: alarm, slow retry.",
		readFault(Denied, providers.Denied)},
	{"every way to throttle is Throttled",
		"A rate limit is told from a quota and from a failure, in whatever words the cloud puts it.",
		everyThrottling},
	{"no secret in any error",
		"Secrets never reach an error's text, whatever the API answers.",
		noSecretInErrors},
})

// writeFaults returns the cases in which one write runs into a fault: that which binds
// a free address, or else the first write of a move off a holder.
func writeFaults(suffix string, held bool) []testCase {
	cases := []testCase{
		{"a write that never left is Transient",
			"A request that never left took no effect, and says so: the caller may repeat it at once.",
			writeFault(held, Unreachable, providers.Transient)},
		{"a write cut before it took effect is Ambiguous",
			"Nothing tells a lost request from a lost reply.",
			writeFault(held, CutBefore, providers.Ambiguous)},
		{"a write whose reply is lost is Ambiguous",
			"Read the owner first, never repeat blindly.",
			writeFault(held, CutAfter, providers.Ambiguous)},
		{"a write answered with 5xx is Ambiguous",
			"A server error may come before or after the effect.",
			writeFault(held, ServerError, providers.Ambiguous)},
		{"a write answered with 5xx after its effect is Ambiguous",
			"A server error may come before or after the effect.",
			writeFault(held, ServerErrorAfter, providers.Ambiguous)},
		{"a write answered with nothing is Ambiguous",
			"A missing field is an error, never a zero value taken for the truth.",
			writeFault(held, EmptyBody, providers.Ambiguous)},
		{"a write answered with a page is Ambiguous",
			"What does not decode does not say what happened.",
			writeFault(held, HTMLBody, providers.Ambiguous)},
		{"a write answered with half a document is Ambiguous",
			"What does not decode does not say what happened.",
			writeFault(held, TruncatedBody, providers.Ambiguous)},
		{"a write whose answer is cut is Ambiguous",
			"An answer is complete or none.",
			writeFault(held, CutWithin, providers.Ambiguous)},
		{"a throttled write took no effect",
			"Throttled comes with RetryAfter when the API names it.",
			writeFault(held, Throttled, providers.Throttled)},
		{"a denied write took no effect",
			"Denied is for credentials: alarm, slow retry.",
			writeFault(held, Denied, providers.Denied)},
	}
	for i := range cases {
		cases[i].name += suffix
	}
	return cases
}

// writeFault returns a case in which one Assign runs into f: the kind is right,
// at most one write arrived, and the address is where f says.
func writeFault(held bool, f Fault, allowed ...providers.Kind) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		needsWrites(t, h)
		a, b := h.Targets()
		from, to := free(h), b
		if held {
			from = a
			h.Place(a)
		}
		seen := look(t, h)
		inject(t, h, Writes, f)
		before := h.Calls()
		_, err := h.Provider().Assign(bounded(t), h.Address(), to, seen)
		wantKind(t, err, allowed...)
		wantDetails(t, h, f, err)
		if f == Unreachable {
			wantCalls(t, h, before, Calls{})
		} else {
			wantCalls(t, h, before, Calls{Writes: 1})
		}
		h.Settle()
		want := from
		switch {
		case !f.applied():
		case held && writesPerMove(h) == 2:
			want = providers.Target{}
		default:
			want = to
		}
		wantHolder(t, h, want)
	}
}

// readFault returns a case in which Owner runs into f while the address is held:
// the kind is right, nothing was written, and no owner came with the error.
func readFault(f Fault, allowed ...providers.Kind) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		p := h.Provider()
		a, _ := h.Targets()
		h.Place(a)
		inject(t, h, Reads, f)
		got, err := p.Owner(bounded(t), h.Address())
		wantKind(t, err, allowed...)
		wantDetails(t, h, f, err)
		if !got.Target.IsZero() || got.Pending {
			t.Errorf("an answer came with the error: %+v", got)
		}
		wantNoWrites(t, h)
	}
}

// wantDetails looks at what else an error must carry: what it was about, and
// where the API refused, the id of the request and how long to wait.
func wantDetails(t *testing.T, h Harness, f Fault, err error) {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) {
		return // wantKind has complained
	}
	if !strings.Contains(e.Op, h.Address().String()) {
		t.Errorf("the operation %q does not name the address", e.Op)
	}
	broken := f == ServerError || f == ServerErrorAfter
	refused := f == Throttled || f == Denied || broken && !h.Traits().AnonymousServerErrors
	if refused && e.RequestID == "" {
		t.Errorf("no request id: %v", err)
	}
	wantRetryAfter(t, h, f, err)
}

// wantRetryAfter compares how long an error asks to wait with what f asked for.
func wantRetryAfter(t *testing.T, h Harness, f Fault, err error) {
	t.Helper()
	var want time.Duration
	if f == Throttled && !h.Traits().NoRetryAfter {
		want = RetryAfterHint
	}
	var e *providers.Error
	if errors.As(err, &e) && e.RetryAfter != want {
		t.Errorf("RetryAfter = %v, want %v", e.RetryAfter, want)
	}
}

func everyThrottling(t *testing.T, h Harness) {
	throttler, ok := h.(Throttler)
	if !ok {
		t.Skip("not applicable: this cloud throttles in one way only")
	}
	p := h.Provider()
	a, _ := h.Targets()
	seen := owner(t, h, p)
	for _, way := range throttler.Throttlings() {
		throttler.Throttle(Reads, way)
		_, err := p.Owner(bounded(t), h.Address())
		t.Logf("%s: %v", way, err)
		wantKind(t, err, providers.Throttled)
		if announced(h) {
			continue
		}
		throttler.Throttle(Writes, way)
		_, err = p.Assign(bounded(t), h.Address(), a, seen)
		t.Logf("%s: %v", way, err)
		wantKind(t, err, providers.Throttled)
	}
	h.Settle()
	wantHolder(t, h, free(h))
}

// doublings is how many answers are looked at, of which each has another member twice: more
// than any has members, but for long lists.
const doublings = 100

// everyDoubling: that a member is twice which says nothing of the owner is no matter.
func everyDoubling(t *testing.T, h Harness) {
	a, _ := h.Targets()
	h.Place(a)
	inject(t, h, Reads, DoubledMember)
	p := h.Provider()
	for range doublings {
		got, err := p.Owner(bounded(t), h.Address())
		switch {
		case err == nil && got.Target != a:
			t.Errorf("held by %q, Owner says %q", a, got.Target)
		case err != nil:
			wantKind(t, err, providers.Transient)
		}
	}
}

func everyForm(t *testing.T, h Harness) {
	a, b := h.Targets()
	for _, form := range []Fault{MarkedBody, SpacedBody, GzippedBody, BodyInPieces} {
		p := h.Provider()
		h.Clear()
		if !h.Inject(Reads, form) || !announced(h) && !h.Inject(Writes, form) {
			t.Skipf("not applicable: the fake has no fault %s", form)
		}
		h.Place(a)
		if got := owner(t, h, p); got.Target != a {
			t.Errorf("%s: Owner says %q, want %q", form, got.Target, a)
		}
		if announced(h) {
			continue
		}
		for range writesPerMove(h) {
			if _, err := p.Assign(bounded(t), h.Address(), b, owner(t, h, p)); err != nil {
				t.Errorf("%s: Assign: %v", form, err)
			}
			h.Settle()
		}
		wantHolder(t, h, b)
	}
}

func noSecretInErrors(t *testing.T, h Harness) {
	p := h.Provider()
	a, _ := h.Targets()
	seen := owner(t, h, p)
	var texts []string
	keep := func(err error) {
		for ; err != nil; err = errors.Unwrap(err) {
			texts = append(texts, err.Error(), fmt.Sprintf("%+v %#v", err, err))
		}
	}
	_, err := p.Owner(bounded(t), h.UnknownAddress())
	keep(err)
	_, err = p.Assign(bounded(t), h.Address(), h.UnknownTarget(), seen)
	keep(err)
	if h.Inject(Reads, Denied) && h.Inject(Writes, Denied) {
		_, err = p.Owner(bounded(t), h.Address())
		keep(err)
		_, err = p.Assign(bounded(t), h.Address(), a, seen)
		keep(err)
	}
	if len(texts) == 0 {
		t.Fatal("no error to look at")
	}
	for _, text := range texts {
		for _, secret := range h.Secrets() {
			if strings.Contains(text, secret) {
				t.Errorf("a secret shows in %q", strings.ReplaceAll(text, secret, "<secret>"))
			}
		}
	}
}
