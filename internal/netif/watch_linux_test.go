// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestAnOverrunIsTold takes no events while more happens than the smallest buffer of a
// socket can hold.
func TestAnOverrunIsTold(t *testing.T) {
	t.Parallel()
	m := namespace(t)
	w := watchWith(t, m, func(ctx context.Context, report func(Event)) error {
		return Kernel{}.watch(ctx, 1, report)
	})
	w.want("anew", "lo up", "eth0 up 192.0.2.10")
	for range 100 {
		add(t, m, float4, "eth0")
		takeOff(t, float4, "eth0")
	}
	setLink(t, "eth0", false)
	w.until("anew")
	w.until("eth0 down set down 192.0.2.10")
	add(t, m, float4, "eth0")
	for got := ""; got != "eth0 added 203.0.113.7"; got = w.next() { // it goes on
		if got == "anew" { // so small a buffer may lose this too
			takeOff(t, float4, "eth0")
			add(t, m, float4, "eth0")
		}
	}
}

// TestCarrierIsFollowed looks at one end of a wire while the other is set down and up,
// and while it is put into a bridge, of which the kernel tells by messages of its own.
func TestCarrierIsFollowed(t *testing.T) {
	t.Parallel()
	m := namespace(t)
	near := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "near0"}, PeerName: "far0"}
	if err := netlink.LinkAdd(near); err != nil {
		t.Skipf("this kernel has no veth interfaces: %v", err)
	}
	setLink(t, "near0", true)
	w := watch(t, m)
	near0 := func(want string) {
		t.Helper()
		for {
			e := <-w.events
			if e.Iface != "near0" || e.Kind == EventAdded || e.Kind == EventRemoved {
				continue
			}
			if got := e.Kind.String() + " " + e.Why; got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			return
		}
	}
	near0("down no carrier")
	setLink(t, "far0", true)
	near0("up ")
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}); err == nil {
		bridge, err := netlink.LinkByName("br0")
		must(t, err)
		must(t, netlink.LinkSetMaster(near, bridge))
		must(t, netlink.LinkSetNoMaster(near))
	}
	setLink(t, "far0", false)
	near0("down no carrier")
	must(t, netlink.LinkDel(near))
	near0("down set down")
	near0("down gone")
}

func TestWhatIsNoMessageAboutALinkIsAnError(t *testing.T) {
	t.Parallel()
	w := &linkWatch{known: map[int]linkState{}, report: func(e Event) { t.Errorf("told %v", e) }}
	wantError(t, w.take(unix.RTM_NEWLINK, make([]byte, unix.SizeofIfInfomsg-1)), "parse interface: message of 15 bytes")
	wantError(t, w.take(unix.RTM_DELADDR, nil), "parse address: message of 0 bytes")
	wantError(t, w.take(unix.RTM_NEWROUTE, nil), "")
}

// TestWhatIsTakenOffIsPutBackByTheKernelsWord puts an address back from within the watch,
// as soon as the kernel tells that it is gone, and looks at what the kernel tells of that to
// somebody else: it comes back before anything else happens to it. A link that is set down
// and up takes nothing off.
func TestWhatIsTakenOffIsPutBackByTheKernelsWord(t *testing.T) {
	t.Parallel()
	m := namespace(t)
	add(t, m, float4, "eth0")
	other := watch(t, m)
	other.want("anew", "lo up", "eth0 up 192.0.2.10")
	mended := watchWith(t, m, func(ctx context.Context, report func(Event)) error {
		return Kernel{}.Watch(ctx, func(e Event) {
			if e.Kind == EventRemoved && e.Addr.String() == float4 {
				if added, err := m.AddHost(ctx, e.Addr, e.Iface); !added || err != nil {
					t.Errorf("put back %v, %v", added, err)
				}
			}
			report(e)
		})
	})
	mended.want("anew", "lo up", "eth0 up 192.0.2.10")
	for range 20 {
		takeOff(t, float4, "eth0")
		mended.want("eth0 removed 203.0.113.7", "eth0 added 203.0.113.7")
		other.want("eth0 removed 203.0.113.7", "eth0 added 203.0.113.7")
		wantPlaced(t, m, float4, "eth0")
	}
	setLink(t, "eth0", false)
	other.want("eth0 down set down 192.0.2.10")
	setLink(t, "eth0", true)
	other.until("eth0 up 192.0.2.10")
	wantPlaced(t, m, float4, "eth0")
}
