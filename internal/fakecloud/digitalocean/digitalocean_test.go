// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	fakedo "github.com/fipctl/fipctl/internal/fakecloud/digitalocean"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestDocumentsAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	tests := []struct{ path, want string }{
		{first, `{"reserved_ip": ` + firstHeldByA + `}`},
		{second, `{"reserved_ip": ` + secondUnbound + `}`},
		{sixth, `{"reserved_ipv6": ` + sixthUnbound + `}`},
		{"/v2/reserved_ips", `{"reserved_ips": [` + ownUnbound + `,` + firstHeldByA + `,` + secondUnbound + `],
			"links": {}, "meta": {"total": 3}}`},
		{"/v2/reserved_ipv6", `{"reserved_ipv6s": [` + sixthUnbound + `], "links": {}, "meta": {"total": 1}}`},
		{"/v2/droplets/1001", `{"droplet": ` + dropletA + `}`},
		{first + "/actions", `{"actions": [], "links": {}, "meta": {"total": 0}}`},
		{"/v2/droplets/1001/actions", `{"actions": [], "links": {}, "meta": {"total": 0}}`},
	}
	for _, tt := range tests {
		r := w.get(tt.path)
		if r.status != http.StatusOK {
			t.Errorf("%s: got %d %v", tt.path, r.status, r.body)
			continue
		}
		wantJSON(t, tt.path, r.body, tt.want)
	}
	if r := w.get("/v2/account"); r.status != http.StatusOK || r.at("account", "status") != "active" {
		t.Errorf("account: got %d %v", r.status, r.body)
	}
}

func TestAnAssignMovesTheAddressWhenItsActionCompletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	posted := w.post(first, `{"type":"assign","droplet_id":1002}`)
	action := func(status, completed string) string {
		return `{"action": {"id": 1, "status": "` + status + `", "type": "assign_ip",
			"started_at": "2026-01-01T00:00:00Z", "completed_at": ` + completed + `, "resource_id": 3405803786,
			"resource_type": "reserved_ip", "region": ` + nyc3 + `, "region_slug": "nyc3",
			"project_id": "746c6152-2fa2-11ed-92d3-27aaa54e4988"}}`
	}
	if posted.status != http.StatusCreated {
		t.Errorf("status: got %d, want 201", posted.status)
	}
	wantJSON(t, "accepted", posted.body, action("in-progress", "null"))

	w.advance(fakedo.OperationDelay - time.Nanosecond)
	before := w.get(first)
	if before.at("reserved_ip", "locked") != true || before.at("reserved_ip", "droplet", "id") != 1001.0 {
		t.Errorf("before the end: got %v, want locked and still at 1001", before.body)
	}
	wantJSON(t, "running", w.get(first+"/actions/1").body, action("in-progress", "null"))

	w.advance(time.Nanosecond)
	after := w.get(first)
	if after.at("reserved_ip", "locked") != false || after.at("reserved_ip", "droplet", "id") != 1002.0 {
		t.Errorf("after the end: got %v, want unlocked and at 1002", after.body)
	}
	done := action("completed", `"2026-01-01T00:00:02Z"`)
	wantJSON(t, "below the address", w.get(first+"/actions/1").body, done)
	wantJSON(t, "among all actions", w.get("/v2/actions/1").body, done)
	if list := w.get(first + "/actions"); list.at("meta", "total") != 1.0 {
		t.Errorf("list: got %v", list.body)
	}
	nets, _ := w.get("/v2/droplets/1002").at("droplet", "networks", "v4").([]any)
	if len(nets) != 2 || nets[1].(map[string]any)["ip_address"] != "203.0.113.10" {
		t.Errorf("networks of the holder: got %v, want the reserved IP last", nets)
	}
}

func TestAnUnassignLeavesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{OperationDelay: -1})
	r := w.post(first, `{"type":"unassign"}`)
	if r.status != http.StatusCreated || r.at("action", "type") != "unassign_ip" || r.at("action", "status") != "in-progress" {
		t.Errorf("got %d %v", r.status, r.body)
	}
	ip := w.get(first).at("reserved_ip").(map[string]any)
	if holder, present := ip["droplet"]; !present || holder != nil {
		t.Errorf("droplet: got %v, present %v, want null", holder, present)
	}
}

func TestIPv6HasItsOwnShapes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	posted := w.post(sixth, `{"type":"assign","droplet_id":1001}`)
	if posted.status != http.StatusCreated || posted.at("action", "resource_type") != "reserved_ipv6" {
		t.Errorf("got %d %v", posted.status, posted.body)
	}
	doc := w.get(sixth).at("reserved_ipv6").(map[string]any)
	for _, key := range []string{"locked", "project_id", "region"} {
		if v, present := doc[key]; present {
			t.Errorf("%s: got %v, want none", key, v)
		}
	}
	wantFailure(t, w.get(sixth+"/actions/1"), 404, "not_found", "The resource you requested could not be found.")
	wantFailure(t, w.get(sixth+"/actions"), 405, "method_not_allowed", "The method is not allowed for this resource.")
	w.advance(fakedo.OperationDelay)
	if got := w.get("/v2/actions/1").at("action", "status"); got != "completed" {
		t.Errorf("action: got %v, want completed", got)
	}
	if got := w.get(sixth).at("reserved_ipv6", "droplet", "id"); got != 1001.0 {
		t.Errorf("holder: got %v, want 1001", got)
	}
}

// TestADropletListsTheIPv6ItHolds, as the service does, and says by its features whether it
// has IPv6 of its own.
func TestADropletListsTheIPv6ItHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{OperationDelay: -1})
	w.post(sixth, `{"type":"assign","droplet_id":1001}`)
	wantJSON(t, "networks", w.get("/v2/droplets/1001").at("droplet", "networks", "v6"), `[
		{"ip_address": "2001:db8:1::20", "netmask": 64, "gateway": "2001:db8:1::1", "type": "public"},
		{"ip_address": "2001:db8::42", "netmask": 0, "gateway": "2001:db8::1", "type": "public"}]`)
	wantJSON(t, "features with IPv6", w.get("/v2/droplets/1001").at("droplet", "features"), `["private_networking", "ipv6"]`)
	wantJSON(t, "features without", w.get("/v2/droplets/1002").at("droplet", "features"), `["private_networking"]`)
}

func TestDropletsAreListedToWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{Tokens: []fakedo.Token{{Value: "blind", Scopes: []string{fakedo.ScopeReservedIPRead}}}})
	w.must(w.model.SetState("1002", providers.InstanceGone))
	list := w.get("/v2/droplets?per_page=1")
	if list.status != 200 || list.at("meta", "total") != 2.0 || len(list.at("droplets").([]any)) != 1 {
		t.Errorf("got %d %v", list.status, list.body)
	}
	if got := w.callAs("blind", "GET", "/v2/droplets", ""); got.status != 403 {
		t.Errorf("without droplet:read: got %d %v", got.status, got.body)
	}
}

func TestIPv6MovesCanBeMadeToFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{OperationDelay: -1, IPv6MovesFail: true})
	for _, step := range []struct {
		body   string
		status int // of the action's poll
		holder any
	}{
		{`{"type":"assign","droplet_id":1001}`, 200, 1001.0},
		{`{"type":"assign","droplet_id":1002}`, 500, 1001.0},
		{`{"type":"unassign"}`, 200, nil},
		{`{"type":"assign","droplet_id":1002}`, 200, 1002.0},
	} {
		id, _ := json.Marshal(w.post(sixth, step.body).at("action", "id"))
		poll, holder := w.get("/v2/actions/"+string(id)), w.get(sixth).at("reserved_ipv6", "droplet", "id")
		if poll.status != step.status || holder != step.holder {
			t.Errorf("%s: poll %d, holder %v, want %d, %v", step.body, poll.status, holder, step.status, step.holder)
		}
	}
}

