// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	"github.com/fipctl/fipctl/pkg/providers"
)

const assignB = `{"type":"assign","droplet_id":1002}`

// lose makes a call whose reply must not come.
func (w *world) lose(token, method, path, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	w.must(err)
	req.Header.Set("Authorization", "Bearer "+token)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
		w.t.Errorf("%s %s: got %s, want no reply", method, path, resp.Status)
	}
}

func (w *world) wantOwner(want string) {
	w.t.Helper()
	if got := w.model.Holder(netip.MustParseAddr("203.0.113.10")); got != (providers.Target{Instance: want}) {
		w.t.Errorf("owner: got %s, want %s", got, want)
	}
}

func TestAnErroredActionMovesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	w.do.Inject(face.Match{Method: "POST"}, face.Errored(), 1)
	if got := w.post(first, assignB).status; got != http.StatusCreated {
		t.Errorf("accepted: got %d, want 201", got)
	}
	w.advance(fakedo.OperationDelay)
	r := w.get(first + "/actions/1")
	if r.at("action", "status") != "errored" || r.at("action", "completed_at") == nil {
		t.Errorf("action: got %v", r.body)
	}
	if got := w.get(first).at("reserved_ip", "locked"); got != false {
		t.Errorf("locked: got %v, want false", got)
	}
	w.wantOwner("1001")
}

func TestACompletedActionCanBeSpelledDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	w.do.Inject(face.Match{Path: "/v2/*/*/actions/*"}, face.DoneSpelling(), 0)
	w.post(first, assignB)
	var got []any
	for range 2 {
		got = append(got, w.get(first+"/actions/1").at("action", "status"))
		w.advance(fakedo.OperationDelay)
	}
	if diff := cmp.Diff([]any{"in-progress", "done"}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestErrorsThatTheScriptWants(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault      face.Fault
		status     int
		slug       string
		retryAfter string
		remaining  string
		owner      string
	}{
		{face.Throttled(0), 429, "too_many_requests", "", "0", "1001"},
		{face.Throttled(29 * time.Second), 429, "too_many_requests", "29", "0", "1001"},
		{face.Throttled(1500 * time.Millisecond), 429, "too_many_requests", "2", "0", "1001"},
		{face.ServerError(500), 500, "server_error", "", "4999", "1001"},
		{face.ServerError(503), 503, "service_unavailable", "", "4999", "1001"},
		{face.ServerError(502), 502, "server_error", "", "4999", "1001"},
		{face.ServerErrorAfter(500), 500, "server_error", "", "4998", "1002"},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakedo.Options{OperationDelay: -1})
			w.do.Inject(face.Match{}, tt.fault, 1)
			r := w.post(first, assignB)
			got := []any{r.status, r.at("id"), r.header.Get("retry-after"), r.header.Get("ratelimit-remaining")}
			want := []any{tt.status, tt.slug, tt.retryAfter, tt.remaining}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			w.wantOwner(tt.owner)
		})
	}
}

func TestLostReplies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault       face.Fault
		owner, late string // at once, and an hour later
	}{
		{face.CutBefore(), "1001", "1001"},
		{face.Refuse(), "1001", "1001"},
		{face.CutAfter(), "1002", "1002"},
		{face.CutLate(30 * time.Second), "1001", "1002"},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakedo.Options{OperationDelay: -1})
			w.do.Inject(face.Match{Method: "POST"}, tt.fault, 1)
			w.lose("token-b", "POST", first+"/actions", assignB)
			w.wantOwner(tt.owner)
			w.advance(time.Hour)
			w.wantOwner(tt.late)
		})
	}
}

func TestAFaultCanHitOneNodeOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	clear := w.do.Inject(face.Match{Node: "lb-b"}, face.Refuse(), 0)
	w.lose("token-b", "GET", first, "")
	if got := w.get(first).status; got != http.StatusOK {
		t.Errorf("the other node: got %d, want 200", got)
	}
	clear()
	if got := w.callAs("token-b", "GET", first, "").status; got != http.StatusOK {
		t.Errorf("after the fault: got %d, want 200", got)
	}
}

func TestTheJournalHasThePhasesOfAMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	w.do.Inject(face.Match{Method: "POST"}, face.CutAfter(), 1)
	w.advance(time.Second)
	w.lose("token-b", "POST", first+"/actions", assignB)
	w.advance(time.Second)
	w.post(first, assignB)
	w.callAs("token-a", "POST", "/v2/reserved_ips/192.0.2.9/actions", `{"type":"unassign"}`)
	w.get(first)
	w.callAs("guess", "GET", first, "")
	w.do.Inject(face.Match{Method: "POST"}, face.CutLate(30*time.Second), 1)
	w.advance(time.Second)
	w.lose("token-a", "POST", first+"/actions", `{"type":"assign","droplet_id":1001}`)
	w.advance(time.Hour)
	at := func(s int) time.Time { return time.Date(2026, 1, 1, 0, 0, s, 0, time.UTC) }
	const actions = first + "/actions"
	want := []fakecloud.Entry{
		{ID: 1, Node: "lb-b", Method: "POST", Path: actions, Body: assignB, Write: true, Fault: "cut-after",
			Effect: "move 203.0.113.10 to 1002: accepted as action 1", Operation: 1, Arrived: at(1), Answered: at(1), Applied: at(3)},
		{ID: 2, Node: "lb-b", Method: "POST", Path: actions, Body: assignB, Write: true, Status: 422,
			Effect:  "move 203.0.113.10 to 1002: refused, the address has a pending operation",
			Arrived: at(2), Answered: at(2)},
		{ID: 3, Node: "lb-a", Method: "POST", Path: "/v2/reserved_ips/192.0.2.9/actions", Body: `{"type":"unassign"}`,
			Write: true, Status: 404, Effect: "detach 192.0.2.9: refused, the address does not exist",
			Arrived: at(2), Answered: at(2)},
		{ID: 4, Node: "lb-a", Method: "GET", Path: first, Status: 200, Arrived: at(2), Answered: at(2)},
		{ID: 5, Method: "GET", Path: first, Status: 401, Effect: "none: Unable to authenticate you.",
			Arrived: at(2), Answered: at(2)},
		{ID: 6, Node: "lb-a", Method: "POST", Path: actions, Body: `{"type":"assign","droplet_id":1001}`, Write: true,
			Fault: "cut-late", Effect: "move 203.0.113.10 to 1001: arrives 30s late as action 4", Operation: 4,
			Arrived: at(3), Answered: at(3), Applied: at(35)},
	}
	ignore := cmpopts.IgnoreFields(fakecloud.Entry{}, "Remote", "RequestID")
	if diff := cmp.Diff(want, w.model.Journal(), ignore); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestCallsAreKnownByTheirAddressWithoutANodesToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{
		Tokens:  []fakedo.Token{{Value: "shared"}},
		Sources: map[netip.Addr]string{netip.MustParseAddr("127.0.0.1"): "lb-x"},
	})
	w.callAs("shared", "GET", first, "")
	w.callAs("token-a", "GET", first, "")
	var got []string
	for _, e := range w.model.Journal() {
		got = append(got, e.Node)
	}
	if diff := cmp.Diff([]string{"lb-x", "lb-a"}, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}
