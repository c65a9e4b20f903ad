// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of every server. Who asks a daemon on the same machine or over its network sends
// a request within milliseconds.
const (
	requestTimeout = 5 * time.Second // for one whole request, and for the first byte of it
	idleTimeout    = time.Minute     // between two requests: more than the usual interval of scrapes
	shutdownGrace  = time.Second     // what requests under way get when the daemon stops
	headerBytesMax = 8 << 10
)

// Config is what New needs.
type Config struct {
	Name        string // for logs
	Listener    net.Listener
	Handler     http.Handler
	Connections int   // at most so many at once, more than 0
	Body        int64 // of a request, in bytes, at most
	// Write bounds an answer. 0: the handler does.
	Write time.Duration
	Log   *slog.Logger // what net/http has to say, at debug
}

// Server serves one listener.
type Server struct {
	name string
	room *room
	http *http.Server
}

// New returns a server. It starts nothing; Run closes the listener.
func New(c Config) *Server {
	r := newRoom(c.Listener, c.Connections)
	return &Server{name: c.Name, room: r, http: &http.Server{
		Handler:        whole(c.Handler, c.Body),
		ReadTimeout:    requestTimeout, // and of its header
		IdleTimeout:    idleTimeout,
		WriteTimeout:   c.Write,
		MaxHeaderBytes: headerBytesMax,
		ConnState:      r.follow,
		ConnContext:    withSeat,
		ErrorLog:       slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug), // not standard error, past the queue
	}}
}

// String returns what the server is, for logs.
func (s *Server) String() string { return s.name + " " + s.room.Addr().String() }

// Run serves until ctx ends; then it takes no more requests, gives those under way a
// second and ends them with their connections. It returns nil on cancellation.
func (s *Server) Run(ctx context.Context) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		grace, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer done()
		if s.http.Shutdown(grace) != nil {
			s.http.Close()
		}
	})
	err := s.http.Serve(s.room)
	if !stop() {
		<-closed
	}
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", s, err)
}
