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
	m.stalledAt, m.stallFrom, m.stallEnd = m.now, m.lastLeft, m.now
	m.lastLeft = m.now
	m.do(Action{Kind: Noted, Reason: ReasonOwnStall})
	for _, g := range m.groups {
		if g.role == Active {
			m.become(g, Backup, ReasonOwnStall)
		}
		g.readNow = true
	}
	m.urgent = true
}

// stallLimit is how long our adverts may be overdue: an active-down of the node
// that waits least, less the interval that the last advert covers.
func (m *Machine) stallLimit() time.Duration {
	return ActiveDown(PriorityMax, m.cfg.Interval) - m.cfg.Interval
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
