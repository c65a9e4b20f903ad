// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// flaky serves the first request of each connection and cuts the connection when
// the second one has arrived: a kept-alive connection going away at the worst
// moment. It counts the requests that arrived.
func flaky(t *testing.T) (url string, arrived *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	arrived = new(atomic.Int32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for served := false; ; served = true {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					arrived.Add(1)
					if served {
						return
					}
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), arrived
}

func TestAWriteOnADyingKeptConnectionLeavesOnce(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "Idempotency-Key"} {
		url, arrived := flaky(t)
		c := New(Config{})
		defer c.HTTP().CloseIdleConnections()
		post := func() error {
			req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if header != "" {
				req.Header.Set(header, "1")
			}
			_, err = c.Do(req)
			return err
		}
		if err := post(); err != nil {
			t.Fatal(err)
		}
		if err := post(); err == nil || !Sent(err) {
			t.Errorf("got %v (sent %v), want a lost reply", err, Sent(err))
		}
		if n := arrived.Load(); n != 2 {
			t.Errorf("header %q: %d writes arrived, want 2", header, n)
		}
	}
}

func TestAReadOnADyingKeptConnectionIsRepeated(t *testing.T) {
	t.Parallel()
	url, arrived := flaky(t)
	c := New(Config{})
	defer c.HTTP().CloseIdleConnections()
	for range 2 {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if _, err := c.Do(req); err != nil {
			t.Fatal(err)
		}
	}
	if n := arrived.Load(); n != 3 {
		t.Errorf("%d reads arrived, want 3", n)
	}
}

// TestAWriteGateClosedInGotConnHoldsTheRequestBack guards invariant 1: cancelling
// in the hook is the last moment, and it must be firm, not a race.
func TestAWriteGateClosedInGotConnHoldsTheRequestBack(t *testing.T) {
	t.Parallel()
	arrived := new(atomic.Int32)
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			arrived.Add(1)
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	for _, srv := range []*httptest.Server{plain, secure} {
		c, base := trusting(srv)
		defer base.CloseIdleConnections()
		for range 50 {
			warm, _ := http.NewRequestWithContext(t.Context(), "HEAD", srv.URL, nil)
			if _, err := c.Do(warm); err != nil {
				t.Fatal(err)
			}
			for _, body := range []string{"", "{}"} {
				closedGate := errors.New("a newer term is known")
				ctx, cancel := context.WithCancelCause(t.Context())
				hooked := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { cancel(closedGate) }})
				req, _ := http.NewRequestWithContext(hooked, "POST", srv.URL, strings.NewReader(body))
				if _, err := c.Do(req); !errors.Is(err, closedGate) || Sent(err) {
					t.Fatalf("got %v (sent %v), want the closed gate and nothing sent", err, Sent(err))
				}
			}
		}
	}
	plain.Close()
	secure.Close() // waits for every handler
	if n := arrived.Load(); n != 0 {
		t.Errorf("%d writes arrived through a closed gate", n)
	}
}

// trusting returns a client on this package's own transport that accepts the
// certificate of srv.
func trusting(srv *httptest.Server) (*Client, *http.Transport) {
	c, base := New(Config{}), newTransport()
	if srv.Certificate() != nil {
		base.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	}
	a := &attempts{base: base, gated: true, timeout: AttemptTimeout}
	c.http.Transport = &router{reads: retryReads(a), writes: a}
	return c, base
}

func TestOnlyHTTP1IsSpoken(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c, base := trusting(srv)
	defer base.CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
	if resp, err := c.Do(req); err != nil || resp.Proto != "HTTP/1.1" {
		t.Errorf("got %v, %v", resp, err)
	}
}

func TestSentTellsWhetherARequestLeft(t *testing.T) {
	t.Parallel()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	partial := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"action":`)
	}))
	defer partial.Close()
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer hang.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, tc := range []struct {
		name, url string
		sent      bool
	}{
		{"nobody listens", closed.URL, false},
		{"no such host", "http://host.invalid", false},
		{"the connection is cut without an answer", cut.URL, true},
		{"the answer is cut short", partial.URL, true},
		{"the answer never comes", hang.URL, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := New(Config{AttemptTimeout: 200 * time.Millisecond})
			defer c.HTTP().CloseIdleConnections()
			req, _ := http.NewRequestWithContext(t.Context(), "POST", tc.url, strings.NewReader("{}"))
			if _, err := c.Do(req); err == nil || Sent(err) != tc.sent {
				t.Errorf("got %v, sent %v; want sent %v", err, Sent(err), tc.sent)
			}
		})
	}
}

func TestTheEnvironmentsProxyIsAsked(t *testing.T) {
	t.Parallel()
	if newTransport().Proxy == nil {
		t.Error("the transport has no proxy function")
	}
}

// TestWhatWasGivenUpIsNotSentLater: the server that reads on after the attempt finds a reset,
// by which the kernel lets go of what it still had to send, and after an answer a plain end.
func TestWhatWasGivenUpIsNotSentLater(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, answer string
		reset        bool
	}{
		{"no answer", "", true},
		{"an answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ended := make(chan error, 1)
			go func() {
				conn, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				defer conn.Close()
				if tc.answer != "" {
					answering(tc.answer)(conn)
				}
				_, err = io.Copy(io.Discard, conn)
				ended <- err
			}()
			c := New(Config{AttemptTimeout: 100 * time.Millisecond})
			req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+l.Addr().String(), strings.NewReader("{}"))
			_, err = c.Do(req)
			if (err != nil) != tc.reset {
				t.Fatalf("got %v", err)
			}
			c.HTTP().CloseIdleConnections()
			if err := <-ended; errors.Is(err, syscall.ECONNRESET) != tc.reset {
				t.Errorf("the server finds %v", err)
			}
		})
	}
}
