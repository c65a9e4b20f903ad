// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

func TestOwnerReadsTheHolder(t *testing.T) {
	t.Parallel()
	const path4, path6 = "GET /v2/reserved_ips/203.0.113.10", "GET /v2/reserved_ipv6/2001:db8::42"
	private := addrs("10.108.0.2")
	for _, tc := range []struct {
		name    string
		address providers.Address
		path    string
		file    string
		want    providers.Assignment
	}{
		{"held", v4, path4, "reserved_ip_held", providers.Assignment{Target: nodeA, PrivateAddresses: private}},
		{"held by nobody", v4, path4, "reserved_ip_free", providers.Assignment{}},
		{"locked is pending", v4, path4, "reserved_ip_locked", providers.Assignment{Target: nodeB, PrivateAddresses: private, Pending: true}},
		{"v6 held", v6, path6, "reserved_ipv6_held", providers.Assignment{Target: nodeA, PrivateAddresses: private}},
		{"v6 held by nobody", v6, path6, "reserved_ipv6_free", providers.Assignment{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, c := start(t, script{tc.path: {status: 200, file: tc.file}})
			got, err := p.Owner(t.Context(), tc.address)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{tc.path}, c.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAWriteIsOneDocumentedRequest(t *testing.T) {
	t.Parallel()
	const post4, post6 = "POST /v2/reserved_ips/203.0.113.10/actions", "POST /v2/reserved_ipv6/2001:db8::42/actions"
	assign := func(p *Provider, a providers.Address) (providers.Result, error) {
		return p.Assign(t.Context(), a, nodeB, providers.Assignment{Target: nodeA})
	}
	release := func(p *Provider, a providers.Address) (providers.Result, error) {
		return p.Release(t.Context(), a, nodeA)
	}
	for _, tc := range []struct {
		name    string
		write   func(*Provider, providers.Address) (providers.Result, error)
		address providers.Address
		path    string
		status  int
		body    string
	}{
		{"assign v4", assign, v4, post4, 201, `{"droplet_id":1002,"type":"assign"}`},
		{"assign v6", assign, v6, post6, 201, `{"droplet_id":1002,"type":"assign"}`},
		{"release v4", release, v4, post4, 201, `{"type":"unassign"}`},
		{"release v6", release, v6, post6, 201, `{"type":"unassign"}`},
		{"200 is accepted as well", assign, v4, post4, 200, `{"droplet_id":1002,"type":"assign"}`},
		{"202 is accepted as well", assign, v4, post4, 202, `{"droplet_id":1002,"type":"assign"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, c := start(t, script{tc.path: {status: tc.status, file: "action_in_progress"}})
			got, err := tc.write(p, tc.address)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(providers.Result{RequestID: "req-header", Operation: "72531856"}, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{tc.path + " " + tc.body}, c.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatCannotBeRightIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	p, c := start(t, script{})
	mapped := v4
	mapped.IP = addrs("::ffff:203.0.113.10")[0]
	other := v4
	other.Kind = "eip"
	for name, tc := range map[string]struct {
		address providers.Address
		to      providers.Target
		kind    providers.Kind
	}{
		"another kind of address": {other, nodeA, providers.Unsupported},
		"no address":              {providers.Address{Kind: KindReservedIP}, nodeA, providers.Invalid},
		"a v4 address inside v6":  {mapped, nodeA, providers.Invalid},
		"no target":               {v4, providers.Target{}, providers.Invalid},
		"a name":                  {v4, providers.Target{Instance: "lb-a"}, providers.Invalid},
		"zero":                    {v4, providers.Target{Instance: "0"}, providers.Invalid},
		"negative":                {v4, providers.Target{Instance: "-1"}, providers.Invalid},
		"a leading zero":          {v4, providers.Target{Instance: "01001"}, providers.Invalid},
		"a plus":                  {v4, providers.Target{Instance: "+1001"}, providers.Invalid},
		"more than an instance":   {v4, providers.Target{Instance: "1001", Interface: "eth0"}, providers.Invalid},
	} {
		if _, err := p.Assign(t.Context(), tc.address, tc.to, providers.Assignment{}); providers.KindOf(err) != tc.kind {
			t.Errorf("assign, %s: got %v, want %v", name, err, tc.kind)
		}
		if _, err := p.Release(t.Context(), tc.address, tc.to); providers.KindOf(err) != tc.kind {
			t.Errorf("release, %s: got %v, want %v", name, err, tc.kind)
		}
		if err := p.Preflight(t.Context(), tc.address, tc.to); providers.KindOf(err) != tc.kind {
			t.Errorf("preflight, %s: got %v, want %v", name, err, tc.kind)
		}
	}
	if seen := c.seen(); len(seen) > 0 {
		t.Errorf("sent %q", seen)
	}
}

func TestInstanceState(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer canned
		want   providers.InstanceState
		kind   string
	}{
		{"active runs", canned{status: 200, file: "droplet_active"}, providers.InstanceRunning, ""},
		{"new runs", canned{status: 200, file: "droplet_new"}, providers.InstanceRunning, ""},
		{"off is stopped", canned{status: 200, file: "droplet_off"}, providers.InstanceStopped, ""},
		{"archive is stopped", canned{status: 200, file: "droplet_archive"}, providers.InstanceStopped, ""},
		{"a new word is unknown", canned{status: 200, body: `{"droplet":{"id":1001,"status":"hibernating"}}`}, providers.InstanceUnknown, ""},
		{"not found is gone", canned{status: 404, file: "error_not_found"}, providers.InstanceGone, ""},
		{"a 404 that is not the API's proves nothing", canned{status: 404, body: "<html>not found</html>"}, providers.InstanceUnknown, "transient"},
		{"an empty 404 proves nothing", canned{status: 404}, providers.InstanceUnknown, "transient"},
		{"another droplet proves nothing", canned{status: 200, body: `{"droplet":{"id":7,"status":"off"}}`}, providers.InstanceUnknown, "transient"},
		{"no status proves nothing", canned{status: 200, body: `{"droplet":{"id":1001}}`}, providers.InstanceUnknown, "transient"},
		{"no droplet proves nothing", canned{status: 200, body: `{}`}, providers.InstanceUnknown, "transient"},
		{"a null droplet proves nothing", canned{status: 200, body: `{"droplet":null}`}, providers.InstanceUnknown, "transient"},
		{"denied proves nothing", canned{status: 403, file: "error_forbidden"}, providers.InstanceUnknown, "denied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, _ := start(t, script{"GET /v2/droplets/1001": tc.answer})
			got, err := p.InstanceState(t.Context(), nodeA)
			if got != tc.want {
				t.Errorf("state %v, want %v", got, tc.want)
			}
			if kind := kindWord(err); kind != tc.kind {
				t.Errorf("error %v, want kind %q", err, tc.kind)
			}
		})
	}
}

// kindWord returns the kind of err, and nothing for no error.
func kindWord(err error) string {
	if err == nil {
		return ""
	}
	return providers.KindOf(err).String()
}

func TestOperation(t *testing.T) {
	t.Parallel()
	const path4, path6 = "GET /v2/reserved_ips/203.0.113.10/actions/7", "GET /v2/actions/7"
	status := func(word string) canned {
		return canned{status: 200, body: `{"action":{"id":7,"status":"` + word + `"}}`}
	}
	for _, tc := range []struct {
		name    string
		address providers.Address
		path    string
		answer  canned
		want    providers.OperationState
		kind    string
	}{
		{"in progress", v4, path4, status("in-progress"), providers.OperationPending, ""},
		{"new", v4, path4, status("new"), providers.OperationPending, ""},
		{"a word never seen is still pending", v4, path4, status("queued"), providers.OperationPending, ""},
		{"completed", v4, path4, status("completed"), providers.OperationDone, ""},
		{"done", v4, path4, status("done"), providers.OperationDone, ""},
		{"errored", v4, path4, status("errored"), providers.OperationFailed, ""},
		{"v6 asks for the action itself", v6, path6, status("completed"), providers.OperationDone, ""},
		{"BYOIP cannot be queried", v4, path4, canned{status: 404, file: "error_not_found"}, providers.OperationUnknown, ""},
		{"the scope is missing", v6, path6, canned{status: 403, file: "error_forbidden"}, providers.OperationUnknown, ""},
		{"v6 polling is known to fail", v6, path6, canned{status: 500, file: "error_server"}, providers.OperationUnknown, "transient"},
		{"another action", v4, path4, canned{status: 200, body: `{"action":{"id":8,"status":"completed"}}`}, providers.OperationUnknown, "transient"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, _ := start(t, script{tc.path: tc.answer})
			got, err := p.Operation(t.Context(), tc.address, providers.Result{Operation: "7"})
			if got != tc.want || kindWord(err) != tc.kind {
				t.Errorf("got %v, %v; want %v, kind %q", got, err, tc.want, tc.kind)
			}
		})
	}
	p, _ := start(t, script{})
	if got, err := p.Operation(t.Context(), v4, providers.Result{}); got != providers.OperationUnknown || err != nil {
		t.Errorf("without an operation: %v, %v", got, err)
	}
}

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	client := cloudhttp.New(cloudhttp.Config{})
	for _, tc := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"nothing but a client is needed", Config{HTTP: client}, nil},
		{"a path prefix", Config{HTTP: client, Endpoint: "https://proxy.test/do"}, nil},
		{"plain http", Config{HTTP: client, Endpoint: "http://127.3.4.5:8080"}, nil},
		{"everything at once", Config{Endpoint: "api.test"}, []string{"HTTP client: missing", `endpoint: "api.test" is not a URL`}},
		{"another scheme", Config{HTTP: client, Endpoint: "ftp://api.test"}, []string{`"ftp://api.test" is not a URL such as https://api.digitalocean.com/`}},
		{"credentials in the URL", Config{HTTP: client, Endpoint: "https://u:hunter2@api.test"}, []string{"credentials are not allowed"}},
		{"a URL that cannot be read", Config{HTTP: client, Endpoint: "https://u:hunter2@api.test:x"}, []string{"endpoint: not a URL"}},
		{"a query", Config{HTTP: client, Endpoint: "https://api.test/?a=b"}, []string{"has a query"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, err := New(tc.cfg)
			if (err == nil) != (tc.want == nil) || (p == nil) != (err != nil) {
				t.Fatalf("got %v, %v", p, err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not contain %q", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q shows the password", err)
			}
		})
	}
}

func TestAPathPrefixOfTheEndpointIsKept(t *testing.T) {
	t.Parallel()
	c := &cloud{t: t, script: script{"GET /do/v2/droplets/1001": {status: 200, file: "droplet_active"}}}
	srv := httptest.NewServer(c)
	defer srv.Close()
	for _, prefix := range []string{"/do", "/do/"} {
		if _, err := driver(t, srv.URL+prefix).InstanceState(t.Context(), nodeA); err != nil {
			t.Error(err)
		}
	}
}

// TestWhatIsPromised has the table of docs/providers/digitalocean.md.
func TestWhatIsPromised(t *testing.T) {
	t.Parallel()
	want := providers.Capabilities{
		Target: providers.PartInstance, AtomicMove: true, Asynchronous: true,
		Guest4: providers.GuestNone, Guest6: providers.GuestAddress, IPv4: true, IPv6: true,
		SettleTime: 15 * time.Second, LateTime4: 2 * time.Second, MoveTimeout: time.Minute, MinInterval: time.Second,
		CallsPerHour: 5000, MaxPerTarget4: 1, MaxPerTarget6: 1,
	}
	if diff := cmp.Diff(want, (*Provider)(nil).Capabilities()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTheLeastIdIsOne, of droplets and of actions; what is no number asks for nothing.
func TestTheLeastIdIsOne(t *testing.T) {
	t.Parallel()
	p, c := start(t, script{
		"GET /v2/droplets/1":                          {status: 200, body: `{"droplet":{"id":1,"status":"active"}}`},
		"GET /v2/reserved_ips/203.0.113.10/actions/1": {status: 200, body: `{"action":{"id":1,"status":"completed"}}`},
	})
	if got, err := p.InstanceState(t.Context(), providers.Target{Instance: "1"}); got != providers.InstanceRunning || err != nil {
		t.Errorf("droplet 1: %v, %v", got, err)
	}
	if got, err := p.Operation(t.Context(), v4, providers.Result{Operation: "1"}); got != providers.OperationDone || err != nil {
		t.Errorf("action 1: %v, %v", got, err)
	}
	for _, id := range []string{"0", "-1", "x", "1x"} {
		if got, err := p.InstanceState(t.Context(), providers.Target{Instance: id}); kindWord(err) != "invalid" {
			t.Errorf("droplet %s: %v, %v", id, got, err)
		}
		if got, err := p.Operation(t.Context(), v4, providers.Result{Operation: id}); got != providers.OperationUnknown || err != nil {
			t.Errorf("action %s: %v, %v", id, got, err)
		}
	}
	if n := len(c.seen()); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// TestASuccessThatSpeaksOfAnErrorHasItsWords: whatever answers like that, they are a trace.
func TestASuccessThatSpeaksOfAnErrorHasItsWords(t *testing.T) {
	t.Parallel()
	odd := canned{status: 200, body: `{"id":"forbidden","message":"You are not\nwelcome."}`}
	p, _ := start(t, script{"GET /v2/reserved_ips/203.0.113.10": odd, "POST /v2/reserved_ips/203.0.113.10/actions": odd})
	_, read := p.Owner(t.Context(), v4)
	_, write := p.Assign(t.Context(), v4, nodeA, providers.Assignment{})
	if kindWord(read) != "transient" || !strings.HasSuffix(read.Error(), "reserved_ip: missing; it says forbidden: You are not welcome.") {
		t.Errorf("read: %v", read)
	}
	if kindWord(write) != "ambiguous" || !strings.HasSuffix(write.Error(), "action: missing; it says forbidden: You are not welcome.") {
		t.Errorf("write: %v", write)
	}
}

// TestEveryRedirectIsOne, from the least status of them.
func TestEveryRedirectIsOne(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 399} {
		p, _ := start(t, script{"GET /v2/reserved_ips/203.0.113.10": {status: status}})
		if _, err := p.Owner(t.Context(), v4); kindWord(err) != "invalid" || !strings.Contains(err.Error(), "redirected to") {
			t.Errorf("%d: %v", status, err)
		}
	}
	for _, status := range []int{400, 500} {
		p, _ := start(t, script{"GET /v2/reserved_ips/203.0.113.10": {status: status}})
		if _, err := p.Owner(t.Context(), v4); kindWord(err) != "transient" || strings.Contains(err.Error(), "redirected to") {
			t.Errorf("%d: %v", status, err)
		}
	}
}
