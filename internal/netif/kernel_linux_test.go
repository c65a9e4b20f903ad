// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// namespace moves the test's goroutine into a network namespace of its own and
// sets up the machine that the contract expects. The thread is not unlocked, so
// that it ends with the goroutine and takes the namespace with it.
func namespace(t *testing.T) machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make a network namespace")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("this machine does not let the test make a network namespace: %v", err)
	}
	const mac = "02:00:5e:10:00:01"
	hw, err := net.ParseMAC(mac)
	must(t, err)
	eth0 := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "eth0", HardwareAddr: hw}}
	if err := netlink.LinkAdd(eth0); err != nil {
		// A kernel without the dummy driver can have a pair of virtual ones.
		veth := &netlink.Veth{LinkAttrs: eth0.LinkAttrs, PeerName: "peer0"}
		if err := netlink.LinkAdd(veth); err != nil {
			t.Skipf("this kernel has neither dummy nor veth interfaces: %v", err)
		}
		peer, err := netlink.LinkByName(veth.PeerName)
		must(t, err)
		must(t, os.WriteFile("/proc/sys/net/ipv6/conf/peer0/addr_gen_mode", []byte("1"), 0)) // as below
		must(t, netlink.LinkSetUp(peer))
	}
	// Without the link-local address, which would come and go by itself.
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/eth0/addr_gen_mode", []byte("1"), 0))
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	must(t, netlink.LinkSetUp(eth0))
	for _, s := range []string{foreignWide4 + "/24", foreignHost4 + "/32", foreignWide6 + "/64"} {
		addr, err := netlink.ParseAddr(s)
		must(t, err)
		if addr.IP.To4() == nil {
			addr.Flags = unix.IFA_F_NODAD
		}
		link, err := netlink.LinkByName("eth0")
		must(t, err)
		must(t, netlink.AddrAdd(link, addr))
	}
	return machine{
		Interfaces: Kernel{}, restart: func() Interfaces { return Kernel{} },
		beside: besideNamespace(t), takeOff: takeOff, setLink: setLink,
	}
}

// besideNamespace returns how to run something in the namespace of the test's thread, on
// another one.
func besideNamespace(t *testing.T) func(func()) {
	t.Helper()
	ns, err := os.Open("/proc/thread-self/ns/net")
	must(t, err)
	t.Cleanup(func() { ns.Close() })
	return func(f func()) {
		runtime.LockOSThread() // and ends with its goroutine
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(err)
		}
		f()
	}
}

// takeOff does what `ip addr del` does.
func takeOff(t *testing.T, addr, iface string) {
	t.Helper()
	link, err := netlink.LinkByName(iface)
	must(t, err)
	ip := netip.MustParseAddr(addr)
	must(t, netlink.AddrDel(link, &netlink.Addr{IPNet: &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(ip.BitLen(), ip.BitLen())}}))
}

// setLink does what `ip link set` does.
func setLink(t *testing.T, iface string, up bool) {
	t.Helper()
	link, err := netlink.LinkByName(iface)
	must(t, err)
	if up {
		must(t, netlink.LinkSetUp(link))
	} else {
		must(t, netlink.LinkSetDown(link))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestKernel(t *testing.T) {
	t.Parallel()
	for _, tt := range contract {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, namespace(t))
		})
	}
}

func TestKernelAddsFullPrefixesThatAnswerAtOnce(t *testing.T) {
	t.Parallel()
	m := namespace(t)
	add(t, m, float4, "eth0")
	add(t, m, float6, "eth0")
	link, err := netlink.LinkByName("eth0")
	must(t, err)
	addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	must(t, err)
	got := map[string]int{}
	for _, a := range addrs {
		got[a.IPNet.String()] = a.Flags &^ unix.IFA_F_PERMANENT
	}
	want := map[string]int{
		foreignWide4 + "/24": 0,
		foreignHost4 + "/32": 0,
		foreignWide6 + "/64": unix.IFA_F_NODAD,
		float4 + "/32":       unix.IFA_F_NOPREFIXROUTE,
		float6 + "/128":      unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_NODAD, // and not tentative
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses and flags (-want +got):\n%s", diff)
	}
	routes, err := netlink.RouteList(link, netlink.FAMILY_ALL)
	must(t, err)
	for _, r := range routes {
		if r.Priority == Mark {
			t.Errorf("the mark made a route: %v", r)
		}
	}
}

func TestKernelSaysWhyIPv6IsRefused(t *testing.T) {
	t.Parallel()
	m := namespace(t)
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", []byte("1"), 0))
	err := addErr(t.Context(), m, netip.MustParseAddr(float6), "eth0")
	wantError(t, err, "add 2001:db8:f::7 to eth0: permission denied; IPv6 is off there: set net.ipv6.conf.eth0.disable_ipv6=0")
}

func TestKernelNeedsTheRightToChangeInterfaces(t *testing.T) {
	t.Parallel()
	wantError(t, explain(unix.EPERM, "lo"), "operation not permitted; run as root or with CAP_NET_ADMIN")
}

func TestParseEntry(t *testing.T) {
	t.Parallel()
	attr := func(kind uint16, value ...byte) []byte {
		b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
		return append(binary.NativeEndian.AppendUint16(b, kind), value...)
	}
	mark := binary.NativeEndian.AppendUint32(nil, Mark)
	join := func(attrs ...[]byte) (b []byte) {
		for _, a := range attrs {
			b = append(b, a...)
		}
		return b
	}
	tests := []struct {
		name string
		bits int
		in   []byte
		want entry
		err  string
	}{
		{"an IPv4 address", 24, join(attr(unix.IFA_ADDRESS, 192, 0, 2, 1), attr(unix.IFA_LOCAL, 192, 0, 2, 1)),
			entry{prefix: netip.MustParsePrefix("192.0.2.1/24")}, ""},
		{"an address without a local part", 32, attr(unix.IFA_ADDRESS, 192, 0, 2, 1),
			entry{prefix: netip.MustParsePrefix("192.0.2.1/32")}, ""},
		{"a marked address", 32, join(attr(unix.IFA_LOCAL, 192, 0, 2, 1), attr(unix.IFA_RT_PRIORITY, mark...)),
			entry{prefix: netip.MustParsePrefix("192.0.2.1/32"), marked: true}, ""},
		{"another metric", 32, join(attr(unix.IFA_LOCAL, 192, 0, 2, 1), attr(unix.IFA_RT_PRIORITY, 1, 2, 3, 4)),
			entry{prefix: netip.MustParsePrefix("192.0.2.1/32")}, ""},
		{"a marked address with a peer is not ours", 32, join(attr(unix.IFA_ADDRESS, 192, 0, 2, 2), attr(unix.IFA_LOCAL, 192, 0, 2, 1), attr(unix.IFA_RT_PRIORITY, mark...)),
			entry{prefix: netip.MustParsePrefix("192.0.2.1/32")}, ""},
		{"no address", 32, attr(unix.IFA_RT_PRIORITY, mark...), entry{}, "parse address: invalid IP/32"},
		{"a prefix longer than the address", 64, attr(unix.IFA_LOCAL, 192, 0, 2, 1), entry{}, "parse address: 192.0.2.1/64"},
		{"an attribute that is cut off", 32, attr(unix.IFA_LOCAL, 192, 0, 2, 1)[:7], entry{}, "parse address: invalid argument"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseEntry(tt.bits, tt.in)
			wantError(t, err, tt.err)
			if got != tt.want {
				t.Errorf("parseEntry = %v, want %v", got, tt.want)
			}
		})
	}
}
