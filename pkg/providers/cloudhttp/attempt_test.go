// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheTokenIsReadForEachAttempt(t *testing.T) {
	t.Parallel()
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if len(seen) < 3 {
			w.WriteHeader(503)
		}
	}))
	defer srv.Close()
	asked := 0
	c := New(Config{Token: func() (Secret, error) { asked++; return NewSecret(fmt.Sprintf("token-%d", asked)), nil }})
	defer c.HTTP().CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
	if resp, err := c.Do(req); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	if diff := cmp.Diff([]string{"Bearer token-1", "Bearer token-2", "Bearer token-3"}, seen); diff != "" {
		t.Error(diff)
	}
	if req.Header.Get("Authorization") != "" {
		t.Error("the caller's request was modified")
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]TokenSource{
		"the source fails":   func() (Secret, error) { return Secret{}, errors.New("open /x: gone") },
		"the token is empty": func() (Secret, error) { return Secret{}, nil },
	} {
		for _, method := range []string{"GET", "POST"} {
			sent := 0
			_, err := New(Config{Token: source, Transport: script(&sent, answer{status: 200})}).Do(request(t, t.Context(), method, ""))
			if !errors.Is(err, ErrCredentials) || Sent(err) || sent != 0 {
				t.Errorf("%s, %s: got %v (sent %v) after %d requests", name, method, err, Sent(err), sent)
			}
		}
	}
}

func TestAnAnswerThatRepeatsTheTokenIsRedacted(t *testing.T) {
	t.Parallel()
	const token = "dop_v1_0123456789"
	echo := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: 401, Request: req,
			Header: http.Header{"X-Echo": {"it was " + req.Header.Get("Authorization")}},
			Body:   io.NopCloser(strings.NewReader(`{"message":"bad ` + req.Header.Get("Authorization") + `"}`)),
		}, nil
	}}
	c := New(Config{Transport: echo, Token: func() (Secret, error) { return NewSecret(token), nil }})
	resp, err := c.Do(request(t, t.Context(), "POST", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	got := []string{string(body), resp.Header.Get("X-Echo")}
	want := []string{`{"message":"bad Bearer [redacted]"}`, "it was Bearer [redacted]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestABodyIsBounded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		size   int
		failed bool
	}{{BodyMax, false}, {BodyMax + 1, true}} {
		sent := 0
		big := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
			sent++
			return &http.Response{StatusCode: 200, Header: http.Header{}, Request: req, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", tc.size)))}, nil
		}}
		resp, err := New(Config{Transport: big}).Do(request(t, t.Context(), "GET", ""))
		if errors.Is(err, ErrBodyTooLarge) != tc.failed || sent != 1 {
			t.Errorf("%d bytes: %v after %d requests", tc.size, err, sent)
		}
		if !tc.failed && resp.ContentLength != int64(tc.size) {
			t.Errorf("ContentLength = %d", resp.ContentLength)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s followed a redirect, with token %q", r.Method, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	c := New(Config{Token: func() (Secret, error) { return NewSecret("secret-token"), nil }})
	defer c.HTTP().CloseIdleConnections()
	for _, method := range []string{"GET", "POST"} {
		req, _ := http.NewRequestWithContext(t.Context(), method, srv.URL, strings.NewReader("{}"))
		if resp, err := c.HTTP().Do(req); err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
			t.Errorf("%s: got %v, %v; want the redirect itself", method, resp, err)
		}
	}
}

func TestTheUserAgentGoesFirst(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ ours, theirs, want string }{
		{"fipctl/1", "godo/2", "fipctl/1 godo/2"},
		{"fipctl/1", "", "fipctl/1"},
		{"", "godo/2", "godo/2"},
	} {
		var got string
		rt := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
			got = req.UserAgent()
			return nil, io.EOF
		}}
		req := request(t, t.Context(), "POST", "{}")
		req.Header.Set("User-Agent", tc.theirs)
		_, _ = New(Config{Transport: rt, UserAgent: tc.ours}).Do(req)
		if got != tc.want {
			t.Errorf("user agent = %q, want %q", got, tc.want)
		}
	}
}

