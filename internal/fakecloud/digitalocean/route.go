// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// request is an authenticated call on a known path.
type request struct {
	*face.Call
	token Token
	args  []string // the path's variable segments, in order
}

// reply is an answer before it is encoded.
type reply struct {
	status int
	body   any
}

type handler func(*api, *request) reply

// routes are the paths of the API with, per method, scope and handler.
var routes = []struct {
	method, pattern, scope string
	handle                 handler
}{
	{"GET", "/v2/account", ScopeAccountRead, (*api).account},
	{"GET", "/v2/actions/{}", ScopeActionsRead, (*api).action},
	{"GET", "/v2/droplets", ScopeDropletRead, (*api).droplets},
	{"GET", "/v2/droplets/{}", ScopeDropletRead, (*api).droplet},
	{"GET", "/v2/droplets/{}/actions", ScopeDropletRead, (*api).dropletActions},
	{"GET", "/v2/reserved_ips", ScopeReservedIPRead, (*api).listIPv4},
	{"GET", "/v2/reserved_ips/{}", ScopeReservedIPRead, (*api).getIPv4},
	{"GET", "/v2/reserved_ips/{}/actions", ScopeReservedIPRead, (*api).addressActions},
	{"POST", "/v2/reserved_ips/{}/actions", ScopeReservedIPUpdate, (*api).startIPv4},
	{"GET", "/v2/reserved_ips/{}/actions/{}", ScopeReservedIPRead, (*api).addressAction},
	{"GET", "/v2/reserved_ipv6", ScopeReservedIPRead, (*api).listIPv6},
	{"GET", "/v2/reserved_ipv6/{}", ScopeReservedIPRead, (*api).getIPv6},
	{"POST", "/v2/reserved_ipv6/{}/actions", ScopeReservedIPUpdate, (*api).startIPv6},
}

// Serve answers a call: token, then rate limit, then path and method, then scope.
func (a *api) Serve(c *face.Call) face.Answer {
	token, ok := a.token(c)
	now := a.model.Now()
	if !ok {
		return a.encode(c, rate{limit: ratePerHour, remaining: ratePerHour, reset: now.Add(time.Hour)}, 0,
			failure(http.StatusUnauthorized, "Unable to authenticate you."))
	}
	r := a.limits.count(token.Value, now)
	if r.exceeded {
		return a.encode(c, r, r.retryAfter, failure(http.StatusTooManyRequests, "API Rate limit exceeded."))
	}
	return a.encode(c, r, 0, a.route(c, token))
}

func (a *api) route(c *face.Call, token Token) reply {
	known := false
	for _, rt := range routes {
		args, ok := matchPattern(rt.pattern, c.Path)
		known = known || ok
		switch {
		case !ok || rt.method != c.Method:
			continue
		case !token.may(rt.scope):
			return failure(http.StatusForbidden, "You are missing the required permission "+rt.scope+".")
		}
		return rt.handle(a, &request{c, token, args})
	}
	if known {
		return failure(http.StatusMethodNotAllowed, "The method is not allowed for this resource.")
	}
	return notFound()
}

// matchPattern compares a path segment by segment and returns the segments that
// stand where the pattern has {}.
func matchPattern(pattern, path string) (args []string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i := range want {
		switch {
		case want[i] == "{}" && got[i] != "":
			args = append(args, got[i])
		case want[i] != got[i]:
			return nil, false
		}
	}
	return args, true
}

// ip returns the address in the path. Only the canonical spelling is known.
func (r *request) ip(v6 bool) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(r.args[0])
	return ip, err == nil && ip.Is6() == v6 && ip.Zone() == "" && ip.String() == r.args[0]
}

// id returns the positive number in the path's i-th variable segment.
func (r *request) id(i int) (int64, bool) {
	id, err := strconv.ParseInt(r.args[i], 10, 64)
	return id, err == nil && id > 0
}
