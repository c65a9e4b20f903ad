// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// Wish is what somebody wants of the next owner read of a group: the election
// (Machine.Wish), or the controller while a claim runs. It is a level, not an order:
// whoever makes the reads compares it with those that are under way and those that have
// ended, so a wish that stands is not heard twice. The zero value wants nothing.
type Wish struct {
	// News: something happened then that only a read begun since can show.
	News Instant
	// Since: a read that began before this does not pass the gate. It lies ahead while
	// this node's own write may still take effect.
	Since Instant
	// Waits: a decision waits for a read that began at Since or later, now.
	Waits bool
	// By: a decision may fall then; it wants such a read, whose answer is there by then
	// and not older than Age. Zero: there is none.
	By  Instant
	Age time.Duration
	// At: a read is wanted then, whatever happens. Zero: none.
	At Instant
	// Urgent: no budget of reads may hold up the one for News or At (invariant 12). One
	// that a decision waits for, or will by By, passes always.
	Urgent bool
}

// Wish returns what the election wants of the next owner read of a group. It changes
// with every Step, and with nothing else.
func (m *Machine) Wish(groupName string) Wish {
	g := m.group(groupName)
	if g == nil || m.departed {
		return Wish{}
	}
	return Wish{
		News: g.lookAt, Since: max(m.gateSince(g)+1, g.wordAt), Waits: g.waits,
		By: m.readBy(g), Age: ReadAgeMax(m.cfg.Interval), At: m.nextLook(g),
		Urgent: m.busy(g) || m.recovering() || m.doubtedAt != never || g.read.Kind == OwnerUnknown,
	}
}

// gateSince returns the instant after which a read must have begun to pass the gate: the
// last owning advert of another node, the end of this node's own last write, a stall, and
// unless it names this node, news of what a peer is called: another may have been meant.
func (m *Machine) gateSince(g *group) Instant {
	return max(m.saidSince(g), g.claim.overAt)
}

// saidSince is gateSince, but for this node's own writes.
func (m *Machine) saidSince(g *group) Instant {
	since := m.stallEnd - 1
	if !m.lacks(guardReadAfterAdvert) {
		since = max(since, g.owningAt)
	}
	if !m.readNamesMe(g) {
		since = max(since, m.toldAt)
	}
	return since
}

// readBy returns when the timer of a backup ends that has lost sight of whoever leads, or
// never. The reads are placed backwards from there: one is fresh when the table is asked.
func (m *Machine) readBy(g *group) Instant {
	if g.role != Backup || m.now >= g.activeDownAt || !m.eligible(g) {
		return never
	}
	if i := m.activePeer(g); i >= 0 && !m.suspicious(g, i) {
		return never
	}
	return g.activeDownAt
}

// nextLook returns when the owner is read next although nothing asks for it. After a new
// fact the reads are spaced by half the time since then, so that a minute in which
// something goes on takes ten of them; at rest the nodes take turns (restLook).
func (m *Machine) nextLook(g *group) Instant {
	switch {
	case g.lookedAt == never || m.readBy(g) != never:
		return never // the first read is news; before a timer ends they are placed
	case m.lacks(guardReadBudget) || m.busy(g):
		return g.lookedAt.Add(m.fastReads())
	}
	spacing := max(m.fastReads(), g.lookedAt.Sub(max(g.newsAt, g.missingAt))/2)
	if spacing < uneasyReadEvery {
		return g.lookedAt.Add(spacing)
	}
	if m.atRest(g) {
		return max(m.restLook(g), g.lookedAt.Add(uneasyReadEvery))
	}
	return g.lookedAt.Add(uneasyReadEvery)
}

// fastReads is the least spacing of reads that no decision waits for.
func (m *Machine) fastReads() time.Duration { return max(time.Second, m.cfg.Interval) }

// atRest reports whether all is as it should be: every peer is heard, nothing is latched,
// and the node that leads is the one that the cloud names.
func (m *Machine) atRest(g *group) bool {
	if g.missingAt != never || g.failingAt != never {
		return false
	}
	if g.role == Active {
		return g.step == Serve && m.readNamesMe(g)
	}
	i := m.activePeer(g)
	return i >= 0 && i == m.ownerIndex(g)
}

// restLook returns when this node reads the owner next while all is at rest. The nodes
// that hear each other take turns, so that one of them reads every restReadEvery and a
// hand at the console is seen that soon: whoever read longest ago is next, and of those that
// read at once, the first by name. Where they are many, each reads every third time all the
// same, so that what a node knows is never older than that.
func (m *Machine) restLook(g *group) Instant {
	newest, before, nodes := g.read.began, 0, 1
	for i, p := range m.peers {
		pg := &g.peers[i]
		if pg.Owner.Kind == OwnerUnknown || !m.fresh(g, i) {
			continue
		}
		began := pg.at - Instant(pg.Owner.Age)
		if m.now.Sub(began) > (restTurns+1)*restReadEvery {
			continue // it cannot read, and its turn would never come
		}
		nodes++
		newest = max(newest, began)
		if apart := began.Sub(g.read.began); apart < -restReadTie || apart <= restReadTie && p.Name < m.cfg.Node {
			before++
		}
	}
	turn := newest.Add(time.Duration(before+1) * restReadEvery)
	return min(turn, g.read.began.Add(time.Duration(min(nodes, restTurns))*restReadEvery))
}

// readsDiffer takes in what a peer has read. If that is newer than what this node knows
// and names somebody else, an active node looks for itself: at rest it may be the peer's
// turn that shows what a hand did.
func (m *Machine) readsDiffer(g *group, rec *GroupAdvert) {
	began := m.now - Instant(rec.Owner.Age)
	if g.role == Active && rec.Owner.Kind != OwnerUnknown && rec.Owner.Owner != g.read.Owner && began > max(g.read.began, g.lookAt) {
		g.lookAt = m.now
	}
}

// notePresence follows which peers are missing or latched. With each that is newly so
// the reads are fast again, and one that began after the peer was last heard is due.
func (m *Machine) notePresence(g *group) {
	g.missingAt = never
	for i := range g.peers {
		pg := &g.peers[i]
		switch gone := m.suspicious(g, i) || g.latches[i] != never; {
		case !gone:
			pg.missingAt = never
		case pg.missingAt == never:
			pg.missingAt = m.now
			g.lookAt = max(g.lookAt, pg.twoWayAt+1)
		}
		g.missingAt = max(g.missingAt, pg.missingAt)
	}
}
