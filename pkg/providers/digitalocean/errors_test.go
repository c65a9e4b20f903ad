// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// TestRefusals is the table of errors.go, each row once as a read and once as a
// write.
func TestRefusals(t *testing.T) {
	t.Parallel()
	reset := "1795262460" // a minute after now
	for _, tc := range []struct {
		name        string
		answer      canned
		read, write string
		want        providers.Error // Op and Kind come from the columns above
	}{
		{"bad token", canned{status: 401, file: "error_unauthorized"}, "denied", "denied",
			providers.Error{Code: "401 unauthorized", RequestID: "4f2c", Err: errors.New("Unable to authenticate you.")}},
		{"a 401 of anybody else", canned{status: 401, body: "no"}, "denied", "denied",
			providers.Error{Code: "401", RequestID: "req-header", Err: errors.New(`not an answer of the API: "no"`)}},
		{"missing scope", canned{status: 403, file: "error_forbidden"}, "denied", "denied",
			providers.Error{Code: "403 forbidden", RequestID: "4f2c", Err: errors.New("You are not authorized to perform this operation.")}},
		{"a 403 of anybody else", canned{status: 403, body: "<html>"}, "transient", "ambiguous",
			providers.Error{Code: "403", RequestID: "req-header", Err: errors.New(`not an answer of the API: "<html>"`)}},
		{"not found", canned{status: 404, file: "error_not_found"}, "not-found", "not-found",
			providers.Error{Code: "404 not_found", RequestID: "4f2c", Err: errors.New("The resource you requested could not be found.")}},
		{"a 404 of anybody else", canned{status: 404, body: "<html>"}, "transient", "ambiguous",
			providers.Error{Code: "404", RequestID: "req-header", Err: errors.New(`not an answer of the API: "<html>"`)}},
		{"not found, with members of other types", canned{status: 404, body: `{"id":"not_found","message":7,"request_id":[]}`}, "not-found", "not-found",
			providers.Error{Code: "404 not_found", RequestID: "req-header", Err: errors.New("7")}},
		{"bad request", canned{status: 400, body: `{"id":"bad_request","message":"no"}`}, "invalid", "invalid",
			providers.Error{Code: "400 bad_request", RequestID: "req-header", Err: errors.New("no")}},
		{"request timeout", canned{status: 408, body: `{"id":"timeout","message":"slow"}`}, "transient", "ambiguous",
			providers.Error{Code: "408 timeout", RequestID: "req-header", Err: errors.New("slow")}},
		{"conflict", canned{status: 409, body: `{"id":"conflict","message":"changed"}`}, "transient", "conflict",
			providers.Error{Code: "409 conflict", RequestID: "req-header", Err: errors.New("changed")}},
		{"pending event on the droplet", canned{status: 422, file: "error_droplet_pending"}, "busy", "busy",
			providers.Error{Code: "422 unprocessable_entity", RequestID: "4f2c", Err: errors.New("Droplet already has a pending event.")}},
		{"pending event on the address", canned{status: 422, file: "error_address_pending"}, "busy", "busy",
			providers.Error{Code: "422 unprocessable_entity", RequestID: "4f2c", Err: errors.New("The floating IP already has a pending event.")}},
		{"any other 422", canned{status: 422, file: "error_unprocessable"}, "invalid", "conflict",
			providers.Error{Code: "422 unprocessable_entity", RequestID: "4f2c", Err: errors.New("The IP is already assigned.")}},
		{"burst limit", canned{status: 429, file: "error_too_many_requests", header: map[string]string{"Retry-After": "29", "ratelimit-reset": reset}}, "throttled", "throttled",
			providers.Error{Code: "429 too_many_requests", RequestID: "4f2c", RetryAfter: 29 * time.Second, Err: errors.New("API rate limit exceeded.")}},
		{"hourly limit", canned{status: 429, file: "error_too_many_requests", header: map[string]string{"rateLimit-reset": reset}}, "throttled", "throttled",
			providers.Error{Code: "429 too_many_requests", RequestID: "4f2c", RetryAfter: time.Minute, Err: errors.New("API rate limit exceeded.")}},
		{"a reset in the far future is cut", canned{status: 429, file: "error_too_many_requests", header: map[string]string{"ratelimit-reset": "9999999999"}}, "throttled", "throttled",
			providers.Error{Code: "429 too_many_requests", RequestID: "4f2c", RetryAfter: time.Hour, Err: errors.New("API rate limit exceeded.")}},
		{"a limit without any hint", canned{status: 429, body: "slow down"}, "throttled", "throttled",
			providers.Error{Code: "429", RequestID: "req-header", Err: errors.New(`not an answer of the API: "slow down"`)}},
		{"server error", canned{status: 500, file: "error_server"}, "transient", "ambiguous",
			providers.Error{Code: "500 server_error", RequestID: "4f2c", Err: errors.New("Unexpected server-side error.")}},
		{"a gateway in between", canned{status: 503, body: "<html>", header: map[string]string{"Retry-After": "5"}}, "transient", "ambiguous",
			providers.Error{Code: "503", RequestID: "req-header", RetryAfter: 5 * time.Second, Err: errors.New(`not an answer of the API: "<html>"`)}},
		{"a redirect", canned{status: 302, header: map[string]string{"Location": "http://evil.test/"}}, "invalid", "invalid",
			providers.Error{Code: "302", RequestID: "req-header", Err: errors.New(`redirected to "http://evil.test/", which is not followed; check endpoint`)}},
		{"a status of later days", canned{status: 451, body: `{"id":"unavailable","message":"law"}`}, "invalid", "invalid",
			providers.Error{Code: "451 unavailable", RequestID: "req-header", Err: errors.New("law")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, _ := start(t, script{"GET /v2/reserved_ips/203.0.113.10": tc.answer, "POST /v2/reserved_ips/203.0.113.10/actions": tc.answer})
			got, err := p.Owner(t.Context(), v4)
			if !got.Target.IsZero() || got.Pending {
				t.Errorf("an error came with the answer %+v", got)
			}
			check(t, err, with(tc.want, "read owner of 203.0.113.10", tc.read))
			if tc.answer.file == "error_forbidden" { // a write names what the token lacks
				tc.want.Err = fmt.Errorf("%w; give the token the scope reserved_ip:update, or unlock the account", tc.want.Err)
			}
			_, err = p.Assign(t.Context(), v4, nodeB, providers.Assignment{})
			check(t, err, with(tc.want, "assign 203.0.113.10 to 1002", tc.write))
			_, err = p.Release(t.Context(), v4, nodeA)
			check(t, err, with(tc.want, "release 203.0.113.10 from 1001", tc.write))
		})
	}
}

