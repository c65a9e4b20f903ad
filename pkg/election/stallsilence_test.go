// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"fmt"
	"testing"
	"time"
)

// silent lets a's link be cut for d, in which a's uptime grows by what its clock, which
// runs ahead of ours by drift parts in a million, says; then a is heard again.
func (s *seat) silent(d time.Duration, drift int) {
	s.t.Helper()
	s.advance(d)
	s.peer.uptime += time.Second + d + d/1e6*time.Duration(drift)
	s.hear(Backup)
}

// gate returns why the write gate would refuse what relies on a read that is right now.
func (s *seat) gate(read Instant) string {
	p := s.m.Permit("web")
	switch {
	case p.Hold != ReasonNone:
		return p.Hold.String()
	case read <= p.Since:
		return "read-too-early"
	}
	return ""
}

// TestClocksThatDriftApartInALongSilenceAreNoStall is invariant 3: with the API away, a
// node that steps back takes an announced address off its machine.
func TestClocksThatDriftApartInALongSilenceAreNoStall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		silence time.Duration
		drift   int // parts in a million
	}{
		{24 * time.Hour, 30}, {12 * time.Hour, 50}, {50 * time.Second, 50_000}, {20 * time.Second, 50_000},
		{24 * time.Hour, 50_000}, {24 * time.Hour, -30}, {50 * time.Second, -50_000},
	} {
		for _, deaf := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v at %d ppm, API away %v", tt.silence, tt.drift, deaf), func(t *testing.T) {
				t.Parallel()
				s := newSeat(t, byB, func(c *Config) { c.Groups[0].NeedsAPI = false })
				s.hearWithUptime(20, time.Second)
				s.want(Active, ReasonResumedBound)
				s.deaf = deaf
				s.silent(tt.silence, tt.drift)
				s.hearWithUptime(20, time.Second+time.Second/1e6*time.Duration(tt.drift))
				if s.stalls() != 0 {
					t.Errorf("%d stalls noted", s.stalls())
				}
				s.want(Active, ReasonResumedBound)
				if why := s.gate(s.now); why != "" {
					t.Errorf("the gate is shut for good: %s", why)
				}
			})
		}
	}
}

// TestAStopThatSilenceFollowsIsSeen: half of the gap shows in the last advert before the
// silence, which is old when the other half does.
func TestAStopThatSilenceFollowsIsSeen(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, func(c *Config) { c.Interval = 5 * time.Second })
	s.peer.interval = 5 * time.Second
	hear := func(n int) {
		for range n {
			s.peer.uptime += 5 * time.Second
			s.hear(Backup)
			s.advance(5 * time.Second)
		}
	}
	hear(20)
	s.want(Active, ReasonResumedBound)
	s.peer.uptime += 9 * time.Second // what was sent in the middle of the stop
	hear(1)
	s.peer.uptime += 6*time.Second + 35*time.Second
	s.advance(30 * time.Second)
	s.hear(Backup)
	if s.stalls() != 1 {
		t.Errorf("%d stalls noted of a stop of 15 s", s.stalls())
	}
}

// TestAStopIsSeenAfterASilence: more than the clocks can have drifted apart is a stall,
// however long it was silent.
func TestAStopIsSeenAfterASilence(t *testing.T) {
	t.Parallel()
	for silence, stop := range map[time.Duration]time.Duration{
		time.Minute: 5 * time.Second, 5 * time.Minute: 18 * time.Second, time.Hour: 4 * time.Minute,
	} {
		s := leadingSeat(t)
		s.peer.uptime += stop
		s.silent(silence, 0)
		if s.stalls() != 1 {
			t.Errorf("a stop of %v in a silence of %v: %d stalls noted", stop, silence, s.stalls())
		}
	}
}

// TestAfterALongSilenceNothingLeavesOnWhatWasBelieved: fifteen seconds that all clocks
// stood still, and a clock that is slower by as much, look like nothing at all. So what
// section 5.7 asks is asked of a node that cannot tell, but not that it steps back.
func TestAfterALongSilenceNothingLeavesOnWhatWasBelieved(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.advance(5 * time.Minute)
	read := s.now // the newest that there may be
	s.now = s.now.Add(time.Millisecond)
	s.peer.echo = &Mark{s.heard.Session, s.heard.Sequence} // on its way when it was sent
	s.deaf = true
	s.peer.uptime += 5 * time.Minute // 5 % less of its own, and the fifteen seconds
	s.hear(Backup)
	if s.stalls() != 0 || s.role() != Active {
		t.Fatalf("%d stalls noted, and it is %v", s.stalls(), s.role())
	}
	if why := s.gate(s.now); why != "own-stall" {
		t.Errorf("not proved to be heard: %q", why)
	}
	s.peer.echo = nil
	s.advance(time.Second)
	s.peer.uptime += time.Second
	s.hear(Backup)
	if why := s.gate(read); why != "read-too-early" {
		t.Errorf("with a read from before: %q", why)
	}
	if why := s.gate(s.now); why != "" {
		t.Errorf("with a read begun since: %q", why)
	}
	s.want(Active, ReasonResumedBound)
	if s.newest().Flags.Has(FlagRecovering) {
		t.Error("it tells its peers that it does not lead")
	}
}

// TestALongSilenceIsDoubtedOnce: the adverts that follow it are compared with the same old
// ones, and must not shut the gate again and again; a stop among them must.
func TestALongSilenceIsDoubtedOnce(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.silent(5*time.Minute, 0)
	read := s.now
	s.advance(time.Second)
	s.hearWithUptime(1, time.Second)
	for range 20 {
		if why := s.gate(read); why != "" {
			t.Fatalf("the gate is shut: %s", why)
		}
		s.hearWithUptime(1, time.Second)
	}
	s.silent(5*time.Minute, 0)
	s.advance(time.Second)
	s.hearWithUptime(1, time.Second)
	read = s.now
	s.hearWithUptime(1, 15*time.Second)
	if s.stalls() != 0 {
		t.Fatalf("%d stalls noted; the test wants fewer seconds", s.stalls())
	}
	if why := s.gate(s.now); why != "own-stall" {
		t.Errorf("after fifteen seconds more: %q", why)
	}
	s.hearWithUptime(1, time.Second)
	if why := s.gate(read); why != "read-too-early" {
		t.Errorf("with a read from before them: %q", why)
	}
}

// TestADoubtDoesNotHideAStall: what waited in the socket raises the doubt first, and shows
// then more than the clocks can explain.
func TestADoubtDoesNotHideAStall(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.silent(30*time.Second, 0)
	s.advance(time.Second)
	s.hearWithUptime(1, time.Second)
	for range 5 {
		s.peer.uptime += time.Second
		s.hear(Backup)
	}
	if s.stalls() != 1 {
		t.Errorf("%d stalls noted of a stop of five seconds", s.stalls())
	}
}

// TestADoubtEndsWithAnActiveDown: a peer that is heard and hears nothing proves nothing.
func TestADoubtEndsWithAnActiveDown(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.peer.echo = &Mark{}
	s.silent(5*time.Minute, 0)
	if why := s.gate(s.now); why != "own-stall" {
		t.Errorf("not proved to be heard: %q", why)
	}
	s.advance(ActiveDown(PriorityMin, time.Second))
	if why := s.gate(s.now); why != "" {
		t.Errorf("the gate is shut for good: %q", why)
	}
	s.want(Active, ReasonResumedBound)
}
