// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a cloud of few words: each call is written down and answered by its
// function, or at once and empty where there is none.
type fake struct {
	owner     func(ctx context.Context, a providers.Address) (providers.Assignment, error)
	assign    func(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error)
	release   func(ctx context.Context, from providers.Target) (providers.Result, error)
	state     func(t providers.Target) (providers.InstanceState, error)
	preflight func(ctx context.Context, t providers.Target) error
	operation func(ctx context.Context, r providers.Result) (providers.OperationState, error)

	mu    sync.Mutex
	calls []string
}

// bare hides everything but the contract that every driver fulfils.
type bare struct{ providers.Provider }

func (f *fake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fake) noted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.calls...)
}

func (f *fake) Capabilities() providers.Capabilities { return providers.Capabilities{} }

func (f *fake) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	f.note("owner %s", a)
	if f.owner == nil {
		return providers.Assignment{Target: here}, nil
	}
	return f.owner(ctx, a)
}

func (f *fake) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	f.note("assign %s to %s from %s", a, to, seen.Target)
	if f.assign == nil {
		return providers.Result{}, nil
	}
	return f.assign(ctx, a, to, seen)
}

func (f *fake) Release(ctx context.Context, a providers.Address, from providers.Target) (providers.Result, error) {
	f.note("release %s from %s", a, from)
	if f.release == nil {
		return providers.Result{}, nil
	}
	return f.release(ctx, from)
}

func (f *fake) InstanceState(_ context.Context, t providers.Target) (providers.InstanceState, error) {
	f.note("state of %s", t)
	if f.state == nil {
		return providers.InstanceRunning, nil
	}
	return f.state(t)
}

func (f *fake) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	f.note("preflight %s to %s", a, t)
	if f.preflight == nil {
		return nil
	}
	return f.preflight(ctx, t)
}

// lister is a fake that reads many addresses in one call.
type lister struct{ *fake }

func (f lister) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	f.note("owners of %d", len(as))
	readings := make([]providers.Reading, len(as))
	for i, a := range as {
		if f.owner == nil {
			readings[i].Assignment.Target = here
			continue
		}
		readings[i].Assignment, readings[i].Err = f.owner(ctx, a)
	}
	return readings
}

func (f *fake) Operation(ctx context.Context, _ providers.Address, r providers.Result) (providers.OperationState, error) {
	f.note("operation %s", r.Operation)
	if f.operation == nil {
		return providers.OperationPending, nil
	}
	return f.operation(ctx, r)
}

// errOf is an error of a kind, as drivers return it.
func errOf(k providers.Kind) error {
	return &providers.Error{Provider: "cloud", Op: "ask", Kind: k, Err: errors.New("as ordered")}
}

// hang waits for the end of ctx, as a call to a black hole does.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return &providers.Error{Provider: "cloud", Op: "ask", Kind: providers.Ambiguous, Err: context.Cause(ctx)}
}

// bench is a runner whose results are collected.
type bench struct {
	*Runner
	outcomes chan Outcome
	calls    chan Call
}

// newBench returns a runner of two addresses at one cloud. It runs until the test
// ends.
func newBench(t *testing.T, p providers.Provider) *bench {
	t.Helper()
	start := time.Now()
	b := &bench{outcomes: make(chan Outcome, 16), calls: make(chan Call, 64)}
	b.Runner = NewRunner(RunnerConfig{
		Group:     "web",
		Addresses: []providers.Address{first, second}, Providers: []providers.Provider{p, p},
		Clock:  func() election.Instant { return now.Add(time.Since(start)) },
		Report: func(o Outcome) { b.outcomes <- o }, Observe: func(c Call) { b.calls <- c },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return b
}

// do gives the runner a job and waits for its end.
func (b *bench) do(t *testing.T, j Job) Outcome {
	t.Helper()
	b.Submit(j)
	return <-b.outcomes
}

func granted() election.Reason { return election.ReasonNone }

// writeJob is a write of the first address, permitted by permit.
func writeJob(permit func() election.Reason) Job {
	return Job{
		Target: here, Seen: providers.Assignment{Target: there}, Permit: permit,
	}
}
