// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// What the simulator taught about claims; the stories with their seeds are in
// docs/design.md section 9.

// claimingSeat returns b with a claim on what the silent a holds.
func claimingSeat(t *testing.T) *seat {
	t.Helper()
	s := newSeat(t, byA, nil)
	s.hearFor(10*time.Second, Active)
	s.untilRole(Active, 10*time.Second)
	s.want(Active, ReasonOwnerSilent)
	return s
}

func TestAClaimOfSeveralAddressesGoesOnWhileEachIsWhereItWas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		read OwnerRead
		role Role
	}{
		{"the rest is where it was when the claim began", OwnerRead{Owner: Owner{OwnerNode, "c"}, Unchanged: true}, Active},
		{"the rest has gone to somebody else", OwnerRead{Owner: Owner{OwnerNode, "c"}}, Backup},
		{"part of what it won was taken", OwnerRead{Owner: byA, Taken: true}, Backup},
	} {
		s := claimingSeat(t)
		s.m.peers[0].Name = "a"
		read := tt.read
		read.Group, read.Began = "web", s.now.Add(time.Millisecond)
		s.now = s.now.Add(2 * time.Millisecond)
		read.Ended = s.now
		if read.Owner.Node == "c" {
			s.owner = read.Owner
			s.m.peers[0].Name = "c" // a third node would do as well
		}
		s.step(read)
		if s.role() != tt.role {
			t.Errorf("%s: role is %v (%v)", tt.name, s.role(), s.reason())
		}
	}
}

// A claim is not given up while its write is on its way: the call would be cut off, and the
// address might still come.
func TestAClaimWaitsForTheAnswerToItsWrite(t *testing.T) {
	t.Parallel()
	s := claimingSeat(t)
	s.hearFor(14*time.Second, Backup)
	s.step(WriteSent{Group: "web"})
	s.hearFor(2*time.Second, Backup)
	s.want(Active, ReasonOwnerSilent)
	s.step(WriteDone{Group: "web", Outcome: WriteRefused})
	s.want(Backup, ReasonClaimFailed)
}

// A claim goes forward address by address; the old owner serves the rest until the
// last one has moved.
func TestAHandoverEndsOnlyWhenEveryAddressHasMoved(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.step(HandTo{Group: "web", To: "a"})
	s.owner, s.read = byA, func(r *OwnerRead) { r.Partial = true }
	s.hearFor(3*time.Second, Backup)
	s.want(Active, ReasonResumedBound)
	s.read = nil
	s.hearFor(3*time.Second, Backup)
	s.want(Backup, ReasonHandedOver)
}

// A handover that nobody asked for by hand, such as that of a stop, does not pass on
// what a stranger holds.
func TestASuccessorLeavesAStrangerAlone(t *testing.T) {
	t.Parallel()
	s := newSeat(t, Owner{Kind: OwnerForeign}, nil)
	s.hearFor(5*time.Second, Active)
	s.peer.group.Handover = Handover{To: "b", ID: 9, Remaining: time.Minute}
	s.hearFor(5*time.Second, Active)
	s.want(Backup, ReasonStarted)
}

func TestAStopWithAStrangersAddressHandsNothingOver(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.owner = Owner{Kind: OwnerForeign}
	s.hearFor(30*time.Second, Backup)
	s.step(Leave{})
	if !s.m.Status().Left {
		t.Error("it waits for a handover of what it does not hold")
	}
}

// Where reads of the peer's adverts settle nothing, as over a link that works one way,
// a higher term must not shut the gate for good.
func TestAHigherTermThatNobodyKeepsUpIsOvertaken(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	none := Mark{}
	s.peer.echo, s.peer.group.Term = &none, Term{Number: 70, Node: "a"}
	s.hear(Active)
	s.advance(10 * time.Second)
	p := s.m.Permit("web")
	if p.Term.Less(p.Newest) {
		t.Errorf("the term is %v, the newest %v", p.Term, p.Newest)
	}
}

// A peer on which the address was read while it still counted as heard, and that then
// falls silent without having said that it leads, took it as much as one that was
// silent before (5.4).
func TestAPeerThatTookTheAddressWithoutAWordIsLatched(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		last    Role
		latched bool
	}{
		{"it never said that it leads", Backup, true},
		{"it said so", Active, false},
	} {
		s := leadingSeat(t)
		s.step(ClocksDisagree{By: time.Minute}) // it steps back, and reads a moment later
		s.owner = byA
		s.now = s.now.Add(time.Millisecond)
		s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now, Owner: byA})
		if tt.last == Active {
			s.hear(Active)
		}
		s.advance(8 * time.Second)
		if got := s.m.Status().Groups[0].Nodes[0].Latched; got != tt.latched {
			t.Errorf("%s: latched is %v", tt.name, got)
		}
	}
}

