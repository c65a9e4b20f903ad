// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/google/go-cmp/cmp"
)

// steadily is an address that is here and was put on the machine by a step.
func steadily(st *State, a *AddressState) {
	mine(st, a)
	a.Guest, a.GuestAt, a.Placed, a.RefreshAt = GuestPresent, now.Add(time.Minute), true, now.Add(5*time.Second)
}

func doubting(d GuestDoubt) Observation {
	return leading(func(ob *Observation) { ob.Doubt = &d })
}

func TestADoubtMakesALeaderLookAtOnce(t *testing.T) {
	t.Parallel()
	backup := func(ob *Observation) { ob.Permit.Role = election.Backup }
	failed := func(st *State, a *AddressState) {
		steadily(st, a)
		a.Guest, a.GuestAt, a.GuestPerhaps = GuestUnknown, now.Add(5*time.Second), true
	}
	fought := func(st *State, a *AddressState) {
		steadily(st, a)
		for range putBacksAtOnce {
			a.PutBacks = a.PutBacks.add(ago(ms(100)))
		}
	}
	gone := func(st *State, a *AddressState) { steadily(st, a); a.Guest, a.Placed = GuestAbsent, false }
	tests := []struct {
		name string
		pol  Policy
		st   State
		ob   Observation
		want Step
	}{
		{"what should be here is put there", onePolicy(guest), elsewhere(steadily), doubting(GuestDoubt{}), Add},
		{"an announced address too", onePolicy(announced), elsewhere(steadily), doubting(GuestDoubt{}), Add},
		{"and when its interface is back", onePolicy(guest), elsewhere(steadily), doubting(GuestDoubt{Back: true}), Add},
		{"what a node must not have is looked for, since the doubt may be late", onePolicy(announced), elsewhere(steadily), observed(doubting(GuestDoubt{}), backup), Remove},
		{"even one that is fought over", onePolicy(announced), elsewhere(fought), observed(doubting(GuestDoubt{}), backup), Remove},
		{"which a leader does not put back at once", onePolicy(guest), elsewhere(fought), doubting(GuestDoubt{}), Wait},
		{"a step that failed is not tried sooner because something was removed", onePolicy(guest), elsewhere(failed), doubting(GuestDoubt{}), Wait},
		{"but because its interface is back", onePolicy(guest), elsewhere(failed), doubting(GuestDoubt{Back: true}), Add},
		{"what is not believed to be here was not removed", onePolicy(announced), elsewhere(gone), observed(doubting(GuestDoubt{}), backup), Wait},
		{"nor is it looked for when an interface is back", onePolicy(announced), elsewhere(gone), observed(doubting(GuestDoubt{Back: true}), backup), Wait},
		{"what an earlier process left still waits for the first read", onePolicy(announced), State{Born: ago(ms(1)), Addresses: make([]AddressState, 1)},
			observed(doubting(GuestDoubt{Back: true}), backup), Wait},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, got := Decide(tt.pol, tt.st, tt.ob); got.Step != tt.want {
				t.Errorf("decides to %+v, want %s", got, tt.want)
			}
		})
	}
}

// TestWhatWasPutBackIsAnnouncedAnew: by the gate, as ever. What is found there is not.
func TestWhatWasPutBackIsAnnouncedAnew(t *testing.T) {
	t.Parallel()
	pol := onePolicy(announced)
	for name, tt := range map[string]struct {
		added  bool
		placed bool
		want   Step
	}{
		"put back":                {true, true, Announce},
		"found there":             {false, true, Wait},
		"put there for the first": {true, false, Wait},
	} {
		st, d := Decide(pol, elsewhere(steadily), doubting(GuestDoubt{}))
		st.Addresses[0].Placed = tt.placed
		if d.Step != Add {
			t.Fatalf("%s: %+v", name, d)
		}
		ob := leading(func(ob *Observation) { ob.Guest = &GuestFact{State: GuestPresent, Added: tt.added, Perhaps: true} })
		if _, d = Decide(pol, st, ob); d.Step != tt.want {
			t.Errorf("%s: %+v, want %s", name, d, tt.want)
		}
		ob.Permit.Eligible = false
		if _, d = Decide(pol, st, ob); d.Step != Wait {
			t.Errorf("%s, with the gate shut: %+v", name, d)
		}
	}
	st, _ := Decide(pol, elsewhere(steadily), doubting(GuestDoubt{Back: true}))
	ob := leading(func(ob *Observation) { ob.Guest = &GuestFact{State: GuestPresent, Perhaps: true} })
	if _, d := Decide(pol, st, ob); d.Step != Announce {
		t.Errorf("an interface that is back: %+v", d)
	}
}

