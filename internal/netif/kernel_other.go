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

// AddHost returns an error wrapping [errors.ErrUnsupported].
func (Kernel) AddHost(_ context.Context, addr netip.Addr, iface string) error {
	return fmt.Errorf("add %s to %s: %w on %s; run fipctl on Linux", addr, iface, errors.ErrUnsupported, runtime.GOOS)
}

// RemoveHost returns an error wrapping [errors.ErrUnsupported].
func (Kernel) RemoveHost(_ context.Context, addr netip.Addr, iface string) error {
	return fmt.Errorf("remove %s from %s: %w on %s; run fipctl on Linux", addr, iface, errors.ErrUnsupported, runtime.GOOS)
}
