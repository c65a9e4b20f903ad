// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"testing"
	"time"
)

// stalls counts the stalls that the machine has noted.
func (s *seat) stalls() int {
	n := 0
	for _, a := range s.other {
		if a.Kind == Noted && a.Reason == ReasonOwnStall {
			n++
		}
	}
	return n
}

// leadingSeat returns b as the owner, which has heard its backup a for a while. The
// uptime of a runs with the time.
func leadingSeat(t *testing.T) *seat {
	t.Helper()
	s := newSeat(t, byB, nil)
	s.hearWithUptime(20, time.Second)
	s.want(Active, ReasonResumedBound)
	return s
}

// hearWithUptime delivers n datagrams of a backup whose uptime grows by step each,
// one a second.
func (s *seat) hearWithUptime(n int, step time.Duration) {
	s.t.Helper()
	for range n {
		s.peer.uptime += step
		s.hear(Backup)
		s.advance(time.Second)
	}
}

// A hypervisor may stop every clock of a machine at once: nothing in the machine
// jumps, but its peers have grown older meanwhile.
func TestAPeersUptimeShowsThatAllClocksStoodStill(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.peer.uptime += 5 * time.Second
	s.hear(Backup)
	if s.stalls() != 1 {
		t.Fatalf("%d stalls noted", s.stalls())
	}
	if last := s.roles[len(s.roles)-1]; last.To != Backup && last.Reason != ReasonResumedBound {
		t.Errorf("the last change is to %v (%v)", last.To, last.Reason)
	}
	s.hearWithUptime(3, time.Second)
	s.want(Active, ReasonResumedBound)
	if s.stalls() != 1 {
		t.Errorf("the same gap was noted %d times", s.stalls())
	}
}

// What waited in the socket meanwhile comes in a burst, each datagram a second older
// than the one before: the lead must not creep up with it.
func TestABurstAfterTheClocksStoodStillShowsTheGap(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	for range 16 {
		s.peer.uptime += time.Second / 4
		s.hear(Backup)
	}
	if s.stalls() == 0 {
		t.Error("datagrams of four seconds came at one instant, and no stall was noted")
	}
}

// A datagram that was sent while the clocks stood still shows a part of the gap, the
// next one all of it.
func TestAGapThatShowsInTwoStepsIsOneGap(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.hearWithUptime(2, 2500*time.Millisecond)
	if s.stalls() != 1 {
		t.Errorf("%d stalls noted of a gap of three seconds", s.stalls())
	}
}

// A datagram that was long on its way says nothing about this machine; compared with
// the least lead of the session, every one after it would have been a stall.
func TestALateDatagramIsNoStall(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	at := s.peer.uptime
	s.peer.uptime -= 6 * time.Second
	s.hear(Backup)
	s.peer.uptime = at
	s.hearWithUptime(10, time.Second)
	if s.stalls() != 0 {
		t.Errorf("%d stalls noted", s.stalls())
	}
	s.want(Active, ReasonResumedBound)
}

// TestAGapThatCreepsUpIsSeen: adverts that leave twice in an interval each show a part of
// what the clocks stood still. The two newest alone would be too young a basis.
func TestAGapThatCreepsUpIsSeen(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	for _, step := range []time.Duration{1000, 500, 500, 500, 1100, 1100, 1100, 1100, 500} {
		s.peer.uptime += step * time.Millisecond
		s.hear(Backup)
		s.advance(500 * time.Millisecond)
	}
	if s.stalls() != 1 {
		t.Errorf("%d stalls noted of a gap of 2.4 s", s.stalls())
	}
}

