// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// keepPrivate makes this process one that others of its user may not look into: its
// environment and its memory, where the credentials are, are root's alone from then on,
// and no core of it is written. A process may still read what /proc has of itself, but for
// its own environment, memory map and the like.
func keepPrivate() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide this process's environment and memory from others: %w", err)
	}
	return nil
}
