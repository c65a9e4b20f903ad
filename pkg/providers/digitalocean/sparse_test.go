// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const (
	get6      = "GET /v2/reserved_ipv6/2001:db8::42"
	list6     = "GET /v2/reserved_ipv6"
	droplets  = "GET /v2/droplets"
	bareFree6 = `{"ip":"2001:db8::42","region_slug":"nyc3","reserved_at":"2024-11-29T15:31:30Z"}`
)

// TestAnIPv6WithoutADropletIsHeldByNobody once the token was seen to read droplets.
func TestAnIPv6WithoutADropletIsHeldByNobody(t *testing.T) {
	t.Parallel()
	held := `{"ip":"2001:db8::42","region_slug":"nyc3","droplet":{"id":1001}}`
	wrapped := func(object string) canned { return canned{status: 200, body: `{"reserved_ipv6":` + object + `}`} }
	one := canned{status: 200, body: `{"droplets":[{"id":7}],"meta":{"total":9}}`}
	const doubt = "the answer names no droplet, and whether the token may see droplets (scope droplet:read) is not certain: "
	for name, tc := range map[string]struct {
		address canned
		list    canned // of droplets; none: it must not be asked for
		want    providers.Target
		err     string // kind and end of the text
	}{
		"unheld":                        {wrapped(bareFree6), one, providers.Target{}, ""},
		"unheld, without the wrapping":  {canned{status: 200, body: bareFree6}, one, providers.Target{}, ""},
		"unheld and null":               {wrapped(`{"ip":"2001:db8::42","droplet":null}`), canned{}, providers.Target{}, ""},
		"held":                          {wrapped(held), canned{}, nodeA, ""},
		"held, without the wrapping":    {canned{status: 200, body: held}, canned{}, nodeA, ""},
		"a network without an address":  {wrapped(`{"ip":"2001:db8::42","droplet":{"id":1001,"networks":{"v4":[{"type":"private"}],"v6":null}}}`), canned{}, nodeA, ""},
		"the token may see no droplets": {wrapped(bareFree6), canned{status: 403, body: `{"id":"forbidden","message":"You are missing droplet:read."}`}, providers.Target{}, "denied " + doubt + "You are missing droplet:read."},
		"and nobody says why":           {wrapped(bareFree6), canned{status: 403, body: `{"id":"forbidden"}`}, providers.Target{}, "denied " + doubt + "refused"},
		"it is shown none":              {wrapped(bareFree6), canned{status: 200, body: `{"droplets":[]}`}, providers.Target{}, "transient " + doubt + "droplets: missing"},
		"it is shown null":              {wrapped(bareFree6), canned{status: 200, body: `{"droplets":null}`}, providers.Target{}, "transient " + doubt + "droplets: missing"},
		"it is shown something else":    {wrapped(bareFree6), canned{status: 200, body: `{"droplets":[{}]}`}, providers.Target{}, "transient " + doubt + "droplets: missing"},
		"it is answered by a page":      {wrapped(bareFree6), canned{status: 200, body: `<html>`}, providers.Target{}, "transient " + doubt + `not an answer of the API: "<html>"; look at the endpoint, and at what answers in its place`},
		"another address":               {canned{status: 200, body: strings.Replace(bareFree6, "::42", "::43", 1)}, canned{}, providers.Target{}, `transient asked for 2001:db8::42, got "2001:db8::43"`},
		"a droplet without an id":       {wrapped(`{"ip":"2001:db8::42","droplet":{}}`), canned{}, providers.Target{}, "transient reserved_ipv6.droplet.id: missing or not a positive number"},
		"a list of droplets":            {wrapped(`{"ip":"2001:db8::42","droplet":[{"id":1001}]}`), canned{}, providers.Target{}, "transient "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{get6: tc.address}
			if tc.list.status != 0 {
				s[droplets] = tc.list
			}
			p, c := start(t, s)
			got, err := p.Owner(t.Context(), v6)
			kind, text, _ := strings.Cut(tc.err, " ")
			if got.Target != tc.want || kindWord(err) != kind || err != nil && !strings.HasSuffix(err.Error(), text) {
				t.Errorf("got %q, %v; want %q, %s", got.Target, err, tc.want, tc.err)
			}
			if got := len(c.seen()); got != len(s) {
				t.Errorf("%d calls, want %d: %q", got, len(s), c.seen())
			}
		})
	}
}

