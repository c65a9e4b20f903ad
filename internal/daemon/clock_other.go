// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build !linux

package daemon

import "time"

var processStart = time.Now()

// systemClocks looks at the clocks of this machine; for development only.
func systemClocks() clocks {
	return clocks{boot: boottime(), mono: boottime(), wall: time.Duration(time.Now().UnixNano())}
}

// boottime returns the time since the process started. Whether it runs on while
// the machine is suspended depends on the system; for development only.
func boottime() time.Duration { return time.Since(processStart) }
