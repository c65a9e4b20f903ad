// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// What the cloud has accepted is not a failed claim because reads are throttled: whoever
// took over would move the address a second time for one death (5.9).
func TestAnAcceptedWriteIsNotGivenUpForWantOfARead(t *testing.T) {
	t.Parallel()
	const settle = 2 * time.Second
	for _, tt := range []struct {
		name   string
		done   WriteDone
		peer   func(g *GroupAdvert, since time.Duration) // what it says of its reads that long after the write
		stays  time.Duration                             // it still leads after that
		leaves time.Duration                             // and then not any more; 0: it is not asked
		reason Reason
	}{
		{"nobody can read", WriteDone{}, nil, 72 * time.Second, 80 * time.Second, ReasonClaimFailed},
		{"a peer reads that it is here", WriteDone{}, func(g *GroupAdvert, _ time.Duration) {
			g.Owner = OwnerReport{Owner: byB, Age: time.Second}
		}, 72 * time.Second, 80 * time.Second, ReasonClaimFailed},
		{"a peer read before it must show", WriteDone{}, func(g *GroupAdvert, since time.Duration) {
			g.Owner = OwnerReport{Owner: byA, Age: since - settle + time.Second}
		}, 58 * time.Second, 0, 0},
		{"a peer reads that it never came", WriteDone{}, func(g *GroupAdvert, since time.Duration) {
			if since > settle+2*time.Second {
				g.Owner = OwnerReport{Owner: byA, Age: time.Second}
			}
		}, 4 * time.Second, 12 * time.Second, ReasonAPILost},
		{"it may take a while yet", WriteDone{More: true}, func(g *GroupAdvert, _ time.Duration) {
			g.Owner = OwnerReport{Owner: byA, Age: time.Second}
		}, 59 * time.Second, 80 * time.Second, 0},
		{"it only detached", WriteDone{Detach: true}, nil, 14 * time.Second, 20 * time.Second, ReasonClaimFailed},
	} {
		s := claimingSeat(t)
		s.m.groups[0].cfg.SettleTime = settle
		s.peer.group.Owner = OwnerReport{}
		s.hearFor(2*time.Second, Backup)
		s.step(WriteSent{Group: "web"})
		s.deaf = true
		wrote := s.now
		tt.done.Group, tt.done.Outcome = "web", WriteAccepted
		s.step(tt.done)
		hear := func(until time.Duration) {
			for s.now.Sub(wrote) < until {
				if tt.peer != nil {
					tt.peer(&s.peer.group, s.now.Sub(wrote))
				}
				s.hearFor(time.Second, Backup)
			}
		}
		if hear(tt.stays); s.role() != Active {
			t.Errorf("%s: %v (%v) %v after the write", tt.name, s.role(), s.reason(), tt.stays)
			continue
		}
		if tt.leaves == 0 {
			continue
		}
		hear(tt.leaves)
		if s.role() != Backup || tt.reason != 0 && s.reason() != tt.reason {
			t.Errorf("%s: %v (%v) %v after the write", tt.name, s.role(), s.reason(), tt.leaves)
		}
	}
}
