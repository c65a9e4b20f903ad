// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// writeSent notes that a cloud write is leaving.
func (m *Machine) writeSent(g *group) {
	g.claim.sentAt, g.claim.sentUntil = m.now, m.now.Add(AttemptTimeout)
	g.claim.overAt = g.claim.sentUntil
	g.claim.wrote = true
	m.urgent = true
}

// writeDone takes in the answer to a write.
func (m *Machine) writeDone(g *group, ev WriteDone) {
	g.claim.overAt = m.now
	g.lookAt = m.now
	if ev.Outcome == WriteAccepted {
		m.callSucceeded(g)
	}
	if g.role != Active {
		g.claim.sentAt = never
		return
	}
	switch ev.Outcome {
	case WriteAccepted:
		m.noteRetaken(g)
		g.claim.ackedAt, g.claim.progressAt = m.now, m.now
		g.claim.tookAt = never
		if !ev.Detach && g.cfg.NeedsAPI {
			g.claim.tookAt = m.now
		}
		g.claim.detached = g.claim.detached || ev.Detach
		g.claim.sentUntil = m.now.Add(g.cfg.MoveTimeout)
		if !ev.More {
			g.claim.sentUntil = m.now.Add(max(g.cfg.SettleTime, AttemptTimeout))
		}
	case WriteHopeless:
		g.claim.sentAt = never
		m.claimFailed(g, true)
	case WriteRefused:
		g.claim.sentAt = never
	case WriteAmbiguous:
		g.claim.sentAt = never
		g.claim.detached = g.claim.detached || ev.Detach // a read tells whether it has
	}
	m.urgent = true
}

// moveFailed takes in that an accepted move ended without effect.
func (m *Machine) moveFailed(g *group) {
	g.claim.sentAt, g.claim.ackedAt, g.claim.tookAt = never, never, never
	g.lookAt = m.now
}

// advanceClaim follows the claim of an active node in time. A higher term that was
// heard from an active node with which nothing was settled, over a link that works
// one way for instance, is overtaken once no such node is heard any more.
func (m *Machine) advanceClaim(g *group) {
	if g.claim.term != g.claim.highest && !m.anyActiveHeard(g) {
		m.do(Action{Kind: Cancel, Group: g.cfg.Name})
		m.raiseTerm(g)
		m.urgent = true
	}
	if g.claim.sentAt != never && m.due(g.claim.sentUntil) {
		g.claim.sentAt = never
	}
	if g.step == Serve || !g.step.Writes() || g.plan.handover.To != "" || m.unreadable(g) {
		g.claim.progressAt = m.now
	} else if g.claim.sentAt == never && m.due(g.claim.progressAt.Add(g.cfg.ClaimTimeout)) {
		m.claimFailed(g, false)
	}
	if g.role == Active && m.apiIsLost(g) {
		g.apiLost = true
		m.giveUp(g, Backup, ReasonAPILost)
	}
}

// unreadable reports whether the cloud has accepted what brings the address here, and
// nothing was read since because reads fail: that is no failed claim, and whoever took
// over would need such a read as well. It lasts for as long as a move may take.
func (m *Machine) unreadable(g *group) bool {
	return g.failingAt != never && g.read.began <= g.claim.tookAt && m.within(g.claim.tookAt, g.cfg.MoveTimeout)
}

// anyActiveHeard reports whether some peer that is heard, be it one way only, said last
// that it leads.
func (m *Machine) anyActiveHeard(g *group) bool {
	for i := range g.peers {
		if g.peers[i].Role == Active && m.heard(g, i) {
			return true
		}
	}
	return false
}

// claimBegins forgets which peers failed an earlier claim.
func (g *group) claimBegins() {
	for i := range g.peers {
		g.peers[i].failedClaim = false
	}
}

// incumbentWaits reports whether this node claims what an active node, still
// heard, is handing to it and would keep.
func (m *Machine) incumbentWaits(g *group) bool {
	return g.claim.byOffer && g.plan.offerFrom > 0 && m.fresh(g, g.plan.offerFrom-1)
}

