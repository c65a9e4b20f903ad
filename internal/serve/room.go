// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package serve

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// settling is how long a client is waited for in any case, so that a request that comes
// with its connection is seen, however fast others connect again.
const settling = 100 * time.Millisecond

// room is a listener that gives out a bounded number of connections.
type room struct {
	net.Listener
	most int

	mu     sync.Mutex
	change sync.Cond // a client began to be waited for or went, or the room closed
	seats  map[*seat]bool
	closed bool
}

func newRoom(l net.Listener, most int) *room {
	r := &room{Listener: l, most: most, seats: map[*seat]bool{}}
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
	for len(r.seats) >= r.most && !r.closed {
		first := r.longest()
		if first == nil {
			r.change.Wait()
			continue
		}
		if left := settling - time.Since(first.since); left > 0 {
			t := time.AfterFunc(left, r.change.Broadcast)
			r.change.Wait()
			t.Stop()
			continue
		}
		delete(r.seats, first)
		first.Conn.Close()
	}
	if r.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	s := &seat{Conn: c, room: r, since: time.Now()}
	r.seats[s] = true
	return s, nil
}

// longest returns whose client has been waited for longest, nil: every one waits for the
// server. The caller holds the lock.
func (r *room) longest() *seat {
	var first *seat
	for s := range r.seats {
		if !s.since.IsZero() && (first == nil || s.since.Before(first.since)) {
			first = s
		}
	}
	return first
}

// Close stops listening.
func (r *room) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.change.Broadcast()
	return r.Listener.Close()
}

// follow is told by the server what becomes of a connection.
func (r *room) follow(c net.Conn, state http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := c.(*seat)
	switch state {
	case http.StateActive: // a header is here, a body may follow
		s.since = time.Now()
	case http.StateClosed, http.StateHijacked:
		delete(r.seats, s)
	}
	r.change.Broadcast()
}

// seat is one connection of a room.
type seat struct {
	net.Conn
	room *room
	// since is when the client began to be waited for: for its request, or to read the
	// answer. Zero: it has asked, and the server works. The room's lock guards it.
	since time.Time
}

// wait notes since when the client is waited for, and returns what was noted before.
func (s *seat) wait(since time.Time) (before time.Time) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	before, s.since = s.since, since
	s.room.change.Broadcast()
	return before
}

// Write sends a part of an answer, and waits for the client meanwhile.
func (s *seat) Write(p []byte) (int, error) {
	before := s.wait(time.Now())
	n, err := s.Conn.Write(p)
	if before.IsZero() {
		s.wait(time.Time{})
	} else {
		s.wait(time.Now())
	}
	return n, err
}
