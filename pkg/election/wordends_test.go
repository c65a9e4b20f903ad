// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// TestWhatEndsAWord: a probe that was answered since, silence, and time after this node's
// own stepping back.
func TestWhatEndsAWord(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(s *seat)
		want Reason
	}{
		{"nothing ends it", func(s *seat) { s.says(Fault, 110) }, ReasonOwnerFault},
		{"nothing ends a goodbye", func(s *seat) { s.says(Initialize, 0) }, ReasonOwnerGoodbye},
		{"a probe was answered since", func(s *seat) {
			s.says(Initialize, 0)
			s.now = s.now.Add(2 * time.Millisecond)
			s.step(ProbeAnswered{Group: "web", Node: "a", Asked: s.now, Role: Active, Healthy: true})
		}, ReasonNone},
		{"the owner fell silent", func(s *seat) {
			s.says(Fault, 110)
			s.m.now = s.now.Add(10 * time.Second)
		}, ReasonNone},
		{"this node led a moment ago", func(s *seat) {
			g := s.m.groups[0]
			s.m.become(g, Active, ReasonOwnerSilent)
			s.m.become(g, Backup, ReasonDisplaced)
			s.says(Fault, 110)
		}, ReasonNone},
	} {
		s, g := restingSeat(t)
		tt.do(s)
		if got := s.m.ownersWord(g); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestASecondWordIsAnother: it needs a read and a check of its own.
func TestASecondWordIsAnother(t *testing.T) {
	t.Parallel()
	s, _ := restingSeat(t)
	s.other = nil
	var second Instant
	for range 2 {
		s.says(Fault, 110)
		second = s.now
		s.advance(100 * time.Millisecond)
		s.peer.group.Flags |= FlagHealthy
		s.hear(Active)
		s.advance(100 * time.Millisecond)
	}
	s.says(Fault, 110)
	asked := 0
	for _, a := range s.other {
		if a.Kind == CheckNow {
			asked++
		}
	}
	if w := s.m.Wish("web"); asked != 3 || w.Since <= second {
		t.Errorf("the checks run %d times, and a read from %v ago will do", asked, s.now.Sub(w.Since))
	}
}

// TestAWordNeedsAReadThatTheGateAccepts: one that took too long is none.
func TestAWordNeedsAReadThatTheGateAccepts(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]Role{AttemptTimeout: Active, AttemptTimeout + 1: Backup} {
		s, g := restingSeat(t)
		s.says(Fault, 110)
		began := s.now + 1
		s.advance(time.Second)
		s.says(Fault, 110)
		s.now = began.Add(took)
		g.activeDownAt = s.now.Add(time.Minute) // the word alone would make it claim
		s.step(OwnerRead{Group: "web", Began: began, Ended: s.now, Owner: byA})
		if s.role() != want {
			t.Errorf("after a read of %v: %v (%v)", took, s.role(), s.held())
		}
	}
}

// TestAFailedCheckEndsOnlyAClaimFromAnOwnerInFault: nothing else makes it likely that this
// node's service is broken as well.
func TestAFailedCheckEndsOnlyAClaimFromAnOwnerInFault(t *testing.T) {
	t.Parallel()
	s := claimingSeat(t)
	s.step(LastCheck{Group: "web", Failed: true})
	s.want(Active, ReasonOwnerSilent)
}
