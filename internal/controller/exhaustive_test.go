// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"fmt"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// space walks over every combination of its axes, of which each calls set with one
// of its values.
type space []func(set func())

func (s space) walk(visit func()) {
	if len(s) == 0 {
		visit()
		return
	}
	s[0](func() { s[1:].walk(visit) })
}

// axis makes one dimension of a space.
func axis[T any](into *T, values ...T) func(func()) {
	return func(next func()) {
		for _, v := range values {
			*into = v
			next()
		}
	}
}

// TestDecideOverItsInputSpace asks Decide about every combination of a small set of
// values and compares its steps with rules that do not look like its code.
func TestDecideOverItsInputSpace(t *testing.T) {
	t.Parallel()
	var (
		pol    = onePolicy(nil)
		p      = &pol.Addresses[0]
		a      AddressState
		ob     = leading(nil)
		began  election.Instant
		cases  int
		values = map[Step]int{}
	)
	no, yes := false, true
	space{
		axis(&p.Guest, providers.GuestNone, providers.GuestAddress), axis(&p.CanRelease, no, yes),
		axis(&a.Known, no, yes), axis(&a.Seen.Target, providers.Target{}, here, there), axis(&a.Seen.Pending, no, yes),
		axis(&a.AcceptedAt, 0, ago(ms(500)), ago(2*time.Minute)), axis(&a.Detaching, no, yes), axis(&a.RetryAt, 0, now, now.Add(1)),
		axis(&a.ReleaseNext, no, yes), axis(&a.Guest, GuestUnknown, GuestAbsent, GuestPresent), axis(&a.GuestAt, 0, now.Add(1)),
		axis(&began, 0, ago(ms(80)), ago(20*time.Second)),
		axis(&ob.Busy, no, yes), axis(&ob.Permit.Role, election.Active, election.Backup, election.Fault),
		axis(&ob.Permit.Eligible, no, yes), axis(&ob.Target[0], providers.Target{}, here),
	}.walk(func() {
		cases++
		a.Mine = a.Known && !ob.Target[0].IsZero() && a.Seen.Target == ob.Target[0]
		if a.Known != (began != 0) {
			return // what was read has a time
		}
		a.Began, a.Ended = began, 0
		if began != 0 {
			a.Ended = began.Add(ms(40))
		}
		st := State{LookedAt: a.Ended, Addresses: []AddressState{a}}
		after, d := Decide(pol, st, ob)
		values[d.Step]++
		if broken := brokenRule(*p, st, after, ob, d); broken != "" {
			t.Fatalf("%s:\npolicy %+v\nstate %+v\nobservation %+v\ndecision %+v", broken, *p, st, ob, d)
		}
	})
	for s := Wait; s <= Remove; s++ {
		if values[s] == 0 {
			t.Errorf("the space of %d cases has none with the step %s", cases, s)
		}
	}
}

// TestDecideOverTheInputSpaceOfAnnouncedAddresses does the same for the kinds that move
// by announcement.
func TestDecideOverTheInputSpaceOfAnnouncedAddresses(t *testing.T) {
	t.Parallel()
	var (
		pol    = onePolicy(announced)
		a      AddressState
		ob     = leading(nil)
		began  election.Instant
		values = map[Step]int{}
	)
	no, yes := false, true
	space{
		axis(&a.Known, no, yes), axis(&a.Seen.Target, providers.Target{}, here, there),
		axis(&a.AcceptedAt, 0, ago(ms(500)), ago(2*time.Minute)), axis(&a.RetryAt, 0, now.Add(1)),
		axis(&a.Guest, GuestUnknown, GuestAbsent, GuestPresent), axis(&a.GuestAt, 0, now.Add(1)),
		axis(&a.AnnouncedAt, 0, ago(ms(500)), ago(ms(20))), axis(&a.RefreshAt, 0, ago(ms(50)), now.Add(1)),
		axis(&began, 0, ago(ms(80)), ago(1500*ms(1)), ago(20*time.Second)),
		axis(&ob.Permit.Role, election.Active, election.Backup, election.Initialize),
		axis(&ob.Permit.Eligible, no, yes), axis(&ob.Permit.Handover, no, yes),
		axis(&ob.Permit.Away, no, yes), axis(&ob.Permit.AllHeard, no, yes), axis(&ob.Target[0], providers.Target{}, here),
	}.walk(func() {
		a.Mine = a.Known && !ob.Target[0].IsZero() && a.Seen.Target == ob.Target[0]
		if a.Known != (began != 0) {
			return // what was read has a time
		}
		a.Began, a.Ended = began, 0
		if began != 0 {
			a.Ended = began.Add(ms(40))
		}
		st := State{Born: ago(10 * time.Second), LookedAt: a.Ended, Addresses: []AddressState{a}}
		_, d := Decide(pol, st, ob)
		values[d.Step]++
		if broken := brokenAnnouncement(st, ob, d); broken != "" {
			t.Fatalf("%s:\nstate %+v\nobservation %+v\ndecision %+v", broken, st, ob, d)
		}
	})
	for _, s := range []Step{Wait, Add, Remove, Announce} {
		if values[s] == 0 {
			t.Errorf("no case has the step %s", s)
		}
	}
}

