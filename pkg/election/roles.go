// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// become changes the role of a group. It is the only place that does.
func (m *Machine) become(g *group, role Role, reason Reason) {
	if g.role == role {
		return
	}
	if m.lacks(guardReasons) && role == Backup {
		reason = ReasonUnbound
	}
	from := g.role
	if from == Active {
		m.do(Action{Kind: Cancel, Group: g.cfg.Name})
		if g.plan.offerFrom > 0 {
			g.decline() // whether it took the address or not, the offer is spent
		}
		g.claim = claim{term: g.claim.term, highest: g.claim.highest, overAt: g.claim.overAt}
		g.plan.handover, g.plan.draining, g.plan.placing, g.plan.sticky = Handover{}, false, false, false
		g.keptSince = never
		g.step = Serve
		g.lookAt = m.now // whoever leads now, people ask this node as well
	}
	if role == Active {
		g.waits = false
		g.probe.forgetService()
	}
	if role == Backup {
		m.restartSilence(g)
		g.activeDownAt = m.now.Add(m.ownActiveDown(g))
		if from == Active || from == Initialize {
			g.wordsFrom = g.activeDownAt
		}
	}
	g.giveUp = g.giveUp && role != Active
	g.role, g.since, g.reason = role, m.now, reason
	m.do(Action{Kind: Changed, Group: g.cfg.Name, From: from, To: role, Term: g.claim.term, Reason: reason})
	m.hold(g, ReasonNone)
	m.urgent = true
}

// giveUp makes an active node step back and tell its peers to look at once
// (priority 0, RFC 9568 section 6.4.3).
func (m *Machine) giveUp(g *group, role Role, reason Reason) {
	g.giveUp = g.role == Active
	m.become(g, role, reason)
}

// becomeActive makes a backup lead. Without resumed it starts a claim from the
// owner that the last read named.
func (m *Machine) becomeActive(g *group, reason Reason, resumed bool) {
	sticky := g.plan.ordered || g.plan.request.Kind == RequestTake || g.plan.offerFrom > 0 && g.plan.offerSticky
	if reason == ReasonSuccessor {
		switch g.plan.request.Kind {
		case RequestTake:
			reason = ReasonAssigned
		case RequestPreempt:
			reason = ReasonPreempted
		}
	}
	named := g.plan.offerFrom > 0 && m.before(g.plan.offerUntil)
	highest, over := g.claim.highest, g.claim.overAt
	g.claim = claim{
		term: Term{Number: highest.Number + 1, Node: m.cfg.Node}, from: g.read.Owner,
		version: g.read.version, fault: reason == ReasonOwnerFault, saidMe: resumed, ordered: g.plan.ordered, byOffer: named && !resumed,
		progressAt: m.now, overAt: over, boundFrom: m.now,
	}
	if resumed {
		g.claim.boundFrom = g.read.began
		if g.reason == ReasonDisplaced {
			g.flappedAt = m.now
		}
	}
	g.claim.highest = g.claim.term
	g.plan.request, g.plan.ordered, g.plan.forced, g.plan.preemptAt = Request{}, false, false, never
	g.plan.sticky = sticky
	g.moved = movedRead{}
	g.claimBegins()
	m.become(g, Active, reason)
	m.judgeOwner(g)
}

// hold notes what a group waits for, and tells it once.
func (m *Machine) hold(g *group, reason Reason) {
	if g.held == reason {
		return
	}
	g.held = reason
	m.do(Action{Kind: Held, Group: g.cfg.Name, Reason: reason})
}

// restartSilence makes the counters of the takeover table start again.
func (m *Machine) restartSilence(g *group) {
	g.incumbentSince, g.rankUntil = never, never
}

// healthChanged notes what the checks say and how long a recovered node waits.
func (m *Machine) healthChanged(g *group, ev Health) {
	was, first := g.health.Healthy, !g.health.Known
	before := m.priority(g)
	g.health = ev
	switch {
	case !ev.Known:
		return
	case !ev.Healthy && (was || first):
		g.returnWait = nextReturnWait(g.returnWait, g.faultAt, m.now)
		g.faultAt = m.now
	case ev.Healthy && !was && !first:
		g.returnAt = m.now.Add(g.returnWait)
	}
	m.urgent = m.urgent || was != ev.Healthy || before != m.priority(g)
}

// identityChanged notes whether this node could claim.
func (m *Machine) identityChanged(g *group, ev Identity) {
	m.urgent = m.urgent || g.known != ev.Known || g.denied != ev.Denied
	g.known, g.denied = ev.Known, ev.Denied
}

// nextReturnWait is how long a node waits after its next recovery: it doubles
// when faults repeat, which bounds what a flapping check can move.
func nextReturnWait(last time.Duration, faultAt, now Instant) time.Duration {
	if last == 0 || faultAt == never || now.Sub(faultAt) >= returnForget {
		return returnDelayFirst
	}
	return min(2*last, returnDelayMax)
}

