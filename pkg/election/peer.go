// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"slices"
	"time"
)

// sentRing remembers when the last datagrams to a peer left, so that an echo can
// be dated. One active-down sees four rounds of adverts and one more for everything
// that changes; a node that claims many groups at once changes something many times.
// With 64 a peer that answered promptly seemed not to hear this node.
type sentRing struct {
	at   [sentKept]Instant
	from [sentKept]uint64
}

const sentKept = 512

func (r *sentRing) sent(seq uint64, now Instant) {
	r.from[seq%sentKept], r.at[seq%sentKept] = seq, now
}

// when returns when seq left, or never if that is too long ago to remember.
func (r *sentRing) when(seq uint64) Instant {
	if seq == 0 || r.from[seq%sentKept] != seq {
		return never
	}
	return r.at[seq%sentKept]
}

// peer is what this node knows of another node.
type peer struct {
	Peer
	session   uint64   // accepted; 0: none
	sequence  uint64   // last accepted of that session
	pending   pendings // sessions not accepted, from its address
	strange   pendings // and from elsewhere: it may be behind NAT, or it is a recording
	answering *pending // the one whose datagram this step takes in
	greet     Mark     // what the answer to it says hello to
	interval  time.Duration
	heardAt   Instant // last advert accepted, whole or in part
	twoWayAt  Instant // last one that proved that it hears this node
	echoedAt  Instant // when the newest of our adverts left that its session echoed
	roster    roster
	arrival   arrival
	left      bool    // by its newest advert it stops
	restartAt Instant // last advert that announced a restart, of whatever group

	badlySigned  Instant
	otherVersion Instant // last datagram that may be of another version of the protocol
	pendingSince Instant // first datagram of a session not accepted since one was
	pendingAt    Instant // last one

	since   Instant             // when its session was accepted
	begun   uint64              // sequence of the advert with which it was
	former  [crashSessions]Mark // the last sessions that were replaced, which never come back, and their newest datagrams
	twiceAt Instant             // when one of those was seen to live beside the one that replaced it
	targets []NodeTarget
	uptime  time.Duration
	leads   uptimeLeads
	doubted uptimeLead // when it could not be told last whether we had stalled
	stated  netip.Addr // the address it says it has

	out       Advert // reused for every datagram to it
	sentRing  sentRing
	answer    bool   // it gets an extra datagram at the end of this step
	answers   budget // of such datagrams
	again     budget // of answers to sessions that are not accepted and had one before
	elsewhere budget // of answers to what did not come from its address
}

// accept decides whether the session of an advert counts (RFC 9568 section 7.1 in our
// form) and notes what was learnt. It returns ReasonNone for an accepted one and reports
// whether the advert proves that the peer hears this node, and whether it is the
// first of its session. A session takes the place of another only by the echo of a
// datagram that left since that one was accepted.
func (m *Machine) accept(p *peer, a *Advert, elsewhere bool) (twoWay, first bool, refused Reason) {
	down := ActiveDown(PriorityDefault, max(p.learnt(a.Interval), m.cfg.Interval))
	if i := slices.IndexFunc(p.former[:], func(f Mark) bool { return f.Session == a.Session }); i >= 0 {
		m.noticeTwin(p, &p.former[i], a, down)
		return false, false, ReasonStaleSession
	}
	echoed := m.heardLately(p, a.Echo, down)
	if p.session == a.Session && p.session != 0 {
		// What proves itself by a hello proves it for all its parts.
		return echoed || a.Sequence == p.begun, false, ReasonNone
	}
	greeted := p.session == 0 && m.heardLately(p, a.Hello, down)
	switch late := p.session != 0 && p.sentRing.when(a.Echo.Sequence) < p.since; {
	case echoed && late: // it may have ended before the present one began
		return false, false, ReasonStaleSession
	case echoed || greeted:
		return true, true, ReasonNone
	}
	kept := &p.pending
	if elsewhere {
		kept = &p.strange
	}
	if p.answering = kept.note(Mark{a.Session, a.Sequence}, m.now, down); p.answering == nil {
		return false, false, ReasonReplayed
	}
	if p.pendingSince == never {
		p.pendingSince = m.now
	}
	p.pendingAt = m.now
	return false, false, ReasonSessionPending
}

// learnt returns the interval to judge this peer by.
func (p *peer) learnt(stated time.Duration) time.Duration {
	return min(max(stated, IntervalMin), IntervalMax)
}

// heardLately reports whether mark names a datagram of this session that left
// less than one active-down ago.
func (m *Machine) heardLately(p *peer, mark Mark, down time.Duration) bool {
	if mark.Session != m.cfg.Session {
		return false
	}
	at := p.sentRing.when(mark.Sequence)
	return at != never && m.now.Sub(at) < down
}

