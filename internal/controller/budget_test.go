// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// spend makes as many calls of a purpose as the budget allows in d, asking when it
// says that it is ready, and returns how many and the most in any hour.
func spend(b *Budget, from election.Instant, d time.Duration, s Spend, each int) (total, inAnHour int) {
	var at []election.Instant
	for now := from; now < from.Add(d); now = max(b.Ready(now, s, each), now+1) {
		if !b.Take(now, s, each) {
			continue
		}
		for range each {
			at = append(at, now)
		}
	}
	oldest := 0
	for i := range at {
		for at[i].Sub(at[oldest]) >= time.Hour {
			oldest++
		}
		inAnHour = max(inAnHour, i-oldest+1)
	}
	return len(at), inAnHour
}

// TestADayOfReadsStaysWithinTheLimit: whatever is wanted, all nodes together make no
// more calls in any hour than the provider bears, for every number of nodes.
func TestADayOfReadsStaysWithinTheLimit(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2, 3, 5, 16} {
		b := NewBudget(5000, nodes)
		worst, day := 0, 0
		for s, each := range map[Spend]int{SpendOwner: 2, SpendState: 1, SpendPreflight: 3} {
			total, hour := spend(&b, now, 24*time.Hour, s, each)
			worst, day = worst+hour, day+total
		}
		if worst*nodes > 5000 || day*nodes > 24*5000 {
			t.Errorf("%d nodes: %d calls in an hour, %d in a day", nodes, worst*nodes, day*nodes)
		}
		if nodes == 2 && day*nodes < 24*3000 {
			t.Errorf("only %d calls in a day: the budget is not used", day*nodes)
		}
	}
}

func TestTheSteadyPaceOfTwoNodesIsNotHeldBack(t *testing.T) {
	t.Parallel()
	b := NewBudget(5000, 2)
	for at := now; at < now.Add(time.Hour); at = at.Add(15 * time.Second) {
		if !b.Take(at, SpendOwner, 2) || !b.Take(at, SpendState, 1) {
			t.Fatalf("held back after %v", at.Sub(now))
		}
	}
	for at := now.Add(time.Hour); at < now.Add(time.Hour+time.Minute); at = at.Add(time.Second) {
		if !b.Take(at, SpendOwner, 1) {
			t.Fatalf("a minute of fast reads is held back after %v", at.Sub(now.Add(time.Hour)))
		}
	}
	for at := now; at < now.Add(time.Hour); at = at.Add(time.Minute) {
		if !b.Take(at, SpendPreflight, 3) {
			t.Fatalf("the preflight of one group is held back after %v", at.Sub(now))
		}
	}
}

func TestAReadThatIsWaitedForPassesAndTakesATokenIfThereIsOne(t *testing.T) {
	t.Parallel()
	b, other := NewBudget(5000, 2), NewBudget(5000, 2)
	b.Note(now, SpendOwner, 30)
	if n, m := drain(&b), drain(&other); m-n != 30 {
		t.Errorf("%d and %d tokens: it took %d", n, m, m-n)
	}
	b.Note(now, SpendOwner, 1000) // there are none; they are not owed either
	if got := b.Ready(now, SpendOwner, 1).Sub(now); got > 3600*time.Millisecond || got <= 0 {
		t.Errorf("the next token comes in %v", got)
	}
	if !b.Take(now, SpendState, 1) {
		t.Error("another purpose is starved")
	}
}

func TestAQuietDayDoesNotSaveUp(t *testing.T) {
	t.Parallel()
	b := NewBudget(5000, 2)
	_ = drain(&b)
	at := now.Add(24 * time.Hour)
	n := 0
	for b.Take(at, SpendOwner, 1) {
		n++
	}
	if n != burstMaxReads {
		t.Errorf("%d calls at once, want %d", n, burstMaxReads)
	}
}

// drain takes tokens until there are none and returns how many.
func drain(b *Budget) (n int) {
	for b.Take(now, SpendOwner, 1) {
		n++
	}
	return n
}

func TestMoreThanABucketHoldsIsPutOffAndNotLost(t *testing.T) {
	t.Parallel()
	b := NewBudget(0, 100) // no limit known, many nodes
	if !b.Take(now, SpendPreflight, 1000) {
		t.Fatal("a full bucket is not enough")
	}
	at := b.Ready(now, SpendPreflight, 1000)
	if b.Take(at-1, SpendPreflight, 1000) || !b.Take(at, SpendPreflight, 1000) {
		t.Error("it is not possible exactly when it is said to be ready")
	}
}

