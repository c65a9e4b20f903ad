// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// now is an instant well after everything in the tables.
const now = election.Instant(100 * time.Second)

var (
	first  = providers.Address{Provider: "cloud", Kind: "eip", IP: netip.MustParseAddr("203.0.113.10")}
	second = providers.Address{Provider: "cloud", Kind: "eip", IP: netip.MustParseAddr("2001:db8::10")}
	here   = providers.Target{Instance: "1"}
	there  = providers.Target{Instance: "2"}
	term   = election.Term{Number: 4, Node: "lb-a"}
)

// ago returns the instant that long before now.
func ago(d time.Duration) election.Instant { return now.Add(-d) }

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// onePolicy is a group of one address; change may be nil.
func onePolicy(change func(*AddressPolicy)) Policy {
	pol := Policy{PatienceMax: 15 * time.Second, Addresses: []AddressPolicy{{
		Address: first, MoveTimeout: 60 * time.Second, SettleTime: 15 * time.Second,
	}}}
	if change != nil {
		change(&pol.Addresses[0])
	}
	return pol
}

// elsewhere is a state in which a good fresh read shows the address on another
// target; change may be nil.
func elsewhere(change func(*State, *AddressState)) State {
	st := State{LookedAt: ago(ms(40)), Addresses: []AddressState{{
		Known: true, Began: ago(ms(80)), Ended: ago(ms(40)), Seen: providers.Assignment{Target: there},
	}}}
	if change != nil {
		change(&st, &st.Addresses[0])
	}
	return st
}

// leading is an observation in which the gate is open; change may be nil.
func leading(change func(*Observation)) Observation {
	ob := Observation{Now: now, Target: []providers.Target{here}, Permit: election.Permit{
		Role: election.Active, Eligible: true, Term: term, Newest: term,
		Since: ago(5 * time.Second), Own: ago(9 * time.Second), MaxAge: time.Second, RefreshAge: 2 * time.Second,
	}}
	if change != nil {
		change(&ob)
	}
	return ob
}

// awaiting is a wait for a read that the gate of leading would take.
func awaiting(why election.Reason) Decision {
	return Decision{Step: Wait, Reason: why, Wish: election.Wish{Since: ago(5*time.Second) + 1, Waits: true}}
}

// polling is a wait in which the next read begins at an instant.
func polling(why election.Reason, at election.Instant) Decision {
	return Decision{Step: Wait, Reason: why, Wish: election.Wish{At: at, Urgent: true}}
}

// reads reports whether a decision wants a read now.
func (d Decision) reads(at election.Instant) bool {
	return d.Wish.Waits && d.Wish.Since <= at || d.Wish.At != 0 && d.Wish.At <= at
}

func guest(p *AddressPolicy) { p.Guest = providers.GuestAddress }

func mine(_ *State, a *AddressState) { a.Seen.Target, a.Mine = here, true }

func standby(ob *Observation) { ob.Permit.Role = election.Backup }

