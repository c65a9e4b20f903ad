// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// Refusals says why each peer may not lead the group now; ReasonNone for those
// that may. For an unknown group it returns nil.
func (m *Machine) Refusals(groupName string) map[string]Reason {
	g := m.group(groupName)
	if g == nil {
		return nil
	}
	refusals := make(map[string]Reason, len(m.peers))
	for i, p := range m.peers {
		refusals[p.Name] = m.standbyRefusal(g, i)
	}
	return refusals
}

// OwnRefusal says why this node may not lead the group now, or ReasonNone.
func (m *Machine) OwnRefusal(groupName string) Reason {
	g := m.group(groupName)
	switch {
	case g == nil:
		return ReasonUnknownGroup
	case g.leaving:
		return ReasonStopping
	case g.drained:
		return ReasonDrained
	case !g.health.Known && !m.canClaim(g): // which may be what the checks wait for
		return ReasonCannotClaim
	case !g.health.Known:
		return ReasonStarting
	case !g.health.Healthy:
		return ReasonUnhealthy
	case m.before(g.returnAt):
		return ReasonReturnDelay
	case m.recovering():
		return ReasonOwnStall
	case !m.canClaim(g) && g.known && g.denied:
		return ReasonWriteDenied
	case !m.canClaim(g):
		return ReasonCannotClaim
	default:
		return ReasonNone
	}
}

// assign takes in an operator's order to lead the group here.
func (m *Machine) assign(g *group, ev Assign) {
	g.contended = false
	g.retaken = [retakesMax]Instant{}
	if g.role == Active {
		g.plan.sticky = true
		g.claim.ordered = true
		g.lookAt, m.urgent = m.now, true
		return
	}
	if g.drained {
		return
	}
	g.plan.forced, g.plan.until = ev.Force, ev.Until
	g.lookAt = m.now
	if m.activePeer(g) >= 0 {
		g.plan.nextID++
		g.plan.request, g.plan.requestAt = Request{Kind: RequestTake, ID: m.requestID(g)}, m.now
		m.urgent = true
		return
	}
	m.order(g)
}

// holdsNothing reports whether this active node leaves the address where it is until
// an operator decides: then there is nothing to hand over.
func (g *group) holdsNothing() bool {
	return g.step == LeaveForeign || g.step == Contended || g.read.Kind == OwnerForeign
}

// requestID returns an id that no earlier start of this node used.
func (m *Machine) requestID(g *group) uint64 { return m.cfg.Session + g.plan.nextID }

// order lets an operator's word weigh in the takeover table: the latches are
// forgotten, and nothing waits for a timer.
func (m *Machine) order(g *group) {
	for i := range g.latches {
		m.clearLatch(g, i, ReasonAssigned)
	}
	g.plan.request = Request{}
	if i := m.activePeer(g); i >= 0 {
		g.plan.nextID++
		g.plan.request, g.plan.requestAt = Request{Kind: RequestTake, ID: m.requestID(g)}, m.now
		g.plan.ordered = false
		return
	}
	g.plan.ordered, g.plan.orderedAt = true, m.now
}

// handTo takes in an operator's order to hand the group to a peer.
func (m *Machine) handTo(g *group, ev HandTo) {
	i := m.peerIndex(ev.To)
	if g.role != Active || g.holdsNothing() || i < 0 || m.standbyRefusal(g, i) != ReasonNone || g.plan.handover.To != "" {
		return
	}
	g.plan.placing = true
	g.plan.nextID++
	m.startHandover(g, i, m.requestID(g), Backup)
}

// drain takes in an operator's order to keep this node out.
func (m *Machine) drain(g *group, ev Drain) {
	if g.role != Active {
		g.drained = true
		g.plan.request, g.plan.ordered, g.plan.forced = Request{}, false, false
		return
	}
	if g.plan.handover.To != "" {
		g.plan.draining, g.plan.then = true, Drained
		m.urgent = true
		return
	}
	if g.holdsNothing() {
		g.drained = true
		m.giveUp(g, Drained, ReasonDrained)
		return
	}
	if i := m.bestSuccessor(g); i >= 0 {
		g.plan.draining = true
		g.plan.nextID++
		m.startHandover(g, i, m.requestID(g), Drained)
		return
	}
	if ev.Force {
		g.drained = true
		m.giveUp(g, Drained, ReasonDrained)
		return
	}
	m.do(Action{Kind: Noted, Group: g.cfg.Name, Reason: ReasonNoSuccessor})
}

// resume takes in an operator's word that this node may take part again.
func (m *Machine) resume(g *group) {
	g.drained, g.plan.draining, g.plan.sticky = false, false, false
	if g.plan.handover.To != "" && g.plan.then == Drained {
		m.endHandover(g, ReasonResumed)
	}
	m.urgent = true
}

// cancelOrder withdraws what an operator asked for and has not been completed.
func (m *Machine) cancelOrder(g *group) {
	m.withdrawOrder(g)
	if g.plan.handover.To != "" && !g.leaving {
		m.endHandover(g, ReasonHandoverFailed)
	}
	g.plan.draining = false
	m.urgent = true
}