// TestWhatIsPlaced is what tells an address that somebody took off from one that was not
// put there yet.
func TestWhatIsPlaced(t *testing.T) {
	t.Parallel()
	announcement := func(f AnnounceFact) Observation {
		return leading(func(ob *Observation) { ob.Announced = &f })
	}
	step := func(f GuestFact) Observation { return leading(func(ob *Observation) { ob.Guest = &f }) }
	type placing struct {
		Placed bool
		Backs  int
	}
	for _, tt := range []struct {
		name   string
		before bool
		ob     Observation
		want   placing
	}{
		{"a step puts it there", false, step(GuestFact{State: GuestPresent, Added: true, Perhaps: true}), placing{true, 0}},
		{"a step finds it there", false, step(GuestFact{State: GuestPresent, Perhaps: true}), placing{true, 0}},
		{"a step puts it there again", true, step(GuestFact{State: GuestPresent, Added: true, Perhaps: true}), placing{true, 1}},
		{"a step that fails changes nothing", true, step(GuestFact{Perhaps: true}), placing{true, 0}},
		{"nor one that is given up", true, step(GuestFact{Perhaps: true, GivenUp: true}), placing{true, 0}},
		{"a step takes it off", true, step(GuestFact{State: GuestAbsent}), placing{false, 0}},
		{"a step may have taken it off", true, step(GuestFact{}), placing{false, 0}},
		{"an announcement puts it there", false, announcement(AnnounceFact{Left: true, Added: true}), placing{true, 0}},
		{"and again", true, announcement(AnnounceFact{Left: true, Added: true}), placing{true, 1}},
		{"even if nothing left", true, announcement(AnnounceFact{Added: true}), placing{true, 1}},
		{"one that could not put it there", false, announcement(AnnounceFact{}), placing{false, 0}},
	} {
		st := elsewhere(func(st *State, a *AddressState) { steadily(st, a); a.Placed = tt.before })
		st, _ = Decide(onePolicy(announced), st, tt.ob)
		got := placing{Placed: st.Addresses[0].Placed}
		for _, at := range st.Addresses[0].PutBacks {
			if at != 0 {
				got.Backs++
			}
		}
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestAFightOverAnAddressIsDamped plays somebody who takes the address off as soon as it
// is back, for two minutes, and rests for a little more than one.
func TestAFightOverAnAddressIsDamped(t *testing.T) {
	t.Parallel()
	pol, st := onePolicy(guest), elsewhere(steadily)
	var backs []time.Duration
	missing := false
	for at := now; at < now.Add(4*time.Minute); at = at.Add(ms(100)) {
		ob := leading(func(ob *Observation) { ob.Now = at })
		rests := at >= now.Add(2*time.Minute) && at < now.Add(3*time.Minute+2*time.Second)
		if st.Addresses[0].Guest == GuestPresent && !rests {
			ob.Doubt, missing = &GuestDoubt{}, true
		}
		var d Decision
		if st, d = Decide(pol, st, ob); d.Step != Add {
			continue
		}
		ob.Doubt, ob.Busy, ob.Guest = nil, true, &GuestFact{State: GuestPresent, Added: missing, Perhaps: true}
		st, _ = Decide(pol, st, ob)
		if missing {
			backs = append(backs, at.Sub(now))
		}
		missing = false
	}
	count := func(from, to time.Duration) (n int) {
		for _, at := range backs {
			if at >= from && at < to {
				n++
			}
		}
		return n
	}
	got := []int{count(0, time.Second), count(time.Second, 4*time.Second), count(4*time.Second, time.Minute), count(time.Minute, 2*time.Minute), count(3*time.Minute, 3*time.Minute+4*time.Second)}
	if diff := cmp.Diff([]int{putBacksAtOnce, 0, 11, 12, putBacksAtOnce}, got); diff != "" {
		t.Errorf("put back, by the parts of the fight (-want +got):\n%s\n%v", diff, backs)
	}
}
