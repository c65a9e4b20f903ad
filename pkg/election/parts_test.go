// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// manySeat is a seat with so many groups, the VRIDs 1 and up; group 1 is called web.
func manySeat(t testing.TB, groups int) *seat {
	t.Helper()
	s := newSeat(t, byA, func(c *Config) {
		first := c.Groups[0]
		c.Groups = nil
		for i := range groups {
			g := first
			if g.VRID = uint8(i + 1); i > 0 {
				g.Name = fmt.Sprint("web", i+1)
			}
			c.Groups = append(c.Groups, g)
		}
	})
	s.peer.group.VRID = 1
	for _, g := range s.m.groups[1:] {
		s.step(Identity{Group: g.cfg.Name, Known: true})
		s.step(Health{Group: g.cfg.Name, Known: true, Healthy: true})
		s.step(OwnerRead{Group: g.cfg.Name, Began: s.now, Ended: s.now, Owner: byA})
	}
	return s
}

// part delivers a part of a's advert of that sequence, with these VRIDs of so many.
func (s *seat) part(sequence uint64, echo Mark, total int, vrids ...uint8) {
	s.t.Helper()
	a := &Advert{
		Cluster: "test", From: "a", FromAddress: s.m.peers[0].Address, To: "b", Session: s.peer.session,
		Sequence: sequence, Interval: s.peer.interval, Echo: echo, Hello: s.peer.hello, Total: uint8(total),
	}
	for _, v := range vrids {
		g := s.peer.group
		g.VRID, g.Role = v, Active
		a.Groups = append(a.Groups, g)
	}
	s.step(Received{a})
}

// TestAHelloCountsInAllPartsOfItsAdvert: the session is accepted by the first part that comes,
// and only by its hello can it prove that it hears this node. (History 413)
func TestAHelloCountsInAllPartsOfItsAdvert(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 3)
	s.peer.hello = s.heard
	s.part(1, Mark{}, 3, 2)
	s.part(1, Mark{}, 3, 3, 1)
	s.wantFresh("after the first advert", 1, 2, 3)
	s.advance(10 * time.Second)
	s.part(9, Mark{}, 3, 1)
	s.wantFresh("after one that proves nothing")
}

// fresh returns which groups hear a.
func (s *seat) fresh() (vrids []uint8) {
	for _, g := range s.m.groups {
		if s.m.fresh(g, 0) {
			vrids = append(vrids, g.cfg.VRID)
		}
	}
	return vrids
}

func (s *seat) wantFresh(when string, want ...uint8) {
	s.t.Helper()
	if got := s.fresh(); !slices.Equal(got, want) {
		s.t.Errorf("%s: heard in %v, want %v", when, got, want)
	}
}

func (s *seat) wantRefused(when string, want ...Reason) {
	s.t.Helper()
	if got := s.refused(); !slices.Equal(got, want) {
		s.t.Errorf("%s: refused %v, want %v", when, got, want)
	}
}

// TestPartsCountInAnyOrder, each for its groups, and once.
func TestPartsCountInAnyOrder(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 4)
	s.part(1, s.heard, 4, 1, 2)
	s.part(1, s.heard, 4, 3, 4)
	s.wantFresh("both parts of the first advert", 1, 2, 3, 4)
	s.wantRefused("so far")
	s.advance(3 * time.Second)
	late := s.heard
	s.advance(2 * time.Second)
	s.wantFresh("silence")
	s.part(3, s.heard, 4, 3, 4)
	s.part(2, s.heard, 4, 1, 2)
	s.wantFresh("a part of an advert before the newest", 1, 2, 3, 4)
	s.wantRefused("a part that comes late")
	s.part(3, s.heard, 4, 3, 4)
	s.part(2, s.heard, 4, 1, 2)
	s.wantRefused("each once more", ReasonReplayed, ReasonReplayed)
	if s.m.peers[0].sequence != 3 {
		t.Errorf("the newest sequence is %d", s.m.peers[0].sequence)
	}
	s.advance(4 * time.Second)
	s.part(5, s.heard, 4, 3, 4)
	s.part(4, late, 4, 1, 2)
	s.wantFresh("a part whose echo is old", 3, 4)
	if g := s.m.groups[0]; !s.m.heard(g, 0) || s.m.prolonged(g, 0) != ReasonOneWayLink {
		t.Error("a part whose echo is old is not one-way")
	}
}

// TestThePartsOfAnAdvertFallSilentTogether, so that their owners are read in one batch.
func TestThePartsOfAnAdvertFallSilentTogether(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 2)
	s.part(1, s.heard, 2, 1)
	s.now = s.now.Add(2 * time.Millisecond)
	s.part(1, s.heard, 2, 2)
	first, second := s.m.groups[0], s.m.groups[1]
	if first.peers[0].twoWayAt != second.peers[0].twoWayAt || first.activeDownAt != second.activeDownAt {
		t.Errorf("heard at %v and %v, timers to %v and %v", first.peers[0].twoWayAt, second.peers[0].twoWayAt, first.activeDownAt, second.activeDownAt)
	}
}

