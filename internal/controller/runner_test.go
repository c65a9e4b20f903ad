// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
)

// inBubble runs body on virtual time.
func inBubble(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, body)
}

func TestOneCallAtATimeAndTheNewestIntentWins(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{assign: func(ctx context.Context, a providers.Address, _ providers.Target, _ providers.Assignment) (providers.Result, error) {
			time.Sleep(time.Second) // of the bubble
			return providers.Result{}, nil
		}}
		b := newBench(t, f)
		b.Submit(writeJob(granted))
		synctest.Wait()
		older, newer := writeJob(granted), writeJob(granted)
		older.Address, newer.Release = 1, true
		b.Submit(older)
		b.Submit(newer)
		synctest.Wait()
		if diff := cmp.Diff([]string{"assign 203.0.113.10 to 1 from 2"}, f.noted()); diff != "" {
			t.Errorf("while the first runs (-want +got):\n%s", diff)
		}
		if o := <-b.outcomes; o.Job.Address != 0 || o.Job.Release {
			t.Errorf("the first end is that of %+v", o.Job)
		}
		if o := <-b.outcomes; !o.Job.Release {
			t.Errorf("the second end is that of %+v", o.Job)
		}
		if diff := cmp.Diff([]string{"assign 203.0.113.10 to 1 from 2", "release 203.0.113.10 from 2"}, f.noted()); diff != "" {
			t.Errorf("all calls (-want +got):\n%s", diff)
		}
	})
}

func TestAWriteThatIsNotPermittedIsNotEvenBegun(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{}
		b := newBench(t, f)
		o := b.do(t, writeJob(func() election.Reason { return election.ReasonStaleTerm }))
		if o.Write != election.WriteRefused || o.Refused != election.ReasonStaleTerm || o.Err != nil {
			t.Errorf("got %+v", o)
		}
		if len(f.noted()) > 0 || len(b.calls) > 0 {
			t.Errorf("calls: %v", f.noted())
		}
	})
}

func TestAReleaseAsksForThePermitToo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{}
		b := newBench(t, f)
		j := writeJob(func() election.Reason { return election.ReasonReadTooOld })
		j.Release = true
		if o := b.do(t, j); o.Refused != election.ReasonReadTooOld || len(f.noted()) > 0 {
			t.Errorf("got %+v, calls %v", o, f.noted())
		}
	})
}

func TestAProviderThatCannotReleaseSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := newBench(t, bare{&fake{}})
		j := writeJob(granted)
		j.Release = true
		o := b.do(t, j)
		if o.Write != election.WriteHopeless || o.Err == nil || o.Err.Error() != "release 203.0.113.10 from 2: unsupported" {
			t.Errorf("got %v, %v", o.Write, o.Err)
		}
	})
}

func TestCancelEndsAWriteUnderWay(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var cause error
		f := &fake{assign: func(ctx context.Context, _ providers.Address, _ providers.Target, _ providers.Assignment) (providers.Result, error) {
			err := hang(ctx)
			cause = context.Cause(ctx)
			return providers.Result{}, err
		}}
		b := newBench(t, f)
		b.Submit(writeJob(granted))
		synctest.Wait()
		start := time.Now()
		b.Cancel()
		o := <-b.outcomes
		if time.Since(start) != 0 || !errors.Is(cause, errWithdrawn) || o.Write != election.WriteAmbiguous {
			t.Errorf("after %v: %v, %+v", time.Since(start), cause, o)
		}
	})
}