func TestRefusedActions(t *testing.T) {
	t.Parallel()
	const unprocessable, missing = "unprocessable_entity", "The resource you requested could not be found."
	assign := func(w *world, path, id string) { w.post(path, `{"type":"assign","droplet_id":`+id+`}`) }
	tests := []struct {
		name         string
		before       func(*world)
		path, body   string
		status       int
		slug, reason string
	}{
		{"the address is locked", func(w *world) { assign(w, first, "1002") }, first, `{"type":"assign","droplet_id":1002}`,
			422, unprocessable, "The floating IP already has a pending event."},
		{"the droplet is the target of another action", func(w *world) { assign(w, second, "1002") }, first,
			`{"type":"assign","droplet_id":1002}`, 422, unprocessable, "Droplet already has a pending event."},
		{"the droplet has an event of its own", func(w *world) { _, _ = w.model.StartEvent("1002", "snapshot", time.Hour) },
			first, `{"type":"assign","droplet_id":1002}`, 422, unprocessable, "Droplet already has a pending event."},
		{"the droplet holds it already", nil, first, `{"type":"assign","droplet_id":1001}`,
			422, unprocessable, "The floating IP is already assigned to this Droplet."},
		{"the droplet holds another IPv4", nil, second, `{"type":"assign","droplet_id":1001}`,
			422, unprocessable, "Droplet already has a floating IP assigned."},
		{"one of the customer's own counts too", nil, own, `{"type":"assign","droplet_id":1001}`,
			422, unprocessable, "Droplet already has a floating IP assigned."},
		{"the droplet is in another region", nil, first, `{"type":"assign","droplet_id":1003}`,
			422, unprocessable, "The floating IP and the Droplet must be in the same region."},
		{"the droplet is off", func(w *world) { w.must(w.model.SetState("1002", providers.InstanceStopped)) }, first,
			`{"type":"assign","droplet_id":1002}`, 422, unprocessable, "Droplet is not active."},
		{"nobody holds what is to be unassigned", nil, second, `{"type":"unassign"}`,
			422, unprocessable, "The floating IP is not assigned to a Droplet."},
		{"the droplet is missing", nil, first, `{"type":"assign"}`, 422, unprocessable, "Droplet ID can't be blank."},
		{"the type is unknown", nil, first, `{"type":"steal"}`, 422, unprocessable, "Type is not included in the list."},
		{"the droplet is unknown", nil, first, `{"type":"assign","droplet_id":9}`, 404, "not_found", missing},
		{"the address is unknown", nil, "/v2/reserved_ips/192.0.2.9", `{"type":"assign","droplet_id":1002}`, 404, "not_found", missing},
		{"the body is cut", nil, first, `{"type":"assign"`, 400, "bad_request", "The request body could not be parsed."},
		{"the droplet is a text", nil, first, `{"type":"assign","droplet_id":"1002"}`,
			400, "bad_request", "The request body could not be parsed."},
		{"there is no body", nil, first, ``, 400, "bad_request", "The request body could not be parsed."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakedo.Options{})
			if tt.before != nil {
				tt.before(w)
			}
			pending := w.get(first).at("reserved_ip", "locked")
			wantFailure(t, w.post(tt.path, tt.body), tt.status, tt.slug, tt.reason)
			w.advance(time.Hour)
			if got := w.get(first).at("reserved_ip", "droplet", "id"); pending == false && got != 1001.0 {
				t.Errorf("a refused action moved the address to %v", got)
			}
		})
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{Tokens: []fakedo.Token{
		{Value: "reader", Scopes: []string{fakedo.ScopeReservedIPRead, fakedo.ScopeDropletRead}},
		{Value: "blind", Scopes: []string{fakedo.ScopeReservedIPRead}},
		{Value: "revoked"},
	}})
	w.do.RevokeToken("revoked")
	w.do.AddToken(fakedo.Token{Value: "new"})
	const assign = `{"type":"assign","droplet_id":1002}`
	tests := []struct {
		name, token, method, path, body string
		status                          int
	}{
		{"no token", "", "GET", first, "", 401},
		{"a wrong token", "guess", "GET", first, "", 401},
		{"a revoked token", "revoked", "GET", first, "", 401},
		{"a wrong token on an unknown path", "guess", "GET", "/v2/nothing", "", 401},
		{"an added token", "new", "GET", first, "", 200},
		{"a reader reads", "reader", "GET", first, "", 200},
		{"a reader does not write", "reader", "POST", first + "/actions", assign, 403},
		{"nor to IPv6", "reader", "POST", sixth + "/actions", assign, 403},
		{"nor does it see all actions", "reader", "GET", "/v2/actions/1", "", 403},
		{"nor the account", "reader", "GET", "/v2/account", "", 403},
		{"a scope may be missing for droplets", "blind", "GET", "/v2/droplets/1001", "", 403},
	}
	slugs := map[int][2]string{
		401: {"unauthorized", "Unable to authenticate you."},
		403: {"forbidden", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := w.callAs(tt.token, tt.method, tt.path, tt.body)
			want := slugs[tt.status]
			if r.status != tt.status || want[0] != "" && r.at("id") != want[0] || want[1] != "" && r.at("message") != want[1] {
				t.Errorf("got %d %v, want %d %v", r.status, r.body, tt.status, want)
			}
		})
	}
	t.Run("a token without a view of droplets is not told the holder", func(t *testing.T) {
		t.Parallel()
		doc := w.callAs("blind", "GET", first, "").at("reserved_ip").(map[string]any)
		for _, key := range []string{"droplet", "project_id"} {
			if v, present := doc[key]; present {
				t.Errorf("%s: got %v, want it left out", key, v)
			}
		}
	})
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	const missing, method = "The resource you requested could not be found.", "The method is not allowed for this resource."
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 404}, {"GET", "/v2/nothing", 404}, {"GET", "/v2/reserved_ips/", 404},
		{"GET", "/v2/reserved_ips/192.0.2.9", 404}, {"GET", "/v2/reserved_ips/nonsense", 404},
		{"GET", "/v2/reserved_ips/2001:db8::42", 404}, {"GET", "/v2/reserved_ipv6/203.0.113.10", 404},
		{"GET", "/v2/reserved_ipv6/2001:DB8::42", 404}, {"GET", "/v2/reserved_ipv6/2001:db8:0::42", 404},
		{"GET", first + "/actions/1", 404}, {"GET", first + "/actions/x", 404}, {"GET", "/v2/actions/0", 404},
		{"GET", "/v2/droplets/9", 404}, {"GET", "/v2/droplets/9/actions", 404}, {"GET", "/v2/droplets/x", 404},
		{"DELETE", first, 405}, {"POST", "/v2/reserved_ips", 405}, {"PUT", first + "/actions", 405},
	} {
		r := w.callAs("token-a", tt.method, tt.path, "")
		if tt.status == 404 {
			wantFailure(t, r, 404, "not_found", missing)
		} else {
			wantFailure(t, r, 405, "method_not_allowed", method)
		}
		if t.Failed() {
			t.Fatalf("at %s %s", tt.method, tt.path)
		}
	}
}

