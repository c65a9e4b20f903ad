// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// A fight that goes on is found by its effect, whatever its cause: this node had the
// address, a read shows it with somebody else, and a write of this node takes it again, over
// and over. Roles and names tell nothing of it. Where two nodes are mixed up in the file, each
// takes the other's machine for its own, both say that they are bound, and the address goes
// to and fro.
//
// What a replica of the cloud says late is no fight, though a write may follow it, and though two
// reads agree or show another binding: the one before may be that. A replica says so soon after
// something has changed: a round counts only half a minute after this node began to lead or the
// last one that counted. And a time in which every read shows the address here ends the count.

// noteLoss follows, with each read of an active node, whether somebody else has what it had.
// What it had, a read showed here first; or a write of it was accepted, and there is a binding
// that is neither the one before it nor one that was counted, so that the address came here
// and went while nobody looked.
func (m *Machine) noteLoss(g *group, ev *OwnerRead) {
	if m.readNamesMe(g) && !ev.Taken {
		g.claim.lost = false
		if g.keptSince == never {
			g.keptSince = m.now
		}
		if m.now.Sub(g.keptSince) >= fightOver {
			g.retaken = [retakesMax]Instant{}
		}
		return
	}
	g.keptSince = never
	c := &g.claim
	another := ev.Version != "" && ev.Version != c.version && ev.Version != c.lostVersion && !ev.Partial
	switch {
	case ev.Owner.Kind == OwnerNone: // somebody may be between two calls, and nobody is harmed by binding it
	case c.saidMe || ev.Taken, another && c.ackedAt != never:
		c.lost, c.lostVersion = true, ev.Version
	}
}

// noteRetaken takes in that the cloud has accepted a write of this active node.
func (m *Machine) noteRetaken(g *group) {
	if !g.claim.lost {
		return
	}
	g.claim.lost = false
	if m.now.Sub(max(g.since, g.retaken[0])) < roundLeast {
		return
	}
	copy(g.retaken[1:], g.retaken[:])
	g.retaken[0] = m.now
}

// exhausted reports whether this node has taken the address again as often as it may.
func (m *Machine) exhausted(g *group) bool {
	return g.contended || !m.lacks(guardFight) && m.within(g.retaken[retakesMax-1], retakeWindow)
}