// TestAGapThatShowsWithEveryPeerIsOneGap as long as their adverts come within half an interval.
func TestAGapThatShowsWithEveryPeerIsOneGap(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, func(c *Config) { c.Peers = append(c.Peers, Peer{"c", netip.MustParseAddr("10.0.0.3")}) })
	says := func(i int, uptime time.Duration) {
		s.m.peers[i].uptime, s.m.peers[i].interval = uptime, time.Second
		s.m.noticeSkip(s.m.peers[i], false)
	}
	for n := range 10 {
		s.m.now = s.m.now.Add(time.Second)
		says(0, time.Duration(n)*time.Second)
		says(1, time.Duration(n)*time.Second)
	}
	first := s.m.now
	says(0, 14*time.Second)
	s.m.now = first.Add(time.Second/2 - 1)
	says(1, 14*time.Second)
	if s.m.stalledAt != first {
		t.Errorf("the second peer's word is a stall %v after the first one's", s.m.stalledAt.Sub(first))
	}
}

func TestClocksThatDisagreeAreAStall(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.step(ClocksDisagree{By: time.Second})
	if s.stalls() != 0 {
		t.Error("a second is less than any peer waits")
	}
	s.step(ClocksDisagree{By: 10 * time.Second})
	if s.stalls() != 1 {
		t.Errorf("%d stalls noted", s.stalls())
	}
}

// Where the address moves without the API, the table asks for no owner read. After a
// stall it does: what was read before may have changed (invariant 7).
func TestAStalledNodeReadsFirstEvenWhereMovesNeedNoAPI(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, func(c *Config) { c.Groups[0].NeedsAPI = false })
	s.hearFor(20*time.Second, Backup)
	s.want(Active, ReasonResumedBound)
	s.deaf = true
	s.now = s.now.Add(30 * time.Second)
	s.step(Tick{})
	s.hearFor(20*time.Second, Backup)
	s.want(Backup, ReasonOwnStall)
	s.deaf = false
	s.hearFor(20*time.Second, Backup)
	s.want(Active, ReasonResumedBound)
}

// Where the address moves without the API, a node that has never read the owner does not
// lead on the silence of a peer: it could neither announce, by the write gate, nor tell
// that the peer serves. The first read decides, and latches nobody.
func TestANodeThatHasNeverReadTheOwnerAsksTheCloudFirst(t *testing.T) {
	t.Parallel()
	announced := func(c *Config) { c.Groups[0].NeedsAPI = false }
	s := bootSeat(t, byA, true, announced)
	s.advance(40 * time.Second)
	if role := s.m.Role("web"); role != Backup {
		t.Errorf("it is %s without a read and without a word of the peer", role)
	}
	s.deaf = false
	s.advance(NeverHeardFor + 10*time.Second)
	s.want(Active, ReasonOwnerSilent)
	for _, a := range s.other {
		if a.Kind == Latched {
			t.Errorf("it latched %s", a.Peer)
		}
	}

	s = bootSeat(t, byA, true, announced)
	s.peer.group.Flags = FlagHealthy // it cannot claim either
	s.hearFor(40*time.Second, Backup)
	if role := s.m.Role("web"); role != Active {
		t.Errorf("it is %s although every peer says that it does not lead", role)
	}
}

// After a stall the owner has its time again to resume (row 10): what was counted before
// it says nothing about an owner that stood still as well.
func TestAnOwnerHasItsTimeAgainAfterAStall(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(10*time.Second, Active)
	s.now = s.now.Add(50 * time.Millisecond) // a read of the slow rhythm, right before everything stops
	s.step(OwnerRead{Group: "web", Began: s.now.Add(-time.Millisecond), Ended: s.now, Owner: byA})
	s.now = s.now.Add(30 * time.Second)
	s.step(Tick{})
	if s.stalls() != 1 {
		t.Fatalf("%d stalls noted", s.stalls())
	}
	s.peer.group.Flags |= FlagRecovering
	s.hearFor(3*time.Second, Backup)
	s.want(Backup, ReasonStarted)
	if held := s.m.Status().Groups[0].Held; held != ReasonIncumbentAlive {
		t.Errorf("held back by %v, want incumbent-alive", held)
	}
	s.hearFor(7*time.Second, Backup)
	s.want(Active, ReasonOwnerSilent)
}