func TestAnActionIsFoundOnlyBelowItsAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{OperationDelay: -1})
	w.post(first, `{"type":"assign","droplet_id":1002}`)
	if got := w.get(second + "/actions/1").status; got != 404 {
		t.Errorf("below another address: got %d, want 404", got)
	}
}

func TestActionsOfOwnAddressesAreNeverFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{OperationDelay: -1})
	if r := w.post(own, `{"type":"assign","droplet_id":1002}`); r.status != 201 || r.at("action", "id") != 1.0 {
		t.Fatalf("assign: got %d %v", r.status, r.body)
	}
	for _, path := range []string{own + "/actions/1", "/v2/actions/1"} {
		if got := w.get(path).status; got != 404 {
			t.Errorf("%s: got %d, want 404", path, got)
		}
	}
	if got := w.get(own).at("reserved_ip", "droplet", "id"); got != 1002.0 {
		t.Errorf("holder: got %v, want 1002", got)
	}
}

func TestDropletsShowTheirStateAndEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	w.post(first, `{"type":"assign","droplet_id":1002}`) // action 1, not listed here
	w.advance(fakedo.OperationDelay)
	_, err := w.model.StartEvent("1002", "snapshot", time.Minute)
	w.must(err)
	w.must(w.model.SetState("1002", providers.InstanceStopped))
	d := w.get("/v2/droplets/1002")
	if d.at("droplet", "status") != "off" || d.at("droplet", "locked") != true {
		t.Errorf("droplet: got %v", d.body)
	}
	wantJSON(t, "events", w.get("/v2/droplets/1002/actions").body, `{"actions": [{"id": 2, "status": "in-progress",
		"type": "snapshot", "started_at": "2026-01-01T00:00:02Z", "completed_at": null, "resource_id": 1002,
		"resource_type": "droplet", "region": `+nyc3+`, "region_slug": "nyc3"}], "links": {}, "meta": {"total": 1}}`)
	w.must(w.model.SetState("1002", providers.InstanceGone))
	for _, path := range []string{"/v2/droplets/1002", "/v2/droplets/1002/actions"} {
		if got := w.get(path).status; got != 404 {
			t.Errorf("%s of a destroyed droplet: got %d, want 404", path, got)
		}
	}
}

