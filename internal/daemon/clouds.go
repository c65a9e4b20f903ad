// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"cmp"
	"context"
	"errors"
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

// clouds is what the daemon knows of each provider: a driver for each kind of address
// in use, and who this machine is there.
type clouds struct {
	byKind    map[kindOf]*cloud
	presences map[string]*presence // by provider
	renewed   map[kindOf]*cloud    // what was made anew for those of byKind that were in use before a reload
	unused    map[kindOf]controller.Budget
}

// kindOf is one kind of address of one provider.
type kindOf struct{ provider, kind string }

// cloud is a provider as far as one kind of address is concerned. Each kind has its
// own budget: the calls that it needs are other ones, and clouds limit each call.
type cloud struct {
	kindOf
	driver providers.Provider
	at     *presence

	reader *controller.Reader
	reads  *pool   // of owner reads
	spent  []*pool // those before it, as long as one of their reads is under way
	asides *pool   // of what is asked beside them
	budget controller.Budget
	told   int // how many answers have told what is left of the calls, by the last look
}

// presence is who this machine is at one provider. Identities live in memory only
// (invariant 6) and are never forgotten because the metadata service does not answer
// (invariant 3).
type presence struct {
	provider    string
	source      metadata.Source
	task        *identityTask // asks who this machine is; nil: nobody does yet
	region      string        // that the configuration names; empty: none
	credentials string        // where they come from
	fingerprint func() string
	mark        string // what it returned last that was not empty

	identity metadata.Identity
	known    bool
	err      error // of the last look at the metadata service

	left  providers.Allowance // of the account's calls, by the last answer; the zero Allowance: not told
	gauge controller.Gauge    // of how it changes
}

// How often the metadata service is asked: until it answers, until the cloud's API has
// completed what it says, and then to notice that it is another machine's.
const (
	identityRetry    = 2 * time.Second
	identityComplete = 10 * time.Second
	identityReview   = 10 * time.Minute
)

// openClouds makes the drivers of a configuration. It reads the credentials once,
// so that a missing token shows at the start; one that goes bad later is a
// condition and never the end of a running daemon.
func openClouds(cfg *config.Config, version string) (*clouds, error) {
	cs := newClouds()
	for _, p := range cfg.Providers {
		opened, err := registry.Open(p.Name, cfg.Settings(p, "fipctl/"+version))
		if err != nil {
			return nil, fmt.Errorf("set up provider %s: %w", p.Name, err)
		}
		cs.add(cfg, p.Name, opened)
	}
	return cs, nil
}

func newClouds() *clouds {
	return &clouds{
		byKind: map[kindOf]*cloud{}, presences: map[string]*presence{}, renewed: map[kindOf]*cloud{}, unused: map[kindOf]controller.Budget{},
	}
}

// add adds a provider with the kinds that the configuration has addresses of.
func (cs *clouds) add(cfg *config.Config, name string, opened registry.Cloud) {
	settings, _ := cfg.Provider(name)
	at := &presence{provider: name, region: settings.Region, source: opened.Metadata, credentials: opened.Credentials, fingerprint: opened.Fingerprint}
	cs.presences[name] = at
	for _, g := range cfg.Groups {
		for _, a := range g.Addresses {
			if key := (kindOf{a.Provider, a.Kind}); a.Provider == name && cs.byKind[key] == nil {
				cs.byKind[key] = &cloud{kindOf: key, driver: opened.Kinds[a.Kind], at: at}
			}
		}
	}
}

// String names the kind for people: "tencent eip".
func (k kindOf) String() string { return k.provider + " " + k.kind }

func (k kindOf) compare(o kindOf) int {
	return cmp.Or(cmp.Compare(k.provider, o.provider), cmp.Compare(k.kind, o.kind))
}

// sorted returns the clouds in the order of their names.
func (cs *clouds) sorted() []*cloud {
	var sorted []*cloud
	for _, key := range slices.SortedFunc(maps.Keys(cs.byKind), kindOf.compare) {
		sorted = append(sorted, cs.byKind[key])
	}
	return sorted
}

// providers returns who this machine is at each provider, in the order of their names.
func (cs *clouds) providers() []*presence {
	var sorted []*presence
	for _, name := range slices.Sorted(maps.Keys(cs.presences)) {
		sorted = append(sorted, cs.presences[name])
	}
	return sorted
}

// of returns the cloud that reads and moves an address.
func (cs *clouds) of(a providers.Address) *cloud { return cs.byKind[kindOf{a.Provider, a.Kind}] }

// serves reports whether c reads and moves a.
func (c *cloud) serves(a providers.Address) bool { return c.kindOf == kindOf{a.Provider, a.Kind} }

// furnish gives the clouds what reads them. It leaves the engine alone and may be called
// beside it.
func (e *engine) furnish(cs *clouds, cfg *config.Config) {
	for _, c := range cs.byKind {
		c.reader = &controller.Reader{Name: c.provider, Provider: c.driver, Clock: e.clock.now, Observe: e.called}
		c.reads, c.asides = newPool("owner reads of "+c.String(), cs.readsMax(cfg, c)), newPool("questions about "+c.String(), asidesMax)
		c.budget = controller.NewBudget(cs.callsPerHour(cfg, c), len(cfg.Nodes))
	}
}

// callsPerHour returns how many calls an hour of a kind are the cluster's: the kinds in use
// at a provider share what is ours there.
func (cs *clouds) callsPerHour(cfg *config.Config, c *cloud) int {
	p, _ := cfg.Provider(c.provider)
	kinds := 0
	for key := range cs.byKind {
		if key.provider == c.provider {
			kinds++
		}
	}
	return p.CallsPerHour / kinds
}

