// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// Never heard is not fallen silent. The silence of an owner that was heard is news of it;
// of one that this process never heard it says as much that the path between the two was
// never open, which is how most clusters look on their first day. Such an owner has
// NeverHeardFor from the first read that named it, and then counts as silent like any other.

// NeverHeardFor is how long a node leaves the address with an owner that it has never heard.
// It must outlast what comes up beside this daemon after a reboot of everything: the owner's
// machine, its network and its daemon. docs/design.md section 8 has the figures.
const NeverHeardFor = time.Minute

// unheard reports whether owner i was never heard in this process, by an advert of its own
// that was accepted, by another node's word of one, or by an answer to the probe, and its
// time is not over. One of which only others told, or only other groups, has an active-down
// from then: its own word may be on its way, and with it what the cloud calls it.
func (m *Machine) unheard(g *group, i int) bool {
	p, pg := m.peers[i], &g.peers[i]
	switch {
	case pg.at != never || m.lacks(guardNeverHeard):
		return false
	case m.lacks(guardNeverHeardEnds):
		return true
	case p.heardAt != never:
		return m.within(p.sessions[0], m.activeDown(g, p))
	case pg.toldOfAt != never:
		return m.within(pg.toldOfAt, m.activeDown(g, p))
	default:
		return m.before(g.neverHeardUntil(i))
	}
}

// neverHeardUntil returns when the time of an owner ends that was never heard; never, if no
// read has named it.
func (g *group) neverHeardUntil(i int) Instant {
	if g.peers[i].namedAt == never {
		return never
	}
	return g.peers[i].namedAt.Add(NeverHeardFor)
}

// noteFirstNamed notes when a read named a peer for the first time.
func (m *Machine) noteFirstNamed(g *group) {
	if i := m.ownerIndex(g); i >= 0 && g.peers[i].namedAt == never {
		g.peers[i].namedAt = m.now
	}
}

// noteToldOf notes of whom a peer says that it hears them.
func (m *Machine) noteToldOf(g *group, relays []Relay) {
	for _, r := range relays {
		if i := m.peerIndex(r.Node); i >= 0 && g.peers[i].toldOfAt == never {
			g.peers[i].toldOfAt = m.now - Instant(r.Age)
		}
	}
}
