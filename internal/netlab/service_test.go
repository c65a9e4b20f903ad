// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestMetadataIsToldApartByTheSender(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.holders[floating] = 0
	v := newVPC(t, c, inside)
	v.options.Nodes[0].Metadata = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	})
	tests := []struct {
		name, from string
		want       int
	}{
		{"a node", "10.0.4.20:1000", http.StatusTeapot},
		{"a node that asks from a floating address", "10.0.4.99:1000", http.StatusTeapot},
		{"a node without metadata", "10.0.4.21:1000", http.StatusNotFound},
		{"the client", "10.0.4.50:1000", http.StatusNotFound},
		{"nobody that is known", "10.0.4.77:1000", http.StatusNotFound},
		{"no address", "", http.StatusNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
			r.RemoteAddr = tt.from
			v.metadataHandler().ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("got status %d, want %d", w.Code, tt.want)
			}
		})
	}
}

// pipes is a listener within the process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestAServiceThatEndsGivesUpTheCallsThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waited := false
		ln := newPipes()
		s := newService(ln, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			waited = true
		}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.run(ctx) }()
		ours, theirs := net.Pipe()
		defer ours.Close()
		ln.conns <- theirs
		if _, err := io.WriteString(ours, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		began := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); !waited || took >= closeGrace {
			t.Errorf("the call ended: %t, after %s", waited, took)
		}
	})
}

func TestAServiceThatNeverRanStopsListening(t *testing.T) {
	t.Parallel()
	ln := newPipes()
	if err := newService(ln, http.NotFoundHandler()).close(); err != nil {
		t.Error(err)
	}
	select {
	case <-ln.closed:
	default:
		t.Error("it still listens")
	}
}
