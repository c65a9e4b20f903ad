// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package face

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// closeGrace is how long a closing listener waits for answers under way.
const closeGrace = time.Second

// Listener serves a handler on a TCP address.
type Listener struct {
	ln     net.Listener
	server *http.Server
	cancel context.CancelFunc
}

// Listen binds addr, such as "127.3.4.5:0", for h. Connections queue up from now
// on and are served once Run is called. The caller ends it with Close, or with
// the context of Run.
func Listen(addr string, h http.Handler) (*Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the fake cloud on %s: %w", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Listener{ln: ln, cancel: cancel, server: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}}, nil
}

// Addr returns the bound address.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// URL returns the base URL, without a slash at the end.
func (l *Listener) URL() string { return "http://" + l.ln.Addr().String() }

// String names the task for error messages.
func (l *Listener) String() string { return "fake cloud on " + l.ln.Addr().String() }

// Run serves until ctx ends or Close is called, and returns nil then. When it was
// ctx that ended, the calls under way have ended too.
func (l *Listener) Run(ctx context.Context) error {
	closed := make(chan error, 1)
	unhook := context.AfterFunc(ctx, func() { closed <- l.Close() })
	err := l.server.Serve(l.ln)
	if !unhook() {
		err = errors.Join(err, <-closed)
	}
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l, err)
}

// Close stops listening, gives up calls that wait (for a latency or in a black
// hole), lets the others end for at most a second, then closes all connections.
// It may be called more than once.
func (l *Listener) Close() error {
	l.cancel()
	ctx, done := context.WithTimeout(context.Background(), closeGrace)
	defer done()
	err := l.server.Shutdown(ctx)
	_ = l.ln.Close() // closed by Shutdown already, unless Run was never called
	if err == nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return l.server.Close()
}