// TestAPartThatIsAlwaysLostIsSilence of its groups: their last word does not stand for ever.
func TestAPartThatIsAlwaysLostIsSilence(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 2)
	for sequence := uint64(1); sequence < 60; sequence++ {
		if s.part(sequence, s.heard, 2, 2); sequence < 10 {
			s.part(sequence, s.heard, 2, 1)
		}
		s.advance(time.Second)
	}
	s.want(Active, ReasonOwnerSilent)
	if s.m.Role("web2") != Backup {
		t.Errorf("the group that is heard is %v", s.m.Role("web2"))
	}
	s.wantFresh("in the end", 2)
}

// TestAGroupTheOwnerDoesNotKnowStays, and what the owner says of other groups tells so. Where a
// part is lost nothing is known, and it is silence.
func TestAGroupTheOwnerDoesNotKnowStays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		total int
		want  Role
	}{
		{"all that it has was heard", 1, Backup},
		{"some of what it has was not", 2, Active},
	} {
		s := manySeat(t, 2)
		for sequence := uint64(1); sequence < 30; sequence++ {
			s.part(sequence, s.heard, tt.total, 2)
			s.advance(time.Second)
		}
		if s.role() != tt.want {
			t.Errorf("%s: %v, held by %v", tt.name, s.role(), s.held())
		}
		if tt.want != Backup {
			continue
		}
		if s.held() != ReasonUnknownThere || s.m.Refusals("web")["a"] != ReasonUnknownThere || !s.m.Status().Groups[0].Nodes[0].Lacks {
			t.Errorf("%s: held by %v, refused for %v", tt.name, s.held(), s.m.Refusals("web")["a"])
		}
		s.untilRole(Active, 10*time.Second)
		s.want(Active, ReasonOwnerSilent)
	}
}

// TestOneLineForEachBadPart.
func TestOneLineForEachBadPart(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 3)
	s.part(1, s.heard, 3, 1, 2)
	s.refused()
	s.part(1, s.heard, 3, 2, 3)
	s.wantRefused("a group in two parts of one advert", ReasonMalformed)
	s.wantFresh("of its other groups", 1, 2, 3)
	s.part(2, s.heard, 60, 1, 40, 50, 60)
	s.wantRefused("groups that nobody configured", ReasonUnknownGroup)
	s.part(3, s.heard, 3)
	s.wantRefused("a part without groups")
	s.part(3, s.heard, 3)
	s.wantRefused("once more", ReasonReplayed)
	for i := range uint64(100) { // in any order for ever
		s.part(100-i, s.heard, 3, uint8(1+i%3))
	}
	s.wantRefused("all those that came late", slices.Repeat([]Reason{ReasonReplayed}, 97)...)
	if s.role() != Backup {
		t.Errorf("the role is %v", s.role())
	}
}

// TestWhatWasRecordedBeforeCountsInNoGroup: neither in one that no newer word was heard of when
// the session was accepted, nor in one that a reload adds.
func TestWhatWasRecordedBeforeCountsInNoGroup(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 2)
	s.part(50, s.heard, 2, 1)
	s.part(49, s.heard, 2, 2)
	s.wantRefused("of before the session was accepted", ReasonReplayed)
	s.part(50, s.heard, 2, 2)
	s.wantFresh("of then", 1, 2)

	cfg := s.m.cfg
	added := cfg.Groups[0]
	added.Name, added.VRID = "added", 3
	cfg.Groups = append(cfg.Groups[:2:2], added)
	s.step(Reload{cfg})
	s.part(50, s.heard, 3, 3)
	s.wantRefused("of before the reload", ReasonReplayed)
	s.part(51, s.heard, 3, 3)
	s.wantFresh("of after the reload", 1, 2, 3)
}

// TestARecoveringNodeWaitsForTheWordOfEachGroup: that a peer hears it again in one group says
// nothing of who leads another.
func TestARecoveringNodeWaitsForTheWordOfEachGroup(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 2)
	s.part(1, s.heard, 2, 1, 2)
	s.advance(time.Second)
	s.now = s.now.Add(20 * time.Second)
	s.step(Tick{})
	s.part(2, s.heard, 2, 1)
	if !s.m.recovering() {
		t.Error("it has recovered by the word of one group")
	}
	s.part(2, s.heard, 2, 2)
	if s.m.recovering() {
		t.Error("it has not recovered")
	}
}

// TestAnAdvertInPartsIsAnsweredOnce: a node that starts hears several of a session that it
// cannot accept yet, and has five answers a second.
func TestAnAdvertInPartsIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 8)
	s.sent = nil
	for v := range uint8(8) {
		s.part(7, Mark{}, 8, v+1)
	}
	if len(s.sent) != 1 || s.sent[0].Hello != (Mark{s.peer.session, 7}) {
		t.Errorf("%d answers: %+v", len(s.sent), s.sent)
	}
}

