// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"slices"
	"time"
)

// pending is a session of a peer that is not accepted: the peer after a restart, or a
// recording of one that has ended. Only who lives goes on counting.
type pending struct {
	Mark            // its newest datagram
	at      Instant // when that came
	grown   bool    // the sequence has grown since the first was seen
	answers budget
}

// pendings are the sessions of a peer that are told apart, of one origin: recordings that are
// sent from elsewhere take no place from the peer. There are more than anybody has recorded lives
// of it, as a rule: who lives finds a place beside them, and their second copies are old.
type pendings [64]pending

// budget is how many extra datagrams have left within a second.
type budget struct {
	from Instant
	used int
}

// spend reports whether one more may leave of so many, and counts it.
func (b *budget) spend(now Instant, most int) bool {
	if b.from == never || now.Sub(b.from) >= time.Second {
		*b = budget{from: now}
	}
	if b.used >= most {
		return false
	}
	b.used++
	return true
}

// note takes in a datagram of a session that is not accepted and returns that session; nil if
// nothing is new about it, or if as many sessions go on counting as are told apart. One that
// has grown within down makes way for none.
func (ps *pendings) note(mark Mark, now Instant, down time.Duration) *pending {
	place := &ps[0]
	for i := range ps {
		s := &ps[i]
		if s.Session == mark.Session {
			if mark.Sequence <= s.Sequence {
				return nil
			}
			s.Mark, s.at, s.grown = mark, now, true
			return s
		}
		if s.weight(now, down) < place.weight(now, down) {
			place = s
		}
	}
	if place.counts(now, down) {
		return nil
	}
	*place = pending{Mark: mark, at: now, answers: place.answers} // whoever draws sessions gains no answers by it
	return place
}

// counts reports whether the session has gone on counting lately.
func (s *pending) counts(now Instant, down time.Duration) bool {
	return s.grown && now.Sub(s.at) < down
}

// weight orders sessions: those that count lately come last, and then the newest.
func (s *pending) weight(now Instant, down time.Duration) Instant {
	if s.counts(now, down) {
		return s.at + now
	}
	return s.at
}

// greeting returns the mark for the hello: of the session that is answered just now, or else
// of the one that counts, or else of the newest; one from elsewhere only where none came from
// the peer's address lately.
func (p *peer) greeting(now Instant, down time.Duration) Mark {
	if p.greet != (Mark{}) {
		return p.greet
	}
	best := p.pending.best(now, down)
	if best.at == never || now.Sub(best.at) >= down {
		if s := p.strange.best(now, down); s.at != never {
			best = s
		}
	}
	return best.Mark
}

func (ps *pendings) best(now Instant, down time.Duration) *pending {
	best := &ps[0]
	for i := range ps {
		if s := &ps[i]; s.weight(now, down) > best.weight(now, down) {
			best = s
		}
	}
	return best
}

// answerPending answers a datagram of a session that is not accepted: each has a budget and a
// part in that of all, which takes nothing from the first answer to one; what comes from elsewhere
// than the address of the peer has one between all of it.
func (m *Machine) answerPending(p *peer, s *pending, elsewhere bool) {
	switch first := s.answers.from == never; {
	case elsewhere && !p.elsewhere.spend(m.now, answersPerSecond):
	case !elsewhere && !s.answers.spend(m.now, answersPerSecond):
	case !elsewhere && !first && !p.again.spend(m.now, answersAgain):
	default:
		p.greet, p.answer = s.Mark, true
	}
}

// Old returns why a datagram that a peer is said to have sent is certainly not news, or
// ReasonNone. It believes nothing and changes nothing, so it may be asked before the
// signature is checked: a flood of copies then costs little.
func (m *Machine) Old(from string, session, sequence uint64) Reason {
	i := m.peerIndex(from)
	if i < 0 {
		return ReasonNone
	}
	p := m.peers[i]
	known := func(k Mark) bool { return k.Session == session && sequence <= k.Sequence }
	switch {
	case known(Mark{p.session, p.sequence}) && m.knownOfAll(i, sequence):
		return ReasonReplayed
	case slices.ContainsFunc(p.former[:], known):
		return ReasonStaleSession
	case p.pending.has(known) || p.strange.has(known):
		return ReasonReplayed
	}
	return ReasonNone
}

// knownOfAll reports whether what a peer said with a sequence, or later, was heard of every
// group. A part of that advert may still be under way otherwise.
func (m *Machine) knownOfAll(i int, sequence uint64) bool {
	if p := m.peers[i]; sequence == p.sequence {
		return p.arrival.whole()
	}
	for _, g := range m.groups {
		if g.peers[i].sequence < sequence && !m.peers[i].roster.lacks(g.cfg.VRID) {
			return false
		}
	}
	return true
}

// Accepted returns the session of a peer that is accepted and the sequence of its newest
// datagram; zero if none is, or nobody is called so.
func (m *Machine) Accepted(peer string) Mark {
	if i := m.peerIndex(peer); i >= 0 {
		return Mark{m.peers[i].session, m.peers[i].sequence}
	}
	return Mark{}
}

// noticeTwin notices that a session which was replaced lives on: it echoes what left since.
// Two daemons then run under the name of the peer. A copy of one of its datagrams is no
// newer than what came of it.
func (m *Machine) noticeTwin(p *peer, former *Mark, a *Advert, down time.Duration) {
	if a.Sequence <= former.Sequence {
		return
	}
	former.Sequence = a.Sequence
	if m.heardLately(p, a.Echo, down) && p.sentRing.when(a.Echo.Sequence) > p.since {
		p.twiceAt = m.now
	}
}

func (ps *pendings) has(known func(Mark) bool) bool {
	return slices.ContainsFunc(ps[:], func(s pending) bool { return known(s.Mark) })
}
