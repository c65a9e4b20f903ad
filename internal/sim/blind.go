// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
)

// blindWindow is a time in which no node hears another, and what moved one group
// meanwhile (invariant 2).
type blindWindow struct {
	since   election.Instant // 0: some nodes may hear each other
	moves   int
	allowed int  // beyond the n-1 of the rule
	void    bool // something happened that no node could know of
}

// byHand allows for a hand in the console: whoever it displaces, or follows it, may
// move the address once more.
func (w *world) byHand(gi int) { w.checks.blind[gi].allowed += len(w.nodes) }

// ordered allows for what an operator asked for.
func (w *world) ordered(_ *node, gi int) {
	w.checks.blind[gi].allowed += len(w.nodes)
	w.checks.orderedAt[gi] = w.now
}

// orderLasts is for how long an operator's order may still be carried out.
const orderLasts = election.ClaimTimeoutDefault + moveTimeout + 15*time.Second

// partitioned follows whether any two nodes could hear each other.
func (c *checks) partitioned(w *world) {
	all := true
	for i := range w.links {
		for j := range w.links[i] {
			all = all && (i == j || w.links[i][j].cut > 0)
		}
	}
	for gi := range c.blind {
		b := &c.blind[gi]
		switch {
		case all && b.since == 0:
			*b = blindWindow{since: w.now, allowed: w.underWay(gi), void: w.readsOld()}
		case !all && b.since != 0:
			c.judgeBlind(w, gi)
			*b = blindWindow{}
		}
	}
}

// readsOld reports whether some node may read what was true before.
func (w *world) readsOld() bool {
	return w.faults.on[StaleRead] > 0 || w.faults.on[ReplicaAlternates] > 0 || w.faults.on[ReplicaOld] > 0
}

// underWay returns how many moves of a group may have begun before.
func (w *world) underWay(gi int) int {
	begun := 0
	if at := w.checks.orderedAt[gi]; at != 0 && w.now.Sub(at) < w.checks.atMost(orderLasts) {
		begun += len(w.nodes)
	}
	for _, n := range w.nodes {
		if n.machine != nil && n.machine.Role(w.groups[gi].name) == election.Active && !n.seen.namesMe(n, gi) {
			begun++
		}
	}
	for _, a := range w.groups[gi].addresses {
		if n := w.nodeOf(w.model.Holder(a.IP)); n == nil || n.machine == nil || n.machine.Role(w.groups[gi].name) != election.Active {
			return begun + len(w.nodes) // it is not where it should be: whoever sees that may repair it
		}
	}
	return begun
}

// allow allows for a move more in every group, or in one.
func (c *checks) allow(gi int) {
	for i := range c.blind {
		if gi < 0 || i == gi {
			c.blind[i].allowed++
		}
	}
}

// unknowable ends the count in every group: a node whose clocks stood still and that
// hears nobody cannot know it, and neither can one that reads what was true before.
func (c *checks) unknowable() {
	for i := range c.blind {
		c.blind[i].void = true
	}
}

// changed counts a move. One that its sender had given up is nobody's decision now.
func (b *blindWindow) changed(ch fakecloud.Change, late bool) {
	if b.since == 0 || !ch.Moved || ch.Node == "" {
		return
	}
	if late {
		b.void = true
	}
	b.moves++
}

// judgeBlind compares the moves of a blind window with what invariant 2 allows.
func (c *checks) judgeBlind(w *world, gi int) {
	b, g := &c.blind[gi], &w.groups[gi]
	lasted := w.now.Sub(b.since)
	allowed := len(w.nodes) - 1 + b.allowed
	if retry := g.config.DisplacedRetry; retry > 0 {
		allowed += (len(w.nodes) - 1) * int(c.counted(lasted)/retry)
	}
	// Several addresses may each be moved once by a takeover.
	allowed *= len(g.addresses)
	if !b.void && b.moves > allowed {
		c.broken(w, checkNoFight, "%s moved %d times in the %v in which no node heard another; allowed are %d", g.name, b.moves, lasted.Round(time.Millisecond), allowed)
	}
}
