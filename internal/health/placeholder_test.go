// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	v4 := Values{
		Node:    "lb-a",
		Address: netip.MustParseAddr("203.0.113.10"),
		Anchor:  netip.MustParseAddr("10.19.0.6"),
	}
	v6 := Values{
		Address: netip.MustParseAddr("2001:db8::10"),
		Anchor:  netip.MustParseAddr("2001:db8::6%eth0"),
	}
	tests := []struct {
		name string
		in   string
		v    Values
		want string
	}{
		{"text without placeholders stays", "http://127.0.0.1/", Values{}, "http://127.0.0.1/"},
		{"every placeholder is replaced, again and again", "{node} {address} {anchor} {node}", v4,
			"lb-a 203.0.113.10 10.19.0.6 lb-a"},
		{"an IPv4 host has no brackets", "http://{anchor}:8080/healthz", v4, "http://10.19.0.6:8080/healthz"},
		{"an IPv6 host of a URL has brackets and no zone", "http://{anchor}/healthz", v6, "http://[2001:db8::6]/healthz"},
		{"an IPv6 host after credentials has brackets", "http://me:pw@{address}/", v6, "http://me:pw@[2001:db8::10]/"},
		{"an IPv6 address before a port has brackets", "{address}:443", v6, "[2001:db8::10]:443"},
		{"brackets are not doubled", "http://[{address}]:80/", v6, "http://[2001:db8::10]:80/"},
		{"an IPv6 address in a query is bare", "http://h/?ip={address}&x=1", v6, "http://h/?ip=2001:db8::10&x=1"},
		{"an IPv6 argument is bare", "{address}", v6, "2001:db8::10"},
		{"an IPv4 address in IPv6 form is IPv4", "http://{address}/",
			Values{Address: netip.MustParseAddr("::ffff:192.0.2.7")}, "http://192.0.2.7/"},
		{"other braces are literal", `{"a": 1} { print $1 } {{.State}} {{node}} ${node} {1} {}`, Values{},
			`{"a": 1} { print $1 } {{.State}} {{node}} ${node} {1} {}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Expand(tt.in, tt.v)
			if err != nil {
				t.Fatalf("Expand(%q): %v", tt.in, err)
			}
			if got != tt.want {
				t.Errorf("Expand(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestExpandRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		in      string
		want    string
		noValue bool
	}{
		{"an unknown placeholder", "http://{vip}/",
			`"{vip}" is no placeholder; use {node}, {address} or {anchor}, or put a space inside the braces to mean them literally`, false},
		{"a placeholder in the wrong case", "{Anchor}",
			`"{Anchor}" is no placeholder; use {node}, {address} or {anchor}, or put a space inside the braces to mean them literally`, false},
		{"an anchor that is not known yet", "http://u:secret@{anchor}/",
			"{anchor} has no value: the metadata service has not told it yet; check that it answers and that this machine has an anchor IP, or write the address out", true},
		{"an address that a group of several has not", "{address}",
			"{address} has no value: the group has not exactly one address; write the address out", true},
		{"a node without a name", "{node}",
			"{node} has no value: the name of this node is not known; set it in the configuration", true},
		{"the unknown before the valueless", "{anchor} {bad}",
			`"{bad}" is no placeholder; use {node}, {address} or {anchor}, or put a space inside the braces to mean them literally`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Expand(tt.in, Values{})
			if err == nil {
				t.Fatalf("Expand(%q) = %q, want an error", tt.in, got)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if errors.Is(err, ErrNoValue) != tt.noValue {
				t.Errorf("errors.Is(%v, ErrNoValue) = %v, want %v", err, !tt.noValue, tt.noValue)
			}
		})
	}
}

func TestPlaceholdersAreListedInTheirOrder(t *testing.T) {
	t.Parallel()
	got, err := Placeholders("http://{anchor}/{node}?{{address}}&{address}")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"anchor", "node", "address"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