// with completes the error that a case wants.
func with(e providers.Error, op, kind string) *providers.Error {
	e.Provider, e.Op = Name, op
	for _, k := range providers.Kinds() {
		if k.String() == kind {
			e.Kind = k
		}
	}
	return &e
}

func TestTheTextOfAnErrorReadsAsOneChain(t *testing.T) {
	t.Parallel()
	p, _ := start(t, script{"POST /v2/reserved_ips/203.0.113.10/actions": {status: 422, file: "error_droplet_pending"}})
	_, err := p.Assign(t.Context(), v4, nodeB, providers.Assignment{})
	const want = "assign 203.0.113.10 to 1002: busy (422 unprocessable_entity, request 4f2c): Droplet already has a pending event."
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestAServersTextIsMadeFitForALog(t *testing.T) {
	t.Parallel()
	hostile := `{"id":"x\ny","message":"a\nlevel=ERROR ` + strings.Repeat("z", 5000) + `","request_id":"` + strings.Repeat("r", 5000) + `"}`
	p, _ := start(t, script{"GET /v2/reserved_ips/203.0.113.10": {status: 404, body: hostile}})
	_, err := p.Owner(t.Context(), v4)
	if text := err.Error(); strings.ContainsAny(text, "\n\r\t") || len(text) > 800 {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}

func TestATokenInAnAnswerNeverReachesAnError(t *testing.T) {
	t.Parallel()
	echo := `{"id":"unauthorized","message":"bad token ` + token + `","request_id":"` + token + `"}`
	p, _ := start(t, script{"GET /v2/reserved_ips/203.0.113.10": {status: 401, body: echo, header: map[string]string{"X-Request-Id": token}}})
	_, err := p.Owner(t.Context(), v4)
	if strings.Contains(err.Error(), token) {
		t.Error(err)
	}
}

func TestLostRequests(t *testing.T) {
	t.Parallel()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(cut.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, tc := range []struct{ name, url, read, write string }{
		{"cut without an answer", cut.URL, "transient", "ambiguous"},
		{"nobody listens", closed.URL, "transient", "transient"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := driver(t, tc.url)
			if _, err := p.Owner(t.Context(), v4); kindWord(err) != tc.read {
				t.Errorf("read: %v, want %s", err, tc.read)
			}
			if _, err := p.Assign(t.Context(), v4, nodeB, providers.Assignment{}); kindWord(err) != tc.write {
				t.Errorf("assign: %v, want %s", err, tc.write)
			}
			if _, err := p.Release(t.Context(), v4, nodeB); kindWord(err) != tc.write {
				t.Errorf("release: %v, want %s", err, tc.write)
			}
		})
	}
}

func TestAContextThatEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		end         func(context.Context) (context.Context, func())
		read, write string
	}{
		{"cancelled while the answer is awaited", func(ctx context.Context) (context.Context, func()) {
			return context.WithCancel(ctx)
		}, "canceled", "ambiguous"},
		{"over time while the answer is awaited", func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithTimeout(ctx, 150*time.Millisecond)
			context.AfterFunc(ctx, cancel)
			return ctx, func() {}
		}, "transient", "ambiguous"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, op := range []string{tc.read, tc.write} {
				ctx, end := tc.end(t.Context())
				srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					var buf [64]byte
					_, _ = r.Body.Read(buf[:])
					end()
					<-r.Context().Done()
				}))
				p, err := driver(t, srv.URL), error(nil)
				if op == tc.read {
					_, err = p.Owner(ctx, v4)
				} else {
					_, err = p.Assign(ctx, v4, nodeB, providers.Assignment{})
				}
				if kindWord(err) != op {
					t.Errorf("got %v, want %s", err, op)
				}
				srv.Close()
			}
		})
	}
}

