// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// wantLocal asks about addresses, each with the answer.
func wantLocal(t *testing.T, when string, want bool, addrs ...string) {
	t.Helper()
	for _, text := range addrs {
		if local, err := IsLocal(t.Context(), netip.MustParseAddr(text)); err != nil || local != want {
			t.Errorf("%s: %s is local: %v (%v)", when, text, local, err)
		}
	}
}

// put does what `ip addr add` does.
func put(t *testing.T, iface, prefix string) {
	t.Helper()
	link, err := netlink.LinkByName(iface)
	must(t, err)
	addr, err := netlink.ParseAddr(prefix)
	must(t, err)
	must(t, netlink.AddrAdd(link, addr))
}

// TestEveryAddressOfAnInterfaceIsLocal: the second of its network, from which the kernel
// chooses no source, and one that comes late, as by DHCP, the interface down or up (as the
// kernel answers at it by another). One that is gone is not, nor, where sockets may be bound to
// any, another.
func TestEveryAddressOfAnInterfaceIsLocal(t *testing.T) {
	t.Parallel()
	namespace(t)
	for _, may := range []string{"ipv4/ip_nonlocal_bind", "ipv6/ip_nonlocal_bind"} {
		must(t, os.WriteFile("/proc/sys/net/"+may, []byte("1"), 0))
	}
	const second, late = "10.0.4.77", "10.0.4.78"
	put(t, "eth0", "10.0.4.76/24")
	put(t, "eth0", second+"/24")
	wantLocal(t, "on the interface", true, "10.0.4.76", second, foreignWide4, foreignHost4, "127.7.7.7")
	wantLocal(t, "nobody's", false, late, "10.0.5.1", "2001:db8:9::1")
	put(t, "eth0", late+"/24")
	wantLocal(t, "when it has come", true, late)
	takeAway(t, "eth0", second+"/24")
	wantLocal(t, "taken off", false, second)
	setLink(t, "eth0", false)
	wantLocal(t, "while it is down", true, "10.0.4.76", late)
}

// takeAway takes off an address with the prefix that it was put on with.
func takeAway(t *testing.T, iface, prefix string) {
	t.Helper()
	link, err := netlink.LinkByName(iface)
	must(t, err)
	addr, err := netlink.ParseAddr(prefix)
	must(t, err)
	must(t, netlink.AddrDel(link, addr))
}

// TestAnAddressInAnotherRouteTableIsLocal: a VRF keeps the local routes of its interfaces in
// a table of its own, which a look-up without the VRF does not see.
func TestAnAddressInAnotherRouteTableIsLocal(t *testing.T) {
	t.Parallel()
	namespace(t)
	const own4, second4 = "10.0.9.1", "10.0.9.2"
	eth0, err := netlink.LinkByName("eth0")
	must(t, err)
	for _, a := range []string{own4 + "/24", second4 + "/24"} {
		put(t, "eth0", a)
	}
	vrf := &netlink.Vrf{LinkAttrs: netlink.LinkAttrs{Name: "blue"}, Table: 10}
	switch err := netlink.LinkAdd(vrf); {
	case err == nil:
		must(t, netlink.LinkSetUp(vrf))
		must(t, netlink.LinkSetMasterByIndex(eth0, vrf.Index))
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENODEV):
		t.Logf("this kernel has no VRF (%v): its routes are moved by hand", err)
		moveLocal(t, eth0, 10, own4, second4)
	default:
		t.Fatal(err)
	}
	wantLocal(t, "in the other table", true, own4, second4)
	wantLocal(t, "nobody's", false, "10.0.9.3")
}

// moveLocal moves the local routes of addresses to another table, as a VRF does.
func moveLocal(t *testing.T, link netlink.Link, table int, addrs ...string) {
	t.Helper()
	for _, text := range addrs {
		ip := netip.MustParseAddr(text)
		r := netlink.Route{
			LinkIndex: link.Attrs().Index, Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST,
			Dst: &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(ip.BitLen(), ip.BitLen())},
		}
		must(t, netlink.RouteDel(&r))
		r.Table = table
		must(t, netlink.RouteAdd(&r))
	}
}

// TestAnAddressThatAnotherMachineMayHaveIsNotLocal: an IPv6 address whose duplicate address
// detection is not over, or has found another machine, is none that the kernel answers at.
func TestAnAddressThatAnotherMachineMayHaveIsNotLocal(t *testing.T) {
	t.Parallel()
	for flags, want := range map[uint32]bool{
		0: false, unix.IFA_F_TENTATIVE: true, unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED: true,
		unix.IFA_F_TENTATIVE | unix.IFA_F_OPTIMISTIC: false, unix.IFA_F_PERMANENT: false,
	} {
		attrs := nl.NewRtAttr(unix.IFA_ADDRESS, netip.MustParseAddr(float6).AsSlice()).Serialize()
		attrs = append(attrs, nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(flags)).Serialize()...)
		e, err := parseEntry(128, attrs)
		if err != nil || e.tentative != want {
			t.Errorf("flags %#x: tentative %v (%v)", flags, e.tentative, err)
		}
	}
}
