// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// takeoverFacts gathers what the takeover table looks at. A node that has never read the
// owner knows nothing of a peer that it does not hear, so it needs the cloud even where a
// move does not.
func (m *Machine) takeoverFacts(g *group) TakeoverFacts {
	owner := m.ownerIndex(g)
	f := TakeoverFacts{
		Stalled:      m.recovering() || !g.cfg.NeedsAPI && g.read.began < m.stallEnd,
		Eligible:     m.eligible(g),
		PeerActive:   m.activePeer(g) >= 0,
		NeedsAPI:     g.cfg.NeedsAPI || g.read.Kind == OwnerUnknown && !m.allHeard(g),
		ReadFresh:    m.readFresh(g),
		Isolated:     !m.wayOut && m.allSilent(g),
		AllHeard:     m.allHeard(g),
		Holder:       m.holder(g),
		Named:        g.plan.offerFrom > 0 && m.before(g.plan.offerUntil),
		NamedByHand:  g.plan.request.Kind == RequestTake,
		Ordered:      g.plan.ordered,
		Forced:       g.plan.forced,
		ServiceUp:    m.serviceAnswers(g),
		ServiceFails: g.probe.serviceFails,
		TopPriority:  g.top,
	}
	if f.Holder == HeldByNobody {
		over := g.read.Kind == OwnerNone && !m.within(m.unboundSince(g), unboundHold) && !m.lacks(guardUnboundHold)
		for i := range m.peers {
			if f.Prolonged == ReasonNone && !over {
				f.Prolonged = m.prolonged(g, i)
			}
		}
		return f
	}
	if owner >= 0 {
		f.Out = m.outReason(g, owner)
		f.Eligible = f.Eligible && !(g.lastFailed && f.Out == ReasonOwnerFault)
		f.UnknownThere = m.unknownThere(g, owner)
		f.Witnessed = m.witnessed(g, owner)
		f.Restarting = (m.within(g.peers[owner].restartAt, restartHold) || m.without(g, owner) && m.within(m.peers[owner].restartAt, restartHold)) &&
			!m.crashLooping(g, owner)
		f.Prolonged = m.prolonged(g, owner)
		if f.Prolonged == ReasonNone && !f.UnknownThere && m.heardWithout(g, owner) && !m.lacks(guardWithoutOneWay) {
			f.Prolonged = ReasonOneWayLink
		}
		f.Incumbent = m.incumbent(g, owner)
		f.Latched = g.latches[owner] != never
		f.Unheard = m.unheard(g, owner)
		if m.lacks(guardRestart) {
			f.Restarting, f.Incumbent = false, false
		}
		// An owner that is heard and does not lead has the time of row 10, whatever its
		// service answers: it may hold one of several addresses, and never lead.
		f.ServiceUp = f.ServiceUp && !m.fresh(g, owner)
	}
	return f
}

// ownerIndex returns the index of the peer that the last read names, or -1.
func (m *Machine) ownerIndex(g *group) int {
	if g.read.Kind != OwnerNode {
		return -1
	}
	return m.peerIndex(g.read.Node)
}

// holder says what the last successful read means to this node.
func (m *Machine) holder(g *group) Holder {
	switch {
	case g.read.Kind == OwnerNode && g.read.Node == m.cfg.Node:
		return HeldByMe
	case g.read.Kind == OwnerNode && m.peerIndex(g.read.Node) >= 0:
		return HeldByPeer
	case g.read.Kind == OwnerNone, g.read.Kind == OwnerUnknown, g.read.Kind == OwnerForeign && m.ownerStopped(g):
		return HeldByNobody // never read: only where the move needs no cloud call does that count
	case m.lacks(guardForeign):
		return HeldByNobody
	default:
		return HeldByForeign
	}
}

// readNamesMe reports whether the last successful read says me.
func (m *Machine) readNamesMe(g *group) bool {
	return g.read.Kind == OwnerNode && g.read.Node == m.cfg.Node
}

