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
//
// Clocks drift apart, and the more the longer ago the compared lead was noted. What the
// clocks of a healthy machine can explain is no stall, and what a stall can hide behind
// them is no proof that there was none:
//
//	more than the limit and the drift        a stall
//	more than the limit less the drift       no verdict: see doubt; once, until the lead has
//	                                         grown as much again
//	otherwise                                neither
//
// One gap shows with every peer.
func (m *Machine) noticeSkip(p *peer, first bool) {
	now := uptimeLead{m.now, p.uptime - m.now.Sub(m.started)}
	if first || p.leads[0].at == never {
		p.leads, p.doubted = uptimeLeads{}, uptimeLead{}
	} else {
		limit, base := m.stallLimit(), p.leads.before(m.now.Add(-2*p.interval))
		drift := now.drift(base, p.interval)
		switch over := now.by - base.by; {
		case over > limit+drift:
			p.leads, p.doubted = uptimeLeads{}, uptimeLead{}
			if !m.within(m.stalledAt, p.interval/2) {
				m.stall(m.lastLeft)
			}
		case over <= limit-drift:
		case p.doubted.at == never || now.by-p.doubted.by > limit-now.drift(p.doubted, p.interval):
			p.doubted = now
			m.doubt()
		}
	}
	p.leads.note(now, p.interval/2)
}

// doubt makes this node prove what it would have to prove after a stall, before anything
// that moves an address leaves: a healthy owner does not step back because a link was
// cut for long. Its peers are not told.
func (m *Machine) doubt() {
	if m.lacks(guardStall) {
		return
	}
	m.doubtedAt, m.stallEnd = m.now, m.now
	for _, g := range m.groups {
		g.incumbentSince, g.rankUntil = never, never
		g.lookAt = m.now
	}
	m.urgent = true
}

// uptimeLeads is by how much a peer's uptime ran ahead of ours in its last adverts,
// newest first. Of adverts that come in a burst, as those do that waited while the
// machine stood still, only the first is kept, and the two newest count for nothing, nor
// do those of the last two intervals: else the lead would creep up unnoticed. Silence
// makes an advert old, but none that was sent in the middle of a gap a better basis.
type uptimeLeads [uptimeLeadsKept]uptimeLead

// uptimeLead is one of them.
type uptimeLead struct {
	at Instant
	by time.Duration
}

// drift returns how far two clocks may have drifted apart since an earlier lead was noted,
// beyond what a few adverts make no difference to.
func (l uptimeLead) drift(since uptimeLead, interval time.Duration) time.Duration {
	return max(0, l.at.Sub(since.at)-uptimeLeadsKept*interval) / uptimeDrift
}

// uptimeLeadsNew is how many of them count for nothing yet.
const uptimeLeadsNew = 2

func (l *uptimeLeads) note(now uptimeLead, spacing time.Duration) {
	if l[0].at != never && now.at.Sub(l[0].at) < spacing {
		return
	}
	copy(l[1:], l[:])
	l[0] = now
}

// before returns the greatest lead that was noted by an instant and is none of the
// newest, or where there is none, the oldest.
func (l *uptimeLeads) before(then Instant) uptimeLead {
	greatest, found := l[0], false
	for i, lead := range l {
		switch {
		case lead.at == never:
			return greatest
		case i < uptimeLeadsNew || lead.at > then:
			greatest = lead
		case !found || lead.by > greatest.by:
			greatest, found = lead, true
		}
	}
	return greatest
}

// recovering reports whether this node has stalled and not yet caught up.
func (m *Machine) recovering() bool { return m.stalledAt != never || m.voiceless }

// voice takes in whether our adverts can be built. Those that were meant to leave did not.
func (m *Machine) voice(ok bool) {
	if !ok && !m.voiceless {
		m.stall(m.lastLeft)
	}
	m.voiceless = !ok
	m.urgent = m.urgent || ok
}

// recover ends the recovery, or the doubt: every peer heard before has echoed a datagram
// sent after it, or one active-down has passed. An owner read begun after it is demanded
// by readFresh. Who is heard one way only counts in a doubt: that peer may be the one
// whose clock raised it.
func (m *Machine) recover() {
	if m.stalledAt != never && m.heardSince(m.stalledAt, m.stallFrom, func(pg *peerGroup) Instant { return pg.twoWayAt }) {
		m.stalledAt, m.urgent = never, true
	}
	if m.doubtedAt != never && m.heardSince(m.doubtedAt, m.doubtedAt, func(pg *peerGroup) Instant { return pg.at }) {
		m.doubtedAt = never
	}
}

// heardSince reports whether all peers that were heard within an active-down of from have
// shown that they heard what left after at, or an active-down has passed since. They show
// it in each group: a part with another one says nothing of who leads this one by now.
func (m *Machine) heardSince(at, from Instant, heard func(*peerGroup) Instant) bool {
	if !m.within(at, ActiveDown(PriorityMin, m.cfg.Interval)) {
		return true
	}
	for _, g := range m.groups {
		for i := range g.peers {
			pg := &g.peers[i]
			was := heard(pg)
			if was != never && from.Sub(was) < ActiveDown(PriorityMin, m.peers[i].interval) && pg.echoedAt < at {
				return false
			}
		}
	}
	return true
}
