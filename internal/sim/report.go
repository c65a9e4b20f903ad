// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ReplayCommand is the command that plays a seed again, a line an event.
func ReplayCommand(seed uint64) string {
	return fmt.Sprintf("go run ./internal/sim/simulate -seed %d -trace", seed)
}

// Report is what many histories came to, in the form that simulate prints.
type Report struct {
	Seeds          string         `json:"seeds"` // first and last that were asked for
	Histories      int            `json:"histories"`
	Steps          int64          `json:"steps"`            // of all machines
	StepsPerSecond float64        `json:"steps_per_second"` // of real time, over all workers
	ClusterHours   float64        `json:"cluster_hours"`    // of virtual time
	Seconds        float64        `json:"seconds"`          // of real time
	Faults         map[string]int `json:"faults"`           // how many of each kind came
	Pairs          int            `json:"fault_pairs"`      // of different kinds, that met in some history
	PairsMissing   []string       `json:"fault_pairs_missing"`
	FewestFaults   int            `json:"fewest_faults"` // in one history that broke no rule
	Moves          int            `json:"moves"`
	LateMoves      int            `json:"late_moves"` // of them by writes that their senders had given up
	Writes         int            `json:"writes"`
	Drills         map[string]int `json:"drills"`
	Convergence    Convergence    `json:"convergence_seconds"`
	Assisted       int            `json:"assisted"` // histories that waited for an operator, by design
	Broken         int            `json:"violations_total"`
	Violations     []Breach       `json:"violations"` // of the lowest seeds, at most breachesMax
}

// Convergence is how long clusters took to converge once the faults had ended, in
// seconds of virtual time. Histories that broke a rule, or that waited for an operator,
// are left out.
type Convergence struct {
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	P99    float64 `json:"p99"`
	Most   float64 `json:"max"`
}

// Breach is one broken rule of a report.
type Breach struct {
	Seed    uint64   `json:"seed"`
	Checker string   `json:"checker"`
	At      float64  `json:"at_seconds"` // since the beginning of the history
	Text    string   `json:"text"`
	Replay  string   `json:"replay"`
	Last    []string `json:"last,omitempty"`
}

// breachesMax bounds a report when something is so wrong that every seed shows it.
const breachesMax = 100

