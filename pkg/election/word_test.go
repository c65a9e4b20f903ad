// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// says makes the peer say of itself what put it out of the running.
func (s *seat) says(role Role, priority uint8) {
	s.t.Helper()
	s.peer.group.Flags = FlagCanClaim
	if role == Drained {
		s.peer.group.Flags |= FlagHealthy
	}
	s.peer.group.Priority = priority
	s.hear(role)
}

// Section 6.4.2 lets a backup wait Skew_Time after priority 0, so that the better ranked
// goes first. Here the rank does that, and a word of the owner is no silence: one read
// after it the standby claims, at every advert interval.
func TestDeviationAWordOfTheOwnerWaitsForNoTimer(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{250 * time.Millisecond, time.Second, 5 * time.Second} {
		for _, tt := range []struct {
			role     Role
			priority uint8
			want     Reason
		}{{Fault, 0, ReasonOwnerFault}, {Fault, 110, ReasonOwnerFault}, {Drained, 0, ReasonOwnerDrained}, {Initialize, 0, ReasonOwnerGoodbye}} {
			s := newSeat(t, byA, func(c *Config) { c.Interval = interval })
			s.peer.interval = interval
			s.hearFor(30*time.Second, Active)
			heard := s.now
			s.says(tt.role, tt.priority)
			s.want(Active, tt.want)
			if took := s.now.Sub(heard); took > 2*time.Millisecond {
				t.Errorf("%v, %v: after %v", tt.role, interval, took)
			}
		}
	}
}

// TestAWordNeedsAReadThatBeganSince: what was read before it may have changed with it.
func TestAWordNeedsAReadThatBeganSince(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(30*time.Second, Active)
	s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now, Owner: byA})
	s.mute = true
	s.now = s.now.Add(10 * time.Millisecond)
	s.says(Fault, 0)
	if w := s.m.Wish("web"); s.role() != Backup || !w.Waits || w.Since != s.now {
		t.Errorf("role %v, wish %+v at %d", s.role(), w, s.now)
	}
	s.step(OwnerRead{Group: "web", Began: s.now - 1, Ended: s.now + 1, Owner: byA})
	if s.role() != Backup {
		t.Error("it relies on a read that began before the word")
	}
	s.step(OwnerRead{Group: "web", Began: s.now + 1, Ended: s.now + 2, Owner: byA})
	s.want(Active, ReasonOwnerFault)
}

// TestAWordIsALevel: a standby whose own service recovers while the owner is in fault has
// not heard the edge, and claims all the same.
func TestAWordIsALevel(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(30*time.Second, Active)
	s.step(Health{Group: "web", Known: true, Healthy: false})
	s.says(Fault, 0)
	for range 20 {
		s.advance(time.Second)
		s.says(Fault, 110)
	}
	heard := s.now
	s.step(Health{Group: "web", Known: true, Healthy: true})
	s.want(Active, ReasonOwnerFault)
	if took := s.now.Sub(heard); took > 2*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// TestWhenAWordKeepsTheTimer: shortly after this node's own start or its stepping back, while
// a check of its own fails, when it is a backup's, and when somebody else holds the address.
func TestWhenAWordKeepsTheTimer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		owner Owner
		do    func(s *seat)
		waits bool
	}{
		{"nothing stands against it", byA, func(s *seat) { s.says(Fault, 0) }, false},
		{"a check of this node failed the last time", byA, func(s *seat) {
			s.step(LastCheck{Group: "web", Failed: true})
			s.says(Fault, 0)
			for range 10 {
				s.says(Fault, 110)
				s.advance(time.Second)
			}
		}, true},
		{"it has passed again", byA, func(s *seat) {
			s.step(LastCheck{Group: "web", Failed: true})
			s.says(Fault, 0)
			s.step(LastCheck{Group: "web"})
		}, false},
		{"it failed, and the owner says goodbye", byA, func(s *seat) {
			s.step(LastCheck{Group: "web", Failed: true})
			s.says(Initialize, 0)
		}, false},
		{"a stranger holds the address", Owner{Kind: OwnerForeign}, func(s *seat) { s.says(Fault, 0) }, true},
		{"the owner is a backup that cannot claim", byA, func(s *seat) {
			s.peer.group.Flags, s.peer.group.Priority = FlagHealthy, 0
			s.hear(Backup)
		}, true},
		{"this node has just started", byA, func(s *seat) {
			fresh := newSeat(s.t, byA, nil)
			fresh.says(Fault, 0)
			*s = *fresh
		}, true},
	} {
		s := newSeat(t, tt.owner, nil)
		s.hearFor(30*time.Second, Active)
		tt.do(s)
		if got := s.role() != Active; got != tt.waits {
			t.Errorf("%s: role %v", tt.name, s.role())
		}
	}
}

// TestTheChecksRunOnceMoreBesideTheRead, and one that fails before the write has left ends
// the claim; after that only the checks' own verdict does.
func TestTheChecksRunOnceMoreBesideTheRead(t *testing.T) {
	t.Parallel()
	for _, wrote := range []bool{false, true} {
		s := newSeat(t, byA, nil)
		s.hearFor(30*time.Second, Active)
		s.other = nil
		s.says(Fault, 0)
		s.says(Fault, 110)
		asked := 0
		for _, a := range s.other {
			if a.Kind == CheckNow {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("the checks are run %d times", asked)
		}
		if wrote {
			s.step(WriteSent{Group: "web"})
		}
		s.step(LastCheck{Group: "web", Failed: true})
		if got := s.role() == Active; got != wrote {
			t.Errorf("a write left %v: role %v (%v)", wrote, s.role(), s.reason())
		}
	}
}

// TestAtAWordTheBetterRankedGoesFirst: all standbys hear it at once, and one of them writes.
func TestAtAWordTheBetterRankedGoesFirst(t *testing.T) {
	t.Parallel()
	w := quietWorld("a", "b", "c")
	for _, name := range w.names {
		w.start(name)
	}
	w.run(30 * time.Second)
	w.step(w.nodes["a"], Health{Group: "web", Known: true, Healthy: false})
	w.run(5 * time.Second)
	if w.cloud.writes != 1 || w.cloud.owner != (Owner{OwnerNode, "c"}) {
		t.Errorf("%d writes, owner %v", w.cloud.writes, w.cloud.owner)
	}
}
