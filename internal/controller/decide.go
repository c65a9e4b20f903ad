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
	LateTime    time.Duration // less, for one without an answer of which reads show nothing; 0: SettleTime
	// Asynchronous says that an accepted write takes effect later, never at once.
	Asynchronous bool
	// CanRelease says that a move from another holder may come to nothing although
	// the cloud accepts it, and that a release followed by an assign is the way on.
	CanRelease bool
}

// announced reports whether the address moves by announcement.
func (p AddressPolicy) announced() bool { return p.Guest == providers.GuestAnnounce }

// State is what Decide remembers between two calls. The zero value is right for
// a start, when nothing is known (invariant 6).
type State struct {
	Born      election.Instant // when Decide was first asked
	LookedAt  election.Instant // when the last owner read ended, whatever came of it
	Term      election.Term    // of the claim that From of the addresses belongs to
	Addresses []AddressState
}

// AddressState is what is known of one address.
type AddressState struct {
	Known        bool             // some read answered
	Began, Ended election.Instant // of the newest that did
	Seen         providers.Assignment
	PendingAt    election.Instant // since when reads say that the cloud works on it; 0: they do not
	Mine         bool
	From         providers.Target // who held it when the claim began
	WonAt        election.Instant // when the last read began that showed it here, while this node led; 0: none
	Failures     int              // writes in a row that did not end with the address here
	RetryAt      election.Instant // not before this
	LostAt       election.Instant // when a write ended without an answer, and no read has shown the address here since; 0: none did
	LateAt       election.Instant // sooner than RetryAt where a read begun then or later, 0: none,
	LateFrom     binding          // shows the address there

	AcceptedAt  election.Instant // an accepted write has not shown in a read yet
	Detaching   bool             // that write, or the one without an answer, only takes the address off its holder
	SawPending  bool             // and a read has shown it under way
	ReleaseNext bool             // a move from the present holder came to nothing

	Guest        GuestState
	GuestPerhaps bool             // unknown, since a step that puts the address here failed or is doubted: it may be here
	GuestAt      election.Instant // when to try a failed guest step again, or to make sure of a good one; 0: none was made

	Placed   bool     // a step left it on this machine, and none has taken it off since
	PutBacks putBacks // when it was missing all the same

	AnnouncedAt election.Instant // when the last announcement had left; 0: none
	RefreshAt   election.Instant // when what is here is announced again; 0: at once
}

// binding is who holds an address, and which binding it is where the cloud says that.
type binding struct {
	Target  providers.Target
	Version string
}

func bindingOf(seen providers.Assignment) binding { return binding{seen.Target, seen.Version} }

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
	// Announcing: it is the preparing of an announcement, which the newest read will be
	// judged by when the frame is about to leave.
	Announcing bool
	Target     []providers.Target // this node at each address's provider; zero: not known
	Jitter     float64            // 0 to 1

	Read      *ReadFact
	Wrote     *WriteFact
	Moved     *FailedMove
	Guest     *GuestFact
	Announced *AnnounceFact
	Doubt     *GuestDoubt
}

// ReadFact is the end of an owner read, with a reading for every address.
type ReadFact struct {
	Ended    election.Instant
	Readings []Reading
	// Part says that others of the addresses have not answered yet. What it shows of an
	// address counts only if nothing has changed there: the election hears of what is
	// new, with the whole, before anything is done about it.
	Part bool
	// Failed says that some address was not answered for. Nothing is known of any then.
	Failed bool
}

// Reading is what the cloud said of one address, and when it was asked. Addresses that
// cannot be listed are asked about side by side, each in its own time.
type Reading struct {
	Began, Ended election.Instant // Ended is 0 where there is no answer yet
	Seen         providers.Assignment
}

// WriteFact is the end of a write of one address.
type WriteFact struct {
	Address    int
	Detach     bool                 // it takes the address off its holder and binds it nowhere
	Seen       providers.Assignment // what it relied on
	Outcome    election.WriteOutcome
	RetryAfter time.Duration
	Throttled  bool // RetryAfter is about every write at the provider
}

