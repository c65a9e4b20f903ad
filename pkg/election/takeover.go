// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// Holder is what an owner read means to the node that made it.
type Holder uint8

// The holders.
const (
	HeldByMe Holder = iota
	HeldByPeer
	HeldByNobody  // unbound, or held by a target that is stopped or gone
	HeldByForeign // a live target outside the cluster
)

// TakeoverFacts is all that the takeover table looks at. "It" is the owner that
// the last owner read names; for an unbound address, any peer that qualifies.
type TakeoverFacts struct {
	Stalled      bool   // this node did not run since the last advert and has not caught up
	Eligible     bool   // healthy, not drained, can claim
	PeerActive   bool   // a fresh peer is active, not recovering, and hands nothing to this node
	NeedsAPI     bool   // the move is a cloud call
	ReadFresh    bool   // an owner read passes the write gate's freshness
	Isolated     bool   // the cloud, metadata and all peers are silent
	AllHeard     bool   // every peer is heard two-way, and none leads
	Holder       Holder // what that read says; without a fresh read, the last one
	Named        bool   // a running handover names this node
	NamedByHand  bool   // and an operator asked for it
	Ordered      bool   // an operator assigned the group to this node
	Forced       bool   // and said that holds do not count
	Out          Reason // it says, or the cloud says of it, that it cannot lead; ReasonNone otherwise
	UnknownThere bool   // it is heard, and does not know the group
	Witnessed    bool   // a probe or another peer says that it is active and healthy
	ServiceUp    bool   // the user's probe of the address answers
	ServiceFails int    // how often in a row the user's probe failed
	Restarting   bool   // it announced a restart a moment ago
	Prolonged    Reason // datagrams from it still arrive that do not count in full; ReasonNone otherwise
	TopPriority  bool   // this node has the highest configured priority
	Incumbent    bool   // it is a fresh healthy backup that should resume by itself
	Latched      bool   // it took the address while it could not be heard
	Unheard      bool   // it was never heard in this process, and has its time to be
}

// Decision is what the takeover table makes a node do.
type Decision uint8

// The decisions.
const (
	Stay   Decision = iota // remain backup
	Resume                 // become active without a write
	Claim                  // become active and move the address here
)

// How often the user's probe must fail before it outweighs a sign of life, or the lack of any.
const (
	failsEndRestart   = 2
	failsEndProlonged = 3
	failsEndUnheard   = 3
)

// Takeover is the takeover table. The first row that matches decides; it is
// asked when the active-down timer has run out and on every new fact after that.
//
//	row  fact                                             decision
//	1    stalled since the last advert                    stay, own-stall
//	2    not eligible                                     stay, not-eligible
//	2a   a fresh peer is active                           stay, claim-in-progress
//	3    no fresh owner read, and the move needs one      stay, owner-unreadable or isolated
//	-    the read says me                                 resume, resumed-bound
//	-    an old read says me, and no move needs the API:
//	     no handover names me                             claim, resumed-bound, if every
//	                                                      peer is heard and none leads;
//	                                                      else stay, owner-unreadable
//	-    a handover names me, and no stranger holds it,   claim, successor
//	     or an operator asked for the handover
//	-    an operator insists                              claim, assigned
//	4    a live foreign target holds it                   stay, foreign-owner (an assign claims)
//	5    the owner is out by its own or the cloud's word  claim, the word's reason
//	5a   it is heard, and does not know the group         stay, group-unknown-there
//	                                                      (an assign goes on below)
//	6    a probe or a peer says the owner serves          stay, peer-link-broken
//	7    the user's probe answers                         stay, service-answers
//	8    it announced a restart                           stay, owner-restarting
//	9    it is heard, but not in full                     stay, the reason
//	10   it is a fresh healthy backup                     stay, incumbent-alive
//	11   it is latched                                    stay, displaced
//	-    an operator assigned the group here              claim, assigned
//	11a  it was never heard in this process               stay, owner-never-heard
//	12   otherwise                                        claim, owner-silent or unbound
//
// Unbound: rows 5 to 8, 5a and 10 to 11a have no owner to speak of, and in row 9 the
// node with the highest configured priority claims; so does every node when a minute is
// over, since then Prolonged is empty.
func Takeover(f TakeoverFacts) (Decision, Reason) {
	switch {
	case f.Stalled:
		return Stay, ReasonOwnStall
	case !f.Eligible:
		return Stay, ReasonNotEligible
	case f.PeerActive:
		return Stay, ReasonClaimInProgress
	case f.NeedsAPI && !f.ReadFresh && f.Isolated:
		return Stay, ReasonIsolated
	case f.NeedsAPI && !f.ReadFresh:
		return Stay, ReasonOwnerUnreadable
	case f.Holder == HeldByMe && f.ReadFresh:
		return Resume, ReasonResumedBound
	case f.Named && (f.NamedByHand || f.Holder != HeldByForeign):
		return Claim, ReasonSuccessor
	case f.Holder == HeldByMe && f.AllHeard:
		return Claim, ReasonResumedBound
	case f.Holder == HeldByMe:
		return Stay, ReasonOwnerUnreadable
	case f.Ordered && (f.Forced || f.Holder == HeldByForeign):
		return Claim, ReasonAssigned
	case f.Holder == HeldByForeign:
		return Stay, ReasonForeignOwner
	case f.Holder == HeldByNobody:
		return takeoverUnbound(f)
	}
	return takeoverHeld(f)
}

func takeoverUnbound(f TakeoverFacts) (Decision, Reason) {
	if f.Prolonged != ReasonNone && f.ServiceFails < failsEndProlonged && !f.TopPriority {
		return Stay, f.Prolonged
	}
	return Claim, ReasonUnbound
}

func takeoverHeld(f TakeoverFacts) (Decision, Reason) {
	switch {
	case f.Out != ReasonNone:
		return Claim, f.Out
	case f.UnknownThere && !f.Ordered:
		return Stay, ReasonUnknownThere
	case f.Witnessed:
		return Stay, ReasonPeerLinkBroken
	case f.ServiceUp:
		return Stay, ReasonServiceAnswers
	case f.Restarting && f.ServiceFails < failsEndRestart:
		return Stay, ReasonOwnerRestarting
	case f.Prolonged != ReasonNone && f.ServiceFails < failsEndProlonged:
		return Stay, f.Prolonged
	case f.Incumbent:
		return Stay, ReasonIncumbentAlive
	case f.Latched:
		return Stay, ReasonDisplaced
	case f.Ordered:
		return Claim, ReasonAssigned
	case f.Unheard && f.ServiceFails < failsEndUnheard:
		return Stay, ReasonOwnerNeverHeard
	default:
		return Claim, ReasonOwnerSilent
	}
}
