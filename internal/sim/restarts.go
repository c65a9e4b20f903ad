// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
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

// drillLast leaves one healthy node, whose service has failed so often that it would wait
// for minutes before it takes part again, and a dead owner (section 5.9).
func (w *world) drillLast(h *History, gi int) {
	h.Drills = append(h.Drills, "last")
	from, last := w.leader(gi), w.standby(gi)
	for range 6 {
		w.service(last, gi, false)
		w.run(w.chance.between(time.Second, 5*time.Second), nil)
		w.service(last, gi, true)
		w.run(w.chance.between(time.Second, 5*time.Second), nil)
	}
	w.service(last, gi, false)
	for _, n := range w.nodes {
		if n != from && n != last {
			w.service(n, gi, false)
		}
	}
	w.run(5*time.Second, nil)
	if w.checks.fatal > 0 || w.leader(gi) != from {
		return
	}
	w.crash(from)
	w.service(from, gi, false)
	w.service(last, gi, true)
	within := 4*election.ActiveDown(election.PriorityMin, w.opts.interval) + 45*time.Second // and the user's probe fails
	if !w.run(within, func() bool { return w.leader(gi) == last }) && w.checks.fatal == 0 && w.model.Holder(w.groups[gi].addresses[0].IP) == from.target {
		w.checks.broken(w, checkConvergence, "%s is the last that could lead %s, whose owner %s is dead, and does not within %v: %s", last.name, w.groups[gi].name, from.name, within, w.state())
	}
}

// drillOtherKey has the node of the highest priority sign with another key while its service
// fails, and nobody hold the address when no node leads (section 5.3, row 9).
func (w *world) drillOtherKey(h *History, gi int) {
	h.Drills = append(h.Drills, "other-key")
	name, top := w.groups[gi].name, w.nodes[0]
	for _, n := range w.nodes {
		if p := w.groups[gi].config.Priorities; p[n.name] >= p[top.name] {
			top = n // of equal ones the highest address counts
		}
	}
	w.service(top, gi, false)
	led := func() bool { n := w.leader(gi); return n != nil && n != top && w.lacks(gi) == "" }
	if top.machine == nil || !w.run(w.budget(), led) {
		return // nobody but it leads, for a reason that is judged elsewhere
	}
	from := w.leader(gi)
	top.wrongKey = true
	w.run(10*time.Second, nil)
	w.crash(from)
	for _, a := range w.groups[gi].addresses {
		w.must(w.model.Place(a.IP, providers.Target{}))
	}
	w.after(time.Second, func() { w.start(from) })
	within := time.Minute + moveTimeout + 30*time.Second + 4*election.ActiveDown(election.PriorityMin, w.opts.interval)
	if !w.run(within, led) && w.checks.fatal == 0 && !w.waitsForOperator(gi) {
		w.checks.broken(w, checkConvergence, "nobody holds %s, and %s, which has another key and does not work, keeps the others from it for %v: %s", name, top.name, within, w.state())
	}
	top.wrongKey = false
	w.service(top, gi, true)
}
