// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// rolledOut is a standby whose file has a group first that the owner's lacks, heard in two parts
// for half a minute, with an owner read that passes the gate. Once is true if the owner had it.
func rolledOut(t *testing.T, once bool) (s *seat, sequence uint64) {
	t.Helper()
	s = manySeat(t, 3)
	for range 30 {
		sequence++
		if once && sequence < 5 {
			s.part(sequence, s.heard, 3, 1, 2)
			s.part(sequence, s.heard, 3, 3)
		} else {
			s.part(sequence, s.heard, 2, 2)
			s.part(sequence, s.heard, 2, 3)
		}
		s.advance(time.Second)
	}
	if s.held() != ReasonUnknownThere {
		t.Fatalf("holds %v", s.held())
	}
	return s, sequence
}

// readsNow makes an owner read that passes the gate, and no other.
func (s *seat) readsNow() {
	s.t.Helper()
	s.mute = true
	began := s.now
	s.now = s.now.Add(20 * time.Millisecond)
	s.step(OwnerRead{Group: "web", Began: began, Ended: s.now, Owner: s.owner})
}

// TestAFileThatLacksAGroupLacksItBetweenTwoParts: after a reload, or with the first datagram of
// a new session, the next part may bring the group or not. Until then, for an active-down, what
// was known counts.
func TestAFileThatLacksAGroupLacksItBetweenTwoParts(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{false, true} {
		for name, first := range map[string]func(*seat, uint64){
			"another file":  func(s *seat, sequence uint64) { s.part(sequence+1, s.heard, 3, 2, 3) },
			"a new session": func(s *seat, _ uint64) { s.peer.session = 0xa2; s.part(1, s.heard, 2, 2) },
		} {
			s, sequence := rolledOut(t, once)
			s.readsNow()
			first(s, sequence)
			if s.role() != Backup || s.held() != ReasonUnknownThere {
				t.Errorf("%s, once there %v: %v (%v), holds %v", name, once, s.role(), s.reason(), s.held())
			}
			s.mute = false
			s.untilRoleReading(Active, 15*time.Second) // the other part is lost for good: that is silence
		}
	}
}

// TestAnOwnerWithoutTheGroupThatIsHeardOneWayIsNotSilent (row 9): it says all the while that its
// daemon lives, and nothing of a group that it does not have.
func TestAnOwnerWithoutTheGroupThatIsHeardOneWayIsNotSilent(t *testing.T) {
	t.Parallel()
	s, sequence := rolledOut(t, false)
	deaf := func(d time.Duration) {
		for end := s.now.Add(d); s.now < end; s.advance(time.Second) {
			sequence++
			s.part(sequence, Mark{}, 2, 2)
			s.part(sequence, Mark{}, 2, 3)
		}
	}
	deaf(time.Minute)
	if s.role() != Backup || s.held() != ReasonOneWayLink || s.m.Refusals("web")["a"] != ReasonUnknownThere {
		t.Fatalf("%v (%v), holds %v; a may not lead: %v", s.role(), s.reason(), s.held(), s.m.Refusals("web")["a"])
	}
	for range failsEndProlonged {
		s.want(Backup, ReasonStarted)
		s.step(ServiceProbed{Group: "web"})
		deaf(time.Second)
	}
	s.want(Active, ReasonOwnerSilent)

	s, sequence = rolledOut(t, false)
	deaf(time.Minute)
	s.untilRoleReading(Active, 5*time.Second) // it has fallen silent
	s.want(Active, ReasonOwnerSilent)

	s, sequence = rolledOut(t, false)
	deaf(time.Minute)
	s.peer.group.Priority = priorityLeaving
	sequence++
	for _, vrid := range []uint8{2, 3} {
		a := &Advert{Cluster: "test", From: "a", FromAddress: s.m.peers[0].Address, To: "b", Session: s.peer.session, Sequence: sequence, Interval: time.Second, Total: 2}
		g := s.peer.group
		g.VRID, g.Role = vrid, Initialize
		a.Groups = []GroupAdvert{g}
		s.step(Received{a})
	}
	s.untilRoleReading(Active, 5*time.Second)
	s.want(Active, ReasonOwnerGoodbye)
}

