// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// ownerRead takes in the end of an owner read, whoever asked for it.
func (m *Machine) ownerRead(g *group, ev OwnerRead) {
	g.lookedAt = max(g.lookedAt, ev.Ended)
	if ev.Failed {
		m.callFailed(g, ev.Began)
		if !g.cfg.NeedsAPI && ev.Began > m.gateSince(g) {
			m.countIncumbent(g) // no other read may come, and none is needed
		}
		return
	}
	if !ev.Again {
		m.noteUnseen(g, ev)
		m.callSucceeded(g)
	}
	if ev.Began < g.read.began || m.settling(g, ev) {
		return
	}
	before := g.read
	g.read = ownerRead{Owner: ev.Owner, partial: ev.Partial, same: ev.Unchanged, stopped: ev.Stopped, version: ev.Version, began: ev.Began, ended: ev.Ended, took: ev.took()}
	if before.Owner != ev.Owner {
		g.stoppedAt = never
		g.probe.forgetService() // it spoke for the owner before
		g.newsAt = m.now
		m.urgent = true
	}
	m.noteUnbound(g, ev)
	m.noteFirstNamed(g)
	if m.readFresh(g) {
		m.countIncumbent(g)
	}
	if g.role == Active && !(m.lacks(guardRepair) && g.claim.saidMe) {
		m.noteLoss(g, &ev)
		g.claim.taken = g.claim.taken || ev.Taken
		m.judgeOwner(g)
	}
	m.noteNamed(g)
}

// countIncumbent begins the time of row 10 in this silence, unless it runs.
func (m *Machine) countIncumbent(g *group) {
	if g.incumbentSince == never && g.role == Backup {
		g.incumbentSince = m.now
	}
}

// settling reports whether a read still shows the previous owner shortly after an
// acknowledged write, and therefore says nothing: whether one has shown this node before
// or not, since not every answer need come from the same replica. A binding that is
// neither the one that the claim began from is news.
func (m *Machine) settling(g *group, ev OwnerRead) bool {
	return g.role == Active && ev.Owner == g.claim.from && ev.Version == g.claim.version && m.within(g.claim.ackedAt, g.cfg.SettleTime)
}

// noteUnseen takes in that reads work again while this node's announcement has not been
// seen. If they failed for longer than the network needs to take notice, it may have moved
// the address here, and somebody else may have taken it since, in good faith: the claim no
// longer goes on from the owner that it began from.
func (m *Machine) noteUnseen(g *group, ev OwnerRead) {
	if g.role != Active || g.cfg.NeedsAPI || g.claim.saidMe || g.claim.ackedAt == never || g.claim.unseenAt != never || g.failingAt == never {
		return
	}
	if since := max(g.claim.ackedAt, g.read.began); ev.Began.Sub(since) > max(g.cfg.SettleTime, noticeFloor) {
		g.claim.unseenAt = m.now
	}
}

func (m *Machine) noteUnbound(g *group, ev OwnerRead) {
	switch {
	case ev.Owner.Kind != OwnerNone:
		g.unboundAt = never
	case g.unboundAt == never:
		g.unboundAt = ev.Began
	}
}

// noteNamed keeps the baseline of the latches and sets or clears them (5.4). A read of
// nobody neither latches nor resets the baseline. A silent peer whose last word, newer than
// that baseline, was that it leads has taken nothing unheard.
func (m *Machine) noteNamed(g *group) {
	owner := g.read.Owner
	if owner.Kind != OwnerNode && owner.Kind != OwnerForeign {
		return
	}
	if owner.Kind == OwnerNode {
		g.seenOurs = true
	}
	if m.readNamesMe(g) {
		for i := range g.latches {
			m.clearLatch(g, i, ReasonResumedBound)
		}
	}
	i := m.ownerIndex(g)
	started := g.role == Active && g.startedFrom() && !g.claim.saidMe && !g.claim.taken
	if g.lastNamed != owner {
		for k := range g.peers {
			g.peers[k].unsaidAt = never
		}
	}
	if i >= 0 && g.lastNamed.Kind != OwnerUnknown && g.lastNamed != owner && !started {
		g.peers[i].takenAt = m.now
		g.peers[i].goodbye = false // it was said before this, and is not true any more
		switch {
		case !m.fresh(g, i) && (g.peers[i].ledAt <= g.namedAt || m.lacks(guardHeardLead)):
			m.latch(g, i)
		case m.fresh(g, i) && g.peers[i].Role != Active:
			g.peers[i].unsaidAt = m.now
		}
	}
	if i >= 0 && m.ownerStopped(g) {
		m.clearLatch(g, i, ReasonOwnerStopped)
	}
	if owner.Kind == OwnerNode || !m.strangers() {
		g.lastNamed, g.namedAt = owner, g.read.began
	}
}

