// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"maps"
	"reflect"
	"slices"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/health"
)

// What a reload leaves alone. What did not change in the file goes on as it is: the driver of
// a kind of address whose provider's section is the same, a group whose addresses and drivers
// are, a check or probe that asks the same at the same times, and all that runs for them. So a
// series of reloads gives up no call that is under way, costs none, and hides no failing check.
// The budgets live on whatever changes (invariant 12).

// succeed puts the clouds and presences in use in place of those that were made anew for the
// same settings. It changes nothing of them and may be called beside the engine, by whoever
// reloads.
func (cs *clouds) succeed(old *clouds, was, is *config.Config) {
	for name, p := range cs.presences {
		same, sameKinds := sameSection(was, is, name)
		if o := old.presences[name]; o != nil && same && sameKinds {
			cs.presences[name] = o
			p = o
		}
		for key, c := range cs.byKind {
			if key.provider != name {
				continue
			}
			c.at = p
			if o := old.byKind[key]; o != nil && same {
				cs.renewed[key], cs.byKind[key] = c, o
			}
		}
	}
}

// sameSection reports whether two configurations reach a provider in the same way, and for
// the same kinds of address.
func sameSection(was, is *config.Config, name string) (same, sameKinds bool) {
	before, _ := was.Provider(name)
	after, _ := is.Provider(name)
	b, a := was.Settings(before, ""), is.Settings(after, "")
	slices.Sort(b.Kinds)
	slices.Sort(a.Kinds)
	sameKinds = slices.Equal(b.Kinds, a.Kinds)
	b.Kinds = a.Kinds
	return reflect.DeepEqual(b, a), sameKinds
}

// keep takes over what is known of this machine and what was spent from the clouds before a
// reload; nil: there were none.
func (cs *clouds) keep(old *clouds) {
	if old == nil {
		return
	}
	for name, p := range cs.presences {
		if o := old.presences[name]; o != nil && o != p {
			p.identity, p.known, p.err = o.identity, o.known, o.err
			p.left, p.gauge = o.left, o.gauge
		}
	}
	cs.unused = maps.Clone(old.unused)
	for key, o := range old.byKind {
		cs.unused[key] = o.budget
	}
	for key, c := range cs.byKind {
		fresh := c
		if f := cs.renewed[key]; f != nil {
			fresh = f
			c.follow(f)
		}
		if spent, ok := cs.unused[key]; ok {
			fresh.budget.Succeed(spent)
			c.budget = fresh.budget
			delete(cs.unused, key)
		}
	}
	clear(cs.renewed)
}

// follow makes a cloud that stays like the one that was made anew. Reads under way end in the
// pool in which they began.
func (c *cloud) follow(fresh *cloud) {
	c.at = fresh.at
	c.spent = slices.DeleteFunc(c.spent, func(p *pool) bool { return p.flying == 0 })
	if c.reads.workers != fresh.reads.workers {
		c.spent, c.reads = append(c.spent, c.reads), fresh.reads
	}
}

// forgetAsides drops what was asked about machines at clouds that cs replaces.
func (e *engine) forgetAsides(cs *clouds) {
	stays := func(c *cloud) bool { return c != nil && cs.byKind[c.kindOf] == c }
	maps.DeleteFunc(e.machines, func(key machineKey, _ *inspection) bool { return !stays(key.cloud) })
	maps.DeleteFunc(e.placings, func(provider string, _ *placing) bool {
		c, _ := e.placer(provider)
		return !stays(c)
	})
}

// renew takes over what is new in the file of a group whose addresses and drivers stay. What
// the checks told stands as far as they ask the same.
func (o *group) renew(fresh *group) {
	fresh.inheritChecks(o)
	for i, c := range fresh.cfg.Checks {
		if j := slices.IndexFunc(o.cfg.Checks, func(was health.Check) bool { return reflect.DeepEqual(was, c) }); j >= 0 {
			fresh.checkers[i] = o.checkers[j]
		}
	}
	o.checks, o.checkers, o.results, o.checkAt = fresh.checks, fresh.checkers, fresh.results, fresh.checkAt
	if !reflect.DeepEqual(o.cfg.Probe, fresh.cfg.Probe) {
		o.service.prober, o.service.askedAt, o.service.asking = fresh.service.prober, 0, false
	}
	o.cfg, o.policy, o.gone = fresh.cfg, fresh.policy, false
}

// inherit takes over what is known of the group that g replaces. What the cloud
// said of its addresses counts only if they are the same.
func (g *group) inherit(o *group) {
	g.verdict, g.phases, g.mark, g.lastFailed = o.verdict, o.phases, o.mark, o.lastFailed
	g.inheritChecks(o)
	if !slices.Equal(g.cfg.Addresses, o.cfg.Addresses) {
		return
	}
	o.heir = g
	g.service.up = o.service.up
	g.state, g.readErr, g.owner = o.state, o.readErr, o.owner
	for i, t := range o.tracks {
		t.flying = false // its answer goes to the group that is gone
		g.tracks[i] = t
	}
	if o.refusedBy == nil { // else the operator who reloads may have mended that
		g.claimErr = o.claimErr
	}
	g.doubt, g.refusal = o.doubt, o.refusal
	g.preflightAt, g.preflightedAt = o.preflightAt, o.preflightedAt
	g.guestErr, g.guestMute, g.sides = o.guestErr, o.guestMute, o.sides
}
