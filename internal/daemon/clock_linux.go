// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"time"

	"golang.org/x/sys/unix"
)

// boottime returns the time since boot, suspended time included (CLOCK_BOOTTIME):
// a node that slept must know that it did (invariant 7). The call cannot fail on
// Linux with this clock; were it to, the monotonic clock is the next best.
func boottime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // always there on Linux
	}
	return time.Duration(ts.Nano())
}
