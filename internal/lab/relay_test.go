// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pair is a relay with a socket in the place of each daemon.
type pair struct {
	plan  *plan
	relay *relay
	conns [2]*net.UDPConn
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{plan: testPlan(t)}
	var err error
	if p.relay, err = openRelay(p.plan, nodeNames[:pairNodes], 1); err != nil {
		t.Fatal(err)
	}
	for i := range p.conns {
		if p.conns[i], err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(p.plan.nodeDaemon(i))); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { p.relay.run(ctx, p.plan); close(done) }()
	t.Cleanup(func() {
		cancel()
		<-done
		for _, c := range p.conns {
			_ = c.Close()
		}
	})
	return p
}

// send sends text from node i to the other one's stand-in.
func (p *pair) send(t *testing.T, i int, text string) {
	t.Helper()
	if _, err := p.conns[i].WriteToUDPAddrPort([]byte(text), p.plan.standIn(i, 1-i)); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next datagram at node i and where it came from.
func (p *pair) receive(t *testing.T, i int) (string, netip.AddrPort) {
	t.Helper()
	_ = p.conns[i].SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 1500)
	n, from, err := p.conns[i].ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n]), from
}

// settle waits until the link from i has seen n datagrams.
func (p *pair) settle(t *testing.T, i, n int) traffic {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if s := p.relay.links[i][1-i].seen(); s.Forwarded+s.Dropped >= n {
			return s
		}
		runtime.Gosched()
	}
	t.Fatalf("the link has seen %+v, not %d datagrams", p.relay.links[i][1-i].seen(), n)
	return traffic{}
}

func TestADatagramArrivesFromTheAddressThatTheReceiverKnows(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for i := range p.conns {
		p.send(t, i, "hello")
		text, from := p.receive(t, 1-i)
		if want := p.plan.standIn(1-i, i); text != "hello" || from != want {
			t.Errorf("node %d got %q from %s, want it from %s", 1-i, text, from, want)
		}
	}
	if p.relay.lastHeard(0, 1).IsZero() {
		t.Error("the time of the last datagram is not known")
	}
}

func TestACutDirectionLeavesTheOtherOneAlone(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.relay.cutFrom(0, 1, true)
	p.send(t, 0, "lost")
	if got := p.settle(t, 0, 1); got.Dropped != 1 || got.Forwarded != 0 {
		t.Errorf("cut direction: %+v", got)
	}
	p.send(t, 1, "through")
	if text, _ := p.receive(t, 0); text != "through" {
		t.Errorf("other direction: %q", text)
	}
	p.relay.cutFrom(0, 1, false)
	p.send(t, 0, "healed")
	if text, _ := p.receive(t, 1); text != "healed" {
		t.Errorf("after healing: %q", text)
	}
}

func TestADelayedDatagramArrivesUnlessTheLinkIsCutMeanwhile(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.relay.links[0][1].change(func(l *link) { l.delay = 20 * time.Millisecond })
	begun := time.Now()
	p.send(t, 0, "late")
	if text, _ := p.receive(t, 1); text != "late" {
		t.Errorf("got %q", text)
	}
	if took := time.Since(begun); took < 20*time.Millisecond {
		t.Errorf("it took %s, less than the delay", took)
	}
	l := &link{cut: true, delay: time.Hour}
	if _, ok := l.admit(true); ok {
		t.Error("a link that is cut takes a datagram, which would arrive if it heals")
	}
	l = &link{cut: true}
	l.deliver(p.conns[0], []byte("on its way"), p.plan.nodeDaemon(1))
	if got := l.seen(); got.Dropped != 1 || got.Forwarded != 0 {
		t.Errorf("a datagram on its way over a link that was cut: %+v", got)
	}
}

func TestDatagramsOfStrangersAreDropped(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	if _, err := p.conns[1].WriteToUDPAddrPort([]byte("not from lb-a"), p.plan.standIn(0, 1)); err != nil {
		t.Fatal(err)
	}
	if got := p.settle(t, 0, 1); got.Dropped != 1 || got.Forwarded != 0 {
		t.Errorf("a stranger's datagram: %+v", got)
	}
}

func TestLossFollowsItsSeed(t *testing.T) {
	t.Parallel()
	fates := func(seed uint64) (kept []bool) {
		l := &link{loss: 0.5, rng: rand.New(rand.NewPCG(seed, 1))}
		for range 64 {
			_, ok := l.admit(true)
			kept = append(kept, ok)
		}
		return kept
	}
	if diff := cmp.Diff(fates(3), fates(3)); diff != "" {
		t.Errorf("the same seed loses other datagrams:\n%s", diff)
	}
	if cmp.Equal(fates(3), fates(4)) {
		t.Error("another seed loses the same datagrams")
	}
}

func TestTheQueueOfDelayedDatagramsIsBounded(t *testing.T) {
	t.Parallel()
	l := &link{delay: time.Hour}
	for range delayedMax + 5 {
		l.admit(true)
	}
	if l.delayed != delayedMax || l.seen().Dropped != 5 {
		t.Errorf("%d are on their way and %d were dropped", l.delayed, l.seen().Dropped)
	}
}
