// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"slices"
	"testing"
	"time"
)

// Single rules that no story isolates.

// A node that advertises more rarely than its peer gets echoes that are older than
// the peer's interval suggests; the link is two-way all the same.
func TestAnEchoIsJudgedByTheLongerOfBothIntervals(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, func(c *Config) { c.Interval = 10 * time.Second })
	for range 60 {
		s.hear(Active)
		s.advance(time.Second)
		if why := s.m.Refusals("web")["a"]; why != ReasonNone {
			t.Fatalf("a is refused for %v", why)
		}
	}
}

// Invariant 1: a read that began before the own last write was over does not count,
// whoever the node is by then.
func TestAReadBeforeTheEndOfTheOwnWriteDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hear(Active)
	s.untilRole(Active, 5*time.Second)
	sent := s.now
	s.step(WriteSent{Group: "web"})
	s.step(Health{Group: "web", Known: true})
	s.owner = byB
	s.step(Health{Group: "web", Known: true, Healthy: true})
	s.want(Backup, ReasonCheckRecovered)
	s.untilRole(Active, time.Minute)
	if got := s.now.Sub(sent); got < AttemptTimeout {
		t.Errorf("resumed %v after a write without an answer", got)
	}
}

// Invariant 7: an answer that was waiting while the node did not run is about then.
func TestAReadBegunBeforeAStallDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.advance(20 * time.Second)
	s.deaf = true
	began := s.now
	s.now = s.now.Add(2500 * time.Millisecond)
	s.step(OwnerRead{Group: "web", Began: began, Ended: s.now, Owner: byB})
	s.want(Backup, ReasonOwnStall)
	s.deaf = false
	s.untilRole(Active, time.Minute)
	s.want(Active, ReasonResumedBound)
}

// Row 5: a standby owner that cannot claim is out, unless only the API is lost to it.
func TestAnOwnerThatLostTheAPIIsNotOut(t *testing.T) {
	t.Parallel()
	for reason, want := range map[Reason]Role{ReasonAPILost: Backup, ReasonClaimFailed: Active} {
		s := newSeat(t, byA, nil)
		s.hearFor(5*time.Second, Active)
		s.peer.group.Flags, s.peer.group.Reason = FlagHealthy, reason
		s.hearFor(3*time.Second, Backup)
		if s.role() != want {
			t.Errorf("%v: role is %v (%v), holds %v", reason, s.role(), s.reason(), s.held())
		}
	}
}

// A probe proven before a reload is proven after it.
func TestAReloadKeepsWhatWasProven(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hear(Active)
	s.step(ProbeAnswered{Group: "web", Node: "a", Asked: s.now, Role: Active, Healthy: true})
	cfg := s.m.cfg
	cfg.Peers = append([]Peer{{"0", cfg.Address.Next()}}, cfg.Peers...)
	s.step(Reload{Config: cfg})
	if g := s.m.Status().Groups[0]; !g.Proven || !g.Nodes[1].Fresh || g.Role != Backup {
		t.Errorf("after the reload: %+v", g)
	}
}

// Under another VRID the group is the same one, and silence begins anew: the owner may have been
// saying for long under it that it leads.
func TestAnotherVRIDIsTheSameGroupHeardAnew(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.peer.total = 1
	s.hearFor(5*time.Second, Active)
	s.peer.group.VRID = 52
	s.hearFor(20*time.Second, Active)
	if s.held() != ReasonUnknownThere {
		t.Fatalf("holds %v", s.held())
	}
	cfg := s.m.cfg
	cfg.Groups = slices.Clone(cfg.Groups)
	cfg.Groups[0].VRID = 52
	s.step(Reload{Config: cfg})
	s.advance(time.Second / 2)
	s.hearFor(20*time.Second, Active)
	s.want(Backup, ReasonStarted)
	s.advance(10 * time.Second)
	s.want(Active, ReasonOwnerSilent)
}

// 5.8: an address on a machine that is stopped is bound like one that nobody holds.
func TestAnAddressOnAStoppedPeerIsTaken(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.advance(20 * time.Second)
	s.deaf = true
	s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now.Add(1), Owner: byA, Stopped: true})
	s.want(Active, ReasonResumedBound)
	if p := s.m.Permit("web"); p.Hold != ReasonNone {
		t.Errorf("the gate holds: %v", p.Hold)
	}
}

// incumbentSeat is an active node with a fresh standby.
func incumbentSeat(t *testing.T) *seat {
	s := newSeat(t, byB, nil)
	s.hearFor(3*time.Second, Backup)
	s.want(Active, ReasonResumedBound)
	return s
}

func (s *seat) handover() Handover { return s.m.Status().Groups[0].Handover }

