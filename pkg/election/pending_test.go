// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"slices"
	"testing"
	"time"
)

// Sessions that are not accepted: docs/design.md section 5.1.

// Both nodes are started anew while somebody sends an advert of each that he recorded before,
// every half a millisecond. Each said hello to the recording, and neither heard the other.
func TestARecordingKeepsNobodyDeafAfterARestart(t *testing.T) {
	t.Parallel()
	for _, recorded := range []int{1, 20} {
		w := quietWorld("a", "b")
		var tape []Advert
		for range recorded {
			w.start("a")
			w.start("b")
			w.run(5 * time.Second)
			tape = append(tape, w.kept["a>b"][2], w.kept["b>a"][2])
			w.crash("a")
			w.crash("b")
		}
		n := 0
		var flood func()
		flood = func() {
			a := tape[n%len(tape)]
			n++
			w.hand(a.To, ReceivedElsewhere{&a})
			w.after(500*time.Microsecond, flood)
		}
		flood()
		w.start("a")
		w.run(1700 * time.Millisecond) // whatever it may answer in a second goes to the recordings
		w.start("b")
		w.run(2 * w.interval)
		for _, name := range []string{"a", "b"} {
			if node := w.nodes[name].m.Status().Groups[0].Nodes[0]; !node.Fresh {
				t.Errorf("%d sessions recorded: %s does not hear %s", recorded, name, node.Name)
			}
		}
	}
}

// A copy of what is not accepted is answered once, and holds no takeover back.
func TestACopyOfAPendingDatagramIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Active)
	s.peer.session, s.peer.sequence, s.peer.echo = 0xa2, 41, &Mark{}
	s.hear(Active)
	s.refused()
	s.sent = nil
	since := s.m.peers[0].pendingAt
	for range 100 {
		s.now = s.now.Add(time.Millisecond)
		s.again()
	}
	if len(s.sent) > 0 || s.m.peers[0].pendingAt != since {
		t.Errorf("%d answers; pending since %v, was %v", len(s.sent), s.m.peers[0].pendingAt, since)
	}
	if got := s.refused(); len(got) != 100 || got[0] != ReasonReplayed {
		t.Errorf("refused for %v", got)
	}
}

// Each session has its own budget of answers, and the answer says hello to the one that is
// answered; what comes from elsewhere has one budget between all of it.
func TestAnswersAreBudgetedBySession(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.advance(time.Second + 10*time.Millisecond)
	send := func(session, sequence uint64, elsewhere bool) (hello Mark) {
		s.sent = nil
		a := &Advert{Cluster: "test", From: "a", To: "b", Session: session, Sequence: sequence, Interval: time.Second}
		if elsewhere {
			s.step(ReceivedElsewhere{a})
		} else {
			s.step(Received{a})
		}
		if len(s.sent) > 0 {
			hello = s.sent[0].Hello
		}
		return hello
	}
	for sequence := range uint64(20) {
		send(0xa1, 1+sequence, false)
	}
	if got := send(0xa1, 100, false); got != (Mark{}) {
		t.Errorf("more than the budget of one session is answered, to %v", got)
	}
	if got := send(0xa2, 1, false); got != (Mark{0xa2, 1}) {
		t.Errorf("the other session is answered with a hello to %v", got)
	}
	answered := 0
	for session := range uint64(50) {
		if send(0xb0+session, 1, true) != (Mark{}) {
			answered++
		}
	}
	if answered != answersPerSecond {
		t.Errorf("%d sessions from elsewhere are answered", answered)
	}
}

// Where nobody is to be answered the hello is to who goes on counting, not to who came last.
func TestTheHelloIsToTheSessionThatGoesOnCounting(t *testing.T) {
	t.Parallel()
	p := &peer{}
	now, down := Instant(time.Hour), 4*time.Second
	p.pending.note(Mark{1, 7}, now, down)
	p.pending.note(Mark{1, 8}, now.Add(time.Second), down)
	for session := range uint64(100) {
		p.pending.note(Mark{2 + session, 9}, now.Add(2*time.Second), down)
	}
	if got := p.greeting(now.Add(2*time.Second), down); got != (Mark{1, 8}) {
		t.Errorf("the hello is to %v", got)
	}
	if got := p.greeting(now.Add(time.Minute), down); got.Session == 1 {
		t.Error("the hello is to one that has ended its count long ago")
	}
}

