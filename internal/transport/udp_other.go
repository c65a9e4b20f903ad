// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

//go:build !linux

package transport

import (
	"errors"
	"net/netip"
)

// UDP exists on Linux only, where the daemon runs; elsewhere only the in-memory
// network does.
type UDP struct{ Transport }

// ListenUDP always fails.
func ListenUDP(netip.AddrPort) (*UDP, error) {
	return nil, errors.New("listen: UDP is supported on Linux only")
}
