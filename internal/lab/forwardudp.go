// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	askersMax   = 64               // pairs of asker and owner at a time; more are dropped
	askerIdle   = 10 * time.Second // a pair without traffic is forgotten
	probeBufMax = 2048             // a probe and its answer are far smaller
)

// floatingUDP is the floating IP for UDP: a datagram goes to the daemon of the
// node that holds the address, and the answer returns to the asker from the
// floating IP.
type floatingUDP struct {
	conn   *net.UDPConn
	holder func() int
	daemon func(node int) netip.AddrPort
	closed atomic.Bool // a firewall that lets no probe through

	mu     sync.Mutex
	heard  tape
	askers map[asker]*net.UDPConn
	wg     sync.WaitGroup
}

// asker is one pair of who asked and which node was the owner then.
type asker struct {
	from netip.AddrPort
	node int
}

// openFloatingUDP binds the floating IP. run serves it.
func openFloatingUDP(at netip.AddrPort, holder func() int, daemon func(int) netip.AddrPort) (*floatingUDP, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	return &floatingUDP{conn: conn, holder: holder, daemon: daemon, askers: map[asker]*net.UDPConn{}}, nil
}

// run serves until ctx ends.
func (f *floatingUDP) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, f.close)
	defer stop()
	buf := make([]byte, probeBufMax)
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil || f.closed.Load() {
			continue // an ICMP error of an earlier answer, or the firewall
		}
		node := f.holder()
		if node < 0 {
			continue // nobody holds the address: silence
		}
		if up := f.upstream(asker{from, node}, buf[:n]); up != nil {
			_, _ = up.Write(buf[:n]) // a dead owner is silence, as in a cloud
		}
	}
	f.wg.Wait()
}

// upstream returns the socket towards the owner for this asker of a question, and starts
// carrying the answers back when it is new.
func (f *floatingUDP) upstream(a asker, question []byte) *net.UDPConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard.keep(question)
	if up := f.askers[a]; up != nil {
		return up
	}
	if f.askers == nil || len(f.askers) >= askersMax {
		return nil
	}
	up, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.daemon(a.node)))
	if err != nil {
		return nil // out of sockets: one more datagram lost
	}
	f.askers[a] = up
	f.wg.Go(func() { f.answer(a, up) })
	return up
}

// answer carries the owner's answers back until nothing came for a while.
func (f *floatingUDP) answer(a asker, up *net.UDPConn) {
	defer f.forget(a, up)
	buf := make([]byte, probeBufMax)
	for {
		_ = up.SetReadDeadline(time.Now().Add(askerIdle)) // fails only when closed, and so will the read
		n, err := up.Read(buf)
		var timeout net.Error
		switch {
		case err == nil:
			_, _ = f.conn.WriteToUDPAddrPort(buf[:n], a.from) // the asker may be gone
		case errors.Is(err, net.ErrClosed), errors.As(err, &timeout) && timeout.Timeout():
			return
		}
	}
}

func (f *floatingUDP) forget(a asker, up *net.UDPConn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.askers, a)
	_ = up.Close() // datagrams only
}

func (f *floatingUDP) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.conn.Close() // datagrams only
	for _, up := range f.askers {
		_ = up.Close() // its reader forgets it
	}
	f.askers = nil
}
