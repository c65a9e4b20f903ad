// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package serve

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// settling is how long a connection is left alone, so that a request that comes with it is
// seen, however fast others connect again.
const settling = 100 * time.Millisecond

// waiting is a connection without a request under way.
type waiting struct {
	net.Conn
	since time.Time
}

// room is a listener that gives out a bounded number of connections.
type room struct {
	net.Listener
	most int

	mu     sync.Mutex
	change sync.Cond // a connection began to wait or went, or the room closed
	idle   []waiting // without a request under way; who has waited longest is first
	busy   map[net.Conn]bool
	closed bool
}

func newRoom(l net.Listener, most int) *room {
	r := &room{Listener: l, most: most, busy: map[net.Conn]bool{}}
	r.change.L = &r.mu
	return r
}

// Accept returns the next connection, when there is room for it.
func (r *room) Accept() (net.Conn, error) {
	c, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.idle)+len(r.busy) >= r.most && !r.closed {
		if len(r.idle) == 0 {
			r.change.Wait()
			continue
		}
		if left := settling - time.Since(r.idle[0].since); left > 0 {
			t := time.AfterFunc(left, r.change.Broadcast)
			r.change.Wait()
			t.Stop()
			continue
		}
		r.idle[0].Close()
		r.idle = r.idle[1:]
	}
	if r.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	r.idle = append(r.idle, waiting{c, time.Now()})
	return c, nil
}

// Close stops listening.
func (r *room) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.change.Broadcast()
	return r.Listener.Close()
}

// follow is told by the server what becomes of a connection. One that has just made way
// for another has no request, whatever it has begun to send.
func (r *room) follow(c net.Conn, s http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := slices.IndexFunc(r.idle, func(w waiting) bool { return w.Conn == c })
	switch {
	case s == http.StateActive && at >= 0:
		r.idle = slices.Delete(r.idle, at, at+1)
		r.busy[c] = true
	case s == http.StateIdle && r.busy[c]:
		delete(r.busy, c)
		r.idle = append(r.idle, waiting{c, time.Now()})
	case s == http.StateClosed || s == http.StateHijacked:
		delete(r.busy, c)
		if at >= 0 {
			r.idle = slices.Delete(r.idle, at, at+1)
		}
	}
	r.change.Broadcast()
}
