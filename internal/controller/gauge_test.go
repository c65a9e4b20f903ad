// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// flow is an account from which so many calls a minute are made.
type flow struct {
	watch            Gauge
	at               election.Instant
	remaining, calls int
}

// pass lets minutes go by, in each of which this node makes own calls and what remains
// falls by so many.
func (f *flow) pass(minutes, own, falls int) {
	for range minutes {
		f.at, f.calls, f.remaining = f.at.Add(time.Minute), f.calls+own, max(f.remaining-falls, 0)
		f.note()
	}
}

func (f *flow) note() {
	f.watch.Note(f.at, providers.Allowance{Limit: 5000, Remaining: f.remaining, Window: time.Hour, Calls: f.calls})
}

func (f *flow) strained() bool {
	_, yes := f.watch.Strained(f.at, 2, 150)
	return yes
}

func TestAnAccountIsStrainedWhenSomebodyElseUsesItUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                           string
		remaining, minutes, own, falls int
		want                           bool
	}{
		{"nothing happens", 5000, 10, 1, 0, false},
		{"both nodes call as they do at rest", 5000, 60, 1, 2, false},
		{"a takeover", 5000, 1, 20, 25, false},
		{"another pair has a bad hour", 5000, 60, 1, 20, false},
		{"somebody calls as often as the minute bears, and much is left", 5000, 3, 1, 80, false},
		{"for long enough that the end is near", 5000, 35, 1, 80, true},
		{"somebody calls, and little is left", 800, 2, 1, 40, true},
		{"this cluster calls as much itself", 800, 2, 20, 40, false},
		{"most of it is this cluster's", 800, 2, 15, 40, false},
		{"half of it is others", 800, 3, 10, 45, true},
		{"less is left than the cluster needs", 179, 1, 1, 0, true},
		{"just as much is left", 180, 1, 1, 0, false},
		{"nothing is left", 0, 1, 0, 0, true},
		{"calls come back", 400, 10, 1, -50, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &flow{at: now, remaining: tt.remaining}
			if tt.minutes > 1 {
				f.note()
			}
			f.pass(tt.minutes, tt.own, tt.falls)
			if got := f.strained(); got != tt.want {
				s, _ := f.watch.Strained(f.at, 2, 150)
				t.Errorf("strained: %t, %d remain, %+v", got, f.remaining, s)
			}
		})
	}
}

// TestABurstIsNoTrend: a run of somebody's tool, and it is over.
func TestABurstIsNoTrend(t *testing.T) {
	t.Parallel()
	f := &flow{at: now, remaining: 900}
	f.note()
	f.at, f.remaining = f.at.Add(50*time.Second), 700
	f.note()
	if f.strained() {
		t.Error("less than a minute is a trend")
	}
}

// TestTheWarningDoesNotFlap: what ended it must be more than what began it.
func TestTheWarningDoesNotFlap(t *testing.T) {
	t.Parallel()
	f := &flow{at: now, remaining: 179}
	f.note()
	for _, step := range []struct {
		remaining int
		want      bool
	}{{179, true}, {185, true}, {269, true}, {270, false}, {185, false}, {179, true}} {
		f.remaining = step.remaining
		f.pass(1, 0, 0)
		if got := f.strained(); got != step.want {
			t.Errorf("%d remain: %t", step.remaining, got)
		}
	}
}

func TestWhatIsToldOfAStrainIsOfTheLastMinutes(t *testing.T) {
	t.Parallel()
	f := &flow{at: now, remaining: 5000}
	f.note()
	f.pass(60, 3, 5)
	f.pass(10, 2, 100)
	got, _ := f.watch.Strained(f.at, 2, 150)
	if diff := cmp.Diff(Strain{Over: 10 * time.Minute, Fell: 1000, Calls: 20}, got); diff != "" {
		t.Errorf("strain (-want +got):\n%s", diff)
	}
	if n := len(f.watch.notes); n > int(gaugeOver/gaugeEvery)+2 {
		t.Errorf("%d notes are kept (invariant 12)", n)
	}
	for range 10_000 { // many answers in a second are one note
		f.note()
	}
	if n := len(f.watch.notes); n > int(gaugeOver/gaugeEvery)+2 {
		t.Errorf("%d notes are kept (invariant 12)", n)
	}
}

func TestADriverThatIsOpenedAnewIsNoStranger(t *testing.T) {
	t.Parallel()
	f := &flow{at: now, remaining: 900, calls: 500}
	f.note()
	f.pass(2, 30, 60)
	f.calls = 0
	f.pass(1, 30, 60)
	if f.strained() {
		t.Error("calls that began to count anew look like somebody else's")
	}
}

// TestAnotherLimitIsAnotherAccount: a smaller one has not lost what the larger had.
func TestAnotherLimitIsAnotherAccount(t *testing.T) {
	t.Parallel()
	f := &flow{at: now, remaining: 5000}
	f.note()
	f.pass(2, 1, 2)
	f.watch.Note(f.at.Add(time.Minute), providers.Allowance{Limit: 1000, Remaining: 1000, Window: time.Hour, Calls: f.calls + 1})
	if s, yes := f.watch.Strained(f.at.Add(time.Minute), 2, 150); yes || s.Fell != 0 {
		t.Errorf("strained: %t, %+v", yes, s)
	}
}

func TestWhatWasToldLongAgoIsNoStrain(t *testing.T) {
	t.Parallel()
	f := &flow{at: now, remaining: 0}
	f.note()
	if !f.strained() {
		t.Error("nothing remains, and all is well")
	}
	f.at = f.at.Add(time.Hour)
	if f.strained() {
		t.Error("an hour later it is still believed")
	}
	var none Gauge
	if _, yes := none.Strained(now, 2, 150); yes {
		t.Error("nothing was told, and is believed")
	}
}

func TestTheNeedAtRestOfAPairFitsIntoTheLeastThatMayBeOurs(t *testing.T) {
	t.Parallel()
	if got := SteadyNeed(2, 1, 3); got != 138 { // 2 reads a minute, and 18 calls of preflights: under 3 a minute
		t.Errorf("a pair needs %d an hour", got)
	}
	b := NewBudget(300, 2)
	for at := now; at < now.Add(3*time.Hour); at = at.Add(time.Minute) {
		if !b.Take(at, SpendOwner, 1) || int(at.Sub(now).Minutes())%10 == 0 && !b.Take(at, SpendPreflight, 3) {
			t.Fatalf("held back after %v", at.Sub(now))
		}
	}
}
