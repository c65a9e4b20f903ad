// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// Memory is an endpoint of a [Network].
type Memory struct {
	network *Network
	local   netip.AddrPort
	wake    chan struct{} // capacity 1: the queue grew, or the endpoint was closed

	// The network's lock guards what follows.
	queue   []Packet
	dropped uint64
	closed  bool
}

// LocalAddr implements [Transport].
func (m *Memory) LocalAddr() netip.AddrPort { return m.local }

// Send implements [Transport].
func (m *Memory) Send(to netip.AddrPort, from netip.Addr, b []byte) error {
	n := m.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.closed {
		return fmt.Errorf("send to %v: %w", to, ErrClosed)
	}
	if !from.IsValid() {
		from = m.local.Addr()
	}
	if n.routes[from] != m {
		return fmt.Errorf("send to %v: %v is not an address of this node", to, from)
	}
	n.send(to, Packet{
		From: netip.AddrPortFrom(from, m.local.Port()), To: to.Addr(),
		Data: slices.Clone(b[:min(len(b), ReadMax)]),
	})
	return nil
}

// push queues a packet that arrived. The caller holds the lock.
func (m *Memory) push(p Packet) {
	if len(m.queue) >= queueMax {
		m.dropped++
		return
	}
	m.queue = append(m.queue, p)
	m.signal()
}

func (m *Memory) signal() {
	select {
	case m.wake <- struct{}{}:
	default: // the waiter was told already
	}
}

// Poll implements [Transport].
func (m *Memory) Poll(p *Packet) bool {
	m.network.mu.Lock()
	defer m.network.mu.Unlock()
	if m.closed || len(m.queue) == 0 {
		return false
	}
	first := m.queue[0]
	m.queue = m.queue[1:]
	*p = Packet{From: first.From, To: first.To, Refused: first.Refused, Data: append(p.Data[:0], first.Data...)}
	return true
}

// Wait implements [Transport].
func (m *Memory) Wait(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m.network.mu.Lock()
		closed, waiting := m.closed, len(m.queue)
		m.network.mu.Unlock()
		switch {
		case closed:
			return ErrClosed
		case waiting > 0:
			return nil
		}
		select {
		case <-m.wake:
		case <-ctx.Done():
		}
	}
}

// Dropped implements [Transport].
func (m *Memory) Dropped() uint64 {
	m.network.mu.Lock()
	defer m.network.mu.Unlock()
	return m.dropped
}

// Close implements [Transport]. The host stays: from now on it answers that
// nothing listens.
func (m *Memory) Close() error {
	m.network.mu.Lock()
	defer m.network.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.closed, m.queue = true, nil
	m.signal()
	return nil
}
