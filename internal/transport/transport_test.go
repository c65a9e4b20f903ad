// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election/wire"
)

// backend opens two endpoints that hear each other. a answers at asked too, an
// address beside its first.
type backend func(t *testing.T) (a, b Transport, asked netip.AddrPort)

// backends are the two ways to carry datagrams; each behaviour below holds for
// both.
func backends() map[string]backend {
	return map[string]backend{
		"memory":             openMemory,
		"udp, both families": openUDP(netip.AddrPort{}),
		"udp, IPv4":          openUDP(netip.MustParseAddrPort("0.0.0.0:0")),
	}
}

func openMemory(t *testing.T) (Transport, Transport, netip.AddrPort) {
	n := NewNetwork(1)
	second := netip.MustParseAddrPort("10.0.0.9:7112")
	a, errA := n.Listen(netip.MustParseAddrPort("10.0.0.1:7112"), second.Addr())
	b, errB := n.Listen(netip.MustParseAddrPort("10.0.0.2:7112"))
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	return a, b, second
}

// openUDP listens on a wildcard for a, as the daemon does, and talks to it over
// loopback addresses only.
func openUDP(listen netip.AddrPort) backend {
	return func(t *testing.T) (Transport, Transport, netip.AddrPort) {
		a, errA := ListenUDP(listen)
		b, errB := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
		if err := errors.Join(errA, errB); err != nil {
			t.Skipf("no UDP here: %v", err)
		}
		t.Cleanup(func() { a.Close(); b.Close() })
		return a, b, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), a.LocalAddr().Port())
	}
}

// both runs a test body over both back-ends.
func both(t *testing.T, body func(t *testing.T, a, b Transport, asked netip.AddrPort)) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, asked := open(t)
			body(t, a, b, asked)
		})
	}
}

// receive returns the next packet of tr, for which the test's deadline is the
// only limit that matters.
func receive(t *testing.T, tr Transport) Packet {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var p Packet
	for !tr.Poll(&p) {
		if err := tr.Wait(ctx); err != nil {
			t.Fatalf("wait: %v", err)
		}
	}
	return p
}

func send(t *testing.T, tr Transport, to netip.AddrPort, from netip.Addr, b []byte) {
	t.Helper()
	if err := tr.Send(to, from, b); err != nil {
		t.Fatal(err)
	}
}

func TestOneByteMoreThanTheProtocolAllowsIsRead(t *testing.T) {
	t.Parallel()
	if ReadMax != wire.MaxSize+1 {
		t.Errorf("ReadMax is %d, a datagram has at most %d", ReadMax, wire.MaxSize)
	}
}

func TestADatagramArrivesWithBothAddresses(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		send(t, b, asked, netip.Addr{}, []byte("hello"))
		p := receive(t, a)
		if p.From != b.LocalAddr() || p.To != asked.Addr() || string(p.Data) != "hello" || p.Refused {
			t.Errorf("got %+v, want from %v to %v", p, b.LocalAddr(), asked.Addr())
		}
	})
}

func TestAReplyLeavesFromTheAddressThatWasAsked(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		send(t, b, asked, netip.Addr{}, []byte("who"))
		p := receive(t, a)
		send(t, a, p.From, p.To, []byte("me"))
		if p := receive(t, b); p.From != asked || string(p.Data) != "me" {
			t.Errorf("the reply %q came from %v, asked was %v", p.Data, p.From, asked)
		}
	})
}

func TestSendingFromAnAddressThatIsNotLocalIsAnError(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, _ netip.AddrPort) {
		if err := a.Send(b.LocalAddr(), netip.MustParseAddr("192.0.2.1"), []byte("x")); err == nil {
			t.Error("it was sent")
		}
	})
}

func TestAnOversizedDatagramIsSeenToBeThat(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		send(t, b, asked, netip.Addr{}, bytes.Repeat([]byte{7}, 3000))
		send(t, b, asked, netip.Addr{}, nil)
		if p := receive(t, a); len(p.Data) != ReadMax {
			t.Errorf("%d bytes were read", len(p.Data))
		}
		if p := receive(t, a); len(p.Data) != 0 || p.Refused {
			t.Errorf("an empty datagram became %+v", p)
		}
	})
}