// beginSession adopts the session of an advert. Of what left before that advert nothing
// counts in any group: it may have been recorded.
func (m *Machine) beginSession(i int, a *Advert) {
	p := m.peers[i]
	for _, g := range m.groups {
		if pg := &g.peers[i]; !pg.leftToResume(p) {
			copy(pg.starts[1:], pg.starts[:])
			pg.starts[0] = m.now
		}
	}
	copy(p.former[1:], p.former[:])
	p.since, p.former[0] = m.now, Mark{p.session, p.sequence}
	p.pending, p.strange = pendings{}, pendings{}
	p.session, p.sequence, p.begun = a.Session, a.Sequence-1, a.Sequence
	p.roster.begin(a, m.now)
	p.arrival, p.echoedAt, p.restartAt = arrival{}, never, never
	for _, g := range m.groups {
		g.peers[i].sequence = a.Sequence - 1
	}
}

// note stores what an advert that is the newest of its session says about the peer itself.
func (m *Machine) note(p *peer, a *Advert, twoWay bool) {
	p.session, p.sequence = a.Session, a.Sequence
	p.interval = p.learnt(a.Interval)
	p.uptime, p.stated = a.Uptime, a.FromAddress
	p.heardAt = m.now
	if a.Echo.Session == m.cfg.Session {
		p.echoedAt = max(p.echoedAt, p.sentRing.when(a.Echo.Sequence))
	}
	p.badlySigned, p.otherVersion, p.pendingSince, p.pendingAt = never, never, never, never
	p.left = false
	if twoWay {
		p.twoWayAt = m.now
	}
	if p.name(a.Targets) {
		m.recognise()
	}
}

// targetsKept is at how many providers a peer has a name: many times what a configuration
// has, and a bound for a peer that invents them.
const targetsKept = 16

// name takes in what the peer is called by its clouds and reports whether that is news. Of a
// provider that an advert says nothing of, what was said before holds: a daemon that has
// just started may not know yet, and is no stranger for it. It keeps the names at
// targetsKept providers: of an advert that says more the first of them, and of what was said
// before, what was said last.
func (p *peer) name(targets []NodeTarget) (news bool) {
	targets = targets[:min(len(targets), targetsKept)]
	said := func(old NodeTarget) bool {
		return slices.ContainsFunc(targets, func(t NodeTarget) bool { return t.Provider == old.Provider })
	}
	over := func(old NodeTarget) bool { return said(old) && !slices.Contains(targets, old) }
	unknown := func(t NodeTarget) bool { return !slices.Contains(p.targets, t) }
	if !slices.ContainsFunc(p.targets, over) && !slices.ContainsFunc(targets, unknown) {
		return false
	}
	p.targets = append(slices.DeleteFunc(p.targets, said), targets...)
	p.targets = slices.Delete(p.targets, 0, max(0, len(p.targets)-targetsKept))
	return true
}

// recognise looks again at who holds what is not here, because a peer has said what it is
// called by the cloud: a stranger may be that peer, and whom a read named by the file
// another node.
func (m *Machine) recognise() {
	m.toldAt = m.now
	for _, g := range m.groups {
		if g.read.Kind == OwnerForeign || g.read.Kind == OwnerNode && !m.readNamesMe(g) {
			g.lookAt = m.now
		}
	}
}

// strangers reports whether some peer was never heard in this process, so that a
// foreign owner may well be that peer.
func (m *Machine) strangers() bool {
	for _, p := range m.peers {
		if p.session == 0 {
			return true
		}
	}
	return false
}

// leftToResume reports whether the last session of the peer led the group and announced a
// restart. Such a start is no sign of a crash. One that announced another restart before it
// led is: however politely, an owner that never gets to lead serves nobody.
func (pg *peerGroup) leftToResume(p *peer) bool { return pg.ledAt > p.since && p.restartAt > p.since }

// crashLooping reports whether the peer's daemon started three times within a minute
// without having led and announced it: its adverts of the group then prove too little.
func (m *Machine) crashLooping(g *group, i int) bool {
	newest, oldest := g.peers[i].starts[0], g.peers[i].starts[crashSessions-1]
	return oldest != never && newest.Sub(oldest) < crashWindow && m.now.Sub(newest) < crashWindow
}

// suspicious reports whether the peer has been silent in a group for more than one and
// a half of its intervals.
func (m *Machine) suspicious(g *group, i int) bool {
	return m.quiet(g.peers[i].twoWayAt, m.peers[i])
}

// quiet reports whether an instant at which the peer was heard is as long ago as that.
func (m *Machine) quiet(heard Instant, p *peer) bool { return !m.within(heard, p.interval*3/2) }

// longSilent reports whether no accepted two-way record of the group is younger than
// active-down. That it is heard again is news; after one lost datagram it is not.
func (m *Machine) longSilent(g *group, i int) bool {
	at := g.peers[i].twoWayAt
	return at == never || m.now.Sub(at) >= ActiveDown(PriorityDefault, m.peers[i].interval)
}
