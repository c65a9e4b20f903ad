// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build !linux

package netif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
)

// IsLocal returns an error wrapping [errors.ErrUnsupported].
func IsLocal(_ context.Context, addr netip.Addr) (bool, error) {
	return false, fmt.Errorf("look for %s among this machine's addresses: %w on %s; run fipctl on Linux", addr, errors.ErrUnsupported, runtime.GOOS)
}