// FailedMove says that the accepted move of one address ended without effect.
type FailedMove struct{ Address int }

// GuestFact is what a guest step left: GuestUnknown if it failed.
type GuestFact struct {
	Address int
	State   GuestState
	Added   bool // the address was missing and was put here
	Perhaps bool // it failed and may have put the address here all the same
	GivenUp bool // it failed because it was cancelled: the next look is at once
}

// AnnounceFact is the end of an announcement: whether it left. If it did not, the
// machine may have the address all the same. One that the gate withheld is no fact.
type AnnounceFact struct {
	Address int
	Left    bool
	Added   bool // the address was missing and was put here
}

// Step is what a decision asks for.
type Step uint8

// The steps.
const (
	Wait     Step = iota // until Until, or the next fact
	Write                // make one write for Address, from Seen towards this node
	Release              // make one write that takes Address off its holder in Seen
	Add                  // configure Address on this machine
	Remove               // take Address off this machine
	Announce             // configure Address on this machine and announce it
)

// String returns the step as one lower-case word.
func (s Step) String() string {
	return [...]string{"wait", "write", "release", "add", "remove", "announce"}[s]
}

// Decision is what to do next for a group.
type Decision struct {
	Step    Step
	Address int
	Seen    providers.Assignment
	Repeat  bool             // for Announce: no new write, but one more of a claim, or of what is here
	Until   election.Instant // for Wait: when time alone changes the decision; 0: never
	Reason  election.Reason  // why it waits
	Wish    election.Wish    // for Wait: what it wants of the next owner read
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
//	either      -          a guest step failed a moment ago,
//	                       or the address was put back so often  wait, and go on below
//	not active  -          otherwise                             wait
//	active      here       announced kind, refresh due           see decideRefresh
//	active      all here   otherwise                             wait
//	active      elsewhere  an accepted write may still run       wait, write-pending; read in growing steps
//	active      elsewhere  it was here a moment ago: the read
//	                       is stale, or it was taken away     wait, confirming; read in growing steps
//	active      elsewhere  the cloud works on the address        wait, address-pending; read in growing steps
//	active      elsewhere  a write failed a moment ago           wait, backing-off; where it had no answer,
//	                                                             read in growing steps
//	active      elsewhere  this node's target unknown            wait, cannot-claim
//	active      elsewhere  the gate wants another read           wait for one, the gate's reason
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
		d := Decision{Step: Wait}
		if ob.Announcing {
			d.Wish = election.Wish{At: st.LookedAt.Add(whilePreparing), Urgent: true}
		}
		return st, d
	}
	guest := decideGuest(pol, st, ob)
	if guest.Step != Wait || ob.Permit.Role != election.Active {
		return st, guest
	}
	st, again := decideRefresh(pol, st, ob)
	if again.Step != Wait {
		return st, again
	}
	move := decideMoves(pol, st, ob)
	if move.Step == Write && st.lacks(pol, ob, move.Address) {
		return st, Decision{Step: Add, Address: move.Address}
	}
	if move.Step == Wait {
		move.Until = earliest(move.Until, earliest(guest.Until, again.Until))
		move.Wish = both(move.Wish, again.Wish)
	}
	return st, move
}

