// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// outcomes are the three ways in which one answer is heard: by a read, by a write, and
// by a write that takes an EIP off its holder.
func outcomes(t *testing.T, a canned) (read, write, detach error) {
	t.Helper()
	c, _ := start(t, script{
		readEIP: a,
		"POST /networkInterfaces/port-b:associateElasticIp":    a,
		"POST /networkInterfaces/port-a:disassociateElasticIp": a,
	})
	p := c.provider(t, providers.KindEIP)
	_, read = p.Owner(t.Context(), webEIP)
	_, write = p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{})
	_, detach = p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{Target: nodeA})
	return read, write, detach
}

func TestWhatEachRefusalMeans(t *testing.T) {
	t.Parallel()
	const page = "<html><h1>502 Bad Gateway</h1></html>"
	for _, tc := range []struct {
		name   string
		answer canned
		kinds  string // read, write, detach
		text   string // in each error
	}{
		{"a task is under way", failure(400, "FAILED_PRECONDITION", "Conflict with underlay task 'associate'"), "transient busy busy", "underlay task"},
		{"the machine is not in a state for it", failure(400, "FAILED_PRECONDITION", "Invalid instance status 'resizing'"), "transient busy busy", "'resizing'"},
		{"the EIP is in use", failure(400, "FAILED_PRECONDITION", "ElasticIp 1.2.3.4 already in use"), "transient conflict conflict", "already in use"},
		{"the private IP is in use", failure(400, "FAILED_PRECONDITION", "NetworkInterface already in use"), "transient conflict conflict", "if that is another one, unbind it"},
		{"another zone", failure(400, "FAILED_PRECONDITION", "The instance and elasticIp 'fip-1' are in different azs"), "invalid invalid conflict", "belongs to no zone"},
		{"not associated", failure(400, "FAILED_PRECONDITION", "Elastic ip isn't associated to this instance's primary network interface"), "transient conflict conflict", "isn't associated"},
		{"a precondition that is not known", failure(400, "FAILED_PRECONDITION", "The moon is full"), "transient conflict conflict", "moon"},
		{"bad argument", failure(400, "INVALID_ARGUMENT", "Request parameter x.y.z is 'xxx', expected one of [..]"), "invalid invalid invalid", "x.y.z"},
		{"blocked", failure(400, "HTTP_BAD_REQUEST", "the request blocked by security rules"), "invalid invalid invalid", "security rules"},
		{"signature", canned{status: 401, file: "error_sign"}, "denied denied denied", "check the access key and its secret in credentials_file"},
		{"access key, by another word", failure(401, "UNAUTHENTICATED", "secret key is nul"), "denied denied denied", "secret key is nul"},
		{"401 of a proxy", canned{status: 401, body: "who are you"}, "denied denied denied", "who are you"},
		{"source address", failure(403, "HTTP_FORBIDDEN", "Your IP address is not allowed"), "denied denied denied", "add this node's"},
		{"permission", failure(403, "PERMISSION_DENIED", "denied"), "denied denied denied", "give the user of the access key the permission vpc:"},
		{"403 of somebody else", canned{status: 403, body: page}, "transient ambiguous ambiguous", "not an answer of the API"},
		{"not found", failure(404, "NOT_FOUND", "Resource not found"), "not-found not-found conflict", "check the id and region"},
		{"no such path", failure(404, "NOT_FOUND", "no route and no API found with those values"), "invalid invalid invalid", "no such call for region cn-north-1; check region and endpoint"},
		{"404 of somebody else", canned{status: 404, body: page}, "transient ambiguous ambiguous", "not an answer of the API"},
		{"request timeout", failure(408, "HTTP_REQUEST_TIMEOUT", "gave up"), "transient ambiguous ambiguous", "gave up"},
		{"conflict", failure(409, "CONFLICT", "changed meanwhile"), "transient conflict conflict", "meanwhile"},
		{"too large", failure(413, "HTTP_REQUEST_ENTITY_TOO_LARGE", "too large"), "invalid invalid invalid", "too large"},
		{"rate of the key", failure(429, "HTTP_RATE_LIMIT_EXCEEDED", "minute rate limit exceeded, role:ak"), "throttled throttled throttled", "role:ak"},
		{"rate of the API", failure(429, "HTTP_RATE_LIMIT_EXCEEDED", "minute rate limit exceeded, role:api"), "throttled throttled throttled", "role:api"},
		{"429 of somebody else", canned{status: 429, body: page}, "throttled throttled throttled", "not an answer of the API"},
		{"quota", failure(429, "QUOTA_EXCEEDED", "Quota exceeded"), "invalid invalid invalid", "a quota of the account or the interface is used up"},
		{"internal", failure(500, "INTERNAL", "Internal server error"), "transient ambiguous ambiguous", "Internal"},
		{"unknown", failure(500, "UNKNOWN", "Unknown server error"), "transient ambiguous ambiguous", "Unknown"},
		{"bad gateway", canned{status: 502, body: page}, "transient ambiguous ambiguous", "not an answer of the API"},
		{"unavailable", failure(503, "HTTP_SERVICE_UNAVAILABLE", "later"), "transient ambiguous ambiguous", "later"},
		{"redirect", canned{status: 302, header: map[string]string{"Location": "http://elsewhere/"}}, "invalid invalid invalid", `redirected to "http://elsewhere/", which is not followed; check endpoint`},
		{"a teapot", failure(418, "TEAPOT", "short and stout"), "invalid invalid invalid", "stout"},
		{"an error with the status of a success", failureWith(200, 400, "FAILED_PRECONDITION", "Conflict with underlay task 'x'"), "transient busy busy", "underlay task"},
		{"an error without a code, with the status of a success", failureWith(200, 0, "FAILED_PRECONDITION", "x"), "transient ambiguous ambiguous", "x"},
		{"an error that calls itself a success", failureWith(200, 200, "FAILED_PRECONDITION", "z"), "transient ambiguous ambiguous", "z"},
		{"an informational status", canned{status: 299, body: `{"requestId":"req-1","error":{"code":500,"status":"UNKNOWN","message":"y"}}`}, "transient ambiguous ambiguous", "y"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			read, write, detach := outcomes(t, tc.answer)
			if got := kindWord(read) + " " + kindWord(write) + " " + kindWord(detach); got != tc.kinds {
				t.Errorf("got %q, want %q\n%v\n%v\n%v", got, tc.kinds, read, write, detach)
			}
			for _, err := range []error{read, write, detach} {
				if err == nil || !strings.Contains(err.Error(), tc.text) || strings.ContainsAny(err.Error(), "\n{}") {
					t.Errorf("got %v, want one line with %q", err, tc.text)
				}
			}
		})
	}
}

