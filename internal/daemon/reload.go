// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/pkg/election"
)

// electionConfig derives the election's configuration.
func electionConfig(cfg *config.Config, cs *clouds, session uint64, drained map[string]bool) election.Config {
	out := election.Config{
		Cluster: cfg.Cluster.ID, Node: cfg.Node, Address: cfg.Self().Address.Addr(),
		Session: session, Interval: cfg.Cluster.AdvertInterval,
	}
	for _, p := range cfg.Peers() {
		out.Peers = append(out.Peers, election.Peer{Name: p.Name, Address: p.Address.Addr()})
	}
	for _, g := range cfg.Groups {
		out.Groups = append(out.Groups, electionGroup(cfg, g, cs.drivers(g.Addresses), drained[g.Name]))
	}
	return out
}

// newGroups returns the engine's side of every group, whose tasks do not run yet.
// It leaves the engine alone and may be called beside it.
func (e *engine) newGroups(cfg *config.Config, cs *clouds) ([]*group, error) {
	var groups []*group
	for _, gc := range cfg.Groups {
		g := &group{
			node: cfg.Node, cfg: gc, provider: cs.drivers(gc.Addresses),
			results: map[string]health.Result{}, checkAt: map[string]time.Time{},
			probed: map[[16]byte]election.Instant{},
			tracks: make([]tracked, len(gc.Addresses)),
			sides:  make([]guestSide, len(gc.Addresses)),
			checks: newStandings(gc.Checks),
		}
		g.policy = newPolicy(gc, g.provider)
		g.runner = controller.NewRunner(controller.RunnerConfig{
			Group: gc.Name, Addresses: gc.Addresses, Providers: g.provider, Clock: e.clock.now,
			Report:  func(out controller.Outcome) { e.post(func() { e.finished(g, out) }) },
			Observe: e.called,
		})
		g.guest = newGuestWorker(gc.Name, e.ifaces, e.clock.now, func(r guestResult) { e.post(func() { e.guestDone(g, r) }) })
		if err := e.checkGuest(g); err != nil {
			return nil, err
		}
		if err := e.newCheckers(g); err != nil {
			return nil, err
		}
		g.service.prober = e.newServiceProber(g)
		groups = append(groups, g)
	}
	return groups, nil
}

// tasks returns what runs for a group beside the engine.
func (g *group) tasks() []task {
	tasks := []task{g.runner, g.guest}
	for _, c := range g.checkers {
		tasks = append(tasks, c)
	}
	if g.service.prober != nil {
		tasks = append(tasks, g.service.prober)
	}
	return tasks
}

// adopt makes the engine work with a configuration: at the start, and again at
// every reload. The machine keeps the roles, and what a changed check says is asked
// anew: until it has answered the last verdict stands.
func (e *engine) adopt(cfg *config.Config, cs *clouds, groups []*group, drained map[string]bool) {
	old := map[string]*group{}
	for _, g := range e.groups {
		old[g.cfg.Name] = g
		g.gone = true
	}
	for i, g := range groups {
		g.mark.set = drained[g.cfg.Name]
		switch o := old[g.cfg.Name]; {
		case o == nil:
		case slices.Equal(g.cfg.Addresses, o.cfg.Addresses) && slices.Equal(cs.used(g.cfg.Addresses), e.clouds.used(g.cfg.Addresses)):
			o.renew(g)
			groups[i] = o
		default:
			g.inherit(o)
			g.renewed = e.clock.now() // an answer to the old one's reads no longer counts
		}
	}
	cs.keep(e.clouds)
	e.forgetAsides(cs)
	e.cfg, e.clouds, e.groups = cfg, cs, groups
	e.receiver.Keys = cfg.Cluster.Keyring
	e.receiver.Peers = nil
	e.askers.allow(len(cfg.Groups), cfg.Cluster.AdvertInterval)
	clear(e.peers)
	clear(e.unsayable) // the next advert tells anew, and a peer may be gone
	for _, p := range cfg.Peers() {
		e.receiver.Peers = append(e.receiver.Peers, p.Name)
		e.peers[p.Name] = p.Address
	}
	e.metrics.SetGroups(namesOf(cfg.Groups))
	e.metrics.SetPeers(e.receiver.Peers)
}

func namesOf(groups []config.Group) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	return names
}

// introduce tells the machine what is known of each group already.
func (e *engine) introduce() {
	e.step(election.OwnTargets{Targets: e.clouds.own()})
	for _, g := range e.groups {
		e.tellClaim(g)
		e.lastChecks(g)
		e.judge(g)
	}
}

// renewal is a configuration that may be put in force.
type renewal struct {
	cfg     *config.Config
	clouds  *clouds
	groups  []*group
	drained map[string]bool
	marred  []error
}

