// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

var faultCases = []testCase{
	{"a write that never left is Transient",
		"A request that never left took no effect, and says so: the caller may repeat it at once.",
		writeFault(Unreachable, providers.Transient)},
	{"a write cut before it took effect is Ambiguous",
		"Nothing tells a lost request from a lost reply.",
		writeFault(CutBefore, providers.Ambiguous)},
	{"a write whose reply is lost is Ambiguous",
		"Read the owner first, never repeat blindly.",
		writeFault(CutAfter, providers.Ambiguous)},
	{"a write answered with 5xx is Ambiguous",
		"A server error may come before or after the effect.",
		writeFault(ServerError, providers.Ambiguous)},
	{"a write answered with 5xx after its effect is Ambiguous",
		"A server error may come before or after the effect.",
		writeFault(ServerErrorAfter, providers.Ambiguous)},
	{"a write answered with nothing is Ambiguous",
		"A missing field is an error, never a zero value taken for the truth.",
		writeFault(EmptyBody, providers.Ambiguous)},
	{"a write answered with a page is Ambiguous",
		"What does not decode does not say what happened.",
		writeFault(HTMLBody, providers.Ambiguous)},
	{"a write answered with half a document is Ambiguous",
		"What does not decode does not say what happened.",
		writeFault(TruncatedBody, providers.Ambiguous)},
	{"a throttled write took no effect",
		"Throttled comes with RetryAfter when the API names it.",
		writeFault(Throttled, providers.Throttled)},
	{"a denied write took no effect",
		"Denied is for credentials: alarm, slow retry.",
		writeFault(Denied, providers.Denied)},

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
	{"a throttled read says how long to wait",
		"A long RetryAfter is handed on, not waited for.",
		readFault(Throttled, providers.Throttled)},
	{"a denied read is Denied",
		"Denied is for credentials: alarm, slow retry.",
		readFault(Denied, providers.Denied)},
	{"no secret in any error",
		"Secrets never reach an error's text, whatever the API answers.",
		noSecretInErrors},
}

// writeFault returns a case in which one Assign runs into f: the kind is right,
// at most one write arrived, and the address is where f says.
func writeFault(f Fault, allowed ...providers.Kind) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		p := h.Provider()
		a, _ := h.Targets()
		inject(t, h, Writes, f)
		before := h.Calls()
		_, err := p.Assign(bounded(t), h.Address(), a, providers.Assignment{})
		wantKind(t, err, allowed...)
		wantDetails(t, h, f, err)
		if f == Unreachable {
			wantCalls(t, h, before, Calls{})
		} else {
			wantCalls(t, h, before, Calls{Writes: 1})
		}
		h.Settle()
		var want providers.Target
		if f.applied() {
			want = a
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
		if n := h.Calls().Writes; n != 0 {
			t.Errorf("%d writes", n)
		}
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
	refused := f == Throttled || f == Denied || f == ServerError || f == ServerErrorAfter
	if refused && e.RequestID == "" {
		t.Errorf("no request id: %v", err)
	}
	if f == Throttled && e.RetryAfter != RetryAfterHint {
		t.Errorf("RetryAfter = %v, want %v", e.RetryAfter, RetryAfterHint)
	}
	if f != Throttled && e.RetryAfter != 0 {
		t.Errorf("RetryAfter = %v out of nowhere", e.RetryAfter)
	}
}

func noSecretInErrors(t *testing.T, h Harness) {
	p := h.Provider()
	a, _ := h.Targets()
	var texts []string
	keep := func(err error) {
		for ; err != nil; err = errors.Unwrap(err) {
			texts = append(texts, err.Error(), fmt.Sprintf("%+v %#v", err, err))
		}
	}
	_, err := p.Owner(bounded(t), h.UnknownAddress())
	keep(err)
	_, err = p.Assign(bounded(t), h.Address(), h.UnknownTarget(), providers.Assignment{})
	keep(err)
	if h.Inject(Reads, Denied) && h.Inject(Writes, Denied) {
		_, err = p.Owner(bounded(t), h.Address())
		keep(err)
		_, err = p.Assign(bounded(t), h.Address(), a, providers.Assignment{})
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
