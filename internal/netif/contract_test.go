// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// machine is what the contract is tested on: an interface "lo" with its usual
// addresses, and an interface "eth0" with 192.0.2.10/24, 192.0.2.99/32 and
// 2001:db8:1::10/64, none of them added by fipctl.
type machine struct {
	Interfaces
	// restart returns the same machine as a new process sees it.
	restart func() Interfaces
	// beside runs what is run in a goroutine on this machine.
	beside  func(func())
	takeOff func(t *testing.T, addr, iface string) // by another hand than fipctl's
	setLink func(t *testing.T, iface string, up bool)
}

const (
	foreignWide4 = "192.0.2.10"
	foreignHost4 = "192.0.2.99"
	foreignWide6 = "2001:db8:1::10"
	float4       = "203.0.113.7"
	float6       = "2001:db8:f::7"
)

// contract is the specification of Interfaces, run on every implementation. Each
// case starts from a fresh machine, which start hands over for the time of use.
var contract = []struct {
	name string
	run  func(t *testing.T, m machine)
}{
	{"an added address is there, on that interface only, and goes again", func(t *testing.T, m machine) {
		for _, a := range []string{float4, float6} {
			wantHas(t, m, a, Loopback, false)
			add(t, m, a, Loopback)
			wantHas(t, m, a, Loopback, true)
			wantHas(t, m, a, "eth0", false)
			do(t, m.RemoveHost, a, Loopback)
			wantHas(t, m, a, Loopback, false)
		}
	}},
	{"an address is added where it is missing, and told so", func(t *testing.T, m machine) {
		for _, tt := range []struct {
			addr  string
			added bool
		}{{float4, true}, {float4, false}, {float6, true}, {float6, false}, {foreignWide4, false}, {foreignHost4, false}, {foreignWide6, false}} {
			if added, err := m.AddHost(t.Context(), netip.MustParseAddr(tt.addr), "eth0"); added != tt.added || err != nil {
				t.Errorf("AddHost(%s) = %v, %v, want %v", tt.addr, added, err, tt.added)
			}
		}
		m.takeOff(t, float4, "eth0")
		if added, err := m.AddHost(t.Context(), netip.MustParseAddr(float4), "eth0"); !added || err != nil {
			t.Errorf("after it was taken off: %v, %v", added, err)
		}
	}},
	{"who watches is told what is, what comes and what goes, by whomever", func(t *testing.T, m machine) {
		w := watch(t, m)
		w.want("anew")
		w.want("lo up", "eth0 up 192.0.2.10")
		add(t, m, float4, "eth0")
		w.want("eth0 added 203.0.113.7")
		m.takeOff(t, float4, "eth0")
		w.want("eth0 removed 203.0.113.7")
		add(t, m, float6, Loopback)
		w.want("lo added 2001:db8:f::7")
		do(t, m.RemoveHost, float6, Loopback)
		w.want("lo removed 2001:db8:f::7")
		m.setLink(t, "eth0", false)
		w.want("eth0 down set down 192.0.2.10")
		m.setLink(t, "eth0", true)
		w.until("eth0 up 192.0.2.10") // a wire carries a moment later
		if err := w.end(); err != nil {
			t.Errorf("it ends with %v", err)
		}
	}},
	{"adding and removing twice is the same as once", func(t *testing.T, m machine) {
		for _, a := range []string{float4, float6} {
			do(t, m.RemoveHost, a, Loopback)
			add(t, m, a, Loopback)
			add(t, m, a, Loopback)
			do(t, m.RemoveHost, a, Loopback)
			wantHas(t, m, a, Loopback, false)
			do(t, m.RemoveHost, a, Loopback)
		}
	}},
	{"an address in IPv6 form is the IPv4 address", func(t *testing.T, m machine) {
		add(t, m, "::ffff:"+float4, Loopback)
		wantHas(t, m, float4, Loopback, true)
		do(t, m.RemoveHost, "::ffff:"+float4, Loopback)
		wantHas(t, m, float4, Loopback, false)
	}},
	{"an address added by an earlier process is removed", func(t *testing.T, m machine) {
		for _, a := range []string{float4, float6} {
			add(t, m, a, "eth0")
			later := m.restart()
			do(t, later.RemoveHost, a, "eth0")
			wantHas(t, later, a, "eth0", false)
		}
	}},
	{"what somebody else added is neither changed nor removed", func(t *testing.T, m machine) {
		for _, a := range []string{foreignWide4, foreignHost4, foreignWide6} {
			add(t, m, a, "eth0")
			err := m.RemoveHost(t.Context(), netip.MustParseAddr(a), "eth0")
			if !errors.Is(err, ErrForeign) {
				t.Errorf("remove %s: %v, want ErrForeign", a, err)
			}
			wantHas(t, m, a, "eth0", true)
		}
	}},
	{"the same address on another interface stays", func(t *testing.T, m machine) {
		for _, a := range []string{float4, float6, foreignHost4} {
			add(t, m, a, Loopback)
			add(t, m, a, "eth0")
			do(t, m.RemoveHost, a, Loopback)
			wantHas(t, m, a, Loopback, false)
			wantHas(t, m, a, "eth0", true)
		}
	}},
	{"the neighbours of an address stay", func(t *testing.T, m machine) {
		add(t, m, "192.0.2.11", "eth0")
		add(t, m, "192.0.2.12", "eth0")
		do(t, m.RemoveHost, "192.0.2.11", "eth0")
		wantHas(t, m, "192.0.2.11", "eth0", false)
		wantHas(t, m, "192.0.2.12", "eth0", true)
		wantHas(t, m, foreignWide4, "eth0", true)
	}},
	{"local lists everything, sorted and once", func(t *testing.T, m machine) {
		add(t, m, float6, Loopback)
		add(t, m, float6, "eth0")
		got, err := m.Local(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var want []netip.Addr
		for _, a := range []string{"127.0.0.1", foreignWide4, foreignHost4, "::1", foreignWide6, float6} {
			want = append(want, netip.MustParseAddr(a))
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("local addresses (-want +got):\n%s", diff)
		}
	}},
	{"an interface is found by its address", func(t *testing.T, m machine) {
		if got, err := m.InterfaceByAddress(t.Context(), netip.MustParseAddr(foreignWide4)); got != "eth0" || err != nil {
			t.Errorf("InterfaceByAddress = %q, %v, want eth0", got, err)
		}
	}},
	{"a missing interface has nothing to remove and is an error otherwise", func(t *testing.T, m machine) {
		addr := netip.MustParseAddr(float6)
		do(t, m.RemoveHost, float6, "gone0")
		wantError(t, addErr(t.Context(), m, addr, "gone0"), "add 2001:db8:f::7 to gone0: no such interface")
	}},
	{"where AddHost put an address is found again, by a later process too", func(t *testing.T, m machine) {
		add(t, m, float4, "eth0")
		add(t, m, float4, Loopback)
		add(t, m, float6, "eth0")
		later := m.restart()
		wantPlaced(t, later, float4, "eth0", Loopback)
		wantPlaced(t, later, float6, "eth0")
		wantPlaced(t, later, "::ffff:"+float4, "eth0", Loopback)
		do(t, later.RemoveHost, float4, "eth0")
		wantPlaced(t, later, float4, Loopback)
	}},
	{"what somebody else added was not placed by us", func(t *testing.T, m machine) {
		add(t, m, foreignHost4, "eth0")
		wantPlaced(t, m, foreignHost4)
		wantPlaced(t, m, foreignWide4)
		wantPlaced(t, m, float4)
	}},
	{"an address is announced on the interface that has it", func(t *testing.T, m machine) {
		if err := m.CanAnnounce(t.Context()); err != nil {
			t.Fatal(err)
		}
		add(t, m, float4, "eth0")
		announced(t, m, float4, "eth0")
		announced(t, m, "::ffff:"+float4, "eth0")
		announced(t, m, foreignWide4, "eth0") // by whomever it was put there
		wantHas(t, m, float4, "eth0", true)
	}},
	{"what is not there, or cannot be announced, is not announced", func(t *testing.T, m machine) {
		add(t, m, float4, Loopback)
		add(t, m, float6, "eth0")
		for _, tt := range []struct{ addr, iface, want string }{
			{float4, "eth0", "announce 203.0.113.7 on eth0: the address is not on the interface"},
			{float4, Loopback, "announce 203.0.113.7 on lo: the interface has no hardware address to announce it with"},
			{float6, "eth0", "announce 2001:db8:f::7 on eth0: only IPv4 addresses are announced"},
			{float4, "gone0", "announce 203.0.113.7 on gone0: no such interface"},
			{"224.0.0.18", Loopback, "announce 224.0.0.18 on lo: address 224.0.0.18 cannot be a floating IP"},
		} {
			wantWithheld(t, m, t.Context(), tt.addr, tt.iface, func() error { t.Error("permit asked"); return nil }, 0, tt.want)
		}
	}},
	{"an announcement that is not permitted any more ends between its frames", func(t *testing.T, m machine) {
		add(t, m, float4, "eth0")
		for frames, want := range []string{
			"announce 203.0.113.7 on eth0: the role is lost",
			"announce 203.0.113.7 on eth0: 1 of 2 frames left: the role is lost",
		} {
			asked := 0
			permit := func() error {
				if asked++; asked > frames {
					return errors.New("the role is lost")
				}
				return nil
			}
			wantWithheld(t, m, t.Context(), float4, "eth0", permit, frames, want)
			if asked != frames+1 {
				t.Errorf("the permit was asked for %d times for %d frames", asked, frames)
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		wantWithheld(t, m, ctx, float4, "eth0", func() error { cancel(errors.New("over")); return nil }, 0, "announce 203.0.113.7 on eth0: over")
	}},
	{"what cannot be a floating IP is refused", func(t *testing.T, m machine) {
		wantError(t, addErr(t.Context(), m, netip.Addr{}, Loopback), "add invalid IP to lo: no address given")
		for a, want := range map[string]string{
			"fe80::1%lo": "address fe80::1%lo has a zone; give the interface instead",
			"0.0.0.0":    "address 0.0.0.0 cannot be a floating IP",
			"ff02::1":    "address ff02::1 cannot be a floating IP",
			"fe80::1":    "address fe80::1 cannot be a floating IP",
		} {
			addr := netip.MustParseAddr(a)
			wantError(t, addErr(t.Context(), m, addr, Loopback), "add "+a+" to lo: "+want)
			wantError(t, m.RemoveHost(t.Context(), addr, Loopback), "remove "+a+" from lo: "+want)
		}
		const long = "an-interface-name-that-is-too-long"
		wantError(t, addErr(t.Context(), m, netip.MustParseAddr(float4), long),
			`add 203.0.113.7 to `+long+`: interface "`+long+`": a name has 1 to 15 bytes`)
	}},
	{"a loopback address is one like any other", func(t *testing.T, m machine) {
		add(t, m, "127.9.9.9", Loopback)
		wantHas(t, m, "127.9.9.9", Loopback, true)
		do(t, m.RemoveHost, "127.9.9.9", Loopback)
		wantHas(t, m, "127.9.9.9", Loopback, false)
		wantError(t, m.RemoveHost(t.Context(), netip.MustParseAddr("127.0.0.1"), Loopback),
			"remove 127.0.0.1 from lo: 127.0.0.1/8 was not added by fipctl; remove it by hand")
	}},
	{"nothing is done once the context has ended", func(t *testing.T, m machine) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("over"))
		addr := netip.MustParseAddr(float4)
		wantError(t, addErr(ctx, m, addr, Loopback), "add 203.0.113.7 to lo: over")
		wantHas(t, m, float4, Loopback, false)
		_, err := m.Local(ctx)
		wantError(t, err, "over")
		_, err = m.InterfaceByAddress(ctx, addr)
		wantError(t, err, "over")
		_, err = m.Placed(ctx, addr)
		wantError(t, err, "over")
		wantError(t, m.CanAnnounce(ctx), "over")
		wantWithheld(t, m, ctx, float4, "eth0", permitted, 0, "announce 203.0.113.7 on eth0: over")
	}},
}

func do(t *testing.T, f func(context.Context, netip.Addr, string) error, addr, iface string) {
	t.Helper()
	if err := f(t.Context(), netip.MustParseAddr(addr), iface); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, m Interfaces, addr, iface string) {
	t.Helper()
	if _, err := m.AddHost(t.Context(), netip.MustParseAddr(addr), iface); err != nil {
		t.Fatal(err)
	}
}

// addErr returns why an address is not added.
func addErr(ctx context.Context, m Interfaces, addr netip.Addr, iface string) error {
	added, err := m.AddHost(ctx, addr, iface)
	if err == nil || added {
		return fmt.Errorf("added %v: %w", added, err)
	}
	return err
}

// permitted lets an announcement leave.
func permitted() error { return nil }

func announced(t *testing.T, m Interfaces, addr, iface string) {
	t.Helper()
	wantWithheld(t, m, t.Context(), addr, iface, permitted, announcementFrames, "")
}

// wantWithheld announces and compares how many frames left, and why no more did.
func wantWithheld(t *testing.T, m Interfaces, ctx context.Context, addr, iface string, permit func() error, frames int, why string) {
	t.Helper()
	left, err := m.Announce(ctx, netip.MustParseAddr(addr), iface, permit)
	wantError(t, err, why)
	if left != frames {
		t.Errorf("announce %s on %s: %d frames left, want %d", addr, iface, left, frames)
	}
}

// linksOf returns what a machine has, by whomever.
func linksOf(t *testing.T, m Interfaces) (links []link) {
	t.Helper()
	var err error
	switch m := m.(type) {
	case machine:
		return linksOf(t, m.Interfaces)
	case *Memory:
		return m.lookups()
	case *Remote:
		links, err = m.lookups(t.Context())
	default:
		links, err = readLinks(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return links
}

func wantHas(t *testing.T, m Interfaces, addr, iface string, want bool) {
	t.Helper()
	got := slices.ContainsFunc(linksOf(t, m), func(l link) bool {
		return l.name == iface && slices.Contains(l.addrs, netip.MustParseAddr(addr))
	})
	if got != want {
		t.Errorf("that %s has %s is %v, want %v", iface, addr, got, want)
	}
}

func wantPlaced(t *testing.T, m Interfaces, addr string, want ...string) {
	t.Helper()
	got, err := m.Placed(t.Context(), netip.MustParseAddr(addr))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Placed(%s) (-want +got):\n%s", addr, diff)
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}
