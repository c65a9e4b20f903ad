// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
)

// TestTheQueueKeepsTheOrderOfPlanning compares the heap with a stable sort.
func TestTheQueueKeepsTheOrderOfPlanning(t *testing.T) {
	t.Parallel()
	type planned struct{ at, order int }
	c := newChance(1)
	var q queue
	var want, got []planned
	for i := range 3000 {
		p := planned{c.IntN(100), i}
		want = append(want, p)
		q.push(happening{at: election.Instant(p.at), do: func() { got = append(got, p) }})
		if c.one(0.3) { // among the pushes, some pops of what is first now
			slices.SortStableFunc(want, func(a, b planned) int { return cmp.Compare(a.at, b.at) })
			h := q.pop()
			h.do()
			if last := got[len(got)-1]; last != want[0] {
				t.Fatalf("pop %d: got %v, want %v", len(got), last, want[0])
			}
			want = want[1:]
		}
	}
	slices.SortStableFunc(want, func(a, b planned) int { return cmp.Compare(a.at, b.at) })
	got = nil
	for len(q.items) > 0 {
		h := q.pop()
		h.do()
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rest came in another order")
	}
}

func TestChanceKeepsItsBounds(t *testing.T) {
	t.Parallel()
	c := newChance(2)
	var drawn [3]int
	for range 10_000 {
		if d := c.between(3, 5); d < 3 || d >= 5 {
			t.Fatalf("between 3 and 5: %d", d)
		}
		drawn[c.weighted(1, 0, 3)]++
	}
	if drawn[1] != 0 || drawn[0] < 2000 || drawn[0] > 3000 {
		t.Errorf("drawn %v with weights 1, 0, 3", drawn)
	}
	if d := c.between(7, 7); d != 7 {
		t.Errorf("between 7 and 7: %d", d)
	}
	if c.one(0) || !c.one(1.1) {
		t.Error("one ignores its probability")
	}
}

// TestABlindWindowAllowsWhatInvariant2Allows counts moves while no node hears another.
func TestABlindWindowAllowsWhatInvariant2Allows(t *testing.T) {
	t.Parallel()
	move := fakecloud.Change{Moved: true, Node: "a"}
	tests := map[string]struct {
		during func(w *world)
		moves  int // beyond n-1 of each address
		late   bool
		broken bool
	}{
		"n-1 moves are allowed":                    {},
		"one more is a fight":                      {moves: 1, broken: true},
		"a start allows one more":                  {during: func(w *world) { w.checks.allow(-1) }, moves: 1},
		"a start does not allow two":               {during: func(w *world) { w.checks.allow(-1) }, moves: 99, broken: true},
		"one that was given up voids the count":    {moves: 9, late: true},
		"after displaced_retry there may be again": {during: func(w *world) { w.now = w.now.Add(w.groups[0].config.DisplacedRetry) }, moves: 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(1)
			w.groups[0].config.DisplacedRetry = time.Minute
			b := &w.checks.blind[0]
			b.changed(move, false) // before: does not count
			end := w.cutAll(func(int, int) bool { return true })
			b.allowed = 0 // no daemon runs here: nobody is about to repair anything
			if tc.during != nil {
				tc.during(w)
			}
			for range (len(w.nodes)-1)*len(w.groups[0].addresses) + tc.moves {
				b.changed(move, tc.late)
			}
			end()
			if got := len(w.checks.found) > 0; got != tc.broken {
				t.Errorf("found %v", w.checks.found)
			}
		})
	}
}

