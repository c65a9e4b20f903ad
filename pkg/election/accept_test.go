// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// What makes an advert count: docs/design.md section 5.1.

func TestReplayedDatagramsChangeNothing(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	s.refused()
	for range 20 {
		s.advance(100 * time.Millisecond)
		s.again()
	}
	if got := s.refused(); len(got) != 20 || got[0] != ReasonReplayed || got[19] != ReasonReplayed {
		t.Errorf("refused for %v", got)
	}
	s.untilRole(Active, 3*time.Second)
}

func TestAnEarlierSessionNeverComesBack(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Active)
	s.peer.session, s.peer.sequence = 0xa2, 0
	s.hearFor(2*time.Second, Active)
	s.refused()
	s.peer.session, s.peer.sequence = 0xa, 100
	s.hear(Active)
	if got := s.refused(); !slices.Equal(got, []Reason{ReasonStaleSession}) {
		t.Errorf("refused for %v", got)
	}
}

// A daemon that was started twice in a row: a late datagram of the first start, which was
// never accepted, must not take the place of the second, whose session would never come back.
func TestALateDatagramOfASessionInBetweenReplacesNobody(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Active)
	before := s.heard
	s.advance(time.Second)
	s.peer.session, s.peer.sequence = 0xa3, 0
	s.hear(Active)
	s.refused()
	s.peer.session, s.peer.sequence, s.peer.echo = 0xa2, 0, &before
	s.hear(Active)
	if got := s.refused(); !slices.Equal(got, []Reason{ReasonStaleSession}) {
		t.Errorf("the one in between is refused for %v", got)
	}
	s.peer.session, s.peer.sequence, s.peer.echo = 0xa3, 1, nil
	s.hear(Active)
	if got := s.refused(); got != nil {
		t.Errorf("the present one is refused for %v", got)
	}
	s.advance(time.Second)
	s.peer.session, s.peer.sequence = 0xa4, 0
	s.hear(Active)
	if got := s.refused(); got != nil {
		t.Errorf("the next one is refused for %v", got)
	}
}

// What a peer is called by a cloud stays known while its next session cannot tell yet: its
// machine is no stranger for that.
func TestAPeerKeepsItsNamesUntilItTellsOthers(t *testing.T) {
	t.Parallel()
	at := func(provider, target string) NodeTarget { return NodeTarget{provider, target} }
	p := &peer{}
	for _, tt := range []struct {
		says, known []NodeTarget
		news        bool
	}{
		{nil, nil, false},
		{[]NodeTarget{at("x", "1"), at("y", "2")}, []NodeTarget{at("x", "1"), at("y", "2")}, true},
		{[]NodeTarget{at("y", "2"), at("x", "1")}, []NodeTarget{at("x", "1"), at("y", "2")}, false},
		{nil, []NodeTarget{at("x", "1"), at("y", "2")}, false},
		{[]NodeTarget{at("x", "3")}, []NodeTarget{at("y", "2"), at("x", "3")}, true},
		{[]NodeTarget{at("x", "3"), at("x", "4")}, []NodeTarget{at("y", "2"), at("x", "3"), at("x", "4")}, true},
		{[]NodeTarget{at("x", "4")}, []NodeTarget{at("y", "2"), at("x", "4")}, true},
	} {
		if news := p.name(tt.says); news != tt.news || !slices.Equal(p.targets, tt.known) {
			t.Errorf("it says %v: known is %v, news %v", tt.says, p.targets, news)
		}
	}
}

// A peer with the key that invents providers, in one advert or one after the other, has a
// bounded number of names, and those that it goes on saying.
func TestAPeerHasABoundedNumberOfNames(t *testing.T) {
	t.Parallel()
	own := NodeTarget{"x", "1"}
	invented := func(n int) NodeTarget { return NodeTarget{fmt.Sprint("invented", n), "1"} }
	p, many := &peer{}, []NodeTarget{own}
	for n := range 1000 {
		p.name([]NodeTarget{own, invented(n)})
		many = append(many, invented(n))
		if !slices.Contains(p.targets, own) || !slices.Contains(p.targets, invented(n)) || len(p.targets) > targetsKept {
			t.Fatalf("after %d it has %d names: %v", n, len(p.targets), p.targets)
		}
	}
	if !p.name(many) || p.name(many) || !slices.Equal(p.targets, many[:targetsKept]) {
		t.Errorf("all at once: %v", p.targets)
	}
}

