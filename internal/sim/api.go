// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"slices"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// startReads begins one read of all groups whose owner is to be read now.
func (w *world) startReads(n *node) {
	now := w.local(n)
	groups, urgent := w.wanted(n, now)
	if groups == nil || !w.affords(n, now, groups, urgent) {
		return
	}
	for _, i := range groups {
		n.hands[i].watch.Begin(now)
	}
	w.checks.reads(n)
	for _, r := range w.readCalls(n, groups) {
		w.startRead(n, r, now)
	}
}

// wanted returns the groups whose owner is to be read now, with those whose turn is near,
// and whether a decision waits for any of them. It sets when to look again.
func (w *world) wanted(n *node, now election.Instant) (groups []int, urgent bool) {
	n.readsAt = 0
	var again [groupsMost]election.Instant
	for i := range n.hands {
		h := &n.hands[i]
		if h.write != nil {
			continue
		}
		var want controller.Want
		want, again[i] = h.watch.Next(now, n.machine.Wish(w.groups[i].name), h.wish)
		n.readsAt = soonest(n.readsAt, again[i])
		if want != controller.WantNothing {
			groups = append(groups, i)
			urgent = urgent || want == controller.WantUrgent
		}
	}
	if groups == nil {
		return nil, false
	}
	for i := range n.hands {
		if n.hands[i].watch.Near(now, again[i]) && !slices.Contains(groups, i) {
			groups = append(groups, i)
		}
	}
	return groups, urgent
}

// affords asks the budget of reads, which never holds up one that a decision waits
// for, and otherwise plans to ask again.
func (w *world) affords(n *node, now election.Instant, groups []int, urgent bool) bool {
	calls := w.callsOf(groups)
	if urgent {
		n.budget.Note(now, controller.SpendOwner, calls)
		return true
	}
	if n.budget.Take(now, controller.SpendOwner, calls) {
		return true
	}
	n.readsAt = soonest(n.readsAt, n.budget.Ready(now, controller.SpendOwner, calls))
	return false
}

// soonest returns the earlier of two instants, of which 0 means never.
func soonest(a, b election.Instant) election.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func (w *world) readFailed(n *node, groups []int, began election.Instant, kind providers.Kind) {
	w.credentials(n, kind == providers.Denied)
	for _, gi := range groups {
		if n.machine == nil {
			return
		}
		h, ended := &n.hands[gi], w.local(n)
		overtaken := began < h.watch.Newest()
		h.watch.End(began, ended, false)
		if overtaken {
			continue
		}
		w.learn(n, h, controller.Observation{Read: &controller.ReadFact{Ended: ended, Failed: true}})
		w.step(n, election.OwnerRead{Group: w.groups[gi].name, Began: began, Ended: ended, Failed: true})
	}
}

// credentials follows whether the cloud takes the node's.
func (w *world) credentials(n *node, denied bool) {
	if n.machine != nil && n.seen.denied != denied {
		n.seen.denied = denied
		w.tellIdentity(n)
	}
}

// readDone brings what the cloud said to the controller and then to the election,
// and tells both of accepted moves that failed.
func (w *world) readDone(n *node, r *ownersRead, began election.Instant) {
	w.credentials(n, false)
	nodes, seen := w.whoIsWho(n), r.seen
	for i, gi := range r.groups {
		if n.machine == nil {
			return
		}
		h, g, ended := &n.hands[gi], &w.groups[gi], w.local(n)
		overtaken := began < h.watch.Newest()
		h.watch.End(began, ended, true)
		if overtaken {
			continue
		}
		ev, owners := w.ownerRead(n, h, nodes, seen[i])
		ev.Began, ev.Ended = began, ended
		w.trace(n, "%s: read says %s", g.name, ownerWord(ev.Owner))
		fact := r.fact(i, began, ended)
		w.learn(n, h, controller.Observation{Read: &fact})
		n.seen.read(w, gi, ev)
		w.step(n, ev)
		w.inspect(n, gi, ev.Owner, seen[i])
		w.trackMoves(n, h, owners)
		w.decideIf(n, h)
	}
}

// ownerRead says in the words of the election what was seen of a group, and of each address.
func (w *world) ownerRead(n *node, h *hand, nodes []controller.Node, seen []providers.Assignment) (ev election.OwnerRead, owners []election.Owner) {
	g := &w.groups[h.group]
	for _, s := range seen {
		owners = append(owners, controller.Locate(providerName, s, nodes))
		ev.Version += s.Version
	}
	ev.Group, ev.Owner, ev.Partial = g.name, controller.Combine(n.name, owners), controller.Partial(owners)
	ev.Unchanged, ev.Taken = h.state.Against(n.machine.Permit(g.name).Term, seen, h.targets)
	return ev, owners
}

