// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"slices"

	"github.com/fipctl/fipctl/pkg/election"
)

// rollout is how the files of the nodes differ about one group.
type rollout int

const (
	rolledOut     rollout = iota // it is in every file from the start
	neverThere                   // the file of one node lacks it for ever
	oneAfterOther                // the file of one node has it first; the others follow
	rolloutsDrawn = 0.4          // of all histories with several groups
)

// String returns it as a few words with hyphens.
func (r rollout) String() string {
	return [...]string{"rolled-out", "never-there", "one-after-other"}[r]
}

// rolloutSalt makes the chance of rollouts one of its own.
const rolloutSalt = 0x726f6c6c6f757473

// drawRollouts draws which groups are not in every file. The first always is, so that no
// daemon is without any.
func drawRollouts(o *options, c chance) {
	o.rollouts = make([]rollout, len(o.groups))
	if !c.one(rolloutsDrawn) {
		return
	}
	for i := range o.rollouts[1:] {
		o.rollouts[1+i] = rollout(c.weighted(50, 25, 25))
	}
}

// layFiles decides whose file lacks a group, and when those of a rollout get it.
func (w *world) layFiles(gi int) {
	c := newChance(w.opts.seed ^ rolloutSalt ^ uint64(gi+1))
	chosen := w.nodes[c.IntN(len(w.nodes))]
	switch w.opts.rollouts[gi] {
	case neverThere:
		chosen.lacks[gi] = true
	case oneAfterOther:
		for _, n := range w.nodes {
			if n != chosen {
				n.lacks[gi] = true
				w.after(c.between(0, w.opts.safety), func() { w.rollOut(n, gi) })
			}
		}
	}
}

// rollOut gives a node a file that has a group, which its daemon reads again if it runs.
func (w *world) rollOut(n *node, gi int) {
	if !n.lacks[gi] {
		return
	}
	w.trace(n, "%s: is in its file", w.groups[gi].name)
	n.lacks[gi] = false
	w.fact(n, n.life, func() {
		n.loaded[gi] = true
		n.seen.loads(gi)
		w.checks.allow(gi)
		w.step(n, election.Reload{Config: w.config(n)})
		if n.machine != nil {
			w.step(n, election.Identity{Group: w.groups[gi].name, Known: n.known && !n.seen.denied, Denied: n.refused[gi]})
		}
		if n.machine != nil {
			w.tellHealth(n, gi)
		}
	})
}

// rollOutToTheLiving gives a group to all that live, where no file of theirs has it.
func (w *world) rollOutToTheLiving() {
	for gi := range w.groups {
		if slices.ContainsFunc(w.nodes, func(n *node) bool { return !n.dead && !n.lacks[gi] }) {
			continue
		}
		for _, n := range w.nodes {
			w.rollOut(n, gi)
		}
	}
}

// statusOf returns what a node's daemon says of a group; the zero value if it does not know it.
func (w *world) statusOf(n *node, gi int) election.GroupStatus {
	for _, s := range n.machine.Status().Groups {
		if s.Name == w.groups[gi].name {
			return s
		}
	}
	return election.GroupStatus{}
}

// known follows which groups a peer's adverts name, by the parts of them that were accepted.
func (sp *shadowPeer) known(a *election.Advert, first bool) {
	if first || a.Total != sp.total {
		sp.total, sp.vrids = a.Total, map[uint8]bool{}
	}
	for i := range a.Groups {
		sp.vrids[a.Groups[i].VRID] = true
	}
}

// loads begins a group that a reload adds: what peers sent before says nothing of it.
func (s *shadow) loads(gi int) {
	for i := range s.peers {
		if sp := &s.peers[i]; sp.words != nil {
			sp.words[gi].sequence = sp.sequence
		}
	}
}

// lacks reports whether a node, as it can know, hears a peer whose file lacks a group, and
// whether that hears it.
func (s *shadow) lacks(w *world, n *node, gi, peer int) (heard, twoWay bool) {
	sp := &s.peers[peer]
	whole := sp.total > 0 && len(sp.vrids) == int(sp.total) && !sp.vrids[n.file.vrid(gi)]
	lately := func(at election.Instant) bool {
		return at != 0 && w.local(n).Sub(at) < election.ActiveDown(election.PriorityMax, w.opts.interval)
	}
	if !whole || sp.leaves || !lately(sp.at) {
		return false, false
	}
	return true, lately(sp.twoWayAt)
}

// unknownThere looks at a node that takes an address for the silence of an owner that it hears,
// and whose file lacks the group (section 5.3, rows 5a and 9).
func (c *checks) unknownThere(w *world, n *node, a *election.Action) {
	gi := w.groupIndex(a.Group)
	g := &n.seen.groups[gi]
	if g.read.Owner.Kind != election.OwnerNode || g.read.Owner.Node == n.name {
		return
	}
	heard, twoWay := n.seen.lacks(w, n, gi, int(g.read.Owner.Node[0]-'a'))
	if twoWay || heard && g.serviceFails < serviceFailsEnd {
		c.broken(w, checkUnknownThere, "%s takes %s from %s for its silence; it hears it, two-way %v, and its file lacks the group", n.name, a.Group, g.read.Owner.Node, twoWay)
	}
}

// waitsUnbound looks at a node that leaves an address unbound because a silent peer may be
// between the two calls of a move: one whose file lacks the group is not.
func (c *checks) waitsUnbound(w *world, n *node, a *election.Action) {
	gi, lacking := w.groupIndex(a.Group), false
	for i := range w.nodes {
		if i == n.id {
			continue
		}
		heard, _ := n.seen.lacks(w, n, gi, i)
		lacking = lacking || heard
		word, _ := n.seen.peers[i].heardOf(w, gi, w.local(n))
		fresh := word != nil && w.local(n).Sub(word.twoWayAt) < election.ActiveDown(election.PriorityMax, w.opts.interval)
		if !heard && !fresh {
			return
		}
	}
	if lacking && !n.seen.groups[gi].handingOver {
		c.broken(w, checkUnknownThere, "%s leaves %s unbound for peers that it hears, and the file of one lacks the group", n.name, a.Group)
	}
}
