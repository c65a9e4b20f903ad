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
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// dying serves the first exchange of each connection and swallows what comes then, as a path
// does whose state was lost on the way. It counts connections and the requests in them.
func dying(t *testing.T) (url string, conns, requests *atomic.Int32) {
	conns, requests = new(atomic.Int32), new(atomic.Int32)
	addr := serving(t, func(conn net.Conn) {
		conns.Add(1)
		r := bufio.NewReader(conn)
		for first := true; ; first = false {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(req.Body)
			requests.Add(1)
			if first {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"+(string(body) + "{}")[:2])
			}
		}
	})
	return "http://" + addr, conns, requests
}

// TestAReadGoesOnBesideADeadConnection: within the deadline of its caller, an attempt's, which a
// repetition after the attempt would not meet. A read that is a POST has its body both times.
func TestAReadGoesOnBesideADeadConnection(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "[]"} {
		url, conns, requests := dying(t)
		c := New(Config{})
		defer c.HTTP().CloseIdleConnections()
		want := (body + "{}")[:2]
		for i := range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), AttemptTimeout)
			defer cancel()
			method := "GET"
			if body != "" {
				method = "POST"
			}
			req, _ := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
			resp, err := c.ReadTransport().RoundTrip(req)
			if err != nil {
				t.Fatalf("read %d: %v", i+1, err)
			}
			if got, _ := io.ReadAll(resp.Body); string(got) != want {
				t.Errorf("read %d: got %s, want %s", i+1, got, want)
			}
		}
		if conns.Load() != 2 || requests.Load() != 3 {
			t.Errorf("%d connections and %d requests, want 2 and 3", conns.Load(), requests.Load())
		}
	}
}

// TestAWriteIsNeverAskedBeside guards promise 2 on the same connection.
func TestAWriteIsNeverAskedBeside(t *testing.T) {
	t.Parallel()
	url, _, requests := dying(t)
	c := New(Config{AttemptTimeout: suspectMin + 300*time.Millisecond})
	defer c.HTTP().CloseIdleConnections()
	for i, lost := range []bool{false, true} {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader("{}"))
		if _, err := c.Do(req); errors.Is(err, ErrTimeout) != lost {
			t.Errorf("write %d: %v", i+1, err)
		}
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d writes arrived, want 2", n)
	}
}

// TestAFreshConnectionIsNotSuspected: an API that is slow to answer is asked once.
func TestAFreshConnectionIsNotSuspected(t *testing.T) {
	t.Parallel()
	requests := new(atomic.Int32)
	addr := serving(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			requests.Add(1)
		}
	})
	c := New(Config{AttemptTimeout: suspectMin + 300*time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), suspectMin+200*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+addr, nil)
	if _, err := c.Do(req); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v", err)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestWhatIsUsualComesFromTheLastAnswers(t *testing.T) {
	t.Parallel()
	b := &beside{}
	want := func(d time.Duration) {
		t.Helper()
		if got := b.patience(); got != d {
			t.Errorf("got %v, want %v", got, d)
		}
	}
	want(suspectMin)
	b.answered(100 * time.Millisecond)
	want(suspectMin)
	b.answered(700 * time.Millisecond)
	want(1400 * time.Millisecond)
	for range suspectOf - 1 {
		b.answered(300 * time.Millisecond)
	}
	want(1400 * time.Millisecond)
	b.answered(300 * time.Millisecond)
	want(600 * time.Millisecond)
}
