// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
)

// The questions beside the owner reads that may be under way at one provider at once,
// and those of them that nobody waits for: preflights, placements and states of machines.
// Of these one place is left for a state, which a takeover may need at any moment.
const (
	asidesMax      = 6
	asidesIdleMax  = 2
	asidesPlainMax = asidesIdleMax - 1
)

// startAsides begins the questions that nobody waits for and that have a token. It
// sets when to look again.
func (e *engine) startAsides(now election.Instant) {
	e.asidesAt = 0
	e.startInspections(now)
	e.startTracks(now)
	e.startPlacements(now)
	for {
		g := e.nextPreflight(now)
		if g == nil || !e.affordPreflight(g, now) {
			return
		}
		e.preflight(g, now)
	}
}

// afford takes tokens for so many calls if the provider has them and is not asked too
// much already, and otherwise sees to it that the question is asked again.
func (c *cloud) afford(e *engine, now election.Instant, s controller.Spend, calls int) bool {
	most := asidesPlainMax
	if s == controller.SpendState {
		most = asidesIdleMax
	}
	if c.asides.idle >= most || c.asides.flying >= asidesMax {
		return false // the end of one comes back to it
	}
	if c.budget.Take(now, s, calls) {
		return true
	}
	e.asidesAt = earlier(e.asidesAt, c.budget.Ready(now, s, calls))
	return false
}