// failureWith is an error whose code is not the status of HTTP.
func failureWith(status, code int, word, message string) canned {
	a := failure(code, word, message)
	a.status = status
	return a
}

// TestAMemberOfAnotherTypeCostsARefusalNothingElse: no side member takes its class away.
func TestAMemberOfAnotherTypeCostsARefusalNothingElse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status     int
		body, want string
	}{
		{403, `{"requestId":"r","error":{"code":"403","status":"HTTP_FORBIDDEN","message":"api is disabled"}}`, "denied"},
		{403, `{"requestId":7,"error":{"code":403,"status":"HTTP_FORBIDDEN","message":"api is disabled"}}`, "denied"},
		{403, `{"requestId":{},"error":{"code":[],"status":"HTTP_FORBIDDEN","message":7}}`, "denied"},
		{400, `{"requestId":"r","error":{"code":"400","status":"FAILED_PRECONDITION","message":"no"}}`, "conflict"},
		{200, `{"requestId":"r","error":{"code":"403","status":"HTTP_FORBIDDEN"}}`, "denied"},
	} {
		_, write, _ := outcomes(t, canned{status: tt.status, body: tt.body})
		if kindWord(write) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.body, write, tt.want)
		}
	}
}

func TestARefusalNamesCodeRequestAndPermission(t *testing.T) {
	t.Parallel()
	read, write, detach := outcomes(t, failure(403, "HTTP_FORBIDDEN", "api is disabled"))
	for _, tc := range []struct {
		err        error
		op, action string
	}{
		{read, "read owner of 114.67.178.43", "vpc:describeElasticIp"},
		{write, "assign 114.67.178.43 to i-b/port-b/10.0.4.21", "vpc:associateElasticIp"},
		{detach, "assign 114.67.178.43 to i-b/port-b/10.0.4.21", "vpc:disassociateElasticIp"},
	} {
		check(t, tc.err, &providers.Error{
			Provider: Name, Op: tc.op, Kind: providers.Denied, Code: "403 HTTP_FORBIDDEN", RequestID: "req-1",
			Err: textError("api is disabled; give the user of the access key the permission " + tc.action),
		})
	}
}

func TestAThrottledCallSaysHowLongToWaitIfTheAPIDoes(t *testing.T) {
	t.Parallel()
	limited := failure(429, "HTTP_RATE_LIMIT_EXCEEDED", "minute rate limit exceeded, role:ak")
	for after, want := range map[string]time.Duration{"": 0, "29": 29 * time.Second, now.Add(7 * time.Second).Format(http.TimeFormat): 7 * time.Second} {
		limited.header = map[string]string{"Retry-After": after}
		_, err, _ := outcomes(t, limited)
		var e *providers.Error
		if !errors.As(err, &e) || e.RetryAfter != want {
			t.Errorf("%q: %+v", after, err)
		}
	}
}

