// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Network is a network in memory for tests and simulations. Without delays
// datagrams arrive while they are sent; with delays on the clock of package time,
// so in a testing/synctest bubble on virtual time. For equal seeds and calls it
// loses the same datagrams. It is safe for concurrent use.
type Network struct {
	mu     sync.Mutex
	rand   *rand.Rand
	links  map[direction]Link
	routes map[netip.Addr]*Memory // who has an address
	flight []flight               // sorted by due time, then by number
	sent   uint64
}

// Link is the state of one direction between two addresses. The zero Link is
// perfect.
type Link struct {
	Cut    bool          // nothing arrives, notices neither
	Loss   float64       // share of datagrams that vanish, 0 to 1
	Delay  time.Duration // from sending to arrival
	Jitter time.Duration // at most this much more, evenly spread; may reorder
}

// direction is a pair of addresses. Links belong to addresses, not to nodes, so a
// path through a floating IP can break on its own.
type direction struct{ from, to netip.Addr }

// flight is a packet under way.
type flight struct {
	due    time.Time
	number uint64
	to     netip.AddrPort
	packet Packet
}

// queueMax is how many packets wait at one endpoint before newer ones are lost,
// as in a socket's receive buffer.
const queueMax = 256

// NewNetwork returns a network of perfect links without endpoints.
func NewNetwork(seed uint64) *Network {
	return &Network{
		rand:   rand.New(rand.NewPCG(seed, 0)),
		links:  map[direction]Link{},
		routes: map[netip.Addr]*Memory{},
	}
}

// SetLink changes the direction from one address to another. What is under way
// already arrives as it was going to.
func (n *Network) SetLink(from, to netip.Addr, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[direction{from, to}] = l
}

// Listen opens an endpoint at local that also answers at the other addresses, as
// a wildcard socket does. An address taken by an open endpoint is an error; one
// left by a closed endpoint is taken over, as by a restarted daemon.
func (n *Network) Listen(local netip.AddrPort, others ...netip.Addr) (*Memory, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addresses := append([]netip.Addr{local.Addr()}, others...)
	for _, a := range addresses {
		if holder := n.routes[a]; holder != nil && !holder.closed {
			return nil, fmt.Errorf("listen on %v: address %v is in use", local, a)
		}
	}
	m := &Memory{network: n, local: local, wake: make(chan struct{}, 1)}
	for _, a := range addresses {
		n.routes[a] = m
	}
	return m, nil
}

// Move gives an address to an endpoint, or with nil to nobody, as a cloud does
// with a floating IP. What is under way arrives at the new holder.
func (n *Network) Move(a netip.Addr, to *Memory) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if to == nil {
		delete(n.routes, a)
		return
	}
	n.routes[a] = to
}

// send puts a packet on its way. The caller holds the lock.
func (n *Network) send(to netip.AddrPort, p Packet) {
	l := n.links[direction{p.From.Addr(), to.Addr()}]
	if l.Cut || (l.Loss > 0 && n.rand.Float64() < l.Loss) {
		return
	}
	delay := l.Delay
	if l.Jitter > 0 {
		delay += time.Duration(n.rand.Int64N(int64(l.Jitter) + 1))
	}
	if delay <= 0 {
		n.arrive(to, p)
		return
	}
	n.sent++
	f := flight{due: time.Now().Add(delay), number: n.sent, to: to, packet: p}
	i, _ := slices.BinarySearchFunc(n.flight, f, func(a, b flight) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.number, b.number))
	})
	n.flight = slices.Insert(n.flight, i, f)
	time.AfterFunc(delay, n.land)
}

// land delivers everything that is due, in order. Timers of one instant fire in
// any order, so each looks after all.
func (n *Network) land() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for len(n.flight) > 0 && !n.flight[0].due.After(now) {
		f := n.flight[0]
		n.flight = n.flight[1:]
		n.arrive(f.to, f.packet)
	}
}

// arrive hands a packet to the holder of the address. Where a host is but
// nothing listens, it answers with a notice, but never to a notice.
func (n *Network) arrive(to netip.AddrPort, p Packet) {
	m := n.routes[to.Addr()]
	switch {
	case m == nil:
	case !m.closed && m.local.Port() == to.Port():
		m.push(p)
	case !p.Refused:
		n.send(p.From, Packet{From: to, Refused: true})
	}
}
