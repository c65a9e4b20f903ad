// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var (
	one = netip.MustParseAddrPort("10.0.0.1:7112")
	two = netip.MustParseAddrPort("10.0.0.2:7112")
)

// open returns a network and its two endpoints one and two.
func open(t *testing.T, seed uint64) (*Network, *Memory, *Memory) {
	t.Helper()
	n := NewNetwork(seed)
	a, errA := n.Listen(one)
	b, errB := n.Listen(two)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	return n, a, b
}

// drain returns the first byte of everything that waits at tr.
func drain(tr Transport) []byte {
	var got []byte
	for p := (Packet{}); tr.Poll(&p); {
		got = append(got, p.Data[0])
	}
	return got
}

func TestADelayedDatagramArrivesAtItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, a, b := open(t, 1)
		n.SetLink(one.Addr(), two.Addr(), Link{Delay: 70 * time.Millisecond})
		start := time.Now()
		for i := range byte(5) {
			send(t, a, two, netip.Addr{}, []byte{i})
		}
		if err := b.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 70*time.Millisecond {
			t.Errorf("took %v", took)
		}
		synctest.Wait()
		if got := drain(b); !slices.Equal(got, []byte{0, 1, 2, 3, 4}) {
			t.Errorf("equal delays changed the order: %v", got)
		}
	})
}

func TestJitterMayReorderAndLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, a, b := open(t, 1)
		n.SetLink(one.Addr(), two.Addr(), Link{Delay: time.Millisecond, Jitter: time.Second})
		for i := range byte(50) {
			send(t, a, two, netip.Addr{}, []byte{i})
		}
		var got []byte
		for len(got) < 50 { // a lost one would end the bubble in a deadlock
			if err := b.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			got = append(got, drain(b)...)
		}
		if slices.IsSorted(got) {
			t.Error("nothing was reordered")
		}
	})
}

func TestACutIsOneWay(t *testing.T) {
	t.Parallel()
	n, a, b := open(t, 1)
	n.SetLink(one.Addr(), two.Addr(), Link{Cut: true})
	send(t, a, two, netip.Addr{}, []byte{1})
	send(t, b, one, netip.Addr{}, []byte{2})
	if got := drain(b); got != nil {
		t.Errorf("through the cut came %v", got)
	}
	if got := drain(a); !slices.Equal(got, []byte{2}) {
		t.Errorf("the other way came %v", got)
	}
	n.SetLink(one.Addr(), two.Addr(), Link{})
	send(t, a, two, netip.Addr{}, []byte{3})
	if got := drain(b); !slices.Equal(got, []byte{3}) {
		t.Errorf("after the repair came %v", got)
	}
}

func TestLossFollowsTheSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) []byte {
		n, a, b := open(t, seed)
		n.SetLink(one.Addr(), two.Addr(), Link{Loss: 0.3})
		for i := range byte(200) {
			send(t, a, two, netip.Addr{}, []byte{i})
		}
		return drain(b)
	}
	first := run(1)
	if share := float64(len(first)) / 200; math.Abs(share-0.7) > 0.1 {
		t.Errorf("%.2f of the datagrams arrived", share)
	}
	if !slices.Equal(first, run(1)) {
		t.Error("the same seed lost other datagrams")
	}
	if slices.Equal(first, run(2)) {
		t.Error("another seed lost the same datagrams")
	}
}

func TestAMovedAddressReachesItsNewHolder(t *testing.T) {
	t.Parallel()
	n, a, b := open(t, 1)
	floating := netip.MustParseAddrPort("203.0.113.10:7112")
	send(t, a, floating, netip.Addr{}, []byte{1}) // nobody has it: silence
	n.Move(floating.Addr(), b)
	send(t, a, floating, netip.Addr{}, []byte{2})
	if got := drain(b); !slices.Equal(got, []byte{2}) {
		t.Errorf("the holder got %v", got)
	}
	n.Move(floating.Addr(), nil)
	send(t, a, floating, netip.Addr{}, []byte{3})
	if got := slices.Concat(drain(a), drain(b)); got != nil {
		t.Errorf("without a holder came %v", got)
	}
	if err := b.Send(one, floating.Addr(), []byte{4}); err == nil {
		t.Error("a former holder sent from the address")
	}
}

func TestANoticeDoesNotCrossACut(t *testing.T) {
	t.Parallel()
	n, a, b := open(t, 1)
	n.SetLink(two.Addr(), one.Addr(), Link{Cut: true})
	b.Close()
	var p Packet
	send(t, a, two, netip.Addr{}, []byte{1})
	if a.Poll(&p) {
		t.Errorf("got %+v", p)
	}
	n.SetLink(two.Addr(), one.Addr(), Link{})
	send(t, a, two, netip.Addr{}, []byte{1})
	if !a.Poll(&p) || !p.Refused || p.From != two || a.Poll(&p) {
		t.Errorf("got %+v", p)
	}
}

func TestTwoDeadDaemonsDoNotAnswerEachOthersNotices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, a, b := open(t, 1)
		n.SetLink(two.Addr(), one.Addr(), Link{Delay: time.Millisecond})
		b.Close()
		send(t, a, two, netip.Addr{}, []byte{1})
		a.Close() // the notice is under way
		<-time.After(time.Second)
		synctest.Wait()
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.sent != 1 {
			t.Errorf("%d packets were under way", n.sent)
		}
	})
}

func TestARestartedNodeTakesItsAddressAgain(t *testing.T) {
	t.Parallel()
	n, a, b := open(t, 1)
	if _, err := n.Listen(two); err == nil || err.Error() != "listen on 10.0.0.2:7112: address 10.0.0.2 is in use" {
		t.Errorf("got %v", err)
	}
	b.Close()
	again, err := n.Listen(two)
	if err != nil {
		t.Fatal(err)
	}
	send(t, a, two, netip.Addr{}, []byte{1})
	if got := drain(again); !slices.Equal(got, []byte{1}) {
		t.Errorf("the new endpoint got %v", got)
	}
	if err := b.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("a second Close returned %v", err)
	}
}

func TestAnEndpointHoldsABoundedQueue(t *testing.T) {
	t.Parallel()
	_, a, b := open(t, 1)
	for range 2 * queueMax {
		send(t, a, two, netip.Addr{}, []byte{1})
	}
	if got := len(drain(b)); got != queueMax {
		t.Errorf("%d packets waited", got)
	}
}

// broken is woken all the time and never has anything, like a socket with an
// error that does not go away.
type broken struct {
	Transport
	err   error
	waits int
}

func (b *broken) Wait(context.Context) error { b.waits++; return b.err }
func (b *broken) Poll(*Packet) bool          { return false }

func TestRunDoesNotSpinOnAnErrorThatStays(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"woken in vain": nil, "wait fails": errors.New("no memory")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &broken{err: err}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := NewInbox(b, 4).Run(ctx); err != nil {
					t.Error(err)
				}
				if b.waits > 100 {
					t.Errorf("it looked %d times in a minute", b.waits)
				}
			})
		})
	}
}
