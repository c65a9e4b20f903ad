// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// The cloud's word that the owner's machine is stopped ends every hold, however it
// was last seen.
func TestAStoppedInstanceEndsAHold(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(10*time.Second, Active)
	s.advance(2 * time.Second)
	s.step(ProbeAnswered{Group: "web", Node: "a", Asked: s.now, Role: Active, Healthy: true})
	s.advance(2 * time.Second)
	s.want(Backup, ReasonStarted)
	if s.held() != ReasonPeerLinkBroken {
		t.Fatalf("holds %v", s.held())
	}
	s.now = s.now.Add(time.Millisecond)
	s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now, Stopped: true})
	s.advance(time.Second)
	s.want(Active, ReasonOwnerStopped)
}

func TestAStoppedInstanceCountsOnlyAsLongAsItMay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		say  func(*seat)
	}{
		{"an instance of somebody else", func(s *seat) {
			s.step(InstanceRead{Group: "web", Owner: Owner{OwnerNode, "c"}, Began: s.now, Stopped: true})
		}},
		{"an instance that was heard since", func(s *seat) {
			s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now, Stopped: true})
			s.now = s.now.Add(time.Millisecond)
			s.hear(Active)
		}},
		{"an instance that runs again", func(s *seat) {
			s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now, Stopped: true})
			s.now = s.now.Add(time.Millisecond)
			s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now})
		}},
		{"an answer from before twenty seconds", func(s *seat) {
			s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now, Stopped: true})
			s.now = s.now.Add(22 * time.Second)
			s.m.now = s.now
		}},
	}
	for _, tt := range tests {
		s := newSeat(t, byA, nil)
		s.hearFor(10*time.Second, Active)
		s.now = s.now.Add(time.Millisecond)
		tt.say(s)
		if s.m.ownerStopped(s.m.groups[0]) {
			t.Errorf("%s counts as stopped", tt.name)
		}
	}
}

// One lost datagram is no news: it costs one read, not ten seconds of them
// (invariant 12).
func TestALostDatagramCostsOneRead(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(2*time.Minute, Active)
	before := s.reads
	s.hearFor(30*time.Second, Active)
	steady := s.reads - before
	s.peer.sequence++ // lost
	s.advance(time.Second)
	before = s.reads
	s.hearFor(29*time.Second, Active)
	if extra := s.reads - before - steady; extra > 1 {
		t.Errorf("%d reads more than the %d of as long a time without loss", extra, steady)
	}
}

// What the user's probe said of one owner says nothing of the next.
func TestAnAnswerOfTheServiceGoesWithItsOwner(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(10*time.Second, Active)
	s.step(ServiceProbed{Group: "web", OK: true})
	if !s.m.serviceAnswers(s.m.groups[0]) {
		t.Fatal("an answer does not count")
	}
	s.now = s.now.Add(time.Millisecond)
	s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now, Owner: Owner{Kind: OwnerNone}})
	if s.m.serviceAnswers(s.m.groups[0]) {
		t.Error("it counts for another owner")
	}
}

// The user's probe answers for an owner that is silent. One that is heard, and does
// not lead, has the time of row 10 and no more: it may hold one of two addresses.
func TestAnAnsweringServiceDoesNotHoldForAnOwnerThatIsHeard(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(10*time.Second, Active)
	s.step(ServiceProbed{Group: "web", OK: true})
	s.hearFor(15*time.Second, Backup)
	s.want(Active, ReasonOwnerSilent)

	silent := newSeat(t, byA, nil)
	silent.hearFor(10*time.Second, Active)
	for range 6 {
		silent.step(ServiceProbed{Group: "web", OK: true})
		silent.advance(10 * time.Second)
	}
	silent.want(Backup, ReasonStarted)
	if silent.held() != ReasonServiceAnswers {
		t.Errorf("holds %v", silent.held())
	}
	silent.advance(30 * time.Second) // nobody asks any more
	silent.want(Active, ReasonOwnerSilent)
}

