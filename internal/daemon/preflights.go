// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// How often it is asked whether the cloud would refuse a move here: what would refuse one
// changes rarely, so a quiet standby asks every ten minutes, and again soon where it was
// refused or something changed. The budget makes it longer where there are many groups.
const (
	preflightEvery = 10 * time.Minute
	preflightAgain = time.Minute      // after a refusal, and the least time between two
	preflightSoon  = 10 * time.Second // after a change, when what it started is over
)

// preflightCalls is what one preflight costs for one address: it is read, and so are
// the machine and what runs on it.
const preflightCalls = 3

// nextPreflight returns the quiet standby group that has waited longest to be asked
// whether the cloud would refuse a move here, or nil if none is due.
func (e *engine) nextPreflight(now election.Instant) *group {
	var next *group
	for _, g := range e.groups {
		standby := e.machine.Role(g.cfg.Name) == election.Backup && e.canClaim(g)
		if g.preflighting || g.busy || !standby && !(g.unfit() && e.knownFor(g)) {
			continue
		}
		if now < g.preflightAt {
			e.asidesAt = earlier(e.asidesAt, g.preflightAt)
			continue
		}
		if next == nil || g.preflightAt < next.preflightAt {
			next = g
		}
	}
	return next
}

// preflightAnew brings the next preflight of a group forward: what the last one said may
// not be true any more. Changes that keep coming do not bring it more often than refusals.
func (g *group) preflightAnew(now election.Instant) {
	soon := now.Add(preflightSoon)
	if g.preflightedAt != 0 {
		soon = max(soon, g.preflightedAt.Add(preflightAgain))
	}
	g.preflightAt = min(g.preflightAt, soon)
}

// affordPreflight takes the tokens of a preflight at the providers of a group.
func (e *engine) affordPreflight(g *group, now election.Instant) bool {
	used := e.clouds.used(g.cfg.Addresses)
	for _, c := range used {
		if at := c.budget.Ready(now, controller.SpendPreflight, preflightCalls*len(c.own(g.cfg.Addresses))); at > now {
			e.asidesAt = earlier(e.asidesAt, at)
			return false
		}
		if c.asides.idle >= asidesPlainMax || c.asides.flying >= asidesMax {
			return false
		}
	}
	for _, c := range used {
		c.budget.Take(now, controller.SpendPreflight, preflightCalls*len(c.own(g.cfg.Addresses)))
	}
	return true
}

// preflight asks whether the cloud would refuse a move of a group here.
func (e *engine) preflight(g *group, now election.Instant) {
	g.preflighting, g.preflightedAt, g.preflightAt = true, now, now.Add(preflightEvery)
	addresses, targets := g.cfg.Addresses, e.clouds.targets(g.cfg.Addresses)
	of := make([]*cloud, len(addresses))
	for i, a := range addresses {
		of[i] = e.clouds.of(a)
	}
	first := of[0]
	first.asides.start(true, func(ctx context.Context) {
		var refusal error
		errs := make([]error, len(addresses))
		for i, a := range addresses {
			if errs[i] = of[i].reader.Preflight(ctx, a, targets[i]); refusal == nil {
				refusal = errs[i]
			}
		}
		e.post(func() {
			first.asides.ended(true)
			g.preflighting = false
			for i, c := range of {
				c.heed(controller.SpendPreflight, errs[i], now, e.clock.now())
			}
			if refusal != nil {
				g.preflightAt = min(g.preflightAt, now.Add(preflightAgain))
			}
			if !g.gone && providers.KindOf(refusal) != providers.Canceled && e.machine.Role(g.cfg.Name) != election.Active {
				g.refusal = refusal
				e.tellClaim(g)
			}
		})
	})
}
