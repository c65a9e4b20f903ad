// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answer is one scripted answer: a status with headers, or an error.
type answer struct {
	status int
	after  string // Retry-After
	err    error
}

// script answers one after the other, the last one for ever, and counts.
func script(count *int, answers ...answer) *roundTrip {
	return &roundTrip{f: func(req *http.Request) (*http.Response, error) {
		a := answers[min(*count, len(answers)-1)]
		*count++
		if a.err != nil {
			return nil, a.err
		}
		header := http.Header{}
		if a.after != "" {
			header.Set("Retry-After", a.after)
		}
		return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
	}}
}

func TestOnlyReadsAreRepeatedAndOnlyWhenItMayHelp(t *testing.T) {
	t.Parallel()
	down, cut := answer{status: 503}, answer{err: io.ErrUnexpectedEOF}
	for _, tc := range []struct {
		name     string
		method   string
		answers  []answer
		sent     int
		status   int
		failed   bool
		waitMost time.Duration
	}{
		{"a read past one bad answer", "GET", []answer{down, {status: 200}}, 2, 200, false, backoffMax},
		{"a read past a cut connection", "GET", []answer{cut, {status: 200}}, 2, 200, false, backoffMax},
		{"HEAD is a read", "HEAD", []answer{down, {status: 200}}, 2, 200, false, backoffMax},
		{"a read that keeps failing is given up with the last answer", "GET", []answer{down}, 3, 503, false, 2 * backoffMax},
		{"a read whose connection keeps dying is given up", "GET", []answer{cut}, 3, 0, true, 2 * backoffMax},
		{"a read waits for a short Retry-After", "GET", []answer{{status: 429, after: "2"}, {status: 200}}, 2, 200, false, 2 * time.Second},
		{"a Retry-After of nothing is none", "GET", []answer{{status: 429, after: "0"}}, 1, 429, false, 0},
		{"a Retry-After that is no number in use is the caller's", "GET", []answer{{status: 429, after: "99999999999999999999"}}, 1, 429, false, 0},
		{"a long Retry-After is the caller's", "GET", []answer{{status: 429, after: "3"}}, 1, 429, false, 0},
		{"429 without a hint is not repeated", "GET", []answer{{status: 429}}, 1, 429, false, 0},
		{"a refused read is not repeated", "GET", []answer{{status: 404}}, 1, 404, false, 0},
		{"501 is not repeated", "GET", []answer{{status: 501}}, 1, 501, false, 0},
		{"a write is not repeated after 503", "POST", []answer{down, {status: 200}}, 1, 503, false, 0},
		{"a write is not repeated after a cut", "POST", []answer{cut, {status: 200}}, 1, 0, true, 0},
		{"a write is not repeated after 429", "POST", []answer{{status: 429, after: "1"}}, 1, 429, false, 0},
		{"PUT is a write", "PUT", []answer{down}, 1, 503, false, 0},
		{"PATCH is a write", "PATCH", []answer{down}, 1, 503, false, 0},
		{"DELETE is a write", "DELETE", []answer{down}, 1, 503, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sent, begun := 0, time.Now()
				c := New(Config{Transport: script(&sent, tc.answers...)})
				resp, err := c.Do(request(t, t.Context(), tc.method, ""))
				if (err != nil) != tc.failed || (err == nil && resp.StatusCode != tc.status) {
					t.Errorf("got %v, %v; want status %d", resp, err, tc.status)
				}
				if sent != tc.sent {
					t.Errorf("sent %d times, want %d", sent, tc.sent)
				}
				if took := time.Since(begun); took > tc.waitMost {
					t.Errorf("waited %v, want at most %v", took, tc.waitMost)
				}
			})
		})
	}
}

func TestAReadIsNotRepeatedWhenTheWaitWouldOutlastTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		sent, begun := 0, time.Now()
		c := New(Config{Transport: script(&sent, answer{status: 429, after: "1"})})
		resp, err := c.Do(request(t, ctx, "GET", ""))
		if err != nil || resp.StatusCode != 429 || sent != 1 || time.Since(begun) != 0 {
			t.Errorf("got %v, %v after %d requests and %v; want the 429 at once", resp, err, sent, time.Since(begun))
		}
	})
}

func TestNothingIsSentOnceTheContextIsOver(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		why := errors.New("the role was lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		sent := 0
		_, err := New(Config{Transport: script(&sent, answer{status: 200})}).Do(request(t, ctx, method, ""))
		if !errors.Is(err, why) || Sent(err) || sent != 0 {
			t.Errorf("%s: got %v (sent %v) after %d requests", method, err, Sent(err), sent)
		}
	}
}

func TestAReadStopsRepeatingWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	sent := 0
	rt := script(&sent, answer{status: 503})
	first := rt.f
	rt.f = func(req *http.Request) (*http.Response, error) { defer cancel(); return first(req) }
	if _, err := New(Config{Transport: rt}).Do(request(t, ctx, "GET", "")); sent != 1 {
		t.Errorf("sent %d times (%v), want once", sent, err)
	}
}

func TestAnAttemptEndsAtItsDeadlineAndDropsWarmConnections(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method string
		took   time.Duration
	}{{"POST", AttemptTimeout}, {"GET", readsMax*AttemptTimeout + 2*backoffMax}} {
		t.Run(tc.method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hang := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				}}
				begun := time.Now()
				_, err := New(Config{Transport: hang}).Do(request(t, t.Context(), tc.method, ""))
				if !errors.Is(err, ErrTimeout) || !Sent(err) {
					t.Errorf("got %v (sent %v), want a timeout that may have been sent", err, Sent(err))
				}
				if took := time.Since(begun); took < AttemptTimeout || took > tc.took {
					t.Errorf("took %v, want %v to %v", took, AttemptTimeout, tc.took)
				}
				if hang.idle == 0 {
					t.Error("idle connections were kept after a timeout")
				}
			})
		})
	}
}

func TestASlowBodyCountsIntoTheAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		trickle := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
			r, w := io.Pipe()
			go func() { <-req.Context().Done(); w.CloseWithError(req.Context().Err()) }()
			return &http.Response{StatusCode: 201, Header: http.Header{}, Body: r, Request: req}, nil
		}}
		_, err := New(Config{Transport: trickle}).Do(request(t, t.Context(), "POST", "{}"))
		if !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v, want a timeout", err)
		}
	})
}

func TestAPostIsRepeatedOnlyThroughTheReadTransport(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		sent int
	}{{"as a read", 3}, {"as a write", 1}} {
		var bodies []string
		rt := &roundTrip{f: func(req *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(req.Body)
			bodies = append(bodies, string(body))
			return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
		}}
		c := New(Config{Transport: rt})
		through := c.HTTP().Transport
		if tc.name == "as a read" {
			through = c.ReadTransport()
		}
		resp, err := through.RoundTrip(request(t, t.Context(), "POST", "{}"))
		if err != nil || resp.StatusCode != 503 {
			t.Errorf("%s: got %v, %v", tc.name, resp, err)
		}
		if want := slices.Repeat([]string{"{}"}, tc.sent); !slices.Equal(bodies, want) {
			t.Errorf("%s: sent %q, want %q", tc.name, bodies, want)
		}
	}
}