// instanceRead takes in what the cloud says about the machine of the owner, or of a peer.
func (m *Machine) instanceRead(g *group, ev InstanceRead) {
	if i := m.peerIndex(ev.Owner.Node); i >= 0 && ev.Began > g.peers[i].stoppedAt {
		g.peers[i].stoppedAt = never
		if ev.Stopped {
			g.peers[i].stoppedAt = ev.Began
		}
	}
	if ev.Owner != g.read.Owner || ev.Began <= g.stoppedAt {
		return
	}
	was := m.ownerStopped(g)
	g.stoppedAt = never
	if ev.Stopped {
		g.stoppedAt = ev.Began
	}
	if !m.ownerStopped(g) || was {
		return
	}
	if i := m.ownerIndex(g); i >= 0 {
		m.clearLatch(g, i, ReasonOwnerStopped)
	}
	g.newsAt = m.now
}

// ownerStopped reports whether the cloud says that the owner's machine is stopped or
// gone, and nothing was heard from it since.
func (m *Machine) ownerStopped(g *group) bool {
	if g.read.stopped {
		return true
	}
	if i := m.ownerIndex(g); i >= 0 && max(m.peers[i].heardAt, g.probe.answeredBy(i)) >= g.stoppedAt {
		return false
	}
	return m.within(g.stoppedAt, stoppedFor)
}

func (m *Machine) latch(g *group, i int) {
	if g.latches[i] != never || g.peers[i].goodbye || m.lacks(guardLatch) {
		return
	}
	g.latches[i] = m.now
	g.probe.latched[i] = latchProbe{}
	m.do(Action{Kind: Latched, Group: g.cfg.Name, Peer: m.peers[i].Name, Reason: ReasonDisplaced})
}

// judgeOwner asks the table of 5.8 on an active node.
func (m *Machine) judgeOwner(g *group) {
	if m.finishHandover(g) {
		return
	}
	m.rememberMoved(g)
	step := Ownership(m.ownershipFacts(g))
	if m.within(g.flappedAt, flapWindow) { // the cloud has changed its mind before: one read is not enough
		switch {
		case step == StepBack && g.read.began.Sub(g.moved.at) < agreeAfter:
			step = Confirm
		case step == Serve && g.step == Confirm:
			g.flappedAt = m.now // it has done so again
		}
	}
	if g.claim.unseenAt != never && step != Serve && g.read.began < g.claim.unseenAt.Add(g.cfg.SettleTime) {
		step = Confirm // what it shows may be older than that
	}
	g.step = step
	switch step {
	case Serve:
		g.claim.saidMe, g.claim.taken, g.claim.byOffer, g.claim.ordered = true, false, false, false
		g.claim.sentAt = never
		g.claim.progressAt = m.now
		g.claimDelay = 0
		g.claimBegins()
	case StepBack:
		i := m.ownerIndex(g)
		m.become(g, Backup, ReasonDisplaced)
		if i >= 0 {
			m.latch(g, i)
		}
	case Follow:
		m.giveUp(g, Backup, ReasonMovedByHand)
	case Reclaim:
		m.claimAgain(g, ReasonReclaimed)
	case TakeBack:
		m.claimAgain(g, ReasonTakenBack)
	case GoOn:
		if g.claim.ordered {
			m.claimAgain(g, ReasonAssigned)
		}
	case Bind:
		if g.claim.saidMe {
			m.claimAgain(g, ReasonUnbound)
		}
	case Contended:
		g.contended = true
	case Wait, Confirm, LeaveForeign:
		g.claim.progressAt = m.now
	}
	if g.role == Active {
		m.hold(g, stepReason(g))
	}
}

