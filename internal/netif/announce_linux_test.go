// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestAnnounceSendsOneRequestAndOneReplyToEverybody looks at the frames at the other
// end of a wire. The bytes are written out from RFC 826, with the values that RFC 5227
// section 3 asks for.
func TestAnnounceSendsOneRequestAndOneReplyToEverybody(t *testing.T) {
	t.Parallel()
	m, listener := wire(t)
	add(t, m, float4, "near0")
	announced(t, m, float4, "near0")

	const (
		everybody = "ffffffffffff" // Ethernet destination
		sender    = "02005e100002" // our hardware address
		head      = "0806" + "0001" + "0800" + "06" + "04"
		address   = "cb007107" // 203.0.113.7
	)
	want := []string{
		everybody + sender + head + "0001" + sender + address + "000000000000" + address,
		everybody + sender + head + "0002" + sender + address + everybody + address,
	}
	var got []string
	for range want {
		got = append(got, readFrame(t, listener))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

// wire returns a machine with an interface near0, and a socket at its other end.
func wire(t *testing.T) (m machine, listener int) {
	t.Helper()
	m = namespace(t)
	hw, err := net.ParseMAC("02:00:5e:10:00:02")
	must(t, err)
	near := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "near0", HardwareAddr: hw}, PeerName: "far0"}
	if err := netlink.LinkAdd(near); err != nil {
		t.Skipf("this kernel has no veth interfaces: %v", err)
	}
	far, err := netlink.LinkByName("far0")
	must(t, err)
	must(t, netlink.LinkSetUp(far)) // first: until the kernel has noticed that a wire carries, it drops what is sent
	must(t, netlink.LinkSetUp(near))
	return m, listenARP(t, far.Attrs().Index)
}

// TestThePermitIsAskedLast looks at the wire and at the sockets of the namespace when the
// permit is asked: all is ready and nothing has left but what was permitted.
func TestThePermitIsAskedLast(t *testing.T) {
	t.Parallel()
	m, listener := wire(t)
	add(t, m, float4, "near0")
	var heard []string
	asked := 0
	permit := func() error {
		if asked++; asked == 2 {
			heard = append(heard, readFrame(t, listener)[40:44])
		}
		if _, _, err := unix.Recvfrom(listener, make([]byte, 1514), unix.MSG_DONTWAIT); !errors.Is(err, unix.EAGAIN) {
			t.Errorf("asked for the %d. time, a frame is on the wire: %v", asked, err)
		}
		sockets, err := os.ReadFile("/proc/thread-self/net/packet")
		must(t, err)
		if n := bytes.Count(sockets, []byte("\n")) - 1; n != 2 { // below the heading: the listener's, and this one
			t.Errorf("asked for the %d. time, %d packet sockets are open:\n%s", asked, n, sockets)
		}
		if asked == 2 {
			return errors.New("the role is lost")
		}
		return nil
	}
	wantWithheld(t, m, t.Context(), float4, "near0", permit, 1, "announce 203.0.113.7 on near0: 1 of 2 frames left: the role is lost")
	announced(t, m, float4, "near0")
	for range announcementFrames {
		heard = append(heard, readFrame(t, listener)[40:44])
	}
	if diff := cmp.Diff([]string{"0001", "0001", "0002"}, heard); diff != "" {
		t.Errorf("operations of the frames (-want +got):\n%s", diff)
	}
}

// listenARP opens a socket that hears the ARP frames that reach an interface.
func listenARP(t *testing.T, index int) int {
	t.Helper()
	const protocol = unix.ETH_P_ARP>>8 | unix.ETH_P_ARP&0xff<<8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: index, Protocol: protocol}))
	must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}))
	return fd
}

// readFrame returns an ARP frame without its padding.
func readFrame(t *testing.T, fd int) string {
	t.Helper()
	buf := make([]byte, 1514)
	n, _, err := unix.Recvfrom(fd, buf, 0)
	must(t, err)
	return hex.EncodeToString(buf[:min(n, 42)])
}

func TestAnnounceSaysThatAnInterfaceIsDown(t *testing.T) {
	t.Parallel()
	m := namespace(t)
	add(t, m, float4, "eth0")
	link, err := netlink.LinkByName("eth0")
	must(t, err)
	must(t, netlink.LinkSetDown(link))
	if _, err := m.Announce(t.Context(), netip.MustParseAddr(float4), "eth0", permitted); !errors.Is(err, unix.ENETDOWN) {
		t.Errorf("announce on an interface that is down: %v, want %v", err, unix.ENETDOWN)
	}
}

// TestAnnounceNeedsTheRightToSendFrames takes CAP_NET_RAW from the thread of the test,
// which ends with it (see namespace).
func TestAnnounceNeedsTheRightToSendFrames(t *testing.T) {
	t.Parallel()
	m := namespace(t)
	add(t, m, float4, "eth0")
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	must(t, unix.Capget(&head, &caps[0]))
	caps[0].Effective &^= 1 << unix.CAP_NET_RAW
	must(t, unix.Capset(&head, &caps[0]))
	const remedy = "operation not permitted; run as root or with CAP_NET_RAW " +
		"(AmbientCapabilities= in the unit, or setcap cap_net_raw,cap_net_admin+ep on the program)"
	wantError(t, m.CanAnnounce(t.Context()), "open packet socket: "+remedy)
	wantWithheld(t, m, t.Context(), float4, "eth0", permitted, 0, "announce 203.0.113.7 on eth0: socket: "+remedy)
}
