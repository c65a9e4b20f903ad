// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// TestAnAnnouncementThatMayHaveComeAndGone has one case for each term of the rule: this node
// leads what moves by announcement, has announced it, no read has shown it here, and reads
// failed for longer than the network needs to take notice. Reads that fail once more do not
// put off what is decided then, for nothing is announced meanwhile.
func TestAnAnnouncementThatMayHaveComeAndGone(t *testing.T) {
	t.Parallel()
	const settle = 5 * time.Second
	for _, tt := range []struct {
		name string
		do   func(g *group, now Instant)
		want bool
	}{
		{"all of that", func(*group, Instant) {}, true},
		{"it does not lead", func(g *group, _ Instant) { g.role = Backup }, false},
		{"a call moves it", func(g *group, _ Instant) { g.cfg.NeedsAPI = true }, false},
		{"a read has shown it here", func(g *group, _ Instant) { g.claim.saidMe = true }, false},
		{"it has announced nothing", func(g *group, _ Instant) { g.claim.ackedAt = never }, false},
		{"no read failed", func(g *group, _ Instant) { g.failingAt = never }, false},
		{"it announced just now", func(g *group, now Instant) { g.claim.ackedAt = now.Add(-settle) }, false},
		{"it was read just before", func(g *group, now Instant) { g.read.began = now.Add(-settle) }, false},
		{"a network that needs no time is given a second", func(g *group, now Instant) {
			g.cfg.SettleTime, g.claim.ackedAt = 0, now.Add(-noticeFloor)
		}, false},
		{"a network that needs no time had it", func(g *group, now Instant) {
			g.cfg.SettleTime, g.claim.ackedAt = 0, now.Add(-noticeFloor-1)
		}, true},
	} {
		s, g := restingSeat(t)
		s.now = s.now.Add(time.Minute)
		s.m.now = s.now
		g.cfg.NeedsAPI, g.cfg.SettleTime = false, settle
		g.role, g.failingAt, g.claim.ackedAt = Active, s.now.Add(-20*time.Second), s.now.Add(-30*time.Second)
		g.read.began = s.now.Add(-25 * time.Second)
		tt.do(g, s.now)
		s.m.noteUnseen(g, OwnerRead{Began: s.now, Ended: s.now, Owner: byA})
		if got := g.claim.unseenAt != never; got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		first := g.claim.unseenAt
		s.m.now = s.now.Add(time.Minute)
		g.failingAt = s.now.Add(time.Second)
		s.m.noteUnseen(g, OwnerRead{Began: s.m.now, Ended: s.m.now, Owner: byA})
		if tt.want && g.claim.unseenAt != first {
			t.Errorf("%s: after another failure it counts from %v later", tt.name, g.claim.unseenAt.Sub(first))
		}
	}
}

// TestWhatReadsShowAfterThatIsBelievedWhenItIsNoOlder: a read begun before SettleTime is over
// confirms nothing but that the address is here.
func TestWhatReadsShowAfterThatIsBelievedWhenItIsNoOlder(t *testing.T) {
	t.Parallel()
	const settle = 5 * time.Second
	for _, tt := range []struct {
		name  string
		after time.Duration
		owner Owner
		step  OwnershipStep
	}{
		{"too early", settle - 1, Owner{Kind: OwnerNone}, Confirm},
		{"here already", settle - 1, byB, Serve},
		{"late enough", settle, Owner{Kind: OwnerNone}, Bind},
	} {
		s, g := restingSeat(t)
		s.m.now = s.now.Add(time.Minute)
		g.cfg.NeedsAPI, g.cfg.SettleTime, g.role = false, settle, Active
		g.claim.from, g.claim.unseenAt = byA, s.m.now.Add(-10*time.Second)
		began := g.claim.unseenAt.Add(tt.after)
		s.m.ownerRead(g, OwnerRead{Began: began, Ended: began, Owner: tt.owner})
		if g.step != tt.step {
			t.Errorf("%s: step %d, want %d", tt.name, g.step, tt.step)
		}
	}
}
