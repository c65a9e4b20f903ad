// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// received takes in an advert, or a part of one: first whether it counts, then what it
// says of the peer, then what it says of each group. The parts of one advert have one
// sequence. What is said of the peer counts once for all of them, and each group by
// itself, so parts may come late and in any order: what is newer in one group makes
// nothing old in another.
func (m *Machine) received(a *Advert, elsewhere bool) {
	i := m.peerIndex(a.From)
	if i < 0 {
		m.do(Action{Kind: Refused, Peer: a.From, Reason: ReasonUnknownSender})
		return
	}
	p := m.peers[i]
	twoWay, first, refused := m.accept(p, a, elsewhere)
	if refused != ReasonNone {
		m.unmoved = p.pendingSince != m.now // else row 9 begins to hold
		m.do(Action{Kind: Refused, Peer: p.Name, Reason: refused})
		if refused == ReasonSessionPending {
			m.answerPending(p, p.answering, elsewhere)
		}
		return
	}
	if first {
		m.beginSession(i, a)
		m.answer(i)
	}
	counts := m.newer(a, p.sequence)
	if counts {
		m.note(p, a, twoWay)
		m.noticeSkip(p, first)
	}
	p.roster.note(a, m.now)
	p.arrival.note(a)
	if why := m.records(i, a, twoWay, counts); why != ReasonNone {
		m.do(Action{Kind: Refused, Peer: p.Name, Reason: why})
	}
}

// newer reports whether an advert counts where one with that sequence was the last.
func (m *Machine) newer(a *Advert, last uint64) bool {
	return a.Sequence > last || m.lacks(guardSequence)
}

// records takes in what an advert says of each group that it is the newest word of, and
// returns what is wrong with it. Counts says that the advert is the newest of the peer.
func (m *Machine) records(i int, a *Advert, twoWay, counts bool) (refused Reason) {
	again := false // a group was in another part of the same advert, or this is that part once more
	for k := range a.Groups {
		rec := &a.Groups[k]
		if p := m.peers[i]; a.Sequence == p.sequence {
			p.left = p.left || saysGoodbye(rec)
			if rec.Flags.Has(FlagRestarting) {
				p.restartAt = m.now
			}
		}
		g := m.vrids[rec.VRID]
		if g == nil {
			refused = ReasonUnknownGroup
			continue
		}
		pg := &g.peers[i]
		if !m.newer(a, pg.sequence) {
			again = again || a.Sequence == pg.sequence && pg.at != never
			continue
		}
		counts = true
		pg.sequence = a.Sequence
		news := twoWay && m.longSilent(g, i)
		m.groupAdvert(g, i, rec, a.Echo, twoWay)
		if news {
			g.newsAt = m.now
		}
	}
	switch {
	case refused != ReasonNone:
		return refused
	case !counts:
		return ReasonReplayed
	case again:
		return ReasonMalformed
	default:
		return ReasonNone
	}
}

// hears notes when a peer was heard in a group, and whether it heard this node. The parts of
// one advert all count from when the first of them came: what follows from silence then
// falls due in all their groups at once, and costs one batch of reads.
func (m *Machine) hears(p *peer, pg *peerGroup, echo Mark, twoWay bool) {
	pg.at = m.now
	if pg.sequence == p.sequence {
		pg.at = p.heardAt
	}
	if echo.Session == m.cfg.Session {
		pg.echoedAt = max(pg.echoedAt, p.sentRing.when(echo.Sequence))
	}
	if twoWay {
		pg.twoWayAt, pg.oneWayAt, pg.unsaidAt = pg.at, never, never
	} else {
		pg.oneWayAt = pg.at
	}
}

