// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/transport"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestAdvertsLeaveFromTheSecondAddressOfAnInterface, in a namespace of its own with the real
// kernel, where sockets may be bound to any address: once the node's address is there, which
// comes late, and from what the kernel chooses until then.
func TestAdvertsLeaveFromTheSecondAddressOfAnInterface(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to make a network namespace")
	}
	inWorld(t, target(nodeA), func(w *world) {
		runtime.LockOSThread() // not unlocked: the thread ends with the goroutine, and the namespace with it
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Skipf("this machine does not let the test make a network namespace: %v", err)
		}
		w.must(os.WriteFile("/proc/sys/net/ipv4/ip_nonlocal_bind", []byte("1"), 0))
		lo, err := netlink.LinkByName("lo")
		w.must(err)
		w.must(netlink.LinkSetUp(lo))
		eth0 := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "peer0"}
		w.must(netlink.LinkAdd(eth0))
		w.must(netlink.LinkSetUp(eth0))
		put := func(prefix string) {
			addr, err := netlink.ParseAddr(prefix)
			w.must(err)
			w.must(netlink.AddrAdd(eth0, addr))
		}
		const first = "10.0.4.19"
		put(first + "/24")
		peer, err := transport.ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
		w.must(err)
		defer peer.Close()
		udp, err := transport.ListenUDP(netip.MustParseAddrPort("0.0.0.0:0"))
		w.must(err)
		defer udp.Close()
		e := w.build(nodeA, func(_ *node, _ *Options, p *parts) { p.net = udp }).engine
		e.peers[nodeB] = peer.LocalAddr()
		from := func() netip.Addr {
			e.own = e.newAddressTask(netif.IsLocal).look(t.Context())
			e.sendAdvert(nodeB, anAdvert())
			var p transport.Packet
			if !peer.Poll(&p) { // what goes over lo is there when Send returns
				t.Fatal("nothing came")
			}
			return p.From.Addr()
		}
		if got := from(); got != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("before it is there: from %v", got)
		}
		put(privates[nodeA].Addr().String() + "/24")
		if got := from(); got != privates[nodeA].Addr() {
			t.Errorf("from %v", got)
		}
	})
}