func TestCancelReachesAJobThatHasNotBegun(t *testing.T) {
	t.Parallel()
	f := &fake{assign: func(ctx context.Context, _ providers.Address, _ providers.Target, _ providers.Assignment) (providers.Result, error) {
		if ctx.Err() != nil {
			return providers.Result{}, errOf(providers.Canceled)
		}
		return providers.Result{}, nil
	}}
	reported := make(chan Outcome, 1)
	r := NewRunner(RunnerConfig{
		Addresses: []providers.Address{first}, Providers: []providers.Provider{f},
		Clock: func() election.Instant { return now }, Report: func(o Outcome) { reported <- o }, Observe: func(Call) {},
	})
	r.Submit(writeJob(granted))
	r.Cancel()
	r.do(t.Context()) // what Run does
	if o := <-reported; providers.KindOf(o.Err) != providers.Canceled {
		t.Errorf("got %v", o.Err)
	}
	r.Submit(writeJob(granted))
	r.Cancel()
	r.Submit(writeJob(granted))
	r.do(t.Context())
	if o := <-reported; o.Err != nil {
		t.Errorf("the job in place of the cancelled one: %v", o.Err)
	}
}

func TestCancelConcernsNoLaterJob(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{}
		b := newBench(t, f)
		b.Cancel()
		if o := b.do(t, writeJob(granted)); o.Err != nil {
			t.Errorf("an idle runner was cancelled: %v", o.Err)
		}
	})
}

func TestAWriteEndsWithinOneAttempt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{assign: func(ctx context.Context, _ providers.Address, _ providers.Target, _ providers.Assignment) (providers.Result, error) {
			return providers.Result{}, hang(ctx)
		}}
		start := time.Now()
		o := newBench(t, f).do(t, writeJob(granted))
		if took := time.Since(start); took != election.AttemptTimeout || o.Ended.Sub(o.Began) != took || o.Err == nil {
			t.Errorf("took %v, from %v to %v, %v", took, o.Began, o.Ended, o.Err)
		}
	})
}

func TestWhatAnErrorOfAWriteMeans(t *testing.T) {
	t.Parallel()
	want := map[providers.Kind]election.WriteOutcome{
		providers.Unknown: election.WriteAmbiguous, providers.Ambiguous: election.WriteAmbiguous,
		providers.Transient: election.WriteRefused, providers.Throttled: election.WriteRefused, providers.Busy: election.WriteRefused,
		providers.Conflict: election.WriteRefused, providers.Canceled: election.WriteRefused,
		providers.NotFound: election.WriteHopeless, providers.Denied: election.WriteHopeless,
		providers.Invalid: election.WriteHopeless, providers.Unsupported: election.WriteHopeless,
	}
	for _, k := range providers.Kinds() {
		outcome, ok := want[k]
		if got := writeOutcome(fmt.Errorf("wrapped: %w", errOf(k))); !ok || got != outcome {
			t.Errorf("%s: got %v, want %v", k, got, outcome)
		}
	}
	if got := writeOutcome(nil); got != election.WriteAccepted {
		t.Errorf("no error: got %v", got)
	}
	if got := writeOutcome(errors.New("of no kind")); got != election.WriteAmbiguous {
		t.Errorf("an error of no kind: got %v", got)
	}
}

func TestEveryWriteIsObserved(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := &fake{assign: func(context.Context, providers.Address, providers.Target, providers.Assignment) (providers.Result, error) {
			time.Sleep(ms(30))
			return providers.Result{RequestID: "4f2c"}, nil
		}}
		b := newBench(t, f)
		b.do(t, writeJob(granted))
		j := writeJob(granted)
		j.Release, j.Address = true, 1
		b.do(t, j)
		want := []Call{
			{Op: OpAssign, Address: first, Write: true, Took: ms(30), Result: providers.Result{RequestID: "4f2c"}},
			{Op: OpRelease, Address: second, Write: true},
		}
		for _, w := range want {
			w.Group, w.Provider, w.Addresses = "web", "cloud", 1
			if got := <-b.calls; got != w {
				t.Errorf("got %+v, want %+v", got, w)
			}
		}
		wantCalls := []string{"assign 203.0.113.10 to 1 from 2", "release 2001:db8::10 from 2"}
		if diff := cmp.Diff(wantCalls, f.noted()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestARunnerHasAName(t *testing.T) {
	t.Parallel()
	if got := NewRunner(RunnerConfig{Group: "web"}).String(); got != "writes of group web" {
		t.Error(got)
	}
}
