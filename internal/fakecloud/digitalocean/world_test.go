// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	first  = "/v2/reserved_ips/203.0.113.10" // held by 1001 at the start
	second = "/v2/reserved_ips/203.0.113.11"
	own    = "/v2/reserved_ips/198.51.100.1" // BYOIP
	sixth  = "/v2/reserved_ipv6/2001:db8::42"
)

// world is a cloud of three droplets with its API on a real socket. a and b are
// in nyc3, far is in ams3.
type world struct {
	t     *testing.T
	model *fakecloud.Model
	do    *fakedo.Server
	url   string

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T, o fakedo.Options) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.model = fakecloud.New(fakecloud.Options{Now: w.clock})
	ip := netip.MustParseAddr
	for _, i := range []fakecloud.Instance{
		{
			ID: "1001", Name: "lb-a", Region: "nyc3", Tags: []string{"web", "lb"},
			Private: []netip.Addr{ip("10.0.4.20")}, Public: []netip.Addr{ip("192.0.2.20"), ip("2001:db8:1::20")},
		},
		{ID: "1002", Name: "lb-b", Region: "nyc3", Private: []netip.Addr{ip("10.0.4.21")}},
		{ID: "1003", Name: "far", Region: "ams3"},
	} {
		w.must(w.model.AddInstance(i))
	}
	for _, a := range []fakecloud.Address{
		{IP: ip("203.0.113.10"), Region: "nyc3", Holder: providers.Target{Instance: "1001"}},
		{IP: ip("203.0.113.11"), Region: "nyc3"},
		{IP: ip("198.51.100.1"), Region: "nyc3", BringYourOwn: true},
		{IP: ip("2001:db8::42"), Region: "nyc3"},
	} {
		w.must(w.model.AddAddress(a))
	}
	o.Tokens = append(o.Tokens, fakedo.Token{Value: "token-a", Node: "lb-a"}, fakedo.Token{Value: "token-b", Node: "lb-b"})
	w.do = fakedo.New(w.model, o)
	server := httptest.NewServer(w.do)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// response is an answer with its body as generic JSON.
type response struct {
	status int
	header http.Header
	body   any
}

// callAs makes one call with the given token; an empty body sends none.
func (w *world) callAs(token, method, path, body string) response {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	w.must(err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	w.must(err)
	r := response{status: resp.StatusCode, header: resp.Header}
	if err := json.Unmarshal(raw, &r.body); err != nil {
		w.t.Fatalf("%s %s: the answer is no JSON: %q", method, path, raw)
	}
	return r
}

func (w *world) get(path string) response { w.t.Helper(); return w.callAs("token-a", "GET", path, "") }

func (w *world) post(path, body string) response {
	w.t.Helper()
	return w.callAs("token-b", "POST", path+"/actions", body)
}

// at follows keys and returns what is there; nil also for what is missing.
func (r response) at(keys ...string) any {
	v := r.body
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// wantJSON compares a value with the text of a JSON document.
func wantJSON(t *testing.T, what string, got any, want string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(want), &v); err != nil {
		t.Fatalf("%s: the expectation is no JSON: %v", what, err)
	}
	if diff := cmp.Diff(v, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// wantFailure checks status, slug, message and that the request id is the same in
// header and body.
func wantFailure(t *testing.T, r response, status int, id, message string) {
	t.Helper()
	if r.status != status || r.at("id") != id || r.at("message") != message {
		t.Errorf("got %d %v, want %d %s %q", r.status, r.body, status, id, message)
	}
	if got := r.header.Get("x-request-id"); got == "" || got != r.at("request_id") {
		t.Errorf("request id: header %q, body %v", got, r.at("request_id"))
	}
}

const (
	nyc3 = `{"name":"New York 3","slug":"nyc3","features":["metadata","ipv6"],"available":true,"sizes":["s-1vcpu-1gb"]}`

	dropletA = `{
		"id": 1001, "name": "lb-a", "memory": 1024, "vcpus": 1, "disk": 25, "locked": false, "status": "active",
		"kernel": null, "created_at": "2026-01-01T00:00:00Z", "features": ["private_networking", "ipv6"],
		"backup_ids": [], "next_backup_window": null, "snapshot_ids": [], "volume_ids": [],
		"image": {"id": 129211873, "name": "12 x64", "distribution": "Debian", "slug": "debian-12-x64", "public": true,
			"regions": ["nyc3"], "created_at": "2026-01-01T00:00:00Z", "min_disk_size": 7, "type": "base",
			"size_gigabytes": 0.6, "status": "available"},
		"size": {"slug": "s-1vcpu-1gb", "memory": 1024, "vcpus": 1, "disk": 25, "transfer": 1, "price_monthly": 6,
			"price_hourly": 0.00893, "regions": ["nyc3"], "available": true, "description": "Basic"},
		"size_slug": "s-1vcpu-1gb",
		"networks": {
			"v4": [
				{"ip_address": "10.0.4.20", "netmask": "255.255.240.0", "gateway": "nil", "type": "private"},
				{"ip_address": "192.0.2.20", "netmask": "255.255.240.0", "gateway": "192.0.0.1", "type": "public"},
				{"ip_address": "203.0.113.10", "netmask": "255.255.240.0", "gateway": "203.0.112.1", "type": "public"}
			],
			"v6": [{"ip_address": "2001:db8:1::20", "netmask": 64, "gateway": "2001:db8:1::1", "type": "public"}]
		},
		"region": ` + nyc3 + `, "tags": ["web", "lb"], "vpc_uuid": "760e09ef-dc84-11e8-981e-3cfdfeaae000"}`

	firstHeldByA = `{"ip": "203.0.113.10", "region": ` + nyc3 + `, "droplet": ` + dropletA + `,
		"locked": false, "project_id": "746c6152-2fa2-11ed-92d3-27aaa54e4988"}`
	secondUnbound = `{"ip": "203.0.113.11", "region": ` + nyc3 + `, "droplet": null,
		"locked": false, "project_id": "746c6152-2fa2-11ed-92d3-27aaa54e4988"}`
	ownUnbound = `{"ip": "198.51.100.1", "region": ` + nyc3 + `, "droplet": null,
		"locked": false, "project_id": "746c6152-2fa2-11ed-92d3-27aaa54e4988"}`
	sixthUnbound = `{"ip": "2001:db8::42", "region_slug": "nyc3", "reserved_at": "2026-01-01T00:00:00Z", "droplet": null}`
)
