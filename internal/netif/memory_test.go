// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"net/netip"
	"testing"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	for _, tt := range contract {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := NewMemory(
				Link{Name: Loopback, Prefixes: prefixes("127.0.0.1/8", "::1/128")},
				Link{Name: "eth0", MAC: "02:00:5e:10:00:01", Prefixes: prefixes(
					foreignWide4+"/24", foreignHost4+"/32", foreignWide6+"/64")},
			)
			tt.run(t, machine{Interfaces: m, mac: "02:00:5E:10:00:01", restart: func() Interfaces { return m }})
		})
	}
}

func TestMemoryDoesNotShareTheCallersSlices(t *testing.T) {
	t.Parallel()
	has := prefixes("192.0.2.10/24")
	m := NewMemory(Link{Name: "eth0", Prefixes: has})
	has[0] = netip.MustParsePrefix("192.0.2.66/24")
	wantHas(t, m, "192.0.2.10", "eth0", true)
}

func prefixes(texts ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, s := range texts {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}