// 5.6: a resume withdraws a drain that has not been completed.
func TestAResumeEndsADrainUnderWay(t *testing.T) {
	t.Parallel()
	s := incumbentSeat(t)
	s.step(Drain{Group: "web"})
	if s.handover().To != "a" {
		t.Fatalf("handover %+v", s.handover())
	}
	s.step(ResumeNode{Group: "web"})
	if s.handover().To != "" || s.role() != Active {
		t.Errorf("role %v, handover %+v", s.role(), s.handover())
	}
}

// 5.6: a drain joins a handover that is already running instead of starting another.
func TestADrainJoinsARunningHandover(t *testing.T) {
	t.Parallel()
	s := incumbentSeat(t)
	s.step(HandTo{Group: "web", To: "a"})
	before := s.handover().ID
	s.step(Drain{Group: "web"})
	if s.handover().ID != before {
		t.Errorf("the drain started another handover")
	}
	s.peer.group.Flags |= FlagBound
	s.hear(Active)
	s.want(Drained, ReasonHandedOver)
}

// 5.6: preemption asks in vain where an operator placed the group.
func TestStickinessRefusesPreemption(t *testing.T) {
	t.Parallel()
	for _, sticky := range []bool{false, true} {
		s := incumbentSeat(t)
		if sticky {
			s.step(Assign{Group: "web"})
			s.advance(time.Second)
		}
		s.peer.group.Request = Request{Kind: RequestPreempt, ID: 7}
		s.hear(Backup)
		if got := s.handover().To == "a"; got == sticky {
			t.Errorf("sticky %v: handover %+v", sticky, s.handover())
		}
	}
}

// 5.6: an offer that nobody withdraws ends with its time.
func TestAnOfferOfANodeThatVanishedEnds(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Active)
	s.step(Health{Group: "web", Known: true})
	s.peer.group.Handover = Handover{To: "b", ID: 1, Remaining: 10 * time.Second}
	s.hear(Active)
	s.advance(11 * time.Second)
	if g := s.m.group("web"); g.plan.offerFrom != 0 {
		t.Error("the offer still stands")
	}
}

// A peer that no longer speaks of the group, after a reload there, does not lead it.
func TestAPeerThatForgotTheGroupIsSilentInIt(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	s.peer.group.VRID = 52
	s.hearFor(8*time.Second, Active)
	s.want(Active, ReasonOwnerSilent)
}

// 5.9: a second fault in time doubles the wait, also for a node whose last read
// still names it while another leads.
func TestAReturnBesideAnActivePeerWaits(t *testing.T) {
	t.Parallel()
	s := incumbentSeat(t)
	s.deaf = true
	s.step(Health{Group: "web", Known: true})
	s.hear(Active)
	s.step(Health{Group: "web", Known: true, Healthy: true})
	s.want(Fault, ReasonReturnDelay)
}

// 5.6: a successor that says goodbye will not take over any more.
func TestASuccessorsGoodbyeEndsTheHandover(t *testing.T) {
	t.Parallel()
	s := incumbentSeat(t)
	s.step(HandTo{Group: "web", To: "a"})
	s.peer.group.Priority = 0
	s.hear(Initialize)
	if g := s.m.Status().Groups[0]; g.Handover.To != "" || g.LastPlan != ReasonHandoverFailed || g.Role != Active {
		t.Errorf("after the goodbye: %+v", g)
	}
}

// A peer whose configuration of the group differs is no successor.
func TestAPeerWithAnotherConfigurationIsNoSuccessor(t *testing.T) {
	t.Parallel()
	s := incumbentSeat(t)
	s.peer.group.Digest = 9
	s.hear(Backup)
	if why := s.m.Refusals("web")["a"]; why != ReasonConfigMismatch {
		t.Errorf("a is refused for %v", why)
	}
	s.step(HandTo{Group: "web", To: "a"})
	if s.handover().To != "" {
		t.Errorf("handover %+v", s.handover())
	}
}

// 5.8: an order is used up when the address is bound: what a stranger takes later is
// left to the operator again.
func TestAnOrderEndsWhenTheAddressIsBound(t *testing.T) {
	t.Parallel()
	s := newSeat(t, Owner{Kind: OwnerForeign}, nil)
	s.step(Assign{Group: "web"})
	s.untilRole(Active, time.Second)
	s.want(Active, ReasonAssigned)
	s.owner = byB
	s.advance(5 * time.Second)
	s.owner = Owner{Kind: OwnerForeign}
	s.advance(30 * time.Second)
	if p := s.m.Permit("web"); p.Hold != ReasonForeignOwner {
		t.Errorf("the gate holds: %v", p.Hold)
	}
}
