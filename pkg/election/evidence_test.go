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
	s.hearFor(30*time.Second, Backup)
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
