// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestMemoryTellsWhoeverListensOfAnAnnouncement(t *testing.T) {
	t.Parallel()
	m := NewMemory(Link{Name: "eth0", MAC: "02:00:5e:10:00:01"})
	var heard []string
	m.OnAnnounce(func(addr netip.Addr, iface string) error {
		heard = append(heard, addr.String()+" on "+iface)
		return nil
	})
	do(t, m.AddHost, float4, "eth0")
	do(t, m.Announce, float4, "eth0")
	if diff := cmp.Diff([]string{"203.0.113.7 on eth0"}, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	m.OnAnnounce(func(netip.Addr, string) error { return errors.New("outside the drift range") })
	wantError(t, m.Announce(t.Context(), netip.MustParseAddr(float4), "eth0"), "announce 203.0.113.7 on eth0: outside the drift range")
}

func TestMemoryCanBeDeniedToAnnounce(t *testing.T) {
	t.Parallel()
	m := NewMemory(Link{Name: "eth0", MAC: "02:00:5e:10:00:01"})
	do(t, m.AddHost, float4, "eth0")
	m.DenyAnnounce(errors.New("no CAP_NET_RAW"))
	wantError(t, m.CanAnnounce(t.Context()), "no CAP_NET_RAW")
	wantError(t, m.Announce(t.Context(), netip.MustParseAddr(float4), "eth0"), "announce 203.0.113.7 on eth0: no CAP_NET_RAW")
}
