// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Invariant 13: only what matches in address, prefix and mark is ours to remove.
func TestRemovable(t *testing.T) {
	t.Parallel()
	entryOf := func(prefix string, marked bool) entry {
		return entry{prefix: netip.MustParsePrefix(prefix), marked: marked}
	}
	tests := []struct {
		name    string
		entries []entry
		want    bool
		err     string
	}{
		{"nothing there", nil, false, ""},
		{"other addresses only", []entry{entryOf("2001:db8::8/128", true)}, false, ""},
		{"ours", []entry{entryOf("2001:db8::7/128", true)}, true, ""},
		{"a full prefix without the mark", []entry{entryOf("2001:db8::7/128", false)}, false,
			"2001:db8::7/128 was not added by fipctl; remove it by hand"},
		{"the mark on a wider prefix", []entry{entryOf("2001:db8::7/64", true)}, false,
			"2001:db8::7/64 was not added by fipctl; remove it by hand"},
		{"ours beside somebody else's", []entry{entryOf("2001:db8::7/64", false), entryOf("2001:db8::7/128", true)}, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := removable(tt.entries, netip.MustParseAddr("2001:db8::7"))
			if got != tt.want {
				t.Errorf("removable = %v, want %v", got, tt.want)
			}
			wantError(t, err, tt.err)
		})
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr
	links := []link{
		{name: "lo", addrs: []netip.Addr{addr("127.0.0.1")}},
		{name: "eth0", addrs: []netip.Addr{addr("10.19.0.6"), addr("192.0.2.1")}},
		{name: "eth1", addrs: []netip.Addr{addr("192.0.2.1")}},
		{name: "vlan7"},
	}
	tests := []struct {
		name string
		call func() (string, error)
		want string
		err  string
	}{
		{"an address", func() (string, error) { return byAddress(links, addr("10.19.0.6")) }, "eth0", ""},
		{"an address in IPv6 form", func() (string, error) { return byAddress(links, addr("::ffff:10.19.0.6")) }, "eth0", ""},
		{"an unknown address", func() (string, error) { return byAddress(links, addr("10.19.0.60")) }, "",
			"find interface with address 10.19.0.60: none has it"},
		{"a shared address", func() (string, error) { return byAddress(links, addr("192.0.2.1")) }, "",
			"find interface with address 192.0.2.1: eth0, eth1 have it; name the one to use in the configuration"},
		{"no address", func() (string, error) { return byAddress(links, netip.Addr{}) }, "", "find interface: no address given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.call()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("interface (-want +got):\n%s", diff)
			}
			wantError(t, err, tt.err)
		})
	}
}
