// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

var (
	webEIP     = providers.Address{Provider: Name, Kind: providers.KindEIP, ID: "fip-svj6u4mw6t", IP: netip.MustParseAddr("114.67.178.43")}
	webPrivate = providers.Address{Provider: Name, Kind: providers.KindPrivateIP, ID: "subnet-web", IP: netip.MustParseAddr("10.0.4.99")}
	webRoute   = providers.Address{Provider: Name, Kind: providers.KindRoute, ID: "rtb-web", IP: netip.MustParseAddr("172.16.0.9")}

	nodeA = providers.Target{Instance: "i-a", Interface: "port-a", PrivateIP: netip.MustParseAddr("10.0.4.20")}
	nodeB = providers.Target{Instance: "i-b", Interface: "port-b", PrivateIP: netip.MustParseAddr("10.0.4.21")}
	now   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

// only returns a node as a kind names it.
func only(kind string, t providers.Target) providers.Target { return t.Only(Capabilities(kind).Target) }

// canned is one scripted answer: a document of testdata, or a body as it is.
type canned struct {
	status int // zero: 200
	file   string
	body   string
	header map[string]string
	then   []canned // the answers to later requests, of which the last one stays
}

// result is a success with this result.
func result(text string) canned { return canned{body: `{"requestId":"req-1","result":` + text + `}`} }

// failure is an error of the API.
func failure(status int, word, message string) canned {
	text, _ := json.Marshal(message) // a text always encodes
	return canned{status: status, body: fmt.Sprintf(`{"requestId":"req-1","error":{"code":%d,"status":%q,"message":%s}}`, status, word, text)}
}

var accepted = canned{body: `{"requestId":"req-1"}`}

// script maps "METHOD path", without /v1/regions/cn-north-1 and the query, to its
// answer. A request that is not in it fails the test.
type script map[string]canned

// with returns s with other answers.
func (s script) with(changes script) script {
	all := script{}
	for _, part := range []script{s, changes} {
		for k, v := range part {
			all[k] = v
		}
	}
	return all
}

// cloud serves a script and keeps a line per request.
type cloud struct {
	t        *testing.T
	script   script
	mu       sync.Mutex
	requests []string
	together int           // so many different requests are answered when all have come; zero: each at once
	full     bool          // they have,
	came     chan struct{} // which closes this
}

// start serves s and returns a driver that speaks to it at the fixed time now.
func start(t *testing.T, s script) (*Cloud, *cloud) {
	t.Helper()
	c := &cloud{t: t, script: s}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	return driver(t, Config{Endpoints: Endpoints{Single: srv.URL}}), c
}

// driver returns a driver of cfg, with credentials, region and clock where it has none.
func driver(t *testing.T, cfg Config) *Cloud {
	t.Helper()
	if cfg.Credentials == nil {
		cfg.Credentials = func(context.Context) (Credential, error) {
			return Credential{vectorKey, vectorSecret, cloudhttp.Secret{}}, nil
		}
	}
	if cfg.Region == nil {
		cfg.Region = func(context.Context) (string, error) { return "cn-north-1", nil }
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return now }
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Quit)
	return c
}

// provider returns the provider of a kind.
func (c *Cloud) provider(t *testing.T, kind string) providers.Provider {
	t.Helper()
	p, ok := c.Kind(kind)
	if !ok {
		t.Fatalf("no kind %q", kind)
	}
	return p
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path, ok := strings.CutPrefix(r.RequestURI, "/v1/regions/cn-north-1")
	plain, query, _ := strings.Cut(path, "?")
	plain, _ = url.PathUnescape(plain)
	key := r.Method + " " + plain
	line := strings.TrimSpace(strings.TrimSuffix(key+"?"+query, "?") + " " + string(body))
	c.mu.Lock()
	c.requests = append(c.requests, line)
	if !c.full && len(slices.Compact(sorted(c.requests))) == c.together {
		c.full = true
		close(c.came)
	}
	a, known := c.script[key]
	if len(a.then) > 0 {
		next := a.then[0]
		next.then = a.then[1:]
		c.script = c.script.with(script{key: next})
	}
	c.mu.Unlock()
	if c.together > 0 {
		select {
		case <-c.came:
		case <-r.Context().Done():
		}
	}
	if !ok || !known {
		c.t.Errorf("unexpected request: %s (%s)", line, r.RequestURI)
	}
	if got := r.Header.Get("Authorization"); !strings.HasPrefix(got, "JDCLOUD2-HMAC-SHA256 Credential=TESTAK/20261121/cn-north-1/"+serviceOf(plain)+"/") {
		c.t.Errorf("%s: authorization %q", line, got)
	}
	if r.Header.Get(scopeHeader) != "" {
		c.t.Errorf("%s: the scope left with it", line)
	}
	if a.file != "" {
		data, err := os.ReadFile(filepath.Join("testdata", a.file+".json"))
		if err != nil {
			c.t.Error(err)
		}
		a.body = string(data)
	}
	w.Header().Set("Date", now.Format(http.TimeFormat))
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = io.WriteString(w, a.body)
}

// serviceOf names the service that has a path, as the vendor's reference does.
func serviceOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/instances/"):
		return "vm"
	case strings.HasPrefix(path, "/availabilityGroups/"):
		return "ag"
	}
	return "vpc"
}

// seen returns the requests since the last time.
func (c *cloud) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.requests
	c.requests = nil
	return lines
}

// sorted returns lines in their order, for requests that are made side by side.
func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

// check compares an error with what is wanted of it, cause by its text.
func check(t *testing.T, err error, want *providers.Error) {
	t.Helper()
	var got *providers.Error
	if err != nil {
		got = err.(*providers.Error)
	}
	text := cmp.Transformer("text", func(e error) string { return fmt.Sprint(e) })
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Err" }, text)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// kindWord returns the kind of an error as a word, empty for none.
func kindWord(err error) string {
	if err == nil {
		return ""
	}
	return providers.KindOf(err).String()
}

func addrs(texts ...string) (out []netip.Addr) {
	for _, s := range texts {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

var compareIP = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
