// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Command simulate plays histories of package sim: many, with a summary, or one, with
// a line for each event.
//
//	go run ./internal/sim/simulate -seeds 1-500 [-workers 2] [-o json]
//	go run ./internal/sim/simulate -seed 7 [-trace]
//
// It exits with 0 if no rule was broken, 1 if one was, and 2 if it was called wrongly.
// An interrupt ends it early; what was played until then is reported.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/sim"
)

// The bounds of what one run may be asked for.
const (
	seedMax      = 1 << 62 // leaves room to count beyond the last seed
	historiesMax = 10_000_000
	workersMax   = 256
)

// gcPercent is how much a run may grow before it is tidied up: a history is small and lives
// for a moment, and an eighth of the time went into looking for what is left of it.
const gcPercent = 400

// progressEvery is the spacing of the lines that tell how far a run has come.
const progressEvery = 3 * time.Second

func main() {
	c, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
	case err != nil:
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(2)
	case c.trace:
		os.Exit(replay(c.first, os.Stdout))
	default:
		debug.SetGCPercent(gcPercent)
		os.Exit(many(c, os.Stdout, os.Stderr))
	}
}

const usage = `Plays seeded histories of whole clusters and checks every invariant of docs/design.md.

  -seeds FIRST-LAST  the seeds to play (default 1-500)
  -workers N         how many to play at once (default: the number of CPUs)
  -o text|json       the form of the summary (default text)
  -seed N            play this seed alone
  -trace             with -seed: print every event
`

// call is what one run is to do.
type call struct {
	first, last uint64
	workers     int
	json        bool
	trace       bool
}

// parse reads the arguments. Its errors name the flag, the value and what is allowed.
func parse(args []string) (call, error) {
	c := call{first: 1, last: 500, workers: min(runtime.NumCPU(), workersMax)}
	var one, several bool
	f := flag.NewFlagSet("simulate", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Func("seeds", "", func(v string) (err error) {
		several = true
		c.first, c.last, err = parseSeeds(v)
		return err
	})
	f.Func("seed", "", func(v string) (err error) {
		one = true
		c.first, err = parseSeed(v)
		c.last = c.first
		return err
	})
	f.Func("workers", "", func(v string) (err error) {
		if c.workers, err = strconv.Atoi(v); err != nil || c.workers < 1 || c.workers > workersMax {
			return fmt.Errorf("allowed is a number from 1 to %d", workersMax)
		}
		return nil
	})
	f.Func("o", "", func(v string) error {
		c.json = v == "json"
		if v != "json" && v != "text" {
			return errors.New("allowed are text and json")
		}
		return nil
	})
	f.BoolVar(&c.trace, "trace", false, "")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	switch {
	case f.NArg() > 0:
		return c, fmt.Errorf("argument %q: none is allowed beside the flags; see -help", f.Arg(0))
	case one && several:
		return c, errors.New("flags -seed and -seeds: only one of them is allowed")
	case c.trace && !one:
		return c, errors.New("flag -trace: allowed only with -seed, since it prints every event")
	case c.trace && c.json:
		return c, errors.New(`flag -o "json": not allowed with -trace, which prints lines`)
	}
	return c, nil
}

// parseSeeds reads FIRST-LAST.
func parseSeeds(v string) (first, last uint64, err error) {
	a, b, found := strings.Cut(v, "-")
	first, errFirst := parseSeed(a)
	last, errLast := parseSeed(b)
	switch {
	case !found || errFirst != nil || errLast != nil || last < first:
		return 0, 0, fmt.Errorf("allowed is FIRST-LAST, as in 1-500, from 0 to %d", uint64(seedMax))
	case last-first >= historiesMax:
		return 0, 0, fmt.Errorf("allowed are at most %d seeds", historiesMax)
	}
	return first, last, nil
}

func parseSeed(v string) (uint64, error) {
	seed, err := strconv.ParseUint(v, 10, 64)
	if err != nil || seed > seedMax {
		return 0, fmt.Errorf("allowed is a number from 0 to %d", uint64(seedMax))
	}
	return seed, nil
}

// many plays all seeds, or those that come before an interrupt, and prints the report.
func many(c call, out, progress io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	began := time.Now()
	told := began
	t := sim.NewTally(c.first, c.last)
	sim.Many(c.first, c.last, c.workers, ctx.Done(), func(h sim.History) {
		t.Add(h)
		if now := time.Now(); now.Sub(told) >= progressEvery {
			told = now
			fmt.Fprintln(progress, progressLine(t, c.last-c.first+1, now.Sub(began)))
		}
	})
	r := t.Report(time.Since(began))
	if err := write(r, c.json, out); err != nil {
		fmt.Fprintln(progress, "simulate:", err)
		return 1
	}
	if r.Broken > 0 {
		return 1
	}
	return 0
}

// progressLine tells how far a run has come.
func progressLine(t *sim.Tally, of uint64, after time.Duration) string {
	histories, steps, broken := t.Histories()
	return fmt.Sprintf("%d of %d histories, %.0f steps/s, %d violations", histories, of, float64(steps)/after.Seconds(), broken)
}

func write(r sim.Report, asJSON bool, out io.Writer) error {
	if !asJSON {
		_, err := io.WriteString(out, r.Text())
		return err
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// replay plays one seed and prints its events and what it broke.
func replay(seed uint64, out io.Writer) (code int) {
	b := bufio.NewWriter(out)
	h := sim.Play(seed, func(line string) { fmt.Fprintln(b, line) })
	fmt.Fprintf(b, "%d steps, %v of virtual time, %d moves, %d violations\n", h.Steps, h.Virtual, h.Moves, len(h.Violations))
	for _, v := range h.Violations {
		code = 1
		fmt.Fprintf(b, "%s after %v: %s\n", v.Checker, v.At, v.Text)
	}
	if err := b.Flush(); err != nil {
		code = 1
	}
	return code
}
