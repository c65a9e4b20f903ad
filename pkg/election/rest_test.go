// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// TestALatchOnAPeerThatIsHeardIsNoRest: a reload may have removed the group there, so that
// its adverts say nothing of it and do not end the latch.
func TestALatchOnAPeerThatIsHeardIsNoRest(t *testing.T) {
	t.Parallel()
	s, g := restingSeat(t)
	s.step(Tick{})
	if g.missingAt != never || s.m.suspicious(g, 0) {
		t.Fatal("it is not at rest")
	}
	s.m.latch(g, 0)
	s.step(Tick{})
	if w := s.m.Wish("web"); g.missingAt != s.now || w.News <= g.peers[0].twoWayAt {
		t.Errorf("missing since %v, news of %v", g.missingAt.Sub(s.now), w.News.Sub(s.now))
	}
}

// TestAReadThatSaysNothingIsNoReasonToReadAtOnce: at rest, with a cloud that may show the
// previous owner for long, the read is ignored and the turn of this node stands where it was.
func TestAReadThatSaysNothingIsNoReasonToReadAtOnce(t *testing.T) {
	t.Parallel()
	s, g := restingSeat(t)
	g.cfg.SettleTime = time.Hour
	g.role, g.step, g.read.Owner = Active, Serve, byB
	g.claim.from, g.claim.ackedAt = byA, s.now
	g.newsAt = never
	s.now = s.now.Add(10 * time.Minute)
	s.m.now, s.m.lastLeft = s.now, s.now
	g.peers[0].twoWayAt, g.peers[0].at, g.peers[0].Owner.Kind = s.now, s.now, OwnerUnknown
	s.m.ownerRead(g, OwnerRead{Began: s.now, Ended: s.now, Owner: byA})
	if !s.m.atRest(g) || g.read.began == s.now {
		t.Fatalf("at rest %v, read %+v", s.m.atRest(g), g.read)
	}
	if at := s.m.nextLook(g).Sub(s.now); at != uneasyReadEvery {
		t.Errorf("it reads again after %v", at)
	}
}

// TestALostAdvertCostsNoMoreReadsWhereAnotherPeerIsMissing: when it is heard again, the reads are
// spaced as they were, by how long the other has been missing. (Histories 6819 and 9567)
func TestALostAdvertCostsNoMoreReadsWhereAnotherPeerIsMissing(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, withC)
	s.hearC()
	s.hearFor(5*time.Minute, Active)
	s.reads = 0
	s.advance(2 * time.Second) // one advert of a is lost
	s.hearFor(28*time.Second, Active)
	if s.reads > 5 {
		t.Errorf("%d reads in half a minute", s.reads)
	}
}