func TestAWrongClockIsNamed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		date time.Time // the API's
		want string
	}{
		{"ten minutes behind", now.Add(10 * time.Minute), "the clock of this machine is 10m0s behind the API's, and signatures count for minutes only; synchronise it"},
		{"ten minutes ahead", now.Add(-10 * time.Minute), "the clock of this machine is 10m0s ahead of the API's"},
		{"a little behind", now.Add(50 * time.Second), "check the access key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			answer := canned{status: 401, file: "error_sign", header: map[string]string{"Date": tc.date.Format(http.TimeFormat)}}
			read, write, _ := outcomes(t, answer)
			for _, err := range []error{read, write} {
				if kindWord(err) != "denied" || !strings.Contains(err.Error(), "sign result is not same [gw]; "+tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
			}
		})
	}
	answer := failure(403, "HTTP_FORBIDDEN", "api is disabled")
	answer.header = map[string]string{"Date": now.Add(time.Hour).Format(http.TimeFormat)}
	if _, err, _ := outcomes(t, answer); strings.Contains(err.Error(), "clock") {
		t.Errorf("blamed for something else: %v", err)
	}
	if _, ok := clockSkew(http.Header{}, now); ok {
		t.Error("a skew without a date")
	}
}

// TestNewCredentialsAreAskedForOnceAfter401 has a source whose second answer is good.
func TestNewCredentialsAreAskedForOnceAfter401(t *testing.T) {
	t.Parallel()
	const attach = "POST /networkInterfaces/port-b:associateElasticIp"
	bad := canned{status: 401, file: "error_sign"}
	once := bad
	once.then = []canned{{file: "elastic_ip_held"}}
	for _, tc := range []struct {
		name     string
		read     canned
		kind     string
		requests int
	}{
		{"then they are good", once, "", 2},
		{"then they are as bad", bad, "denied", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, script{readEIP: tc.read, attach: bad})
			rejected := 0
			c.client.rejected = func() { rejected++ }
			p := c.provider(t, providers.KindEIP)
			if _, err := p.Owner(t.Context(), webEIP); kindWord(err) != tc.kind {
				t.Errorf("got %v", err)
			}
			if n := len(seen.seen()); n != tc.requests || rejected != 1 {
				t.Errorf("%d requests, %d times rejected", n, rejected)
			}
			if _, err := p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{}); kindWord(err) != "denied" {
				t.Errorf("a write: got %v", err)
			}
			if n := len(seen.seen()); n != 1 || rejected != 2 {
				t.Errorf("a write: %d requests, %d times rejected", n, rejected)
			}
		})
	}
}

func TestWithoutCredentialsOrRegionNothingIsSent(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		change func(*client)
		kind   string
		text   string
	}{
		{"no credentials", t.Context(), func(c *client) {
			c.credentials = func(context.Context) (Credential, error) {
				return Credential{}, errors.New("read credentials file: gone")
			}
		}, "denied", "read credentials file: gone"},
		{"no region", t.Context(), func(c *client) {
			c.region = func(context.Context) (string, error) { return "", errors.New("no metadata") }
		}, "transient", "no metadata"},
		{"no region, as nobody waits", cancelled, func(c *client) {
			c.region = func(ctx context.Context) (string, error) { cancel(); return "", ctx.Err() }
		}, "canceled", "context canceled"},
		{"what is no region", t.Context(), func(c *client) {
			c.region = func(context.Context) (string, error) { return "cn-north-1/x", nil }
		}, "invalid", `region: "cn-north-1/x" is not a region id; give one such as cn-north-1`},
		{"an empty region", t.Context(), func(c *client) {
			c.region = func(context.Context) (string, error) { return "", nil }
		}, "invalid", `region: "" is not a region id`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, seen := start(t, nil)
			tc.change(c.client)
			_, err := c.provider(t, providers.KindEIP).Assign(tc.ctx, webEIP, nodeB, providers.Assignment{})
			if kindWord(err) != tc.kind || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want kind %q with %q", err, tc.kind, tc.text)
			}
			if n := len(seen.seen()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// BenchmarkClassify measures what a refused call costs after its answer; the limit is
// 50 µs, with the signature.
func BenchmarkClassify(b *testing.B) {
	c := &client{now: func() time.Time { return now }}
	q := call{service: "vpc", operation: "associateElasticIp", body: struct{}{}}
	got := reply{status: 400, header: http.Header{"Date": {now.Format(http.TimeFormat)}}}
	got.body = []byte(failure(400, "SOMETHING", "that no rule knows").body)
	for b.Loop() {
		got.decode()
		if c.refusal("assign", q, place{region: "cn-north-1"}, got) == nil {
			b.Fatal("no refusal")
		}
	}
}
