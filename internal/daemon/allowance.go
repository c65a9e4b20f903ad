// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"fmt"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// heedLeft takes in what the end of a call said of what is left of the account's calls, if
// the provider tells it and this answer did.
func (c *cloud) heedLeft(now election.Instant) {
	p, ok := c.driver.(providers.Rationer)
	if !ok {
		return
	}
	left, _ := p.Allowance()
	if left.Told == c.told {
		return
	}
	c.told = left.Told
	c.budget.Left(now, left.Remaining, left.Window)
	c.at.left = left
	c.at.gauge.Note(now, left)
}

// budgetConditions are about accounts whose calls may not be enough.
func (e *engine) budgetConditions() []found {
	var fs []found
	for _, p := range e.clouds.providers() {
		if p.left.Told == 0 {
			continue
		}
		need := e.steadyNeed(p)
		if s, yes := p.gauge.Strained(e.clock.now(), len(e.cfg.Nodes), need); yes {
			fs = append(fs, found{conditionKey{"", condAPIBudget, p.provider}, status.SeverityWarning, strainText(p, s, need)})
		}
	}
	return fs
}

// steadyNeed returns how many calls an hour the cluster makes at rest at a provider.
func (e *engine) steadyNeed(p *presence) int {
	need, ours := 0, 0
	for _, c := range e.clouds.sorted() {
		if c.at != p {
			continue
		}
		var all []providers.Address
		for _, g := range e.groups {
			all = append(all, c.own(g.cfg.Addresses)...)
		}
		need += controller.SteadyNeed(len(e.cfg.Nodes), c.reader.Calls(all), preflightCalls*len(all))
		ours += e.clouds.callsPerHour(e.cfg, c)
	}
	if ours > 0 {
		need = min(need, ours) // the budget sees to that
	}
	return need
}

// strainText says what remains, until when, whose calls they were, and what to do.
func strainText(p *presence, s controller.Strain, need int) string {
	text := fmt.Sprintf("%s leaves %d of %d calls in %s", p.provider, p.left.Remaining, p.left.Limit, shortly(p.left.Window))
	if !p.left.Reset.IsZero() {
		text += " (the oldest come back from " + p.left.Reset.UTC().Format(time.TimeOnly) + " UTC on)"
	}
	text += fmt.Sprintf(" and this cluster needs %d; ", need)
	if s.Fell > 0 {
		text += fmt.Sprintf("in the last %s that fell by %d, of which this node called %d; ", shortly(s.Over), s.Fell, s.Calls)
	}
	return text + fmt.Sprintf("find who else calls, use credentials with calls of their own, or say with providers.%s.calls_per_hour how many are this cluster's", p.provider)
}

// shortly returns a time to the second, without the parts that are zero at its end.
func shortly(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// measureLeft renews the metrics of what is left of the accounts' calls.
func (e *engine) measureLeft() {
	for _, p := range e.clouds.providers() {
		if p.left.Told > 0 {
			e.metrics.CallsLeft(p.provider, p.left.Limit, p.left.Remaining)
		}
	}
}
