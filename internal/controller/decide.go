// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Policy is what stays the same for one group while a configuration runs.
type Policy struct {
	Addresses []AddressPolicy
	// PatienceMax bounds how long an API's own request to wait is honoured: the
	// claim timeout.
	PatienceMax time.Duration
}

// AddressPolicy is one address of the group.
type AddressPolicy struct {
	Address     providers.Address
	Guest       providers.GuestStep
	MoveTimeout time.Duration // how long an accepted move may run
	SettleTime  time.Duration // how long reads may lag behind a write
	// CanRelease says that a move from another holder may come to nothing although
	// the cloud accepts it, and that a release followed by an assign is the way on.
	CanRelease bool
}

// announced reports whether the address moves by announcement.
func (p AddressPolicy) announced() bool { return p.Guest == providers.GuestAnnounce }

// State is what Decide remembers between two calls. The zero value is right for
// a start, when nothing is known (invariant 6).
type State struct {
	Born         election.Instant // when Decide was first asked
	Began, Ended election.Instant // of the last complete owner read
	AskedAt      election.Instant // when the last read of ours was asked for
	Polls        int              // reads since the last write was accepted
	Term         election.Term    // of the claim that From of the addresses belongs to
	Addresses    []AddressState
}

// AddressState is what is known of one address.
type AddressState struct {
	Known    bool // some read answered
	Seen     providers.Assignment
	Mine     bool
	From     providers.Target // who held it when the claim began
	WonAt    election.Instant // when the last read began that showed it here, while this node led; 0: none
	Failures int              // writes in a row that did not end with the address here
	RetryAt  election.Instant // not before this

	AcceptedAt  election.Instant // an accepted write has not shown in a read yet
	Detaching   bool             // and that write only takes the address off its holder
	SawPending  bool             // and a read has shown it under way
	ReleaseNext bool             // a move from the present holder came to nothing

	Guest   GuestState
	GuestAt election.Instant // when to try a failed guest step again, or to make sure of a good one; 0: none was made

	AnnouncedAt election.Instant // when the last announcement had left; 0: none
	RefreshAt   election.Instant // when what is here is announced again; 0: at once
}

// GuestState says whether an address is configured on this machine.
type GuestState uint8

// The guest states.
const (
	GuestUnknown GuestState = iota // not asked yet, or the last step failed
	GuestAbsent
	GuestPresent
)

// Observation is one call's input: the time, what the election permits, and at
// most one new fact.
type Observation struct {
	Now    election.Instant
	Permit election.Permit
	Busy   bool // a write or a guest step of this group is under way
	// Reading: so is an owner read that a decision waits for. Only steps in the guest
	// that need no read are chosen meanwhile: a cloud that hangs must not keep an
	// address on a machine that has lost the role.
	Reading bool
	Target  []providers.Target // this node at each address's provider; zero: not known
	Jitter  float64            // 0 to 1

	Read      *ReadFact
	Wrote     *WriteFact
	Moved     *FailedMove
	Guest     *GuestFact
	Announced *AnnounceFact
}

// ReadFact is an owner read that answered for every address.
type ReadFact struct {
	Began, Ended election.Instant
	Seen         []providers.Assignment
}

// WriteFact is the end of a write of one address.
type WriteFact struct {
	Address    int
	Detach     bool // it takes the address off its holder and binds it nowhere
	Outcome    election.WriteOutcome
	RetryAfter time.Duration
}

// FailedMove says that the accepted move of one address ended without effect.
type FailedMove struct{ Address int }

// GuestFact is what a guest step left: GuestUnknown if it failed.
type GuestFact struct {
	Address int
	State   GuestState
}

// AnnounceFact is the end of an announcement: whether it left. If it did not, the
// machine may have the address all the same. One that the gate withheld is no fact.
type AnnounceFact struct {
	Address int
	Left    bool
}

// Step is what a decision asks for.
type Step uint8

// The steps.
const (
	Wait     Step = iota // until Until, or the next fact
	Read                 // read the owner of every address
	Write                // make one write for Address, from Seen towards this node
	Release              // make one write that takes Address off its holder in Seen
	Add                  // configure Address on this machine
	Remove               // take Address off this machine
	Announce             // configure Address on this machine and announce it
)

// String returns the step as one lower-case word.
func (s Step) String() string {
	return [...]string{"wait", "read", "write", "release", "add", "remove", "announce"}[s]
}

// Decision is what to do next for a group.
type Decision struct {
	Step    Step
	Address int
	Seen    providers.Assignment
	Repeat  bool             // for Announce: no new write, but one more of a claim, or of what is here
	Until   election.Instant // for Wait: when time alone changes the decision; 0: never
	Reason  election.Reason  // why it waits or reads
}

