// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// announcing is a group that moves without a cloud call.
func announcing(c *Config) { c.Groups[0].NeedsAPI = false }

// TestAnOldReadThatNamesThisNodeMakesItNeitherResumeNorBound (simulator seed 900522): a
// successor whose last read, a hundred seconds old, named it said that it was bound, the
// old owner let go, and nobody served until the address had moved.
func TestAnOldReadThatNamesThisNodeMakesItNeitherResumeNorBound(t *testing.T) {
	t.Parallel()
	s := bootSeat(t, byB, true, announcing)
	s.hearFor(5*time.Second, Active)
	s.deaf = false
	s.hearFor(30*time.Second, Active) // who has just lost it, and takes it back while b does not read
	s.mute = true
	s.hearFor(100*time.Second, Active)
	s.peer.group.Handover = Handover{To: "b", ID: 7, Remaining: time.Minute}
	s.hear(Active)
	s.want(Active, ReasonSuccessor)
	if g := s.newest(); g.Role != Active || g.Flags.Has(FlagBound) {
		t.Errorf("it says %v with flags %b", g.Role, g.Flags)
	}
	s.owner = byA
	s.mute = false
	s.advance(2 * time.Second)
	if s.newest().Flags.Has(FlagBound) {
		t.Error("it says bound while the cloud names the old owner")
	}
	s.owner = byB
	s.advance(2 * time.Second)
	if !s.newest().Flags.Has(FlagBound) {
		t.Error("it does not say bound when the cloud names it")
	}
}

// TestTheReadByWhichANodeResumedMakesItBound, although it began before the node led.
func TestTheReadByWhichANodeResumedMakesItBound(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, announcing)
	s.hearFor(10*time.Second, Backup)
	s.want(Active, ReasonResumedBound)
	if !s.newest().Flags.Has(FlagBound) {
		t.Error("it does not say bound")
	}
}

// TestAStaleReadWithinSettleTimeIsIgnored, also after one that named this node: the answers
// need not come from one replica. A binding that the claim did not begin from is no stale
// one, and when the time is over every read counts.
func TestAStaleReadWithinSettleTimeIsIgnored(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		after time.Duration
		owner Owner
		token string
		stays bool
	}{
		{"stale", time.Second, byA, "1", true},
		{"another binding of the same machine", time.Second, byA, "3", false},
		{"somebody else", time.Second, Owner{OwnerNode, "c"}, "1", false},
		{"after the time", 6 * time.Second, byA, "1", false},
	} {
		s := newSeat(t, byA, func(c *Config) {
			c.Groups[0].SettleTime = 5 * time.Second
			c.Peers = append(c.Peers, Peer{"c", c.Peers[0].Address.Next().Next()})
		})
		token := "1"
		s.read = func(ev *OwnerRead) { ev.Version = token }
		s.hearFor(30*time.Second, Active)
		s.advance(5 * time.Second)
		s.want(Active, ReasonOwnerSilent)
		s.step(WriteSent{Group: "web"})
		s.owner, token = byB, "2"
		s.step(WriteDone{Group: "web", Outcome: WriteAccepted})
		s.advance(10 * time.Millisecond)
		if !s.newest().Flags.Has(FlagBound) {
			t.Fatalf("%s: it is not bound", tt.name)
		}
		s.mute = true
		s.advance(tt.after)
		s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now + 1, Owner: tt.owner, Version: tt.token})
		if got := s.role() == Active; got != tt.stays {
			t.Errorf("%s: role %v (%v)", tt.name, s.role(), s.reason())
		}
	}
}

// TestReplicasThatDisagreeForEverChangeTheRoleOnce: every other answer names the silent
// owner of before, long after SettleTime. The first one displaces this node; after that it
// takes two in a row, two seconds apart.
func TestReplicasThatDisagreeForEverChangeTheRoleOnce(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(30*time.Second, Active)
	s.advance(5 * time.Second)
	s.want(Active, ReasonOwnerSilent)
	s.owner = byB
	s.advance(time.Minute)
	n := 0
	s.read = func(ev *OwnerRead) {
		if n++; n%2 == 0 {
			ev.Owner = byA
		}
	}
	s.roles = nil
	s.advance(2 * time.Minute)
	if len(s.roles) > 2 || s.role() != Active {
		t.Errorf("%d changes of role in two minutes; it is %v", len(s.roles), s.role())
	}
	s.read = func(ev *OwnerRead) { ev.Owner = byA } // it was really taken
	s.advance(20 * time.Second)
	if s.role() != Backup {
		t.Errorf("all answers name another node, and it is %v", s.role())
	}
}

