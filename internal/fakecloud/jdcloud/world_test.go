// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	base = "/v1/regions/cn-north-1/"

	eip    = base + "elasticIps/fip-held" // 203.0.113.10, held by i-a at the start
	free   = base + "elasticIps/fip-free" // 203.0.113.11
	nicA   = base + "networkInterfaces/port-a"
	nicB   = base + "networkInterfaces/port-b"
	tableA = base + "routeTables/rtb-one" // 172.16.0.9 led to i-a at the start, as rule rt-one
)

// world is a cloud of two machines with one address of each kind and its API on a
// real socket.
type world struct {
	t     *testing.T
	model *fakecloud.Model
	jd    *fakejd.Server
	url   string

	mu    sync.Mutex
	now   time.Time
	nonce int
}

func newWorld(t *testing.T, o fakejd.Options) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	w.model = fakecloud.New(fakecloud.Options{Now: w.clock})
	o.Credentials = append(o.Credentials,
		fakejd.Credential{AccessKey: "ak-a", SecretKey: "sk-a", Node: "lb-a"},
		fakejd.Credential{AccessKey: "ak-b", SecretKey: "sk-b", Node: "lb-b"},
	)
	w.jd = fakejd.New(w.model, o)
	w.must(w.jd.AddGroup(fakejd.Group{ID: "ag-one", Name: "web"}))
	w.must(w.jd.AddMachine(machine("i-a", "10.0.4.20", "1")))
	w.must(w.jd.AddMachine(machine("i-b", "10.0.4.21", "2")))
	a := providers.Target{Instance: "i-a"}
	w.must(w.jd.AddEIP(fakejd.EIP{ID: "fip-held", IP: ip("203.0.113.10"), Holder: a}))
	w.must(w.jd.AddEIP(fakejd.EIP{ID: "fip-free", IP: ip("203.0.113.11")}))
	w.must(w.jd.AddPrivateIP(fakejd.PrivateIP{IP: ip("10.0.4.99"), Holder: a}))
	w.must(w.jd.AddRoute(fakejd.Route{Table: "rtb-one", RuleID: "rt-one", IP: ip("172.16.0.9"), Holder: a}))
	server := httptest.NewServer(w.jd)
	t.Cleanup(server.Close)
	w.url = server.URL + o.PathPrefix
	return w
}

func machine(id, private, faultDomain string) fakejd.Machine {
	return fakejd.Machine{
		Instance: fakecloud.Instance{ID: id, Private: []netip.Addr{ip(private)}},
		AZ:       "cn-north-1c", Group: "ag-one", FaultDomain: faultDomain,
	}
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

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

func (w *world) nextNonce() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nonce++
	return fmt.Sprint("nonce-", w.nonce)
}

// signer is a client's half of the signature, written for the tests from the
// reference alone.
type signer struct {
	ak, sk, token, region, service, date, nonce string
	headers                                     []string // signed, sorted
}

func mac256(key, data string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(data))
	return string(h.Sum(nil))
}

func sha(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}

func (s signer) sign(req *http.Request, body string) {
	req.Header.Set("x-jdcloud-date", s.date)
	req.Header.Set("x-jdcloud-nonce", s.nonce)
	if s.token != "" {
		req.Header.Set("x-jdcloud-security-token", base64.StdEncoding.EncodeToString([]byte(s.token)))
	}
	path := strings.ReplaceAll(req.URL.Path, ":", "%3A")
	query := strings.ReplaceAll(req.URL.Query().Encode(), "+", "%20")
	canon := req.Method + "\n" + path + "\n" + query + "\n"
	for _, h := range s.headers {
		value := req.Header.Get(h)
		if h == "host" {
			value = req.URL.Host
		}
		canon += h + ":" + value + "\n"
	}
	names := strings.Join(s.headers, ";")
	canon += "\n" + names + "\n" + sha(body)
	scope := s.date[:8] + "/" + s.region + "/" + s.service + "/jdcloud2_request"
	key := mac256(mac256(mac256(mac256("JDCLOUD2"+s.sk, s.date[:8]), s.region), s.service), "jdcloud2_request")
	sig := hex.EncodeToString([]byte(mac256(key, "JDCLOUD2-HMAC-SHA256\n"+s.date+"\n"+scope+"\n"+sha(canon))))
	req.Header.Set("Authorization", "JDCLOUD2-HMAC-SHA256 Credential="+s.ak+"/"+scope+", SignedHeaders="+names+", Signature="+sig)
}

