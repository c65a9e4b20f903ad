// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// Instant is a point in time, counted in nanoseconds from an origin of the
// caller's choice (the daemon counts from its start, on a clock that runs on
// while the machine is suspended). Zero means never.
type Instant int64

// Add returns the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// never is the instant of something that has not happened.
const never Instant = 0

// earliest returns the earlier of two instants of which either may be never.
func earliest(a, b Instant) Instant {
	if a == never || (b != never && b < a) {
		return b
	}
	return a
}
