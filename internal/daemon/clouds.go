// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/internal/telemetry"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// clouds is what the daemon knows of each provider: the driver, and who this
// machine is there. Identities live in memory only (invariant 6) and are never
// forgotten because the metadata service does not answer (invariant 3).
type clouds struct {
	byName map[string]*cloud
}

type cloud struct {
	name     string
	provider providers.Provider
	source   metadata.Source
	settings string // where the credentials come from

	reader *controller.Reader
	reads  *pool // of owner reads
	asides *pool // of what is asked beside them
	budget controller.Budget

	identity metadata.Identity
	known    bool
	err      error // of the last look at the metadata service
}

// How often the metadata service is asked: until it answers, and then to notice
// that it is another machine's.
const (
	identityRetry  = 2 * time.Second
	identityReview = 10 * time.Minute
)

// openClouds makes the drivers of a configuration. It reads the credentials once,
// so that a missing token shows at the start; one that goes bad later is a
// condition and never the end of a running daemon.
func openClouds(cfg *config.Config, version string) (*clouds, error) {
	cs := &clouds{byName: map[string]*cloud{}}
	for _, p := range cfg.Providers {
		settings := registry.Settings{
			Endpoint: p.Endpoint, MetadataEndpoint: p.MetadataEndpoint,
			TokenFile: string(p.TokenFile), UserAgent: "fipctl/" + version,
		}
		opened, err := registry.Open(p.Name, settings)
		if err != nil {
			return nil, fmt.Errorf("set up provider %s: %w", p.Name, err)
		}
		cs.byName[p.Name] = &cloud{name: p.Name, provider: opened.Provider, source: opened.Metadata, settings: opened.Credentials}
	}
	return cs, nil
}

// sorted returns the clouds in the order of their names.
func (cs *clouds) sorted() []*cloud {
	var sorted []*cloud
	for _, name := range slices.Sorted(maps.Keys(cs.byName)) {
		sorted = append(sorted, cs.byName[name])
	}
	return sorted
}

// keep takes over what is known of this machine from the clouds before a reload.
func (cs *clouds) keep(old *clouds) {
	for name, c := range cs.byName {
		if o := old.byName[name]; o != nil {
			c.identity, c.known, c.err, c.budget = o.identity, o.known, o.err, o.budget
		}
	}
}

// furnish gives the clouds what reads them, for one of so many nodes. It leaves the
// engine alone and may be called beside it.
func (e *engine) furnish(cs *clouds, nodes int) {
	for _, c := range cs.byName {
		c.reader = &controller.Reader{Name: c.name, Provider: c.provider, Clock: e.clock.now, Observe: e.called}
		c.reads, c.asides = newPool("owner reads at "+c.name, readsMax), newPool("questions at "+c.name, asidesMax)
		c.budget = controller.NewBudget(c.provider.Capabilities().CallsPerHour, nodes)
	}
}

// tasks returns what runs for a cloud beside the engine, its identity apart.
func (c *cloud) tasks() []task { return append(c.reads.tasks(), c.asides.tasks()...) }

// used returns the clouds of a group's addresses, each once.
func (cs *clouds) used(as []providers.Address) []*cloud {
	var used []*cloud
	for _, a := range as {
		if c := cs.byName[a.Provider]; !slices.Contains(used, c) {
			used = append(used, c)
		}
	}
	return used
}

// own returns how many of the addresses are at this cloud.
func (c *cloud) own(as []providers.Address) (n int) {
	for _, a := range as {
		if a.Provider == c.name {
			n++
		}
	}
	return n
}

// of returns the drivers of a group's addresses.
func (cs *clouds) of(as []providers.Address) []providers.Provider {
	ps := make([]providers.Provider, len(as))
	for i, a := range as {
		ps[i] = cs.byName[a.Provider].provider
	}
	return ps
}

