// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The defaults of the command line, and the limits of the advert interval.
const (
	AdvertIntervalDefault = 250 * time.Millisecond
	APILatencyDefault     = 100 * time.Millisecond
	advertIntervalMin     = 50 * time.Millisecond
	advertIntervalMax     = 40 * time.Second
	apiLatencyMax         = 2 * time.Second // the daemons give up a call after three
)

// The exit codes of Run.
const (
	exitDone   = 0 // every expectation held
	exitFailed = 1 // an expectation did not, or the lab was interrupted
	exitUsage  = 2 // an option is wrong
)

// Options are the arguments of `fipctl lab`.
type Options struct {
	Scenarios      []string      // names, or "all"; none: the default set
	List           bool          // only name the scenarios
	AdvertInterval time.Duration // 50 ms to 40 s; zero: AdvertIntervalDefault
	APILatency     time.Duration // of every call, 0 to 2 s
	Keep           bool          // afterwards leave a healthy pair running until the context ends
	JSON           bool          // Stdout gets one document; what people read goes to Stderr
	Stdout, Stderr io.Writer
	Terminal       bool   // what people read goes to a terminal: show a live line
	Executable     string // the program to start daemons from; empty: this one
}

// lab is one run of the command.
type lab struct {
	options    Options
	executable string
	plan       *plan
	out        *report
	rng        *rand.Rand
}

// errInterrupted is why the lab ends early.
var errInterrupted = errors.New("interrupted")

// Run plays the scenarios and returns the exit code: 0 if every expectation held,
// 1 if one did not or the lab was interrupted, 2 if an option is wrong. It ends
// early with ctx, on SIGINT, SIGTERM and SIGHUP, and when nobody reads its output
// any more; it has removed every process and file when it returns.
func Run(ctx context.Context, o Options) int {
	out := newReport(o)
	chosen, err := o.validate()
	if err != nil {
		fmt.Fprintln(o.Stderr, err)
		return exitUsage
	}
	if o.List {
		out.list(scenarios())
		return exitDone
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer onSignals(func() { cancel(errInterrupted) })()
	out.lost = cancel
	l := &lab{options: o, out: out, executable: o.Executable, rng: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
	if err := l.prepare(); err != nil {
		fmt.Fprintln(o.Stderr, err)
		return exitFailed
	}
	defer l.plan.Close()
	return l.run(ctx, chosen)
}

// validate fills in the defaults and returns the scenarios to play.
func (o *Options) validate() ([]scenario, error) {
	if o.AdvertInterval == 0 {
		o.AdvertInterval = AdvertIntervalDefault
	}
	if o.AdvertInterval < advertIntervalMin || o.AdvertInterval > advertIntervalMax {
		return nil, fmt.Errorf("read --advert-interval: %s is outside %s to %s",
			o.AdvertInterval, advertIntervalMin, advertIntervalMax)
	}
	if o.APILatency < 0 || o.APILatency > apiLatencyMax {
		return nil, fmt.Errorf("read --api-latency: %s is outside 0s to %s", o.APILatency, apiLatencyMax)
	}
	return choose(scenarios(), o.Scenarios)
}

// prepare finds the program and the addresses.
func (l *lab) prepare() (err error) {
	if l.executable == "" {
		if l.executable, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
	}
	l.plan, err = pickPlan(l.rng)
	return err
}

// run plays the chosen scenarios in turn.
func (l *lab) run(ctx context.Context, chosen []scenario) int {
	l.out.header(l.plan, l.options)
	var results []result
	code := exitDone
	for _, s := range chosen {
		r := l.play(ctx, s)
		if ctx.Err() != nil {
			code = exitFailed
			l.out.interrupted(s.name)
			break
		}
		results = append(results, r)
		l.out.scenario(r)
		if !r.passed() {
			code = exitFailed
		}
	}
	l.out.finish(results)
	if l.options.Keep && ctx.Err() == nil {
		if err := l.keep(ctx); err != nil {
			l.out.problem(err)
			code = exitFailed
		}
	}
	return code
}

// onSignals calls f when a signal asks the lab to end, until the returned function
// is called.
//
// The default for SIGPIPE, the end of the process when the reader of its output
// goes away, would leave files behind; asking for the signal turns that off. It is
// not acted upon, for a connection that breaks inside the lab raises it too: the
// report notices that nobody reads.
func onSignals(f func()) (stop func()) {
	signals, pipe, done := make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	signal.Notify(pipe, syscall.SIGPIPE)
	go func() {
		select {
		case <-signals:
			f()
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		signal.Stop(pipe)
		close(done)
	}
}
