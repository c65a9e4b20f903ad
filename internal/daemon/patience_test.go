// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestWhatAThrottledReadAsksForIsRespected(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		c := reservedIPs(e.clouds)
		now := e.clock.now()
		throttled := &providers.Error{Op: "read", Kind: providers.Throttled, RetryAfter: 29 * time.Second}
		c.reads.begin(true)
		e.batchDone(&batch{cloud: c, pool: c.reads, idle: true, places: []place{{&groupRead{g: g, parts: 1, readings: make([]controller.Reading, 1), errs: make([]error, 1)}, 0}}},
			[]controller.Answer{{Reading: controller.Reading{Began: now, Ended: now}, Err: throttled}})
		for want, wait := range map[controller.Want]time.Duration{controller.WantRead: 29 * time.Second, controller.WantUrgent: g.cfg.ClaimTimeout} {
			if e.readsAt = 0; e.mayRead(g, want, nil, now) || e.readsAt != now.Add(wait) {
				t.Errorf("want %d: again after %v", want, e.readsAt.Sub(now))
			}
		}
	})
}

// TestAThrottledWriteHoldsUpTheOtherAddressesOfItsGroup as well.
func TestAThrottledWriteHoldsUpTheOtherAddressesOfItsGroup(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		g.cfg.Addresses = append(g.cfg.Addresses, g.cfg.Addresses[0])
		g.policy.Addresses = append(g.policy.Addresses, g.policy.Addresses[0])
		g.provider = append(g.provider, g.provider[0])
		now := a.engine.clock.now()
		a.engine.writeDone(g, controller.Outcome{Began: now, Ended: now, Write: election.WriteRefused,
			Err: &providers.Error{Op: "assign", Kind: providers.Throttled, RetryAfter: 9 * time.Second}})
		if at := g.state.Addresses[1].RetryAt; at != now.Add(9*time.Second) {
			t.Errorf("the other is written after %v", at.Sub(now))
		}
	})
}

// TestWhatAThrottledWriteAsksForIsRespectedByAllThatNobodyWaitsFor; a question about a move
// is like a write, and waits like the others.
func TestWhatAThrottledWriteAsksForIsRespectedByAllThatNobodyWaitsFor(t *testing.T) {
	throttled := &providers.Error{Op: "assign", Kind: providers.Throttled, RetryAfter: 9 * time.Second}
	for name, tell := range map[string]func(w *world, a *node, g *group){
		"a write": func(_ *world, a *node, g *group) {
			now := a.engine.clock.now()
			a.engine.writeDone(g, controller.Outcome{Began: now, Ended: now, Err: throttled, Write: election.WriteRefused})
		},
		"a question about a move": func(w *world, a *node, g *group) {
			reservedIPs(a.engine.clouds).reader.Provider = slowMoves{a.cloud}
			a.cloud.set("operation", throttled)
			g.tracks[0].accepted = providers.Result{Operation: "71"}
			a.engine.askMove(g, 0, a.engine.clock.now())
			job := <-reservedIPs(a.engine.clouds).asides.jobs
			job(w.Context())
			(<-a.engine.facts)()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, g, _ := w.stage()
				e := a.engine
				c := reservedIPs(e.clouds)
				tell(w, a, g)
				now := e.clock.now()
				if e.readsAt = 0; e.mayRead(g, controller.WantRead, nil, now) || e.readsAt != now.Add(throttled.RetryAfter) {
					t.Errorf("it is read again after %v", e.readsAt.Sub(now))
				}
				if !e.mayRead(g, controller.WantUrgent, nil, now) {
					t.Error("what a claim waits for is not read")
				}
				flying := c.asides.flying
				e.asidesAt = 0
				if e.askMove(g, 0, now); c.asides.flying != flying || e.asidesAt != now.Add(throttled.RetryAfter) {
					t.Errorf("of %d questions, %d are asked; again after %v", flying, c.asides.flying, e.asidesAt.Sub(now))
				}
				c.heed(controller.SpendMove, nil, now+1, now+1)
				if !e.mayRead(g, controller.WantRead, nil, now+1) {
					t.Error("an answer does not end it")
				}
			})
		})
	}
}

// TestWhoseWishIsHeeded: of an answer that says how long, where it is about too many calls. One
// that did not come ends nothing, and a claim has no more patience than its own time.
func TestWhoseWishIsHeeded(t *testing.T) {
	t.Parallel()
	const wait = 9 * time.Second
	for kind, want := range map[providers.Kind]time.Duration{providers.Throttled: wait, providers.Transient: 0} {
		if got := patience(&providers.Error{Kind: kind, RetryAfter: wait}); got != want {
			t.Errorf("%v: %v", kind, got)
		}
	}
	c := &cloud{budget: controller.NewBudget(5000, 2)}
	c.heed(controller.SpendOwner, &providers.Error{Kind: providers.Throttled, RetryAfter: wait}, 10, 20)
	c.heed(controller.SpendOwner, &providers.Error{Kind: providers.Transient}, 30, 40)
	if got := c.budget.Ready(50, controller.SpendOwner, 1); got != election.Instant(20).Add(wait) {
		t.Errorf("after a call without an answer it is left alone until %v", got)
	}
	for timeout, want := range map[time.Duration]time.Duration{5 * time.Second: 5 * time.Second, time.Minute: election.ClaimTimeoutDefault} {
		g := &group{}
		g.cfg.ClaimTimeout = timeout
		if got := g.patience(); got != want {
			t.Errorf("claim_timeout %v: %v", timeout, got)
		}
	}
}
