// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// numbered signs with the number of the signature and what it was shown.
func numbered(count *int) Signer {
	return func(req *http.Request, body []byte) ([]Secret, error) {
		*count++
		req.Header.Set("Authorization", fmt.Sprintf("%d %s %q by %s", *count, req.Method, body, req.UserAgent()))
		return nil, nil
	}
}

func TestEachAttemptIsSignedAgain(t *testing.T) {
	t.Parallel()
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if len(seen) < 3 {
			w.WriteHeader(503)
		}
	}))
	defer srv.Close()
	count := 0
	c := New(Config{Sign: numbered(&count), UserAgent: "fipctl/1"})
	defer c.HTTP().CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
	if resp, err := c.Do(req); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	want := []string{`1 GET "" by fipctl/1`, `2 GET "" by fipctl/1`, `3 GET "" by fipctl/1`}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if req.Header.Get("Authorization") != "" {
		t.Error("the caller's request was modified")
	}
}

func TestAWriteIsSignedOnceWithTheBodyThatIsSent(t *testing.T) {
	t.Parallel()
	count := 0
	rt := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(req.Body)
		if string(body) != `{"a":1}` || req.ContentLength != int64(len(body)) || req.GetBody != nil {
			t.Errorf("body %q of %d bytes, can be rewound: %v", body, req.ContentLength, req.GetBody != nil)
		}
		if want := `1 POST "{\"a\":1}" by `; req.Header.Get("Authorization") != want {
			t.Errorf("signed %s, want %s", req.Header.Get("Authorization"), want)
		}
		return nil, io.ErrUnexpectedEOF
	}}
	req := request(t, t.Context(), "POST", `{"a":1}`)
	body := &closing{Reader: req.Body}
	req.Body = body
	_, err := New(Config{Sign: numbered(&count), Transport: rt}).Do(req)
	if !errors.Is(err, io.ErrUnexpectedEOF) || count != 1 || !body.closed {
		t.Errorf("got %v after %d signatures, body closed %v", err, count, body.closed)
	}
}

func TestWithoutASignatureNothingIsSent(t *testing.T) {
	t.Parallel()
	refuse := func(*http.Request, []byte) ([]Secret, error) { return nil, errors.New("open /x: gone") }
	for _, method := range []string{"GET", "POST"} {
		sent := 0
		_, err := New(Config{Sign: refuse, Transport: script(&sent, answer{status: 200})}).Do(request(t, t.Context(), method, "{}"))
		if !errors.Is(err, ErrCredentials) || Sent(err) || sent != 0 {
			t.Errorf("%s: got %v (sent %v) after %d requests", method, err, Sent(err), sent)
		}
	}
}

func TestASignerThatIsGivenNoTimeHasNotRefused(t *testing.T) {
	t.Parallel()
	over := errors.New("the caller left")
	ctx, cancel := context.WithCancelCause(t.Context())
	wait := func(req *http.Request, _ []byte) ([]Secret, error) {
		cancel(over)
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	sent := 0
	_, err := New(Config{Sign: wait, Transport: script(&sent, answer{status: 200})}).Do(request(t, ctx, "POST", "{}"))
	if !errors.Is(err, over) || errors.Is(err, ErrCredentials) || Sent(err) || sent != 0 {
		t.Errorf("got %v (sent %v) after %d requests", err, Sent(err), sent)
	}
}

func TestAnAnswerThatRepeatsWhatASignerAddedIsRedacted(t *testing.T) {
	t.Parallel()
	echo := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: 401, Header: http.Header{"X-Echo": {req.Header.Get("X-Session")}}, Request: req,
			Body: io.NopCloser(strings.NewReader(req.Header.Get("X-Session") + " and " + req.Header.Get("X-Other"))),
		}, nil
	}}
	sign := func(req *http.Request, _ []byte) ([]Secret, error) {
		req.Header.Set("X-Session", "session-0123")
		req.Header.Set("X-Other", "other-4567")
		return []Secret{NewSecret("session-0123"), NewSecret("other-4567"), {}}, nil
	}
	resp, err := New(Config{Sign: sign, Transport: echo}).Do(request(t, t.Context(), "GET", ""))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if got, want := string(body)+" "+resp.Header.Get("X-Echo"), "[redacted] and [redacted] [redacted]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
