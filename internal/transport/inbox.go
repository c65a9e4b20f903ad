// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// InboxSize is how many packets the daemon's Inbox holds. Linux charges at least
// 768 bytes of its default receive buffer of 212,992 for a datagram, so what it
// can hold (277) always fits, as does a second of adverts at the shortest interval
// from the 15 peers of the largest cluster (300).
const InboxSize = 512

// A reader that is woken in vain again and again waits before it looks anew, so
// that an error that does not go away cannot take a core.
const (
	idleRoundsMax = 8
	idlePauseMin  = time.Millisecond
	idlePauseMax  = time.Second
)

// Inbox is the bounded queue between the network and the engine. Two parties
// fill it: Run as datagrams arrive, and Fill when the engine must know that
// nothing is left in the kernel. Reading and queueing happen under one lock, so
// no packet is ever in the hands of a goroutine that does not run.
//
// When it is full the oldest packet makes way: later adverts of a node say all
// that earlier ones said.
type Inbox struct {
	transport Transport
	ready     chan struct{} // capacity 1: something may be there to take

	mu      sync.Mutex
	ring    []Packet // allocated once, one more than fit; head is the oldest of count
	head    int
	count   int
	dropped uint64
}

// NewInbox returns an inbox of the given size, which must be positive, for t. It
// starts nothing.
func NewInbox(t Transport, size int) *Inbox {
	in := &Inbox{transport: t, ready: make(chan struct{}, 1), ring: make([]Packet, size+1)}
	for i := range in.ring {
		in.ring[i].Data = make([]byte, 0, ReadMax)
	}
	return in
}

// Run moves packets from the transport into the inbox until ctx ends, which is
// no error, or the transport is closed or broken.
func (in *Inbox) Run(ctx context.Context) error {
	idle := 0
	for {
		if err := in.transport.Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, ErrClosed) {
				return fmt.Errorf("receive: %w", ErrClosed)
			}
			idle = max(idle, idleRoundsMax) // an error of the wait itself: pause at once
		}
		if in.Fill() > 0 {
			idle = 0
			continue
		}
		if idle++; idle > idleRoundsMax && !pause(ctx, idle-idleRoundsMax) {
			return nil
		}
	}
}

// String names the task.
func (in *Inbox) String() string { return "receive on " + in.transport.LocalAddr().String() }

// pause waits longer each time and reports whether ctx still runs.
func pause(ctx context.Context, round int) bool {
	timer := time.NewTimer(min(idlePauseMin<<min(round, 10), idlePauseMax))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Fill takes what has been received so far from the transport, without blocking,
// and returns how many packets that were. It stops after as many as the inbox
// holds, so that a flood cannot keep it.
func (in *Inbox) Fill() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := 0
	for n < len(in.ring)-1 && in.transport.Poll(in.free()) {
		n++
		in.count++
		if in.count == len(in.ring) {
			in.head = (in.head + 1) % len(in.ring)
			in.count--
			in.dropped++
		}
	}
	if in.count > 0 {
		select {
		case in.ready <- struct{}{}:
		default: // already announced
		}
	}
	return n
}

// free returns the slot behind the newest packet. There always is one.
func (in *Inbox) free() *Packet { return &in.ring[(in.head+in.count)%len(in.ring)] }

// Ready returns a channel that gives a value when packets wait to be taken. One
// value may stand for many packets, or for none any more.
func (in *Inbox) Ready() <-chan struct{} { return in.ready }

// Take puts the oldest packet into p and reports whether there was one. It swaps
// memory with p, so p is valid until the next Take into it.
func (in *Inbox) Take(p *Packet) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.count == 0 {
		return false
	}
	slot := &in.ring[in.head]
	*p, *slot = *slot, Packet{Data: p.Data[:0]}
	in.head = (in.head + 1) % len(in.ring)
	in.count--
	return true
}

// Dropped returns how many packets had to make way for newer ones.
func (in *Inbox) Dropped() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.dropped
}
