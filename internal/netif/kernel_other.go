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
func (Kernel) AddHost(_ context.Context, addr netip.Addr, iface string) (bool, error) {
	return false, fmt.Errorf("add %s to %s: %w on %s; run fipctl on Linux", addr, iface, errors.ErrUnsupported, runtime.GOOS)
}

// RemoveHost returns an error wrapping [errors.ErrUnsupported].
func (Kernel) RemoveHost(_ context.Context, addr netip.Addr, iface string) error {
	return fmt.Errorf("remove %s from %s: %w on %s; run fipctl on Linux", addr, iface, errors.ErrUnsupported, runtime.GOOS)
}

// Placed returns an error wrapping [errors.ErrUnsupported].
func (Kernel) Placed(_ context.Context, addr netip.Addr) ([]string, error) {
	return nil, fmt.Errorf("look for %s: %w on %s; run fipctl on Linux", addr, errors.ErrUnsupported, runtime.GOOS)
}

// Announce returns an error wrapping [errors.ErrUnsupported].
func (Kernel) Announce(_ context.Context, addr netip.Addr, iface string, _ func() error) (int, error) {
	return 0, fmt.Errorf("announce %s on %s: %w on %s; run fipctl on Linux", addr, iface, errors.ErrUnsupported, runtime.GOOS)
}

// CanAnnounce returns an error wrapping [errors.ErrUnsupported].
func (Kernel) CanAnnounce(context.Context) error {
	return fmt.Errorf("announce addresses: %w on %s; run fipctl on Linux", errors.ErrUnsupported, runtime.GOOS)
}

// Watch returns an error wrapping [errors.ErrUnsupported].
func (Kernel) Watch(context.Context, func(Event)) error {
	return fmt.Errorf("watch interfaces: %w on %s; run fipctl on Linux", errors.ErrUnsupported, runtime.GOOS)
}