// TestAWriteGateClosedAtTheLastMomentIsCanceled guards invariant 1 through the
// whole driver: the hook the controller attaches is heard, and is firm.
func TestAWriteGateClosedAtTheLastMomentIsCanceled(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	defer srv.Close()
	p := driver(t, srv.URL)
	stale := errors.New("stale-term")
	for range 20 {
		ctx, cancel := context.WithCancelCause(t.Context())
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { cancel(stale) }})
		_, err := p.Assign(ctx, v4, nodeB, providers.Assignment{})
		if kindWord(err) != "canceled" || !errors.Is(err, stale) {
			t.Fatalf("got %v, want canceled by the closed gate", err)
		}
	}
	srv.Close()
	if n := arrived.Load(); n > 0 {
		t.Errorf("%d writes arrived", n)
	}
}

func TestBeforeACallWithAnEndedContextNothingIsSent(t *testing.T) {
	t.Parallel()
	p, c := start(t, script{})
	for _, end := range []func() (context.Context, context.CancelFunc){
		func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		},
		func() (context.Context, context.CancelFunc) {
			return context.WithDeadline(t.Context(), time.Unix(0, 0))
		},
	} {
		ctx, cancel := end()
		_, ownerErr := p.Owner(ctx, v4)
		_, assignErr := p.Assign(ctx, v4, nodeA, providers.Assignment{})
		_, stateErr := p.InstanceState(ctx, nodeA)
		for _, err := range []error{ownerErr, assignErr, stateErr, p.Preflight(ctx, v4, nodeA)} {
			if kindWord(err) != "canceled" {
				t.Errorf("got %v, want canceled", err)
			}
		}
		cancel()
	}
	if seen := c.seen(); len(seen) > 0 {
		t.Errorf("sent %q", seen)
	}
}