func TestANewSessionIsAcceptedByItsEcho(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Active)
	s.peer.session, s.peer.sequence = 0xa2, 0
	s.hear(Active)
	if got := s.refused(); got != nil {
		t.Errorf("refused for %v", got)
	}
	if !s.m.Status().Groups[0].Nodes[0].Fresh {
		t.Error("the peer is not fresh")
	}
}

func TestAnEchoOlderThanActiveDownAcceptsNothing(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hear(Active)
	old := s.heard
	s.advance(5 * time.Second)
	s.refused()
	s.peer.session, s.peer.sequence, s.peer.echo = 0xa2, 0, &old
	s.hear(Active)
	if got := s.refused(); !slices.Equal(got, []Reason{ReasonSessionPending}) {
		t.Errorf("refused for %v", got)
	}
}

func TestAnEchoOfAnotherSessionOfThisNodeAcceptsNothing(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.peer.echo = &Mark{Session: 0xb0, Sequence: s.heard.Sequence}
	s.hear(Active)
	if got := s.refused(); !slices.Equal(got, []Reason{ReasonSessionPending}) {
		t.Errorf("refused for %v", got)
	}
}

func TestAfterItsOwnStartANodeAcceptsByHello(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.peer.echo, s.peer.hello = &Mark{}, s.heard
	s.hear(Active)
	if got := s.refused(); got != nil {
		t.Errorf("refused for %v", got)
	}
}

func TestAHelloNeverReplacesAnAcceptedSession(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Active)
	s.peer.session, s.peer.sequence = 0xa2, 0
	s.peer.echo, s.peer.hello = &Mark{}, s.heard
	s.hear(Active)
	if got := s.refused(); !slices.Equal(got, []Reason{ReasonSessionPending}) {
		t.Errorf("refused for %v", got)
	}
	if h := s.sent[len(s.sent)-1].Hello; h != (Mark{0xa2, 1}) {
		t.Errorf("the answer says hello to %v", h)
	}
}

// A one-way peer is heard but hears nothing: it prolongs life and its fault counts,
// but it renews no timer and makes nobody yield.
func TestAOneWayPeerMakesNobodyYield(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.hearFor(2*time.Second, Backup)
	stale := s.heard
	s.peer.echo = &stale
	s.advance(10 * time.Second)
	s.peer.group.Term, s.peer.group.Flags = Term{9, "a"}, s.peer.group.Flags|FlagWriteSent
	s.hearFor(10*time.Second, Active)
	s.want(Active, ReasonResumedBound)
	if why := s.m.Refusals("web")["a"]; why != ReasonOneWayLink {
		t.Errorf("a is refused for %v", why)
	}
}

func TestExtraAnswersAreAtMostFiveInASecond(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.advance(time.Second + 10*time.Millisecond)
	s.sent = nil
	s.peer.echo = &Mark{}
	for range 90 {
		s.hear(Active)
		s.now = s.now.Add(10 * time.Millisecond)
	}
	if len(s.sent) != answersPerSecond {
		t.Errorf("%d answers within 0.9 s", len(s.sent))
	}
}

// A restarted owner is heard again within a round trip, both ways, and not only
// with the next regular adverts.
func TestARestartedOwnerIsHeardWithinARoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "b"} {
		w := quietWorld("a", "b")
		w.start("a")
		w.start("b")
		w.run(10*time.Second + 337*time.Millisecond)
		w.crash(name)
		w.run(500 * time.Millisecond)
		w.start(name)
		w.run(4 * worldLinkDelay)
		for _, n := range w.nodes {
			if node := n.m.Status().Groups[0].Nodes[0]; !node.Fresh {
				t.Errorf("restart of %s: %s does not hear %s", name, n.name, node.Name)
			}
		}
	}
}

// Three sessions within a minute: the adverts of the peer no longer renew the timer.
func TestACrashLoopingPeerRenewsNoTimer(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	for session := range uint64(3) {
		s.peer.session, s.peer.sequence = 0xa0+session, 0
		s.hearFor(2*time.Second, Active)
	}
	if !s.m.Status().Peers[0].CrashLoops {
		t.Fatal("no crash loop is seen")
	}
	before := s.m.group("web").activeDownAt
	s.hear(Active)
	if after := s.m.group("web").activeDownAt; after != before {
		t.Errorf("the timer was renewed by %v", after.Sub(before))
	}
	s.advance(time.Minute)
	if s.m.Status().Peers[0].CrashLoops {
		t.Error("a minute later it is still a crash loop")
	}
}
