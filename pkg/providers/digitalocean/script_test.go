// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const token = "dop_v1_0123456789abcdef"

var (
	v4    = providers.Address{Provider: Name, Kind: KindReservedIP, IP: netip.MustParseAddr("203.0.113.10")}
	v6    = providers.Address{Provider: Name, Kind: KindReservedIP, IP: netip.MustParseAddr("2001:db8::42")}
	nodeA = providers.Target{Instance: "1001"}
	nodeB = providers.Target{Instance: "1002"}
	now   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

// canned is one scripted answer: a document of testdata, or a body as it is.
type canned struct {
	status int
	file   string
	body   string
	header map[string]string
}

// script maps "METHOD path" to its answer. A request that is not in it fails the
// test.
type script map[string]canned

// cloud serves a script and keeps a line per request.
type cloud struct {
	t        *testing.T
	script   script
	mu       sync.Mutex
	requests []string
}

// start serves s and returns a driver that speaks to it.
func start(t *testing.T, s script) (*Provider, *cloud) {
	t.Helper()
	c := &cloud{t: t, script: s}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	return driver(t, srv.URL), c
}

// driver returns a driver for the API at endpoint, at the fixed time now.
func driver(t *testing.T, endpoint string) *Provider {
	t.Helper()
	client := cloudhttp.New(cloudhttp.Config{
		Token:          func() (cloudhttp.Secret, error) { return cloudhttp.NewSecret(token), nil },
		AttemptTimeout: 2 * time.Second,
	})
	t.Cleanup(client.HTTP().CloseIdleConnections)
	p, err := New(Config{HTTP: client, Endpoint: endpoint, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	line := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
	c.mu.Lock()
	c.requests = append(c.requests, line)
	c.mu.Unlock()
	if got := r.Header.Get("Authorization"); got != "Bearer "+token {
		c.t.Errorf("%s: authorization %q", line, got)
	}
	a, ok := c.script[r.Method+" "+r.URL.Path]
	if !ok {
		c.t.Errorf("unexpected request: %s", line)
	}
	w.Header().Set("x-request-id", "req-header")
	for k, v := range a.header {
		w.Header()[k] = []string{v} // as spelt, to test comparing case-blind
	}
	w.WriteHeader(a.status)
	if a.file != "" {
		data, err := os.ReadFile(filepath.Join("testdata", a.file+".json"))
		if err != nil {
			c.t.Error(err)
		}
		a.body = string(data)
	}
	_, _ = io.WriteString(w, a.body)
}

// seen returns the requests so far.
func (c *cloud) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.requests...)
}

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

func addrs(texts ...string) (out []netip.Addr) {
	for _, s := range texts {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

var compareIP = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