// A node that handed over may not have read the new owner before that one dies: nodes at
// rest take turns, and reads may be put off. It heard it lead, so nothing was taken
// unheard (5.4); after a later word that it does not lead, something was.
func TestAPeerThatWasHeardToLeadSinceTheLastReadIsNotLatched(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		after   func(*seat)
		latched bool
	}{
		{"it said that it leads", func(*seat) {}, false},
		{"and then that it does not", func(s *seat) { s.hear(Backup) }, true},
		{"it said so and did not hear this node", func(s *seat) {
			s.hear(Backup)
			s.peer.echo = &Mark{}
			s.hearFor(3*time.Second, Active)
		}, true},
		{"a read since then named this node", func(s *seat) {
			s.now = s.now.Add(time.Millisecond)
			s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now, Owner: byB})
		}, true},
	} {
		s := leadingSeat(t)
		s.step(HandTo{Group: "web", To: "a"})
		s.mute = true
		s.peer.group.Flags |= FlagBound
		s.hearFor(5*time.Second, Active)
		s.want(Backup, ReasonHandedOver)
		tt.after(s)
		s.advance(4 * time.Second)
		s.mute, s.owner = false, byA
		s.advance(time.Second)
		if got := s.m.Status().Groups[0].Nodes[0].Latched; got != tt.latched {
			t.Errorf("%s: latched is %v", tt.name, got)
		}
		s.advance(20 * time.Second)
		if leads := s.role() == Active; leads == tt.latched {
			t.Errorf("%s: leads is %v (%v)", tt.name, leads, s.held())
		}
	}
}

// A goodbye is about the time before it. When the address is read on that peer later,
// the peer is back and cannot be heard, and its old word is no reason to take it.
func TestAGoodbyeFromBeforeATakeoverDoesNotCount(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.peer.group.Priority = priorityLeaving
	s.hear(Initialize)
	s.advance(20 * time.Second)
	s.owner = byA
	s.advance(20 * time.Second)
	s.want(Backup, ReasonDisplaced)
	if s.held() != ReasonDisplaced {
		t.Errorf("holds %v", s.held())
	}
}

// Two reads show the address on a backup whose last word is older than the first of
// them: a hand may have moved it, or the peer took it because the link has just
// broken. Only its next word, or its silence, tells.
func TestAMoveByHandIsBelievedOnceThePeerHasSpoken(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.owner = byA
	s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now, Owner: byA})
	s.advance(2400 * time.Millisecond)
	s.want(Active, ReasonResumedBound)
	if s.held() != ReasonConfirming {
		t.Errorf("holds %v", s.held())
	}
	s.advance(3 * time.Second)
	s.want(Backup, ReasonDisplaced)

	s = leadingSeat(t)
	s.owner = byA
	s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now, Owner: byA})
	s.hearFor(4*time.Second, Backup)
	s.want(Backup, ReasonMovedByHand)
}

// A node that comes back from an announced restart may take longer to know itself and
// its checks than one active-down; with fast adverts it does (invariant 9).
func TestAnAnnouncedRestartLastsUntilTheNodeHasStarted(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, func(c *Config) { c.Interval = 100 * time.Millisecond })
	s.peer.interval = 100 * time.Millisecond
	s.hearFor(5*time.Second, Active)
	s.peer.group.Flags |= FlagRestarting
	s.hear(Active)
	s.peer.group.Flags &^= FlagRestarting
	s.hearFor(5*time.Second, Initialize)
	s.want(Backup, ReasonStarted)
	if s.held() != ReasonOwnerRestarting {
		t.Errorf("holds %v", s.held())
	}
	s.hearFor(20*time.Second, Initialize)
	s.want(Active, ReasonOwnerSilent)
}

// A handover is known by its id, also after the node that gave it was restarted.
func TestAHandoverHasAnIDOfItsSession(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.step(HandTo{Group: "web", To: "a"})
	if id := s.newest().Handover.ID; id <= 0xb {
		t.Errorf("the id is %d in session %d", id, 0xb)
	}
}

// handedSeat returns b as the bound successor of a, whose handover still runs.
func handedSeat(t *testing.T) *seat {
	t.Helper()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	s.peer.group.Handover = Handover{To: "b", ID: 9, Remaining: time.Minute}
	s.hear(Active)
	s.want(Active, ReasonSuccessor)
	s.owner = byB
	s.hearFor(3*time.Second, Active)
	return s
}