// readFresh reports whether the last owner read passes the write gate's
// freshness: it began after all that it may contradict (gateSince); none of its calls
// took longer than one attempt; and its answer is recent (invariant 1).
func (m *Machine) readFresh(g *group) bool {
	r := &g.read
	if r.Kind == OwnerUnknown || r.began <= m.gateSince(g) {
		return false
	}
	return r.took <= AttemptTimeout && m.within(r.ended, ReadAgeMax(m.cfg.Interval))
}

// ReadAgeMax is how old the answer of an owner read may be for a write to rely on
// it.
func ReadAgeMax(interval time.Duration) time.Duration { return max(readAgeFloor, interval) }

// allSilent reports whether no peer is heard, and hears this node.
func (m *Machine) allSilent(g *group) bool {
	for i := range m.peers {
		if m.fresh(g, i) || m.unknownThere(g, i) {
			return false
		}
	}
	return true
}

// heard reports whether any accepted record of the group from the peer, two-way or not,
// is younger than active-down.
func (m *Machine) heard(g *group, i int) bool {
	return m.within(g.peers[i].at, m.activeDown(g, m.peers[i]))
}

// outReason says why the owner cannot lead by its own word or the cloud's (row 5).
func (m *Machine) outReason(g *group, i int) Reason {
	pg := &g.peers[i]
	down := m.activeDown(g, m.peers[i])
	switch {
	case m.saidGoodbye(g, i):
		return ReasonOwnerGoodbye
	case m.ownerStopped(g):
		return ReasonOwnerStopped
	}
	if m.heard(g, i) {
		if r := outByRole(pg.Role, pg.Flags.Has(FlagHealthy)); r != ReasonNone {
			return r
		}
		if pg.Role == Backup && !pg.Flags.Has(FlagCanClaim) && pg.Reason != ReasonAPILost {
			return ReasonOwnerCannotClaim
		}
	}
	if g.probe.answeredBy(i) > pg.at && m.within(g.probe.answeredBy(i), down) {
		if r := outByRole(g.probe.role, g.probe.healthy); r != ReasonNone {
			return r
		}
	}
	if r, ok := m.relayed(g, i, down); ok {
		return outByRole(r.Role, r.Healthy)
	}
	return ReasonNone
}

func outByRole(role Role, healthy bool) Reason {
	switch {
	case role == Drained:
		return ReasonOwnerDrained
	case role == Fault, role != Initialize && !healthy:
		return ReasonOwnerFault
	default:
		return ReasonNone
	}
}

// relayed returns the youngest relay about peer i that is younger than active-down
// and of a later round of adverts than this node heard itself: the delays of two
// links make no difference.
func (m *Machine) relayed(g *group, i int, down time.Duration) (best Relay, ok bool) {
	for k := range g.peers {
		if k == i || !m.fresh(g, k) {
			continue
		}
		for _, r := range g.peers[k].relay {
			heard := g.peers[k].at - Instant(r.Age)
			if r.Node != m.peers[i].Name || heard.Sub(g.peers[i].at) <= m.peers[i].interval/2 || !m.within(heard, down) {
				continue
			}
			if !ok || r.Age < best.Age {
				best, ok = r, true
			}
		}
	}
	return best, ok
}

// witnessed reports whether a probe answer or a relay younger than active-down
// says that the owner is active and healthy (row 6).
func (m *Machine) witnessed(g *group, i int) bool {
	down := m.activeDown(g, m.peers[i])
	if m.within(g.probe.answeredBy(i), down) && g.probe.role == Active && g.probe.healthy && !m.outlived(g, i) {
		return true
	}
	r, ok := m.relayed(g, i, down)
	return ok && r.Role == Active && r.Healthy
}

