// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
)

// account is how many calls remain of an hour, for all that share it.
type account struct{ remaining atomic.Int64 }

// rationed is a driver whose cloud tells what remains.
type rationed struct {
	*driver
	account *account
}

func (d rationed) Allowance() (providers.Allowance, bool) {
	calls := d.total()
	return providers.Allowance{
		Limit: 5000, Remaining: int(d.account.remaining.Load()), Window: time.Hour,
		Reset: time.Date(2026, 1, 1, 14, 3, 20, 0, time.UTC), Calls: calls, Told: calls,
	}, calls > 0
}

// from makes a node's cloud tell what remains of an account.
func (a *account) from(n *node, _ *Options, p *parts) {
	p.clouds = func(cfg *config.Config) (*clouds, error) {
		cs, err := n.clouds(cfg)
		reservedIPs(cs).driver = rationed{n.cloud, a}
		return cs, err
	}
}

// sharing starts both nodes with one account, of which so many calls remain.
func (w *world) sharing(remaining int64) (a, b *node, acc *account) {
	w.Helper()
	acc = &account{}
	acc.remaining.Store(remaining)
	a, b = w.start(nodeA, acc.from), w.start(nodeB, acc.from)
	w.eventually("the owner leads", a.bound)
	w.pass(5 * time.Second)
	return a, b, acc
}

func TestAnAccountThatSomebodyElseUsesUpIsACondition(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b, acc := w.sharing(5000)
		if got := b.text(condAPIBudget); got != "" {
			t.Fatalf("before: %s", got)
		}
		acc.remaining.Store(120)
		w.eventually("it is told", func() bool { return slices.Contains(b.codes(), condAPIBudget) })
		w.pass(publishEvery)
		strain, _ := b.engine.clouds.presences["digitalocean"].gauge.Strained(b.engine.clock.now(), 2, 138)
		want := "digitalocean leaves 120 of 5000 calls in 1h (the oldest come back from 14:03:20 UTC on) and this cluster needs 138; " +
			"in the last " + shortly(strain.Over) + " that fell by 4880, of which this node called " + strconv.Itoa(strain.Calls) + "; " +
			"find who else calls, use credentials with calls of their own, or say with providers.digitalocean.calls_per_hour how many are this cluster's"
		if diff := cmp.Diff(want, b.text(condAPIBudget)); diff != "" {
			t.Errorf("text (-want +got):\n%s", diff)
		}
		acc.remaining.Store(4000)
		w.pass(15 * time.Minute)
		if got := b.text(condAPIBudget); got != "" {
			t.Errorf("after: %s", got)
		}
	})
}

// TestLittleThatRemainsSlowsDownWhatNobodyWaitsFor, and nothing else: a takeover is as fast
// as ever (invariant 12).
func TestLittleThatRemainsSlowsDownWhatNobodyWaitsFor(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b, _ := w.sharing(0)
		w.pass(5 * time.Minute)
		_, before := b.cloud.count()
		w.pass(20 * time.Minute)
		_, after := b.cloud.count()
		if got := after - before; got < 9 || got > 11 {
			t.Errorf("%d reads in 20 minutes, where the cluster has one a minute", got)
		}
		died := time.Now()
		a.crash()
		w.eventually("the write has left", func() bool { return w.writes() == 1 })
		if took := time.Since(died); took > activeDown+2*callTime+25*time.Millisecond {
			t.Errorf("a takeover took %v", took)
		}
		w.eventually("the standby owns the address", b.bound)
	})
}

// TestAWriteTellsWhatRemainsToo, and an answer that tells nothing new keeps nothing alive.
func TestAWriteTellsWhatRemainsToo(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e, acc := a.engine, &account{}
		c := reservedIPs(e.clouds)
		c.driver = rationed{a.cloud, acc}
		acc.remaining.Store(77)
		now := e.clock.now()
		out := controller.Outcome{Ended: now, Err: denied("assign")}
		if e.finished(g, out); c.at.left.Told != 0 {
			t.Errorf("before the first answer: %+v", c.at.left)
		}
		a.cloud.mu.Lock()
		a.cloud.calls = 1
		a.cloud.mu.Unlock()
		if e.finished(g, out); c.at.left.Remaining != 77 {
			t.Errorf("after a write: %+v", c.at.left)
		}
		acc.remaining.Store(55)
		if e.finished(g, out); c.at.left.Remaining != 77 {
			t.Errorf("what is not told is taken in: %+v", c.at.left)
		}
	})
}

// TestAReloadKeepsWatchingAnAccount, although the driver is another one.
func TestAReloadKeepsWatchingAnAccount(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b, acc := w.sharing(5000)
		acc.remaining.Store(100)
		w.eventually("it is told", func() bool { return slices.Contains(b.codes(), condAPIBudget) })
		b.cloud.hang("owner", true)
		b.reloadNow()
		if !slices.Contains(b.codes(), condAPIBudget) {
			t.Error("it is forgotten")
		}
	})
}
