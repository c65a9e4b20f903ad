// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

func TestNodesAndTheClientTalk(t *testing.T) {
	t.Parallel()
	f := start(t, options(newCloud(), inside))
	serve(t, f)
	wantAnswer(t, f, 0, node1, "b")
	wantAnswer(t, f, 1, node0, "a")
	wantAnswer(t, f, 1, node1, "b") // by its loopback
	wantAnswer(t, f, Client, node0, "a")
	ping(t, f, 0, node1)
	echo(t, f, 1, 0, node1, netip.AddrPortFrom(node0, 0))
}

// ping sends an ICMP echo and waits for the reply.
func ping(t *testing.T, f *Fabric, from Station, to netip.Addr) {
	t.Helper()
	var conn net.Conn
	err := f.Do(from, func() (err error) { conn, err = net.Dial("ip4:icmp", to.String()); return err })
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b, err := (&icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 7, Seq: 1, Data: []byte("ping")}}).Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, ipv4HeaderMin+len(b))
	n, err := conn.Read(got) // with the header
	if err != nil || n != len(got) {
		t.Fatalf("ping %s from %s: got %d bytes, %v", to, from, n, err)
	}
	if reply, err := icmp.ParseMessage(protoICMP, got[ipv4HeaderMin:]); err != nil || reply.Type != ipv4.ICMPTypeEchoReply {
		t.Errorf("ping %s from %s: got %v, %v", to, from, reply, err)
	}
}

// echo sends a datagram to a station at an address and checks that it comes back,
// and from whom it seemed to come.
func echo(t *testing.T, f *Fabric, at, from Station, ip netip.Addr, seen netip.AddrPort) {
	t.Helper()
	var server *net.UDPConn
	err := f.Do(at, func() (err error) { server, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 5353}); return err })
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_ = server.SetDeadline(time.Now().Add(patience))
	conn, err := f.Dial(t.Context(), from, "udp4", netip.AddrPortFrom(ip, 5353).String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	b := bytes.Repeat([]byte("fragmented "), 200) // more than one packet
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(b)+1)
	n, sender, err := server.ReadFromUDPAddrPort(got)
	if err != nil {
		t.Fatalf("%s sends a datagram to %s: %v", from, ip, err)
	}
	if sender.Addr() != seen.Addr() {
		t.Errorf("%s is seen as %s, want %s", from, sender, seen.Addr())
	}
	if _, err := server.WriteToUDPAddrPort(got[:n], sender); err != nil {
		t.Fatal(err)
	}
	if n, err = conn.Read(got); err != nil || !bytes.Equal(got[:n], b) {
		t.Errorf("%s got %d bytes back from %s, %v", from, n, ip, err)
	}
}

func TestPublicAddressesAreTranslatedBothWays(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.publish(public, node1)
	f := start(t, options(c, internet))
	serve(t, f)
	wantAnswer(t, f, Client, public, "b")
	ping(t, f, Client, public)
	echo(t, f, 1, Client, public, netip.AddrPortFrom(internet, 0))
	echo(t, f, Client, 1, internet, netip.AddrPortFrom(public, 0))
	wantSilence(t, f, Client, node1, NoHolder, Client)
	wantSilence(t, f, 0, internet, NoPublic, 0)
}

func TestAnAnchorAnswersForItsPublicAddress(t *testing.T) {
	t.Parallel()
	c := newCloud()
	anchors := []netip.Addr{netip.MustParseAddr("10.17.0.5"), netip.MustParseAddr("10.17.0.6")}
	o := options(c, internet)
	for i := range o.Nodes {
		o.Nodes[i].Anchors = anchors[i : i+1]
	}
	f := start(t, o)
	serve(t, f)
	c.publish(netip.MustParseAddr("203.0.113.8"), node0)
	for _, i := range []int{0, 1, 0} {
		c.publish(public, anchors[i])
		wantAnswer(t, f, Client, public, o.Nodes[i].Name)
		wantAnswer(t, f, Client, netip.MustParseAddr("203.0.113.8"), "a")
	}
}

func TestMuchDataPassesTranslationUnharmed(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.publish(public, node0)
	f := start(t, options(c, internet))
	ln, err := f.Listen(0, "tcp4", "0.0.0.0:80")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	conn, err := f.Dial(t.Context(), Client, "tcp4", netip.AddrPortFrom(public, 80).String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	_ = server.SetDeadline(time.Now().Add(patience))
	go func() {
		_, err := server.Write(data)
		sent <- errors.Join(err, server.Close())
	}()
	_ = conn.SetDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(conn)
	if err = errors.Join(err, <-sent); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d of %d bytes, %v", len(got), len(data), err)
	}
}

func TestAnErrorFindsTheSocketThatSent(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.publish(public, node0)
	f := start(t, options(c, internet))
	conn, err := f.Dial(t.Context(), Client, "udp4", netip.AddrPortFrom(public, 9).String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("a closed port answers with %v, want %v", err, unix.ECONNREFUSED)
	}
}

func TestAMovedBindingMovesTheNextConnection(t *testing.T) {
	t.Parallel()
	c := newCloud()
	f := start(t, options(c, inside))
	serve(t, f)
	for _, ip := range []netip.Addr{floating, routed} {
		hold(t, f, 0, ip)
		hold(t, f, 1, ip)
		for i := range 4 {
			node := Station(i % 2)
			c.hold(ip, node)
			wantAnswer(t, f, Client, ip, f.vpc.options.Nodes[node].Name)
		}
	}
}
