// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func testClient(t *testing.T, h http.HandlerFunc) *client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return newClient(netip.MustParseAddrPort(s.Listener.Addr().String()), askTimeout, (&loopback{}).dial)
}

func TestOnlyAWholeAnswerCounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"a name":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("lb-a\n")) }, "lb-a"},
		"an error page": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "lb-a", http.StatusBadGateway) }, ""},
		"a reset":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ""},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("lb-a"))
		}, ""},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat("x", 2*answerMax)))
		}, strings.Repeat("x", answerMax)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := testClient(t, test.handler).answer(t.Context()); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestARequestThatTheEndOfTheLabBreaksOffIsNoFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := testClient(t, func(http.ResponseWriter, *http.Request) { cancel(); panic(http.ErrAbortHandler) })
	c.ask(ctx)
	if _, ok := c.last(); ok {
		t.Errorf("it was counted: %+v", c.taken())
	}
}

func TestRequestsAreSortedByWhenTheyWereAskedAndBounded(t *testing.T) {
	t.Parallel()
	c := testClient(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("lb-b")) })
	c.samples = make([]sample, samplesMax)
	c.samples[samplesMax-1] = sample{Asked: time.Now().Add(time.Hour), Node: "lb-a"}
	c.ask(t.Context())
	taken := c.taken()
	if n := len(taken); n != samplesMax/2+1 || taken[n-1].Node != "lb-a" || taken[n-2].Node != "lb-b" {
		t.Errorf("%d samples, the last are %+v", n, taken[n-2:])
	}
	if last, ok := c.last(); !ok || last.Node != "lb-a" {
		t.Errorf("of the finished ones the last asked is %+v", last)
	}
}
