// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// The questions beside the owner reads that may be under way at one provider at once,
// and those of them that nobody waits for: preflights and states of machines.
const (
	asidesMax     = 6
	asidesIdleMax = 2
)

// machineKey is a machine at a provider.
type machineKey struct {
	cloud  *cloud
	target providers.Target
}

// inspection is what is known of the machine of an owner.
type inspection struct {
	address  providers.Address // by which it was found
	wanted   bool
	flying   bool
	answered bool
	state    providers.InstanceState
	began    election.Instant // of the last question that was answered
}

// startAsides begins the questions that nobody waits for and that have a token. It
// sets when to look again.
func (e *engine) startAsides(now election.Instant) {
	e.asidesAt = 0
	for key, i := range e.machines {
		if i.wanted && !i.flying && key.cloud.afford(e, now, controller.SpendState, 1) {
			e.askState(key, i)
		}
	}
	e.startPlacements(now)
	for {
		g := e.nextPreflight(now)
		if g == nil || !e.affordPreflight(g, now) {
			return
		}
		e.preflight(g, now)
	}
}

// afford takes tokens for so many calls if the provider has them and is not asked too
// much already, and otherwise sees to it that the question is asked again.
func (c *cloud) afford(e *engine, now election.Instant, s controller.Spend, calls int) bool {
	if c.asides.idle >= asidesIdleMax || c.asides.flying >= asidesMax {
		return false // the end of one comes back to it
	}
	if c.budget.Take(now, s, calls) {
		return true
	}
	e.asidesAt = earlier(e.asidesAt, c.budget.Ready(now, s, calls))
	return false
}

// inspectOwners wants to know how the machines of those owners are that are strangers,
// or that have not been heard for one and a half intervals. It is asked with every end
// of an owner read of these groups, and once for a machine on which many of them sit.
func (e *engine) inspectOwners(read map[*group]bool) {
	silent := map[string]bool{}
	for _, p := range e.machine.Status().Peers {
		silent[p.Name] = p.Silent
	}
	kept := map[machineKey]*inspection{}
	for _, g := range e.groups {
		if g.owner.Kind != election.OwnerForeign && !(g.owner.Kind == election.OwnerNode && silent[g.owner.Node]) {
			continue
		}
		for key, a := range e.machinesOf(g) {
			i := e.machines[key]
			if i == nil {
				i = &inspection{}
			}
			i.address, i.wanted = a, i.wanted || read[g]
			kept[key], e.machines[key] = i, i
		}
	}
	e.machines = kept
}

// machinesOf returns the machines of the owner of a group, by the last read.
func (e *engine) machinesOf(g *group) map[machineKey]providers.Address {
	nodes, out := e.nodes(), map[machineKey]providers.Address{}
	for i, s := range g.state.Addresses {
		a := g.cfg.Addresses[i]
		if !s.Known || controller.Locate(a.Provider, s.Seen, nodes) != g.owner {
			continue
		}
		if c := e.clouds.of(a); c.inspects() {
			out[machineKey{c, s.Seen.Target}] = a
		}
	}
	return out
}

// inspects reports whether the provider can tell how a machine is.
func (c *cloud) inspects() bool {
	_, ok := c.driver.(providers.Inspector)
	return ok
}

// askState asks how one machine is.
func (e *engine) askState(key machineKey, i *inspection) {
	i.wanted, i.flying = false, true
	began, address := e.clock.now(), i.address
	key.cloud.asides.start(true, func(ctx context.Context) {
		state, err := key.cloud.reader.InstanceState(ctx, address, key.target)
		e.post(func() {
			key.cloud.asides.ended(true)
			i.flying = false
			key.cloud.heed(err, began, e.clock.now())
			if e.machines[key] == i {
				i.answered, i.state, i.began = true, state, began
				e.tellState(key)
			}
		})
	})
}

// tellState tells the election of every group whose owner sits on a machine how that
// is. All machines of the owner must be stopped or gone.
func (e *engine) tellState(about machineKey) {
	for _, g := range e.groups {
		machines := e.machinesOf(g)
		if _, concerned := machines[about]; concerned {
			if ev, complete := e.instanceRead(g, machines); complete {
				e.step(ev)
			}
		}
	}
}

// instanceRead says how the machines of the owner of a group are, all together, and
// whether all of them have been asked about.
func (e *engine) instanceRead(g *group, machines map[machineKey]providers.Address) (ev election.InstanceRead, complete bool) {
	ev = election.InstanceRead{Group: g.cfg.Name, Owner: g.owner, Stopped: true}
	for key := range machines {
		i := e.machines[key]
		if i == nil || !i.answered {
			return ev, false // the last one to answer tells
		}
		ev.Began = earlier(ev.Began, i.began)
		ev.Stopped = ev.Stopped && (i.state == providers.InstanceStopped || i.state == providers.InstanceGone)
	}
	return ev, true
}

// track learns early whether accepted moves of a group failed. The owner read alone
// decides whether they succeeded, and where it says so nothing is asked.
func (e *engine) track(g *group) {
	for i, accepted := range g.track {
		a := g.cfg.Addresses[i]
		c := e.clouds.of(a)
		if accepted.Operation == "" || g.state.Addresses[i].Mine || g.tracking[i] || c.asides.flying >= asidesMax {
			continue
		}
		g.tracking[i] = true
		c.asides.start(false, func(ctx context.Context) {
			failed := c.reader.Failed(ctx, a, accepted)
			e.post(func() {
				c.asides.ended(false)
				e.tracked(g, i, accepted, failed)
			})
		})
	}
}

// tracked takes in how an accepted move fared.
func (e *engine) tracked(g *group, i int, accepted providers.Result, failed bool) {
	g.tracking[i] = false
	if !failed || g.gone || g.track[i] != accepted {
		return
	}
	e.log.Warn("move failed", "group", g.cfg.Name, "address", g.cfg.Addresses[i].String(), "operation", accepted.Operation)
	g.track[i] = providers.Result{}
	e.learn(g, controller.Observation{Moved: &controller.FailedMove{Address: i}})
	e.step(election.MoveFailed{Group: g.cfg.Name})
}

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

// affordPreflight takes the tokens of a preflight at the providers of a group.
func (e *engine) affordPreflight(g *group, now election.Instant) bool {
	used := e.clouds.used(g.cfg.Addresses)
	for _, c := range used {
		if at := c.budget.Ready(now, controller.SpendPreflight, preflightCalls*len(c.own(g.cfg.Addresses))); at > now {
			e.asidesAt = earlier(e.asidesAt, at)
			return false
		}
		if c.asides.idle >= asidesIdleMax || c.asides.flying >= asidesMax {
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
	g.preflighting, g.preflightAt = true, now.Add(preflightEvery)
	clouds, targets := e.clouds, e.clouds.targets(g.cfg.Addresses)
	first := clouds.of(g.cfg.Addresses[0])
	first.asides.start(true, func(ctx context.Context) {
		var refusal error
		for i, a := range g.cfg.Addresses {
			if err := clouds.of(a).reader.Preflight(ctx, a, targets[i]); refusal == nil {
				refusal = err
			}
		}
		e.post(func() {
			first.asides.ended(true)
			g.preflighting = false
			first.heed(refusal, now, e.clock.now())
			if !g.gone && providers.KindOf(refusal) != providers.Canceled && e.machine.Role(g.cfg.Name) != election.Active {
				g.refusal = refusal
				e.step(election.Identity{Group: g.cfg.Name, Known: e.canClaim(g)})
			}
		})
	})
}
