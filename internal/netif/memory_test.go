// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
			tt.run(t, machineOf(m, func() Interfaces { return m }))
		})
	}
}

// machineOf makes a machine of one in memory and a way to it.
func machineOf(m *Memory, way func() Interfaces) machine {
	return machine{
		Interfaces: way(), restart: way, beside: func(f func()) { f() },
		takeOff: func(t *testing.T, addr, iface string) { m.TakeOff(netip.MustParseAddr(addr), iface) },
		setLink: func(_ *testing.T, iface string, up bool) { m.SetLink(iface, up) },
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
	var heard []Frame
	m.OnAnnounce(func(f Frame) error { heard = append(heard, f); return nil })
	add(t, m, float4, "eth0")
	announced(t, m, float4, "eth0")
	addr := netip.MustParseAddr(float4)
	want := []Frame{{Addr: addr, Iface: "eth0"}, {Addr: addr, Iface: "eth0", Reply: true}}
	if diff := cmp.Diff(want, heard, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	m.OnAnnounce(func(Frame) error { return errors.New("outside the drift range") })
	wantWithheld(t, m, t.Context(), float4, "eth0", permitted, 0, "announce 203.0.113.7 on eth0: outside the drift range")
	m.OnAnnounce(func(f Frame) error {
		if f.Reply {
			return errors.New("no buffer space available")
		}
		return nil
	})
	wantWithheld(t, m, t.Context(), float4, "eth0", permitted, 1, "announce 203.0.113.7 on eth0: 1 of 2 frames left: no buffer space available")
}

func TestMemoryCanBeDeniedToAnnounce(t *testing.T) {
	t.Parallel()
	m := NewMemory(Link{Name: "eth0", MAC: "02:00:5e:10:00:01"})
	add(t, m, float4, "eth0")
	m.DenyAnnounce(errors.New("no CAP_NET_RAW"))
	wantError(t, m.CanAnnounce(t.Context()), "no CAP_NET_RAW")
	wantWithheld(t, m, t.Context(), float4, "eth0", permitted, 0, "announce 203.0.113.7 on eth0: no CAP_NET_RAW")
}

func TestAHandTakesOffWhoeversAddress(t *testing.T) {
	t.Parallel()
	m := NewMemory(Link{Name: "eth0", Prefixes: prefixes(foreignWide4 + "/24")})
	add(t, m, float4, "eth0")
	for _, a := range []string{float4, foreignWide4} {
		if addr := netip.MustParseAddr(a); !m.TakeOff(addr, "eth0") || m.TakeOff(addr, "eth0") {
			t.Errorf("%s is not taken off, or twice", a)
		}
		wantHas(t, m, a, "eth0", false)
	}
	m.PutOn(netip.MustParsePrefix(foreignWide4+"/24"), "eth0")
	wantHas(t, m, foreignWide4, "eth0", true)
	wantPlaced(t, m, foreignWide4)
}

func TestAnInterfaceThatIsDownKeepsItsAddressesAndAnnouncesNothing(t *testing.T) {
	t.Parallel()
	m := NewMemory(Link{Name: "eth0", MAC: "02:00:5e:10:00:01"})
	add(t, m, float4, "eth0")
	m.SetLink("eth0", false)
	wantHas(t, m, float4, "eth0", true)
	wantWithheld(t, m, t.Context(), float4, "eth0", permitted, 0, "announce 203.0.113.7 on eth0: network is down")
	m.SetLink("eth0", true)
	announced(t, m, float4, "eth0")
}
