// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"time"
)

// Contender is one side of two active nodes in contact.
type Contender struct {
	Successor bool          // a running handover of the other side names it
	WriteSent bool          // it may have a cloud write under way
	Term      Term          // of its claim
	Names     Named         // whom its last successful owner read names
	ReadAge   time.Duration // how long ago that read began, on the judge's clock
	Priority  uint8
	Address   netip.Addr // as stated in its own adverts
}

// Named says whom an owner read names, seen from the node that made it.
type Named uint8

// Whom a read names.
const (
	NamesUnknown Named = iota // no successful read yet
	NamesSelf
	NamesOther
	NamesNeither
)

// Settle decides which of two active nodes in contact stays. It reports whether
// me stays; when me yields, the reason is the rule by which it lost. For mirrored
// inputs the two sides always decide differently, as long as terms or addresses
// differ, and they do: a term contains its node's name.
//
//	rule  stays                                                   loser's reason
//	1     the successor of a running handover                     yield-successor
//	2     the one with a write under way; of two, the higher term yield-write
//	3     the node named by the newer owner read (reads that are  yield-owner
//	      closer than 1 s and disagree, or name neither: skipped)
//	4     the higher term                                         yield-term
//	5     the higher priority                                     yield-priority
//	6     the higher address                                      yield-address
func Settle(me, peer Contender) (stays bool, lost Reason) {
	if me.Successor != peer.Successor {
		return me.Successor, ReasonYieldSuccessor
	}
	if me.WriteSent != peer.WriteSent {
		return me.WriteSent, ReasonYieldWrite
	}
	if me.WriteSent && me.Term != peer.Term {
		return peer.Term.Less(me.Term), ReasonYieldWrite
	}
	switch namedByNewer(me, peer) {
	case NamesSelf:
		return true, ReasonYieldOwner
	case NamesOther:
		return false, ReasonYieldOwner
	}
	switch {
	case me.Term != peer.Term:
		return peer.Term.Less(me.Term), ReasonYieldTerm
	case me.Priority != peer.Priority:
		return me.Priority > peer.Priority, ReasonYieldPriority
	default:
		return me.Address.Compare(peer.Address) > 0, ReasonYieldAddress
	}
}

// namedByNewer returns whom the newer of two owner reads names, seen from me, or
// NamesNeither when the reads settle nothing.
func namedByNewer(me, peer Contender) Named {
	mine, theirs := me.Names, mirror(peer.Names)
	switch {
	case mine == NamesUnknown && theirs == NamesUnknown:
		return NamesNeither
	case mine == NamesUnknown:
		return theirs
	case theirs == NamesUnknown || mine == theirs:
		return mine
	case (me.ReadAge - peer.ReadAge).Abs() < ownerReadDispute:
		return NamesNeither
	case me.ReadAge < peer.ReadAge:
		return mine
	default:
		return theirs
	}
}

// mirror turns what a read means to one side into what it means to the other.
func mirror(n Named) Named {
	switch n {
	case NamesSelf:
		return NamesOther
	case NamesOther:
		return NamesSelf
	default:
		return n
	}
}
