// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// wishReader makes the reads that a machine wishes for, in the place of the controller:
// one at a time, each when it is due. It knows how long the next one takes.
type wishReader struct {
	began, ended Instant // of the last read
	failed       bool
	flying       bool
}

// due returns when the next read is to begin, or never.
func (r *wishReader) due(now Instant, w Wish, takes time.Duration) Instant {
	at := never
	if w.News > r.began {
		at = now
	}
	retry, counts := max(now, w.Since), r.began >= w.Since
	switch {
	case r.failed:
		retry = max(now, r.began.Add(time.Second))
	case counts:
		retry = max(now, r.ended.Add(100*time.Millisecond))
	}
	if w.Waits && (!counts || !r.flying) {
		at = earliest(at, max(retry, w.Since))
	}
	if w.By != never && !(counts && r.began.Add(takes) >= w.By.Add(10*time.Millisecond-w.Age)) {
		at = earliest(at, max(retry, w.By.Add(-takes-10*time.Millisecond)))
	}
	if w.At != never && !r.flying {
		at = earliest(at, w.At)
	}
	return at
}

func (r *wishReader) begin(now Instant) { r.began, r.flying = now, true }

func (r *wishReader) end(ev OwnerRead) {
	if ev.Began >= r.began {
		r.flying = false
	}
	r.ended, r.failed = ev.Ended, ev.Failed
}

// TestAHandIsSeenByWhoeverReadsNext: at rest the nodes take turns, so a move by hand is
// seen within half a minute by one of them, and the node that leads hears of it.
func TestAHandIsSeenByWhoeverReadsNext(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, 10 * time.Second, 20 * time.Second, 29 * time.Second, 31 * time.Second, 45 * time.Second} {
		w := quietWorld("a", "b", "c")
		for _, name := range w.names {
			w.start(name)
		}
		w.run(5*time.Minute + wait)
		w.move(Owner{OwnerNode, "b"})
		w.run(restReadEvery + 5*time.Second)
		if role := w.nodes["b"].m.Role("web"); role != Active {
			t.Errorf("after %v: b is %s", wait, role)
		}
	}
}

// TestReadsGrowRarerAfterNews: ten in the first minute in which a peer is missing, and as
// many after the owner has changed; then the steady pace.
func TestReadsGrowRarerAfterNews(t *testing.T) {
	t.Parallel()
	w := quietWorld("a", "b")
	w.start("a")
	w.start("b")
	w.run(2 * time.Minute)
	w.crash("b")
	before := w.nodes["a"].hand.reads
	w.run(time.Minute)
	if got := w.nodes["a"].hand.reads - before; got < 7 || got > 11 {
		t.Errorf("%d reads in the first minute without the peer", got)
	}
	before = w.nodes["a"].hand.reads
	w.run(10 * time.Minute)
	if got := w.nodes["a"].hand.reads - before; got < 38 || got > 41 {
		t.Errorf("%d reads in ten minutes after that", got)
	}
}

// TestATimerIsWishedForBeforeItEnds: by a backup that has lost sight of whoever leads, and
// by nobody else.
func TestATimerIsWishedForBeforeItEnds(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(30*time.Second, Active)
	last := s.m.groups[0].peers[0].twoWayAt
	if by := s.m.Wish("web").By; by != never {
		t.Errorf("while the peer is heard, a read is wished for by %v", by.Sub(s.now))
	}
	s.mute = true
	s.advance(1600 * time.Millisecond)
	w := s.m.Wish("web")
	if got := w.By.Sub(last); got < 3500*time.Millisecond || got > 3610*time.Millisecond || w.At != never || w.News <= w.Since-2 {
		t.Errorf("by %v after the last advert; %+v", got, w)
	}
	s.step(Health{Group: "web", Known: true, Healthy: false})
	if by := s.m.Wish("web").By; by != never {
		t.Error("a node that may not lead wishes for a read by the end of its timer")
	}
}

// TestAnActiveNodeLooksWhenAPeerReadsOtherwise, once for each such read.
func TestAnActiveNodeLooksWhenAPeerReadsOtherwise(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.hearFor(time.Minute, Backup)
	if s.m.Role("web") != Active {
		t.Fatalf("b is %s", s.m.Role("web"))
	}
	s.mute = true
	before := s.m.Wish("web").News
	s.peer.group.Owner = OwnerReport{Owner: byA, Age: time.Hour}
	s.hear(Backup)
	if got := s.m.Wish("web").News; got != before {
		t.Error("an old read of the peer counts")
	}
	s.peer.group.Owner.Age = 10 * time.Millisecond
	s.advance(time.Second)
	s.hear(Backup)
	first := s.m.Wish("web").News
	if first != s.now {
		t.Errorf("news of %v", first.Sub(s.now))
	}
	s.peer.group.Owner.Age += 10 * time.Millisecond
	s.now = s.now.Add(10 * time.Millisecond)
	s.hear(Backup)
	if got := s.m.Wish("web").News; got != first {
		t.Error("the same read of the peer is news twice")
	}
}