// Rule 1 of 5.5 keeps a successor in place. The handover of a node that fell silent
// counts no more: it may have ended it, and others have heard that.
func TestTheHandoverOfASilentNodeSettlesNothing(t *testing.T) {
	t.Parallel()
	s := handedSeat(t)
	if !s.m.successorElsewhere(s.m.groups[0]) {
		t.Error("a running handover does not count")
	}
	s.advance(8 * time.Second)
	if s.m.successorElsewhere(s.m.groups[0]) {
		t.Error("the handover of a silent node counts")
	}
}

// Whoever took the address by a handover and lost the role again does not take it a
// second time by the same one.
func TestAnOfferIsSpentWhenItsSuccessorStepsBack(t *testing.T) {
	t.Parallel()
	s := handedSeat(t)
	s.owner = byA // taken back unheard
	s.deaf = true
	s.step(ClocksDisagree{By: time.Minute})
	s.deaf = false
	s.hearFor(2*time.Second, Active)
	s.want(Backup, ReasonOwnStall)
}

// on_not_answering: hand-over moves a group whose probes go unanswered, once an hour
// and only where probes were answered before.
func TestAnAddressThatDoesNotAnswerIsHandedOverOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		asked    bool
		up       time.Duration // since the daemon's start
		answered ProbeReport
		hands    bool
	}{
		{"it used to answer", true, 36 * time.Second, ProbeReport{AnsweredBy: "b", Age: 40 * time.Second}, true},
		{"it answers", true, 36 * time.Second, ProbeReport{AnsweredBy: "b", Age: 5 * time.Second}, false},
		{"it never answered", true, 36 * time.Second, ProbeReport{Age: 40 * time.Second}, false},
		{"the daemon was away", true, 20 * time.Second, ProbeReport{AnsweredBy: "b", Age: 40 * time.Second}, false},
		{"the configuration says alarm", false, 36 * time.Second, ProbeReport{AnsweredBy: "b", Age: 40 * time.Second}, false},
	} {
		s := newSeat(t, byB, func(c *Config) { c.Groups[0].HandOverNotAnswering = tt.asked })
		s.hearFor(tt.up, Backup)
		s.peer.group.Probe = tt.answered
		s.hear(Backup)
		if got := s.newest().Handover.To == "a"; got != tt.hands {
			t.Errorf("%s: hands over is %v", tt.name, got)
		}
		if !tt.hands {
			continue
		}
		s.hearFor(2*time.Minute, Backup) // it expires, and is not tried again
		s.hear(Backup)
		if s.newest().Handover.To != "" {
			t.Errorf("%s: hands over again within the hour", tt.name)
		}
	}
}

// Two actives judge rule 1 of 5.5 by what each says of itself: they may not hear the
// same third node.
func TestASuccessorSaysSoItself(t *testing.T) {
	t.Parallel()
	s := handedSeat(t)
	if !s.newest().Flags.Has(FlagSuccessor) {
		t.Error("a successor does not say that it is one")
	}
	other := leadingSeat(t)
	other.peer.group.Flags |= FlagSuccessor
	other.peer.group.Term = Term{Number: 1, Node: "a"}
	other.hear(Active)
	other.want(Backup, ReasonYieldSuccessor)
}

// A latch lasts for displaced_retry after the last answer to a probe, not for ever: a
// probe that cannot be asked any more tells nothing.
func TestALatchOutlastsTheLastAnswerByTheRetryTime(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.advance(10 * time.Second)
	s.owner = byA
	s.advance(20 * time.Second)
	s.step(ProbeAnswered{Group: "web", Node: "a", Asked: s.now, Role: Backup, Healthy: true})
	s.step(WayOut{Open: false}) // a probe that fails now proves nothing
	s.advance(5*time.Minute - time.Second)
	if !s.m.Status().Groups[0].Nodes[0].Latched {
		t.Fatal("the latch ended early")
	}
	s.advance(5 * time.Second)
	if s.m.Status().Groups[0].Nodes[0].Latched {
		t.Error("the latch is still there")
	}
}

// A latched peer that is heard again has the time of row 10 to resume: what was counted of
// it while nobody heard it gave it no time.
func TestARelievedPeerHasItsTimeToResume(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	s.advance(10 * time.Second)
	s.owner = byA
	s.advance(20 * time.Second)
	if !s.m.Status().Groups[0].Nodes[0].Latched {
		t.Fatal("the peer is not latched")
	}
	s.peer.group.Owner = OwnerReport{Owner: byA}
	s.hearFor(3*time.Second, Backup)
	s.want(Backup, ReasonDisplaced)
	if held := s.m.Status().Groups[0].Held; held != ReasonIncumbentAlive {
		t.Errorf("held back by %v, want incumbent-alive", held)
	}
	s.hearFor(5*time.Second, Backup)
	s.want(Active, ReasonOwnerSilent)
}

