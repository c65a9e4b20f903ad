// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	headerTimeout = 10 * time.Second // for a caller to finish what it asks
	closeGrace    = time.Second      // for answers under way when a service ends
)

// service answers HTTP on one listener.
type service struct {
	ln     net.Listener
	server *http.Server
	cancel context.CancelFunc
}

func newService(ln net.Listener, h http.Handler) *service {
	ctx, cancel := context.WithCancel(context.Background())
	return &service{ln: ln, cancel: cancel, server: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}}
}

// run serves until ctx ends.
func (s *service) run(ctx context.Context) error {
	closed := make(chan error, 1)
	unhook := context.AfterFunc(ctx, func() { closed <- s.close() })
	err := s.server.Serve(s.ln)
	if !unhook() {
		err = errors.Join(err, <-closed)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", s.ln.Addr(), err)
}

// close gives up the calls that wait, and lets the others end for a moment. It may
// be called more than once.
func (s *service) close() error {
	s.cancel()
	ctx, done := context.WithTimeout(context.Background(), closeGrace)
	defer done()
	err := s.server.Shutdown(ctx)
	_ = s.ln.Close() // closed by Shutdown already, unless run was never called
	if err == nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return s.server.Close()
}

// metadataHandler gives each node its own answers, by the address it asks from:
// the fabric carries no other's.
func (v *vpc) metadataHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		node, ok := v.inside(Metadata, from.Addr().Unmap())
		if err != nil || !ok || node < 0 || v.options.Nodes[node].Metadata == nil {
			http.NotFound(w, r)
			return
		}
		v.options.Nodes[node].Metadata.ServeHTTP(w, r)
	})
}