// brokenAnnouncement names the first rule that a decision about an announced address
// breaks, or "".
func brokenAnnouncement(st State, ob Observation, d Decision) string {
	a, p := st.Addresses[0], ob.Permit
	active, announces := p.Role == election.Active, d.Step == Announce
	age := now.Sub(a.Ended)
	read := a.Ended != 0 && a.Began > p.Since && a.Began > p.Own && (age <= time.Second || a.Mine && age <= 2*time.Second)
	blind := p.Away && p.AllHeard
	rules := []struct {
		name   string
		broken bool
	}{
		{"no cloud write", d.Step == Write || d.Step == Release},
		{"only the active node announces, adds or reads", !active && (announces || d.Step == Add || d.Wish != election.Wish{})},
		{"only an eligible node announces, and no leaver", announces && (!p.Eligible || p.Handover)},
		{"an announcement relies on a read or on every peer (invariant 1)", announces && !(read && a.Known) && !blind},
		{"one of a claim relies on a read begun after the last one", announces && !a.Mine && a.Began <= a.AnnouncedAt && !blind},
		{"no claim while an earlier one waits to be tried again", announces && !a.Mine && now < a.RetryAt},
		{"no claim without a target", announces && ob.Target[0].IsZero()},
		{"what is here is not announced before its time", announces && a.Mine && now < a.RefreshAt && (now < a.RefreshAt.Add(-refreshEvery/2) || a.Began <= a.AnnouncedAt)},
		{"one that is due and may leave does", active && a.Mine && now >= a.RefreshAt && read && p.Eligible && !p.Handover && d.Step != Add && !announces},
		{"the first of a claim is the write", announces && d.Repeat != (a.Mine || a.AcceptedAt != 0) && now.Sub(a.AcceptedAt) < time.Minute},
		{"an active node keeps what it has", active && d.Step == Remove},
		{"another one does not", !active && a.Guest == GuestPresent && d.Step != Remove},
		{"only what is here is added unannounced", d.Step == Add && !a.Mine},
		{"a wait ends in the future", d.Step == Wait && d.Until != 0 && d.Until <= now},
		{"a claim that waits has a reason", active && !a.Mine && d.Step == Wait && d.Reason == election.ReasonNone},
	}
	for _, r := range rules {
		if r.broken {
			return "broken: " + r.name
		}
	}
	return ""
}

// brokenRule names the first rule that a decision breaks, or "".
func brokenRule(p AddressPolicy, st, after State, ob Observation, d Decision) string {
	a, learnt := st.Addresses[0], after.Addresses[0]
	// What the guest gets before the cloud is asked, it gets instead of a write.
	early := d.Step == Add && !a.Mine && (learnt.AcceptedAt == 0 || learnt.Detaching)
	writes := d.Step == Write || d.Step == Release || early
	gate := Gate(ob.Now, ob.Permit, ob.Permit.Term, a.Began, a.Ended)
	rules := []struct {
		name   string
		broken bool
	}{
		{"no step while a call is under way", ob.Busy && d.Step != Wait},
		{"no write with the gate shut (invariant 1)", writes && gate != election.ReasonNone},
		{"no write while an accepted one may run", writes && learnt.AcceptedAt != 0},
		{"no write while the cloud works on the address", writes && a.Seen.Pending},
		{"no write before the time to try again", writes && ob.Now < learnt.RetryAt},
		{"no write of what is here", writes && a.Mine},
		{"no write without a target", writes && ob.Target[0].IsZero()},
		{"a write goes out from what was seen", writes && !early && d.Seen.Target != a.Seen.Target},
		{"a release needs somebody to release from", d.Step == Release && a.Seen.Target.IsZero()},
		{"a release only where it is a way on", d.Step == Release && (!p.CanRelease || !learnt.ReleaseNext)},
		{"no move where a release is due", d.Step == Write && p.CanRelease && learnt.ReleaseNext && !a.Seen.Target.IsZero()},
		{"no read and no write of a node that is not active", (writes || d.Wish != election.Wish{}) && ob.Permit.Role != election.Active},
		{"the guest gets something only on the active node", d.Step == Add && ob.Permit.Role != election.Active},
		{"the guest gets nothing early that it has, or failed to get a moment ago", early && (a.Guest == GuestPresent || a.Guest == GuestUnknown && a.GuestAt > ob.Now)},
		{"a write finds the guest ready, unless that failed a moment ago",
			d.Step == Write && p.Guest == providers.GuestAddress && (a.Guest == GuestAbsent || a.Guest == GuestUnknown && a.GuestAt <= ob.Now)},
		{"the guest loses only what is elsewhere, on a node that is not active",
			d.Step == Remove && (a.Mine || !a.Known || ob.Permit.Role == election.Active)},
		{"no guest step where none is needed", (d.Step == Add || d.Step == Remove) && p.Guest == providers.GuestNone},
		{"a wait ends in the future", d.Step == Wait && d.Until != 0 && d.Until <= ob.Now},
		{"an active node that lacks the address and may write is never stuck without a reason",
			!ob.Busy && d.Step == Wait && ob.Permit.Role == election.Active && !a.Mine && d.Reason == election.ReasonNone},
		{"only an election's word makes it wait for ever", d.Step == Wait && d.Until == 0 && d.Wish == election.Wish{} && !ob.Busy && ob.Permit.Role == election.Active &&
			!a.Mine && ob.Permit.Eligible && !ob.Target[0].IsZero()},
	}
	for _, r := range rules {
		if r.broken {
			return fmt.Sprintf("broken: %s", r.name)
		}
	}
	return ""
}
