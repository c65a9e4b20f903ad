// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "testing"

// TestANodeWhoseWritesAreRefusedLeavesTheGroupToOthers, for as long as one of them could lead
// and is not refused itself: of two that are, each would wait for the other.
func TestANodeWhoseWritesAreRefusedLeavesTheGroupToOthers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		owner Owner
		flags Flags // of the peer
		want  Flags
	}{
		{"another could", byA, FlagHealthy | FlagCanClaim, FlagDenied},
		{"another could not", byA, FlagHealthy, FlagDenied | FlagCanClaim},
		{"another is refused too", byA, FlagHealthy | FlagCanClaim | FlagDenied, FlagDenied | FlagCanClaim},
	} {
		s := newSeat(t, tt.owner, nil)
		s.peer.group.Flags = tt.flags
		s.hearFor(5*s.m.cfg.Interval, Active)
		s.step(Identity{Group: "web", Known: true, Denied: true})
		s.hear(Active)
		if got := s.newest().Flags & (FlagDenied | FlagCanClaim); got != tt.want {
			t.Errorf("%s: it says %b, want %b", tt.name, got, tt.want)
		}
		why := s.m.OwnRefusal("web")
		if (why == ReasonWriteDenied) != (tt.want == FlagDenied) {
			t.Errorf("%s: it may not lead: %s", tt.name, why)
		}
	}
}

// TestAPeerWhoseWritesAreRefusedIsNoStandbyForThatReason.
func TestAPeerWhoseWritesAreRefusedIsNoStandbyForThatReason(t *testing.T) {
	t.Parallel()
	for flags, want := range map[Flags]Reason{
		FlagHealthy | FlagDenied:                ReasonWriteDenied,
		FlagHealthy:                             ReasonCannotClaim,
		FlagHealthy | FlagDenied | FlagCanClaim: ReasonNone,
	} {
		s := newSeat(t, byB, nil)
		s.peer.group.Flags = flags
		s.hear(Backup)
		if got := s.m.Refusals("web")["a"]; got != want {
			t.Errorf("%b: %s, want %s", flags, got, want)
		}
	}
}

// TestANodeWhoseWritesAreRefusedResumesWhatIsBoundToIt, which takes no write.
func TestANodeWhoseWritesAreRefusedResumesWhatIsBoundToIt(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*s.m.cfg.Interval, Active)
	s.step(Identity{Group: "web", Known: true, Denied: true})
	s.owner = byB
	s.hearFor(10*s.m.cfg.Interval, Backup)
	s.want(Active, ReasonResumedBound)
}
