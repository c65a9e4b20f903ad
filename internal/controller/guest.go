// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// The rhythm of guest steps: the time until a failed one is tried again, and that
// until a good one is made sure of, since a hand may have undone it (invariant 5).
const (
	guestRetry  = 5 * time.Second
	guestReview = 30 * time.Second
)

// sweepPatience is how long an announced address that an earlier process left on the
// machine may wait for the first owner read: as long as the peers wait for a node that
// announced its restart (docs/design.md section 5.3, row 8).
const sweepPatience = 20 * time.Second

// decideGuest looks for an address that this machine should have and may lack, or
// the other way round. They are local and quick, so they come before the cloud.
func decideGuest(pol Policy, st State, ob Observation) Decision {
	until := election.Instant(0)
	for i, a := range st.Addresses {
		step, want := Add, guestOf(pol.Addresses[i], a, ob.Permit.Role, ob.Target[i])
		switch want {
		case GuestUnknown:
			continue
		case GuestAbsent:
			step = Remove
		}
		at := max(a.GuestAt, st.sweepAt(i, ob))
		opposite := a.Guest != want && a.Guest != GuestUnknown || a.GuestPerhaps && want == GuestAbsent
		if opposite || ob.Now >= at {
			return Decision{Step: step, Address: i}
		}
		until = earliest(until, at)
	}
	return Decision{Step: Wait, Until: until}
}

// guestOf returns what the machine should have; GuestUnknown: what it has stays.
func guestOf(p AddressPolicy, a AddressState, role election.Role, own providers.Target) GuestState {
	active := role == election.Active
	elsewhere := a.Known && !a.Mine && !own.IsZero() // a node that does not know itself cannot tell
	switch {
	case p.Guest == providers.GuestNone:
		return GuestUnknown
	case active && a.Known && (a.Mine || a.arriving() && !p.announced()):
		return GuestPresent
	case !active && (p.announced() || elsewhere):
		return GuestAbsent
	default:
		return GuestUnknown
	}
}

// sweepAt returns until when an address that an earlier process may have left on the
// machine is given time: until it is known whether this node resumes.
func (st State) sweepAt(i int, ob Observation) election.Instant {
	a, role := st.Addresses[i], ob.Permit.Role
	undecided := !a.Known || ob.Target[i].IsZero() || a.Mine && role == election.Initialize
	if a.GuestAt == 0 && undecided && role != election.Active && role != election.Drained {
		return st.Born.Add(sweepPatience)
	}
	return 0
}

// lacks reports whether the machine should get an address before the cloud is asked to
// bring it: what the cloud delivers must find it from the first packet on. A step that
// failed does not hold up the write; that the machine was made sure of a moment ago not to
// have it is no such failure.
func (st State) lacks(pol Policy, ob Observation, i int) bool {
	a := st.Addresses[i]
	return pol.Addresses[i].Guest == providers.GuestAddress && (a.Guest == GuestAbsent || a.Guest == GuestUnknown && ob.Now >= a.GuestAt)
}

// arriving reports whether the cloud has accepted to bring the address here, so that the
// machine must have it before a read tells.
func (a AddressState) arriving() bool { return a.AcceptedAt != 0 && !a.Detaching }