// groupAdvert takes in what a peer says of one group.
func (m *Machine) groupAdvert(g *group, i int, rec *GroupAdvert, echo Mark, twoWay bool) {
	pg := &g.peers[i]
	before := pg.Role
	if pg.at == never && twoWay && m.ownerIndex(g) == i {
		g.incumbentSince = never // nothing was heard of it in the time of row 10 that went by
	}
	relay := append(pg.relay[:0], rec.Relay...)
	pg.GroupAdvert, pg.relay = *rec, relay
	pg.Relay = nil
	m.hears(m.peers[i], pg, echo, twoWay)
	m.noteToldOf(g, relay)
	pg.goodbye = saysGoodbye(rec)
	switch {
	case rec.Role != Active:
		pg.ledAt = never
	case twoWay:
		pg.ledAt = m.now
	}
	m.noteRestart(g, pg, rec.Flags.Has(FlagRestarting))
	if rec.Reason == ReasonClaimFailed && !rec.Flags.Has(FlagCanClaim) {
		pg.failedClaim = true
	}
	if before != rec.Role {
		g.newsAt = m.now
	}
	m.noteOffer(g, i, rec)
	if twoWay && rec.Role == Active {
		m.owning(g, i, rec)
	}
	m.leaving(g, i, rec, before)
	m.readsDiffer(g, rec)
	m.noteTerm(g, rec)
	if twoWay || pg.goodbye {
		m.clearLatch(g, i, ReasonPeerHeard)
	}
	if g.role != Active {
		return
	}
	switch {
	case rec.Role == Active && twoWay:
		m.contest(g, i)
	case rec.Priority == priorityLeaving:
		m.answer(i)
	}
	m.answerRequest(g, i, rec, twoWay)
}

// saysGoodbye reports whether a record says that its daemon stops.
func saysGoodbye(rec *GroupAdvert) bool {
	return rec.Role == Initialize && rec.Priority == priorityLeaving
}

// noteRestart follows an announced restart. It lasts until the node has come back
// and is no longer starting, and then the node has an active-down to resume, however
// long row 8 held before (invariant 9).
func (m *Machine) noteRestart(g *group, pg *peerGroup, restarting bool) {
	switch {
	case restarting:
		pg.restartAt = m.now
	case pg.Role == Initialize && !pg.goodbye && m.within(pg.restartAt, restartHold):
	case m.within(pg.restartAt, restartHold):
		pg.restartAt, g.incumbentSince = never, m.now
	default:
		pg.restartAt = never
	}
}

// owning takes in an advert of another active node: it renews the active-down
// timer (RFC 9568 section 6.4.2), and every owner read so far is older than it.
func (m *Machine) owning(g *group, i int, rec *GroupAdvert) {
	if m.crashLooping(g, i) || m.offers(g, i) {
		return
	}
	g.owningAt = m.now
	m.restartSilence(g)
	if g.role != Active {
		g.activeDownAt = g.peers[i].at.Add(m.activeDown(g, m.peers[i]))
	}
	if g.plan.ordered {
		m.order(g)
	}
}

// leaving takes in the word of a peer that gives up: priority 0, or the first
// fault or drained advert since it said something else. The backup then waits
// only its skew, and reads the owner at once.
func (m *Machine) leaving(g *group, i int, rec *GroupAdvert, before Role) {
	owner := m.ownerIndex(g) == i
	wasOut, isOut := before == Fault || before == Drained, rec.Role == Fault || rec.Role == Drained
	gaveUp := rec.Priority == priorityLeaving && (owner || before == Active)
	if g.role == Active || !gaveUp && !(owner && isOut && !wasOut) {
		return
	}
	skew := Skew(m.priority(g), m.peers[i].interval)
	g.activeDownAt = m.now.Add(skew)
	g.lookAt = m.now
	g.newsAt = m.now
}

// noteOffer notes or forgets that a peer hands the group to this node.
func (m *Machine) noteOffer(g *group, i int, rec *GroupAdvert) {
	if rec.Handover.To != m.cfg.Node {
		if g.plan.offerFrom == i+1 {
			m.withdrawn(g, rec)
		}
		return
	}
	if g.plan.declined == i+1 && g.plan.declinedID == rec.Handover.ID {
		return
	}
	if g.plan.offerFrom != i+1 || g.plan.offerID != rec.Handover.ID {
		if rec.Handover.Remaining <= 0 {
			return
		}
		g.lookAt = m.now
	}
	g.plan.offerFrom, g.plan.offerID = i+1, rec.Handover.ID
	g.plan.offerUntil = m.now.Add(max(0, rec.Handover.Remaining))
	g.plan.offerSticky = rec.Flags.Has(FlagSticky)
}