// decideMoves chooses the next step for the addresses that are not here. While an
// accepted write of one may run no other begins: clouds refuse a second one on the
// same machine. One that backs off, or needs a read, does not hold up the others.
// Announcements do not wait for each other: that of the longest ago goes first.
func decideMoves(pol Policy, st State, ob Observation) Decision {
	wait, best := Decision{Step: Wait}, Decision{Step: Wait}
	for i, a := range st.Addresses {
		if a.Known && a.Mine {
			continue
		}
		d := decideMove(pol, st, ob, i)
		announced := pol.Addresses[i].announced()
		if !announced && (d.Step != Wait || d.Reason == election.ReasonWritePending) {
			return d
		}
		if d.Step != Wait {
			if best.Step == Wait || a.AnnouncedAt < st.Addresses[best.Address].AnnouncedAt {
				best = d
			}
			continue
		}
		if wait.Reason == election.ReasonNone {
			wait.Reason = d.Reason
		}
		wait.Until, wait.Wish = earliest(wait.Until, d.Until), both(wait.Wish, d.Wish)
	}
	if best.Step != Wait {
		return best
	}
	return wait
}

// decideMove chooses the next step for one address that is not here.
func decideMove(pol Policy, st State, ob Observation, i int) Decision {
	a := &st.Addresses[i]
	if pol.Addresses[i].announced() {
		return decideAnnounce(pol, st, ob, i)
	}
	switch {
	case a.AcceptedAt != 0:
		d := st.poll(a.AcceptedAt, a.pace(), election.ReasonWritePending)
		if pol.Addresses[i].Asynchronous {
			d.Wish.At = max(d.Wish.At, a.AcceptedAt.Add(pollFirst))
		}
		return d
	case ob.Now < a.WonAt.Add(pol.Addresses[i].SettleTime) && a.WonAt != 0:
		return st.poll(a.WonAt, pollPace, election.ReasonConfirming)
	case a.Known && a.Seen.Pending:
		return st.poll(a.PendingAt, pollPace, election.ReasonAddressPending)
	case ob.Now < a.RetryAt && !a.ripe():
		d := Decision{Step: Wait, Reason: election.ReasonBackingOff}
		switch {
		case a.LostAt != 0 && st.LookedAt > a.LateAt:
			d = st.poll(max(a.LostAt, a.LateAt), a.pace(), d.Reason)
		case a.LostAt != 0:
			d = st.poll(a.LostAt, a.pace(), d.Reason)
			d.Wish.At = min(d.Wish.At, a.LateAt)
		}
		d.Until = a.RetryAt
		return d
	case ob.Target[i].IsZero():
		return Decision{Step: Wait, Reason: election.ReasonCannotClaim}
	}
	switch why := Gate(ob.Now, ob.Permit, ob.Permit.Term, a.Began, a.Ended); {
	case wantsRead(why):
		return await(ob.Permit, why)
	case why != election.ReasonNone:
		return Decision{Step: Wait, Reason: why}
	case a.ReleaseNext && pol.Addresses[i].CanRelease && !a.Seen.Target.IsZero():
		return Decision{Step: Release, Address: i, Seen: a.Seen}
	default:
		return Decision{Step: Write, Address: i, Seen: a.Seen}
	}
}

// await waits for a read that the gate would take.
func await(p election.Permit, why election.Reason) Decision {
	return Decision{Step: Wait, Reason: why, Wish: election.Wish{Since: max(p.Since, p.Own) + 1, Waits: true}}
}

// poll waits for the cloud to show something new: it reads at once, and then in steps that
// grow with the time since it began, one part in pace of that, so that what takes long
// costs few calls and is still seen in proportion.
func (st State) poll(since election.Instant, pace int, why election.Reason) Decision {
	at := since
	if st.LookedAt > since {
		at = st.LookedAt.Add(min(max(pollFirst, st.LookedAt.Sub(since)/time.Duration(pace)), pollMax))
	}
	return Decision{Step: Wait, Reason: why, Wish: election.Wish{At: at, Urgent: true}}
}

// both joins two wishes of one group.
func both(a, b election.Wish) election.Wish {
	return election.Wish{
		Since: max(a.Since, b.Since), Waits: a.Waits || b.Waits,
		At: earliest(a.At, b.At), Urgent: a.Urgent || b.Urgent,
	}
}

// earliest returns the earlier of two instants, of which 0 means never.
func earliest(a, b election.Instant) election.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
