// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

// checked takes in the result of one run of one check.
func (e *engine) checked(g *group, r health.Result) {
	before := g.results[r.Check]
	g.results[r.Check] = r
	if e.awaitsValue(g, r) {
		e.log.Debug("check waits", "group", g.cfg.Name, "check", r.Check, "text", r.Text)
		if ip := e.anchor.Load(); ip != nil && ip.IsValid() {
			g.runNow(r.Check) // the value came while this was under way
		}
	} else if before.State != r.State || before.Inconclusive != r.Inconclusive {
		g.checkAt[r.Check] = r.At
		e.tellCheck(g, before.State, r)
	}
	for i := range g.checks {
		switch c := &g.checks[i]; {
		case c.Check != r.Check:
		case r.State == health.Unknown: // it fails, and not often enough to count, or cannot tell
			c.Untold = r.Inconclusive && !e.awaitsValue(g, r)
		default:
			c.State, c.Untold = r.State, false
		}
	}
	e.judge(g)
	e.lastChecks(g)
}

// awaitsValue reports whether a run could not tell because this machine's identity was not
// known when it began. It then need not be counted: without an identity the node cannot
// claim, and when it comes the check is run at once.
func (e *engine) awaitsValue(g *group, r health.Result) bool {
	return r.NoValue && (!e.knownFor(g) || !r.At.After(e.anchoredAt))
}

// anchored notes the value of {anchor} and runs the checks that could not tell, which may
// have been for the lack of it.
func (e *engine) anchored(ip netip.Addr) {
	if old := e.anchor.Swap(&ip); old != nil && *old == ip {
		return
	}
	e.anchoredAt = time.Now()
	for _, g := range e.groups {
		for _, c := range g.checks {
			if g.results[c.Check].Inconclusive {
				g.runNow(c.Check)
			}
		}
	}
}

// runNow runs a check beside its rhythm.
func (g *group) runNow(check string) {
	for i, c := range g.checks {
		if c.Check == check && i < len(g.checkers) {
			g.checkers[i].Now()
		}
	}
}

// lastChecks tells the election whether a check that can put this node in fault failed the last
// time it said anything.
func (e *engine) lastChecks(g *group) {
	failing := false
	for _, c := range g.cfg.Checks {
		r, ran := g.results[c.Name]
		failing = failing || ran && c.Weight == 0 && !r.OK && !r.Inconclusive
	}
	if failing != g.lastFailed {
		g.lastFailed = failing
		e.step(election.LastCheck{Group: g.cfg.Name, Failed: failing})
	}
}

// judge tells the election what the checks of a group say together.
func (e *engine) judge(g *group) {
	v := health.Evaluate(g.checks)
	if !v.Known && g.verdict.Known {
		return // after a reload the last verdict stands until all have answered anew
	}
	before, now := healthOf(g.cfg.Name, g.verdict), healthOf(g.cfg.Name, v)
	g.verdict = v
	if now != before {
		e.step(now)
	}
}

// healthOf is a verdict as the election is told it.
func healthOf(group string, v health.Verdict) election.Health {
	return election.Health{Group: group, Known: v.Known, Healthy: v.Healthy, Untold: v.Known && len(v.Untold) > 0, PriorityDelta: v.PriorityDelta}
}

func (e *engine) tellCheck(g *group, before health.State, r health.Result) {
	args := []any{"group", g.cfg.Name, "check", r.Check, "state", r.State.String(), "text", r.Text}
	switch {
	case r.Inconclusive:
		e.log.Warn("check cannot tell", args...)
	case before == r.State: // and the text may be of a run that goes the other way
		e.log.Info("check tells again", args...)
	case r.State == health.Failing:
		e.log.Warn("check changed", args...)
	default:
		e.log.Info("check changed", args...)
	}
}

// checkConditions are about the checks that cannot tell.
func (e *engine) checkConditions(g *group, add adder) {
	unclear := 0
	for _, c := range g.checks {
		r := g.results[c.Check]
		if !r.Inconclusive || e.awaitsValue(g, r) {
			continue
		}
		unclear++
		so := "what it told before stands: " + c.State.String()
		if c.State == health.Unknown {
			so = "it never told since the start, so this node leads only if it did or nobody else can"
		}
		add(condCheckInconclusive, c.Check, status.SeverityWarning, "check %s cannot tell: %s; %s", c.Check, r.Text, so)
	}
	e.metrics.ChecksInconclusive(g.cfg.Name, unclear)
}

// inheritChecks takes over what the checks of a group told before a reload and how often in
// a row, as far as they ask the same: a reload is no news of the service.
func (g *group) inheritChecks(o *group) {
	for i, c := range g.cfg.Checks {
		j := slices.IndexFunc(o.cfg.Checks, func(was health.Check) bool {
			return c.Name == was.Name && reflect.DeepEqual(c.Probe, was.Probe)
		})
		if j < 0 {
			continue
		}
		g.checks[i].State, g.checks[i].Untold = o.checks[j].State, o.checks[j].Untold
		if last, ran := o.results[c.Name]; ran {
			g.results[c.Name], g.checkAt[c.Name] = last, o.checkAt[c.Name]
			g.checkers[i].Resume(last)
		}
	}
}

// runsPrograms reports whether a configuration has checks or probes that run programs.
func runsPrograms(cfg *config.Config) bool {
	program := func(p health.Probe) bool { _, is := p.(health.Exec); return is }
	return slices.ContainsFunc(cfg.Groups, func(g config.Group) bool {
		return program(g.Probe) || slices.ContainsFunc(g.Checks, func(c health.Check) bool { return program(c.Probe) })
	})
}

// newStandings returns where the checks of a group stand before any has answered.
// A group without checks is healthy.
func newStandings(checks []health.Check) []health.Standing {
	var standings []health.Standing
	for _, c := range checks {
		standings = append(standings, health.Standing{Check: c.Name, Weight: c.Weight})
	}
	return standings
}

// newCheckers gives a group what runs its checks. Their first runs are spread over a
// tenth of a second.
func (e *engine) newCheckers(g *group) error {
	for i, c := range g.cfg.Checks {
		var r *health.Runner
		r, err := health.NewRunner(health.RunnerConfig{
			Group: g.cfg.Name, Check: c, Values: e.values(g),
			Report:     func(res health.Result) { e.post(func() { e.reported(r, res) }) },
			FirstDelay: time.Duration(i%10) * 10 * time.Millisecond,
		})
		if err != nil {
			return err
		}
		g.checkers = append(g.checkers, r)
	}
	return nil
}

// reported takes in a result from whoever runs the check. One that a reload replaced says
// nothing any more.
func (e *engine) reported(r *health.Runner, res health.Result) {
	for _, g := range e.groups {
		if slices.Contains(g.checkers, r) {
			e.checked(g, res)
		}
	}
}

// values returns what tells what the placeholders of a group's checks stand for. That may be
// called from the goroutines of the checks.
func (e *engine) values(g *group) func() health.Values {
	v := health.Values{Node: g.node}
	if len(g.cfg.Addresses) > 0 {
		v.Address = g.cfg.Addresses[0].IP
	}
	return func() health.Values {
		v := v
		if a := e.anchor.Load(); a != nil {
			v.Anchor = *a
		}
		return v
	}
}