// TestAnIPv4WithoutADropletMayBeHeldByAnybody: the API says null of one that nobody holds.
func TestAnIPv4WithoutADropletMayBeHeldByAnybody(t *testing.T) {
	t.Parallel()
	p, _ := start(t, script{"GET /v2/reserved_ips/203.0.113.10": {status: 200, body: `{"reserved_ip":{"ip":"203.0.113.10","region":{"slug":"nyc3"}}}`}})
	_, err := p.Owner(t.Context(), v4)
	const want = "read owner of 203.0.113.10: transient (200, request req-header): reserved_ip.droplet: missing; a token needs the scope droplet:read to be shown one"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAListOfIPv6Addresses(t *testing.T) {
	t.Parallel()
	const free, held = `{"ip":"2001:db8::42","region_slug":"nyc3"}`, `{"ip":"2001:db8::43","droplet":{"id":1002}}`
	all := func(name string, entries ...string) canned {
		return canned{status: 200, body: `{"` + name + `":[` + strings.Join(entries, ",") + `]}`}
	}
	free43 := strings.Replace(free, "::42", "::43", 1)
	one := canned{status: 200, body: `{"droplets":[{"id":7}]}`}
	forbidden := canned{status: 403, file: "error_forbidden"}
	for name, tc := range map[string]struct {
		script script
		want   []string
	}{
		"one that is held proves that droplets are shown": {script{list6: all("reserved_ipv6s", free, held)}, []string{"at ", "at 1002"}},
		"another one's holder proves it as well": {
			script{list6: all("reserved_ipv6s", free, free43, `{"ip":"2001:db8::99","droplet":{"id":9}}`)}, []string{"at ", "at "}},
		"none is held":                  {script{list6: all("reserved_ipv6s", free, free43), droplets: one}, []string{"at ", "at "}},
		"none is shown":                 {script{list6: all("reserved_ipv6s", free, free43), droplets: forbidden}, []string{"denied", "denied"}},
		"null needs no proof":           {script{list6: all("reserved_ipv6s", free, `{"ip":"2001:db8::43","droplet":null}`), droplets: forbidden}, []string{"denied", "at "}},
		"as the schema names it":        {script{list6: all("reserved_ips", free, held)}, []string{"at ", "at 1002"}},
		"under another name":            {script{list6: all("ips", free, held)}, []string{"transient", "transient"}},
		"one that is there in two ways": {script{list6: all("reserved_ipv6s", free, held, `{"ip":"2001:db8::42","droplet":null}`), get6: {status: 200, file: "reserved_ipv6_held"}}, []string{"at 1001", "at 1002"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, c := start(t, tc.script)
			if diff := cmp.Diff(tc.want, words(p.Owners(t.Context(), []providers.Address{v6, other6}))); diff != "" {
				t.Errorf("readings (-want +got):\n%s", diff)
			}
			if got := len(c.seen()); got != len(tc.script) {
				t.Errorf("%d calls, want %d: %q", got, len(tc.script), c.seen())
			}
		})
	}
}

func TestWhetherIPv6IsEnabled(t *testing.T) {
	t.Parallel()
	own, other := netip.MustParseAddr("2001:db8:1::11"), netip.MustParseAddr("2001:db8::43")
	for name, tc := range map[string]struct {
		d     droplet
		lacks bool
	}{
		"the features say so":                        {droplet{features: []string{"ipv6"}, public6: []netip.Addr{own}}, false},
		"and nothing is listed":                      {droplet{features: []string{"droplet_agent", "ipv6"}}, false},
		"or the reserved address alone":              {droplet{features: []string{"ipv6"}, public6: []netip.Addr{v6.IP}}, false},
		"the features deny it":                       {droplet{features: []string{"private_networking"}}, true},
		"there are none":                             {droplet{features: []string{}}, true},
		"the reserved address is no proof":           {droplet{features: []string{}, public6: []netip.Addr{v6.IP}}, true},
		"an address of its own is":                   {droplet{features: []string{}, public6: []netip.Addr{v6.IP, own}}, false},
		"and so is another reserved one":             {droplet{features: []string{}, public6: []netip.Addr{other}}, false},
		"no features are told, nor is an address":    {droplet{}, false},
		"no features are told beside the address":    {droplet{public6: []netip.Addr{v6.IP}}, false},
		"no features are told beside one of its own": {droplet{public6: []netip.Addr{own}}, false},
	} {
		if got := tc.d.lacksIPv6(v6.IP); got != tc.lacks {
			t.Errorf("%s: lacks IPv6 %v, want %v", name, got, tc.lacks)
		}
	}
}

// TestThePreflightOfAnIPv6NeedsNoProof: it reads the node's own droplet.
func TestThePreflightOfAnIPv6NeedsNoProof(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ address, droplet, kind string }{
		"IPv6 and nothing listed":        {bareFree6, `"features":["ipv6"]`, ""},
		"IPv6, the reserved one listed":  {bareFree6, `"features":["ipv6"],"networks":{"v6":[{"ip_address":"2001:db8::42","netmask":0,"type":"public"}]}`, ""},
		"no word of features or network": {bareFree6, `"networks":null`, ""},
		"no IPv6":                        {bareFree6, `"features":[],"networks":{"v6":[]}`, "invalid"},
		"a region in two forms":          {`{"ip":"2001:db8::42","region":{"slug":"nyc3"},"region_slug":"nyc3"}`, `"features":["ipv6"]`, ""},
	} {
		p, c := start(t, script{
			get6:                            {status: 200, body: tc.address},
			"GET /v2/droplets/1001":         {status: 200, body: `{"droplet":{"id":1001,"status":"active","region":{"slug":"nyc3"},` + tc.droplet + `}}`},
			"GET /v2/droplets/1001/actions": {status: 200, file: "droplet_actions_none"},
		})
		if err := p.Preflight(t.Context(), v6, nodeA); kindWord(err) != tc.kind {
			t.Errorf("%s: got %v after %q", name, err, c.seen())
		}
	}
}

