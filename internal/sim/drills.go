// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// drill plays what only a quiet cluster promises: one restart, one planned move, and
// the reads of an uneventful minute.
func (w *world) drill(h *History) {
	w.phase = drillPhase
	gi := w.chance.IntN(len(w.groups))
	w.run(65*time.Second, nil) // probes and reads come to rest, and no daemon counts as crash-looping
	switch {
	case w.lacks(gi) != "":
		return // convergence was judged before
	case w.standby(gi) != nil && w.chance.one(0.1):
		w.drillLast(h, gi)
		return
	case w.standby(gi) != nil && w.chance.one(0.1):
		w.drillOtherKey(h, gi)
		return
	case w.relievable(gi) && w.chance.one(0.3):
		w.drillRelief(h, gi)
		return
	case w.groups[gi].config.Preempt:
		w.drillHand(h, gi) // preemption is a move of its own, and only the end counts here
		return
	}
	if c := newChance(w.opts.seed ^ reloadSalt); c.one(reloadDrills) { // of its own: other seeds stay as they were
		w.drillReload(h, gi, c)
		return
	}
	switch w.chance.weighted(3, 2, 3, 2, 2, 2, 3, 2) {
	case 0:
		if w.chance.one(0.5) {
			w.drillRestarts(h, gi)
			return
		}
		w.drillRestart(h, gi, true)
	case 1:
		w.drillRestart(h, gi, false)
	case 2:
		w.drillPlanned(h, gi)
	case 3:
		w.drillReads(h)
	case 4:
		w.drillLostDatagram(h)
	case 5:
		w.drillHand(h, gi)
	case 6:
		w.drillReboot(h, gi)
	default:
		w.drillFight(h, gi)
	}
}

// drillLostDatagram loses one advert of the owner to one standby: that costs at most
// one owner read more than the steady ones (invariant 12).
func (w *world) drillLostDatagram(h *History) {
	from := w.leader(0)
	if from == nil || len(w.nodes) < 2 {
		return
	}
	for _, n := range w.nodes {
		if n.dead {
			return
		}
	}
	h.Drills = append(h.Drills, "lost-datagram")
	to := w.nodes[(from.id+1)%len(w.nodes)]
	w.run(2*time.Minute, nil)
	w.checks.readCalls, w.checks.news = make([]int, len(w.nodes)), false
	l := &w.links[from.id][to.id]
	l.loss = 1
	w.run(w.opts.interval, nil)
	l.loss = 0
	w.run(28*time.Second, nil)
	if calls := w.checks.readCalls[to.id]; w.checks.fatal == 0 && !w.checks.news && calls > 3+w.refreshes(28*time.Second) {
		w.checks.broken(w, checkBudget, "%s reads the owner %d times in half a minute in which one datagram was lost", to.name, calls)
	}
	w.checks.readCalls = nil
}

// refreshes returns how many owner reads the refreshing of announced addresses costs one
// node in d, if it leads all their groups: one each five seconds.
func (w *world) refreshes(d time.Duration) (reads int) {
	for _, g := range w.groups {
		if g.kind == announce {
			reads += (int(d/(5*time.Second)) + 1) * len(g.addresses)
		}
	}
	return reads
}

func (w *world) leader(gi int) *node {
	for _, n := range w.nodes {
		if n.machine != nil && n.machine.Role(w.groups[gi].name) == election.Active {
			return n
		}
	}
	return nil
}

// drillRestart restarts the owner's daemon, announced as by the unit or as a crash
// after which the unit starts it again at once: nothing may move (invariant 9).
func (w *world) drillRestart(h *History, gi int, announced bool) {
	h.Drills = append(h.Drills, "restart")
	n := w.leader(gi)
	q := &quietWatch{group: gi}
	w.checks.quiet = q
	down := election.ActiveDown(election.PriorityMax, w.opts.interval)
	switch {
	case announced:
		w.leave(n, true, w.chance.between(100*time.Millisecond, 10*time.Second))
	case down > 2*time.Second:
		w.crash(n)
		w.after(w.chance.between(100*time.Millisecond, 300*time.Millisecond), func() { w.start(n) })
	default:
		return // at this interval a crash is over too late by design
	}
	w.run(30*time.Second+4*down, nil)
	w.checks.quiet = nil
	if w.checks.fatal == 0 && (q.writes > 0 || q.moves > 0 || q.gaps > 0 || w.lacks(gi) != "") {
		w.checks.broken(w, checkRestart, "a restart of %s, announced %v: %d writes, %d moves and %d gaps of %s; %s", n.name, announced, q.writes, q.moves, q.gaps, w.groups[gi].name, w.lacks(gi))
	}
}

