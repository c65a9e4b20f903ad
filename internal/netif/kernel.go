// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// Kernel is the [Interfaces] of this machine, in the network namespace of the
// process. It keeps nothing; every call asks the kernel.
type Kernel struct{}

var _ Interfaces = Kernel{}

// Has implements [Interfaces].
func (Kernel) Has(ctx context.Context, addr netip.Addr, iface string) (bool, error) {
	addr, err := request(ctx, addr, iface)
	if err != nil {
		return false, fmt.Errorf("look for %s on %s: %w", addr, iface, err)
	}
	links, err := readLinks(ctx)
	if err != nil {
		return false, err
	}
	for _, l := range links {
		if l.name == iface {
			return slices.Contains(l.addrs, addr), nil
		}
	}
	return false, fmt.Errorf("look for %s on %s: no such interface", addr, iface)
}

// Local implements [Interfaces].
func (Kernel) Local(ctx context.Context) ([]netip.Addr, error) {
	links, err := readLinks(ctx)
	if err != nil {
		return nil, err
	}
	return local(links), nil
}

// InterfaceByMAC implements [Interfaces].
func (Kernel) InterfaceByMAC(ctx context.Context, mac string) (string, error) {
	links, err := readLinks(ctx)
	if err != nil {
		return "", err
	}
	return byMAC(links, mac)
}

// InterfaceByAddress implements [Interfaces].
func (Kernel) InterfaceByAddress(ctx context.Context, addr netip.Addr) (string, error) {
	links, err := readLinks(ctx)
	if err != nil {
		return "", err
	}
	return byAddress(links, addr)
}