// withdrawOrder takes back an assign to this node on which it has not acted.
func (m *Machine) withdrawOrder(g *group) {
	if g.plan.request.Kind == RequestTake {
		g.plan.request = Request{}
		g.decline()
	}
	g.plan.ordered, g.plan.forced = false, false
	m.urgent = true
}

// leave begins the end of the daemon. A restart only announces itself; a stop
// hands every group over for which somebody can succeed.
func (m *Machine) leave(restart bool) {
	m.urgent = true
	m.restart = restart
	if restart {
		return
	}
	for _, g := range m.groups {
		g.leaving = true
		if g.role != Active || g.plan.handover.To != "" || g.holdsNothing() {
			continue
		}
		if i := m.bestSuccessor(g); i >= 0 {
			g.plan.nextID++
			m.startHandover(g, i, m.requestID(g), Backup)
		}
	}
}

// depart sends the last datagrams: priority 0 in every group, or for a restart
// the announcement that this node will be back.
func (m *Machine) depart() {
	if !m.restart {
		for _, g := range m.groups {
			m.become(g, Initialize, ReasonStopping)
			g.giveUp = true
		}
	}
	m.advertise()
	m.departed = true
	m.urgent, m.deadline = false, never
}

// stayAway says goodbye after all where a machine has departed for a restart and is told to
// stop; nothing else reaches one that has departed.
func (m *Machine) stayAway(now Instant, ev Event) []Action {
	if l, ok := ev.(Leave); !ok || l.Restart || !m.restart {
		return nil
	}
	m.now, m.restart = max(now, m.now), false
	m.depart()
	return m.actions
}

// answerRequest lets an active node answer a peer that asks for the group.
func (m *Machine) answerRequest(g *group, i int, rec *GroupAdvert, twoWay bool) {
	pg := &g.peers[i]
	if rec.Request.Kind == RequestNone || !twoWay || g.plan.handover.To != "" || pg.answered == rec.Request.ID {
		return
	}
	if m.standbyRefusal(g, i) != ReasonNone || g.leaving {
		return
	}
	if rec.Request.Kind == RequestPreempt && (g.plan.sticky || rec.Priority <= m.priority(g) || g.step != Serve) {
		return
	}
	pg.answered = rec.Request.ID
	m.startHandover(g, i, rec.Request.ID, Backup)
}

// startHandover makes this active node name a successor. It stays active and
// serves; it does not repair until the successor owns the address or the time
// agreed is over.
func (m *Machine) startHandover(g *group, i int, id uint64, then Role) {
	remaining := g.cfg.ClaimTimeout + g.cfg.MoveTimeout
	g.plan.handover = Handover{To: m.peers[i].Name, ID: id}
	g.plan.handUntil, g.plan.handSeen, g.plan.then = m.now.Add(remaining), false, then
	g.plan.ended = ReasonNone
	m.do(Action{Kind: Cancel, Group: g.cfg.Name})
	m.do(Action{Kind: Noted, Group: g.cfg.Name, Peer: m.peers[i].Name, Reason: ReasonHandoverRunning})
	m.urgent = true
}

// endHandover makes this node go on as the active one.
func (m *Machine) endHandover(g *group, reason Reason) {
	m.do(Action{Kind: Noted, Group: g.cfg.Name, Peer: g.plan.handover.To, Reason: reason})
	g.plan.handover, g.plan.draining, g.plan.placing, g.plan.ended = Handover{}, false, false, reason
	m.raiseTerm(g)
	g.claim.progressAt = m.now
	g.lookAt, m.urgent = m.now, true
}

// finishHandover makes this node step back when its successor owns the address,
// by the successor's word or by an own read, and reports whether it did.
func (m *Machine) finishHandover(g *group) bool {
	to := g.plan.handover.To
	if to == "" {
		return false
	}
	i := m.peerIndex(to)
	byRead := g.read.Kind == OwnerNode && g.read.Node == to && !g.read.partial
	byWord := i >= 0 && m.fresh(g, i) && g.peers[i].Role == Active && g.peers[i].Flags.Has(FlagBound)
	if !byRead && !byWord && !m.lacks(guardHandover) {
		return false
	}
	g.plan.ended = ReasonHandedOver
	if g.plan.then == Drained {
		g.drained = true
		m.become(g, Drained, ReasonHandedOver)
	} else {
		m.become(g, Backup, ReasonHandedOver)
	}
	return true
}

// advancePlan follows handovers, requests and orders in time.
func (m *Machine) advancePlan(g *group) {
	m.advanceOffer(g)
	if g.role == Active {
		m.advanceHandover(g)
		m.advanceNotAnswering(g)
		return
	}
	m.advanceRequest(g)
	m.advancePreempt(g)
}

