// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// inAnHour returns how many calls of a purpose a budget allows in an hour in which what
// remains stays the same, after a time in which bursts were used up.
func inAnHour(b *Budget, remaining int, s Spend, each int) int {
	n := 0
	for at := now; at < now.Add(2*time.Hour); at = at.Add(time.Second) {
		b.Left(at, remaining, time.Hour)
		for b.Take(at, s, each) {
			if at >= now.Add(time.Hour) {
				n += each
			}
		}
	}
	return n
}

// TestReadsSlowDownInProportionToWhatRemains: the pace of one of two nodes, of whose
// cluster all 5000 are, or 1000 of them.
func TestReadsSlowDownInProportionToWhatRemains(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		ours, remaining int
		owner, state    int // in an hour
	}{
		{"everything remains", 5000, 5030, 1000, 375},
		{"half of it remains", 5000, 2530, 500, 187},
		{"a tenth", 5000, 530, 100, 37},
		{"more than is ours", 1000, 2530, 200, 75},
		{"half of what is ours", 1000, 530, 100, 37},
		{"little: the floor, one a minute of both nodes together", 5000, 100, 30, 30},
		{"what claims need", 5000, callsKept, 30, 30},
		{"nothing", 5000, 0, 30, 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for s, want := range map[Spend]int{SpendOwner: tt.owner, SpendState: tt.state} {
				b := NewBudget(tt.ours, 2)
				if got := inAnHour(&b, tt.remaining, s, 1); got < want-1 || got > want+1 {
					t.Errorf("purpose %d: %d in an hour, want %d", s, got, want)
				}
			}
			b := NewBudget(tt.ours, 2)
			if got := inAnHour(&b, tt.remaining, SpendPreflight, 3); got < 3 {
				t.Errorf("%d calls of preflights in an hour: they have stopped", got)
			}
		})
	}
}

// TestWhatWasSavedUpIsGoneWhenNothingRemains, once, and what is told again and again does
// not take away what came since.
func TestWhatWasSavedUpIsGoneWhenNothingRemains(t *testing.T) {
	t.Parallel()
	b := NewBudget(5000, 2)
	b.Left(now, callsKept, time.Hour)
	if n := drain(&b); n != 0 {
		t.Errorf("%d calls at once", n)
	}
	at := b.Ready(now, SpendOwner, 1)
	if wait := at.Sub(now); wait < 2*time.Minute || wait > 2*time.Minute+time.Second {
		t.Errorf("the next comes after %v", wait)
	}
	b.Left(now.Add(time.Minute), callsKept, time.Hour)
	if !b.Take(at, SpendOwner, 1) {
		t.Error("it does not come when it was said to")
	}
}

// TestWhatWasToldHoldsForItsTime: by then every call has come back.
func TestWhatWasToldHoldsForItsTime(t *testing.T) {
	t.Parallel()
	b := NewBudget(5000, 2)
	b.Left(now, 0, time.Hour)
	end := now.Add(time.Hour)
	for b.Take(end-1, SpendOwner, 1) {
	}
	if b.Ready(end-1, SpendOwner, 1) < end.Add(time.Minute) {
		t.Error("it is forgotten too early")
	}
	if got := b.Ready(end, SpendOwner, 1).Sub(end); got > 3600*time.Millisecond {
		t.Errorf("an hour later the next comes after %v", got)
	}
	other := NewBudget(5000, 2)
	other.Left(now, 0, time.Hour)
	other.Left(now+1, 5000, time.Hour) // the provider says so
	if !other.Take(now.Add(4*time.Second), SpendOwner, 1) {
		t.Error("what the provider says last does not count")
	}
}

// TestEnoughOfAnAccountEndsItsSlowness: when the window begins anew, all of it remains.
func TestEnoughOfAnAccountEndsItsSlowness(t *testing.T) {
	t.Parallel()
	b := NewBudget(4000, 2)
	b.Left(now, 0, time.Hour)
	b.Left(now+1, 5000, time.Hour)
	if got := b.slowness(now + 1); got != 1 {
		t.Errorf("a token takes %v times as long as planned", got)
	}
}

// TestWhatIsWaitedForNeverWaitsForWhatRemains is invariant 12.
func TestWhatIsWaitedForNeverWaitsForWhatRemains(t *testing.T) {
	t.Parallel()
	b := NewBudget(5000, 2)
	b.Left(now, 0, time.Hour)
	if got := b.Urgent(time.Minute); got > now {
		t.Errorf("it waits %v", got.Sub(now))
	}
	b.Note(now, SpendOwner, 10) // takes what there is, and owes nothing
	if got := b.Ready(now, SpendOwner, 1).Sub(now); got > 2*time.Minute+time.Second {
		t.Errorf("the next that nobody waits for comes after %v", got)
	}
}

// TestAReloadRemembersWhatRemains until the provider says something new.
func TestAReloadRemembersWhatRemains(t *testing.T) {
	t.Parallel()
	old, b := NewBudget(5000, 2), NewBudget(1000, 2)
	old.Left(now, 0, time.Hour)
	b.Succeed(old)
	if b.Ready(now, SpendOwner, 1) < now.Add(time.Minute) {
		t.Error("it is forgotten")
	}
}

// TestReadyIsWhenATokenIsThere, at whatever pace.
func TestReadyIsWhenATokenIsThere(t *testing.T) {
	t.Parallel()
	for _, remaining := range []int{5000, 3333, 777, 99, 0} {
		b := NewBudget(5000, 3)
		at := now
		for range 200 {
			b.Left(at, remaining, time.Hour)
			next := b.Ready(at, SpendOwner, 2)
			if next > at && b.Take(next-election.Instant(time.Millisecond), SpendOwner, 2) || !b.Take(next, SpendOwner, 2) {
				t.Fatalf("%d remain: not when it was said to be", remaining)
			}
			at = next
		}
	}
}
