// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAnIPv6SocketTellsTheAddressThatWasAskedToo(t *testing.T) {
	t.Parallel()
	a, err := ListenUDP(netip.MustParseAddrPort("[::1]:0"))
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	defer a.Close()
	send(t, a, a.LocalAddr(), netip.MustParseAddr("::1"), []byte("x"))
	if p := receive(t, a); p.From != a.LocalAddr() || p.To != netip.MustParseAddr("::1") {
		t.Errorf("got %+v", p)
	}
	if err := a.Send(netip.AddrPortFrom(netip.Addr{}, 1), netip.Addr{}, nil); err == nil {
		t.Error("it was sent to no address")
	}
}

func TestAnIPv4SocketRefusesIPv6(t *testing.T) {
	t.Parallel()
	a, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	err = a.Send(netip.MustParseAddrPort("[::1]:7112"), netip.Addr{}, []byte("x"))
	if want := "send to [::1]:7112: an IPv6 address on an IPv4 socket"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAPortInUseIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	a, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, err = ListenUDP(a.LocalAddr())
	if err == nil || !strings.Contains(err.Error(), a.LocalAddr().String()) {
		t.Errorf("got %v", err)
	}
}

// buffered returns for how many bytes the socket has room, by the kernel's count.
func buffered(t *testing.T, u *UDP) (room int) {
	t.Helper()
	err := u.raw.Control(func(fd uintptr) {
		var err error
		if room, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return room
}

// TestWhatTheKernelDropsIsCounted fills the buffer of a socket that nobody reads.
func TestWhatTheKernelDropsIsCounted(t *testing.T) {
	t.Parallel()
	a, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	room := buffered(t, a)
	if room <= 212992 {
		t.Errorf("room for %d bytes, which is what the kernel gives to any socket", room)
	}
	sent := uint64(room / 100) // each counts for several hundred
	for range sent {
		send(t, a, a.LocalAddr(), netip.Addr{}, []byte("advert"))
	}
	taken := uint64(0)
	for p := (Packet{}); a.Poll(&p); {
		taken++
	}
	if a.Dropped() != 0 {
		t.Errorf("%d dropped before those that were taken, want none: they found an empty buffer", a.Dropped())
	}
	send(t, a, a.LocalAddr(), netip.Addr{}, []byte("later"))
	if p := receive(t, a); string(p.Data) != "later" || taken == sent || a.Dropped() != sent-taken {
		t.Errorf("%q: %d of %d taken and %d dropped", p.Data, taken, sent, a.Dropped())
	}
}

// The steady state is one small allocation or two for each address that the
// system reports; the bytes themselves are read in place.
func BenchmarkUDPRoundTrip(b *testing.B) {
	a, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	var p Packet
	data := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Send(a.LocalAddr(), netip.Addr{}, data); err != nil {
			b.Fatal(err)
		}
		for !a.Poll(&p) {
		}
	}
}