// A node that changes many groups at once sends many adverts within one active-down;
// an echo of any of them proves that it is heard.
func TestAnEchoOfAnyAdvertOfTheLastActiveDownCounts(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	heard := s.heard
	for i := range 100 {
		s.now = s.now.Add(time.Millisecond)
		s.step(Health{Group: "web", Known: true, Healthy: true, PriorityDelta: i%2 + 1})
	}
	s.peer.echo = &heard
	s.hear(Backup)
	if !s.m.Status().Groups[0].Nodes[0].Fresh || s.m.groups[0].peers[0].oneWayAt != never {
		t.Error("the echo of a hundred adverts ago makes the peer one-way")
	}
}

// An announcement needs no cloud where every peer says by itself that it does not lead.
func TestAPermitTellsWhetherThePeersCanStandInForTheCloud(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		then           func(*seat)
		away, allHeard bool
	}{
		{"a peer that stands by, and a cloud that answers", func(s *seat) { s.hearFor(time.Second, Backup) }, false, true},
		{"a cloud that does not answer", func(s *seat) { s.deaf = true; s.hearFor(40*time.Second, Backup) }, true, true},
		{"a cloud that answers again", func(s *seat) {
			s.deaf = true
			s.hearFor(40*time.Second, Backup)
			s.deaf = false
			s.hearFor(40*time.Second, Backup)
		}, false, true},
		{"a silent peer", func(s *seat) { s.advance(5 * time.Second) }, false, false},
		{"a peer that leads too", func(s *seat) { s.hear(Active) }, false, false},
		{"a peer that does not hear this node", func(s *seat) { s.peer.echo = &Mark{}; s.hearFor(5*time.Second, Backup) }, false, false},
	} {
		s := leadingSeat(t)
		tt.then(s)
		if p := s.m.Permit("web"); p.Away != tt.away || p.AllHeard != tt.allHeard || p.RefreshAge != 2*time.Second {
			t.Errorf("%s: away %v, all heard %v, refresh age %v", tt.name, p.Away, p.AllHeard, p.RefreshAge)
		}
	}
}

// TestADetachWithoutAnAnswerMayHaveDoneItsWork: a node that finds the address with nobody
// after it would else wait for a rival between two calls, and is itself who stands there.
func TestADetachWithoutAnAnswerMayHaveDoneItsWork(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		done WriteDone
		want OwnershipStep
	}{
		{"it was accepted", WriteDone{Outcome: WriteAccepted, Detach: true}, Bind},
		{"it had no answer", WriteDone{Outcome: WriteAmbiguous, Detach: true}, Bind},
		{"it was refused", WriteDone{Outcome: WriteRefused, Detach: true}, Wait},
		{"what had none was to attach", WriteDone{Outcome: WriteAmbiguous}, Wait},
	} {
		s := claimingSeat(t)
		s.m.groups[0].cfg.AtomicMove = false
		s.step(WriteSent{Group: "web"})
		tt.done.Group = "web"
		s.step(tt.done)
		s.now = s.now.Add(time.Millisecond)
		s.step(OwnerRead{Group: "web", Owner: Owner{Kind: OwnerNone}, Began: s.now, Ended: s.now})
		if got := s.m.groups[0].step; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// An assign ends with the patience of whoever gave it, also where the offer that it asked
// for, or the read that it waits for, comes in the very step in which this is noticed: he has
// been told that it failed.
func TestAnAssignEndsWithThePatienceOfItsGiver(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(10*time.Second, Active)
	s.step(Assign{Group: "web", Until: s.now.Add(900 * time.Millisecond)})
	asked := s.newest().Request
	if asked.Kind != RequestTake {
		t.Fatalf("it asks for %+v", asked)
	}
	s.now = s.now.Add(time.Second) // without a step
	s.peer.group.Handover = Handover{To: "b", ID: asked.ID, Remaining: time.Minute}
	s.hear(Active)
	s.hearFor(2*time.Second, Active)
	s.want(Backup, ReasonStarted)
	if got := s.newest().Request; got.Kind != RequestNone {
		t.Errorf("it still asks: %+v", got)
	}

	s = bootSeat(t, byA, true, nil)
	s.hearFor(2*time.Second, Backup)
	s.step(Assign{Group: "web", Until: s.now.Add(900 * time.Millisecond)})
	if !s.m.Status().Groups[0].Ordered {
		t.Fatal("the order does not wait")
	}
	s.now = s.now.Add(time.Second)
	s.step(Tick{})
	if s.m.Status().Groups[0].Ordered {
		t.Error("the order waits on")
	}
}
