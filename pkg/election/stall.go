// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// noticeStall finds out that this node did not run: its last adverts left longer
// ago than its peers would wait for it (invariant 7). It steps back everywhere and
// says so; peers do not take it for active until it has caught up.
func (m *Machine) noticeStall() {
	if m.lastLeft == never || m.now.Sub(m.lastLeft) <= m.stallLimit() {
		return
	}
	m.stall(m.lastLeft)
}

// stall makes this node give up what it believed at from, when its last adverts
// left in time.
func (m *Machine) stall(from Instant) {
	if m.lacks(guardStall) {
		return
	}
	m.stalledAt, m.stallFrom, m.stallEnd = m.now, from, m.now
	m.lastLeft = m.now
	m.do(Action{Kind: Noted, Reason: ReasonOwnStall})
	for _, g := range m.groups {
		if g.role == Active {
			m.become(g, Backup, ReasonOwnStall)
		}
		g.incumbentSince, g.rankUntil = never, never // they counted in a silence that was our own
		g.lookAt = m.now
	}
	m.urgent = true
}

// stallLimit is how long our adverts may be overdue: an active-down of the node
// that waits least, less the interval that the last advert covers.
func (m *Machine) stallLimit() time.Duration {
	return ActiveDown(PriorityMax, m.cfg.Interval) - m.cfg.Interval
}

// noticeSkip finds out from a peer's uptime that all clocks of this machine stood
// still together, as when a hypervisor pauses it: the peer's uptime has then run
// ahead of ours. It is compared with the greatest lead of its last few adverts, which
// a late datagram does not change; with the least, one late datagram would make
// every later one look like a stall.
func (m *Machine) noticeSkip(p *peer, first bool) {
	lead := p.uptime - m.now.Sub(m.started)
	switch {
	case first || p.leads[0].at == never:
		p.leads = uptimeLeads{}
	case lead-p.leads.before(m.now.Add(-2*p.interval)) > m.stallLimit():
		p.leads = uptimeLeads{}
		if !m.within(m.stalledAt, p.interval/2) { // one gap shows with every peer
			m.stall(m.lastLeft)
		}
	}
	p.leads.note(m.now, lead, p.interval/2)
}

// uptimeLeads is by how much a peer's uptime ran ahead of ours in its last adverts,
// newest first. Of adverts that come in a burst, as those do that waited while the
// machine stood still, only the first is kept, and the newest count for nothing until
// two intervals later: else the lead would creep up unnoticed.
type uptimeLeads [uptimeLeadsKept]struct {
	at Instant
	by time.Duration
}

func (l *uptimeLeads) note(now Instant, lead, spacing time.Duration) {
	if l[0].at != never && now.Sub(l[0].at) < spacing {
		return
	}
	copy(l[1:], l[:])
	l[0].at, l[0].by = now, lead
}

// before returns the greatest lead that was noted by an instant, or where none was,
// the oldest.
func (l *uptimeLeads) before(at Instant) time.Duration {
	greatest, found := l[0].by, false
	for i := range l {
		switch {
		case l[i].at == never:
			return greatest
		case l[i].at > at:
			greatest = l[i].by
		case !found || l[i].by > greatest:
			greatest, found = l[i].by, true
		}
	}
	return greatest
}

// recovering reports whether this node has stalled and not yet caught up.
func (m *Machine) recovering() bool { return m.stalledAt != never }

// recover ends the recovery: every peer heard before the stall has echoed a
// datagram sent after it, or one active-down has passed. An owner read begun
// after the stall is demanded by readFresh.
func (m *Machine) recover() {
	if m.stalledAt == never {
		return
	}
	if m.within(m.stalledAt, ActiveDown(PriorityMin, m.cfg.Interval)) {
		for _, p := range m.peers {
			heard := p.twoWayAt != never && m.stallFrom.Sub(p.twoWayAt) < ActiveDown(PriorityMin, p.interval)
			if heard && p.echoedAt < m.stalledAt {
				return
			}
		}
	}
	m.stalledAt = never
	m.urgent = true
}
