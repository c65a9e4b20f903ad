// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// probeState is what the signed probe through the floating IP has told, and what
// the user's own probe says.
type probeState struct {
	askedAt  Instant
	answered bool // the last question was answered
	missed   int  // questions in a row before it that were not

	from    int     // index+1 of the peer that answered last; 0: nobody, or ourselves
	at      Instant // when that question was sent
	unknown bool    // the group is unknown there
	role    Role
	healthy bool

	latched []latchProbe // per peer, since it was latched

	serviceAt    Instant // when the user's probe last gave a result
	serviceUp    bool
	serviceFails int
}

// latchProbe follows the probe of a latched peer: silence counts only after an
// answer.
type latchProbe struct {
	answered   bool
	answeredAt Instant // when that was asked
	fails      int
	failedAt   Instant
}

// answeredBy returns when the question was sent that peer i answered last, or
// never.
func (s *probeState) answeredBy(i int) Instant {
	if s.from != i+1 {
		return never
	}
	return s.at
}

// advanceProbe asks through the floating IP: every ten seconds, and every
// min(1 s, interval) while the owner is suspicious, latched or new. An answer
// speaks for one active-down, so with fast adverts a slower probe would leave gaps
// in which nothing holds.
func (m *Machine) advanceProbe(g *group) {
	if g.role == Active || g.role == Initialize {
		g.probe.askedAt, g.probe.from = never, 0
		return
	}
	every := steadyProbeEvery
	if m.ownerDoubtful(g) {
		every = min(time.Second, m.cfg.Interval)
	}
	if g.probe.askedAt != never && m.before(g.probe.askedAt.Add(every)) {
		return
	}
	m.countProbe(g)
	if g.probe.missed++; g.probe.answered || g.probe.askedAt == never {
		g.probe.missed = 0
	}
	g.probe.askedAt, g.probe.answered = m.now, false
	m.do(Action{Kind: SendProbe, Group: g.cfg.Name})
	m.before(m.now.Add(every))
}

// ownerDoubtful reports whether the next probe is worth asking soon.
func (m *Machine) ownerDoubtful(g *group) bool {
	i := m.ownerIndex(g)
	if i < 0 {
		return false
	}
	return m.suspicious(g, i) || g.latches[i] != never || g.probe.from != i+1 && m.within(g.newsAt, newsFor)
}

// countProbe counts an unanswered question against the latch of the owner (5.4).
// Failures closer together than a second count once, and only while something
// outside answers at all.
func (m *Machine) countProbe(g *group) {
	i := m.ownerIndex(g)
	if i < 0 || g.latches[i] == never || g.probe.answered || g.probe.askedAt == never || !m.wayOut || g.failingAt != never {
		return
	}
	l := &g.probe.latched[i]
	if !l.answered || l.failedAt != never && m.now.Sub(l.failedAt) < time.Second {
		return
	}
	l.fails++
	l.failedAt = m.now
	if l.fails >= 3 {
		m.clearLatch(g, i, ReasonNotAnswering)
	}
}

// probeAnswered takes in a signed answer through the floating IP. One from this
// node itself says only that the address is local or the fabric hairpins.
func (m *Machine) probeAnswered(g *group, ev ProbeAnswered) {
	i := m.peerIndex(ev.Node)
	if i >= 0 && g.peers[i].toldOfAt == never {
		g.peers[i].toldOfAt = m.now
	}
	if ev.Asked < g.probe.at {
		return
	}
	g.probe.answered = true
	g.probe.from, g.probe.at = i+1, ev.Asked
	g.probe.unknown, g.probe.role, g.probe.healthy = ev.Unknown, ev.Role, ev.Healthy
	if i >= 0 && g.latches[i] != never {
		g.probe.latched[i] = latchProbe{answered: true, answeredAt: ev.Asked}
	}
}

// proven reports whether the owner of the group answered the signed probe within
// the last minute: only then is its silence evidence.
func (m *Machine) proven(g *group) bool {
	i := m.ownerIndex(g)
	return i >= 0 && m.within(g.probe.answeredBy(i), provenFor)
}

// serviceProbed takes in a result of the user's own probe.
func (m *Machine) serviceProbed(g *group, ev ServiceProbed) {
	g.probe.serviceAt, g.probe.serviceUp = m.now, ev.OK
	if ev.OK {
		g.probe.serviceFails = 0
	} else {
		g.probe.serviceFails++
	}
}

// forgetService drops what the user's probe said.
func (s *probeState) forgetService() { s.serviceAt, s.serviceUp, s.serviceFails = never, false, 0 }

// serviceAnswers reports whether the last result of the user's probe was an answer,
// and is recent: a probe that is not asked any more holds nothing back.
func (m *Machine) serviceAnswers(g *group) bool {
	return g.probe.serviceUp && m.within(g.probe.serviceAt, serviceFor)
}

// advanceLatches lets latches end by age (displaced_retry), counted from the latch or
// from the last probe that the latched peer answered since. It latches a peer that took the address while it
// still counted as heard, but fell silent without a word of it.
func (m *Machine) advanceLatches(g *group) {
	for i := range g.peers {
		if g.peers[i].unsaidAt != never && !m.fresh(g, i) {
			g.peers[i].unsaidAt = never
			m.latch(g, i)
		}
	}
	for i, at := range g.latches {
		if at == never || g.cfg.DisplacedRetry == 0 {
			continue
		}
		if m.due(max(at, g.probe.latched[i].answeredAt).Add(g.cfg.DisplacedRetry)) {
			m.clearLatch(g, i, ReasonDisplacedRetry)
			g.newsAt = m.now
		}
	}
}
