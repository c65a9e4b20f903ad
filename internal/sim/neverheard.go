// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// neverHear starts a node's daemon anew while no datagram passes between it and any other
// node, as where UDP was never opened.
func (w *world) neverHear(n *node) (end func()) {
	w.crash(n)
	heal := w.shutIn(func(o *node) bool { return o == n })
	w.after(w.chance.between(100*time.Millisecond, 400*time.Millisecond), func() { w.start(n) })
	return heal
}

// shutIn cuts the links of some nodes, and the way of their questions through the addresses.
func (w *world) shutIn(whom func(*node) bool) (end func()) {
	heal := w.cutAll(func(i, j int) bool { return whom(w.nodes[i]) || whom(w.nodes[j]) })
	for _, n := range w.nodes {
		if whom(n) {
			n.mute++
		}
	}
	return func() {
		heal()
		for _, n := range w.nodes {
			if whom(n) {
				n.mute--
			}
		}
	}
}

// named notes whom a read names, for the first time.
func (s *shadow) named(gi int, ev election.OwnerRead) {
	g := &s.groups[gi]
	if ev.Owner != g.read.Owner {
		g.serviceFails = 0
	}
	if ev.Owner.Kind != election.OwnerNode {
		return
	}
	if g.namedAt == nil {
		g.namedAt = map[string]election.Instant{}
	}
	if g.namedAt[ev.Owner.Node] == 0 {
		g.namedAt[ev.Owner.Node] = ev.Ended
	}
}

// told notes when somebody else, as it says first, or the probe heard a node.
func (g *shadowGroup) told(node string, at election.Instant) {
	if g.toldOf == nil {
		g.toldOf = map[string]election.Instant{}
	}
	if g.toldOf[node] == 0 {
		g.toldOf[node] = at
	}
}

// unheard reports whether the node has never heard whom its last read names, and for how
// long that was named, so that it may not claim, or for a hold, may still wait.
func (s *shadow) unheard(w *world, n *node, gi int, a *election.Action) (owner string, since time.Duration, yes bool) {
	g := &s.groups[gi]
	o := g.read.Owner
	if o.Kind != election.OwnerNode || o.Node == n.name {
		return "", 0, false
	}
	since = w.local(n).Sub(g.namedAt[o.Node])
	sp, told := &s.peers[int(o.Node[0]-'a')], g.toldOf[o.Node]
	if sp.words != nil && sp.words[gi].at != 0 {
		return o.Node, since, false
	}
	if sp.since != 0 {
		told = sp.since
	}
	if told != 0 && a.Kind != election.Held {
		return o.Node, since, false
	} else if told != 0 { // and the node has an active-down of its own priority
		return o.Node, since, w.local(n).Sub(told) < w.checks.atMost(election.ActiveDown(election.PriorityMin, w.opts.interval))
	}
	return o.Node, since, since < election.NeverHeardFor
}

// neverHeard looks at a node that claims because the owner is silent, or waits because it
// was never heard (section 5.3, row 11a).
func (c *checks) neverHeard(w *world, n *node, a *election.Action) {
	gi := w.groupIndex(a.Group)
	owner, since, unheard := n.seen.unheard(w, n, gi, a)
	switch {
	case a.Kind == election.Held && !unheard:
		c.broken(w, checkNeverHeard, "%s %s waits for %s to be heard, which was heard, or has been read there for %v", n.name, a.Group, owner, since)
	case a.Kind == election.Changed && unheard && n.seen.groups[gi].serviceFails < serviceFailsEnd:
		c.broken(w, checkNeverHeard, "%s takes %s from %s, which it has never heard and has read there for %v", n.name, a.Group, owner, since)
	}
}

// serviceFailsEnd is how many failures of the user's probe outweigh that an owner was never heard.
const serviceFailsEnd = 3

// drillReboot lets every machine start anew. Either the owner's does not come back, and another
// node must lead when the owner's time is over, or at once if the cloud or the user's probe
// tells; or no datagram passes for less than that time, and nothing may move.
func (w *world) drillReboot(h *History, gi int) {
	owner, able := w.leader(gi), false
	for _, n := range w.nodes {
		able = able || n != owner && n.machine != nil && owner.machine.Refusals(w.groups[gi].name)[n.name] == election.ReasonNone
	}
	if !able {
		return
	}
	h.Drills = append(h.Drills, "reboot")
	q := &quietWatch{group: gi}
	w.checks.quiet = q
	for _, n := range w.nodes {
		w.crash(n)
	}
	if w.chance.one(0.5) && !w.misnamed(owner.id) { // that of a dead node stays a stranger's
		w.oneBack(q, owner)
	} else {
		w.allBackUnheard(q, owner)
	}
	w.checks.quiet = nil
}

// oneBack starts all nodes but the owner.
func (w *world) oneBack(q *quietWatch, owner *node) {
	owner.hostDown, owner.addresses = true, nil
	told := w.chance.one(0.3)
	if told {
		w.must(w.model.SetState(owner.target.Instance, providers.InstanceStopped))
	}
	w.trace(owner, "does not come back; the cloud tells %v", told)
	down, began := election.ActiveDown(election.PriorityMin, w.opts.interval), w.now
	w.startAll()
	within := 4*down + 30*time.Second
	if !told && !w.opts.userProbe {
		w.run(election.NeverHeardFor-startsWithin-100*time.Millisecond, nil)
		if w.checks.fatal == 0 && (q.writes > 0 || w.leader(q.group) != nil) {
			w.checks.broken(w, checkNeverHeard, "%v after a start without %s: %d writes of %s", w.now.Sub(began), owner.name, q.writes, w.groups[q.group].name)
		}
		within = startsWithin + 2*down + 4*election.AttemptTimeout
	}
	if leads := func() bool { return w.leader(q.group) != nil }; !w.run(within, leads) && w.checks.fatal == 0 {
		w.checks.broken(w, checkNeverHeard, "%v after a start without %s, told by the cloud %v: %s", w.now.Sub(began), owner.name, told, w.state())
	}
}

// allBackUnheard starts all nodes while none hears another.
func (w *world) allBackUnheard(q *quietWatch, owner *node) {
	heal := w.shutIn(func(*node) bool { return true })
	w.startAll()
	w.run(w.chance.between(5*time.Second, election.NeverHeardFor-time.Second), nil)
	heal()
	w.trace(nil, "datagrams pass")
	w.run(30*time.Second+4*election.ActiveDown(election.PriorityMin, w.opts.interval), nil)
	if w.checks.fatal == 0 && (q.writes > 0 || q.moves > 0 || w.lacks(q.group) != "" || w.leader(q.group) != owner) {
		w.checks.broken(w, checkNeverHeard, "no datagram passed when all started: %d writes, %d moves of %s from %s; %s",
			q.writes, q.moves, w.groups[q.group].name, owner.name, w.lacks(q.group))
	}
}

// startAll starts every daemon.
func (w *world) startAll() {
	for _, n := range w.nodes {
		w.after(w.chance.between(0, startsWithin), func() { w.start(n) })
	}
	w.run(startsWithin, nil)
}

const startsWithin = time.Second
