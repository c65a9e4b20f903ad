// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"net/netip"
)

// Kernel is the [Interfaces] of this machine, in the network namespace of the
// process. It keeps nothing; every call asks the kernel.
type Kernel struct{}

var _ Interfaces = Kernel{}

// Local implements [Interfaces].
func (Kernel) Local(ctx context.Context) ([]netip.Addr, error) {
	links, err := readLinks(ctx)
	if err != nil {
		return nil, err
	}
	return local(links), nil
}

// InterfaceByAddress implements [Interfaces].
func (Kernel) InterfaceByAddress(ctx context.Context, addr netip.Addr) (string, error) {
	links, err := readLinks(ctx)
	if err != nil {
		return "", err
	}
	return byAddress(links, addr)
}