// Many plays the seeds first to last in workers goroutines and calls progress after
// each history, one at a time. It ends early when stop is closed.
func Many(first, last uint64, workers int, stop <-chan struct{}, progress func(History)) {
	var next atomic.Uint64
	next.Store(first)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range workers {
		wg.Go(func() {
			for {
				seed := next.Add(1) - 1
				select {
				case <-stop:
					return
				default:
				}
				if seed > last {
					return
				}
				h := Play(seed, nil)
				if len(h.Violations) > 0 {
					h.explain()
				}
				mu.Lock()
				progress(h)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// explain plays a history again to learn its last events before the first breach.
func (h *History) explain() {
	var last []string
	Play(h.Seed, func(line string) {
		last = append(last, line)
		if len(last) > lastKept {
			last = last[1:]
		}
	})
	h.Violations[0].Last = last
}

// Tally collects histories into a report. It is not safe for concurrent use; Many
// calls its progress function one at a time.
type Tally struct {
	report    Report
	came      [faultKinds]int
	pairs     [faultKinds][faultKinds]bool
	virtual   time.Duration
	converged []time.Duration
	fewest    int
}

// NewTally returns a tally of the seeds first to last.
func NewTally(first, last uint64) *Tally {
	t := &Tally{fewest: math.MaxInt}
	t.report.Seeds = fmt.Sprintf("%d-%d", first, last)
	t.report.Drills = map[string]int{}
	return t
}

// Add takes one history in. The order of histories makes no difference to the report.
func (t *Tally) Add(h History) {
	r := &t.report
	r.Histories++
	r.Steps += h.Steps
	r.Moves += h.Moves
	r.LateMoves += h.LateMoves
	r.Writes += h.Writes
	t.virtual += h.Virtual
	faults := 0
	for f := range faultKinds {
		faults += h.Faults[f]
		t.came[f] += h.Faults[f]
		for g := range faultKinds {
			t.pairs[f][g] = t.pairs[f][g] || h.Pairs[f][g]
		}
	}
	for _, d := range h.Drills {
		r.Drills[d]++
	}
	if len(h.Violations) > 0 {
		t.addBreaches(h)
		return
	}
	t.fewest = min(t.fewest, faults)
	if h.Assisted {
		r.Assisted++
		return
	}
	t.converged = append(t.converged, h.Converged)
}

func (t *Tally) addBreaches(h History) {
	r := &t.report
	r.Broken += len(h.Violations)
	for _, v := range h.Violations {
		r.Violations = append(r.Violations, Breach{
			Seed: v.Seed, Checker: v.Checker, At: v.At.Seconds(), Text: v.Text, Replay: ReplayCommand(v.Seed), Last: v.Last,
		})
	}
	slices.SortStableFunc(r.Violations, func(a, b Breach) int { return cmp.Compare(a.Seed, b.Seed) })
	r.Violations = r.Violations[:min(len(r.Violations), breachesMax)]
}

// Histories returns how many were taken in, with how many steps and broken rules.
func (t *Tally) Histories() (histories int, steps int64, broken int) {
	return t.report.Histories, t.report.Steps, t.report.Broken
}

// Report returns what the histories so far came to, which took that long to play.
func (t *Tally) Report(took time.Duration) Report {
	r := t.report
	r.Seconds, r.ClusterHours = took.Seconds(), t.virtual.Hours()
	if took > 0 {
		r.StepsPerSecond = float64(r.Steps) / took.Seconds()
	}
	r.Drills = maps.Clone(r.Drills)
	r.Violations = append([]Breach{}, r.Violations...)
	r.Faults, r.PairsMissing = map[string]int{}, []string{}
	for f := range faultKinds {
		r.Faults[f.String()] = t.came[f]
		for g := f + 1; g < faultKinds; g++ {
			if t.pairs[f][g] {
				r.Pairs++
			} else {
				r.PairsMissing = append(r.PairsMissing, f.String()+"+"+g.String())
			}
		}
	}
	if t.fewest < math.MaxInt {
		r.FewestFaults = t.fewest
	}
	if len(t.converged) > 0 {
		sorted := slices.Sorted(slices.Values(t.converged))
		r.Convergence = Convergence{quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0.99), quantile(sorted, 1)}
	}
	return r
}

// quantile returns the least of the sorted times that a share of p does not exceed.
func quantile(sorted []time.Duration, p float64) float64 {
	i := int(math.Ceil(p*float64(len(sorted)))) - 1
	return sorted[max(i, 0)].Seconds()
}

// Text returns the report for a reader.
func (r Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seeds %s: %d histories, %.0f cluster hours, %d steps in %.1f s (%.0f steps/s)\n",
		r.Seeds, r.Histories, r.ClusterHours, r.Steps, r.Seconds, r.StepsPerSecond)
	fmt.Fprintf(&b, "moves %d, of them late %d; writes %d\n", r.Moves, r.LateMoves, r.Writes)
	fmt.Fprintf(&b, "converged after %.1f s (median), %.1f s (p95), %.1f s (p99), %.1f s (most); %d histories waited for an operator\n",
		r.Convergence.Median, r.Convergence.P95, r.Convergence.P99, r.Convergence.Most, r.Assisted)
	fmt.Fprintf(&b, "drills:%s\n", counts(r.Drills))
	fmt.Fprintf(&b, "faults (at least %d in a history):%s\n", r.FewestFaults, counts(r.Faults))
	fmt.Fprintf(&b, "pairs of faults that met: %d of %d", r.Pairs, r.Pairs+len(r.PairsMissing))
	if len(r.PairsMissing) > 0 {
		few := r.PairsMissing[:min(len(r.PairsMissing), pairsListed)]
		fmt.Fprintf(&b, "; missing %s", strings.Join(few, ", "))
		if rest := len(r.PairsMissing) - len(few); rest > 0 {
			fmt.Fprintf(&b, " and %d more", rest)
		}
	}
	fmt.Fprintf(&b, "\nviolations: %d\n", r.Broken)
	for _, v := range r.Violations {
		b.WriteString("\n" + v.Describe())
	}
	if rest := r.Broken - len(r.Violations); rest > 0 {
		fmt.Fprintf(&b, "\nand %d more\n", rest)
	}
	return b.String()
}

// pairsListed is how many missing pairs a reader is shown.
const pairsListed = 20

// Describe returns the breach as lines: what broke, how to see it again, and the last
// events before it.
func (b Breach) Describe() string {
	text := fmt.Sprintf("seed %d broke %s after %.3f s: %s\n  %s\n", b.Seed, b.Checker, b.At, b.Text, b.Replay)
	for _, line := range b.Last {
		text += "    " + line + "\n"
	}
	return text
}

// counts lists words with their counts, in the order of the words.
func counts(of map[string]int) string {
	text := ""
	for _, word := range slices.Sorted(maps.Keys(of)) {
		text += fmt.Sprintf(" %s %d", word, of[word])
	}
	return text
}