// TestATokenThatIsReplacedBetweenTwoReads: the old one is not shown droplets, the new one
// is, and the address is held all the while.
func TestATokenThatIsReplacedBetweenTwoReads(t *testing.T) {
	t.Parallel()
	const before, after = "dop_v1_before", "dop_v1_after"
	const seen = `{"id":1001}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := `{"ip":"2001:db8::42"}`
		if sees := r.Header.Get("Authorization") == "Bearer "+after; sees {
			entry = `{"ip":"2001:db8::42","droplet":` + seen + `}`
		} else if r.URL.Path == "/v2/droplets" {
			w.WriteHeader(http.StatusForbidden)
		}
		switch r.URL.Path {
		case "/v2/reserved_ipv6/2001:db8::42":
			_, _ = io.WriteString(w, `{"reserved_ipv6":`+entry+`}`)
		case "/v2/reserved_ipv6":
			_, _ = io.WriteString(w, `{"reserved_ipv6s":[`+entry+`,{"ip":"2001:db8::43"}]}`)
		case "/v2/droplets":
			_, _ = io.WriteString(w, `{"droplets":[`+seen+`],"id":"forbidden"}`)
		}
	}))
	t.Cleanup(srv.Close)
	for name, read := range map[string]func(*Provider) (providers.Assignment, error){
		"one": func(p *Provider) (providers.Assignment, error) { return p.Owner(t.Context(), v6) },
		"a list": func(p *Provider) (providers.Assignment, error) {
			r := p.Owners(t.Context(), []providers.Address{v6, other6})[0]
			return r.Assignment, r.Err
		},
	} {
		var asked atomic.Int64
		client := cloudhttp.New(cloudhttp.Config{Token: func() (cloudhttp.Secret, error) {
			if asked.Add(1) == 1 {
				return cloudhttp.NewSecret(before), nil
			}
			return cloudhttp.NewSecret(after), nil
		}})
		t.Cleanup(client.HTTP().CloseIdleConnections)
		p, err := New(Config{HTTP: client, Endpoint: srv.URL, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read(p); kindWord(err) != "denied" {
			t.Errorf("%s: the old token reads %q, %v; want denied", name, got.Target, err)
		}
		if got, err := read(p); err != nil || got.Target != nodeA {
			t.Errorf("%s: the new token reads %q, %v; want %s", name, got.Target, err, nodeA)
		}
	}
}