// claimFailed resigns if somebody else could lead, and otherwise tries on:
// invariant 8, the role is never handed to nobody.
func (m *Machine) claimFailed(g *group, hopeless bool) {
	if !m.successorExists(g) && !m.incumbentWaits(g) && !m.lacks(guardSuccessor) {
		if m.due(g.claim.progressAt.Add(g.cfg.ClaimTimeout)) {
			g.claim.progressAt = m.now
			m.do(Action{Kind: Noted, Group: g.cfg.Name, Reason: ReasonClaimFailed})
		}
		return
	}
	delay := transientDelay
	if hopeless {
		delay = min(max(2*g.claimDelay, permanentDelay), permanentMax)
		g.claimDelay = delay
	}
	g.canClaimAt = m.now.Add(delay)
	m.giveUp(g, Backup, ReasonClaimFailed)
}

// callFailed notes the start of the first of the calls that have all failed since.
func (m *Machine) callFailed(g *group, began Instant) {
	if g.failingAt == never {
		g.failingAt = began
		g.newsAt = m.now // whether it goes on is worth knowing soon
	}
	g.failedAt = m.now
}

func (m *Machine) callSucceeded(g *group) {
	g.failingAt = never
	if g.apiLost {
		g.apiLost = false
		m.urgent = true
	}
}

// apiIsLost reports whether every call of this active node has failed for a while
// and a peer that could lead knows better. A lost API alone is no reason: a node
// whose last read says me keeps the role (invariants 3 and 8), and so does one that a
// peer's read names. What the cloud accepted is refuted only by a read begun when it
// must show.
func (m *Machine) apiIsLost(g *group) bool {
	if g.failingAt == never || g.failedAt.Sub(max(g.failingAt, g.since)) < max(apiLostFloor, 3*m.cfg.Interval) {
		return false // one failure that no other read followed yet is no while
	}
	if m.lacks(guardLostAPI) {
		return true
	}
	for i := range m.peers {
		if m.standbyRefusal(g, i) != ReasonNone {
			continue
		}
		pg := &g.peers[i]
		if pg.Owner.Kind == OwnerUnknown {
			continue
		}
		age := pg.Owner.Age + m.now.Sub(pg.at)
		began := m.now - Instant(age)
		switch {
		case pg.Owner.Kind == OwnerNode && pg.Owner.Node == m.cfg.Node:
		case m.unreadable(g):
			if g.claim.sentAt == never && began > g.claim.tookAt.Add(g.cfg.SettleTime) {
				return true
			}
		case began > g.read.began, !m.readNamesMe(g) && age < apiReadYoung:
			return true
		}
	}
	return false
}

// Permit is what the write gate needs to know of a group (invariant 1).
type Permit struct {
	Role     Role
	Eligible bool
	Term     Term    // of this node's claim
	Newest   Term    // the newest claim this node knows
	Since    Instant // a read must have begun after this: the last owning advert of another node, a stall, news of what a peer is called
	Own      Instant // and after this: the answer or deadline of this node's last write
	Handover bool    // this node is handing the group over
	Hold     Reason  // what else keeps the node from writing; ReasonNone if nothing does
	MaxAge   time.Duration

	// For announcements. The cloud is away if every read since the last success
	// failed; all is heard if every peer is heard two-way and none leads.
	Away, AllHeard bool
	RefreshAge     time.Duration // like MaxAge, for announcing again what is here
}

// allHeard reports whether every peer is heard two-way and none of them leads: then
// nobody else can be announcing the address, whatever the cloud would say.
func (m *Machine) allHeard(g *group) bool {
	for i := range m.peers {
		if !m.fresh(g, i) || g.peers[i].Role == Active {
			return false
		}
	}
	return true
}

// Permit returns what the write gate needs to know of a group. For an unknown
// group it permits nothing.
func (m *Machine) Permit(groupName string) Permit {
	g := m.group(groupName)
	if g == nil {
		return Permit{Hold: ReasonUnknownGroup}
	}
	p := Permit{
		Role:     g.role,
		Eligible: m.eligible(g),
		Term:     g.claim.term,
		Newest:   g.claim.highest,
		Since:    m.saidSince(g),
		Own:      g.claim.overAt,
		Handover: g.plan.handover.To != "",
		MaxAge:   ReadAgeMax(m.cfg.Interval),

		Away: g.failingAt != never && m.now.Sub(g.failedAt) < awayFor, AllHeard: m.allHeard(g), RefreshAge: refreshReadAge,
	}
	m.loosen(g, &p)
	if g.role == Active && !g.step.Writes() && g.step != Serve {
		p.Hold = stepReason(g)
		if p.Hold == ReasonNone {
			p.Hold = ReasonClaimInProgress
		}
	}
	if m.doubtedAt != never {
		p.Hold = ReasonOwnStall
	}
	return p
}
