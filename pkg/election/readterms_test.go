// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// justRead gives the machine the end of a read that began so long ago and took so long.
func (s *seat) justRead(ago, took time.Duration, owner Owner) {
	s.t.Helper()
	s.step(OwnerRead{Group: "web", Began: s.now.Add(-ago), Ended: s.now.Add(took - ago), Owner: owner})
}

// TestAnOlderReadReplacesNoNewerOne: they are under way side by side.
func TestAnOlderReadReplacesNoNewerOne(t *testing.T) {
	t.Parallel()
	s, g := restingSeat(t)
	s.now = s.now.Add(time.Second)
	s.justRead(20*time.Millisecond, 10*time.Millisecond, byA)
	began := g.read.began
	s.justRead(800*time.Millisecond, 800*time.Millisecond, Owner{Kind: OwnerNone})
	if g.read.Owner != byA || g.read.began != began {
		t.Errorf("the owner is %+v", g.read)
	}
}

// TestTheTimeOfRow10BeginsWithAFreshRead: one that took too long tells nothing of now.
func TestTheTimeOfRow10BeginsWithAFreshRead(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]bool{AttemptTimeout: true, AttemptTimeout + 1: false} {
		s, g := restingSeat(t)
		s.now = s.now.Add(500 * time.Millisecond)
		g.incumbentSince, g.owningAt = never, never
		s.justRead(took, took, byA)
		if got := g.incumbentSince != never; got != want {
			t.Errorf("after a read of %v it has begun: %v", took, got)
		}
	}
}

// TestAReadOfManyCallsIsAsSlowAsTheSlowestOfThem and not as the time from the first to the
// last, which begin at no one moment.
func TestAReadOfManyCallsIsAsSlowAsTheSlowestOfThem(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]bool{AttemptTimeout: true, AttemptTimeout + 1: false} {
		s, g := restingSeat(t)
		g.owningAt = never
		s.now = s.now.Add(500 * time.Millisecond)
		s.step(OwnerRead{Group: "web", Began: s.now.Add(-AttemptTimeout - 1), Ended: s.now, Took: took, Owner: byA})
		if got := s.m.readFresh(g); got != want {
			t.Errorf("with %v the read counts: %v", took, got)
		}
	}
}

// TestWhatIsKnownOfAStoppedMachine is the newest word of the cloud on the present owner.
func TestWhatIsKnownOfAStoppedMachine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(s *seat)
		want bool
	}{
		{"an older answer tells nothing", func(s *seat) {
			s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now - 1})
		}, true},
		{"a newer one does", func(s *seat) {
			s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now + 1})
		}, false},
		{"it says nothing of the next owner", func(s *seat) {
			s.justRead(0, 0, Owner{Kind: OwnerForeign})
		}, false},
		{"nor of the same one later", func(s *seat) {
			s.justRead(0, 0, Owner{Kind: OwnerNone})
			s.justRead(0, 0, byA)
		}, false},
	} {
		s, g := restingSeat(t)
		s.now = s.now.Add(10 * time.Millisecond)
		s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now, Stopped: true})
		if !s.m.ownerStopped(g) {
			t.Fatal("the cloud's word does not count")
		}
		tt.do(s)
		if got := s.m.ownerStopped(g); got != tt.want {
			t.Errorf("%s: stopped %v", tt.name, got)
		}
	}
}

// TestWhatWasTakenStaysTaken: the next read, which compares with the last one, does not say
// so again.
func TestWhatWasTakenStaysTaken(t *testing.T) {
	t.Parallel()
	s := claimingSeat(t)
	s.mute = true
	g := s.m.groups[0]
	for _, taken := range []bool{true, false} {
		s.now = s.now.Add(10 * time.Millisecond)
		s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now, Owner: Owner{Kind: OwnerForeign}, Taken: taken})
	}
	if s.role() != Active || !g.claim.taken {
		t.Errorf("role %v, step %v, taken %v", s.role(), g.step, g.claim.taken)
	}
}

// TestHowLongAWriteCounts: as long as a move may run where it goes on, and otherwise as long
// as reads may lag; one that came to nothing counts no more, and is looked at.
func TestHowLongAWriteCounts(t *testing.T) {
	t.Parallel()
	for more, want := range map[bool]time.Duration{true: time.Minute, false: 15 * time.Second} {
		s := newSeat(t, byA, func(c *Config) { c.Groups[0].SettleTime = 15 * time.Second })
		s.hearFor(10*time.Second, Active)
		s.untilRole(Active, 10*time.Second)
		s.mute = true
		g := s.m.groups[0]
		s.step(WriteSent{Group: "web"})
		s.step(WriteDone{Group: "web", Outcome: WriteAccepted, More: more})
		if got := g.claim.sentUntil.Sub(s.now); got != want {
			t.Errorf("it goes on %v: it counts for %v", more, got)
		}
		s.now = s.now.Add(time.Second)
		s.step(MoveFailed{Group: "web"})
		if w := s.m.Wish("web"); w.News != s.now || g.claim.sentAt != never || g.claim.ackedAt != never {
			t.Errorf("after it failed: news of %v, sent %v, acknowledged %v", s.now.Sub(w.News), g.claim.sentAt, g.claim.ackedAt)
		}
	}
}

// TestAnOrderWaitsForNoRank: whoever gave it has chosen.
func TestAnOrderWaitsForNoRank(t *testing.T) {
	t.Parallel()
	nobody := Owner{Kind: OwnerNone}
	s := newSeat(t, nobody, nil)
	s.peer.group.Owner = OwnerReport{Owner: nobody}
	s.hear(Backup)
	if s.role() != Backup || s.m.rank(s.m.groups[0]) != 1 {
		t.Fatalf("role %v, rank %d", s.role(), s.m.rank(s.m.groups[0]))
	}
	began := s.now
	s.step(Assign{Group: "web"})
	if took := s.now.Sub(began); s.role() != Active || took > 2*time.Millisecond {
		t.Errorf("role %v (%v) after %v", s.role(), s.held(), took)
	}
}

// TestAServiceSpeaksForASilentOwnerOnly, from the first advert of one that is heard.
func TestAServiceSpeaksForASilentOwnerOnly(t *testing.T) {
	t.Parallel()
	for heard, want := range map[bool]bool{true: false, false: true} {
		s, g := restingSeat(t)
		if !heard {
			s.advance(10 * time.Second)
		}
		s.step(ServiceProbed{Group: "web", OK: true})
		if got := s.m.takeoverFacts(g).ServiceUp; got != want {
			t.Errorf("the owner is heard %v: %v", heard, got)
		}
	}
}