// signer returns one for the node's credential as an honest client would use it.
func (w *world) signer(ak, path string) signer {
	s := signer{
		ak: ak, sk: strings.Replace(ak, "ak", "sk", 1), region: "cn-north-1", service: "vpc",
		date: w.clock().Format("20060102T150405Z"), nonce: w.nextNonce(),
		headers: []string{"content-type", "host", "x-jdcloud-date", "x-jdcloud-nonce"},
	}
	if strings.Contains(path, "/instance") {
		s.service = "vm"
	}
	if strings.Contains(path, "/availabilityGroups") {
		s.service = "ag"
	}
	return s
}

func (w *world) request(method, path, body string) *http.Request {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	w.must(err)
	req.Header.Set("Content-Type", "application/json")
	return req
}

// response is an answer with its body as generic JSON.
type response struct {
	status int
	header http.Header
	body   any
}

func (w *world) do(req *http.Request) response {
	w.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	w.must(err)
	r := response{status: resp.StatusCode, header: resp.Header}
	if err := json.Unmarshal(raw, &r.body); err != nil {
		r.body = string(raw)
	}
	return r
}

// callAs makes one well signed call.
func (w *world) callAs(ak, method, path, body string) response {
	w.t.Helper()
	req := w.request(method, path, body)
	w.signer(ak, path).sign(req, body)
	return w.do(req)
}

func (w *world) get(path string) response { w.t.Helper(); return w.callAs("ak-a", "GET", path, "") }

func (w *world) post(path, body string) response {
	w.t.Helper()
	return w.callAs("ak-b", "POST", path, body)
}

// at follows keys and numbers of array elements, and returns what is there; nil also
// for what is missing.
func (r response) at(keys ...any) any {
	v := r.body
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

// each returns the value of key in each element of the array at keys.
func (r response) each(key string, keys ...any) (values []any) {
	l, _ := r.at(keys...).([]any)
	for _, e := range l {
		m, _ := e.(map[string]any)
		values = append(values, m[key])
	}
	return values
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

// wantDone checks that a change was accepted: a request id and nothing else.
func wantDone(t *testing.T, r response) {
	t.Helper()
	m, _ := r.body.(map[string]any)
	if id, _ := m["requestId"].(string); r.status != http.StatusOK || len(m) != 1 || id == "" {
		t.Errorf("got %d %v, want 200 and a request id alone", r.status, r.body)
	}
}

// wantFailure checks status, status word and message.
func wantFailure(t *testing.T, r response, status int, word, message string) {
	t.Helper()
	got := []any{r.status, r.at("error", "code"), r.at("error", "status"), r.at("error", "message")}
	if diff := cmp.Diff([]any{status, float64(status), word, message}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if id, _ := r.at("requestId").(string); id == "" {
		t.Errorf("no request id in %v", r.body)
	}
}

// target returns the machine as addresses of a kind are bound to it.
func (w *world) target(instance string, parts providers.TargetParts) providers.Target {
	return w.jd.Identity(instance).Only(parts)
}

const (
	byEIP     = providers.PartInstance | providers.PartInterface | providers.PartPrivateIP
	byPrivate = providers.PartInstance | providers.PartInterface
	byRoute   = providers.PartInstance
)

// wantHolder checks who holds an address; an empty instance is nobody.
func (w *world) wantHolder(address, instance string, parts providers.TargetParts) {
	w.t.Helper()
	at := fakecloud.Slot{IP: ip(address)}
	if parts == byRoute {
		at.Table = "rtb-one"
	}
	var want providers.Target
	if instance != "" {
		want = w.target(instance, parts)
	}
	if got := w.model.HolderIn(at); got != want {
		w.t.Errorf("%s is held by %q, want %q", at, got, want)
	}
}

// query returns a query string of filters, as JD Cloud's own clients write it.
func query(pairs ...string) string {
	q, n := url.Values{}, 0
	for pair := range slices.Chunk(pairs, 2) {
		if strings.HasPrefix(pair[0], "page") {
			q.Set(pair[0], pair[1])
			continue
		}
		n++
		q.Set(fmt.Sprintf("filters.%d.name", n), pair[0])
		for m, v := range strings.Split(pair[1], ",") {
			q.Set(fmt.Sprintf("filters.%d.values.%d", n, m+1), v)
		}
	}
	return "?" + q.Encode()
}
