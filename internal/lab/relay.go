// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	datagramMax = 64 << 10 // the relay carries whatever UDP carries; the daemons judge it
	delayedMax  = 1024     // datagrams on their way per direction; more are dropped and counted
)

// relay joins the nodes. Node i's file names node j at the stand-in address
// standIn(i, j); what i sends there reaches j from standIn(j, i), the address
// that j's file gives for i. Each direction of each pair is a link of its own, so
// that it can be cut, delayed or made lossy without privileges.
type relay struct {
	names   []string
	sockets [][]*net.UDPConn // [i][j]: the socket at standIn(i, j)
	links   [][]*link        // [i][j]: from i to j
	wg      sync.WaitGroup
}

// traffic is what a link has carried.
type traffic struct {
	Forwarded, Dropped int
	Last               time.Time // when the last datagram was handed on; zero: never
}

// link is one direction between two nodes.
type link struct {
	mu      sync.Mutex
	cut     bool
	delay   time.Duration
	loss    float64 // 0..1
	rng     *rand.Rand
	delayed int
	traffic traffic
	heard   tape
}

// openRelay binds the stand-ins of all pairs. Run carries the datagrams.
func openRelay(p *plan, names []string, seed uint64) (*relay, error) {
	r := &relay{names: names}
	for i := range names {
		r.sockets = append(r.sockets, make([]*net.UDPConn, len(names)))
		r.links = append(r.links, make([]*link, len(names)))
		for j := range names {
			if i == j {
				continue
			}
			conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(p.standIn(i, j)))
			if err != nil {
				r.close()
				return nil, err
			}
			r.sockets[i][j] = conn
			r.links[i][j] = &link{rng: rand.New(rand.NewPCG(seed, uint64(i*nodesMax+j)))}
		}
	}
	return r, nil
}

// run carries datagrams until ctx ends, then closes the sockets.
func (r *relay) run(ctx context.Context, p *plan) {
	for i := range r.sockets {
		for j, in := range r.sockets[i] {
			if i == j {
				continue
			}
			out, from, to := r.sockets[j][i], p.nodeDaemon(i), p.nodeDaemon(j)
			r.wg.Go(func() { r.carry(r.links[i][j], in, out, from, to) })
		}
	}
	<-ctx.Done()
	r.close()
	r.wg.Wait()
}

// carry hands on what the node at from sends to the stand-in.
func (r *relay) carry(l *link, in, out *net.UDPConn, from, to netip.AddrPort) {
	buf := make([]byte, datagramMax)
	for {
		n, source, err := in.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of an earlier send: the other node is down
		}
		delay, ok := l.admit(source == from)
		if !ok {
			continue
		}
		if delay == 0 {
			l.deliver(out, buf[:n], to)
			continue
		}
		datagram := append([]byte(nil), buf[:n]...)
		time.AfterFunc(delay, func() {
			l.arrived()
			l.deliver(out, datagram, to)
		})
	}
}

// admit decides what happens to one datagram: dropped, or handed on after a delay.
func (l *link) admit(known bool) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost := l.loss > 0 && l.rng.Float64() < l.loss
	if !known || l.cut || lost || l.delayed >= delayedMax {
		l.traffic.Dropped++
		return 0, false
	}
	if l.delay > 0 {
		l.delayed++
	}
	return l.delay, true
}

func (l *link) arrived() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delayed--
}

// deliver sends one datagram. A cut also stops what was still on its way.
func (l *link) deliver(out *net.UDPConn, datagram []byte, to netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		l.traffic.Dropped++
		return
	}
	if _, err := out.WriteToUDPAddrPort(datagram, to); err != nil {
		l.traffic.Dropped++ // nobody listens there, or the lab is ending
		return
	}
	l.heard.keep(datagram)
	l.traffic.Forwarded++
	l.traffic.Last = time.Now()
}

// change alters a link; the next datagram notices.
func (l *link) change(f func(*link)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

// seen returns what the link has carried so far.
func (l *link) seen() traffic {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.traffic
}

// lastHeard returns when the last datagram from node i reached node j; zero: never.
func (r *relay) lastHeard(i, j int) time.Time { return r.links[i][j].seen().Last }

// cut cuts or heals every direction between all nodes.
func (r *relay) cut(broken bool) {
	for i := range r.links {
		for j := range r.links[i] {
			if i != j {
				r.cutFrom(i, j, broken)
			}
		}
	}
}

// cutFrom cuts or heals the direction from node i to node j.
func (r *relay) cutFrom(i, j int, broken bool) {
	r.links[i][j].change(func(l *link) { l.cut = broken })
}

func (r *relay) close() {
	for _, row := range r.sockets {
		for _, conn := range row {
			if conn != nil {
				_ = conn.Close() // datagrams only: nothing to flush
			}
		}
	}
}
