// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fipctl/fipctl/internal/status"
)

// eventsMax bounds what a recorder keeps; a scenario has a few dozen events. The
// oldest go first.
const eventsMax = 4096

// recorder collects the events that nobody else remembers: what the lab did and
// what the daemons logged. It is safe for concurrent use.
type recorder struct {
	mu     sync.Mutex
	events []event
	start  time.Time   // of the story: the first thing the lab did
	fault  time.Time   // what the phases are measured from
	watch  func(event) // told of every event; may be nil
}

func (r *recorder) add(e event) {
	r.mu.Lock()
	r.events = append(r.events, e)
	if len(r.events) > eventsMax {
		r.events = slices.Delete(r.events, 0, len(r.events)-eventsMax)
	}
	watch := r.watch
	r.mu.Unlock()
	if watch != nil {
		watch(e)
	}
}

// follow tells watch of every event from now on.
func (r *recorder) follow(watch func(event)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch = watch
}

// note records something the lab does.
func (r *recorder) note(text string) {
	now := time.Now()
	r.mu.Lock()
	if r.start.IsZero() {
		r.start = now
	}
	r.mu.Unlock()
	r.add(event{At: now, Kind: eventLab, Who: "lab", What: text})
}

// lateMin is how late the lab must have been for it to be worth a line: a machine on which
// it stands still so long lets the daemons stand still, too.
const lateMin = 500 * time.Millisecond

// late records that the lab itself did not run for so long.
func (r *recorder) late(d time.Duration) {
	if d >= lateMin {
		r.add(event{At: time.Now(), Kind: eventLab, Who: "lab", What: fmt.Sprintf("the machine is busy: the lab did not run for %s", d.Round(time.Millisecond))})
	}
}

// measureFrom records what the lab does and starts the clock of the phases.
func (r *recorder) measureFrom(text string) {
	r.note(text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = r.events[len(r.events)-1].At
}

// measureAgain starts the clock of the phases anew: what was asked is asked again.
func (r *recorder) measureAgain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = time.Now()
}

// progress records what a daemon reports while it does what an operator asked.
func (r *recorder) progress(node string, e status.Event) {
	r.add(event{At: time.Now(), Kind: eventLog, Who: node, What: string(e.Event) + ": " + e.Text, Reason: e.Reason})
}

// log records what is worth it in a line that a daemon wrote.
func (r *recorder) log(node, line string) {
	if e, ok := parseLog(node, line, time.Now()); ok {
		r.add(e)
	}
}

// taken returns the events so far, and the two marks; zero when not set.
func (r *recorder) taken() (events []event, start, fault time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events), r.start, r.fault
}
