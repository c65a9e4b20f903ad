// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

var optionalCases = []testCase{
	{"the state of a machine",
		"Only a clear answer is Stopped or Gone.",
		instanceState},
	{"a state that cannot be read is Unknown",
		"An error is never Stopped or Gone: a peer must not be robbed because the API is away.",
		instanceStateUnreadable},
	{"preflight finds nothing to object to",
		"Preflight is nil when nothing speaks against an Assign.",
		preflightNothing},
	{"preflight sees a busy target",
		"Preflight is Busy for something that passes by itself, before it matters.",
		preflightBusy},
	{"preflight of an unknown address",
		"NotFound or Invalid: what an operator must change is told before it matters.",
		preflightUnknown},
	{"where a machine runs",
		"A machine that exists has a zone; what cannot be read is an error and no placement.",
		placement},
	{"an operation that is done",
		"An accepted operation can be asked about by any instance of the driver; the owner read decides.",
		operationDone},
	{"an operation that failed",
		"OperationFailed: finished without effect.",
		operationFailed},
	{"an operation that cannot be queried",
		"It is OperationUnknown with a nil error.",
		operationUnknown},
	{"what is left of the calls",
		"An Allowance is possible, and counts what the driver itself called.",
		allowance},
}

func inspector(t *testing.T, h Harness) providers.Inspector {
	t.Helper()
	i, ok := h.Provider().(providers.Inspector)
	if !ok {
		t.Skip("not applicable: no Inspector")
	}
	return i
}

// hold gives the address to a machine and lets p, which is asked about that next, read so.
func hold(t *testing.T, h Harness, p any, m providers.Target) {
	t.Helper()
	h.Place(m)
	if got, err := p.(providers.Provider).Owner(bounded(t), h.Address()); err != nil || got.Target != m {
		t.Fatalf("the owner is %s, %v; want %s", got.Target, err, m)
	}
}

func instanceState(t *testing.T, h Harness) {
	i := inspector(t, h)
	a, _ := h.Targets()
	hold(t, h, i, a)
	for _, want := range []providers.InstanceState{providers.InstanceRunning, providers.InstanceStopped, providers.InstanceGone} {
		if !h.SetState(a, want) {
			t.Skipf("not applicable: the fake cannot make a machine %v", want)
		}
		if want == providers.InstanceGone && h.Traits().GoneIsUnknown {
			want = providers.InstanceUnknown
		}
		if got, err := i.InstanceState(bounded(t), a); got != want || err != nil {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
}

func instanceStateUnreadable(t *testing.T, h Harness) {
	i := inspector(t, h)
	a, _ := h.Targets()
	hold(t, h, i, a)
	inject(t, h, Reads, ServerError)
	got, err := i.InstanceState(bounded(t), a)
	wantKind(t, err, providers.Transient)
	if got != providers.InstanceUnknown {
		t.Errorf("got %v with an error", got)
	}
}

func preflighter(t *testing.T, h Harness) providers.Preflighter {
	t.Helper()
	p, ok := h.Provider().(providers.Preflighter)
	if !ok {
		t.Skip("not applicable: no Preflighter")
	}
	return p
}

func preflightNothing(t *testing.T, h Harness) {
	p := preflighter(t, h)
	a, b := h.Targets()
	for _, holder := range []providers.Target{free(h), a, b} {
		h.Place(holder)
		if err := p.Preflight(bounded(t), h.Address(), a); err != nil {
			t.Errorf("held by %q: %v", holder, err)
		}
	}
}

func preflightBusy(t *testing.T, h Harness) {
	p := preflighter(t, h)
	a, _ := h.Targets()
	if !h.MakeBusy(a) {
		t.Skip("not applicable: machines of this cloud are never busy")
	}
	wantKind(t, p.Preflight(bounded(t), h.Address(), a), providers.Busy)
}

func preflightUnknown(t *testing.T, h Harness) {
	p := preflighter(t, h)
	a, _ := h.Targets()
	wantKind(t, p.Preflight(bounded(t), h.UnknownAddress(), a), providers.NotFound, providers.Invalid)
}

func placement(t *testing.T, h Harness) {
	p, ok := h.Provider().(providers.Placer)
	if !ok {
		t.Skip("not applicable: no Placer")
	}
	a, b := h.Targets()
	for _, m := range []providers.Target{b, a} {
		hold(t, h, p, m)
		if got, err := p.Placement(bounded(t), m); err != nil || got.Zone == "" {
			t.Errorf("%s: %+v, %v", m, got, err)
		}
	}
	inject(t, h, Reads, ServerError)
	got, err := p.Placement(bounded(t), a)
	wantKind(t, err, providers.Transient)
	if got != (providers.Placement{}) {
		t.Errorf("a placement came with the error: %+v", got)
	}
}

// operation assigns the free address and asks about that, before and after it
// settled, each time with a new driver.
func operation(t *testing.T, h Harness) (before, after providers.OperationState) {
	t.Helper()
	if _, ok := h.Provider().(providers.Tracker); !ok {
		t.Skip("not applicable: no Tracker")
	}
	a, _ := h.Targets()
	result, err := h.Provider().Assign(bounded(t), h.Address(), a, look(t, h))
	if err != nil {
		t.Fatal(err)
	}
	ask := func() providers.OperationState {
		state, err := h.Provider().(providers.Tracker).Operation(bounded(t), h.Address(), result)
		if err != nil {
			t.Errorf("Operation: %v", err)
		}
		return state
	}
	before = ask()
	h.Settle()
	return before, ask()
}

func operationDone(t *testing.T, h Harness) {
	first := providers.OperationDone
	if h.Provider().Capabilities().Asynchronous {
		first = providers.OperationPending
	}
	if before, after := operation(t, h); before != first || after != providers.OperationDone {
		t.Errorf("states %v and %v, want %v and %v", before, after, first, providers.OperationDone)
	}
}

func operationFailed(t *testing.T, h Harness) {
	if h.Provider().Capabilities().Asynchronous {
		inject(t, h, Writes, OperationFails)
	} else {
		t.Skip("not applicable: an accepted write takes effect at once")
	}
	if _, after := operation(t, h); after != providers.OperationFailed {
		t.Errorf("state %v, want failed", after)
	}
	wantHolder(t, h, free(h))
}

func operationUnknown(t *testing.T, h Harness) {
	p, ok := h.Provider().(providers.Tracker)
	if !ok {
		t.Skip("not applicable: no Tracker")
	}
	for _, id := range []string{"", "999999999"} {
		state, err := p.Operation(bounded(t), h.Address(), providers.Result{Operation: id})
		if state != providers.OperationUnknown || err != nil {
			t.Errorf("operation %q: %v, %v", id, state, err)
		}
	}
}

// allowance: figures that make no sense would slow reads down or let them run into the
// provider's limit, and calls that are not counted look like somebody else's.
func allowance(t *testing.T, h Harness) {
	provider := h.Provider()
	p, ok := provider.(providers.Rationer)
	if !ok {
		t.Skip("not applicable: no Rationer")
	}
	before, _ := p.Allowance()
	owner(t, h, provider)
	after, known := p.Allowance()
	if !known {
		t.Fatal("an answer tells nothing of what is left")
	}
	if after.Limit <= 0 || after.Remaining < 0 || after.Remaining > after.Limit || after.Window <= 0 || after.Calls <= before.Calls || after.Told <= before.Told {
		t.Errorf("before %+v, after a read %+v", before, after)
	}
}
