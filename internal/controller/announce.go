// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"slices"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// refreshEvery is how often an owner announces again what is here: the cloud that has
// such addresses asks users of keepalived for garp_master_refresh 5, since its mapping
// may go stale (docs/providers).
const refreshEvery = 5 * time.Second

// decideRefresh looks for an address that is here and is to be announced again. The
// first row that fits decides; time is what lies between two announcements.
//
//	handing over to a successor                     nothing: the leaver stops first
//	it was announced less than 5 s ago              wait
//	the gate is open (AnnounceGate)                 announce
//	the gate wants a read, none was asked for since
//	the refresh was due                             read
//	otherwise                                       wait another 5 s
func decideRefresh(pol Policy, st State, ob Observation) (State, Decision) {
	wait := Decision{Step: Wait}
	for i, a := range st.Addresses {
		if !pol.Addresses[i].announced() || !a.Known || !a.Mine || ob.Permit.Handover {
			continue
		}
		if ob.Now < a.RefreshAt {
			wait.Until = earliest(wait.Until, a.RefreshAt)
			continue
		}
		asked := a.RefreshAt != 0 && st.AskedAt >= a.RefreshAt
		switch why := AnnounceGate(ob.Now, ob.Permit, ob.Permit.Term, st.Began, st.Ended, true); {
		case why == election.ReasonNone:
			return st, Decision{Step: Announce, Address: i, Seen: a.Seen, Repeat: true}
		case wantsRead(why) && !asked:
			st = st.refreshAt(i, ob.Now)
			st.AskedAt = ob.Now
			return st, Decision{Step: Read, Reason: why}
		default:
			st = st.refreshAt(i, ob.Now.Add(refreshEvery))
			wait.Until = earliest(wait.Until, ob.Now.Add(refreshEvery))
		}
	}
	return st, wait
}

// refreshAt returns st with another time for the next refresh of an address.
func (st State) refreshAt(i int, at election.Instant) State {
	st.Addresses = slices.Clone(st.Addresses)
	st.Addresses[i].RefreshAt = at
	return st
}

// decideAnnounce chooses the next step for one address that is not here and moves by
// announcement. There is nothing to accept it and nothing that tells its end, so it is
// repeated after every read that does not show it here, until the time of a move is
// over; the first of such a series counts as the write.
//
//	announced, and not read since                   read in growing steps, write-pending
//	it was here a moment ago                        read in growing steps, confirming
//	a series came to nothing a moment ago           wait, backing-off
//	this node's target is not known                 wait, cannot-claim
//	the gate wants another read                     read in growing steps, the gate's reason
//	the gate is shut (AnnounceGate)                 wait, the gate's reason
//	the gate is open                                announce
func decideAnnounce(pol Policy, st State, ob Observation, i int) (State, Decision) {
	a := &st.Addresses[i]
	switch {
	case a.AcceptedAt != 0 && st.Began <= a.AnnouncedAt:
		return poll(st, ob, election.ReasonWritePending)
	case a.WonAt != 0 && ob.Now < a.WonAt.Add(pol.Addresses[i].SettleTime):
		return poll(st, ob, election.ReasonConfirming)
	case ob.Now < a.RetryAt:
		return st, Decision{Step: Wait, Until: a.RetryAt, Reason: election.ReasonBackingOff}
	case ob.Target[i].IsZero():
		return st, Decision{Step: Wait, Reason: election.ReasonCannotClaim}
	}
	began, ended, p := st.Began, st.Ended, ob.Permit
	if !a.Known {
		ended = 0
	}
	p.Own = max(p.Own, a.AnnouncedAt)
	switch why := AnnounceGate(ob.Now, p, p.Term, began, ended, false); {
	case wantsRead(why):
		return poll(st, ob, why)
	case why != election.ReasonNone:
		return st, Decision{Step: Wait, Reason: why}
	default:
		return st, Decision{Step: Announce, Address: i, Seen: a.Seen, Repeat: a.AcceptedAt != 0}
	}
}

// before reports whether a step for an announced address goes before another.
func (st State) before(d, other Decision) bool {
	if d.Step != Announce || other.Step != Announce {
		return other.Step == Wait || d.Step == Announce && other.Step != Announce
	}
	return st.Addresses[d.Address].AnnouncedAt < st.Addresses[other.Address].AnnouncedAt
}
