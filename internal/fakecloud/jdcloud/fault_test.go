// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
)

const bind = nicB + ":associateElasticIp"

const bindFree = `{"elasticIpId":"fip-free"}`

// lose makes a well signed call whose reply must not come.
func (w *world) lose(ak, method, path, body string) {
	w.t.Helper()
	req := w.request(method, path, body)
	w.signer(ak, path).sign(req, body)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
		w.t.Errorf("%s %s: got %s, want no reply", method, path, resp.Status)
	}
}

func TestErrorsThatTheScriptWants(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault      face.Fault
		status     int
		word, text string
		retryAfter string
		holder     string
	}{
		{face.Throttled(0), 429, "HTTP_RATE_LIMIT_EXCEEDED", "minute rate limit exceeded, role:ak", "", ""},
		{face.Throttled(1500 * time.Millisecond), 429, "HTTP_RATE_LIMIT_EXCEEDED", "minute rate limit exceeded, role:ak", "2", ""},
		{face.ServerError(500), 500, "UNKNOWN", "Unknown server error", "", ""},
		{face.ServerError(503), 503, "HTTP_SERVICE_UNAVAILABLE", "service unavailable", "", ""},
		{face.ServerError(504), 504, "HTTP_SERVER_TIMING_OUT", "server timing out", "", ""},
		{face.ServerErrorAfter(500), 500, "UNKNOWN", "Unknown server error", "", "i-b"},
		{face.Code("INTERNAL"), 500, "INTERNAL", "Internal server error", "", ""},
		{face.Code("HTTP_BAD_GATEWAY"), 502, "HTTP_BAD_GATEWAY", "bad gateway", "", ""},
		{face.Code("QUOTA_EXCEEDED"), 429, "QUOTA_EXCEEDED", "Quota exceeded", "", ""},
		{face.Code("PERMISSION_DENIED"), 403, "PERMISSION_DENIED", "permission denied", "", ""},
		{face.Code("CONFLICT"), 409, "CONFLICT", "Conflict of parameters or resources", "", ""},
		{face.Code("FAILED_PRECONDITION: Invalid instance status 'stopping'"), 400, "FAILED_PRECONDITION", "Invalid instance status 'stopping'", "", ""},
		{face.Code("SOMETHING_NEW"), 400, "SOMETHING_NEW", "SOMETHING_NEW", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{ProcessingDelay: -1})
			w.jd.Inject(face.Match{Action: "associateElasticIp"}, tt.fault, 1)
			r := w.post(bind, bindFree)
			wantFailure(t, r, tt.status, tt.word, tt.text)
			if got := r.header.Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("Retry-After: got %q, want %q", got, tt.retryAfter)
			}
			w.wantHolder("203.0.113.11", tt.holder, byEIP)
		})
	}
}

func TestTheFrontEndAnswersWithAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.jd.Inject(face.Match{}, face.ServerError(502), 1)
	r := w.get(eip)
	page, _ := r.body.(string)
	if r.status != 502 || !strings.HasPrefix(page, "<html>") || r.header.Get("Content-Type") != "text/html" {
		t.Errorf("got %d %v", r.status, r.body)
	}
	w.jd.Inject(face.Match{}, face.ServerError(507), 1)
	if got := w.get(eip).status; got != 507 {
		t.Errorf("a status without a word: got %d, want 507", got)
	}
}

func TestLostReplies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault        face.Fault
		holder, late string // at once, and an hour later
	}{
		{face.CutBefore(), "", ""},
		{face.Refuse(), "", ""},
		{face.CutAfter(), "i-b", "i-b"},
		{face.CutLate(30 * time.Second), "", "i-b"},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{ProcessingDelay: -1})
			w.jd.Inject(face.Match{Method: "POST"}, tt.fault, 1)
			w.lose("ak-b", "POST", bind, bindFree)
			w.wantHolder("203.0.113.11", tt.holder, byEIP)
			w.advance(time.Hour)
			w.wantHolder("203.0.113.11", tt.late, byEIP)
		})
	}
}

