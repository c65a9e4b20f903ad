// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package trust

import (
	"errors"
	"slices"
	"syscall"
)

// AtLimit are the errors of the system by which this machine, or the unit of the process,
// is at a limit. They say nothing about what was to be opened or asked.
func AtLimit() []error {
	return []error{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM, syscall.ENOBUFS}
}

// Passing reports whether what kept a file from being read may be over at the next attempt,
// with the file as it is: a limit, or a disk that did not answer.
func Passing(err error) bool {
	return slices.ContainsFunc(append(AtLimit(), syscall.EIO), func(e error) bool { return errors.Is(err, e) })
}