// drillPlanned lets an operator move a group, or stops its owner: where one call
// moves the address nobody may miss it (invariant 10).
func (w *world) drillPlanned(h *History, gi int) {
	from := w.leader(gi)
	var to *node
	for _, n := range w.nodes {
		if n != from && n.machine != nil && n.machine.OwnRefusal(w.groups[gi].name) == election.ReasonNone {
			to = n
		}
	}
	if to == nil || from.machine.Refusals(w.groups[gi].name)[to.name] != election.ReasonNone {
		return
	}
	h.Drills = append(h.Drills, "planned")
	q := &quietWatch{group: gi}
	w.checks.quiet = q
	name := w.groups[gi].name
	switch w.chance.IntN(3) {
	case 0:
		w.fact(to, to.life, func() { w.step(to, election.Assign{Group: name}) })
	case 1:
		w.fact(from, from.life, func() { w.step(from, election.HandTo{Group: name, To: to.name}) })
	default:
		w.leave(from, false, time.Minute)
	}
	w.run(2*time.Minute, nil)
	w.checks.quiet = nil
	if w.checks.fatal > 0 {
		return
	}
	addresses := len(w.groups[gi].addresses)
	atomic := w.groups[gi].kind.atomic()
	if q.moves == 0 || atomic && (q.gaps > 0 || q.unserved > 0 || q.moves != addresses) || w.lacks(gi) != "" {
		w.checks.broken(w, checkNoGap, "a planned move of %s from %s: %d moves, %d gaps, %d to a node that does not lead; %s",
			name, from.name, q.moves, q.gaps, q.unserved, w.lacks(gi))
	}
}

// drillHand moves one address of a group by hand, or unbinds it: elected and bound must
// come to agree again, however they do (invariant 5).
func (w *world) drillHand(h *History, gi int) {
	if w.checks.fatal > 0 || w.lacks(gi) != "" {
		return
	}
	h.Drills = append(h.Drills, "hand")
	g := &w.groups[gi]
	to, word := providers.Target{}, "nobody"
	if n := w.anyNode(); n.machine != nil && w.chance.one(0.5) {
		to, word = n.target, n.name
	}
	w.trace(nil, "a hand gives %v to %s", g.addresses[0].IP, word)
	w.must(w.model.Place(g.addresses[0].IP, to))
	settled := func() bool { return w.lacks(gi) == "" || w.waitsForOperator(gi) }
	if !w.run(w.budget(), settled) && w.checks.fatal == 0 {
		w.checks.broken(w, checkRepair, "after a hand gave %v to %s: %s", g.addresses[0].IP, word, w.lacks(gi))
	}
}

// drillReads counts the owner reads of a node in a minute in which nothing happens:
// one call for all groups each fifteen seconds (invariant 12).
func (w *world) drillReads(h *History) {
	h.Drills = append(h.Drills, "reads")
	for _, n := range w.nodes {
		if n.dead {
			return // a peer is missing: reads are allowed to be more
		}
	}
	w.run(3*time.Minute, nil) // whatever made reads fast is over
	w.checks.readCalls, w.checks.news = make([]int, len(w.nodes)), false
	w.run(time.Minute, nil)
	for i, calls := range w.checks.readCalls {
		if w.checks.fatal == 0 && !w.checks.news && calls > 5+w.refreshes(time.Minute) {
			w.checks.broken(w, checkBudget, "%s reads the owner %d times in a quiet minute", w.nodes[i].name, calls)
			break
		}
	}
	w.checks.readCalls = nil
}
