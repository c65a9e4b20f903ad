// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestWhereRequestsGo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		at   Endpoints
		want [2]string // of the services vpc and vm
	}{
		{"the public API", Endpoints{}, [2]string{"https://vpc.jdcloud-api.com", "https://vm.jdcloud-api.com"}},
		{"within a VPC", Endpoints{Internal: true}, [2]string{"http://vpc.internal.cn-north-1.jdcloud-api.com", "http://vm.internal.cn-north-1.jdcloud-api.com"}},
		{"one for all", Endpoints{Single: "http://openapi.internal.cn-north-1.jdcloud-api.com"},
			[2]string{"http://openapi.internal.cn-north-1.jdcloud-api.com", "http://openapi.internal.cn-north-1.jdcloud-api.com"}},
		{"with a path before", Endpoints{Single: "https://proxy.test:8443/jd/api/"}, [2]string{"https://proxy.test:8443/jd/api", "https://proxy.test:8443/jd/api"}},
		{"the usual port is not named, as it is not signed", Endpoints{Single: "https://proxy.test:443"}, [2]string{"https://proxy.test", "https://proxy.test"}},
		{"nor is that of HTTP", Endpoints{Single: "http://proxy.test:80/"}, [2]string{"http://proxy.test", "http://proxy.test"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var urls []string
			c := driver(t, Config{Endpoints: tc.at, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
				urls = append(urls, req.Method+" "+req.URL.String())
				if req.Host != req.URL.Host {
					t.Errorf("host %q for %s", req.Host, req.URL)
				}
				return nil, errors.New("enough")
			})})
			p := c.provider(t, providers.KindEIP)
			_, _ = p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{})
			_, _ = p.(providers.Inspector).InstanceState(t.Context(), nodeA)
			want := []string{
				"POST " + tc.want[0] + "/v1/regions/cn-north-1/networkInterfaces/port-b%3AassociateElasticIp",
				"GET " + tc.want[1] + "/v1/regions/cn-north-1/instances/i-a",
			}
			if len(urls) < 2 || urls[0] != want[0] || urls[1] != want[1] {
				t.Errorf("got %q, want %q", urls, want)
			}
		})
	}
}

func TestABadEndpointIsRefused(t *testing.T) {
	t.Parallel()
	for at, want := range map[Endpoints]string{
		{Single: "proxy.test"}:                        `endpoint: "proxy.test" is not a URL such as http://openapi.internal.cn-north-1.jdcloud-api.com`,
		{Single: "ftp://proxy.test"}:                  `endpoint: "ftp://proxy.test" is not a URL such as http://openapi.internal.cn-north-1.jdcloud-api.com`,
		{Single: "http://:80"}:                        `endpoint: "http://:80" is not a URL such as http://openapi.internal.cn-north-1.jdcloud-api.com`,
		{Single: "http://a b"}:                        "endpoint: not a URL; give one such as http://openapi.internal.cn-north-1.jdcloud-api.com",
		{Single: "http://u:p@proxy.test"}:             "endpoint: credentials are not allowed in a URL; use credentials_file",
		{Single: "http://proxy.test/?a=b"}:            `endpoint: "http://proxy.test/?a=b" has a query or fragment; give scheme, host and path only`,
		{Single: "http://proxy.test", Internal: true}: "endpoint: not together with network: internal; leave one of them out",
	} {
		if _, err := at.parse(); err == nil || err.Error() != want {
			t.Errorf("%+v: got  %v\nwant %s", at, err, want)
		}
	}
}

// TestWhyAnEndpointCannotBeReached is about what a standby meets: it has no EIP.
func TestWhyAnEndpointCannotBeReached(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
	lookup := &net.DNSError{Err: "no such host", Name: "vpc.jdcloud-api.com"}
	for _, tc := range []struct {
		name  string
		at    Endpoints
		cause error
		want  string
	}{
		{"public", Endpoints{}, dial, "no connection to https://vpc.jdcloud-api.com: dial tcp: network is unreachable; " +
			"a machine without an EIP or a NAT gateway, as a standby is, does not reach the public API; set network: internal, or add a NAT gateway"},
		{"public, without a name server", Endpoints{}, lookup, "set network: internal"},
		{"internal", Endpoints{Internal: true}, lookup, "internal hosts answer only inside a VPC of that region; check region"},
		{"single", Endpoints{Single: "http://proxy.test"}, dial, "no connection to http://proxy.test: dial tcp: network is unreachable; check endpoint"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			at, err := tc.at.parse()
			if err != nil {
				t.Fatal(err)
			}
			got := at.unreachable(at.base("vpc", "cn-north-1"), tc.cause)
			if !errors.Is(got, tc.cause) || !strings.Contains(got.Error(), tc.want) {
				t.Errorf("got %v, want %q", got, tc.want)
			}
		})
	}
}

// TestTheHintIsForConnectionsOnly: a request that was sent, and one that was stopped for
// another reason, say nothing about the way there.
func TestTheHintIsForConnectionsOnly(t *testing.T) {
	t.Parallel()
	alive := t.Context()
	over, cancel := context.WithDeadlineCause(alive, time.Unix(0, 0), errors.New("out of patience"))
	defer cancel()
	c := driver(t, Config{}).client
	at := place{"cn-north-1", c.endpoint.base("vpc", "cn-north-1")}
	for _, tc := range []struct {
		name string
		ctx  context.Context
		sent bool
		err  error
		hint bool
	}{
		{"no route", alive, false, &net.OpError{Op: "dial", Err: errors.New("no route to host")}, true},
		{"no name", alive, false, fmt.Errorf("%w: %w", cloudhttp.ErrName, &net.DNSError{Err: "no such host"}), false},
		{"no answer while connecting", alive, false, cloudhttp.ErrTimeout, true},
		{"the caller's deadline while connecting", over, false, context.Cause(over), true},
		{"no answer after it was sent", alive, true, cloudhttp.ErrTimeout, false},
		{"cut after it was sent", alive, true, &net.OpError{Op: "read", Err: errors.New("reset")}, false},
		{"a bad certificate", alive, false, x509.UnknownAuthorityError{}, false},
	} {
		err := c.lost(tc.ctx, "read", call{}, at, &cloudhttp.Error{Sent: tc.sent, Err: tc.err})
		if got := strings.Contains(err.Error(), "set network: internal"); got != tc.hint || err.Kind != providers.Transient || !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, with the hint: %v", tc.name, err, got)
		}
	}
}

// TestARefusedConnectionCarriesTheHint goes the whole way from the socket, for a read, a
// write and a check; none of them is more than Transient.
func TestARefusedConnectionCarriesTheHint(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close() // nobody listens there any more
	p := driver(t, Config{Endpoints: Endpoints{Single: "http://" + l.Addr().String()}}).provider(t, providers.KindEIP)
	_, read := p.Owner(t.Context(), webEIP)
	_, write := p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{})
	preflight := p.(providers.Preflighter).Preflight(t.Context(), webEIP, nodeA)
	for _, err := range []error{read, write, preflight} {
		if kindWord(err) != "transient" || strings.Count(err.Error(), "no connection to http://"+l.Addr().String()) != 1 || !strings.Contains(err.Error(), "check endpoint") {
			t.Errorf("got %v", err)
		}
	}
}
