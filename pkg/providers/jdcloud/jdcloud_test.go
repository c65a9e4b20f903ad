// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Endpoints: Endpoints{Single: "x"}})
	want := []string{"credentials: missing", "region: missing", `endpoint: "x" is not a URL such as http://openapi.internal.cn-north-1.jdcloud-api.com`}
	if err == nil {
		t.Fatal("no problem")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	c := driver(t, Config{})
	for _, kind := range Kinds() {
		p, ok := c.Kind(kind)
		if !ok || Refusal(kind) != "" {
			t.Errorf("%s: %v, refused with %q", kind, ok, Refusal(kind))
			continue
		}
		if diff := cmp.Diff(Capabilities(kind), p.Capabilities()); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
	for kind, want := range map[string]string{
		providers.KindHAVIP: "no public API for HAVIPs",
		"reserved-ip":       `kind "reserved-ip" is unknown; known are eip, private-ip, route`,
	} {
		if _, ok := c.Kind(kind); ok || !strings.Contains(Refusal(kind), want) || strings.HasSuffix(Refusal(kind), ".") {
			t.Errorf("%s: %v, refused with %q", kind, ok, Refusal(kind))
		}
		if Capabilities(kind) != (providers.Capabilities{}) {
			t.Errorf("%s has capabilities", kind)
		}
	}
}

// TestCapabilities says what is promised of each kind, and why.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	type promise struct {
		target             providers.TargetParts
		atomic, later      bool
		guest              providers.GuestStep
		one                bool
		six, withoutTheAPI bool
	}
	const instance, nic, ip = providers.PartInstance, providers.PartInterface, providers.PartPrivateIP
	for kind, want := range map[string]promise{
		providers.KindEIP:       {target: instance | nic | ip, later: true, one: true},
		providers.KindPrivateIP: {target: instance | nic, atomic: true, guest: providers.GuestAddress},
		providers.KindRoute:     {target: instance, atomic: true, guest: providers.GuestAddress},
	} {
		caps := Capabilities(kind)
		got := promise{caps.Target, caps.AtomicMove, caps.Asynchronous, caps.Guest4, caps.MaxPerTarget4 == 1, caps.IPv6, caps.MovesWithoutAPI}
		if got != want || !caps.IPv4 {
			t.Errorf("%s: got %+v, want %+v", kind, got, want)
		}
	}
}

// TestWhatIsNotAnAddressOfTheKindIsRefused: nothing is sent, and an id of another kind
// never gets into a path.
func TestWhatIsNotAnAddressOfTheKindIsRefused(t *testing.T) {
	t.Parallel()
	c, seen := start(t, nil)
	good := map[string]providers.Address{providers.KindEIP: webEIP, providers.KindPrivateIP: webPrivate, providers.KindRoute: webRoute}
	for _, tc := range []struct {
		kind   string
		change func(*providers.Address)
		want   string
	}{
		{"eip", func(a *providers.Address) { a.ID = "" }, "invalid: id: missing; give the id of the EIP, which begins with fip-"},
		{"eip", func(a *providers.Address) { a.ID = "subnet-web" }, `invalid: id: "subnet-web" is not the id of the EIP, which begins with fip-`},
		{"eip", func(a *providers.Address) { a.ID = "havip-1" }, `invalid: id: "havip-1" is not the id of the EIP, which begins with fip-`},
		{"eip", func(a *providers.Address) { a.ID = "fip-1/x" }, `invalid: id: "fip-1/x" is not the id of the EIP, which begins with fip-`},
		{"eip", func(a *providers.Address) { a.ID = "fip-" + strings.Repeat("a", 65) }, "is not the id of the EIP"},
		{"eip", func(a *providers.Address) { a.Kind = "private-ip" }, `unsupported: kind "private-ip"; this is the provider of eip`},
		{"eip", func(a *providers.Address) { a.IP = netip.Addr{} }, "is not an IPv4 address"},
		{"eip", func(a *providers.Address) { a.IP = netip.MustParseAddr("2001:db8::1") }, `invalid: "2001:db8::1" is not an IPv4 address; JD Cloud can move no other`},
		{"private-ip", func(a *providers.Address) { a.ID = "port-a" }, `invalid: subnet: "port-a" is not the id of the subnet that the address is in, which begins with subnet-`},
		{"private-ip", func(a *providers.Address) { a.ID = "" }, "invalid: subnet: missing; give the id of the subnet"},
		{"route", func(a *providers.Address) { a.ID = "rt-1" }, `invalid: tables: "rt-1" is not the id of a route table that has the route, which begins with rtb-`},
		{"route", func(a *providers.Address) { a.IP = netip.MustParseAddr("::ffff:172.16.0.9") }, "is not an IPv4 address"},
	} {
		a, p := good[tc.kind], c.provider(t, tc.kind)
		tc.change(&a)
		target := only(tc.kind, nodeA)
		_, owner := p.Owner(t.Context(), a)
		_, assign := p.Assign(t.Context(), a, target, providers.Assignment{Version: "rt-1"})
		errs := []error{owner, assign, p.(providers.Preflighter).Preflight(t.Context(), a, target)}
		if r, ok := p.(providers.Releaser); ok {
			_, err := r.Release(t.Context(), a, target)
			errs = append(errs, err)
		}
		if b, ok := p.(providers.BatchReader); ok {
			errs = append(errs, b.Owners(t.Context(), []providers.Address{a})[0].Err)
		}
		for _, err := range errs {
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		}
	}
	if lines := seen.seen(); len(lines) != 0 {
		t.Errorf("requests: %q", lines)
	}
}

func TestWhatIsNotATargetOfTheKindIsRefused(t *testing.T) {
	t.Parallel()
	c, seen := start(t, nil)
	six := nodeA
	six.PrivateIP = netip.MustParseAddr("2001:db8::1")
	for _, tc := range []struct {
		a      providers.Address
		target providers.Target
		want   string
	}{
		{webEIP, providers.Target{}, `target "" is not a machine with an instance id (i-...) and an interface id (port-...) and a private IPv4 address`},
		{webEIP, nodeA.Only(providers.PartInstance), `target "i-a" is not a machine`},
		{webEIP, six, "is not a machine"},
		{webEIP, providers.Target{Instance: "ins-a", Interface: "port-a", PrivateIP: nodeA.PrivateIP}, "is not a machine"},
		{webEIP, providers.Target{Instance: "i-a", Interface: "port-a:x", PrivateIP: nodeA.PrivateIP}, "is not a machine"},
		{webPrivate, nodeA, `target "i-a/port-a/10.0.4.20" is not a machine with an instance id (i-...) and an interface id (port-...)`},
		{webPrivate, providers.Target{Instance: "i-a", Interface: "eni-a"}, "is not a machine"},
		{webRoute, nodeA, `target "i-a/port-a/10.0.4.20" is not a machine with an instance id (i-...)`},
		{webRoute, providers.Target{Instance: "i-"}, "is not a machine"},
	} {
		p := c.provider(t, tc.a.Kind)
		_, assign := p.Assign(t.Context(), tc.a, tc.target, providers.Assignment{Version: "rt-1"})
		if kindWord(assign) != "invalid" || !strings.Contains(assign.Error(), tc.want) {
			t.Errorf("got %v, want %q", assign, tc.want)
		}
	}
	if lines := seen.seen(); len(lines) != 0 {
		t.Errorf("requests: %q", lines)
	}
}
