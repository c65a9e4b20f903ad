// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"fmt"
	"io"
	"maps"
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

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

var (
	havip1   = providers.Address{Provider: Name, Kind: providers.KindHAVIP, IP: ip("10.4.6.15"), ID: "havip-72alakye"}
	eip1     = providers.Address{Provider: Name, Kind: providers.KindEIP, IP: ip("203.0.113.10"), ID: "eip-ek0cdz1g"}
	private1 = providers.Address{Provider: Name, Kind: providers.KindPrivateIP, IP: ip("10.4.6.60"), ID: "subnet-qq51iwr4"}
	route1   = providers.Address{Provider: Name, Kind: providers.KindRoute, IP: ip("172.16.0.9"), ID: "rtb-afg8md3c"}

	// The machine a has the interface and the address, whatever kind names it.
	instanceA = providers.Target{Instance: "ins-ymk3eje8", Interface: "eni-f1xjkw1b", PrivateIP: ip("10.4.6.20")}
	instanceB = providers.Target{Instance: "ins-3nqpdn3i", Interface: "eni-g0n2axhd", PrivateIP: ip("10.4.6.21")}
	now       = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

func ip(text string) netip.Addr { return netip.MustParseAddr(text) }

// as returns a machine as a kind names it.
func as(kind string, t providers.Target) providers.Target { return t.Only(capabilities[kind].Target) }

// canned is one scripted answer.
type canned struct {
	status int // zero: 200
	body   string
	header map[string]string
}

// ok is a success with these fields, document one with those of a file in testdata;
// refused is a refusal.
func ok(fields string) canned {
	if fields != "" {
		fields += ","
	}
	return canned{body: `{"Response":{` + fields + `"RequestId":"req-1"}}`}
}

func document(t *testing.T, name string) canned {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return canned{body: string(data)}
}

func refused(code, message string) canned {
	return canned{body: fmt.Sprintf(`{"Response":{"Error":{"Code":%q,"Message":%q},"RequestId":"req-1"}}`, code, message)}
}

// script maps an action to its answer. A request that is not in it fails the test.
type script map[string]canned

// with is s with some answers changed.
func (s script) with(change script) script {
	out := maps.Clone(s)
	maps.Copy(out, change)
	return out
}

// recorder serves a script and keeps a line per request.
type recorder struct {
	t        *testing.T
	script   script
	mu       sync.Mutex
	requests []string
	last     http.Header
}

// start serves s and returns a cloud that speaks to it.
func start(t *testing.T, s script) (*Cloud, *recorder) {
	t.Helper()
	return startWith(t, s, func(*Config) {})
}

func startWith(t *testing.T, s script, change func(*Config)) (*Cloud, *recorder) {
	t.Helper()
	r := &recorder{t: t, script: s}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	client := cloudhttp.New(cloudhttp.Config{AttemptTimeout: 2 * time.Second})
	t.Cleanup(client.HTTP().CloseIdleConnections)
	cfg := Config{
		HTTP: client, Endpoint: srv.URL, Now: func() time.Time { return now },
		Region: func(context.Context) (string, error) { return "ap-guangzhou", nil },
		Credentials: func(context.Context) (Credential, error) {
			return Credential{ID: "AKIDEXAMPLE", Key: cloudhttp.NewSecret("SKEXAMPLE")}, nil
		},
	}
	change(&cfg)
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	action := req.Header.Get("X-TC-Action")
	r.mu.Lock()
	r.requests, r.last = append(r.requests, action+" "+string(body)), req.Header.Clone()
	r.mu.Unlock()
	a, known := r.script[action]
	if !known || req.Method != http.MethodPost || req.URL.Path != "/" {
		r.t.Errorf("unexpected request: %s %s %s %s", req.Method, req.URL.Path, action, body)
	}
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = io.WriteString(w, a.body)
}

// seen returns the requests so far.
func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.requests...)
}

// writes returns those that change something.
func (r *recorder) writes() (out []string) {
	for _, line := range r.seen() {
		if !strings.HasPrefix(line, "Describe") {
			out = append(out, line)
		}
	}
	return out
}

func provider(t *testing.T, c *Cloud, kind string) providers.Provider {
	t.Helper()
	p, ok := c.Kind(kind)
	if !ok {
		t.Fatalf("no kind %s", kind)
	}
	return p
}

// want compares an error with a line of text: its kind and something of what it says.
// An empty kind means no error.
func want(t *testing.T, err error, kind, text string) {
	t.Helper()
	got := ""
	if err != nil {
		got = providers.KindOf(err).String()
	}
	if got != kind || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("got  %v\nwant kind %q with %q", err, kind, text)
	}
	if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("more than one line: %q", err)
	}
}

var compareIP = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// addrs are addresses from text.
func addrs(texts ...string) (out []netip.Addr) {
	for _, s := range texts {
		out = append(out, ip(s))
	}
	return out
}
