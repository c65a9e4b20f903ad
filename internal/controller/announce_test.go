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

func announced(p *AddressPolicy) { p.Guest, p.SettleTime = providers.GuestAnnounce, 0 }

// present is an address that is here, is on the machine and was announced that long ago.
func present(since time.Duration) func(*State, *AddressState) {
	return func(st *State, a *AddressState) {
		mine(st, a)
		a.Guest, a.GuestAt = GuestPresent, now.Add(time.Minute)
		a.AnnouncedAt, a.RefreshAt = ago(since), ago(since).Add(5*time.Second)
	}
}

// readAt makes the last read one that began and ended that long ago.
func readAt(st State, began, ended time.Duration) State {
	st.Addresses[0].Began, st.Addresses[0].Ended, st.LookedAt = ago(began), ago(ended), ago(ended)
	return st
}

// lost is an observation of a node from which the cloud is away.
func lost(allHeard bool) func(*Observation) {
	return func(ob *Observation) { ob.Permit.Away, ob.Permit.AllHeard = true, allHeard }
}

// TestDecideForAnnouncedAddresses has one case for every row that the tables of Decide,
// decideRefresh and decideAnnounce have for them, and one for what each must not catch.
func TestDecideForAnnouncedAddresses(t *testing.T) {
	t.Parallel()
	pol := onePolicy(announced)
	seen, own := providers.Assignment{Target: there}, providers.Assignment{Target: here}
	again := Decision{Step: Announce, Seen: own, Repeat: true}
	// next is a wait in which the owner of what is here is read when it is refreshed next.
	next := func(at election.Instant) Decision {
		return Decision{Step: Wait, Until: at, Wish: election.Wish{At: at}}
	}
	refreshing := Decision{Step: Wait, Until: now.Add(time.Minute), Wish: election.Wish{At: ago(time.Second)}}
	role := func(r election.Role) func(*Observation) { return func(ob *Observation) { ob.Permit.Role = r } }
	tests := []struct {
		name string
		st   State
		ob   Observation
		want Decision
	}{
		{"with the gate open the address is announced, from what was seen",
			elsewhere(nil), leading(nil), Decision{Step: Announce, Seen: seen}},
		{"a gate that wants another read gets one",
			readAt(elsewhere(nil), 3*time.Second, 1001*ms(1)), leading(nil), awaiting(election.ReasonReadTooOld)},
		{"a gate that is shut is waited for",
			elsewhere(nil), leading(func(ob *Observation) { ob.Permit.Newest.Number = 9 }), Decision{Step: Wait, Reason: election.ReasonStaleTerm}},
		{"a node that does not know its own target cannot claim",
			elsewhere(nil), leading(func(ob *Observation) { ob.Target[0] = providers.Target{} }), Decision{Step: Wait, Reason: election.ReasonCannotClaim}},
		{"an announcement is followed by a read",
			elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt, a.AnnouncedAt = ago(ms(10)), ago(ms(10)) }), leading(nil),
			polling(election.ReasonWritePending, ago(ms(10)))},
		{"reads after it come in growing steps",
			elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt, a.AnnouncedAt = ago(1040*ms(1)), ago(ms(10)) }), leading(nil),
			polling(election.ReasonWritePending, now.Add(ms(210)))},
		{"one that failed too makes it announced again, where that needs no read",
			elsewhere(func(st *State, a *AddressState) {
				a.AcceptedAt, a.AnnouncedAt = ago(ms(300)), ago(ms(60))
			}), leading(lost(true)), Decision{Step: Announce, Seen: seen, Repeat: true}},
		{"a read after it that does not show it here makes it announced again",
			elsewhere(func(_ *State, a *AddressState) { a.AcceptedAt, a.AnnouncedAt = ago(ms(300)), ago(ms(100)) }), leading(nil),
			Decision{Step: Announce, Seen: seen, Repeat: true}},
		{"a claim does not rely on a read from before its last announcement, even of an earlier series",
			elsewhere(func(_ *State, a *AddressState) { a.AnnouncedAt = ago(ms(10)) }), leading(nil),
			Decision{Step: Wait, Reason: election.ReasonReadTooEarly, Wish: election.Wish{Since: ago(ms(10)) + 1, Waits: true}}},
		{"a series that came to nothing is not begun again at once",
			elsewhere(func(_ *State, a *AddressState) { a.RetryAt = now.Add(ms(1)) }), leading(nil),
			Decision{Step: Wait, Until: now.Add(ms(1)), Reason: election.ReasonBackingOff}},

		{"a new owner announces at once, for the network to know",
			elsewhere(func(st *State, a *AddressState) { present(0)(st, a); a.RefreshAt = 0 }), leading(nil), again},
		{"an owner announces again after five seconds", elsewhere(present(5 * time.Second)), leading(nil), again},
		{"or in the second half of them, if it has been read since", elsewhere(present(2500 * ms(1))), leading(nil), again},
		{"but not in the first", elsewhere(present(2500*ms(1) - 1)), leading(nil), next(now.Add(2500*ms(1) + 1))},
		{"nor without having been read", readAt(elsewhere(present(4*time.Second)), 4100*ms(1), 1900*ms(1)), leading(nil), next(now.Add(time.Second))},
		{"a read of two seconds ago will do for that", readAt(elsewhere(present(6*time.Second)), ms(2100), 2*time.Second), leading(nil), again},
		{"an older one is repeated", readAt(elsewhere(present(6*time.Second)), ms(2100), 2*time.Second+1), leading(nil), refreshing},
		{"however long the advert interval is", readAt(elsewhere(present(6*time.Second)), ms(2100), 2*time.Second+1),
			leading(func(ob *Observation) { ob.Permit.MaxAge = 40 * time.Second }), refreshing},
		{"a read that failed meanwhile puts it off until the next time",
			func() State {
				st := readAt(elsewhere(present(6*time.Second)), 4*time.Second, 3900*ms(1))
				st.LookedAt = ago(ms(900))
				return st
			}(), leading(nil), Decision{Step: Wait, Until: now.Add(5 * time.Second)}},
		{"a leaver announces nothing, and keeps the address", elsewhere(present(time.Minute)),
			leading(func(ob *Observation) { ob.Permit.Handover = true }), Decision{Step: Wait, Until: now.Add(time.Minute)}},
		{"an owner whose machine may lack the address adds it first",
			elsewhere(mine), leading(nil), Decision{Step: Add}},

		{"without the cloud, and with all peers heard, the owner goes on announcing",
			readAt(elsewhere(present(6*time.Second)), time.Minute, time.Minute), leading(lost(true)), again},
		{"without the cloud, and without a peer, it reads on",
			readAt(elsewhere(present(6*time.Second)), time.Minute, time.Minute), leading(lost(false)), refreshing},
		{"without the cloud, and with all peers heard, a claim needs no read",
			State{}, leading(lost(true)), Decision{Step: Announce}},
		{"without the cloud, and without a peer, it waits for one",
			State{}, leading(lost(false)), awaiting(election.ReasonReadMissing)},

		{"a node that steps back takes the address off, whoever the cloud says holds it",
			elsewhere(present(0)), leading(role(election.Backup)), Decision{Step: Remove}},
		{"in fault too", elsewhere(present(0)), leading(role(election.Fault)), Decision{Step: Remove}},
		{"and when it stops", elsewhere(present(0)), leading(role(election.Initialize)), Decision{Step: Remove}},
		{"a standby makes sure that it is off", elsewhere(nil), leading(role(election.Backup)), Decision{Step: Remove}},
		{"and again later", elsewhere(func(_ *State, a *AddressState) { a.Guest, a.GuestAt = GuestAbsent, now.Add(1) }),
			leading(role(election.Backup)), Decision{Step: Wait, Until: now + 1}},

		{"what an earlier process left waits for the first read",
			State{Born: ago(19 * time.Second)}, leading(role(election.Backup)), Decision{Step: Wait, Until: now.Add(time.Second)}},
		{"but no longer than for a restart", State{Born: ago(20 * time.Second)}, leading(role(election.Backup)), Decision{Step: Remove}},
		{"if the read says here, for the start to end",
			elsewhere(func(st *State, a *AddressState) { mine(st, a); st.Born = ago(time.Second) }), leading(role(election.Initialize)),
			Decision{Step: Wait, Until: now.Add(19 * time.Second)}},
		{"if it says elsewhere, it is taken off at once",
			elsewhere(func(st *State, _ *AddressState) { st.Born = ago(time.Second) }), leading(role(election.Initialize)), Decision{Step: Remove}},
		{"if the node has started and still does not lead, too",
			elsewhere(func(st *State, a *AddressState) { mine(st, a); st.Born = ago(time.Second) }), leading(role(election.Backup)), Decision{Step: Remove}},
		{"a node that does not know itself yet waits too",
			elsewhere(func(st *State, _ *AddressState) { st.Born = ago(time.Second) }),
			leading(func(ob *Observation) { ob.Permit.Role, ob.Target[0] = election.Backup, providers.Target{} }),
			Decision{Step: Wait, Until: now.Add(19 * time.Second)}},
		{"a drained node does not wait", State{Born: ago(time.Second)}, leading(role(election.Drained)), Decision{Step: Remove}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if len(tt.st.Addresses) == 0 {
				tt.st.Addresses = make([]AddressState, 1)
			}
			_, got := Decide(pol, tt.st, tt.ob)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatWasHereAMomentAgoIsNotAnnouncedAgain, while the read may be a stale one.
func TestWhatWasHereAMomentAgoIsNotAnnouncedAgain(t *testing.T) {
	t.Parallel()
	pol := onePolicy(func(p *AddressPolicy) { announced(p); p.SettleTime = 15 * time.Second })
	for since, want := range map[time.Duration]election.Reason{15*time.Second - 1: election.ReasonConfirming, 15 * time.Second: election.ReasonNone} {
		_, d := Decide(pol, elsewhere(func(st *State, a *AddressState) { st.Term, a.WonAt = term, ago(since) }), leading(nil))
		if d.Reason != want || (d.Step == Announce) != (want == election.ReasonNone) {
			t.Errorf("%v after it was here: %v, %v", since, d.Step, d.Reason)
		}
	}
}

func TestSeveralAnnouncementsTakeTurnsAndDoNotWaitForReads(t *testing.T) {
	t.Parallel()
	pol := onePolicy(announced)
	pol.Addresses = append(pol.Addresses, pol.Addresses[0])
	seen := providers.Assignment{Target: there}
	waiting := AddressState{Known: true, Seen: seen, AcceptedAt: ago(ms(500)), AnnouncedAt: ago(ms(20))} // a read is due
	tests := []struct {
		name          string
		first, second AddressState
		want          Decision
	}{
		{"the first goes first", AddressState{Known: true, Seen: seen}, AddressState{Known: true, Seen: seen}, Decision{Step: Announce, Seen: seen}},
		{"the one that was announced longer ago goes first",
			AddressState{Known: true, Seen: seen, AcceptedAt: ago(ms(500)), AnnouncedAt: ago(ms(300))},
			AddressState{Known: true, Seen: seen}, Decision{Step: Announce, Address: 1, Seen: seen}},
		{"an announcement goes before a read for another", waiting, AddressState{Known: true, Seen: seen}, Decision{Step: Announce, Address: 1, Seen: seen}},
		{"in whichever order they are", AddressState{Known: true, Seen: seen}, waiting, Decision{Step: Announce, Seen: seen}},
		{"what is here is announced again meanwhile", AddressState{Known: true, Seen: seen, RetryAt: now.Add(ms(9))},
			AddressState{Known: true, Seen: providers.Assignment{Target: here}, Mine: true, Guest: GuestPresent, GuestAt: now.Add(time.Second)},
			Decision{Step: Announce, Address: 1, Seen: providers.Assignment{Target: here}, Repeat: true}},
		{"a refresh that is due before the next of a claim is not overslept", AddressState{Known: true, Seen: seen, RetryAt: now.Add(ms(9))},
			AddressState{Known: true, Seen: providers.Assignment{Target: here}, Mine: true, Guest: GuestPresent, GuestAt: now.Add(time.Second), AnnouncedAt: ago(ms(1)), RefreshAt: now.Add(ms(3))},
			Decision{Step: Wait, Until: now.Add(ms(3)), Reason: election.ReasonBackingOff, Wish: election.Wish{At: now.Add(ms(3))}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := State{Born: 1, LookedAt: ago(ms(40)), Addresses: fresh(tt.first, tt.second)}
			ob := leading(func(ob *Observation) { ob.Target = []providers.Target{here, here} })
			_, got := Decide(pol, st, ob)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAClaimByAnnouncementIsRepeatedUntilItIsSeen follows one claim whose fourth
// announcement is the first that the network hears, and then the owner's refresh.
func TestAClaimByAnnouncementIsRepeatedUntilItIsSeen(t *testing.T) {
	t.Parallel()
	pol, st, holder, heard := onePolicy(announced), State{}, there, 0
	var claim, refresh []time.Duration
	repeats := 0
	for at := now; at < now.Add(30*time.Second); at = at.Add(ms(1)) {
		ob := leading(func(ob *Observation) { ob.Now = at })
		ob.Permit.Since, ob.Permit.Own = 0, 0
		var d Decision
		switch st, d = Decide(pol, st, ob); d.Step {
		case Wait:
			if !d.reads(at) {
				continue
			}
			ob.Read = readFact(at, at, providers.Assignment{Target: holder})
		case Announce:
			if heard++; heard == 4 {
				holder = here
			}
			if d.Repeat {
				repeats++
			}
			if st.Addresses[0].Mine {
				refresh = append(refresh, at.Sub(now))
			} else {
				claim = append(claim, at.Sub(now))
			}
			ob.Announced = &AnnounceFact{Left: true}
		case Add:
			ob.Guest = &GuestFact{State: GuestPresent}
		default:
			t.Fatalf("%v at %v", d.Step, at.Sub(now))
		}
		ob.Busy = true
		st, _ = Decide(pol, st, ob)
	}
	if diff := cmp.Diff([]time.Duration{ms(1), ms(3), ms(103), ms(203)}, claim); diff != "" {
		t.Errorf("announcements of the claim (-want +got):\n%s", diff)
	}
	var spacing []time.Duration
	for i := 1; i < len(refresh); i++ {
		spacing = append(spacing, (refresh[i] - refresh[i-1]).Round(100*ms(1)))
	}
	if len(spacing) < 4 || spacing[0] != 5*time.Second || spacing[3] != 5*time.Second {
		t.Errorf("announcements of the owner: %v", refresh)
	}
	if repeats != len(claim)+len(refresh)-1 {
		t.Errorf("%d of %d announcements were repeats; only the first is a write", repeats, len(claim)+len(refresh))
	}
}

func TestWhatAnAnnouncementChangesOfAnAddress(t *testing.T) {
	t.Parallel()
	seen := providers.Assignment{Target: there}
	announcing := func(left bool, change func(*Observation)) Observation {
		return leading(func(ob *Observation) {
			ob.Announced, ob.Jitter, ob.Busy = &AnnounceFact{Left: left}, 1, true
			if change != nil {
				change(ob)
			}
		})
	}
	own := AddressState{Known: true, Seen: providers.Assignment{Target: here}, Mine: true}
	tests := []struct {
		name string
		from AddressState
		ob   Observation
		want AddressState
	}{
		{"the first of a claim begins to count", AddressState{Known: true, Seen: seen, WonAt: ago(ms(9))}, announcing(true, nil),
			AddressState{Known: true, Seen: seen, AcceptedAt: now, AnnouncedAt: now, RefreshAt: now.Add(5 * time.Second), Guest: GuestPresent, Placed: true, GuestAt: now.Add(30 * time.Second)}},
		{"a further one does not count anew", AddressState{Known: true, Seen: seen, AcceptedAt: ago(time.Second), AnnouncedAt: ago(time.Second)}, announcing(true, nil),
			AddressState{Known: true, Seen: seen, AcceptedAt: ago(time.Second), AnnouncedAt: now, RefreshAt: now.Add(5 * time.Second), Guest: GuestPresent, Placed: true, GuestAt: now.Add(30 * time.Second)}},
		{"an owner's begins no claim", own, announcing(true, nil),
			AddressState{Known: true, Seen: own.Seen, Mine: true, AnnouncedAt: now, RefreshAt: now.Add(5 * time.Second), Guest: GuestPresent, Placed: true, GuestAt: now.Add(30 * time.Second)}},
		{"one of a claim that failed waits a little", AddressState{Known: true, Seen: seen}, announcing(false, nil),
			AddressState{Known: true, Seen: seen, Failures: 1, RetryAt: now.Add(ms(125)), Guest: GuestPresent, GuestAt: now.Add(5 * time.Second), RefreshAt: now.Add(5 * time.Second)}},
		{"an owner's that failed is no failed claim", own, announcing(false, nil),
			AddressState{Known: true, Seen: own.Seen, Mine: true, Guest: GuestPresent, GuestAt: now.Add(5 * time.Second), RefreshAt: now.Add(5 * time.Second)}},
		{"one that left before the role was lost is remembered, and its claim forgotten", AddressState{Known: true, Seen: seen}, announcing(true, standby),
			AddressState{Known: true, Seen: seen, AnnouncedAt: now, Guest: GuestPresent, Placed: true, GuestAt: now.Add(30 * time.Second)}},
		{"a claim that is not seen for as long as a move may take has failed",
			AddressState{Known: true, Seen: seen, AcceptedAt: ago(60*time.Second + 1), AnnouncedAt: ago(time.Second)},
			leading(func(ob *Observation) { ob.Busy, ob.Jitter = true, 1 }),
			AddressState{Known: true, Seen: seen, AnnouncedAt: ago(time.Second), Failures: 1, RetryAt: now.Add(ms(125)), ReleaseNext: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, _ := Decide(onePolicy(announced), State{Term: term, Addresses: []AddressState{tt.from}}, tt.ob)
			if diff := cmp.Diff(tt.want, st.Addresses[0], cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("address (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheFirstAnnouncementMakesReadsFrequentAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		since election.Instant
		want  election.Instant
	}{{"the first of a series does", 0, now}, {"a repeat does not", ago(2040 * ms(1)), now.Add(ms(460))}} {
		st := elsewhere(func(st *State, a *AddressState) { a.AcceptedAt = tt.since })
		st, _ = Decide(onePolicy(announced), st, leading(func(ob *Observation) { ob.Announced, ob.Busy = &AnnounceFact{Left: true}, true }))
		if _, d := Decide(onePolicy(announced), st, leading(nil)); d.Wish.At != tt.want {
			t.Errorf("%s: the next read is at %v", tt.name, d.Wish.At.Sub(now))
		}
	}
}
