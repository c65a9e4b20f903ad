// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// learn takes the new fact in. Where there is none and time changes nothing, it
// returns st as it is, without a copy: that is what most calls find.
func (st State) learn(pol Policy, ob Observation) State {
	if st.stands(pol, ob) {
		return st
	}
	addresses := make([]AddressState, len(pol.Addresses))
	copy(addresses, st.Addresses)
	st.Addresses = addresses
	if st.Born == 0 {
		st.Born = ob.Now
	}
	if st.claimBegins(ob) {
		st.Term = ob.Permit.Term
		for i := range addresses {
			addresses[i].From, addresses[i].WonAt = addresses[i].Seen.Target, 0
		}
	}
	switch {
	case ob.Read != nil:
		st.looked(ob)
	case ob.Wrote != nil:
		addresses[ob.Wrote.Address].wrote(pol, ob)
		st.heldOff(pol, ob)
	case ob.Moved != nil:
		if a := &addresses[ob.Moved.Address]; a.AcceptedAt != 0 {
			a.failed(ob)
		}
	case ob.Guest != nil:
		addresses[ob.Guest.Address].stepped(ob)
	case ob.Announced != nil:
		addresses[ob.Announced.Address].announced(ob)
	case ob.Doubt != nil:
		addresses[ob.Doubt.Address].doubted(ob)
	}
	for i := range addresses {
		addresses[i].age(pol.Addresses[i], ob, ob.Target[i])
	}
	return st
}

// stands reports whether an observation changes nothing of what is known.
func (st State) stands(pol Policy, ob Observation) bool {
	fact := ob.Read != nil || ob.Wrote != nil || ob.Moved != nil || ob.Guest != nil || ob.Announced != nil || ob.Doubt != nil
	if fact || len(st.Addresses) != len(pol.Addresses) || st.claimBegins(ob) {
		return false
	}
	for i, a := range st.Addresses {
		was := a
		a.age(pol.Addresses[i], ob, ob.Target[i])
		if a.Mine != was.Mine || a.WonAt != was.WonAt || a.AcceptedAt != was.AcceptedAt || a.RefreshAt != was.RefreshAt {
			return false
		}
	}
	return true
}

// claimBegins reports whether this node leads in another term than before.
func (st State) claimBegins(ob Observation) bool {
	return ob.Permit.Role == election.Active && ob.Permit.Term != st.Term
}

// age follows what changes without a fact about the address: this machine may have
// learnt only now what the cloud calls it, the node may have lost the role, and an
// accepted write may have taken too long.
func (a *AddressState) age(pol AddressPolicy, ob Observation, own providers.Target) {
	a.Mine = a.Known && holds(own, a.Seen)
	if ob.Permit.Role != election.Active {
		a.WonAt, a.RefreshAt = 0, 0
		if pol.announced() {
			a.over() // what it announces next begins a series
		}
	}
	a.expire(pol, ob)
}

// looked takes in the end of an owner read, or of a part of it.
func (st *State) looked(ob Observation) {
	if !ob.Read.Part {
		st.LookedAt = max(st.LookedAt, ob.Read.Ended)
	}
	if ob.Read.Failed {
		return
	}
	for i, r := range ob.Read.Readings {
		a := &st.Addresses[i]
		switch {
		case r.Ended == 0, r.Began < a.Began: // no answer yet, or an old one
		case !ob.Read.Part:
			a.read(r, ob.Target[i], ob)
		case a.Known && a.Seen.Target == r.Seen.Target && a.Seen.Pending == r.Seen.Pending && a.AcceptedAt == 0:
			a.Began, a.Ended, a.Seen = r.Began, r.Ended, r.Seen
		}
	}
}

// read takes in what the cloud says of one address.
func (a *AddressState) read(r Reading, own providers.Target, ob Observation) {
	before := a.Seen.Target
	a.Known, a.Began, a.Ended, a.Seen = true, r.Began, r.Ended, r.Seen
	a.Mine = holds(own, a.Seen)
	switch {
	case !a.Seen.Pending:
		a.PendingAt = 0
	case a.PendingAt == 0:
		a.PendingAt = r.Began
	}
	if a.Seen.Target != before {
		a.ReleaseNext = false // what came to nothing was a move from another holder
	}
	if a.Mine {
		a.WonAt = r.Began
		a.Failures, a.RetryAt, a.LostAt, a.LateAt = 0, 0, 0, 0
		a.over()
		return
	}
	if a.AcceptedAt == 0 || r.Began <= a.AcceptedAt {
		return
	}
	switch {
	case a.Seen.Pending:
		a.SawPending = true
	case a.Detaching && a.Seen.Target.IsZero(): // the first half is done: attach next
		a.over()
	case a.SawPending: // it was under way, has ended, and the address is not here
		a.failed(ob)
	}
}

// holds reports whether this machine, if it is known, is the owner that was seen.
func holds(own providers.Target, seen providers.Assignment) bool {
	return !own.IsZero() && seen.Target == own
}