// leaderSeen reports whether this node leads, or an advert of whatever kind, a relay or an
// answer to the probe shows that somebody does.
func (m *Machine) leaderSeen(g *group) bool {
	if g.role == Active || g.probe.from > 0 && g.probe.role == Active && m.within(g.probe.at, notAnsweringFor) && !m.outlived(g, g.probe.from-1) {
		return true
	}
	for i, p := range m.peers {
		if g.peers[i].Role == Active && !g.peers[i].goodbye && m.heard(g, i) {
			return true
		}
		if r, ok := m.relayed(g, i, m.activeDown(g, p)); ok && r.Role == Active {
			return true
		}
	}
	return false
}

// outlived reports whether the last answer of a peer to the probe says nothing any more: it
// was asked for before the peer fell silent, and two questions since had no answer.
func (m *Machine) outlived(g *group, i int) bool {
	return g.probe.missed >= probesMissed && g.probe.answeredBy(i) < g.peers[i].twoWayAt.Add(m.peers[i].interval*3/2)
}

// prolonged says which datagrams of a peer still arrive though they do not count
// in full (row 9).
func (m *Machine) prolonged(g *group, i int) Reason {
	p := m.peers[i]
	down := m.activeDown(g, p)
	switch {
	case g.peers[i].Role == Active && !g.peers[i].goodbye && m.within(g.peers[i].oneWayAt, down):
		return ReasonOneWayLink
	case m.within(p.badlySigned, down):
		return ReasonAuthMismatch
	case m.within(p.otherVersion, down):
		return ReasonBadVersion
	case m.within(p.pendingAt, down) && m.within(p.pendingSince, down):
		return ReasonSessionPending
	default:
		return ReasonNone
	}
}

// incumbent reports whether the owner is a fresh, healthy node that should resume
// by itself, for at most one active-down (row 10), or for as long as its first read of
// the owner may take, and one more if that fails.
func (m *Machine) incumbent(g *group, i int) bool {
	pg := &g.peers[i]
	if !m.fresh(g, i) || m.crashLooping(g, i) {
		return false
	}
	starting := pg.Role == Initialize
	standby := pg.Flags.Has(FlagHealthy) && (pg.Role == Backup || pg.Flags.Has(FlagRecovering))
	if !starting && !standby {
		return false
	}
	patience := m.activeDown(g, m.peers[i])
	if pg.Owner.Kind == OwnerUnknown {
		patience = max(patience, 2*(AttemptTimeout+m.peers[i].interval))
	}
	return g.incumbentSince == never || m.lacks(guardRow10Ends) || m.within(g.incumbentSince, patience)
}

// rivalMayMove reports whether a silent peer may be between the two calls of a
// move: the address is then left unbound until that peer's time is over. One that is heard
// and whose file lacks the group moves nothing of it, nor does one whose machine the cloud
// calls stopped or gone.
func (m *Machine) rivalMayMove(g *group) bool {
	if g.cfg.AtomicMove || g.claim.detached {
		return false
	}
	silent := false
	for i := range m.peers {
		silent = silent || !m.fresh(g, i) && (!m.heardWithout(g, i) || m.lacks(guardWithoutRival)) && !m.peerStopped(g, i)
	}
	return silent && m.within(m.unboundSince(g), g.cfg.MoveTimeout)
}

// peerStopped reports whether the cloud says that the machine of a peer is stopped or gone,
// and nothing was heard from it since.
func (m *Machine) peerStopped(g *group, i int) bool {
	at := g.peers[i].stoppedAt
	return max(m.peers[i].heardAt, g.probe.answeredBy(i)) < at && m.within(at, stoppedFor)
}

// unboundSince returns when a read in the cluster first showed the address
// unbound, or never.
func (m *Machine) unboundSince(g *group) Instant {
	since := g.unboundAt
	for i := range g.peers {
		pg := &g.peers[i]
		if pg.Owner.Kind == OwnerNone && pg.Owner.UnboundAge > 0 && m.fresh(g, i) {
			since = earliest(since, pg.at-Instant(pg.Owner.UnboundAge))
		}
	}
	return since
}
