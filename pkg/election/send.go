// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// advertise sends one advert to every peer and plans the next round.
func (m *Machine) advertise() {
	for i, p := range m.peers {
		p.answer = false
		m.send(i)
	}
	for _, g := range m.groups {
		g.giveUp = false
	}
	m.urgent = false
	m.lastLeft = m.now
	m.advertAt = m.now.Add(m.cfg.Interval)
}

// answer makes this step end with an extra advert to one peer, within its limit.
// It waits until then because a peer gets one datagram of a step, with all that
// the step changed.
func (m *Machine) answer(i int) {
	p := m.peers[i]
	p.answer = p.answer || p.answers.spend(m.now, answersPerSecond)
}

// sendAnswers sends the extra adverts of this step, unless everybody just got one.
func (m *Machine) sendAnswers() {
	for i, p := range m.peers {
		if p.answer {
			p.answer = false
			m.send(i)
		}
	}
}

// send fills the peer's advert and hands it out.
func (m *Machine) send(i int) {
	p := m.peers[i]
	m.sequence++
	defer func() { p.greet = Mark{} }()
	p.sentRing.sent(m.sequence, m.now)
	a := &p.out
	groups := a.Groups
	*a = Advert{
		Cluster: m.cfg.Cluster, From: m.cfg.Node, FromAddress: m.cfg.Address, To: p.Name,
		Session: m.cfg.Session, Sequence: m.sequence,
		Uptime: m.now.Sub(m.started), Interval: m.cfg.Interval,
		Echo: Mark{p.session, p.sequence}, Hello: p.greeting(m.now, ActiveDown(PriorityDefault, p.interval)), Targets: m.targets,
		Total: uint8(len(m.groups)),
	}
	if cap(groups) < len(m.groups) {
		groups = make([]GroupAdvert, len(m.groups))
	}
	a.Groups = groups[:len(m.groups)]
	for k, g := range m.groups {
		m.fill(&a.Groups[k], g, i)
	}
	m.do(Action{Kind: Send, Peer: p.Name, Advert: a})
}

// fill writes what this node says of one group to peer i.
func (m *Machine) fill(out *GroupAdvert, g *group, i int) {
	relay := out.Relay[:0]
	*out = GroupAdvert{
		VRID: g.cfg.VRID, Digest: g.cfg.Digest, Role: g.role, Priority: m.priority(g),
		Term: g.claim.term, Flags: m.flags(g), Reason: m.told(g),
		Request: g.plan.request, Handover: g.plan.handover,
		Owner: m.ownerReport(g), Probe: m.probeReport(g),
	}
	if g.giveUp {
		out.Priority = priorityLeaving
	}
	if out.Handover.To != "" {
		out.Handover.Remaining = max(0, g.plan.handUntil.Sub(m.now))
	}
	for k, p := range m.peers {
		if k == i || g.peers[k].at == never {
			continue
		}
		pg := &g.peers[k]
		relay = append(relay, Relay{Node: p.Name, Age: m.now.Sub(pg.at), Role: pg.Role, Healthy: pg.Flags.Has(FlagHealthy)})
	}
	out.Relay = relay
}

// told returns the reason that peers are told: what the group waits for, or why
// it has its role.
func (m *Machine) told(g *group) Reason {
	if g.role != Backup && g.held != ReasonNone {
		return g.held
	}
	return g.reason
}

func (m *Machine) flags(g *group) Flags {
	var f Flags
	for _, set := range [...]struct {
		flag Flags
		on   bool
	}{
		{FlagHealthy, g.health.Known && g.health.Healthy},
		{FlagCanClaim, m.canClaim(g)},
		{FlagClaiming, g.role == Active && g.step != Serve},
		{FlagWriteSent, g.claim.sentAt != never},
		{FlagBound, m.bound(g) || m.lacks(guardBoundByRead) && g.role == Active},
		{FlagDraining, g.plan.draining || g.leaving},
		{FlagRestarting, m.restart},
		{FlagRecovering, m.recovering()},
		{FlagSticky, g.plan.sticky || g.plan.placing},
		{FlagDenied, g.denied},
		{FlagSuccessor, g.role == Active && m.successorElsewhere(g)},
	} {
		if set.on {
			f |= set.flag
		}
	}
	return f
}

// bound reports whether the cloud says that the address is here: on a node that leads, by
// a read begun since it does, or by the one by which it resumed (invariant 6). An older one
// would end a handover to it before it serves.
func (m *Machine) bound(g *group) bool {
	return m.readNamesMe(g) && (g.role != Active || g.read.began >= g.claim.boundFrom)
}

func (m *Machine) ownerReport(g *group) OwnerReport {
	if g.read.Kind == OwnerUnknown {
		return OwnerReport{}
	}
	r := OwnerReport{Owner: g.read.Owner, Age: m.now.Sub(g.read.began)}
	if since := m.unboundSince(g); since != never && g.read.Kind == OwnerNone {
		r.UnboundAge = max(m.now.Sub(since), time.Millisecond)
	}
	return r
}

func (m *Machine) probeReport(g *group) ProbeReport {
	if g.probe.from == 0 {
		return ProbeReport{}
	}
	return ProbeReport{AnsweredBy: m.peers[g.probe.from-1].Name, Age: m.now.Sub(g.probe.at)}
}
