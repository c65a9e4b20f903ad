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

// reading is an observation whose read shows one assignment.
func reading(seen providers.Assignment) Observation {
	return leading(func(ob *Observation) {
		ob.Read = readFact(ago(ms(40)), ago(ms(10)), seen)
	})
}

// readFact is a read that answered for every address.
func readFact(began, ended election.Instant, seen ...providers.Assignment) *ReadFact {
	f := &ReadFact{Ended: ended}
	for _, s := range seen {
		f.Readings = append(f.Readings, Reading{Began: began, Ended: ended, Seen: s})
	}
	return f
}

func writing(w WriteFact) Observation {
	return leading(func(ob *Observation) { ob.Wrote, ob.Jitter = &w, 1 })
}

func observed(ob Observation, f func(*Observation)) Observation { f(&ob); return ob }

func guested(s GuestState) Observation {
	return leading(func(ob *Observation) { ob.Guest = &GuestFact{State: s} })
}

func TestWhatAFactChangesOfAnAddress(t *testing.T) {
	t.Parallel()
	at := func(target providers.Target) providers.Assignment { return providers.Assignment{Target: target} }
	pending := providers.Assignment{Target: there, Pending: true}
	moving := AddressState{Known: true, Seen: at(there), AcceptedAt: ago(time.Second)}
	change := func(a AddressState, f func(*AddressState)) AddressState { f(&a); return a }
	failed := AddressState{Known: true, Seen: at(there), Failures: 1, RetryAt: now.Add(ms(250)), ReleaseNext: true}
	tests := []struct {
		name string
		from AddressState
		ob   Observation
		want AddressState
	}{
		{"a read tells who holds the address", AddressState{}, reading(at(there)), AddressState{Known: true, Seen: at(there)}},
		{"a read of this node's target ends the move and its failures",
			AddressState{Failures: 3, RetryAt: now.Add(ms(9)), LostAt: ago(ms(9)), LateAt: ago(ms(8)), AcceptedAt: ago(ms(500)), Detaching: true, SawPending: true, ReleaseNext: true},
			reading(at(here)), AddressState{Known: true, Seen: at(here), Mine: true, WonAt: ago(ms(40))}},
		{"what was won is remembered when it is seen elsewhere", AddressState{Known: true, Seen: at(here), Mine: true, WonAt: ago(ms(900))},
			reading(at(there)), AddressState{Known: true, Seen: at(there), WonAt: ago(ms(900))}},
		{"and won anew when another write is accepted", AddressState{Known: true, Seen: at(there), WonAt: ago(ms(900))},
			writing(WriteFact{}), AddressState{Known: true, Seen: at(there), AcceptedAt: now}},
		{"a node that does not lead has won nothing", AddressState{Known: true, Seen: at(here), WonAt: ago(ms(900))},
			observed(reading(at(here)), func(ob *Observation) { ob.Permit.Role = election.Backup }),
			AddressState{Known: true, Seen: at(here), Mine: true}},
		{"a read while the move is not in sight leaves it running", moving, reading(at(there)), moving},
		{"a read shows the move under way", moving, reading(pending),
			change(moving, func(a *AddressState) { a.Seen, a.SawPending = pending, true })},
		{"a move that was under way and has ended elsewhere has failed",
			change(moving, func(a *AddressState) { a.Seen, a.SawPending = pending, true }), reading(at(there)), failed},
		{"a read that began before the write was accepted says nothing about it",
			change(moving, func(a *AddressState) { a.AcceptedAt, a.SawPending = ago(ms(30)), true }), reading(at(there)),
			change(moving, func(a *AddressState) { a.AcceptedAt, a.SawPending = ago(ms(30)), true })},
		{"a detached address is free for the attaching half",
			change(moving, func(a *AddressState) { a.Detaching = true }), reading(at(providers.Target{})), AddressState{Known: true}},
		{"a detached address that the cloud still works on is not",
			change(moving, func(a *AddressState) { a.Detaching = true }), reading(providers.Assignment{Pending: true}),
			AddressState{Known: true, Seen: providers.Assignment{Pending: true}, AcceptedAt: moving.AcceptedAt, Detaching: true, SawPending: true}},
		{"a move that shows nobody on its way goes on", moving, reading(at(providers.Target{})),
			change(moving, func(a *AddressState) { a.Seen = providers.Assignment{} })},
		{"another holder needs no release", change(failed, func(a *AddressState) { a.RetryAt = 0 }), reading(at(providers.Target{Instance: "3"})),
			AddressState{Known: true, Seen: at(providers.Target{Instance: "3"}), Failures: 1}},
		{"the same holder still needs it", failed, reading(at(there)), failed},
		{"an accepted write is remembered", failed, writing(WriteFact{Detach: true}),
			change(failed, func(a *AddressState) { a.AcceptedAt, a.Detaching = now, true })},
		{"a refused write waits a little", AddressState{}, writing(WriteFact{Outcome: election.WriteRefused}),
			AddressState{Failures: 1, RetryAt: now.Add(ms(125))}},
		{"a refused write that failed before waits longer", AddressState{Failures: 3}, writing(WriteFact{Outcome: election.WriteHopeless}),
			AddressState{Failures: 4, RetryAt: now.Add(time.Second)}},
		{"an API that asks for patience gets it", AddressState{}, writing(WriteFact{Outcome: election.WriteRefused, RetryAfter: 4 * time.Second}),
			AddressState{Failures: 1, RetryAt: now.Add(4 * time.Second)}},
		{"but no more than a claim has", AddressState{}, writing(WriteFact{Outcome: election.WriteRefused, RetryAfter: time.Hour}),
			AddressState{Failures: 1, RetryAt: now.Add(15 * time.Second)}},
		{"a write of unknown outcome is not repeated before it would have shown", AddressState{}, writing(WriteFact{Outcome: election.WriteAmbiguous}),
			AddressState{Failures: 1, RetryAt: now.Add(15 * time.Second), LostAt: now}},
		{"an operation that failed ends the move", moving, leading(func(ob *Observation) { ob.Moved = &FailedMove{} }), failed},
		{"an operation that failed after the move had ended changes nothing", AddressState{Known: true, Seen: at(there)},
			leading(func(ob *Observation) { ob.Moved = &FailedMove{} }), AddressState{Known: true, Seen: at(there)}},
		{"a move that takes longer than moves may take has failed",
			change(moving, func(a *AddressState) { a.AcceptedAt = ago(60*time.Second + 1) }), leading(nil), failed},
		{"one that has not taken longer goes on",
			change(moving, func(a *AddressState) { a.AcceptedAt = ago(60 * time.Second) }), leading(nil),
			change(moving, func(a *AddressState) { a.AcceptedAt = ago(60 * time.Second) })},
		{"a good guest step is made sure of later", AddressState{}, guested(GuestPresent),
			AddressState{Guest: GuestPresent, Placed: true, GuestAt: now.Add(30 * time.Second)}},
		{"a failed guest step is tried again", AddressState{Guest: GuestPresent}, guested(GuestUnknown), AddressState{GuestAt: now.Add(5 * time.Second)}},
		{"one that put the address here may have done so", AddressState{},
			observed(guested(GuestUnknown), func(ob *Observation) { ob.Guest.Perhaps = true }), AddressState{GuestPerhaps: true, GuestAt: now.Add(5 * time.Second)}},
		{"until another tells", AddressState{GuestPerhaps: true},
			observed(guested(GuestAbsent), func(ob *Observation) { ob.Guest.Perhaps = true }), AddressState{Guest: GuestAbsent, GuestAt: now.Add(30 * time.Second)}},
		{"one that was given up is looked at again at once", AddressState{},
			observed(guested(GuestUnknown), func(ob *Observation) { ob.Guest.Perhaps, ob.Guest.GivenUp = true, true }), AddressState{GuestPerhaps: true, GuestAt: now}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.ob.Busy = true // a fact is learnt without anything being begun
			st, _ := Decide(onePolicy(nil), State{Term: term, Addresses: []AddressState{tt.from}}, tt.ob)
			if tt.ob.Read != nil {
				tt.want.Began, tt.want.Ended = ago(ms(40)), ago(ms(10))
				if tt.want.Seen.Pending {
					tt.want.PendingAt = ago(ms(40))
				}
			}
			if diff := cmp.Diff(tt.want, st.Addresses[0], cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("address (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAMoveIsGivenTheTimeThatReadsMayLag, where that is longer than a move may take.
func TestAMoveIsGivenTheTimeThatReadsMayLag(t *testing.T) {
	t.Parallel()
	pol := onePolicy(func(p *AddressPolicy) { p.MoveTimeout = 5 * time.Second })
	for since, runs := range map[time.Duration]bool{15 * time.Second: true, 15*time.Second + 1: false} {
		st, _ := Decide(pol, elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt = ago(since) }), leading(nil))
		if got := st.Addresses[0].AcceptedAt != 0; got != runs {
			t.Errorf("after %v it runs: %v", since, got)
		}
	}
}

func TestAWriteMakesReadsFrequentAgain(t *testing.T) {
	t.Parallel()
	_, d := Decide(onePolicy(nil), elsewhere(func(st *State, a *AddressState) { a.AcceptedAt = ago(30 * time.Second) }),
		writing(WriteFact{Outcome: election.WriteAccepted}))
	if diff := cmp.Diff(polling(election.ReasonWritePending, now), d, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

// TestWhatAPartOfAReadChanges: an address counts as read anew when its own part of a
// read has answered, but only if that shows nothing that the election must hear first.
func TestWhatAPartOfAReadChanges(t *testing.T) {
	t.Parallel()
	old := AddressState{Known: true, Began: ago(4 * time.Second), Ended: ago(3 * time.Second), Seen: providers.Assignment{Target: there, Version: "1"}}
	moving := old
	moving.AcceptedAt = ago(time.Second)
	anew := func(seen providers.Assignment) AddressState {
		a := old
		a.Began, a.Ended, a.Seen = ago(ms(40)), ago(ms(10)), seen
		return a
	}
	same := providers.Assignment{Target: there, Version: "1"}
	tests := []struct {
		name string
		from AddressState
		seen providers.Assignment
		part bool
		want AddressState
	}{
		{"the same holder", old, same, true, anew(same)},
		{"another holder waits for the whole", old, providers.Assignment{Target: here}, true, old},
		{"so does nobody", old, providers.Assignment{}, true, old},
		{"and what is being moved", old, providers.Assignment{Target: there, Pending: true}, true, old},
		{"what was never known", AddressState{}, same, true, AddressState{}},
		{"and where a move has been accepted", moving, same, true, moving},
	}
	for _, tt := range tests {
		ob := reading(tt.seen)
		ob.Busy, ob.Read.Part = true, tt.part
		st, _ := Decide(onePolicy(nil), State{Born: 1, LookedAt: 7, Term: term, Addresses: []AddressState{tt.from}}, ob)
		if diff := cmp.Diff(State{Born: 1, LookedAt: 7, Term: term, Addresses: []AddressState{tt.want}}, st, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestAReadThatFailsTellsOnlyWhenItEnded, and one whose answer for an address is older
// than what is known changes nothing there.
func TestAReadThatFailsTellsOnlyWhenItEnded(t *testing.T) {
	t.Parallel()
	before := elsewhere(func(st *State, _ *AddressState) { st.Born, st.Term = 1, term })
	ob := reading(providers.Assignment{Target: here})
	ob.Busy, ob.Read.Failed = true, true
	st, _ := Decide(onePolicy(nil), before, ob)
	before.LookedAt = ago(ms(10))
	if diff := cmp.Diff(before, st, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("a failed read (-want +got):\n%s", diff)
	}
	ob = leading(func(ob *Observation) {
		ob.Busy, ob.Read = true, readFact(ago(ms(90)), ago(ms(10)), providers.Assignment{Target: here})
	})
	st, _ = Decide(onePolicy(nil), before, ob)
	if diff := cmp.Diff(before, st, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("an old read (-want +got):\n%s", diff)
	}
}

func TestTheStateOfAnotherNumberOfAddressesIsMadeToFit(t *testing.T) {
	t.Parallel()
	pol := onePolicy(nil)
	pol.Addresses = append(pol.Addresses, AddressPolicy{Address: second})
	st, _ := Decide(pol, elsewhere(mine), leading(func(ob *Observation) { ob.Target = []providers.Target{here, here} }))
	if len(st.Addresses) != 2 || !st.Addresses[0].Mine || st.Addresses[1].Known {
		t.Errorf("got %+v", st.Addresses)
	}
}

// TestWhatAThrottledWriteIsToldHoldsForTheKind: the other addresses of a group wait as
// well, where the same limit is theirs, and with a busy address they do not.
func TestWhatAThrottledWriteIsToldHoldsForTheKind(t *testing.T) {
	t.Parallel()
	other := second
	other.Kind = "another"
	pol := onePolicy(nil)
	pol.Addresses = append(pol.Addresses, AddressPolicy{Address: second}, AddressPolicy{Address: other})
	for throttled, want := range map[bool]election.Instant{true: now.Add(4 * time.Second), false: 0} {
		st, _ := Decide(pol, State{}, leading(func(ob *Observation) {
			ob.Busy, ob.Target = true, []providers.Target{here, here, here}
			ob.Wrote = &WriteFact{Outcome: election.WriteRefused, RetryAfter: 4 * time.Second, Throttled: throttled}
		}))
		if as := st.Addresses; as[0].RetryAt != now.Add(4*time.Second) || as[1].RetryAt != want || as[2].RetryAt != 0 {
			t.Errorf("throttled %v: %v, %v and %v", throttled, as[0].RetryAt.Sub(now), as[1].RetryAt.Sub(now), as[2].RetryAt)
		}
	}
}

// TestAThrottledWriteHoldsUpItsOwnCloudOnly, no longer than a claim has patience, and shortens
// no longer wait.
func TestAThrottledWriteHoldsUpItsOwnCloudOnly(t *testing.T) {
	t.Parallel()
	other := second
	other.Provider = "another"
	pol := onePolicy(func(p *AddressPolicy) {})
	pol.PatienceMax = 10 * time.Second
	pol.Addresses = append(pol.Addresses, AddressPolicy{Address: second}, AddressPolicy{Address: second}, AddressPolicy{Address: other})
	st := State{Addresses: make([]AddressState, 4)}
	st.Addresses[2].RetryAt = now.Add(11 * time.Second)
	st, _ = Decide(pol, st, leading(func(ob *Observation) {
		ob.Busy, ob.Target = true, []providers.Target{here, here, here, here}
		ob.Wrote = &WriteFact{Outcome: election.WriteRefused, RetryAfter: time.Minute, Throttled: true}
	}))
	for i, want := range []time.Duration{10 * time.Second, 10 * time.Second, 11 * time.Second} {
		if got := st.Addresses[i].RetryAt.Sub(now); got != want {
			t.Errorf("address %d waits %v", i, got)
		}
	}
	if at := st.Addresses[3].RetryAt; at != 0 {
		t.Errorf("that at another cloud waits %v", at.Sub(now))
	}
}

// TestWhoHeldAnAddressWhenTheClaimBeganIsKept for as long as the term lasts.
func TestWhoHeldAnAddressWhenTheClaimBeganIsKept(t *testing.T) {
	t.Parallel()
	pol := onePolicy(nil)
	st := State{Addresses: []AddressState{{Known: true, Seen: providers.Assignment{Target: there}}}}
	see := func(target providers.Target, number uint64) {
		ob := reading(providers.Assignment{Target: target})
		ob.Permit.Term.Number, ob.Permit.Newest.Number = number, number
		st, _ = Decide(pol, st, ob)
	}
	see(providers.Target{}, term.Number)
	see(providers.Target{}, term.Number)
	if st.Addresses[0].From != there {
		t.Errorf("it began from %v", st.Addresses[0].From)
	}
	see(there, term.Number+1)
	if !st.Addresses[0].From.IsZero() {
		t.Errorf("the next one began from %v", st.Addresses[0].From)
	}
}

// TestAnIPv6MoveThatComesToNothingIsMadeInTwoSteps follows one claim through the
// states: the way on that package digitalocean describes.
func TestAnIPv6MoveThatComesToNothingIsMadeInTwoSteps(t *testing.T) {
	t.Parallel()
	pol := onePolicy(func(p *AddressPolicy) { p.CanRelease = true })
	var got []string
	st, holder, acceptedAt := State{}, there, election.Instant(0)
	for at := now; at < now.Add(2*time.Minute); at = at.Add(ms(50)) {
		ob := leading(func(ob *Observation) { ob.Now, ob.Permit.Since, ob.Permit.Own = at, 0, acceptedAt })
		var d Decision
		st, d = Decide(pol, st, ob)
		switch {
		case d.reads(at):
			ob.Read = readFact(at.Add(ms(1)), at.Add(ms(2)), providers.Assignment{Target: holder})
		case d.Step == Write || d.Step == Release:
			got, acceptedAt = append(got, d.Step.String()+" from "+d.Seen.Target.Instance), at
			ob.Wrote = &WriteFact{Detach: d.Step == Release}
			switch {
			case d.Step == Release:
				holder = providers.Target{}
			case holder.IsZero():
				holder = here
			}
		}
		ob.Busy = true
		st, _ = Decide(pol, st, ob)
	}
	if diff := cmp.Diff([]string{"write from 2", "release from 2", "write from "}, got); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if !st.Addresses[0].Mine {
		t.Errorf("the address is not here: %+v", st.Addresses[0])
	}
}

// A restarted owner reads before it knows its own target. When the metadata service
// answers, the address is found to be here, and nothing is written: on a cloud that
// moves in two calls the first would take the address off this very machine.
func TestAnAddressIsRecognisedWhenThisMachineIs(t *testing.T) {
	t.Parallel()
	pol := Policy{Addresses: []AddressPolicy{{}}}
	ob := leading(func(ob *Observation) { ob.Target = []providers.Target{{}} })
	ob.Busy, ob.Read = true, readFact(ago(ms(80)), ago(ms(40)), providers.Assignment{Target: here})
	st, _ := Decide(pol, State{}, ob)
	ob = leading(func(ob *Observation) { ob.Target = []providers.Target{here} })
	if _, d := Decide(pol, st, ob); d.Step != Wait {
		t.Errorf("the owner, recognised late, is to %s address %d", d.Step, d.Address)
	}
}
