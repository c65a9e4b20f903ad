// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// RunnerConfig is what a runner needs.
type RunnerConfig struct {
	Group     string
	Addresses []providers.Address
	Providers []providers.Provider // of each address
	Clock     func() election.Instant
	Report    func(Outcome) // takes every end of a job; must not block
	Observe   func(Call)    // takes every provider call; must not block
}

// Runner makes the writes of one group, one at a time. A job that waits is
// replaced by a newer one, of which alone the end is reported: the newest intent
// wins. Submit and Cancel may be called from any goroutine and never block.
type Runner struct {
	cfg  RunnerConfig
	wake chan struct{} // capacity 1: a job waits

	mu        sync.Mutex
	next      *Job                    // the job that waits
	withdrawn bool                    // and Cancel was called since it was submitted
	cancel    context.CancelCauseFunc // of the write under way
}

var errWithdrawn = errors.New("the permit to write was withdrawn")

// NewRunner returns a runner that does nothing until Run.
func NewRunner(cfg RunnerConfig) *Runner {
	return &Runner{cfg: cfg, wake: make(chan struct{}, 1)}
}

// String names the task.
func (r *Runner) String() string { return "writes of group " + r.cfg.Group }

// Submit gives the runner its next job, in place of one that still waits.
func (r *Runner) Submit(j Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next, r.withdrawn = &j, false
	select {
	case r.wake <- struct{}{}:
	default: // it was told already
	}
}

// Cancel gives up the write under way, or about to begin. A request
// that has left may still take effect; its outcome is then ambiguous.
func (r *Runner) Cancel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.withdrawn = r.next != nil
	if r.cancel != nil {
		r.cancel(errWithdrawn)
	}
}

// Run does jobs until ctx ends.
func (r *Runner) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
			r.do(ctx)
		}
	}
}

// do does the job that waits and reports its end.
func (r *Runner) do(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, election.AttemptTimeout)
	defer cancel()
	ctx, withdraw := context.WithCancelCause(ctx)
	defer withdraw(nil)
	j, ok := r.begin(withdraw)
	if !ok {
		return
	}
	out := Outcome{Job: j, Began: r.cfg.Clock()}
	r.write(ctx, withdraw, &out)
	r.end()
	r.cfg.Report(out)
}

// begin takes the job that waits. From now on Cancel ends it with withdraw.
func (r *Runner) begin(withdraw context.CancelCauseFunc) (Job, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		return Job{}, false
	}
	j := *r.next
	r.next = nil
	r.cancel = withdraw
	if r.withdrawn {
		withdraw(errWithdrawn)
	}
	return j, true
}

func (r *Runner) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancel = nil
}

// write makes one write. The permit is asked before anything is done, and again
// when the connection is ready and the request is about to leave; a refusal stops
// it for certain (see cloudhttp).
func (r *Runner) write(ctx context.Context, withdraw context.CancelCauseFunc, out *Outcome) {
	permitted := func() bool {
		if why := out.Job.Permit(); why != election.ReasonNone {
			out.Refused = why
			withdraw(errWithdrawn)
		}
		return out.Refused == election.ReasonNone
	}
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { permitted() }}
	if permitted() {
		r.send(httptrace.WithClientTrace(ctx, trace), out)
	}
	out.Write = writeOutcome(out.Err)
	if out.Refused != election.ReasonNone {
		out.Write = election.WriteRefused
	}
	out.Ended = r.cfg.Clock()
}

// send makes the provider call of a write.
func (r *Runner) send(ctx context.Context, out *Outcome) {
	j := &out.Job
	a, p, op := r.cfg.Addresses[j.Address], r.cfg.Providers[j.Address], OpAssign
	call := func() (providers.Result, error) { return p.Assign(ctx, a, j.Target, j.Seen) }
	if j.Release {
		op = OpRelease
		call = func() (providers.Result, error) { return release(ctx, p, a, j.Seen.Target) }
	}
	out.Err = r.observed(j.Address, op, func() (res providers.Result, err error) {
		out.Result, err = call()
		return out.Result, err
	})
}

// release asks p, if it can, to take a off its holder.
func release(ctx context.Context, p providers.Provider, a providers.Address, from providers.Target) (providers.Result, error) {
	if r, ok := p.(providers.Releaser); ok {
		return r.Release(ctx, a, from)
	}
	return providers.Result{}, &providers.Error{
		Provider: a.Provider, Op: "release " + a.String() + " from " + from.String(), Kind: providers.Unsupported,
	}
}

// observed makes one call and tells the observer.
func (r *Runner) observed(i int, op string, call func() (providers.Result, error)) error {
	began := r.cfg.Clock()
	res, err := call()
	r.cfg.Observe(Call{
		Group: r.cfg.Group, Provider: r.cfg.Addresses[i].Provider, Op: op, Address: r.cfg.Addresses[i], Addresses: 1,
		Write: true, Took: r.cfg.Clock().Sub(began), Result: res, Err: err,
	})
	return err
}