// judgeAgain tells a node that has come to know itself what it read last, if that is of
// another owner now.
func (w *world) judgeAgain(n *node, h *hand) {
	var seen []providers.Assignment
	var began, ended election.Instant
	for _, a := range h.state.Addresses {
		if !a.Known {
			return
		}
		seen, began, ended = append(seen, a.Seen), soonest(began, a.Began), max(ended, a.Ended)
	}
	if ev, _ := w.ownerRead(n, h, w.whoIsWho(n), seen); len(seen) > 0 && ev.Owner != n.seen.groups[h.group].read.Owner {
		ev.Began, ev.Ended, ev.Again = began, ended, true
		w.trace(n, "%s: what was read is of %s", w.groups[h.group].name, ownerWord(ev.Owner))
		n.seen.read(w, h.group, ev)
		w.step(n, ev)
	}
}

// decideIf lets the controller look at a group, if the node still runs.
func (w *world) decideIf(n *node, h *hand) {
	if n.machine != nil {
		w.decide(n, h)
	}
}

// inspect tells what the cloud says about the machine of another owner.
func (w *world) inspect(n *node, gi int, owner election.Owner, seen []providers.Assignment) {
	if n.machine == nil || owner.Kind != election.OwnerForeign && (owner.Kind != election.OwnerNode || owner.Node == n.name) {
		return
	}
	life, began := n.life, w.local(n)
	a := w.call(n, false)
	stopped := a.ok && a.reach >= 0
	for _, s := range seen {
		if s.Target.IsZero() || s.Target == n.target {
			continue
		}
		i, err := w.model.View(0).Instance(s.Target.Instance)
		stopped = stopped && err == nil && (i.State == providers.InstanceStopped || i.State == providers.InstanceGone)
	}
	w.after(a.after, func() {
		w.fact(n, life, func() {
			w.step(n, election.InstanceRead{Group: w.groups[gi].name, Owner: owner, Began: began, Stopped: stopped})
		})
	})
}

// trackMoves tells of accepted moves that ended without effect.
func (w *world) trackMoves(n *node, h *hand, owners []election.Owner) {
	for k, id := range h.track {
		if id == 0 || n.machine == nil || owners[k].Node == n.name {
			continue
		}
		if op, err := w.model.View(0).Operation(id); err == nil && op.Status == fakecloud.Errored {
			h.track[k] = 0
			w.learn(n, h, controller.Observation{Moved: &controller.FailedMove{Address: k}})
			w.step(n, election.MoveFailed{Group: w.groups[h.group].name})
		}
	}
}

// idle lets the next job of a group begin.
func (w *world) idle(n *node, gi int) {
	n.hands[gi].busy, n.hands[gi].announcing = false, false
	w.decideIf(n, &n.hands[gi])
}

// learn gives the controller a fact before the election hears of it.
func (w *world) learn(n *node, h *hand, ob controller.Observation) {
	ob.Busy = true
	h.state, _ = controller.Decide(h.policy, h.state, w.observe(n, h, ob))
}

func (w *world) observe(n *node, h *hand, ob controller.Observation) controller.Observation {
	ob.Now = w.local(n)
	ob.Permit = n.machine.Permit(w.groups[h.group].name)
	ob.Target, ob.Jitter = h.targets, 0.5
	if !n.known {
		ob.Target = make([]providers.Target, len(h.targets))
	}
	return ob
}

// decide asks the controller for the next step of a group and takes it.
func (w *world) decide(n *node, h *hand) {
	announced := w.groups[h.group].kind == announce
	if !announced && n.machine.Role(w.groups[h.group].name) != election.Active {
		h.wish, h.until = election.Wish{}, 0
		return
	}
	ob := w.observe(n, h, controller.Observation{Busy: h.busy, Announcing: h.announcing})
	var d controller.Decision
	h.state, d = controller.Decide(h.policy, h.state, ob)
	h.until, h.waiting, h.wish = d.Until, d.Reason, d.Wish
	switch d.Step {
	case controller.Write, controller.Release:
		w.startWrite(n, h, d, ob.Permit)
	case controller.Add, controller.Remove, controller.Announce:
		w.startGuest(n, h, d, ob.Permit)
	}
}

func ownerWord(o election.Owner) string {
	switch o.Kind {
	case election.OwnerNode:
		return o.Node
	case election.OwnerNone:
		return "nobody"
	case election.OwnerForeign:
		return "a stranger"
	default:
		return "unknown"
	}
}