func TestTheClientHandedOutIsACopy(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	c.HTTP().CheckRedirect = nil
	c.HTTP().Transport = nil
	if h := c.HTTP(); h.CheckRedirect == nil || h.Transport == nil {
		t.Error("changing one client changed the next")
	}
}

func TestTheBodyOfARequestThatIsNotSentIsClosed(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := request(t, ctx, "POST", "{}")
	body := &closing{Reader: strings.NewReader("{}")}
	req.Body = body
	a := &attempts{timeout: AttemptTimeout, base: &roundTrip{}}
	if _, err := a.RoundTrip(req); err == nil || !body.closed {
		t.Errorf("got %v, closed %v", err, body.closed)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// TestASwitchOfProtocolsEndsAtOnce: net/http hands over the connection as the body of a 101,
// which no context ends.
func TestASwitchOfProtocolsEndsAtOnce(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, readsMax+1)
	addr := serving(t, func(conn net.Conn) {
		answering("HTTP/1.1 101 Switching\x1bProtocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")(conn)
		_, _ = io.Copy(io.Discard, conn)
		closed <- struct{}{}
	})
	c := New(Config{AttemptTimeout: time.Minute}) // no deadline that could end it
	for _, method := range []string{"GET", "POST"} {
		req, _ := http.NewRequestWithContext(t.Context(), method, "http://"+addr, nil)
		_, err := c.Do(req)
		const want = "the answer switches to another protocol (101 Switching Protocols), which was not asked for; look at the endpoint, and at what answers in its place"
		var bare *Error
		if !errors.As(err, &bare) || bare.Error() != want || !Sent(err) {
			t.Errorf("%s: got %v (sent %v)", method, err, Sent(err))
		}
	}
	for range readsMax + 1 {
		<-closed
	}
}

// TestTheWaitForABodyEndsWithTheContext, whatever the body is.
func TestTheWaitForABodyEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deaf := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
			never, _ := io.Pipe() // knows no context
			return &http.Response{StatusCode: 200, Body: never, Request: req}, nil
		}}
		c := New(Config{Transport: deaf})
		if _, err := c.Do(request(t, t.Context(), "POST", "{}")); !errors.Is(err, ErrTimeout) || !Sent(err) {
			t.Errorf("got %v (sent %v), want a timeout", err, Sent(err))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := c.Do(request(t, ctx, "GET", "")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want a cancellation", err)
		}
	})
}

// TestACompressionThatWasNotAskedForIsSaid: its bytes would be taken for a broken document.
func TestACompressionThatWasNotAskedForIsSaid(t *testing.T) {
	t.Parallel()
	for coding, want := range map[string]string{
		"br":       "the answer (status 200) is compressed with br, which was not asked for; look at the endpoint, and at what answers in its place",
		"Deflate":  "the answer (status 200) is compressed with deflate, which was not asked for; look at the endpoint, and at what answers in its place",
		"identity": "",
		"utf-8":    "",
		"":         "",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", coding)
			_, _ = io.WriteString(w, "{}")
		}))
		c := New(Config{Token: func() (Secret, error) { return NewSecret("x"), nil }})
		req, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL, nil)
		_, err := c.Do(req)
		var bare *Error
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", coding, err)
		case want != "" && (!errors.As(err, &bare) || bare.Error() != want || !bare.Sent):
			t.Errorf("%s: got %v\nwant %s", coding, err, want)
		}
		c.HTTP().CloseIdleConnections()
		srv.Close()
	}
}

// TestACompressedAnswerThatStopsIsGivenUp: it is closed while it is read.
func TestACompressedAnswerThatStopsIsGivenUp(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	_, _ = io.WriteString(z, strings.Repeat("{}", 1000))
	_ = z.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body.Bytes()[:body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer srv.Close()
	c := New(Config{Token: func() (Secret, error) { return NewSecret("x"), nil }, AttemptTimeout: 300 * time.Millisecond})
	defer c.HTTP().CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL, nil)
	if _, err := c.Do(req); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v", err)
	}
}
