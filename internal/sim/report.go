// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"fmt"
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
	Seeds        string         `json:"seeds"` // first and last
	Histories    int            `json:"histories"`
	Steps        int64          `json:"steps"`         // of all machines
	ClusterHours float64        `json:"cluster_hours"` // of virtual time
	Seconds      float64        `json:"seconds"`       // of real time
	Faults       map[string]int `json:"faults"`        // how many of each kind came
	Pairs        int            `json:"fault_pairs"`   // of kinds, that overlapped in some history
	PairsMissing []string       `json:"fault_pairs_missing"`
	FewestFaults int            `json:"fewest_faults"` // in one history
	Moves        int            `json:"moves"`
	LateMoves    int            `json:"late_moves"` // of them by writes that their senders had given up
	Writes       int            `json:"writes"`
	Drills       map[string]int `json:"drills"`
	Convergence  Convergence    `json:"convergence_seconds"`
	Violations   []Breach       `json:"violations"`
}

// Convergence is how long clusters took to converge once the faults had ended.
type Convergence struct {
	Median float64 `json:"median"`
	P99    float64 `json:"p99"`
	Most   float64 `json:"most"`
}

// Breach is one broken rule of a report.
type Breach struct {
	Seed    uint64   `json:"seed"`
	Checker string   `json:"checker"`
	Text    string   `json:"text"`
	Replay  string   `json:"replay"`
	Last    []string `json:"last,omitempty"`
}

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

// explain plays a history again to learn its last events.
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

// Tally collects histories into a report.
type Tally struct {
	report    Report
	pairs     [faultKinds][faultKinds]bool
	converged []time.Duration
	began     time.Time
}
