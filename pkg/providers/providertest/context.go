// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"context"
	"errors"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// hangTimeout is the deadline of calls that are made to run into it. Only that
// they return is checked, not when.
const hangTimeout = 300 * time.Millisecond

var contextCases = []testCase{
	{"no request once the context is over",
		"A call whose context is over before it begins sends nothing and is Canceled.",
		endedContext},
	{"a write cancelled under way is Ambiguous",
		"Cancelling does not undo what was sent.",
		cancelledWrite},
	{"a read cancelled under way is Canceled",
		"A cancelled read tells nothing about the cloud.",
		cancelledRead},
	{"a write ends at its deadline as Ambiguous",
		"Every call ends with its context; what may have arrived by then is Ambiguous.",
		writeDeadline},
	{"a read ends at its deadline as Transient",
		"Every call ends with its context; an API that does not answer is no cancellation.",
		readDeadline},
	{"a write gate closed at the last moment holds the write back",
		"Hooks in the context are called before the request leaves; cancelling there is firm (invariant 1).",
		closedGate},
}

func endedContext(t *testing.T, h Harness) {
	p := h.Provider()
	a, _ := h.Targets()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	seen := look(t, h)
	before := h.Calls()
	for _, ctx := range []context.Context{cancelled, late} {
		_, err := p.Owner(ctx, h.Address())
		wantKind(t, err, providers.Canceled)
		_, err = p.Assign(ctx, h.Address(), a, seen)
		wantKind(t, err, providers.Canceled)
		if r, ok := p.(providers.Releaser); ok {
			_, err = r.Release(ctx, h.Address(), a)
			wantKind(t, err, providers.Canceled)
		}
	}
	wantCalls(t, h, before, Calls{})
}

// onceArrived returns a context that is cancelled when a request has arrived at
// the cloud. net/http's own hooks speak of a request as written while it is still
// in a buffer.
func onceArrived(t *testing.T, h Harness) context.Context {
	ctx, cancel := context.WithCancel(bounded(t))
	before, done := h.Calls(), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for h.Calls() == before && ctx.Err() == nil {
			<-tick.C
		}
		cancel()
	}()
	t.Cleanup(func() { cancel(); <-done })
	return ctx
}

func cancelledWrite(t *testing.T, h Harness) {
	needsWrites(t, h)
	a, _ := h.Targets()
	seen := look(t, h)
	inject(t, h, Writes, Hang)
	_, err := h.Provider().Assign(onceArrived(t, h), h.Address(), a, seen)
	wantKind(t, err, providers.Ambiguous)
	if n := h.Calls().Writes; n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
}

func cancelledRead(t *testing.T, h Harness) {
	inject(t, h, Reads, Hang)
	_, err := h.Provider().Owner(onceArrived(t, h), h.Address())
	wantKind(t, err, providers.Canceled)
}

func writeDeadline(t *testing.T, h Harness) {
	needsWrites(t, h)
	a, _ := h.Targets()
	seen := look(t, h)
	inject(t, h, Writes, Hang)
	ctx, cancel := context.WithTimeout(t.Context(), hangTimeout)
	defer cancel()
	_, err := h.Provider().Assign(ctx, h.Address(), a, seen)
	switch n := h.Calls().Writes; n {
	case 0: // on a busy machine the time may be over before the request leaves
		wantKind(t, err, providers.Ambiguous, providers.Transient, providers.Canceled)
	case 1:
		wantKind(t, err, providers.Ambiguous)
	default:
		t.Errorf("%d writes", n)
	}
}

func readDeadline(t *testing.T, h Harness) {
	inject(t, h, Reads, Hang)
	before := h.Calls()
	ctx, cancel := context.WithTimeout(t.Context(), hangTimeout)
	defer cancel()
	_, err := h.Provider().Owner(ctx, h.Address())
	if h.Calls() == before { // as above
		wantKind(t, err, providers.Transient, providers.Canceled)
		return
	}
	wantKind(t, err, providers.Transient)
}

func closedGate(t *testing.T, h Harness) {
	needsWrites(t, h)
	p := h.Provider()
	a, _ := h.Targets()
	seen := owner(t, h, p) // a warm connection is the harder case
	before := h.Calls()
	closed, asked := errors.New("the gate is closed"), false
	ctx, cancel := context.WithCancelCause(bounded(t))
	defer cancel(nil)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { asked = true; cancel(closed) },
	})
	_, err := p.Assign(ctx, h.Address(), a, seen)
	if !asked {
		t.Skip("not applicable: this driver does not speak HTTP")
	}
	wantKind(t, err, providers.Canceled)
	if !errors.Is(err, closed) {
		t.Errorf("the cause is lost: %v", err)
	}
	h.Settle()
	wantCalls(t, h, before, Calls{})
	wantHolder(t, h, free(h))
}
