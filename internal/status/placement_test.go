// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"net/netip"
	"strings"
	"testing"
)

func TestTextSaysWhoCanFailTogether(t *testing.T) {
	t.Parallel()
	s := Snapshot{Node: "lb-a", Placements: []Placement{
		{"tencent", "lb-b", "apart", "in zones ap-guangzhou-3 and ap-guangzhou-4"},
		{"tencent", "lb-c", "together", "both on host host-1"},
		{"tencent", "lb-d", "unknown", "the cloud does not tell"},
	}}
	want := "no groups\n\n" +
		"lb-a and lb-b fail apart: in zones ap-guangzhou-3 and ap-guangzhou-4\n" +
		"lb-a and lb-c can fail TOGETHER: both on host host-1\n" +
		"whether lb-a and lb-d can fail together is not known: the cloud does not tell\n"
	if got := Text(s, TextOptions{}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTextTellsAddressesOfOneIPApart(t *testing.T) {
	t.Parallel()
	ip, eip := netip.MustParseAddr("172.16.0.9"), netip.MustParseAddr("203.0.113.5")
	s := Snapshot{Node: "lb-a", Groups: []Group{{Name: "db", Addresses: []Address{
		{Provider: "tencent", Kind: "route", IP: ip, ID: "rtb-1", Owner: Owner{State: OwnerNone}},
		{Provider: "tencent", Kind: "havip", IP: ip, ID: "havip-1", Owner: Owner{State: OwnerNone}, Following: []netip.Addr{eip}},
	}}}}
	lines := strings.Split(Text(s, TextOptions{}), "\n")
	for i, want := range []string{
		"db  172.16.0.9 in rtb-1  owned by NOBODY (never verified)",
		"db  172.16.0.9  owned by NOBODY (never verified)",
		"  203.0.113.5 follows it by itself",
	} {
		if lines[i] != want {
			t.Errorf("line %d: got %q, want %q", i, lines[i], want)
		}
	}
}