// A dead daemon on a living host is told by ICMP. That must neither end the
// reader nor cost a datagram to another peer.
func TestAPeerWhoseDaemonIsDeadIsReportedAndDisturbsNothing(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		dead := netip.AddrPortFrom(b.LocalAddr().Addr(), 9) // discard; nothing listens
		for range 3 {
			send(t, b, dead, netip.Addr{}, []byte("anybody"))
			send(t, b, asked, netip.Addr{}, []byte("advert"))
			if p := receive(t, a); string(p.Data) != "advert" {
				t.Fatalf("got %+v", p)
			}
		}
		p := receive(t, b)
		if !p.Refused || p.From != dead || len(p.Data) != 0 {
			t.Errorf("got %+v, want a notice about %v", p, dead)
		}
		send(t, a, b.LocalAddr(), netip.Addr{}, []byte("still there"))
		for p = receive(t, b); p.Refused; p = receive(t, b) {
		}
		if string(p.Data) != "still there" {
			t.Errorf("got %+v", p)
		}
	})
}

func TestWaitEndsWithTheCauseAndCanBeUsedAgain(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		ended := errors.New("stopping")
		// A timeout, so that Wait does block before it ends.
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, ended)
		defer cancel()
		if err := a.Wait(ctx); !errors.Is(err, ended) {
			t.Errorf("got %v", err)
		}
		short, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer stop()
		if err := a.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with nothing there the second Wait returned %v", err)
		}
		send(t, b, asked, netip.Addr{}, []byte("x"))
		receive(t, a)
	})
}

func TestClosingEndsWaitAndSending(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		done := make(chan error)
		go func() { done <- a.Wait(context.Background()) }()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("Wait returned %v", err)
		}
		if err := a.Wait(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("a second Wait returned %v", err)
		}
		if err := a.Send(b.LocalAddr(), netip.Addr{}, []byte("x")); !errors.Is(err, ErrClosed) {
			t.Errorf("Send returned %v", err)
		}
		if a.Poll(&Packet{}) {
			t.Error("Poll gave a packet")
		}
	})
}

// Invariant 7: a node that did not run for a while finds what arrived meanwhile
// without its reading goroutine's help, in order and complete.
func TestFillGetsEverythingThatWasReceivedBeforeIt(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		in := NewInbox(a, 128)
		for i := range byte(100) {
			send(t, b, asked, netip.Addr{}, []byte{i})
		}
		if n := in.Fill(); n != 100 {
			t.Errorf("Fill took %d packets", n)
		}
		var p Packet
		for i := range byte(100) {
			if !in.Take(&p) || !slices.Equal(p.Data, []byte{i}) || p.From != b.LocalAddr() {
				t.Fatalf("packet %d is %+v", i, p)
			}
		}
		if in.Take(&p) || in.Dropped() != 0 {
			t.Errorf("more packets, or %d dropped", in.Dropped())
		}
	})
}

func TestAFullInboxDropsTheOldest(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		in := NewInbox(a, 4)
		for i := range byte(10) {
			send(t, b, asked, netip.Addr{}, []byte{i})
		}
		total := 0
		for n := in.Fill(); n > 0; n = in.Fill() {
			if total += n; n > 4 {
				t.Errorf("one Fill took %d", n)
			}
		}
		if total != 10 || in.Dropped() != 6 {
			t.Errorf("%d taken in, %d dropped", total, in.Dropped())
		}
		var got []byte
		for p := (Packet{}); in.Take(&p); {
			got = append(got, p.Data...)
		}
		if !slices.Equal(got, []byte{6, 7, 8, 9}) {
			t.Errorf("left are %v", got)
		}
	})
}

func TestRunAnnouncesWhatArrivesAndEndsWithItsContext(t *testing.T) {
	both(t, func(t *testing.T, a, b Transport, asked netip.AddrPort) {
		in := NewInbox(a, 8)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- in.Run(ctx) }()
		for i := range byte(20) {
			send(t, b, asked, netip.Addr{}, []byte{i})
			var p Packet
			for !in.Take(&p) {
				<-in.Ready()
			}
			if !slices.Equal(p.Data, []byte{i}) {
				t.Fatalf("packet %d is %+v", i, p)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestRunEndsWhenTheTransportIsClosed(t *testing.T) {
	both(t, func(t *testing.T, a, _ Transport, _ netip.AddrPort) {
		in := NewInbox(a, 8)
		done := make(chan error)
		go func() { done <- in.Run(t.Context()) }()
		a.Close()
		if err := <-done; !errors.Is(err, ErrClosed) || err.Error() != "receive: use of closed network connection" {
			t.Errorf("Run returned %v", err)
		}
	})
}
