// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"time"

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
