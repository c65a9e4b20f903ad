// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"maps"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// How often it is asked how the machine of a silent or foreign owner is: soon after it
// became that, and later. The cloud's word counts for 20 s (docs/design.md 5.2), so it
// must be renewed within that.
const (
	inspectEvery    = 5 * time.Second
	inspectEveryMin = time.Minute // for so long
	inspectLater    = 15 * time.Second
)

// machineKey is a machine at a provider.
type machineKey struct {
	cloud  *cloud
	target providers.Target
}

// inspection is what is known of the machine of an owner.
type inspection struct {
	address  providers.Address // by which it was found
	wanted   bool              // its owner is silent or foreign now
	since    election.Instant  // that it has been that
	at       election.Instant  // when it may be asked about next
	flying   bool
	answered bool
	state    providers.InstanceState
	began    election.Instant // of the last question that was answered
}

// want notes that the owner on the machine is silent or foreign, and whether that is new:
// then it is asked about at once, but never sooner than inspectEvery after the last time,
// however often its owner comes and goes.
func (i *inspection) want(a providers.Address, now election.Instant) (news bool) {
	if i.address = a; i.wanted {
		return false
	}
	i.wanted, i.since, i.answered = true, now, false
	return true
}

// asked notes that the machine is asked about now, and when it will be next.
func (i *inspection) asked(now election.Instant) {
	every := inspectLater
	if now.Sub(i.since) < inspectEveryMin {
		every = inspectEvery
	}
	i.flying, i.at = true, now.Add(every)
}

// startInspections asks how those machines are that are due.
func (e *engine) startInspections(now election.Instant) {
	for key, i := range e.machines {
		switch {
		case !i.wanted || i.flying:
		case now < i.at:
			e.asidesAt = earlier(e.asidesAt, i.at)
		case key.cloud.afford(e, now, controller.SpendState, 1):
			i.asked(now)
			e.askState(key, i)
		}
	}
}

// inspectOwners wants to know how the machines of those owners are that are strangers,
// or that have not been heard for one and a half intervals, and those of silent peers that
// may be in the middle of a move: once for a machine on which many of them sit.
func (e *engine) inspectOwners(peers []election.PeerStatus) {
	now, silent := e.clock.now(), map[string]bool{}
	for _, p := range peers {
		silent[p.Name] = p.Silent
	}
	wanted := map[machineKey]providers.Address{}
	for _, g := range e.groups {
		for owner, machines := range e.machinesOf(g) {
			if owner.Kind == election.OwnerForeign || silent[owner.Node] && (owner != g.owner || !e.judged(g)) {
				maps.Copy(wanted, machines)
			}
		}
	}
	for key, i := range e.machines {
		if _, still := wanted[key]; !still {
			if i.wanted = false; !i.flying && now >= i.at {
				delete(e.machines, key)
			}
		}
	}
	for key, a := range wanted {
		i := e.machines[key]
		if i == nil {
			i = &inspection{}
			e.machines[key] = i
		}
		if i.want(a, now) {
			e.asidesAt = earlier(e.asidesAt, max(i.at, now))
		}
	}
}

// judged reports whether this node leads the group and its claim goes on from the owner
// that is still read: whether that one's machine runs was a question of whether to claim,
// and the claim goes on either way (docs/design.md 5.8).
func (e *engine) judged(g *group) bool {
	return e.machine.Role(g.cfg.Name) == election.Active && g.phases.bound == 0 && g.owner == g.phases.from
}

// machinesOf returns the machines of the owner of a group, by the last read. Where that read
// named nobody and a move takes two calls, they are those of each peer: it may have made the
// first call, and will not make the second if its machine is gone.
func (e *engine) machinesOf(g *group) map[election.Owner]map[machineKey]providers.Address {
	nodes, out := e.nodes(), map[election.Owner]map[machineKey]providers.Address{}
	add := func(owner election.Owner, a providers.Address, t providers.Target) {
		if c := e.clouds.of(a); c.inspects() && !t.IsZero() {
			if out[owner] == nil {
				out[owner] = map[machineKey]providers.Address{}
			}
			out[owner][machineKey{c, t}] = a
		}
	}
	for i, s := range g.state.Addresses {
		a := g.cfg.Addresses[i]
		switch {
		case !s.Known || controller.Locate(a.Provider, s.Seen, nodes) != g.owner:
		case g.owner.Kind != election.OwnerNone:
			add(g.owner, a, s.Seen.Target)
		case takesTwoCalls(g.provider[i].Capabilities()):
			for _, n := range nodes {
				if n.Name != e.cfg.Node {
					called := providers.ParseTarget(n.Called(a.Provider, nodes))
					add(election.Owner{Kind: election.OwnerNode, Node: n.Name}, a, providers.Target{Instance: called.Instance})
				}
			}
		}
	}
	return out
}

// takesTwoCalls reports whether a move detaches an address and attaches it with another call.
func takesTwoCalls(c providers.Capabilities) bool { return !c.AtomicMove && !c.MovesWithoutAPI }

// inspects reports whether the provider can tell how a machine is.
func (c *cloud) inspects() bool {
	_, ok := c.driver.(providers.Inspector)
	return ok
}

// askState asks how one machine is.
func (e *engine) askState(key machineKey, i *inspection) {
	began, address := e.clock.now(), i.address
	key.cloud.asides.start(true, func(ctx context.Context) {
		state, err := key.cloud.reader.InstanceState(ctx, address, key.target)
		e.post(func() {
			key.cloud.asides.ended(true)
			i.flying = false
			key.cloud.heed(controller.SpendState, err, began, e.clock.now())
			if e.machines[key] == i {
				i.answered, i.state, i.began = true, state, began
				e.tellState(key)
			}
		})
	})
}

// tellState tells the election of every group that a machine concerns how that is. All
// machines of the owner must be stopped or gone.
func (e *engine) tellState(about machineKey) {
	for _, g := range e.groups {
		for owner, machines := range e.machinesOf(g) {
			if _, concerned := machines[about]; concerned {
				if ev, complete := e.instanceRead(g, owner, machines); complete {
					e.step(ev)
				}
			}
		}
	}
}

// instanceRead says how the machines of an owner of a group are, all together, and
// whether all of them have been asked about.
func (e *engine) instanceRead(g *group, owner election.Owner, machines map[machineKey]providers.Address) (ev election.InstanceRead, complete bool) {
	ev = election.InstanceRead{Group: g.cfg.Name, Owner: owner, Stopped: true}
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
