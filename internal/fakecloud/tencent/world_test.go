// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/internal/fakecloud"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

var (
	eipA    = netip.MustParseAddr("203.0.113.10") // eip-aaaaaaaa, on ins-aaaaaaaa at the start
	eipFree = netip.MustParseAddr("203.0.113.11") // eip-ffffffff, on nobody
	vip     = netip.MustParseAddr("10.0.4.99")    // havip-11111111, held by ins-aaaaaaaa
	private = netip.MustParseAddr("10.0.4.60")    // on eni-aaaaaaaa
	routed  = netip.MustParseAddr("172.16.0.9")   // in rtb-11111111 and rtb-22222222, to ins-aaaaaaaa

	onA = providers.Target{Instance: "ins-aaaaaaaa", PrivateIP: netip.MustParseAddr("10.0.4.20")}
	onB = providers.Target{Instance: "ins-bbbbbbbb", PrivateIP: netip.MustParseAddr("10.0.4.21")}
)

// world is a cloud of three machines with its API on a real socket: a and b in the
// subnet of everything, c in another zone.
type world struct {
	t     *testing.T
	model *fakecloud.Model
	tc    *faketencent.Server
	url   string

	mu  sync.Mutex
	now time.Time
}

// start is close to the clock of the vendor's client, which cannot be injected.
var start = time.Now().Truncate(time.Second)

