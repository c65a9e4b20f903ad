// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// overdueGrace is how long after its timeout a probe may still be on its way out
// before the runner counts it as hanging. Twice what Exec needs to give up on a
// killed command.
const overdueGrace = 2 * killGrace

// RunnerConfig says what to run and whom to tell.
type RunnerConfig struct {
	Group string
	Check Check // with its defaults

	// Values returns what the placeholders stand for now. Nil: nothing.
	Values func() Values

	// Report takes every result, in order and one at a time. It returns at once
	// and does not call the runner.
	Report func(Result)

	// FirstDelay passes before the first run. Different delays keep the checks of
	// a node from starting in step; below 100 ms they cost no time that matters.
	FirstDelay time.Duration
}

// retryFirst is how long after a run that left the check untold, inconclusive or failing
// with nothing told before, the next one comes, beside the rhythm; it doubles with each in
// a row until the rhythm is faster. So a check with a long interval tells soon after it can.
const retryFirst = time.Second

// Runner asks one check's question once per interval, counted from the first
// run, so that the rhythm does not drift, and sooner after a run that was inconclusive
// or failed before the check ever told anything. A second failure within one interval is
// not counted: Fall is a number of intervals. One run at a time: a run that is still on its
// way when the next is due takes its place.
type Runner struct {
	cfg     RunnerConfig
	counter Counter
	now     chan struct{} // capacity 1: a run beside the rhythm is wanted
}

// NewRunner returns a runner that does nothing until Run. An invalid check is an
// error that names every problem.
func NewRunner(cfg RunnerConfig) (*Runner, error) {
	var texts []string
	for _, p := range cfg.Check.Problems() {
		texts = append(texts, p.String())
	}
	if len(texts) > 0 {
		return nil, fmt.Errorf("set up check %q of group %q: %s", cfg.Check.Name, cfg.Group, strings.Join(texts, "; "))
	}
	if cfg.Report == nil {
		return nil, fmt.Errorf("set up check %q of group %q: no report function", cfg.Check.Name, cfg.Group)
	}
	if cfg.Values == nil {
		cfg.Values = func() Values { return Values{} }
	}
	return &Runner{
		cfg:     cfg,
		counter: Counter{Rise: cfg.Check.Rise, Fall: cfg.Check.Fall},
		now:     make(chan struct{}, 1),
	}, nil
}

// Now wants the check to be run at once, beside its rhythm. It returns at once and may be
// called from any goroutine; while such a run waits, another call adds none.
func (r *Runner) Now() {
	select {
	case r.now <- struct{}{}:
	default:
	}
}

// Resume goes on counting where another runner of the same question was with its last
// result. It is called before Run.
func (r *Runner) Resume(last Result) {
	r.counter.state, r.counter.opposing = last.State, last.Opposing
}

// String names the task.
func (r *Runner) String() string {
	return fmt.Sprintf("check %s of group %s", r.cfg.Check.Name, r.cfg.Group)
}

// Run asks until ctx ends and then returns nil. What ctx cut short is not
// reported. It is called once.
func (r *Runner) Run(ctx context.Context) error {
	delay := time.NewTimer(r.cfg.FirstDelay)
	defer delay.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-delay.C:
	}
	tick := time.NewTicker(r.cfg.Check.Interval)
	defer tick.Stop()
	due := time.Now().Add(r.cfg.Check.Interval)
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	wait, spare := retryFirst, false // spare: a failure of this interval was counted
	for {
		retry.Stop()
		told, failed := r.runOnce(ctx, spare)
		spare = spare || failed
		if told {
			wait = retryFirst
		} else if time.Now().Add(wait).Before(due) {
			retry.Reset(wait)
			wait *= 2
		}
		select {
		case <-ctx.Done():
			return nil
		case at := <-tick.C:
			due, spare = at.Add(r.cfg.Check.Interval), false
		case <-retry.C:
		case <-r.now:
			spare = false
		}
	}
}

// runOnce asks once and reports. It returns whether the check has told something by then and
// whether the run failed. A failure of a spare run is not counted.
func (r *Runner) runOnce(ctx context.Context, spare bool) (told, failed bool) {
	start := time.Now()
	limited, cancel := withTimeout(ctx, r.cfg.Check.Timeout)
	defer cancel()
	release := r.watch(ctx, start)
	text, err := ask(limited, r.cfg.Check, r.cfg.Values())
	counted := release()
	if counted || ctx.Err() != nil {
		return true, true
	}
	res := newResult(text, err)
	r.record(start, res, spare)
	return !res.Inconclusive && r.counter.State() != Unknown, !res.OK && !res.Inconclusive
}

// watch counts failures in place of a probe that does not come back although its
// time is over: one when it is overdue and one per interval from then on. A
// probe cannot be forced to return, for example from a file system that hangs,
// and a check that fell silent must not keep the node looking well. The returned
// function ends the watch and reports whether anything was counted.
func (r *Runner) watch(ctx context.Context, start time.Time) (release func() bool) {
	var (
		mu      sync.Mutex // hands the counter from the run to the watch and back
		over    bool
		counted bool
		timer   *time.Timer
	)
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(r.cfg.Check.Timeout+overdueGrace, func() {
		mu.Lock()
		defer mu.Unlock()
		if over || ctx.Err() != nil {
			return
		}
		counted = true
		err := fmt.Errorf("%v: hangs for %v", r.cfg.Check.Probe, time.Since(start).Round(time.Millisecond))
		r.record(start, newResult("", err), false)
		timer.Reset(r.cfg.Check.Interval)
	})
	return func() bool {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
		return counted
	}
}

// record counts a result, unless it is a spare failure, and hands it on.
func (r *Runner) record(start time.Time, res Result, spare bool) {
	res.Group, res.Check = r.cfg.Group, r.cfg.Check.Name
	res.At, res.Took = start, time.Since(start)
	if !res.Inconclusive && (res.OK || !spare) {
		res.Changed = r.counter.Observe(res.OK)
	}
	res.State, res.Opposing = r.counter.state, r.counter.opposing
	r.cfg.Report(res)
}