// Decide chooses the next step of a group. The first row that fits decides;
// addresses are looked at in their order, one that only backs off is passed over.
//
//	role        owner      also                                  step
//	any         -          a call is under way                   wait
//	active      here       the guest may lack the address        add
//	active      elsewhere  the same, and a write that brings it
//	                       here was accepted                     add
//	not active  not here   the guest may have the address        remove
//	not active  any        announced kind: the guest may have it remove
//	starting    unknown    the same, left by an earlier process  wait, at most 20 s, then remove
//	  or here
//	either      -          a guest step failed a moment ago      wait, and go on below
//	not active  -          otherwise                             wait
//	active      -          an owner read is waited for           wait
//	active      here       announced kind, refresh due           see decideRefresh
//	active      all here   otherwise                             wait
//	active      elsewhere  an accepted write may still run       read in growing steps, write-pending
//	active      elsewhere  it was here a moment ago: the read
//	                       is stale, or it was taken away     read in growing steps, confirming
//	active      elsewhere  the cloud works on the address        read in growing steps, address-pending
//	active      elsewhere  a write failed a moment ago           wait, backing-off
//	active      elsewhere  this node's target unknown            wait, cannot-claim
//	active      elsewhere  the gate wants another read           read in growing steps, the gate's reason
//	active      elsewhere  the gate is shut                      wait, the gate's reason
//	active      elsewhere  gate open, a move from this holder
//	                       came to nothing, can be released      release
//	active      elsewhere  announced kind, the gate is open      announce
//	active      elsewhere  the gate is open, the guest lacks the
//	                       address                               add
//	active      elsewhere  the gate is open                      write
//
// The role alone decides whether an announced address stays on the machine, since any
// machine that has it can take it. The leaver of a handover is active until its
// successor is seen to hold the address, so it keeps it until then; it announces
// nothing meanwhile. What an earlier process left there is given the time to find out
// that the address is here: a restart is not a failover (invariant 9).
func Decide(pol Policy, st State, ob Observation) (State, Decision) {
	st = st.learn(pol, ob)
	if ob.Busy {
		return st, Decision{Step: Wait}
	}
	guest := decideGuest(pol, st, ob)
	if guest.Step != Wait || ob.Permit.Role != election.Active {
		return st, guest
	}
	if ob.Reading {
		return st, Decision{Step: Wait, Until: guest.Until}
	}
	st, again := decideRefresh(pol, st, ob)
	if again.Step != Wait {
		return st, again
	}
	next, move := decideMoves(pol, st, ob)
	if move.Step == Write && st.lacks(pol, ob, move.Address) {
		return st, Decision{Step: Add, Address: move.Address}
	}
	if move.Step == Wait {
		move.Until = earliest(move.Until, earliest(guest.Until, again.Until))
	}
	return next, move
}

// decideMoves chooses the next step for the addresses that are not here. While an
// accepted write of one may run no other begins: clouds refuse a second one on the
// same machine. One that backs off does not hold up the others. Announcements do not
// wait for each other: that of the longest ago goes first, and any before a read.
func decideMoves(pol Policy, st State, ob Observation) (State, Decision) {
	wait, best, then := Decision{Step: Wait}, Decision{Step: Wait}, st
	for i, a := range st.Addresses {
		if a.Known && a.Mine {
			continue
		}
		next, d := decideMove(pol, st, ob, i)
		announced := pol.Addresses[i].announced()
		if !announced && (d.Step != Wait || d.Reason == election.ReasonWritePending) {
			return next, d
		}
		if d.Step != Wait {
			if st.before(d, best) {
				best, then = d, next
			}
			continue
		}
		if wait.Reason == election.ReasonNone {
			wait.Reason = d.Reason
		}
		wait.Until = earliest(wait.Until, d.Until)
	}
	if best.Step != Wait {
		return then, best
	}
	return st, wait
}

// decideMove chooses the next step for one address that is not here.
func decideMove(pol Policy, st State, ob Observation, i int) (State, Decision) {
	a := &st.Addresses[i]
	if pol.Addresses[i].announced() {
		return decideAnnounce(pol, st, ob, i)
	}
	switch {
	case a.AcceptedAt != 0:
		return poll(st, ob, election.ReasonWritePending)
	case ob.Now < a.WonAt.Add(pol.Addresses[i].SettleTime) && a.WonAt != 0:
		return poll(st, ob, election.ReasonConfirming)
	case a.Known && a.Seen.Pending:
		return poll(st, ob, election.ReasonAddressPending)
	case ob.Now < a.RetryAt:
		return st, Decision{Step: Wait, Until: a.RetryAt, Reason: election.ReasonBackingOff}
	case ob.Target[i].IsZero():
		return st, Decision{Step: Wait, Reason: election.ReasonCannotClaim}
	}
	began, ended := st.Began, st.Ended
	if !a.Known {
		ended = 0
	}
	switch why := Gate(ob.Now, ob.Permit, ob.Permit.Term, began, ended); {
	case wantsRead(why):
		return poll(st, ob, why)
	case why != election.ReasonNone:
		return st, Decision{Step: Wait, Reason: why}
	case a.ReleaseNext && pol.Addresses[i].CanRelease && !a.Seen.Target.IsZero():
		return st, Decision{Step: Release, Address: i, Seen: a.Seen}
	default:
		return st, Decision{Step: Write, Address: i, Seen: a.Seen}
	}
}

// poll reads the owner, in steps that grow with every read since the last write.
func poll(st State, ob Observation, why election.Reason) (State, Decision) {
	due := election.Instant(0)
	if st.Polls > 0 {
		due = st.AskedAt.Add(doubled(pollFirst, st.Polls-1, pollMax))
	}
	if ob.Now < due {
		return st, Decision{Step: Wait, Until: due, Reason: why}
	}
	st.Polls++
	st.AskedAt = ob.Now
	return st, Decision{Step: Read, Reason: why}
}

// earliest returns the earlier of two instants, of which 0 means never.
func earliest(a, b election.Instant) election.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
