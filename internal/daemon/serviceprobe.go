// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/pkg/election"
)

// The rhythm of the user's probe: in the steady state, at the fastest while the owner
// is in doubt, and how long one answer may take. The last is less than the fastest
// rhythm, so that one run is over before the next is due.
const (
	serviceEvery   = 10 * time.Second
	serviceFastest = time.Second
	serviceTimeout = 900 * time.Millisecond
)

// answer is what a run of the user's probe showed.
type answer uint8

const (
	answerUnknown answer = iota // the address is local, or the question could not be put
	answerNo
	answerYes
)

// serviceProber asks the user's question about one group beside the engine.
type serviceProber struct {
	group  config.Group
	ifaces netif.Interfaces
	values func() health.Values
	jobs   chan func(answer) // capacity 1; the engine submits one at a time and never waits
}

// String names the task.
func (p *serviceProber) String() string { return "probe of group " + p.group.Name }

// Run asks until ctx ends.
func (p *serviceProber) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case report := <-p.jobs:
			report(p.ask(ctx))
		}
	}
}

// ask asks once. What comes from an address of this machine says nothing about the
// owner.
func (p *serviceProber) ask(ctx context.Context) answer {
	ctx, cancel := context.WithTimeout(ctx, serviceTimeout)
	defer cancel()
	local, err := p.ifaces.Local(ctx)
	if err != nil {
		return answerUnknown
	}
	for _, a := range p.group.Addresses {
		if slices.Contains(local, a.IP) {
			return answerUnknown
		}
	}
	_, err = p.group.Probe.Ask(ctx, p.values())
	switch {
	case errors.Is(err, health.ErrInconclusive):
		return answerUnknown
	case err != nil:
		return answerNo
	default:
		return answerYes
	}
}

// newServiceProber returns the prober of a group, or nil if nothing is to be asked.
func (e *engine) newServiceProber(g *group) *serviceProber {
	if g.cfg.Probe == nil {
		return nil
	}
	return &serviceProber{
		group: g.cfg, ifaces: e.ifaces, values: e.values(g), jobs: make(chan func(answer), 1),
	}
}

// serviceState is what the engine keeps of the user's probe of one group.
type serviceState struct {
	prober   *serviceProber   // nil: none
	askedAt  election.Instant // 0: never about this owner
	asking   bool
	doubtful bool // the owner has not been heard for 1.5 intervals, or is latched
	up       bool // the last answer that the election was told was yes
}

// startServiceProbes asks through the addresses of every group that another machine
// holds, by the last read, and that this node does not lead. It sets when to look
// again.
func (e *engine) startServiceProbes(now election.Instant) {
	e.servicesAt = 0
	for _, g := range e.groups {
		s := &g.service
		if s.prober == nil || s.asking || !e.asksService(g) {
			continue
		}
		if at := s.due(e.cfg.Cluster.AdvertInterval); s.askedAt != 0 && now < at {
			e.servicesAt = earlier(e.servicesAt, at)
			continue
		}
		s.askedAt, s.asking = now, true
		about, by := g.owner, s.prober
		s.prober.jobs <- func(a answer) { e.post(func() { e.serviceAnswered(g, by, about, a) }) }
	}
}

// due returns when to ask again.
func (s *serviceState) due(interval time.Duration) election.Instant {
	if s.doubtful {
		return s.askedAt.Add(max(serviceFastest, interval))
	}
	return s.askedAt.Add(serviceEvery)
}

// asksService reports whether the probe of a group would say something about another
// machine.
func (e *engine) asksService(g *group) bool {
	elsewhere := g.owner.Kind == election.OwnerForeign || g.owner.Kind == election.OwnerNode && g.owner.Node != e.cfg.Node
	switch e.machine.Role(g.cfg.Name) {
	case election.Backup, election.Fault, election.Drained:
		return elsewhere
	default:
		return false
	}
}

// serviceAnswered takes in the end of a run. What was asked about another owner,
// before this node led, or before a reload that asks another question, says nothing.
func (e *engine) serviceAnswered(g *group, by *serviceProber, about election.Owner, a answer) {
	if g.gone || g.service.prober != by {
		return
	}
	g.service.asking = false
	if g.owner != about || !e.asksService(g) || a == answerUnknown {
		g.service.up = false // what was said before grows old in the election
		return
	}
	g.service.up = a == answerYes
	e.step(election.ServiceProbed{Group: g.cfg.Name, OK: g.service.up})
}

// ownerChanged starts the questions about the owner of a group anew, and soon the one
// whether a move would be refused.
func (e *engine) ownerChanged(g *group) {
	g.service.askedAt, g.service.up = 0, false
	g.preflightAnew(e.clock.now())
}

// followDoubts notes whose owner is worth asking about often.
func (g *group) followDoubts(s election.GroupStatus, peers []election.PeerStatus) {
	g.service.doubtful = false
	for i, n := range s.Nodes {
		if s.Owner.Kind == election.OwnerNode && n.Name == s.Owner.Node {
			g.service.doubtful = n.Latched || peers[i].Silent
		}
	}
}
