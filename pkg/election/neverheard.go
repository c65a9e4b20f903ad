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
// time is not over.
func (m *Machine) unheard(g *group, i int) bool {
	if g.peers[i].at != never || m.lacks(guardNeverHeard) {
		return false
	}
	until, _ := m.unheardUntil(g, i)
	return m.lacks(guardNeverHeardEnds) || m.before(until)
}

// unheardUntil returns when the time of an owner ends of which no record of the group came yet,
// and how long it is; never, if no read has named it. One of which only others told, or only
// other groups, has an active-down from then: its own word may be on its way, and with it what
// the cloud calls it.
func (m *Machine) unheardUntil(g *group, i int) (Instant, time.Duration) {
	p, pg := m.peers[i], &g.peers[i]
	since, takes := pg.namedAt, NeverHeardFor
	switch {
	case p.heardAt != never:
		since, takes = p.since, m.activeDown(g, p)
	case pg.toldOfAt != never:
		since, takes = pg.toldOfAt, m.activeDown(g, p)
	}
	if since == never {
		return never, 0
	}
	return since.Add(takes), takes
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