func TestWhatTheProviderAsksForIsRespected(t *testing.T) {
	t.Parallel()
	b := NewBudget(5000, 2)
	if got := b.Urgent(15 * time.Second); got > now {
		t.Errorf("before it asked: %v", got)
	}
	b.Refuse(now, SpendOwner, 29*time.Second)
	b.Refuse(now, SpendOwner, 0) // a refusal without a wish takes nothing back
	for _, s := range []Spend{SpendOwner, SpendState, SpendPreflight} {
		if got := b.Ready(now, s, 1); got != now.Add(29*time.Second) {
			t.Errorf("purpose %d may go on after %v", s, got.Sub(now))
		}
	}
	for patience, want := range map[time.Duration]time.Duration{15 * time.Second: 15 * time.Second, time.Minute: 29 * time.Second} {
		if got := b.Urgent(patience); got != now.Add(want) {
			t.Errorf("a claim with a patience of %v waits %v", patience, got.Sub(now))
		}
	}
	b.Answer(now) // of a call that began before
	if got := b.Ready(now, SpendOwner, 1); got == now {
		t.Error("an older answer ends it")
	}
	b.Answer(now + 1)
	if got := b.Ready(now+1, SpendOwner, 1); got != now+1 || b.Urgent(time.Minute) != 0 {
		t.Errorf("after an answer it may go on after %v", got.Sub(now))
	}
}

// TestWhatAnotherCallIsToldHoldsUpNoReadThatAClaimWaitsFor, unless a read was told to wait
// as well.
func TestWhatAnotherCallIsToldHoldsUpNoReadThatAClaimWaitsFor(t *testing.T) {
	t.Parallel()
	for _, of := range []Spend{SpendState, SpendPreflight, SpendMove} {
		for name, tt := range map[string]struct {
			do   func(b *Budget)
			want election.Instant // when a claim may read
		}{
			"it was told":             {func(b *Budget) { b.Refuse(now, of, 9*time.Second) }, 0},
			"a read was told before":  {func(b *Budget) { b.Refuse(now, SpendOwner, 9*time.Second); b.Refuse(now, of, 4*time.Second) }, now.Add(9 * time.Second)},
			"a read was told after":   {func(b *Budget) { b.Refuse(now, of, 9*time.Second); b.Refuse(now, SpendOwner, 4*time.Second) }, now.Add(4 * time.Second)},
			"it was answered since":   {func(b *Budget) { b.Refuse(now, SpendOwner, 9*time.Second); b.Answer(now + 1) }, 0},
			"a reload came":           {func(b *Budget) { old := *b; old.Refuse(now, of, 9*time.Second); b.Succeed(old) }, 0},
			"a reload came to a read": {func(b *Budget) { old := *b; old.Refuse(now, SpendOwner, 9*time.Second); b.Succeed(old) }, now.Add(9 * time.Second)},
		} {
			b := NewBudget(5000, 2)
			tt.do(&b)
			if got := b.Urgent(15 * time.Second); got != tt.want {
				t.Errorf("purpose %d, %s: a claim reads at %v, want %v", of, name, got, tt.want)
			}
		}
		b := NewBudget(5000, 2)
		b.Refuse(now, of, 9*time.Second)
		for s := range spends {
			if at := b.Ready(now, s, 1); at != now.Add(9*time.Second) {
				t.Errorf("purpose %d: what nobody waits for may go on after %v", of, at.Sub(now))
			}
		}
	}
}

// TestAReloadGivesBackNoTokens: what was spent is spent, at whatever rate; and what the
// provider asked for holds.
func TestAReloadGivesBackNoTokens(t *testing.T) {
	t.Parallel()
	for _, calls := range []int{5000, 500, 50_000} {
		old, b := NewBudget(5000, 2), NewBudget(calls, 2)
		for range burstMaxReads - 5 {
			old.Take(now, SpendOwner, 1)
		}
		old.Refuse(now, SpendOwner, time.Second)
		b.Succeed(old)
		if got := b.Ready(now, SpendOwner, 1); got != now.Add(time.Second) {
			t.Errorf("%d calls: the provider's wish lasts %v", calls, got.Sub(now))
		}
		b.ofReads.until = 0
		if n := drain(&b); n != 5 {
			t.Errorf("%d calls: %d tokens are left", calls, n)
		}
	}
}

// TestABudgetWithoutALimitOrNodes: a provider that names no limit bears a call a second by the
// whole cluster.
func TestABudgetWithoutALimitOrNodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ calls, nodes, asCalls, asNodes int }{{0, 2, 3600, 2}, {5000, 0, 5000, 1}} {
		if got, want := NewBudget(tt.calls, tt.nodes), NewBudget(tt.asCalls, tt.asNodes); got != want {
			t.Errorf("%d calls for %d nodes:\ngot  %+v\nwant %+v", tt.calls, tt.nodes, got, want)
		}
	}
}

// TestAShorterWishDoesNotEndALongerOne of the provider, and none is no wish.
func TestAShorterWishDoesNotEndALongerOne(t *testing.T) {
	t.Parallel()
	b := NewBudget(5000, 2)
	b.Refuse(now, SpendOwner, 30*time.Second)
	b.Refuse(now.Add(ms(10)), SpendOwner, time.Second)
	b.Refuse(now.Add(ms(20)), SpendOwner, 0)
	if got := b.Ready(now.Add(ms(30)), SpendOwner, 1); got != now.Add(30*time.Second) {
		t.Errorf("it is left alone for %v", got.Sub(now))
	}
	if got := b.Urgent(15 * time.Second); got != now.Add(ms(10)).Add(15*time.Second) {
		t.Errorf("a claim reads again after %v", got.Sub(now))
	}
}
