// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fabric is a floating IP in front of one echoing listener per node; an echo says
// which node it comes from.
type fabric struct {
	plan   *plan
	holder atomic.Int64
	web    *floating
	probes *floatingUDP
}

func newFabric(t *testing.T) *fabric {
	t.Helper()
	f := &fabric{plan: testPlan(t)}
	var err error
	holder := func() int { return int(f.holder.Load()) }
	if f.web, err = openFloating(f.plan.floatingWeb(), holder, f.plan.nodeWeb); err != nil {
		t.Fatal(err)
	}
	if f.probes, err = openFloatingUDP(f.plan.floatingDaemon(), holder, f.plan.nodeDaemon); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { f.web.run(ctx); done <- struct{}{} }()
	go func() { f.probes.run(ctx); done <- struct{}{} }()
	t.Cleanup(func() {
		cancel()
		<-done
		<-done
	})
	for i, name := range nodeNames {
		echoTCP(t, f.plan.nodeWeb(i), name)
		echoUDP(t, f.plan.nodeDaemon(i), name)
	}
	return f
}

func echoTCP(t *testing.T, at netip.AddrPort, name string) {
	t.Helper()
	l, err := net.Listen("tcp4", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					fmt.Fprintf(c, "%s: %s\n", name, lines.Text())
				}
			}()
		}
	}()
}

func echoUDP(t *testing.T, at netip.AddrPort, name string) {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteToUDPAddrPort([]byte(name+": "+string(buf[:n])), from)
		}
	}()
}

// conversation is one connection to the floating IP.
type conversation struct {
	net.Conn
	lines *bufio.Reader
}

// call opens a connection to the floating IP. It may be reset at once.
func (f *fabric) call(t *testing.T) (*conversation, error) {
	t.Helper()
	c, err := net.Dial("tcp4", f.plan.floatingWeb().String())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() })
	return &conversation{c, bufio.NewReader(c)}, c.SetDeadline(time.Now().Add(10 * time.Second))
}

// ask says one line and returns the answer.
func (c *conversation) ask(text string) (string, error) {
	if _, err := fmt.Fprintln(c, text); err != nil {
		return "", err
	}
	return c.lines.ReadString('\n')
}

// exchange says one line on a new connection.
func (f *fabric) exchange(t *testing.T, text string) (*conversation, string, error) {
	t.Helper()
	c, err := f.call(t)
	if err != nil {
		return nil, "", err
	}
	got, err := c.ask(text)
	return c, got, err
}

func TestANewConnectionGoesToWhoeverHoldsTheAddress(t *testing.T) {
	t.Parallel()
	f := newFabric(t)
	for i, name := range nodeNames {
		f.holder.Store(int64(i))
		_, got, err := f.exchange(t, "who")
		if want := name + ": who\n"; got != want || err != nil {
			t.Errorf("held by %s: got %q, %v", name, got, err)
		}
	}
}

func TestWithoutAnOwnerOrWithADeadOneTheClientIsReset(t *testing.T) {
	t.Parallel()
	f := newFabric(t)
	for _, holder := range []int{-1, len(nodeNames)} { // nobody; a node without a listener
		f.holder.Store(int64(holder))
		_, _, err := f.exchange(t, "who")
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("held by %d: %v", holder, err)
		}
	}
}

func TestAMoveCutsTheConnectionsOfTheFormerOwnerOnly(t *testing.T) {
	t.Parallel()
	f := newFabric(t)
	old, _, err := f.exchange(t, "before")
	if err != nil {
		t.Fatal(err)
	}
	f.holder.Store(1)
	young, _, err := f.exchange(t, "before")
	if err != nil {
		t.Fatal(err)
	}
	for node, want := range []int{1, 1, 0} {
		if got := f.web.of(node); len(got) != want {
			t.Errorf("%d connections go to node %d, want %d", len(got), node, want)
		}
	}
	f.web.moved(0)
	if line, err := old.lines.ReadString('\n'); err == nil {
		t.Errorf("the old connection lives on: %q", line)
	}
	if got, err := young.ask("after"); got != "lb-b: after\n" || err != nil {
		t.Errorf("the new owner's connection: %q, %v", got, err)
	}
}

// asker opens a socket from which probes are sent.
func (f *fabric) asker(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.plan.floatingDaemon()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// probe asks through the floating IP; c is connected, so only an answer from the
// floating IP itself is seen.
func probe(c *net.UDPConn, patience time.Duration) string {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("nonce")); err != nil {
		return err.Error()
	}
	buf := make([]byte, 1500)
	n, err := c.Read(buf)
	if err != nil {
		return "silence"
	}
	return string(buf[:n])
}

func TestAProbeIsAnsweredFromTheFloatingIPByItsHolder(t *testing.T) {
	t.Parallel()
	f := newFabric(t)
	c := f.asker(t)
	for i, name := range nodeNames {
		f.holder.Store(int64(i))
		if got, want := probe(c, 10*time.Second), name+": nonce"; got != want {
			t.Errorf("held by %s: %q", name, got)
		}
	}
}

func TestAProbeMeetsSilenceWithoutAnOwnerAndBehindAFirewall(t *testing.T) {
	t.Parallel()
	f := newFabric(t)
	f.holder.Store(-1)
	if got := probe(f.asker(t), 50*time.Millisecond); got != "silence" {
		t.Errorf("held by nobody: %q", got)
	}
	f.holder.Store(0)
	f.probes.closed.Store(true)
	if got := probe(f.asker(t), 50*time.Millisecond); got != "silence" {
		t.Errorf("behind a firewall: %q", got)
	}
}