// withdrawn takes in that an offer to this node no longer stands. While the old
// owner is active and the address not here yet, the claim ends with the offer.
func (m *Machine) withdrawn(g *group, rec *GroupAdvert) {
	g.plan.offerFrom = 0
	if g.role == Active && g.claim.byOffer && rec.Role == Active {
		m.become(g, Backup, ReasonHandoverFailed)
	}
}

// noteTerm remembers the newest claim. An active node that hears a higher term
// from a node that is not active gives up what it has in flight and takes a
// higher one. From a term that nobody has come to by counting none is counted on.
func (m *Machine) noteTerm(g *group, rec *GroupAdvert) {
	if !g.claim.highest.Less(rec.Term) || rec.Term.Number > termHeard {
		return
	}
	g.claim.highest = rec.Term
	if g.role == Active && rec.Role != Active {
		m.do(Action{Kind: Cancel, Group: g.cfg.Name})
		m.raiseTerm(g)
	}
}

// raiseTerm makes the own claim the newest.
func (m *Machine) raiseTerm(g *group) {
	if g.claim.term == g.claim.highest {
		return
	}
	g.claim.term = Term{Number: g.claim.highest.Number + 1, Node: m.cfg.Node}
	g.claim.highest = g.claim.term
}

// contest settles with another active node (5.5), unless a handover between the
// two is running.
func (m *Machine) contest(g *group, i int) {
	pg := &g.peers[i]
	if m.offers(g, i) || g.plan.handover.To == m.peers[i].Name || pg.Flags.Has(FlagRecovering) {
		return
	}
	stays, lost := Settle(m.contender(g, i), m.contenderPeer(g, i))
	if !stays && !m.lacks(guardContest) {
		m.become(g, Backup, lost)
		return
	}
	m.raiseTerm(g)
	m.answer(i)
}

func (m *Machine) contender(g *group, against int) Contender {
	c := Contender{
		Successor: m.successorElsewhere(g),
		WriteSent: g.claim.sentAt != never,
		Term:      g.claim.term,
		Priority:  m.priority(g),
		Address:   m.cfg.Address,
	}
	c.Names = names(g.read.Owner, m.cfg.Node, m.peers[against].Name)
	c.ReadAge = m.now.Sub(g.read.began)
	return c
}

func (m *Machine) contenderPeer(g *group, i int) Contender {
	pg := &g.peers[i]
	c := Contender{
		Successor: pg.Flags.Has(FlagSuccessor), // by its own word: not everybody hears the same third node
		WriteSent: pg.Flags.Has(FlagWriteSent),
		Term:      pg.Term,
		Priority:  pg.Priority,
		Address:   m.peers[i].Address,
	}
	if m.peers[i].stated.IsValid() {
		c.Address = m.peers[i].stated
	}
	c.Names = names(pg.Owner.Owner, m.peers[i].Name, m.cfg.Node)
	c.ReadAge = pg.Owner.Age + m.now.Sub(pg.at)
	return c
}

// names says whom an owner read of node self names. Only the two contenders
// count; a third node settles nothing between them.
func names(o Owner, self, other string) Named {
	switch {
	case o.Kind == OwnerUnknown:
		return NamesUnknown
	case o.Kind == OwnerNode && o.Node == self:
		return NamesSelf
	case o.Kind == OwnerNode && o.Node == other:
		return NamesOther
	default:
		return NamesNeither
	}
}

// successorElsewhere reports whether a running handover of a peer names this node. One
// of a node that fell silent counts no more: others may have heard how it ended.
func (m *Machine) successorElsewhere(g *group) bool {
	for i := range g.peers {
		pg := &g.peers[i]
		if pg.Role == Active && pg.Handover.To == m.cfg.Node && m.fresh(g, i) && m.within(pg.at, pg.Handover.Remaining) {
			return true
		}
	}
	return false
}

// clearLatch forgets that a peer took the address unheard. Row 10 gives it time from now
// on: what it counted while the latch held, gave none.
func (m *Machine) clearLatch(g *group, i int, reason Reason) {
	if g.latches[i] == never || m.lacks(guardLatchEnds) {
		return
	}
	g.latches[i], g.incumbentSince = never, never
	g.probe.latched[i] = latchProbe{}
	m.do(Action{Kind: Unlatched, Group: g.cfg.Name, Peer: m.peers[i].Name, Reason: reason})
}