func newWorld(t *testing.T, o faketencent.Options) *world {
	t.Helper()
	w := &world{t: t, now: start}
	w.model = fakecloud.New(fakecloud.Options{Now: w.clock})
	o.Credentials = append(o.Credentials,
		faketencent.Credential{ID: "AKIDa", Key: "key-a", Node: "lb-a"},
		faketencent.Credential{ID: "AKIDb", Key: "key-b", Node: "lb-b"})
	w.tc = faketencent.New(w.model, o)
	w.must(w.tc.AddSubnet(faketencent.Subnet{
		ID: "subnet-other", Range: netip.MustParsePrefix("10.0.5.0/24"), Zone: "ap-guangzhou-4",
	}))
	for _, m := range []faketencent.Machine{
		{Instance: fakecloud.Instance{ID: "ins-aaaaaaaa", Name: "lb-a", Private: []netip.Addr{onA.PrivateIP}}, Groups: []string{"ps-11111111"}},
		{Instance: fakecloud.Instance{ID: "ins-bbbbbbbb", Name: "lb-b", Private: []netip.Addr{onB.PrivateIP}}, Groups: []string{"ps-11111111"}},
		{Instance: fakecloud.Instance{ID: "ins-cccccccc"}, Subnet: "subnet-other"},
	} {
		w.must(w.tc.AddMachine(m))
	}
	w.must(w.tc.AddEIP(faketencent.EIP{ID: "eip-aaaaaaaa", IP: eipA, Holder: providers.Target{Instance: "ins-aaaaaaaa"}}))
	w.must(w.tc.AddEIP(faketencent.EIP{ID: "eip-ffffffff", IP: eipFree}))
	w.must(w.tc.AddHAVIP(faketencent.HAVIP{ID: "havip-11111111", IP: vip, Holder: providers.Target{Instance: "ins-aaaaaaaa"}}))
	w.must(w.tc.AddPrivateIP(faketencent.PrivateIP{IP: private, Holder: providers.Target{Instance: "ins-aaaaaaaa"}}))
	for _, table := range []string{"rtb-11111111", "rtb-22222222"} {
		w.must(w.tc.AddRoute(faketencent.Route{Table: table, IP: routed, Holder: providers.Target{Instance: "ins-aaaaaaaa"}}))
	}
	server := httptest.NewServer(w.tc)
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

// wantHolder compares who holds what is in the slot.
func (w *world) wantHolder(ip netip.Addr, want providers.Target) {
	w.t.Helper()
	if got := w.model.Holder(ip); got != want {
		w.t.Errorf("holder of %s: got %s, want %s", ip, got, want)
	}
}

// response is the content of "Response" as generic JSON.
type response struct {
	status int
	header http.Header
	raw    []byte
	body   any
}

// at follows keys and indexes into the body.
func (r response) at(path ...any) any {
	v := r.body
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// code is the error's code; empty: none.
func (r response) code() string {
	code, _ := r.at("Error", "Code").(string)
	return code
}

// call is one call to be signed as the documents say. Zero fields are the usual.
type call struct {
	id, key, action, body              string
	service, version, region, host     string
	method, path, token, contentType   string
	timestamp, signedAt, authorization string
	unsigned                           bool // the body is not signed
}

func (c *call) fill(w *world) {
	set := func(field *string, otherwise string) {
		if *field == "" {
			*field = otherwise
		}
	}
	set(&c.id, "AKIDa")
	set(&c.key, "key-a")
	set(&c.service, "vpc")
	if strings.HasPrefix(c.action, "DescribeInstances") || strings.HasPrefix(c.action, "DescribeDisaster") {
		c.service = "cvm"
	}
	set(&c.version, "2017-03-12")
	set(&c.region, "ap-guangzhou")
	set(&c.host, strings.TrimPrefix(w.url, "http://"))
	set(&c.method, "POST")
	set(&c.path, "/")
	set(&c.contentType, "application/json")
	set(&c.body, "{}")
	set(&c.timestamp, strconv.FormatInt(w.clock().Unix(), 10))
	set(&c.signedAt, c.timestamp)
}

func hmac256(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return string(h.Sum(nil))
}

func hex256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// signature is a second implementation of the method, for these tests only.
func (c *call) signature() (header, signature string) {
	seconds, _ := strconv.ParseInt(c.signedAt, 10, 64)
	scope := time.Unix(seconds, 0).UTC().Format("2006-01-02") + "/" + c.service + "/tc3_request"
	payload := c.body
	if c.unsigned {
		payload = "UNSIGNED-PAYLOAD"
	}
	canonical := strings.Join([]string{
		c.method, "/", "", "content-type:" + c.contentType, "host:" + c.host, "", "content-type;host", hex256(payload),
	}, "\n")
	key := "TC3" + c.key
	for part := range strings.SplitSeq(scope, "/") {
		key = hmac256(key, part)
	}
	text := strings.Join([]string{"TC3-HMAC-SHA256", c.signedAt, scope, hex256(canonical)}, "\n")
	signature = hex.EncodeToString([]byte(hmac256(key, text)))
	return "TC3-HMAC-SHA256 Credential=" + c.id + "/" + scope +
		", SignedHeaders=content-type;host, Signature=" + signature, signature
}

// send makes the call; absent headers are those that are "-".
func (w *world) send(c call) (response, error) {
	w.t.Helper()
	c.fill(w)
	header, _ := c.signature()
	if c.authorization != "" {
		header = c.authorization
	}
	req, err := http.NewRequestWithContext(w.t.Context(), c.method, w.url+c.path, strings.NewReader(c.body))
	w.must(err)
	req.Host = c.host
	if c.unsigned {
		req.Header.Set("X-TC-Content-SHA256", "UNSIGNED-PAYLOAD")
	}
	for name, value := range map[string]string{
		"Authorization": header, "Content-Type": c.contentType, "X-TC-Action": c.action, "X-TC-Version": c.version,
		"X-TC-Region": c.region, "X-TC-Timestamp": c.timestamp, "X-TC-Token": c.token,
	} {
		if value != "-" && value != "" {
			req.Header.Set(name, value)
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	r := response{status: resp.StatusCode, header: resp.Header, raw: raw}
	if bytes.HasPrefix(raw, []byte("{")) {
		var envelope struct{ Response any }
		w.must(json.Unmarshal(raw, &envelope))
		r.body = envelope.Response
	}
	return r, err
}

// call makes one call as node a.
func (w *world) call(action, body string) response {
	w.t.Helper()
	r, err := w.send(call{action: action, body: body})
	w.must(err)
	return r
}

// lose makes a call whose reply must not come.
func (w *world) lose(action, body string) {
	w.t.Helper()
	if r, err := w.send(call{action: action, body: body}); err == nil {
		w.t.Errorf("%s: got %s, want no reply", action, r.raw)
	}
}

// wantCode compares the code of an answer; empty: no error.
func (w *world) wantCode(what string, r response, want string) {
	w.t.Helper()
	if r.status != http.StatusOK || r.code() != want || r.at("RequestId") == nil {
		w.t.Errorf("%s: got %d %s, want the code %q", what, r.status, r.raw, want)
	}
}

var equateAddr = cmpopts.EquateComparable(netip.Addr{})

func slot(table string) fakecloud.Slot { return fakecloud.Slot{IP: routed, Table: table} }
