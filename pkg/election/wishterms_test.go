// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"testing"
	"time"
)

// restingSeat returns b as a backup that hears the owner a, for whom everything is at rest,
// and its group. No read is made any more but those of the test.
func restingSeat(t *testing.T) (*seat, *group) {
	t.Helper()
	s := newSeat(t, byA, nil)
	s.peer.group.Owner = OwnerReport{Owner: byA}
	s.hearFor(2*time.Minute, Active)
	s.mute = true
	return s, s.m.groups[0]
}

// TestWhatMakesAReadUrgent has one case for each.
func TestWhatMakesAReadUrgent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(m *Machine, g *group)
		want bool
	}{
		{"nothing", func(*Machine, *group) {}, false},
		{"an order", func(_ *Machine, g *group) { g.plan.ordered = true }, true},
		{"an offer", func(_ *Machine, g *group) { g.plan.offerFrom = 1 }, true},
		{"a stall", func(m *Machine, _ *group) { m.stalledAt = m.now }, true},
		{"a doubt", func(m *Machine, _ *group) { m.doubtedAt = m.now }, true},
		{"an owner that was never read", func(_ *Machine, g *group) { g.read = ownerRead{} }, true},
		{"a handover", func(_ *Machine, g *group) { g.role, g.plan.handover.To = Active, "a" }, true},
		{"a claim", func(_ *Machine, g *group) { g.role, g.step = Active, GoOn }, true},
		{"an active node that serves", func(_ *Machine, g *group) { g.role = Active }, false},
	} {
		s, g := restingSeat(t)
		g.step = Serve
		tt.do(s.m, g)
		if got := s.m.Wish("web").Urgent; got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestAReadMustHaveBegunAfterTheOwnWriteAndAStall: what passes the gate is wished for.
func TestAReadMustHaveBegunAfterTheOwnWriteAndAStall(t *testing.T) {
	t.Parallel()
	s := claimingSeat(t)
	s.mute = true
	s.step(WriteSent{Group: "web"})
	g := s.m.groups[0]
	over := s.now.Add(AttemptTimeout)
	if w, own := s.m.Wish("web").Since, s.m.Permit("web").Own; w != over+1 || own != over {
		t.Errorf("while a write is under way: since %v, the gate %v", w.Sub(s.now), own.Sub(s.now))
	}
	g.read = ownerRead{Owner: byA, began: s.now + 1, ended: s.now + 2}
	g.owningAt = never
	s.m.now += 3
	if s.m.readFresh(g) {
		t.Error("a read from before the end of the write counts")
	}
	s.now = s.now.Add(10 * time.Millisecond)
	s.step(WriteDone{Group: "web", Outcome: WriteRefused})
	if w := s.m.Wish("web").Since; w != s.now+1 {
		t.Errorf("after its answer: since %v", w.Sub(s.now))
	}
	s = claimingSeat(t)
	s.mute = true
	s.step(WriteSent{Group: "web"})
	over = s.now.Add(AttemptTimeout)
	s.step(Drain{Group: "web", Force: true}) // it does not lead any more, and the write may still arrive
	if w := s.m.Wish("web").Since; s.role() != Drained || w != over+1 {
		t.Errorf("after it stepped back (%v): since %v", s.role(), w.Sub(s.now))
	}
	s, _ = restingSeat(t)
	s.step(ClocksDisagree{By: time.Minute})
	if w := s.m.Wish("web").Since; w != s.now {
		t.Errorf("after a stall: since %v", w.Sub(s.now))
	}
}

// TestANodeThatCannotClaimPlacesNoReads before the end of its timer.
func TestANodeThatCannotClaimPlacesNoReads(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{true, false} {
		s, _ := restingSeat(t)
		s.step(Identity{Group: "web", Known: known})
		s.advance(2 * time.Second)
		if got := s.m.Wish("web").By != never; s.role() != Backup || got != known {
			t.Errorf("its target is known %v: a read is placed %v (%v)", known, got, s.role())
		}
	}
}

// TestWhatIsNotAtRest has one case for each.
func TestWhatIsNotAtRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(m *Machine, g *group)
		want bool
	}{
		{"all is as it should be", func(*Machine, *group) {}, true},
		{"a read failed", func(m *Machine, g *group) { m.ownerRead(g, OwnerRead{Began: m.now, Ended: m.now, Failed: true}) }, false},
		{"nobody is the owner", func(_ *Machine, g *group) { g.read.Owner = Owner{Kind: OwnerNone} }, false},
		{"a stranger is, and the node leads", func(_ *Machine, g *group) { g.role, g.read.Owner = Active, Owner{Kind: OwnerForeign} }, false},
		{"another than who leads is the owner", func(_ *Machine, g *group) { g.read.Owner = Owner{OwnerNode, "c"} }, false},
		{"the node itself is, and does not lead", func(_ *Machine, g *group) { g.read.Owner = byB }, false},
		{"it leads and is the owner", func(_ *Machine, g *group) { g.role, g.read.Owner = Active, byB }, true},
		{"it leads and is not", func(_ *Machine, g *group) { g.role = Active }, false},
		{"it leads, and the last read made it do something",
			func(_ *Machine, g *group) { g.role, g.read.Owner, g.step = Active, byB, Confirm }, false},
	} {
		s, g := restingSeat(t)
		g.step = Serve
		tt.do(s.m, g)
		if got := s.m.atRest(g); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestWhenTheTurnAtRestComes: the peers' reads count while they are heard, and no node
// waits for more than three turns.
func TestWhenTheTurnAtRestComes(t *testing.T) {
	t.Parallel()
	addr := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
	for _, tt := range []struct {
		name   string
		before []time.Duration // by how much each peer read before this node
		silent bool            // they are not heard any more
		want   time.Duration   // after this node's own read
	}{
		{"alone", nil, false, restReadEvery},
		{"one read ten seconds earlier", []time.Duration{10 * time.Second}, false, 2 * restReadEvery},
		{"and is not heard any more", []time.Duration{10 * time.Second}, true, restReadEvery},
		{"one read ten seconds later", []time.Duration{-10 * time.Second}, false, restReadEvery + 10*time.Second},
		{"one read so long ago that it cannot read", []time.Duration{(restTurns+1)*restReadEvery - 20*time.Second + 1}, false, restReadEvery},
		{"one read almost as long ago", []time.Duration{(restTurns+1)*restReadEvery - 20*time.Second}, false, 2 * restReadEvery},
		{"four read earlier", []time.Duration{10 * time.Second, 11 * time.Second, 12 * time.Second, 13 * time.Second}, false, restTurns * restReadEvery},
	} {
		s := newSeat(t, byA, func(c *Config) {
			c.Peers = nil
			for i := range tt.before {
				c.Peers = append(c.Peers, Peer{string(rune('c' + i)), addr(byte(10 + i))})
			}
		})
		s.mute = true
		s.now = s.now.Add(time.Minute)
		s.m.now = s.now
		g := s.m.groups[0]
		g.read = ownerRead{Owner: byA, began: s.now, ended: s.now}
		for i, d := range tt.before {
			pg := &g.peers[i]
			pg.Owner, pg.at = OwnerReport{Owner: byA, Age: 20*time.Second + d}, s.now.Add(20*time.Second)
			pg.twoWayAt = pg.at
			pg.goodbye = tt.silent
		}
		s.m.now = s.now.Add(20 * time.Second)
		if got := s.m.restLook(g).Sub(s.now); got != tt.want {
			t.Errorf("%s: after %v", tt.name, got)
		}
	}
}
