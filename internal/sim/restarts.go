// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// drillRestarts restarts the owner's daemon several times, each time announced: as an
// operator does who tries a setting, after each of which it leads again, so nothing may
// move (invariant 9); or so that it never gets to lead, and then another node must
// (invariant 4).
func (w *world) drillRestarts(h *History, gi int) {
	from, standby := w.leader(gi), w.standby(gi)
	if standby != nil && w.chance.one(0.4) {
		w.drillRestless(h, gi, from)
		return
	}
	h.Drills = append(h.Drills, "restarts")
	q := &quietWatch{group: gi}
	w.checks.quiet = q
	for range 3 + w.chance.IntN(4) {
		w.leave(from, true, w.chance.between(100*time.Millisecond, 5*time.Second))
		w.run(w.chance.between(2*w.opts.interval, 8*time.Second), nil)
		w.run(30*time.Second, func() bool { return w.lacks(gi) == "" })
		w.run(2*w.opts.interval, nil) // and is heard
	}
	w.checks.quiet = nil
	if w.checks.fatal == 0 && (q.writes > 0 || q.moves > 0 || q.gaps > 0 || w.leader(gi) != from) {
		w.checks.broken(w, checkRestart, "announced restarts of %s in series: %d writes, %d moves and %d gaps of %s; %s",
			from.name, q.writes, q.moves, q.gaps, w.groups[gi].name, w.lacks(gi))
	}
}

// standby returns a node that could take the group over from its leader, or nil.
func (w *world) standby(gi int) *node {
	from, name := w.leader(gi), w.groups[gi].name
	for _, n := range w.nodes {
		if n != from && n.machine != nil && n.machine.OwnRefusal(name) == election.ReasonNone && from.machine.Refusals(name)[n.name] == election.ReasonNone {
			return n
		}
	}
	return nil
}

// drillRestless restarts the owner's daemon time and again before it knows who it is.
func (w *world) drillRestless(h *History, gi int, from *node) {
	h.Drills = append(h.Drills, "restless")
	from.metadata = false
	led := func() bool { n := w.leader(gi); return n != nil && n != from }
	for range 12 {
		w.leave(from, true, w.chance.between(100*time.Millisecond, 5*time.Second))
		w.run(w.chance.between(time.Second, 10*time.Second), nil)
	}
	if w.checks.fatal == 0 && !led() {
		w.checks.broken(w, checkConvergence, "%s is restarted all the time and cannot lead %s, and nobody else does", from.name, w.groups[gi].name)
	}
	from.metadata = true
	if !w.run(w.budget(), func() bool { return w.lacks(gi) == "" }) && w.checks.fatal == 0 {
		w.checks.broken(w, checkConvergence, "after %s was restarted all the time: %s", from.name, w.lacks(gi))
	}
}