func TestADestroyedDropletLeavesItsAddressUnassigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	w.must(w.model.SetState("1001", providers.InstanceGone))
	if got := w.get(first).at("reserved_ip"); got.(map[string]any)["droplet"] != nil {
		t.Errorf("got %v, want nobody", got)
	}
}

func TestReadsCanLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{OperationDelay: -1, ReadLag: 5 * time.Second})
	w.advance(time.Minute)
	w.post(first, `{"type":"assign","droplet_id":1002}`)
	holder := func() any { return w.get(first).at("reserved_ip", "droplet", "id") }
	if got := holder(); got != 1001.0 {
		t.Errorf("at once: got %v, want the past", got)
	}
	w.advance(5 * time.Second)
	if got := holder(); got != 1002.0 {
		t.Errorf("after the lag: got %v, want 1002", got)
	}
	w.do.SetReadLag(time.Hour)
	if got := holder(); got != 1001.0 {
		t.Errorf("with more lag: got %v, want the past", got)
	}
}

func TestListsComeInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakedo.Options{})
	for _, tt := range []struct{ query, ips, links string }{
		{"?per_page=2", `198.51.100.1 203.0.113.10`, `{"pages": {"next": "N2", "last": "N2"}}`},
		{"?per_page=2&page=2", `203.0.113.11`, `{"pages": {"first": "N1", "prev": "N1"}}`},
		{"?per_page=2&page=9", ``, `{"pages": {"first": "N1", "prev": "N2"}}`},
		{"?page=x&per_page=0", `198.51.100.1 203.0.113.10 203.0.113.11`, `{}`},
	} {
		r := w.get("/v2/reserved_ips" + tt.query)
		var ips []string
		for _, doc := range r.at("reserved_ips").([]any) {
			ips = append(ips, doc.(map[string]any)["ip"].(string))
		}
		if got := strings.Join(ips, " "); got != tt.ips || r.at("meta", "total") != 3.0 {
			t.Errorf("%s: got %s of %v, want %s of 3", tt.query, got, r.at("meta"), tt.ips)
		}
		page := func(n string) string { return "https://api.digitalocean.com/v2/reserved_ips?page=" + n + "&per_page=2" }
		wantJSON(t, tt.query, r.at("links"), strings.NewReplacer("N1", page("1"), "N2", page("2")).Replace(tt.links))
	}
}
