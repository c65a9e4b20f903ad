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
//	it was announced less than 2.5 s ago            wait
//	less than 5 s ago, and not read since           wait
//	the gate is open (AnnounceGate)                 announce
//	less than 5 s ago                               wait
//	the gate wants a read, none has ended since the
//	refresh was due                                 wait for one
//	otherwise                                       wait another 5 s
//
// The read keeps to the budget: no decision waits for it. As one that another group's read
// brings along will do in the second half of the time, the groups of a node come to read,
// and to refresh, together.
func decideRefresh(pol Policy, st State, ob Observation) (State, Decision) {
	wait := Decision{Step: Wait}
	for i, a := range st.Addresses {
		if !pol.Addresses[i].announced() || !a.Known || !a.Mine || ob.Permit.Handover {
			continue
		}
		if a.RefreshAt == 0 {
			st = st.refreshAt(i, ob.Now)
			a = st.Addresses[i]
		}
		due := ob.Now >= a.RefreshAt
		half := a.RefreshAt.Add(-refreshEvery / 2)
		why := AnnounceGate(ob.Now, ob.Permit, ob.Permit.Term, a.Began, a.Ended, true)
		switch {
		case why == election.ReasonNone && (due || ob.Now >= half && a.Began > a.AnnouncedAt):
			return st, Decision{Step: Announce, Address: i, Seen: a.Seen, Repeat: true}
		case !due, wantsRead(why) && st.LookedAt < a.RefreshAt:
			if !due {
				wait.Until = earliest(wait.Until, a.RefreshAt)
			}
			wait.Wish.At = earliest(wait.Wish.At, a.RefreshAt)
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
//	announced, and no read has ended since          wait, write-pending; read in growing steps
//	it was here a moment ago                        wait, confirming; read in growing steps
//	a series came to nothing a moment ago           wait, backing-off
//	this node's target is not known                 wait, cannot-claim
//	the gate wants another read                     wait for one, the gate's reason
//	the gate is shut (AnnounceGate)                 wait, the gate's reason
//	the gate is open                                announce
func decideAnnounce(pol Policy, st State, ob Observation, i int) Decision {
	a := &st.Addresses[i]
	switch {
	case a.AcceptedAt != 0 && st.LookedAt <= a.AnnouncedAt:
		return st.poll(a.AcceptedAt, pollPace, election.ReasonWritePending)
	case a.WonAt != 0 && ob.Now < a.WonAt.Add(pol.Addresses[i].SettleTime):
		return st.poll(a.WonAt, pollPace, election.ReasonConfirming)
	case ob.Now < a.RetryAt:
		return Decision{Step: Wait, Until: a.RetryAt, Reason: election.ReasonBackingOff}
	case ob.Target[i].IsZero():
		return Decision{Step: Wait, Reason: election.ReasonCannotClaim}
	}
	p := ob.Permit
	p.Own = max(p.Own, a.AnnouncedAt)
	switch why := AnnounceGate(ob.Now, p, p.Term, a.Began, a.Ended, false); {
	case wantsRead(why):
		return await(p, why)
	case why != election.ReasonNone:
		return Decision{Step: Wait, Reason: why}
	default:
		return Decision{Step: Announce, Address: i, Seen: a.Seen, Repeat: a.AcceptedAt != 0}
	}
}