// TestARosterIsWhatWasHeardOfEachGroup.
func TestARosterIsWhatWasHeardOfEachGroup(t *testing.T) {
	t.Parallel()
	type said struct {
		sequence uint64
		total    uint8
		vrids    []uint8
	}
	for _, tt := range []struct {
		name  string
		said  []said
		lacks bool // group 9
	}{
		{"a part is missing", []said{{1, 3, []uint8{1, 2}}}, false},
		{"all parts", []said{{1, 3, []uint8{1, 2}}, {1, 3, []uint8{3}}}, true},
		{"in any order", []said{{3, 3, []uint8{3}}, {3, 3, []uint8{1, 2}}}, true},
		{"of different adverts", []said{{1, 3, []uint8{1, 2}}, {2, 3, []uint8{3}}}, true},
		{"with the group", []said{{1, 3, []uint8{1, 2}}, {1, 3, []uint8{9}}}, false},
		{"twice the same", []said{{1, 3, []uint8{1, 2}}, {2, 3, []uint8{1, 2}}}, false},
		{"the file is cut", []said{{1, 3, []uint8{1, 2, 9}}, {2, 2, []uint8{1, 2}}}, true},
		{"what left before comes late", []said{{1, 3, []uint8{1, 2, 9}}, {3, 2, []uint8{1, 2}}, {2, 3, []uint8{1, 2, 9}}}, true},
		{"another group takes its place", []said{{1, 3, []uint8{1, 2, 9}}, {2, 3, []uint8{1, 2, 3}}}, true},
		{"in another part", []said{{1, 3, []uint8{1, 2}}, {1, 3, []uint8{9}}, {2, 3, []uint8{1, 2}}, {2, 3, []uint8{3}}}, false},
		{"until all parts were heard", []said{{1, 3, []uint8{1, 2, 9}}, {2, 3, []uint8{3}}, {2, 3, []uint8{1, 2}}}, true},
		{"it comes into the file", []said{{1, 2, []uint8{1, 2}}, {2, 3, []uint8{1, 2}}, {2, 3, []uint8{9}}}, false},
		{"no group at all", []said{{1, 0, nil}}, true},
		{"more than there are, in one advert", []said{{1, 1, []uint8{1, 2}}}, false},
	} {
		var r roster
		for i, a := range tt.said {
			advert := &Advert{Sequence: a.sequence, Total: a.total}
			for _, v := range a.vrids {
				advert.Groups = append(advert.Groups, GroupAdvert{VRID: v})
			}
			if i == 0 {
				r.begin(advert, 0)
			}
			r.note(advert, 0)
		}
		if got := r.lacks(9); got != tt.lacks {
			t.Errorf("%s: lacks it %v; %+v", tt.name, got, r)
		}
	}
}

// hundred is an advert of 100 groups, as a standby hears it each interval.
func hundred(t testing.TB) (*seat, *Advert) {
	s := manySeat(t, 100)
	a := &Advert{
		Cluster: "test", From: "a", FromAddress: s.m.peers[0].Address, To: "b", Session: s.peer.session,
		Sequence: 1, Interval: time.Second, Echo: s.heard, Total: 100,
	}
	for _, g := range s.m.groups {
		rec := s.peer.group
		rec.VRID, rec.Role = g.cfg.VRID, Active
		a.Groups = append(a.Groups, rec)
	}
	for range 100 {
		s.now = s.now.Add(time.Second)
		a.Sequence++
		s.carry(a, s.m.Step(s.now, Received{a}))
	}
	return s, a
}

func TestAnAdvertOfAHundredGroupsAllocatesNothing(t *testing.T) {
	s, a := hundred(t)
	if n := testing.AllocsPerRun(500, func() { s.hearOn(a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkStepHundred is one advert of 100 groups on a standby, with one of its own every
// fiftieth time.
func BenchmarkStepHundred(b *testing.B) {
	s, a := hundred(b)
	b.ReportAllocs()
	for b.Loop() {
		s.hearOn(a)
	}
}

// TestAPartThatIsUnderWayIsNotOld: what may be refused before its signature is checked is only
// what has certainly come.
func TestAPartThatIsUnderWayIsNotOld(t *testing.T) {
	t.Parallel()
	s := manySeat(t, 2)
	old := func(sequence uint64) Reason { return s.m.Old("a", s.peer.session, sequence) }
	for _, tt := range []struct {
		name     string
		sequence uint64
		vrids    []uint8
		asked    uint64
		old      Reason
	}{
		{"one of two parts came, with a group that is not ours", 101, []uint8{1, 99}, 101, ReasonNone},
		{"it came again", 101, []uint8{1, 99}, 101, ReasonNone},
		{"the other came", 101, []uint8{2}, 101, ReasonReplayed},
		{"a newer one came in part", 102, []uint8{2}, 102, ReasonNone},
		{"and the one before is known of all", 102, []uint8{2}, 101, ReasonReplayed},
		{"of one in between only a part came", 103, []uint8{2}, 102, ReasonNone},
	} {
		s.part(tt.sequence, s.heard, 3, tt.vrids...)
		if got := old(tt.asked); got != tt.old {
			t.Errorf("%s: %d is %q, want %q", tt.name, tt.asked, got, tt.old)
		}
	}
}