// tasks returns what runs for a cloud beside the engine.
func (c *cloud) tasks() []task {
	tasks := append(c.reads.tasks(), c.asides.tasks()...)
	for _, p := range c.spent {
		tasks = append(tasks, p.tasks()...)
	}
	return tasks
}

// used returns the clouds of a group's addresses, each once.
func (cs *clouds) used(as []providers.Address) []*cloud {
	var used []*cloud
	for _, a := range as {
		if c := cs.of(a); !slices.Contains(used, c) {
			used = append(used, c)
		}
	}
	return used
}

// own returns those of the addresses that are at this cloud.
func (c *cloud) own(as []providers.Address) (own []providers.Address) {
	for _, a := range as {
		if c.serves(a) {
			own = append(own, a)
		}
	}
	return own
}

// drivers returns the drivers of a group's addresses.
func (cs *clouds) drivers(as []providers.Address) []providers.Provider {
	ps := make([]providers.Provider, len(as))
	for i, a := range as {
		ps[i] = cs.of(a).driver
	}
	return ps
}

// target returns this machine as addresses of the kind are bound to it; zero where
// it is not known yet.
func (c *cloud) target() providers.Target {
	if !c.at.known {
		return providers.Target{}
	}
	return c.at.identity.Target.Only(c.driver.Capabilities().Target)
}

// targets returns this machine as a target of each address.
func (cs *clouds) targets(as []providers.Address) []providers.Target {
	ts := make([]providers.Target, len(as))
	for i, a := range as {
		ts[i] = cs.of(a).target()
	}
	return ts
}

// own returns what this machine is called by its providers.
func (cs *clouds) own() []election.NodeTarget {
	var ts []election.NodeTarget
	for _, p := range cs.providers() {
		if p.known {
			ts = append(ts, election.NodeTarget{Provider: p.provider, Target: p.identity.Target.String()})
		}
	}
	return ts
}

// anchor returns the anchor IP, or the zero Addr.
func (cs *clouds) anchor() netip.Addr {
	for _, p := range cs.providers() {
		if p.identity.Anchor.IsValid() {
			return p.identity.Anchor
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
		switch {
		case errors.Is(err, metadata.ErrIncomplete):
			wait = identityComplete
		case err != nil:
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

// identified takes in an answer of a metadata service. An incomplete identity counts
// for what it says: it may do for some kinds of address and not for others.
func (e *engine) identified(p *presence, id metadata.Identity, err error) {
	if err != nil && p.err == nil {
		e.log.Warn("identity unknown or incomplete", "provider", p.provider, "error", err)
	}
	p.err = err
	if err != nil && !errors.Is(err, metadata.ErrIncomplete) {
		e.step(election.WayOut{Open: e.anyAnswers()})
		return
	}
	level, news := slog.LevelDebug, !p.known || p.identity.Target != id.Target
	if err != nil && p.known && p.identity.Target.Instance == id.Target.Instance {
		id.Target, news = p.identity.Target, false // what was complete before still counts
	}
	if news {
		level = slog.LevelInfo
	}
	e.log.Log(context.Background(), level, "identified", "provider", p.provider, "target", id.Target.String(), "region", id.Region)
	p.identity, p.known = id, true
	for _, g := range e.groups {
		e.judgeAgain(g)
	}
	e.anchored(e.clouds.anchor())
	e.step(election.WayOut{Open: true})
	e.step(election.OwnTargets{Targets: e.clouds.own()})
	for _, g := range e.groups {
		e.tellClaim(g)
		if news {
			g.preflightAnew(e.clock.now())
			e.lookAgain(g) // what was read before may not have been recognised
		}
	}
}

// anyAnswers reports whether some metadata service answered last time.
func (e *engine) anyAnswers() bool {
	for _, p := range e.clouds.providers() {
		if p.known && (p.err == nil || errors.Is(p.err, metadata.ErrIncomplete)) {
			return true
		}
	}
	return false
}

// canClaim reports whether this machine is the node that its file says it is and known at
// every provider of a group, the cloud takes its credentials, and an announcement would not
// be in vain.
func (e *engine) canClaim(g *group) bool {
	return !g.denied && !g.unfit() && e.confirmed() && e.knownFor(g) && !e.astray(g) && e.canAnnounce(g)
}

// knownFor reports whether this machine is known at every provider of a group.
func (e *engine) knownFor(g *group) bool {
	return !slices.ContainsFunc(e.clouds.targets(g.cfg.Addresses), providers.Target.IsZero)
}

// nodes returns who is who, for recognising owners. The address of this node says nothing
// of a machine that does not have it.
func (e *engine) nodes() []controller.Node {
	nodes := e.named()
	for i := range nodes {
		if nodes[i].Name == e.cfg.Node && !e.confirmed() {
			nodes[i].Address = netip.Addr{}
		}
	}
	return nodes
}

// named returns what each node is called: by its adverts, else by the configuration, and
// this one by its metadata service alone.
func (e *engine) named() []controller.Node {
	heard := e.machine.PeerTargets()
	nodes := make([]controller.Node, 0, len(e.cfg.Nodes))
	for _, n := range e.cfg.Nodes {
		node := controller.Node{Name: n.Name, Address: n.Address.Addr(), Said: e.clouds.own()}
		if n.Name != e.cfg.Node {
			node.Said, node.File = heard[n.Name], n.Targets
		}
		nodes = append(nodes, node)
	}
	return nodes
}
