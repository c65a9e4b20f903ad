// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/internal/netlab"
)

// The defaults of the command line, and the limits of the advert interval.
const (
	AdvertIntervalDefault = 250 * time.Millisecond
	APILatencyDefault     = 100 * time.Millisecond
	advertIntervalMin     = 50 * time.Millisecond
	advertIntervalMax     = 40 * time.Second
	apiLatencyMax         = 2900 * time.Millisecond // the daemons give up a call after three seconds
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
	Provider       string        // whose addresses, or "all"; empty: the first that the lab knows
	Kind           string        // of address; empty: every kind of the provider, without one the first
	List           bool          // only name the scenarios
	AdvertInterval time.Duration // 50 ms to 40 s; zero: AdvertIntervalDefault
	APILatency     time.Duration // of every call, 0 to 2.9 s
	Answers        face.Shape    // of the fake cloud
	Namespaces     bool          // play in network namespaces, with real interfaces; needs root
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
	run, err := o.validate()
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
	if l.plan != nil {
		defer l.plan.Close()
	}
	return l.run(ctx, run)
}

// programme is what a run plays: the scenarios for each kind of address.
type programme struct {
	offers    []offer
	scenarios []scenario
}

// validate fills in the defaults and returns what to play.
func (o *Options) validate() (run programme, err error) {
	if o.AdvertInterval == 0 {
		o.AdvertInterval = AdvertIntervalDefault
	}
	if o.AdvertInterval < advertIntervalMin || o.AdvertInterval > advertIntervalMax {
		return run, fmt.Errorf("read --advert-interval: %s is outside %s to %s",
			o.AdvertInterval, advertIntervalMin, advertIntervalMax)
	}
	if o.APILatency < 0 || o.APILatency > apiLatencyMax {
		return run, fmt.Errorf("read --api-latency: %s is outside 0s to %s", o.APILatency, apiLatencyMax)
	}
	if run.offers, err = chooseOffers(offers(), o.Provider, o.Kind); err != nil {
		return run, err
	}
	if o.Keep && len(run.offers) > 1 {
		return run, fmt.Errorf("read --keep: it leaves one lab running; choose one --kind of %s", strings.Join(kindsOf(run.offers), ", "))
	}
	run.scenarios, err = choose(scenarios(), o.Scenarios)
	return run, err
}

// prepare finds the program and the addresses, or whether there can be namespaces.
func (l *lab) prepare() (err error) {
	if l.executable == "" {
		if l.executable, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
	}
	if l.options.Namespaces {
		return netlab.Available()
	}
	l.plan, err = pickPlan(l.rng)
	return err
}

// ground returns where a cluster for one kind of address can stand.
func (l *lab) ground(o offer) ground {
	if l.options.Namespaces {
		return &namespaces{offer: o}
	}
	return &loopback{plan: l.plan, six: o.six}
}

// missing returns why no scenario of a kind can be played where the lab stands.
func (l *lab) missing(o offer) string {
	return lacks(!o.six || !l.options.Namespaces, "the network between the namespaces carries IPv4 only")
}

// run plays everything that was chosen in turn.
func (l *lab) run(ctx context.Context, run programme) int {
	var results []result
	code := exitDone
	for i, o := range run.offers {
		if i > 0 && ctx.Err() != nil {
			break // who interrupted it was told so
		}
		results = append(results, l.playAll(ctx, o, run.scenarios)...)
	}
	if ctx.Err() != nil || slices.ContainsFunc(results, func(r result) bool { return !r.passed() }) {
		code = exitFailed
	}
	l.out.finish(results)
	if l.options.Keep && ctx.Err() == nil {
		if err := l.keep(ctx, run.offers[0]); err != nil {
			l.out.problem(err)
			code = exitFailed
		}
	}
	return code
}

// playAll plays the scenarios for one kind of address until ctx ends, and returns how
// they went: not the one that was interrupted.
func (l *lab) playAll(ctx context.Context, o offer, chosen []scenario) (results []result) {
	l.out.header(l.ground(o), o, l.options)
	for _, s := range chosen {
		if why := cmp.Or(l.missing(o), s.unfit(o)); why != "" {
			r := result{offer: o, scenario: s, skipped: why}
			results = append(results, r)
			l.out.skipped(r)
			continue
		}
		r := l.play(ctx, o, s)
		if ctx.Err() != nil {
			l.out.interrupted(s.name)
			return results
		}
		results = append(results, r)
		l.out.scenario(r)
	}
	return results
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
