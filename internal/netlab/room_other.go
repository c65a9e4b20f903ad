// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build !linux

package netlab

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// room would be a network namespace.
type room struct{ tap *os.File }

func openRoom(roomConfig) (*room, error) {
	return nil, fmt.Errorf("make a network namespace: %w on %s; it needs Linux", errors.ErrUnsupported, runtime.GOOS)
}

func (r *room) do(f func() error) error { return f() }

func (r *room) close() error { return nil }