// TestAProbeAnsweredBeforeTheSilenceIsOutlived: an owner that answered just before it died
// holds nobody back once two later questions had no answer. One asked in the silence does.
func TestAProbeAnsweredBeforeTheSilenceIsOutlived(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		asked  time.Duration // since the last advert, of the last question that was answered
		claims bool
	}{{"asked before the silence", 1400 * time.Millisecond, true}, {"asked in the silence", 1600 * time.Millisecond, false}} {
		s := newSeat(t, byA, nil)
		s.hearFor(30*time.Second, Active)
		last := s.m.groups[0].peers[0].twoWayAt
		s.now = last.Add(tt.asked + time.Millisecond)
		s.step(ProbeAnswered{Group: "web", Node: "a", Asked: last.Add(tt.asked), Role: Active, Healthy: true})
		s.advance(last.Add(3 * time.Second).Sub(s.now))
		if !s.m.witnessed(s.m.groups[0], 0) {
			t.Errorf("%s: one unanswered question is enough", tt.name)
		}
		s.advance(last.Add(ActiveDown(100, time.Second)).Sub(s.now) + 100*time.Millisecond)
		if got := s.role() == Active; got != tt.claims {
			t.Errorf("%s: role %v, holds %v", tt.name, s.role(), s.held())
		}
	}
}

// TestAProbeAnsweredBeforeTheSilenceShowsNoLeader any more, once it is outlived: with the
// API away nobody leads then, and somebody has to be told.
func TestAProbeAnsweredBeforeTheSilenceShowsNoLeader(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(30*time.Second, Active)
	s.step(ProbeAnswered{Group: "web", Node: "a", Asked: s.now, Role: Active, Healthy: true})
	s.deaf = true
	s.advance(1500 * time.Millisecond)
	if !s.m.Status().Groups[0].LeaderSeen {
		t.Error("no leader is seen while the owner may only be late")
	}
	s.advance(3 * time.Second)
	s.want(Backup, ReasonStarted)
	if s.m.Status().Groups[0].LeaderSeen {
		t.Error("the owner is silent, answers no question, and counts as seen")
	}
}

// TestRow10EndsWithAMuteAPI where no call is needed: the count begins with a read that
// failed, since no other comes.
func TestRow10EndsWithAMuteAPI(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, func(c *Config) { c.Groups[0].NeedsAPI = false })
	s.hearFor(10*time.Second, Active)
	s.deaf = true
	s.peer.group.Owner = OwnerReport{Owner: byA}
	s.hearFor(5*time.Second, Backup)
	if held := s.held(); held != ReasonIncumbentAlive {
		t.Errorf("held back by %v, want incumbent-alive", held)
	}
	s.roles = nil
	s.hearFor(20*time.Second, Backup)
	if len(s.roles) == 0 || s.roles[0].To != Active {
		t.Errorf("it holds for ever: %v, %v", s.held(), s.roles)
	}
}

// TestRow10LastsAsLongAsTwoReads: an owner that is back and says that it has not read the
// owner yet is given the time of two attempts and their adverts, however fast those are.
func TestRow10LastsAsLongAsTwoReads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		owner OwnerReport
		least time.Duration
		most  time.Duration
	}{
		{"it has not read", OwnerReport{}, 2 * AttemptTimeout, 2*AttemptTimeout + 1500*time.Millisecond},
		{"it has", OwnerReport{Owner: byA}, 500 * time.Millisecond, 1200 * time.Millisecond},
	} {
		s := newSeat(t, byA, func(c *Config) { c.Interval = 250 * time.Millisecond })
		s.peer.interval = 250 * time.Millisecond
		s.hearFor(30*time.Second, Active)
		s.peer.group.Owner = tt.owner
		began := s.now
		for s.role() != Active && s.now.Sub(began) < 20*time.Second {
			s.hear(Backup)
			s.advance(250 * time.Millisecond)
		}
		if took := s.now.Sub(began) - ActiveDown(100, 250*time.Millisecond); took < tt.least || took > tt.most {
			t.Errorf("%s: it is given %v", tt.name, took)
		}
	}
}