// targets returns this machine at the provider of each address; zero where it is
// not known yet.
func (cs *clouds) targets(as []providers.Address) []providers.Target {
	ts := make([]providers.Target, len(as))
	for i, a := range as {
		if c := cs.byName[a.Provider]; c.known {
			ts[i] = c.identity.Target
		}
	}
	return ts
}

// own returns what this machine is called by its providers.
func (cs *clouds) own() []election.NodeTarget {
	var ts []election.NodeTarget
	for _, c := range cs.sorted() {
		if c.known {
			ts = append(ts, election.NodeTarget{Provider: c.name, Target: c.identity.Target.String()})
		}
	}
	return ts
}

// anchor returns the anchor IP, or the zero Addr.
func (cs *clouds) anchor() netip.Addr {
	for _, c := range cs.sorted() {
		if c.identity.Anchor.IsValid() {
			return c.identity.Anchor
		}
	}
	return netip.Addr{}
}

// identityTask asks one metadata service who this machine is, for as long as the
// daemon runs.
type identityTask struct {
	name    string
	source  metadata.Source
	metrics *telemetry.Metrics
	report  func(metadata.Identity, error)
}

// String names the task.
func (t *identityTask) String() string { return "identity at " + t.name }

// Run asks until ctx ends.
func (t *identityTask) Run(ctx context.Context) error {
	for {
		began := time.Now()
		id, err := t.source.Identity(ctx)
		if ctx.Err() != nil {
			return nil
		}
		t.metrics.ProviderCall(t.name, telemetry.OpIdentity, err, time.Since(began))
		t.report(id, err)
		wait := identityReview
		if err != nil {
			wait = identityRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// identified takes in an answer of a metadata service.
func (e *engine) identified(c *cloud, id metadata.Identity, err error) {
	if err != nil {
		if c.err == nil {
			e.log.Warn("metadata does not answer", "provider", c.name, "error", err)
		}
		c.err = err
		e.step(election.WayOut{Open: e.anyAnswers()})
		return
	}
	level, news := slog.LevelDebug, !c.known || c.identity.Target != id.Target
	if news {
		level = slog.LevelInfo
	}
	e.log.Log(context.Background(), level, "identified", "provider", c.name, "target", id.Target.String(), "region", id.Region)
	c.identity, c.known, c.err = id, true, nil
	anchor := e.clouds.anchor()
	e.anchor.Store(&anchor)
	e.step(election.WayOut{Open: true})
	e.step(election.OwnTargets{Targets: e.clouds.own()})
	for _, g := range e.groups {
		e.step(election.Identity{Group: g.cfg.Name, Known: e.canClaim(g)})
		if news {
			e.wantRead(g, wantUrgent) // what was read before may not have been recognised
		}
	}
}

// anyAnswers reports whether some metadata service answered last time.
func (e *engine) anyAnswers() bool {
	for _, c := range e.clouds.sorted() {
		if c.known && c.err == nil {
			return true
		}
	}
	return false
}

// canClaim reports whether this machine is known at every provider of a group,
// and the cloud takes its credentials.
func (e *engine) canClaim(g *group) bool {
	if g.denied {
		return false
	}
	for _, t := range e.clouds.targets(g.cfg.Addresses) {
		if t.IsZero() {
			return false
		}
	}
	return true
}

// nodes returns who is who, for recognising owners: targets from adverts, from
// the configuration, and of this machine from the metadata service.
func (e *engine) nodes() []controller.Node {
	heard := e.machine.PeerTargets()
	var nodes []controller.Node
	for _, n := range e.cfg.Nodes {
		node := controller.Node{Name: n.Name, Address: n.Address.Addr()}
		if n.Name == e.cfg.Node {
			node.Targets = e.clouds.own()
		} else {
			node.Targets = append(node.Targets, heard[n.Name]...)
			for provider, target := range n.Targets {
				node.Targets = append(node.Targets, election.NodeTarget{Provider: provider, Target: target})
			}
		}
		nodes = append(nodes, node)
	}
	return nodes
}