// advanceHandover is the leaving side: done, failed, or taken back one interval
// after the time is over, so that the successor has cancelled by then.
func (m *Machine) advanceHandover(g *group) {
	if g.plan.handover.To == "" || m.finishHandover(g) {
		return
	}
	i := m.peerIndex(g.plan.handover.To)
	if m.due(g.plan.handUntil.Add(m.cfg.Interval)) || i < 0 {
		m.endHandover(g, ReasonHandoverExpired)
		return
	}
	if g.peers[i].goodbye {
		m.endHandover(g, ReasonHandoverFailed)
		return
	}
	if !m.fresh(g, i) {
		return
	}
	leads := g.peers[i].Role == Active
	g.plan.handSeen = g.plan.handSeen || leads
	withdrawn := g.plan.handover.ID == g.peers[i].answered && g.peers[i].Request.Kind == RequestNone
	if !leads && (g.plan.handSeen || withdrawn || m.standbyRefusal(g, i) != ReasonNone) {
		m.endHandover(g, ReasonHandoverFailed)
	}
}

// advanceNotAnswering hands the group over, where the configuration asks for it,
// when the cloud says that the address is here and the peers' probes, which this
// node used to answer, have had no answer for a while. A move may be no remedy, so
// it is tried once an hour; the result is sticky, or preemption would undo it.
func (m *Machine) advanceNotAnswering(g *group) {
	if !g.cfg.HandOverNotAnswering || g.plan.handover.To != "" || g.step != Serve || !m.readNamesMe(g) || !m.notAnswering(g) {
		return
	}
	i := m.bestSuccessor(g)
	if i < 0 || m.within(g.plan.notAnsweringAt, handOverEvery) {
		return
	}
	g.plan.notAnsweringAt = m.now
	m.do(Action{Kind: Noted, Group: g.cfg.Name, Peer: m.peers[i].Name, Reason: ReasonNotAnswering})
	g.plan.placing = true
	g.plan.nextID++
	m.startHandover(g, i, m.requestID(g), Backup)
}

// notAnswering reports whether some peer's probe through the address was answered
// by this node once, and no peer's was for a while, in which this daemon has run: it
// is who answers.
func (m *Machine) notAnswering(g *group) bool {
	missed := false
	for i := range g.peers {
		pg := &g.peers[i]
		if pg.Probe.AnsweredBy != m.cfg.Node || !m.fresh(g, i) {
			continue
		}
		if m.before(max(pg.at.Add(-pg.Probe.Age), m.started).Add(notAnsweringFor)) {
			return false
		}
		missed = true
	}
	return missed
}

// advanceOffer is the successor's side: it cancels and steps back when the time
// agreed is over before the address is here. An offer nobody withdrew, because
// the old owner is gone, ends with its time too.
func (m *Machine) advanceOffer(g *group) {
	if g.plan.offerFrom == 0 || !m.due(g.plan.offerUntil) {
		return
	}
	claiming := g.role == Active && g.claim.byOffer
	g.decline()
	if claiming {
		m.become(g, Backup, ReasonHandoverExpired)
	}
}

// decline gives up the running offer for good.
func (g *group) decline() {
	if g.plan.offerFrom > 0 {
		g.plan.declined, g.plan.declinedID = g.plan.offerFrom, g.plan.offerID
	}
	g.plan.offerFrom = 0
}

// advanceRequest follows what this backup asks of the active node: a request ends
// with its time, and an order that no active node answers goes to the takeover
// table.
func (m *Machine) advanceRequest(g *group) {
	patience := g.cfg.ClaimTimeout + g.cfg.MoveTimeout
	if m.due(g.plan.until) {
		g.plan.until = never
		m.withdrawOrder(g)
	}
	if g.plan.request.Kind == RequestTake {
		switch {
		case m.due(g.plan.requestAt.Add(patience)):
			g.plan.request = Request{}
		case m.activePeer(g) < 0 && g.plan.offerFrom == 0:
			m.order(g)
		}
	}
	if g.plan.ordered && m.due(g.plan.orderedAt.Add(g.cfg.ClaimTimeout)) {
		g.plan.ordered, g.plan.forced = false, false
	}
}

// advancePreempt asks for the group when this node has had the higher priority
// for the preemption delay.
func (m *Machine) advancePreempt(g *group) {
	i := m.activePeer(g)
	if g.plan.offerFrom > 0 {
		return
	}
	ground := g.cfg.Preempt && i >= 0 && g.role == Backup && m.eligible(g) &&
		g.peers[i].Priority < m.priority(g) && g.peers[i].Digest == g.cfg.Digest &&
		!g.peers[i].Flags.Has(FlagSticky) && g.peers[i].Flags.Has(FlagBound)
	if !ground {
		g.plan.preemptAt = never
		if g.plan.request.Kind == RequestPreempt {
			g.plan.request = Request{}
		}
		return
	}
	if g.plan.preemptAt == never {
		g.plan.preemptAt = m.now.Add(g.cfg.PreemptDelay)
	}
	if g.plan.request.Kind == RequestNone && m.due(g.plan.preemptAt) {
		g.plan.nextID++
		g.plan.request, g.plan.requestAt = Request{Kind: RequestPreempt, ID: m.requestID(g)}, m.now
		m.urgent = true
	}
}