// wrote takes in how a write ended.
func (a *AddressState) wrote(pol Policy, ob Observation) {
	a.LostAt, a.LateAt, a.LateFrom, a.Detaching = 0, 0, binding{}, false
	if ob.Wrote.Outcome == election.WriteAccepted {
		a.WonAt = 0
		a.AcceptedAt, a.Detaching, a.SawPending = ob.Now, ob.Wrote.Detach, false
		return
	}
	a.Failures++
	asked := min(ob.Wrote.RetryAfter, pol.PatienceMax)
	wait := max(Backoff(a.Failures, ob.Jitter), asked)
	if own := pol.Addresses[ob.Wrote.Address]; ob.Wrote.Outcome == election.WriteAmbiguous {
		a.LostAt, a.Detaching = ob.Now, ob.Wrote.Detach
		switch late := max(wait, own.LateTime); {
		case a.Detaching: // where nobody holds it now, what comes next repeats nothing
			a.LateAt = ob.Now.Add(asked)
		case own.LateTime != 0 && late < own.SettleTime:
			a.LateAt, a.LateFrom = ob.Now.Add(late), bindingOf(ob.Wrote.Seen)
		}
		wait = max(wait, own.SettleTime)
	}
	a.RetryAt = ob.Now.Add(wait)
}

// ripe reports whether a read that began late enough after a write without an answer
// shows that the next one can be made: one that attaches or moves has left the address where
// it found it, or one that detaches has left it with nobody. What is pending is waited for anyway.
func (a *AddressState) ripe() bool {
	return a.LateAt != 0 && a.Known && a.Began >= a.LateAt && bindingOf(a.Seen) == a.LateFrom
}

// heldOff makes the other addresses of a kind wait as long as one of them was told to by a
// provider that throttles.
func (st *State) heldOff(pol Policy, ob Observation) {
	if !ob.Wrote.Throttled {
		return
	}
	own := pol.Addresses[ob.Wrote.Address].Address
	until := ob.Now.Add(min(ob.Wrote.RetryAfter, pol.PatienceMax))
	for i := range st.Addresses {
		if a := pol.Addresses[i].Address; a.Provider == own.Provider && a.Kind == own.Kind {
			st.Addresses[i].RetryAt, st.Addresses[i].LateAt = max(st.Addresses[i].RetryAt, until), 0
			st.Addresses[i].LostAt = 0 // reads in haste would be calls too many
		}
	}
}

// failed takes in that an accepted write had no effect. Who holds the address
// must then be asked to let go first, where the cloud is known for that.
func (a *AddressState) failed(ob Observation) {
	a.over()
	a.ReleaseNext = true
	a.Failures++
	a.RetryAt = ob.Now.Add(Backoff(a.Failures, ob.Jitter))
}

// pace is how the reads are spaced that wait for the accepted write to show.
func (a *AddressState) pace() int {
	if a.Detaching {
		return gapPace
	}
	return pollPace
}

// over forgets the accepted write.
func (a *AddressState) over() { a.AcceptedAt, a.Detaching, a.SawPending = 0, false, false }

// stepped takes in how a guest step ended.
func (a *AddressState) stepped(ob Observation) {
	a.Guest, a.GuestAt = ob.Guest.State, ob.Now.Add(guestReview)
	a.GuestPerhaps = ob.Guest.Perhaps && a.Guest == GuestUnknown
	switch {
	case a.Guest == GuestUnknown && ob.Guest.GivenUp:
		a.GuestAt = ob.Now
	case a.Guest == GuestUnknown:
		a.GuestAt = ob.Now.Add(guestRetry)
	}
	switch {
	case a.Guest == GuestPresent:
		a.placed(ob, ob.Guest.Added)
	case !ob.Guest.Perhaps:
		a.Placed = false
	}
}

// announced takes in how an announcement ended.
func (a *AddressState) announced(ob Observation) {
	if ob.Announced.Left || ob.Announced.Added {
		a.placed(ob, ob.Announced.Added)
	}
	if !ob.Announced.Left {
		// The address may have been added before the rest failed: it goes with the role.
		a.Guest, a.GuestPerhaps, a.GuestAt = GuestPresent, false, ob.Now.Add(guestRetry)
		a.RefreshAt = ob.Now.Add(guestRetry)
		if !a.Mine {
			a.Failures++
			a.RetryAt = ob.Now.Add(Backoff(a.Failures, ob.Jitter))
		}
		return
	}
	a.Guest, a.GuestPerhaps, a.GuestAt = GuestPresent, false, ob.Now.Add(guestReview)
	a.AnnouncedAt, a.RefreshAt = ob.Now, ob.Now.Add(refreshEvery)
	if !a.Mine && a.AcceptedAt == 0 {
		a.AcceptedAt, a.WonAt = ob.Now, 0 // the first of a series
	}
}

// expire gives up waiting for an accepted write after the time a move may take.
func (a *AddressState) expire(pol AddressPolicy, ob Observation) {
	if a.AcceptedAt != 0 && ob.Now.Sub(a.AcceptedAt) > max(pol.MoveTimeout, pol.SettleTime) {
		a.failed(ob)
	}
}