// TestTheShadowFollowsWhatANodeWasTold is the checkers' own view of adverts and reads.
func TestTheShadowFollowsWhatANodeWasTold(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	a, b := w.nodes[0], w.nodes[1]
	a.session, a.seen = 11, newShadow(w, a)
	s := &a.seen
	s.sentTo(b.id, &election.Advert{Sequence: 5}, w.local(a))
	p := &packet{from: b.id, to: a.id, advert: election.Advert{
		Session: 22, Sequence: 1, Echo: election.Mark{Session: 11, Sequence: 5},
		Groups: []election.GroupAdvert{{VRID: 1, Role: election.Active, Term: election.Term{Number: 3, Node: "b"}}},
	}}
	w.now = w.now.Add(time.Second)
	if _, twoWay := s.accepted(w, a, p); !twoWay || s.groups[0].owningAt != w.local(a) || s.groups[0].highest.Number != 3 {
		t.Errorf("an owning advert that hears us: owning at %d of %d, highest %v", s.groups[0].owningAt, w.local(a), s.groups[0].highest)
	}
	if !s.couldLead(w, a, 0) {
		t.Error("an active peer could not lead")
	}
	owning := s.groups[0].owningAt
	w.now = w.now.Add(time.Minute)
	p.advert.Sequence++
	if _, twoWay := s.accepted(w, a, p); twoWay || s.groups[0].owningAt != owning {
		t.Error("an echo of a minute ago counts as two-way")
	}
	if s.couldLead(w, a, 0) {
		t.Error("a peer that does not hear us could lead")
	}
	me := election.Owner{Kind: election.OwnerNode, Node: "a"}
	s.read(w, 0, election.OwnerRead{Began: w.local(a), Owner: me})
	if !s.namesMe(a, 0) || s.newerElsewhere(w, a, 0) {
		t.Errorf("after a read of itself: names me %v, newer elsewhere %v", s.namesMe(a, 0), s.newerElsewhere(w, a, 0))
	}
	p.advert.Groups[0].Owner.Owner = election.Owner{Kind: election.OwnerNone}
	w.now = w.now.Add(time.Second)
	p.advert.Sequence++
	s.accepted(w, a, p)
	if !s.newerElsewhere(w, a, 0) {
		t.Error("a younger read of a peer that names nobody does not count")
	}
}

func TestThreeSessionsWithinAMinuteAreACrashLoop(t *testing.T) {
	t.Parallel()
	at := func(seconds ...time.Duration) (all []election.Instant) {
		for _, s := range seconds {
			all = append(all, election.Instant(time.Hour).Add(s*time.Second))
		}
		return all
	}
	for _, tc := range []struct {
		starts []election.Instant
		now    time.Duration
		want   bool
	}{
		{at(0, 20, 59), 60, true},
		{at(0, 20, 60), 61, false},
		{at(0, 20), 21, false},
		{at(0, 20, 59), 119, false},
	} {
		word := shadowWord{starts: tc.starts}
		if got := word.crashLooping(at(tc.now)[0]); got != tc.want {
			t.Errorf("starts %v, now %v: %v", tc.starts, tc.now, got)
		}
	}
}

// TestEveryCheckerHasItsOwnName keeps the list complete: a report that sums by checker
// must not lose one.
func TestEveryCheckerHasItsOwnName(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(slices.Values(Checkers()))
	if got := len(slices.Compact(slices.Clone(names))); got != len(names) || got != 22 {
		t.Errorf("%d checkers, %d different: %v", len(names), got, names)
	}
}

func TestEveryFaultHasItsOwnName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"": true}
	for _, f := range Faults() {
		if seen[f.String()] {
			t.Errorf("%d is called %q like another", f, f)
		}
		seen[f.String()] = true
	}
}

// Links that are cut one way, one after the other, until nobody hears anybody, are a
// partition to the checkers, and the first that works again ends it.
func TestOneWayCutsMayAddUpToAPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	var ends []func()
	for range 1000 {
		if w.checks.blind[0].since != 0 {
			break
		}
		ends = append(ends, w.play(OneWayCut))
	}
	if w.checks.blind[0].since == 0 {
		t.Fatalf("%d cuts are no partition to the checkers", len(ends))
	}
	ends[len(ends)-1]()
	if w.checks.blind[0].since != 0 {
		t.Error("a link works, and they still believe in a partition")
	}
}