// advanceRole follows what this node itself is fit for.
func (m *Machine) advanceRole(g *group) {
	broken := g.health.Known && !g.health.Healthy
	switch {
	case g.role == Active:
		if broken {
			m.giveUp(g, Fault, ReasonCheckFailed)
		}
	case g.drained:
		m.become(g, Drained, ReasonDrained)
	case broken:
		m.become(g, Fault, ReasonCheckFailed)
		g.reason = ReasonCheckFailed // again, if it failed within the return delay
	case g.role == Drained && g.health.Known:
		m.become(g, Backup, ReasonResumed)
	case g.role == Initialize && g.health.Known && g.known: // without its own target it is still starting
		m.become(g, Backup, ReasonStarted)
	case g.role == Fault && !m.mustWaitToReturn(g):
		g.returnAt = never
		m.become(g, Backup, ReasonCheckRecovered)
	case g.role == Fault:
		g.reason = ReasonReturnDelay
	}
}

// mayReturnByRead reports whether a node that recovered from a fault waits for nothing but
// a fresh read that the address is still here.
func (m *Machine) mayReturnByRead(g *group) bool {
	return g.role == Fault && g.health.Healthy && m.mustWaitToReturn(g) && m.readNamesMe(g) && m.activePeer(g) < 0
}

// mustWaitToReturn reports whether the delay after a fault still keeps a healthy
// node out. It does not where returning moves nothing, and not the first time
// when nobody else could lead, nor later when nobody serves either.
func (m *Machine) mustWaitToReturn(g *group) bool {
	if !m.before(g.returnAt) {
		return false
	}
	active := m.activePeer(g) >= 0
	if m.readNamesMe(g) && m.readFresh(g) && !active {
		return false
	}
	return active || m.successorExists(g) || g.returnWait > returnDelayFirst && !m.deserted(g)
}

// deserted reports whether the owner is gone as far as this node can tell: the cloud says so
// of its machine, or no advert of whatever kind, no relay and no answer through the address
// has shown it for an active-down that this node ran through. An owner that is heard, with a
// service that fails in turn with this node's, is not.
func (m *Machine) deserted(g *group) bool {
	if m.lacks(guardDeserted) || m.bestSuccessor(g) >= 0 {
		return false
	}
	i := m.ownerIndex(g)
	if m.ownerStopped(g) || i < 0 {
		return m.ownerStopped(g)
	}
	for k := range g.peers {
		if g.peers[k].ledAt > g.read.ended {
			i = k // it took the address since, as it said
		}
	}
	down := m.activeDown(g, m.peers[i])
	if _, relayed := m.relayed(g, i, down); relayed || m.serviceAnswers(g) || m.prolonged(g, i) != ReasonNone {
		return false
	}
	return !m.within(max(m.started, m.stallEnd, m.peers[i].heardAt, g.probe.answeredBy(i)), down)
}

// evaluate asks the takeover table on a backup: when its timer has run out, when a move
// is planned, when the address is here, and when the owner itself says that it cannot lead.
func (m *Machine) evaluate(g *group) {
	g.waits = m.mayReturnByRead(g)
	if g.role != Backup {
		g.wordAt = never
		m.hold(g, ReasonNone)
		return
	}
	word := m.ownersWord(g)
	m.noteWord(g, word)
	planned := g.plan.ordered || g.plan.offerFrom > 0 && m.before(g.plan.offerUntil)
	early := !planned && !m.due(g.activeDownAt) // whatever the table says, the timer runs
	if early && word == ReasonNone && m.holder(g) != HeldByMe {
		m.hold(g, ReasonNone)
		return
	}
	facts := m.takeoverFacts(g)
	decision, reason := Takeover(facts)
	switch {
	case decision == Resume:
		m.becomeActive(g, reason, true)
	case early:
		m.takeAtWord(g, facts, word)
	case decision == Stay:
		m.wait(g, facts, reason)
	case !planned && m.mustWaitForRank(g):
		m.hold(g, ReasonRankWait)
	case facts.Holder == HeldByNobody && m.rivalMayMove(g):
		m.hold(g, ReasonUnboundWait)
	default:
		m.becomeActive(g, reason, false)
	}
}

// wait tells what a backup waits for. While the last read is merely too old, that
// is what the table would answer to a fresh one; if it would answer claim, a read
// is all that is missing: a claim never waits for the budget of reads (invariant 12).
func (m *Machine) wait(g *group, f TakeoverFacts, reason Reason) {
	fresh := f
	fresh.ReadFresh = true
	fresh.Stalled = m.recovering() // what a read begun since would leave of it
	decision, otherwise := Takeover(fresh)
	g.waits = decision != Stay // so the read is what was wanting
	switch {
	case g.failingAt != never:
		m.hold(g, reason)
	case decision == Stay:
		m.hold(g, otherwise)
	}
}

// mustWaitForRank reports whether a better-ranked standby still has its head
// start, which it gets once in each silence.
func (m *Machine) mustWaitForRank(g *group) bool {
	if g.rankUntil == never {
		wait := min(time.Duration(m.rank(g))*rankStep, rankWaitMax)
		g.rankUntil = m.now.Add(wait)
	}
	return m.before(g.rankUntil)
}