func TestALateCallIsJudgedWhenItArrives(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, body string
		address          string
		before, after    string // who holds the address when the call arrives, and then
	}{
		{"a bind of what is held by now", bind, bindFree, "203.0.113.11", "i-a", "i-a"},
		{"a bind of what was held and is free by now", bind, `{"elasticIpId":"fip-held"}`, "203.0.113.10", "", "i-b"},
		{"an unbind of what moved", nicA + ":disassociateElasticIp", `{"elasticIpId":"fip-held"}`, "203.0.113.10", "i-b", "i-b"},
		{"an unbind of what came", nicB + ":disassociateElasticIp", `{"elasticIpId":"fip-held"}`, "203.0.113.10", "i-b", ""},
		{"an assignment by force", nicB + ":assignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`, "10.0.4.99", "i-a", "i-b"},
		{"an assignment without force of what is held", nicB + ":assignSecondaryIps", `{"force":false,"secondaryIps":["10.0.4.99"]}`, "10.0.4.99", "i-a", "i-a"},
		{"an assignment without force of what is free by now", nicB + ":assignSecondaryIps", `{"force":false,"secondaryIps":["10.0.4.99"]}`, "10.0.4.99", "", "i-b"},
		{"a removal of what moved", nicA + ":unassignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`, "10.0.4.99", "i-b", "i-b"},
		{"a removal of what came", nicB + ":unassignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`, "10.0.4.99", "i-b", ""},
		{"a route", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopType":"instance","nextHopId":"i-b"}]}`, "172.16.0.9", "i-a", "i-b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{ProcessingDelay: -1})
			parts, at := byEIP, fakecloud.Slot{IP: ip(tt.address)}
			switch tt.address {
			case "10.0.4.99":
				parts = byPrivate
			case "172.16.0.9":
				parts, at.Table = byRoute, "rtb-one"
			}
			w.jd.Inject(face.Match{Method: "POST"}, face.CutLate(30*time.Second), 1)
			w.lose("ak-b", "POST", tt.path, tt.body)
			w.must(w.model.PlaceIn(at, w.target(tt.before, parts)))
			w.advance(time.Minute)
			w.wantHolder(tt.address, tt.after, parts)
		})
	}
}

func TestAChangeCanEndWithoutEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.jd.Inject(face.Match{Method: "POST"}, face.Errored(), 1)
	wantDone(t, w.post(bind, bindFree))
	if got := w.get(free).at("result", "elasticIp", "state"); got != "PROCESSING" {
		t.Errorf("state: got %v", got)
	}
	w.advance(time.Second)
	if got := w.get(free).at("result", "elasticIp", "state"); got != "UP" {
		t.Errorf("state: got %v", got)
	}
	w.wantHolder("203.0.113.11", "", byEIP)
}

func TestFaultsHitOneOperationOrOneNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.jd.Inject(face.Match{Action: "describeElasticIp"}, face.ServerError(500), 0)
	w.jd.Inject(face.Match{Node: "lb-b"}, face.ServerError(503), 0)
	got := []int{
		w.get(eip).status, w.get(base + "elasticIps/").status, w.callAs("ak-b", "GET", base+"elasticIps/", "").status,
	}
	if diff := cmp.Diff([]int{500, 200, 503}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadsCanLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{ReadLag: 2 * time.Second, ProcessingDelay: -1})
	w.advance(time.Minute)
	wantDone(t, w.post(bind, bindFree))
	wantDone(t, w.post(nicB+":assignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`))
	wantDone(t, w.post(modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopType":"instance","nextHopId":"i-b"}]}`))
	look := func() []any {
		return []any{
			w.get(free).at("result", "elasticIp", "instanceId"),
			w.get(nicB).at("result", "networkInterface", "secondaryIps", 0, "privateIpAddress"),
			w.get(tableA).at("result", "routeTable", "routeTableRules", 1, "nextHopId"),
		}
	}
	for _, want := range [][]any{{"", nil, "i-a"}, {"i-b", "10.0.4.99", "i-b"}} {
		if diff := cmp.Diff(want, look()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", w.clock(), diff)
		}
		w.advance(2 * time.Second)
	}
	w.jd.SetReadLag(time.Hour)
	if diff := cmp.Diff([]any{"", nil, "i-a"}, look()); diff != "" {
		t.Errorf("with more lag (-want +got):\n%s", diff)
	}
	// Changes see the truth.
	wantFailure(t, w.post(bind, bindFree), 400, "FAILED_PRECONDITION", "ElasticIp 203.0.113.11 already in use")
}

func TestOfCallsAtOnceOneBindsAnEIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	statuses := make(chan int, 8)
	for range 8 {
		req := w.request("POST", bind, bindFree)
		w.signer("ak-b", bind).sign(req, bindFree)
		go func() {
			rec := httptest.NewRecorder()
			w.jd.ServeHTTP(rec, req)
			statuses <- rec.Code
		}()
	}
	count := map[int]int{}
	for range 8 {
		count[<-statuses]++
	}
	if diff := cmp.Diff(map[int]int{200: 1, 400: 7}, count); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestTheJournalSaysWhatCallsDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.advance(time.Second)
	w.post(bind, bindFree)
	w.post(bind, `{"elasticIpId":"fip-held"}`)
	w.get(eip)
	w.callAs("ak-x", "GET", eip, "")
	w.get("/v1/nothing")
	w.jd.Inject(face.Match{Method: "POST"}, face.CutLate(30*time.Second), 1)
	w.lose("ak-a", "POST", nicA+":disassociateElasticIp", `{"elasticIpId":"fip-held"}`)
	w.post(nicB+":unassignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`)
	w.advance(time.Hour)
	start := time.Date(2026, 11, 27, 12, 0, 1, 0, time.UTC)
	entry := func(id int64, node, action, path, body string) fakecloud.Entry {
		e := fakecloud.Entry{ID: id, Node: node, Action: action, Path: path, Body: body, Method: "GET", Arrived: start, Answered: start}
		if e.Write = body != ""; e.Write {
			e.Method = "POST"
		}
		return e
	}
	want := []fakecloud.Entry{
		entry(1, "lb-b", "associateElasticIp", bind, bindFree),
		entry(2, "lb-b", "associateElasticIp", bind, `{"elasticIpId":"fip-held"}`),
		entry(3, "lb-a", "describeElasticIp", eip, ""),
		entry(4, "", "describeElasticIp", eip, ""),
		entry(5, "lb-a", "", "/v1/nothing", ""),
		entry(6, "lb-a", "disassociateElasticIp", nicA+":disassociateElasticIp", `{"elasticIpId":"fip-held"}`),
		entry(7, "lb-b", "unassignSecondaryIps", nicB+":unassignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`),
	}
	for i, what := range []struct {
		status int
		effect string
	}{
		{200, "attach 203.0.113.11 to i-b/port-b/10.0.4.21: accepted as operation 1"},
		{400, "none: ElasticIp 203.0.113.10 already in use"},
		{200, ""},
		{401, "none: Invalid accessKey"},
		{404, "none: no route and no API found with those values"},
		{0, "detach 203.0.113.10 from i-a/port-a/10.0.4.20: arrives 30s late as operation 2"},
		{400, "none: IP 10.0.4.99 is not assigned to port-b"},
	} {
		want[i].Status, want[i].Effect = what.status, what.effect
	}
	want[0].Operation, want[0].Applied = 1, start.Add(time.Second)
	want[5].Operation, want[5].Applied, want[5].Fault = 2, start.Add(31*time.Second), "cut-late"
	ignore := cmpopts.IgnoreFields(fakecloud.Entry{}, "Remote", "RequestID")
	if diff := cmp.Diff(want, w.model.Journal(), ignore); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestCallsAreKnownByTheirAddressWithoutANodesKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{
		Credentials: []fakejd.Credential{{AccessKey: "ak-s", SecretKey: "sk-s"}},
		Sources:     map[netip.Addr]string{netip.MustParseAddr("127.0.0.1"): "lb-x"},
	})
	w.callAs("ak-s", "GET", eip, "")
	w.get(eip)
	var got []string
	for _, e := range w.model.Journal() {
		got = append(got, e.Node)
	}
	if diff := cmp.Diff([]string{"lb-x", "lb-a"}, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}
