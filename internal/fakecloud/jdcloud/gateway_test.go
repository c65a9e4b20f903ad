// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
)

func TestPathsThatLeadNowhere(t *testing.T) {
	t.Parallel()
	const nowhere = "no route and no API found with those values"
	tests := []struct {
		name, method, path string
		options            fakejd.Options
	}{
		{"an unknown region", "GET", "/v1/regions/cn-west-9/elasticIps/", fakejd.Options{}},
		{"another version", "GET", "/v2/regions/cn-north-1/elasticIps/", fakejd.Options{}},
		{"nothing", "GET", "/", fakejd.Options{}},
		{"a collection of the vpc service without its slash", "GET", base + "elasticIps", fakejd.Options{}},
		{"a collection of the vm service with a slash", "GET", base + "instances/", fakejd.Options{}},
		{"an unknown action", "POST", base + "elasticIps/fip-held:steal", fakejd.Options{}},
		{"an action without an id", "POST", base + "networkInterfaces/:associateElasticIp", fakejd.Options{}},
		{"an id with a slash", "GET", base + "elasticIps/a/b", fakejd.Options{}},
		{"another method", "POST", eip, fakejd.Options{}},
		{"a change by GET", "GET", bind, fakejd.Options{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.options)
			wantFailure(t, w.callAs("ak-a", tt.method, tt.path, ""), 404, "NOT_FOUND", nowhere)
		})
	}
}

func TestASlashCanBeLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{SlashOptional: true})
	for _, path := range []string{"elasticIps", "elasticIps/", "instances", "instances/", "elasticIps/fip-held"} {
		if r := w.get(base + path); r.status != 200 {
			t.Errorf("%s: got %d %v", path, r.status, r.body)
		}
	}
}

func TestPathsCanHaveAPrefix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{PathPrefix: "/api"})
	// The world's URL has the prefix, which the signer signs like the rest.
	if r := w.get(eip); r.status != 200 {
		t.Errorf("with it: got %d %v", r.status, r.body)
	}
	w.url = w.url[:len(w.url)-len("/api")]
	if r := w.get(eip); r.status != 404 {
		t.Errorf("without it: got %d %v", r.status, r.body)
	}
}

func TestAKnownRegionWithNothingInIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	for path, want := range map[string]int{
		"elasticIps/fip-held": 404, "elasticIps/": 200, "instances/i-a": 404, "instances": 200,
		"networkInterfaces/port-a": 404, "networkInterfaces/": 200, "routeTables/rtb-one": 404, "routeTables/": 200,
		"subnets/subnet-0fipctl0a": 404, "availabilityGroups/ag-one": 404,
	} {
		s, req := w.signer("ak-a", "/"+path), w.request("GET", "/v1/regions/cn-south-1/"+path, "")
		s.region = "cn-south-1"
		s.sign(req, "")
		r := w.do(req)
		if r.status != want || r.at("error", "message") == "no route and no API found with those values" {
			t.Errorf("%s: got %d %v, want %d", path, r.status, r.body, want)
		}
		if n, listed := r.at("result", "totalCount").(float64); listed && n != 0 {
			t.Errorf("%s: has %v", path, n)
		}
	}
}

func TestHostsOfOneServiceHaveNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	for host, want := range map[string]int{
		"vpc.jdcloud-api.com":                         401, // let through, but not signed
		"vpc.jdcloud-api.com:80":                      401,
		"VPC.jdcloud-api.com":                         401,
		"vpc.internal.cn-north-1.jdcloud-api.com":     401,
		"openapi.internal.cn-north-1.jdcloud-api.com": 401,
		"www.jdcloud-api.com":                         401,
		"127.0.0.1:8080":                              401,
		"vm.jdcloud-api.com":                          404,
		"vm.jdcloud-api.com:80":                       404,
		"vpc.internal.cn-south-1.jdcloud-api.com":     404,
		"openapi.internal.cn-south-1.jdcloud-api.com": 404,
	} {
		req := httptest.NewRequest(http.MethodGet, eip, nil)
		req.Host = host
		rec := httptest.NewRecorder()
		w.jd.ServeHTTP(rec, req)
		if rec.Code != want {
			t.Errorf("%s: got %d, want %d", host, rec.Code, want)
		}
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	type call struct{ ak, path string }
	list := call{"ak-a", base + "elasticIps/"}
	get := call{"ak-a", eip}
	tests := []struct {
		name    string
		options fakejd.Options
		calls   []call
		want    []any // messages; nil: answered
	}{
		{"none by default", fakejd.Options{}, []call{get, get, get}, []any{nil, nil, nil}},
		{"by key", fakejd.Options{PerMinutePerKey: 2}, []call{get, list, get, {"ak-b", eip}}, []any{nil, nil, "minute rate limit exceeded, role:ak", nil}},
		{"by operation", fakejd.Options{PerMinutePerAPI: 1}, []call{get, {"ak-b", eip}, list}, []any{nil, "minute rate limit exceeded, role:api", nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.options)
			w.advance(59 * time.Second)
			for range 2 { // the second time in the next minute
				var got []any
				for _, c := range tt.calls {
					r := w.callAs(c.ak, "GET", c.path, "")
					if got = append(got, r.at("error", "message")); (r.status == 429) != (got[len(got)-1] != nil) {
						t.Errorf("got %d %v", r.status, r.body)
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				w.advance(time.Second)
			}
		})
	}
}

func TestEveryAnswerHasAnIDAndTheClocksDate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	seen := map[any]bool{}
	for _, r := range []response{
		w.get(eip), w.get("/nothing"), w.post(bind, "x"), w.callAs("ak-x", "GET", eip, ""), w.post(bind, bindFree),
	} {
		id := r.at("requestId")
		if id == nil || id == "" || seen[id] || r.header.Get("Date") != "Fri, 27 Nov 2026 12:00:00 GMT" {
			t.Errorf("%d: id %v, headers %v", r.status, id, r.header)
		}
		seen[id] = true
		// Whether the real one sends it is not known; nobody must rely on it.
		if got := r.header.Get("X-Jdcloud-Request-Id"); got != "" {
			t.Errorf("a header has the id %q", got)
		}
	}
}