func TestWhatIsOldIsKnownByItsSequence(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Active)
	s.peer.session, s.peer.sequence = 0xa2, 0
	s.hearFor(2*time.Second, Active)
	s.peer.session, s.peer.sequence, s.peer.echo = 0xa3, 5, &Mark{}
	s.hear(Active)
	for _, tt := range []struct {
		from     string
		mark     Mark
		expected Reason
	}{
		{"a", Mark{0xa, 1}, ReasonStaleSession},
		{"a", Mark{0xa, 1000}, ReasonNone}, // it may live on
		{"a", Mark{0xa2, 2}, ReasonReplayed},
		{"a", Mark{0xa2, 3}, ReasonNone},
		{"a", Mark{0xa3, 6}, ReasonReplayed},
		{"a", Mark{0xa3, 7}, ReasonNone},
		{"a", Mark{0xa4, 1}, ReasonNone},
		{"x", Mark{0xa2, 1}, ReasonNone},
	} {
		if got := s.m.Old(tt.from, tt.mark.Session, tt.mark.Sequence); got != tt.expected {
			t.Errorf("%s, %v: %v, want %v", tt.from, tt.mark, got, tt.expected)
		}
	}
	if got := s.m.Accepted("a"); got != (Mark{0xa2, 2}) {
		t.Errorf("accepted is %v", got)
	}
	if got := s.m.Accepted("x"); got != (Mark{}) {
		t.Errorf("of nobody %v is accepted", got)
	}
}

// Two daemons that both hear this node, under one name: the one whose session was replaced
// echoes what left since. A recording cannot.
func TestASessionThatLivesOnBesideItsSuccessorIsNoticed(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Active)
	before, last := s.heard, s.peer.sequence
	s.peer.session, s.peer.sequence = 0xa2, 0
	s.hearFor(2*time.Second, Active)
	twice := func() bool { return s.m.Status().Peers[0].Twice }
	s.peer.session, s.peer.sequence, s.peer.echo = 0xa, last, &before
	s.hear(Active)
	if twice() {
		t.Error("what left before it was replaced tells nothing")
	}
	s.peer.echo = nil
	s.hear(Active)
	if !twice() {
		t.Error("it is not noticed")
	}
	s.peer.session, s.peer.sequence = 0xa2, 2
	s.hearFor(11*time.Second, Active)
	if twice() {
		t.Error("it is told when it is long over")
	}
}

// Nobody counts on from a term that counting does not come to: at the end of the range the
// next one could not be said.
func TestATermBeyondCountingIsNotCountedOnFrom(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.hearFor(time.Second, Backup)
	s.want(Active, ReasonResumedBound)
	own := s.newest().Term
	s.peer.group.Term = Term{TermMax, "a"}
	s.hearFor(3*time.Second, Backup)
	s.want(Active, ReasonResumedBound)
	if got := s.newest().Term; got != own {
		t.Errorf("it counts on to %v", got)
	}
	s.peer.group.Term = Term{termHeard, "a"}
	s.hearFor(3*time.Second, Backup)
	if got := s.newest().Term; got != (Term{termHeard + 1, "b"}) {
		t.Errorf("the term is %v", got)
	}
}

func TestANodeWithoutAVoiceDoesNotLead(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.hearFor(time.Second, Backup)
	s.want(Active, ReasonResumedBound)
	s.step(Voice{OK: false})
	s.want(Backup, ReasonOwnStall)
	s.hearFor(time.Minute, Backup)
	if s.role() != Backup {
		t.Fatalf("it is %v and says nothing", s.role())
	}
	if i := slices.IndexFunc(s.roles, func(a Action) bool { return a.To == Active && a.Reason != ReasonResumedBound }); i >= 0 {
		t.Errorf("it led: %+v", s.roles[i])
	}
	s.step(Voice{OK: true})
	s.hearFor(5*time.Second, Backup)
	s.want(Active, ReasonResumedBound)
}