// TestASeriesWhoseReadsFailedIsOver: this node announced, its reads then failed for longer
// than the network needs to take notice, and the first that works again names the silent
// owner of before. That one may have taken it back in good faith, so this node does not take
// it again (invariant 2): it waits for reads begun SettleTime later, and steps back.
func TestASeriesWhoseReadsFailedIsOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fails time.Duration
		owner Owner // by the reads that work again
		role  Role
	}{
		{"for long, and the owner of before has it", 10 * time.Second, byA, Backup},
		{"for long, and this node has it", 10 * time.Second, byB, Active},
		{"for a moment", 500 * time.Millisecond, byA, Active},
	} {
		s := newSeat(t, byA, func(c *Config) { announcing(c); c.Groups[0].SettleTime = 2 * time.Second })
		s.hearFor(30*time.Second, Active)
		s.advance(5 * time.Second)
		s.want(Active, ReasonOwnerSilent)
		s.step(WriteSent{Group: "web"})
		s.step(WriteDone{Group: "web", Outcome: WriteAccepted, More: true})
		s.advance(20 * time.Millisecond) // a read that does not show it yet
		s.mute = true
		s.advance(tt.fails)
		s.step(OwnerRead{Group: "web", Began: s.now - 1, Ended: s.now, Failed: true})
		s.advance(time.Second / 100)
		s.owner, s.mute = tt.owner, false
		s.step(OwnerRead{Group: "web", Began: s.now - 1, Ended: s.now, Owner: tt.owner})
		if hold := s.m.Permit("web").Hold; tt.role == Backup && hold != ReasonConfirming {
			t.Errorf("%s: it would announce again, hold %q", tt.name, hold)
		}
		s.advance(5 * time.Second)
		if s.role() != tt.role {
			t.Errorf("%s: role %v (%v)", tt.name, s.role(), s.reason())
		}
	}
}

// TestOneFailedReadIsNoLostAPI: a successor whose last read failed, and that has not read
// since, does not give the role up in the step in which it takes it.
func TestOneFailedReadIsNoLostAPI(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*Config){announcing, nil} {
		s := newSeat(t, byA, change)
		s.hearFor(2*time.Minute, Active)
		s.mute = true
		s.step(OwnerRead{Group: "web", Began: s.now - 1, Ended: s.now, Failed: true})
		s.hearFor(6*time.Second, Active)
		s.mute = false
		s.peer.group.Owner = OwnerReport{Owner: byA, Age: time.Second}
		s.peer.group.Handover = Handover{To: "b", ID: 7, Remaining: time.Minute}
		s.hear(Active)
		s.advance(100 * time.Millisecond)
		s.want(Active, ReasonSuccessor)
	}
}

// TestAReadThatIsJudgedAgainIsNoAnswerOfTheCloud: it names another owner, and the failures
// since it was made stand.
func TestAReadThatIsJudgedAgainIsNoAnswerOfTheCloud(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(time.Minute, Active)
	s.mute = true
	read := OwnerRead{Group: "web", Began: s.now - 2, Ended: s.now - 1, Owner: byA}
	s.step(read)
	s.step(OwnerRead{Group: "web", Began: s.now - 1, Ended: s.now, Failed: true})
	read.Owner, read.Again = Owner{Kind: OwnerForeign}, true
	s.step(read)
	if got := s.m.Status().Groups[0]; got.Owner != read.Owner || got.APIFailing == never {
		t.Errorf("the owner is %+v, calls fail since %v", got.Owner, got.APIFailing)
	}
}

// TestAfterAStallAReadIsWaitedFor also where a move needs no cloud call.
func TestAfterAStallAReadIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*Config){announcing, nil} {
		s := newSeat(t, byA, change)
		s.hearFor(2*time.Minute, Active)
		s.deaf = true
		s.step(ClocksDisagree{By: time.Minute})
		s.hearFor(3*time.Second, Active)
		s.advance(2 * time.Minute) // a is gone, and so is the API
		s.deaf = false
		began := s.now
		s.untilLeads(10 * time.Second)
		if took := s.now.Sub(began); took > 1100*time.Millisecond {
			t.Errorf("it leads %v after the API answers again", took)
		}
	}
}

// untilLeads lets time pass, with the reads that are wished for, until b leads.
func (s *seat) untilLeads(limit time.Duration) {
	s.t.Helper()
	for end := s.now.Add(limit); s.role() != Active && s.now < end; {
		s.advance(10 * time.Millisecond)
	}
	if s.role() != Active {
		s.t.Fatalf("after %v it is %v, holds %v", limit, s.role(), s.held())
	}
}