// startedFrom reports whether the last read names whom this claim started from. A
// group of several addresses may have started from several.
func (g *group) startedFrom() bool {
	return g.read.Owner == g.claim.from || g.read.same && g.read.Kind == OwnerNode
}

// stepReason names what an active node waits for.
func stepReason(g *group) Reason {
	switch g.step {
	case Confirm:
		return ReasonConfirming
	case Wait:
		return ReasonUnboundWait
	case LeaveForeign:
		return ReasonForeignOwner
	case Contended:
		return ReasonContended
	default:
		return ReasonNone
	}
}

// rememberMoved keeps the first read of a new owner, for a second one to agree.
func (m *Machine) rememberMoved(g *group) {
	if m.readNamesMe(g) {
		g.moved = movedRead{version: g.read.version}
		return
	}
	if g.moved.owner != g.read.Owner || g.moved.at == never {
		g.moved = movedRead{owner: g.read.Owner, version: g.moved.version, at: g.read.began}
	}
}

func (m *Machine) ownershipFacts(g *group) OwnershipFacts {
	f := OwnershipFacts{
		Holder:        m.holder(g),
		SaidMe:        g.claim.saidMe || g.claim.taken,
		StartedFrom:   g.startedFrom() && g.claim.unseenAt == never,
		HandingOver:   g.plan.handover.To != "" && !m.lacks(guardHandingOver),
		Agreed:        g.read.began.Sub(g.moved.at) >= agreeAfter,
		Reclaims:      g.cfg.OnMoved == ReclaimMoved,
		Exhausted:     m.exhausted(g),
		Lost:          g.claim.lost,
		SeenOurs:      g.seenOurs,
		Ordered:       g.claim.ordered,
		RivalMayMove:  m.rivalMayMove(g),
		OwnDetachDone: g.claim.detached,
	}
	if v := g.moved.version; v != "" && g.read.version != "" && v != g.read.version {
		f.Agreed = true
	}
	if i := m.ownerIndex(g); i >= 0 {
		f.Peer = m.peerState(g, i)
		if m.ownerStopped(g) && f.Peer != PeerActive {
			f.Holder = HeldByNobody
		}
		// A peer that has not spoken since may have taken it, unheard, by itself.
		f.Agreed = f.Agreed && g.peers[i].twoWayAt > g.moved.at
		f.WithHandover = m.offers(g, i) || g.plan.handover.To == m.peers[i].Name
	}
	return f
}

func (m *Machine) peerState(g *group, i int) PeerState {
	pg := &g.peers[i]
	switch {
	case !m.fresh(g, i):
		return PeerSilent
	case pg.Role == Active:
		return PeerActive
	case outByRole(pg.Role, pg.Flags.Has(FlagHealthy)) != ReasonNone:
		return PeerOut
	default:
		return PeerStandby
	}
}

// claimAgain starts another claim of an active node, from the owner just read.
func (m *Machine) claimAgain(g *group, reason Reason) {
	if g.read.Owner == g.claim.from && !g.claim.saidMe && !g.claim.taken {
		return
	}
	g.claim.unseenAt = never
	g.claim.from, g.claim.version, g.claim.saidMe, g.claim.taken, g.claim.detached = g.read.Owner, g.read.version, false, false, false
	g.claim.progressAt = m.now
	g.claimBegins()
	g.claim.highest.Number++
	g.claim.highest.Node = m.cfg.Node
	g.claim.term = g.claim.highest
	m.do(Action{Kind: Noted, Group: g.cfg.Name, Term: g.claim.term, Reason: reason})
	m.urgent = true
}

// busy reports whether this node waits for the cloud to say something new. What
// waits for an operator, it reads at the steady pace.
func (m *Machine) busy(g *group) bool {
	if g.role == Active {
		settled := g.step == Serve || g.step == LeaveForeign || g.step == Contended
		return !settled || g.plan.handover.To != ""
	}
	return g.plan.ordered || g.plan.offerFrom > 0 ||
		g.held == ReasonOwnerUnreadable && g.failingAt != never
}
