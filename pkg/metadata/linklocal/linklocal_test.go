// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package linklocal

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const usual = "http://169.254.169.254/"

func client(t *testing.T, cfg Config) *Client {
	t.Helper()
	cfg.Default, cfg.BodyMax = usual, 10
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"":                       "http://169.254.169.254/a/b",
		"http://127.0.0.1:80":    "http://127.0.0.1:80/a/b",
		"http://127.0.0.1/lb-a/": "http://127.0.0.1/lb-a/a/b",
		"https://[fd00::1]/":     "https://[fd00::1]/a/b",
		"169.254.169.254":        "",
		"ftp://169.254.169.254/": "",
		"http://u:p@127.0.0.1/":  "",
		"http://127.0.0.1/?a=b":  "",
		"http://127.0.0.1/#a":    "",
	} {
		c, err := New(Config{Endpoint: endpoint, Default: usual})
		refusal := "metadata_endpoint: not a URL of scheme, host and path only; give one such as " + usual
		switch {
		case want == "" && (err == nil || err.Error() != refusal):
			t.Errorf("%q: got %v", endpoint, err)
		case want != "" && (err != nil || c.URL("a/b") != want):
			t.Errorf("%q: got %v, %v", endpoint, c, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   string // of the error; empty: none
		absent bool
	}{
		{"a document", 200, "0123456789", "", false},
		{"one that is too long", 200, "0123456789x", "more than 10 bytes", false},
		{"none", 404, "hush", "unexpected status 404", true},
		{"another status", 500, "hush", "unexpected status 500", false},
		{"a redirect is not followed", 302, "hush", "unexpected status 302", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer srv.Close()
			c := client(t, Config{Endpoint: srv.URL})
			defer c.CloseIdleConnections()
			body, err := c.Get(t.Context(), c.URL("x"))
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.want || Absent(err) != tt.absent || asked != 1 || err == nil && string(body) != tt.body || err != nil && body != nil {
				t.Errorf("got %q, %v, absent %v after %d requests", body, err, Absent(err), asked)
			}
		})
	}
}

func TestAnUnavailableServiceIsOneLine(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	c := client(t, Config{Endpoint: srv.URL})
	_, err := c.Get(t.Context(), c.URL("x"))
	if err == nil || strings.Contains(err.Error(), srv.URL) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}

// late answers after so long, or not at all.
type late time.Duration

func (l late) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-time.After(time.Duration(l)):
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("lb-a")), Request: req}, nil
	}
}

// TestAServiceThatIsSlowIsThere: one that takes as long as a slow cloud does is waited for.
func TestAServiceThatIsSlowIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := client(t, Config{Transport: late(3 * time.Second)})
		if got, err := c.Get(t.Context(), c.URL("x")); string(got) != "lb-a" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestARequestTakesAtMostFiveSecondsAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := client(t, Config{Transport: late(time.Hour)})
		begun := time.Now()
		_, err := c.Get(t.Context(), c.URL("x"))
		if err == nil || err.Error() != "no answer within 5s" || time.Since(begun) != Timeout {
			t.Errorf("got %v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Get(ctx, c.URL("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want a cancellation", err)
		}
	})
}

func TestTheServiceIsNeverAskedThroughAProxy(t *testing.T) {
	t.Parallel()
	if client(t, Config{}).http.Transport.(*http.Transport).Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

// TestASwitchOfProtocolsIsAStatus, and its connection, which comes as the body, is closed.
func TestASwitchOfProtocolsIsAStatus(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return // an answer to nothing is another mistake
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	}()
	c := client(t, Config{Endpoint: "http://" + l.Addr().String()})
	if _, err := c.Get(t.Context(), c.URL("x")); !errors.Is(err, Status(101)) {
		t.Errorf("got %v", err)
	}
	<-closed
}

// TestTheWaitForADocumentEndsWithItsContext, whatever its body is.
func TestTheWaitForADocumentEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := client(t, Config{Transport: mute{}})
		if _, err := c.Get(t.Context(), c.URL("x")); err == nil || err.Error() != "no answer within 5s" {
			t.Errorf("got %v", err)
		}
	})
}

// mute answers with a body that never comes and knows no context.
type mute struct{}

func (mute) RoundTrip(req *http.Request) (*http.Response, error) {
	never, _ := io.Pipe()
	return &http.Response{StatusCode: http.StatusOK, Body: never, Request: req}, nil
}