// TestAnAnnouncedRestartCoversAGroupThatIsUnknownThere: the records of other groups announce it,
// and a file is brought up to date by just that.
func TestAnAnnouncedRestartCoversAGroupThatIsUnknownThere(t *testing.T) {
	t.Parallel()
	s, sequence := rolledOut(t, false)
	s.peer.group.Flags |= FlagRestarting
	s.part(sequence+1, s.heard, 2, 2)
	s.advance(15 * time.Second)
	if s.role() != Backup || s.held() != ReasonOwnerRestarting {
		t.Errorf("%v (%v), holds %v", s.role(), s.reason(), s.held())
	}
}

// TestAnAnnouncedRestartIsOverWithTheNextSession, also for a group that is still unknown there.
func TestAnAnnouncedRestartIsOverWithTheNextSession(t *testing.T) {
	t.Parallel()
	s, sequence := rolledOut(t, false)
	s.peer.group.Flags |= FlagRestarting
	s.part(sequence+1, s.heard, 2, 2)
	s.peer.session, s.peer.group.Flags = 0xa2, s.peer.group.Flags&^FlagRestarting
	for i := range uint64(4) {
		s.advance(time.Second)
		s.part(i+1, s.heard, 2, 2)
		s.part(i+1, s.heard, 2, 3)
	}
	if s.role() != Backup || s.held() != ReasonUnknownThere {
		t.Fatalf("%v (%v), holds %v", s.role(), s.reason(), s.held())
	}
	s.mute = false
	s.untilRoleReading(Active, 8*time.Second)
}

// TestAGoodbyeInOtherGroupsIsAboutTheTimeBefore: the address was moved to that machine since.
func TestAGoodbyeInOtherGroupsIsAboutTheTimeBefore(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	say := func(sequence uint64, role Role, priority uint8) {
		g := s.peer.group
		g.VRID, g.Role, g.Priority = 99, role, priority
		s.step(Received{&Advert{Cluster: "test", From: "a", FromAddress: s.m.peers[0].Address, To: "b", Session: s.peer.session,
			Sequence: sequence, Interval: time.Second, Echo: s.heard, Total: 1, Groups: []GroupAdvert{g}}})
	}
	for sequence := uint64(1); sequence < 10; sequence++ {
		say(sequence, Backup, 110)
		s.advance(time.Second)
	}
	s.want(Active, ReasonResumedBound)
	say(10, Initialize, priorityLeaving)
	s.advance(time.Minute)
	s.owner = byA
	s.advance(time.Minute)
	s.want(Backup, ReasonDisplaced)
}

// TestRecordingsTakeNoPlaceFromThePeer: eight that go on counting, from elsewhere, kept a node
// that had come back deaf for ever.
func TestRecordingsTakeNoPlaceFromThePeer(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	recorded := func(session, sequence uint64) {
		s.step(ReceivedElsewhere{&Advert{Cluster: "test", From: "a", FromAddress: s.m.peers[0].Address, To: "b",
			Session: session, Sequence: sequence, Interval: time.Second, Total: 1, Groups: []GroupAdvert{s.peer.group}}})
	}
	for sequence := uint64(1); sequence < 12; sequence++ {
		for session := uint64(0x100); session < 0x108; session++ {
			recorded(session, sequence)
			s.advance(100 * time.Millisecond)
		}
	}
	s.peer.session, s.peer.sequence, s.peer.echo = 0xa2, 0, &Mark{}
	s.hear(Backup)
	if got := s.sent[len(s.sent)-1].Hello; got != (Mark{0xa2, 1}) {
		t.Errorf("the answer greets %v", got)
	}
}

// TestARecordingHoldsATakeoverBackOnce (row 9): one datagram for each active-down kept a dead
// owner's address where it was for as long as the recording lasted.
func TestARecordingHoldsATakeoverBackOnce(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, func(c *Config) { c.Groups[0].Priorities["b"] = 90 })
	s.hearFor(5*time.Second, Active)
	s.peer.session, s.peer.sequence, s.peer.echo = 0xa2, 0, &Mark{}
	for range 5 {
		s.hear(Active)
		s.advance(3610 * time.Millisecond)
	}
	s.want(Active, ReasonOwnerSilent)
}
