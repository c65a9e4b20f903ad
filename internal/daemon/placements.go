// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// How often it is asked where the nodes run: machines move rarely, and an answer that
// did not come is worth another question a little sooner.
const (
	placementEvery = 30 * time.Minute
	placementRetry = 5 * time.Minute
)

// placing is the question where the nodes run at one provider.
type placing struct {
	flying bool
	at     election.Instant            // when it is asked next
	asked  map[string]providers.Target // the machines it was last asked about
	found  []status.Placement
}

// startPlacements asks the clouds where the nodes run, when it is time or another
// machine has become known. The answers change no decision; they only tell an operator
// whether two nodes can fail together.
func (e *engine) startPlacements(now election.Instant) {
	for _, p := range e.clouds.providers() {
		c, placer := e.placer(p.provider)
		machines := e.machinesAt(p)
		if placer == nil || len(machines) < 2 {
			continue
		}
		ask := e.placings[p.provider]
		if ask == nil {
			ask = &placing{}
			e.placings[p.provider] = ask
		}
		known := len(machines) == len(ask.asked)
		for node, t := range machines {
			known = known && ask.asked[node] == t
		}
		switch {
		case ask.flying:
		case known && now < ask.at:
			e.asidesAt = earlier(e.asidesAt, ask.at)
		case c.afford(e, now, controller.SpendPreflight, len(machines)):
			ask.asked = machines
			e.askPlacement(c, placer, ask)
		}
	}
}

// placer returns what can tell where machines run at a provider.
func (e *engine) placer(provider string) (*cloud, providers.Placer) {
	for _, c := range e.clouds.sorted() {
		if p, ok := c.driver.(providers.Placer); ok && c.provider == provider {
			return c, p
		}
	}
	return nil, nil
}

// machinesAt returns the machines of the nodes at a provider, as far as they are known
// from metadata, adverts and the configuration.
func (e *engine) machinesAt(p *presence) map[string]providers.Target {
	machines := map[string]providers.Target{}
	if p.known {
		machines[e.cfg.Node] = p.identity.Target
	}
	nodes := e.named()
	for _, n := range nodes {
		if whole := providers.ParseTarget(n.Called(p.provider, nodes)); machines[n.Name].IsZero() && !whole.IsZero() {
			machines[n.Name] = whole
		}
	}
	if _, here := machines[e.cfg.Node]; !here {
		return nil
	}
	return machines
}

// askPlacement asks about every machine, one after another.
func (e *engine) askPlacement(c *cloud, placer providers.Placer, ask *placing) {
	ask.flying = true
	machines, began := ask.asked, e.clock.now()
	c.asides.start(true, func(ctx context.Context) {
		placed := map[string]providers.Placement{}
		var failed error
		for node, t := range machines {
			one, cancel := context.WithTimeout(ctx, election.AttemptTimeout)
			where, err := placer.Placement(one, providers.Target{Instance: t.Instance})
			cancel()
			if err != nil {
				failed = err
				continue
			}
			placed[node] = where
		}
		e.post(func() {
			c.asides.ended(true)
			ask.flying, ask.at = false, e.clock.now().Add(placementEvery)
			if failed != nil {
				ask.at = e.clock.now().Add(placementRetry)
			}
			c.heed(controller.SpendState, failed, began, e.clock.now())
			ask.found = separations(c.provider, e.cfg.Node, placed)
			e.tellPlacements()
		})
	})
}

// separations compares where this node runs with where the others do.
func separations(provider, self string, placed map[string]providers.Placement) []status.Placement {
	here, known := placed[self]
	if !known {
		return nil
	}
	var found []status.Placement
	for node, there := range placed {
		if node != self {
			s, why := providers.Separate(here, there)
			found = append(found, status.Placement{Provider: provider, Node: node, Separation: s.String(), Text: why})
		}
	}
	slices.SortFunc(found, func(a, b status.Placement) int { return cmp.Compare(a.Node, b.Node) })
	return found
}

// tellPlacements puts what all providers say into the next snapshot.
func (e *engine) tellPlacements() {
	e.placed = nil
	for _, p := range e.clouds.providers() {
		if ask := e.placings[p.provider]; ask != nil {
			e.placed = append(e.placed, ask.found...)
		}
	}
}
