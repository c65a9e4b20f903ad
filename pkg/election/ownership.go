// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// PeerState is what the adverts of the peer that holds the address say.
type PeerState uint8

// The states of the holding peer.
const (
	PeerSilent  PeerState = iota // no fresh advert
	PeerActive                   // active or claiming
	PeerStandby                  // fresh and backup
	PeerOut                      // fresh, and fault or drained
)

// OwnershipFacts is all that an active node looks at when it has read the owner.
type OwnershipFacts struct {
	Holder        Holder
	Peer          PeerState // of the holder, when that is a peer
	SaidMe        bool      // a read in this term said me
	StartedFrom   bool      // the holder is the owner this claim started from
	WithHandover  bool      // a handover to or from the holder is running
	HandingOver   bool      // this node is handing the group to somebody
	Agreed        bool      // two reads far enough apart agree, or one has a newer version; and a peer has spoken since
	Reclaims      bool      // the configuration says that a moved address is taken back
	Exhausted     bool      // it was taken back too often
	Lost          bool      // somebody else has what this node had, by a read since its last accepted write
	SeenOurs      bool      // this cluster was seen owning the address
	Ordered       bool      // an operator assigned the group to this node
	RivalMayMove  bool      // a peer is silent, the move takes two calls, and its time is not over
	OwnDetachDone bool      // this node's own detach was acknowledged in this term
}

// OwnershipStep is what an active node does with what it read.
type OwnershipStep uint8

// The steps. Only Bind, GoOn, TakeBack and Reclaim allow a cloud write.
const (
	Serve        OwnershipStep = iota // bound: nothing to do
	Contest                           // settle with the other active node
	GoOn                              // the claim goes on
	StepBack                          // displaced: become backup
	Confirm                           // read once more before believing it
	Follow                            // moved by hand: let the other node lead
	Reclaim                           // moved by hand: take it back
	TakeBack                          // the holder may not lead: take it back
	Bind                              // held by nobody: attach it
	Wait                              // somebody may be between the two calls of a move
	LeaveForeign                      // held by a stranger: an operator must decide
	Contended                         // taken away too often: an operator must decide
)

// Writes reports whether the step allows a cloud write.
func (s OwnershipStep) Writes() bool {
	return s == Bind || s == GoOn || s == TakeBack || s == Reclaim
}

// Ownership is the table of what an active node does with an owner read.
//
//	owner     its advert        also                          step
//	any       any               it was lost, and taken back   contended, where it says serve,
//	                            too often; nobody ordered     go on or take back below, but for
//	                            it                            a handover
//	me        -                                               serve
//	a peer    active            handover with it              go on
//	a peer    active            otherwise                     contest
//	a peer    silent or backup  assigned by an operator       go on
//	a peer    silent            started from it, never me     go on
//	a peer    silent            otherwise                     step back
//	a peer    backup            handover with it              go on
//	a peer    backup            started from it, never me     go on
//	a peer    backup            first read                    confirm
//	a peer    backup            on_moved: follow              follow
//	a peer    backup            on_moved: reclaim             reclaim, contended after three
//	a peer    fault or drained                                take back
//	nobody    -                 handing over, or a rival may  wait
//	                            be between its calls
//	nobody    -                 otherwise                     bind
//	foreign   -                 assigned by an operator, or   go on
//	                            started from it, never me
//	foreign   -                 first read                    confirm
//	foreign   -                 reclaim, and seen ours        reclaim, contended after three
//	foreign   -                 otherwise                     leave
//
// That the address is this node's by name and lost all the same is no contradiction: the
// name was told by somebody who may be wrong, and the loss by this machine's own target.
func Ownership(f OwnershipFacts) OwnershipStep {
	switch f.Holder {
	case HeldByMe:
		if f.fights() {
			return Contended
		}
		return Serve
	case HeldByPeer:
		return ownershipPeer(f)
	case HeldByNobody:
		if f.HandingOver || (f.RivalMayMove && !f.OwnDetachDone) {
			return Wait
		}
		return Bind
	default:
		return ownershipForeign(f)
	}
}

// fights reports whether taking the address again would be one more round of a fight.
func (f OwnershipFacts) fights() bool {
	return f.Lost && f.Exhausted && !f.Ordered && !f.WithHandover
}

func ownershipPeer(f OwnershipFacts) OwnershipStep {
	goesOn := f.Ordered || f.StartedFrom && !f.SaidMe
	switch f.Peer {
	case PeerActive:
		if f.WithHandover {
			return GoOn
		}
		return Contest
	case PeerOut:
		if f.fights() {
			return Contended
		}
		return TakeBack
	case PeerSilent:
		if !goesOn {
			return StepBack
		}
	}
	switch {
	case goesOn && f.fights():
		return Contended
	case goesOn, f.WithHandover:
		return GoOn
	case !f.Agreed:
		return Confirm
	case !f.Reclaims:
		return Follow
	default:
		return reclaimOrStop(f)
	}
}

func ownershipForeign(f OwnershipFacts) OwnershipStep {
	switch goesOn := f.Ordered || f.StartedFrom && !f.SaidMe; {
	case goesOn && f.fights():
		return Contended
	case goesOn:
		return GoOn
	case !f.Agreed:
		return Confirm
	case f.Reclaims && f.SeenOurs:
		return reclaimOrStop(f)
	default:
		return LeaveForeign
	}
}

func reclaimOrStop(f OwnershipFacts) OwnershipStep {
	if f.Exhausted {
		return Contended
	}
	return Reclaim
}
