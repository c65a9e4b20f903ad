// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"time"

	"github.com/fipctl/fipctl/internal/telemetry"
	"github.com/fipctl/fipctl/pkg/election"
)

// clock counts instants. The origin is one hour before the start, so that no
// instant of interest is zero.
type clock struct {
	elapsed func() time.Duration // never runs backwards
	origin  time.Duration
}

const clockLead = time.Hour

// newClock returns a clock on top of elapsed, which counts from anywhere.
func newClock(elapsed func() time.Duration) *clock {
	return &clock{elapsed: elapsed, origin: elapsed() - clockLead}
}

// now returns the present instant.
func (c *clock) now() election.Instant { return election.Instant(c.elapsed() - c.origin) }

// time returns the wall-clock time of an instant, for people; the zero time for
// an instant that never was.
func (c *clock) time(i election.Instant) time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Now().Add(i.Sub(c.now())).UTC()
}

// clocks is one look at the clocks of this machine, each counting from anywhere.
type clocks struct{ boot, mono, wall time.Duration }

// clocksApart is from how much on a disagreement of the clocks is told: more than any
// slewing between two turns of the engine, less than any stall that matters.
const clocksApart = 100 * time.Millisecond

// ahead returns by how much one clock ran ahead of another since an earlier look: the
// wall clock of the boot clock, as when a hypervisor stopped the machine and corrected
// the time afterwards, or the boot clock of the monotonic one, as when the machine was
// suspended. A wall clock that was set back is no stall.
func (c clocks) ahead(before clocks) time.Duration {
	boot, mono, wall := c.boot-before.boot, c.mono-before.mono, c.wall-before.wall
	return max(wall-boot, boot-mono, 0)
}

// watchClocks tells the election when the clocks of this machine disagree. It is
// called before anything that woke the engine is taken in (invariant 7).
func (e *engine) watchClocks() {
	if e.look == nil {
		return
	}
	before := e.looked
	e.looked = e.look()
	if before == (clocks{}) {
		return
	}
	if by := e.looked.ahead(before); by > clocksApart {
		e.log.Warn("clocks disagree", "by", telemetry.Short(by))
		e.step(election.ClocksDisagree{By: by})
	}
}
