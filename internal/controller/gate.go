// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import "github.com/fipctl/fipctl/pkg/election"

// Gate is the write gate of invariant 1. It returns why a write of the claim term
// may not leave now, relying on an owner read that took from began to ended, or
// ReasonNone if it may. It is asked when a write is chosen, and again when the
// request is about to leave.
//
//	the node is active, eligible, and not handing over   not-active, not-eligible, handover-running
//	the claim is the newest known                        stale-term
//	nothing else of the election holds it back           that reason
//	there is a read                                      read-missing
//	it began after the last owning advert of another
//	node, and after this node's own last write was over  read-too-early
//	it took at most one attempt                          read-too-slow
//	its answer is recent                                 read-too-old
func Gate(now election.Instant, p election.Permit, term election.Term, began, ended election.Instant) election.Reason {
	switch {
	case p.Role != election.Active:
		return election.ReasonNotActive
	case !p.Eligible:
		return election.ReasonNotEligible
	case p.Handover:
		return election.ReasonHandoverRunning
	case term != p.Term || p.Term.Less(p.Newest):
		return election.ReasonStaleTerm
	case p.Hold != election.ReasonNone:
		return p.Hold
	case ended == 0:
		return election.ReasonReadMissing
	case began <= p.Since || began <= p.Own:
		return election.ReasonReadTooEarly
	case ended.Sub(began) > election.AttemptTimeout:
		return election.ReasonReadTooSlow
	case now.Sub(ended) > p.MaxAge:
		return election.ReasonReadTooOld
	default:
		return election.ReasonNone
	}
}

// AnnounceGate is the write gate for an announcement, asked at the same two moments.
// Where the last read says that the address is here already (here), the announcement
// only refreshes what the network knows, and the answer may be Permit.RefreshAge old,
// whatever the advert interval. Otherwise it is Gate, with one exception:
//
//	no read will do, the cloud does not answer, and every
//	peer is heard two-way and none leads                 open
//
// Then nobody else announces, by everybody's own word. A peer that is silent may be
// the holder behind a broken link: only a read can tell, so the node waits for one.
func AnnounceGate(now election.Instant, p election.Permit, term election.Term, began, ended election.Instant, here bool) election.Reason {
	if here {
		p.MaxAge = p.RefreshAge
	}
	why := Gate(now, p, term, began, ended)
	if wantsRead(why) && p.Away && p.AllHeard {
		return election.ReasonNone
	}
	return why
}

// wantsRead reports whether another owner read can open a gate shut for why.
func wantsRead(why election.Reason) bool {
	switch why {
	case election.ReasonReadMissing, election.ReasonReadTooEarly, election.ReasonReadTooSlow,
		election.ReasonReadTooOld:
		return true
	default:
		return false
	}
}