// TestDecide has one case for every row of the table of Decide, in its order, and
// one for what each row must not catch.
func TestDecide(t *testing.T) {
	t.Parallel()
	seen := providers.Assignment{Target: there}
	tests := []struct {
		name string
		pol  Policy
		st   State
		ob   Observation
		want Decision
	}{
		{"a call under way is waited for, whatever there is to do",
			onePolicy(nil), elsewhere(nil), leading(func(ob *Observation) { ob.Busy = true }), Decision{Step: Wait}},
		{"an active owner configures the address that its machine may lack",
			onePolicy(guest), elsewhere(mine), leading(nil), Decision{Step: Add}},
		{"an active owner whose machine has the address makes sure of it half a minute later",
			onePolicy(guest), elsewhere(func(st *State, a *AddressState) {
				mine(st, a)
				a.Guest, a.GuestAt = GuestPresent, now.Add(time.Second)
			}), leading(nil), Decision{Step: Wait, Until: now.Add(time.Second)}},
		{"an active owner makes sure once more when the time has come",
			onePolicy(guest), elsewhere(func(st *State, a *AddressState) {
				mine(st, a)
				a.Guest, a.GuestAt = GuestPresent, now
			}), leading(nil), Decision{Step: Add}},
		{"a node whose write was accepted configures the address before it is here",
			onePolicy(guest), elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt = ago(ms(1)) }), leading(nil), Decision{Step: Add}},
		{"a node that is about to write configures the address first",
			onePolicy(guest), elsewhere(nil), leading(nil), Decision{Step: Add}},
		{"and does so a moment after it was made sure that the machine has none",
			onePolicy(guest), elsewhere(func(_ *State, a *AddressState) { a.Guest, a.GuestAt = GuestAbsent, now.Add(time.Second) }), leading(nil),
			Decision{Step: Add}},
		{"and then writes",
			onePolicy(guest), elsewhere(func(_ *State, a *AddressState) { a.Guest, a.GuestAt = GuestPresent, now.Add(time.Second) }), leading(nil),
			Decision{Step: Write, Seen: providers.Assignment{Target: there}}},
		{"it writes although configuring failed a moment ago",
			onePolicy(guest), elsewhere(func(_ *State, a *AddressState) { a.GuestAt = now.Add(time.Second) }), leading(nil),
			Decision{Step: Write, Seen: providers.Assignment{Target: there}}},
		{"with the gate shut it configures nothing",
			onePolicy(guest), elsewhere(nil), leading(func(ob *Observation) { ob.Permit.Eligible = false }), Decision{Step: Wait, Reason: election.ReasonNotEligible}},
		{"a node that has only detached the address does not",
			onePolicy(guest), elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt, a.Detaching = ago(ms(10)), true }), leading(nil),
			polling(election.ReasonWritePending, ago(ms(10)))},
		{"a standby takes it off although its write may still run",
			onePolicy(guest), elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt = ago(ms(1)) }), leading(standby), Decision{Step: Remove}},
		{"a standby takes off the address that its machine may have",
			onePolicy(guest), elsewhere(nil), leading(standby), Decision{Step: Remove}},
		{"a standby takes off the address that its machine has, although it made sure of it a moment ago",
			onePolicy(guest), elsewhere(func(_ *State, a *AddressState) { a.Guest, a.GuestAt = GuestPresent, now.Add(time.Minute) }),
			leading(standby), Decision{Step: Remove}},
		{"a standby that holds the address leaves it on its machine",
			onePolicy(guest), elsewhere(mine), leading(standby), Decision{Step: Wait}},
		{"a standby touches nothing before it knows the owner",
			onePolicy(guest), State{}, leading(standby), Decision{Step: Wait}},
		{"nor before it knows itself: the owner may be its own machine",
			onePolicy(guest), elsewhere(nil), leading(func(ob *Observation) { standby(ob); ob.Target[0] = providers.Target{} }), Decision{Step: Wait}},
		{"what a failed step may have left is removed at once",
			onePolicy(guest), elsewhere(func(_ *State, a *AddressState) { a.GuestPerhaps, a.GuestAt = true, now.Add(ms(1)) }), leading(standby), Decision{Step: Remove}},
		{"a failed guest step is tried again later",
			onePolicy(guest), elsewhere(func(st *State, a *AddressState) { mine(st, a); a.GuestAt = now.Add(ms(1)) }),
			leading(nil), Decision{Step: Wait, Until: now.Add(ms(1))}},
		{"a standby waits", onePolicy(nil), elsewhere(nil), leading(standby), Decision{Step: Wait}},
		{"an active owner waits", onePolicy(nil), elsewhere(mine), leading(nil), Decision{Step: Wait}},
		{"an accepted write is followed by a read at once",
			onePolicy(nil), elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt = ago(ms(10)) }), leading(nil),
			polling(election.ReasonWritePending, ago(ms(10)))},
		{"where it takes effect later, a little later",
			onePolicy(func(p *AddressPolicy) { p.Asynchronous = true }), elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt = ago(ms(10)) }), leading(nil),
			polling(election.ReasonWritePending, now.Add(ms(90)))},
		{"the longer it takes, the further apart the reads are, from end to begin",
			onePolicy(nil), elsewhere(func(st *State, a *AddressState) { a.AcceptedAt = ago(2040 * ms(1)) }), leading(nil),
			polling(election.ReasonWritePending, now.Add(ms(460)))},
		{"while nobody holds the address they are less than half as far apart",
			onePolicy(nil), elsewhere(func(st *State, a *AddressState) { a.AcceptedAt, a.Detaching = ago(2040*ms(1)), true }), leading(nil),
			polling(election.ReasonWritePending, now.Add(ms(160)))},
		{"an address the cloud works on is read again",
			onePolicy(nil), elsewhere(func(_ *State, a *AddressState) { a.Seen.Pending, a.PendingAt = true, ago(ms(1040)) }), leading(nil),
			polling(election.ReasonAddressPending, now.Add(ms(210)))},
		{"after a failed write the node backs off",
			onePolicy(nil), elsewhere(func(_ *State, a *AddressState) { a.RetryAt = now.Add(ms(1)) }), leading(nil),
			Decision{Step: Wait, Until: now.Add(ms(1)), Reason: election.ReasonBackingOff}},
		{"a node that does not know its own target cannot claim",
			onePolicy(nil), elsewhere(nil), leading(func(ob *Observation) { ob.Target[0] = providers.Target{} }),
			Decision{Step: Wait, Reason: election.ReasonCannotClaim}},
		{"a read too old for the gate is repeated",
			onePolicy(nil), elsewhere(func(_ *State, a *AddressState) { a.Began, a.Ended = ago(3*time.Second), ago(2*time.Second) }),
			leading(nil), awaiting(election.ReasonReadTooOld)},
		{"without any read the owner is read first",
			onePolicy(nil), State{}, leading(nil), awaiting(election.ReasonReadMissing)},
		{"a gate that no read can open is waited for",
			onePolicy(nil), elsewhere(nil), leading(func(ob *Observation) { ob.Permit.Hold = election.ReasonConfirming }),
			Decision{Step: Wait, Reason: election.ReasonConfirming}},
		{"a holder from which a move came to nothing is asked to let go",
			onePolicy(func(p *AddressPolicy) { p.CanRelease = true }),
			elsewhere(func(_ *State, a *AddressState) { a.ReleaseNext = true }), leading(nil),
			Decision{Step: Release, Seen: seen}},
		{"a release asks the gate too",
			onePolicy(func(p *AddressPolicy) { p.CanRelease = true }),
			elsewhere(func(_ *State, a *AddressState) { a.ReleaseNext = true }),
			leading(func(ob *Observation) { ob.Permit.Eligible = false }),
			Decision{Step: Wait, Reason: election.ReasonNotEligible}},
		{"where a release is no way on, the move is tried again",
			onePolicy(nil), elsewhere(func(_ *State, a *AddressState) { a.ReleaseNext = true }), leading(nil),
			Decision{Step: Write, Seen: seen}},
		{"an address that nobody holds is not released but assigned",
			onePolicy(func(p *AddressPolicy) { p.CanRelease = true }),
			elsewhere(func(_ *State, a *AddressState) { a.ReleaseNext, a.Seen.Target = true, providers.Target{} }), leading(nil),
			Decision{Step: Write}},
		{"with the gate open the write leaves, from what was seen",
			onePolicy(nil), elsewhere(nil), leading(nil), Decision{Step: Write, Seen: seen}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, got := Decide(tt.pol, tt.st, tt.ob)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSeveralAddressesGoForwardTogether is what the table says about more than one.
func TestSeveralAddressesGoForwardTogether(t *testing.T) {
	t.Parallel()
	pol := onePolicy(nil)
	pol.Addresses = append(pol.Addresses, AddressPolicy{Address: second, Guest: providers.GuestAddress, MoveTimeout: time.Minute})
	seen := providers.Assignment{Target: there}
	tests := []struct {
		name          string
		first, second AddressState
		want          Decision
	}{
		{"the first that is elsewhere goes first",
			AddressState{Known: true, Seen: seen}, AddressState{Known: true, Seen: seen}, Decision{Step: Write, Seen: seen}},
		{"one that is here is passed over",
			AddressState{Known: true, Seen: providers.Assignment{Target: here}, Mine: true},
			AddressState{Known: true, Seen: seen, Guest: GuestPresent}, Decision{Step: Write, Address: 1, Seen: seen}},
		{"the machine gets one that the cloud is to bring",
			AddressState{Known: true, Seen: providers.Assignment{Target: here}, Mine: true}, AddressState{Known: true, Seen: seen}, Decision{Step: Add, Address: 1}},
		{"one that backs off is passed over",
			AddressState{Known: true, Seen: seen, RetryAt: now.Add(time.Second)}, AddressState{Known: true, Seen: seen, Guest: GuestPresent},
			Decision{Step: Write, Address: 1, Seen: seen}},
		{"an accepted write is not passed over: clouds refuse a second action on a machine",
			AddressState{Known: true, Seen: seen, AcceptedAt: ago(ms(50))}, AddressState{Known: true, Seen: seen},
			polling(election.ReasonWritePending, now.Add(ms(60)))},
		{"one whose own read is too old does not hold up the other, whose read is not",
			AddressState{Known: true, Seen: seen, Began: ago(3 * time.Second), Ended: ago(2 * time.Second)}, AddressState{Known: true, Seen: seen, Guest: GuestPresent},
			Decision{Step: Write, Address: 1, Seen: seen}},
		{"all that wait are waited for until the earliest",
			AddressState{Known: true, Seen: seen, RetryAt: now.Add(ms(9))}, AddressState{Known: true, Seen: seen, RetryAt: now.Add(ms(5))},
			Decision{Step: Wait, Until: now.Add(ms(5)), Reason: election.ReasonBackingOff}},
		{"whichever of them that is",
			AddressState{Known: true, Seen: seen, RetryAt: now.Add(ms(5))}, AddressState{Known: true, Seen: seen, RetryAt: now.Add(ms(9))},
			Decision{Step: Wait, Until: now.Add(ms(5)), Reason: election.ReasonBackingOff}},
		{"a guest step does not wait for the cloud",
			AddressState{Known: true, Seen: seen, AcceptedAt: ago(ms(50))}, AddressState{Known: true, Seen: providers.Assignment{Target: here}, Mine: true},
			Decision{Step: Add, Address: 1}},
		{"a guest step that failed does not hold up the cloud",
			AddressState{Known: true, Seen: seen}, AddressState{Known: true, Seen: providers.Assignment{Target: here}, Mine: true, GuestAt: now.Add(time.Second)},
			Decision{Step: Write, Seen: seen}},
		{"a guest step that is due before the cloud's next is not overslept",
			AddressState{Known: true, Seen: seen, RetryAt: now.Add(ms(9))}, AddressState{Known: true, Seen: providers.Assignment{Target: here}, Mine: true, GuestAt: now.Add(ms(3))},
			Decision{Step: Wait, Until: now.Add(ms(3)), Reason: election.ReasonBackingOff}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := State{LookedAt: ago(ms(40)), Addresses: fresh(tt.first, tt.second)}
			ob := leading(func(ob *Observation) { ob.Target = []providers.Target{here, here} })
			_, got := Decide(pol, st, ob)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// fresh gives addresses a good read where they have none.
func fresh(as ...AddressState) []AddressState {
	for i := range as {
		if as[i].Ended == 0 {
			as[i].Began, as[i].Ended = ago(ms(80)), ago(ms(40))
		}
	}
	return as
}

func TestReadsOfAMoveComeInGrowingSteps(t *testing.T) {
	t.Parallel()
	pol, st := onePolicy(nil), elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt = now })
	var steps []time.Duration
	for at := now.Add(ms(1)); at < now.Add(4*time.Second); at = at.Add(ms(1)) {
		ob := leading(func(ob *Observation) { ob.Now = at })
		if _, d := Decide(pol, st, ob); d.reads(at) {
			steps = append(steps, at.Sub(now))
			ob.Busy, ob.Read = true, &ReadFact{Ended: at, Failed: true}
			st, _ = Decide(pol, st, ob)
		}
	}
	want := []time.Duration{ms(1), ms(101), ms(201), ms(301), ms(401), ms(502), ms(628), ms(785), ms(982), ms(1228), ms(1535), ms(1919), ms(2399), ms(2999), ms(3749)}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestDecideLeavesTheStateItWasGivenAlone(t *testing.T) {
	t.Parallel()
	pol, st := onePolicy(nil), elsewhere(nil)
	before := elsewhere(nil)
	Decide(pol, st, leading(func(ob *Observation) {
		ob.Wrote = &WriteFact{Outcome: election.WriteAccepted}
	}))
	if diff := cmp.Diff(before, st, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("state (-before +after):\n%s", diff)
	}
}

func TestStepsHaveNames(t *testing.T) {
	t.Parallel()
	var names []string
	for s := Wait; s <= Announce; s++ {
		names = append(names, s.String())
	}
	if diff := cmp.Diff([]string{"wait", "write", "release", "add", "remove", "announce"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