// prepare reads the configuration again and makes all that it needs. It leaves the
// engine alone and runs beside it: files and disks may be slow.
func (e *engine) prepare(ctx context.Context, o Options, open func(*config.Config) (*clouds, error)) (*renewal, error) {
	o.Load.Hostname = func() (string, error) { return o.Config.Node, nil } // a name says only at the start who this is
	cfg, err := config.Reread(o.Config, o.Load, func(why string) error {
		e.log.Info("configuration is read again, since it may be half written", "path", o.Config.Path, "because", why)
		return pause(ctx, config.RereadAfter)
	})
	if err != nil {
		return nil, fmt.Errorf("read configuration again: %w", onlyErrors(err))
	}
	if problems := config.ReloadProblems(o.Config, cfg); len(problems) > 0 {
		return nil, fmt.Errorf("apply configuration: %w", onlyErrors(problems))
	}
	r := &renewal{cfg: cfg}
	if r.clouds, err = open(cfg); err == nil {
		e.furnish(r.clouds, cfg)
		r.clouds.succeed(e.clouds, o.Config, cfg)
		r.groups, err = e.newGroups(cfg, r.clouds)
	}
	if err != nil {
		return nil, fmt.Errorf("apply configuration: %w", err)
	}
	r.drained, r.marred = readMarks(e.marks.drainMarks, namesOf(cfg.Groups))
	return r, nil
}

// pause waits, and returns an error if ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// abandons returns why a configuration cannot be put in force: it lacks a group that this node
// leads, or a node that is heard while this one leads. Nobody would look after the addresses of
// the one, and the other would hear nothing any more and take over; half a file lacks both.
func (e *engine) abandons(cfg *config.Config) error {
	var each []error
	leads := func(g *group) bool { return e.machine.Role(g.cfg.Name) == election.Active }
	heard := election.ActiveDown(election.PriorityDefault, e.cfg.Cluster.AdvertInterval)
	for _, p := range e.machine.PeersStatus() {
		stays := slices.ContainsFunc(cfg.Nodes, func(n config.Node) bool { return n.Name == p.Name })
		if !stays && p.HeardAt != 0 && e.clock.now().Sub(p.HeardAt) < heard && slices.ContainsFunc(e.groups, leads) {
			each = append(each, fmt.Errorf("%s: nodes: %s is missing, and it is heard: it would hear nothing any more and take over; put it back, or stop its daemon first",
				cfg.Path, p.Name))
		}
	}
	for _, g := range e.groups {
		if _, stays := cfg.Group(g.cfg.Name); !stays && leads(g) {
			each = append(each, fmt.Errorf("%s: groups: %s is missing, and this node leads it; put it back, or run \"fipctl drain %s\" "+
				"(with --force if no other node is to take it, which leaves its addresses where they are) and reload again", cfg.Path, g.cfg.Name, g.cfg.Name))
		}
	}
	if len(each) == 0 {
		return nil
	}
	return errors.New(oneLine(each))
}

// tellRemoved says which groups and addresses are not looked after any more.
func (e *engine) tellRemoved(cfg *config.Config) {
	for _, o := range e.groups {
		g, stays := cfg.Group(o.cfg.Name)
		if !stays {
			e.log.Warn("group removed", append([]any{"group", o.cfg.Name, "role", e.machine.Role(o.cfg.Name).String(), "addresses", o.addressNames()}, e.owners(o)...)...)
			continue
		}
		for _, a := range o.cfg.Addresses {
			if !slices.Contains(g.Addresses, a) {
				e.log.Warn("address removed", append([]any{"group", g.Name, "address", a.String()}, e.owners(o)...)...)
			}
		}
	}
}

// onlyErrors makes one line of what keeps a file from being used, without what it
// is only warned of.
func onlyErrors(err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	var each []error
	for _, p := range problems.Errors() {
		each = append(each, errors.New(p.String()))
	}
	return errors.New(oneLine(each))
}

// reloaded puts a configuration in force without moving anything.
func (e *engine) reloaded(r *renewal) {
	now := e.clock.now()
	e.tellRemoved(r.cfg)
	e.adopt(r.cfg, r.clouds, r.groups, r.drained)
	e.marred, e.reload = r.marred, nil
	e.step(election.Reload{Config: electionConfig(r.cfg, r.clouds, e.session, r.drained)})
	e.introduce()
	for _, g := range e.groups {
		if g.service.prober == nil && g.service.up { // the new file asks nothing
			g.service.up = false
			e.step(election.ServiceProbed{Group: g.cfg.Name, OK: false})
		}
		if g.denied { // an operator may have mended that
			g.renewed = now
		}
		g.preflightAnew(now) // and what a move here needs
		e.pardon(g, "the configuration was read again")
		e.settleDoubts(g) // of steps that the old configuration has under way
	}
	e.replug()
	e.log.Info("configuration reloaded", "path", r.cfg.Path)
}
