// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"time"

	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/pkg/election"
)

// checked takes in the result of one run of one check.
func (e *engine) checked(g *group, r health.Result) {
	if g.gone {
		return
	}
	before := g.results[r.Check]
	g.results[r.Check] = r
	if before.State != r.State {
		g.checkAt[r.Check] = r.At
		e.tellCheck(g, r)
	}
	for i := range g.checks {
		if g.checks[i].Check == r.Check {
			g.checks[i].State = r.State
		}
	}
	e.judge(g)
	e.lastChecks(g)
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
	changed := v.Known != g.verdict.Known || v.Healthy != g.verdict.Healthy || v.PriorityDelta != g.verdict.PriorityDelta
	g.verdict = v
	if changed {
		e.step(election.Health{Group: g.cfg.Name, Known: v.Known, Healthy: v.Healthy, PriorityDelta: v.PriorityDelta})
	}
}

func (e *engine) tellCheck(g *group, r health.Result) {
	args := []any{"group", g.cfg.Name, "check", r.Check, "state", r.State.String(), "text", r.Text}
	if r.State == health.Failing {
		e.log.Warn("check changed", args...)
		return
	}
	e.log.Info("check changed", args...)
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

// checkTasks returns a task for each check of a group. Their first runs are
// spread over a tenth of a second.
func (e *engine) checkTasks(g *group) ([]task, error) {
	var tasks []task
	for i, c := range g.cfg.Checks {
		r, err := health.NewRunner(health.RunnerConfig{
			Group: g.cfg.Name, Check: c, Values: func() health.Values { return e.values(g) },
			Report:     func(r health.Result) { e.post(func() { e.checked(g, r) }) },
			FirstDelay: time.Duration(i%10) * 10 * time.Millisecond,
		})
		if err != nil {
			return nil, err
		}
		g.checkers = append(g.checkers, r)
		tasks = append(tasks, r)
	}
	return tasks, nil
}

// values returns what the placeholders of a group's checks stand for. It is
// called from the goroutines of the checks.
func (e *engine) values(g *group) health.Values {
	v := health.Values{Node: g.node}
	if len(g.cfg.Addresses) > 0 {
		v.Address = g.cfg.Addresses[0].IP
	}
	if a := e.anchor.Load(); a != nil {
		v.Anchor = *a
	}
	return v
}
