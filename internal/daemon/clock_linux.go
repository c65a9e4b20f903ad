// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"time"

	"golang.org/x/sys/unix"
)

// systemClocks looks at the clocks of this machine, the wall clock included.
func systemClocks() clocks {
	var mono, wall unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) // always there on Linux, as is the next
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall)
	return clocks{boot: boottime(), mono: time.Duration(mono.Nano()), wall: time.Duration(wall.Nano())}
}

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
