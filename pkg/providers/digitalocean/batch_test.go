// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

var (
	second = providers.Address{Provider: Name, Kind: KindReservedIP, IP: netip.MustParseAddr("203.0.113.11")}
	other6 = providers.Address{Provider: Name, Kind: KindReservedIP, IP: netip.MustParseAddr("2001:db8::43")}
)

// list4 is a page of v4 addresses, entries as they are, with or without a next one.
func list4(next bool, entries ...string) canned {
	links := `{}`
	if next {
		links = `{"pages":{"next":"https://elsewhere.example/v2/reserved_ips?page=2&per_page=200"}}`
	}
	return canned{status: 200, body: `{"reserved_ips":[` + strings.Join(entries, ",") + `],"links":` + links + `,"meta":{"total":2}}`}
}

func heldBy(ip string, droplet int) string {
	return fmt.Sprintf(`{"ip":%q,"locked":false,"droplet":{"id":%d}}`, ip, droplet)
}

const (
	lists4 = "GET /v2/reserved_ips"
	page1  = "GET /v2/reserved_ips?page=1&per_page=200"
	page2  = "GET /v2/reserved_ips?page=2&per_page=200"
	single = "GET /v2/reserved_ips/203.0.113.10"
	twice  = "GET /v2/reserved_ips/203.0.113.11"
)

// words says what was read of each address in a few words.
func words(readings []providers.Reading) (out []string) {
	for _, r := range readings {
		switch {
		case r.Err != nil:
			out = append(out, kindWord(r.Err))
		case r.Assignment.Pending:
			out = append(out, "pending at "+r.Assignment.Target.String())
		default:
			out = append(out, "at "+r.Assignment.Target.String())
		}
	}
	return out
}

func TestManyAddressesAreReadFromOneList(t *testing.T) {
	t.Parallel()
	free, held := `{"ip":"203.0.113.10","droplet":null}`, heldBy("203.0.113.11", 1002)
	stray := `{"ip":"203.0.113.99","droplet":{"id":7}}`
	self := canned{status: 200, body: `{"reserved_ip":` + heldBy("203.0.113.10", 1001) + `}`}
	gone := canned{status: 404, file: "error_not_found"}
	tests := []struct {
		name   string
		as     []providers.Address
		script script
		want   []string
		calls  []string
	}{
		{"one page", []providers.Address{v4, second, v4}, script{lists4: list4(false, free, stray, held)},
			[]string{"at ", "at 1002", "at "}, []string{page1}},
		{"a locked one is pending", []providers.Address{v4, second},
			script{lists4: list4(false, `{"ip":"203.0.113.10","locked":true,"droplet":{"id":1001}}`, held)},
			[]string{"pending at 1001", "at 1002"}, []string{page1}},
		{"a single address is no list", []providers.Address{v4}, script{single: self}, []string{"at 1001"}, []string{single}},
		{"a page more is not asked for when all are found", []providers.Address{v4, second}, script{lists4: list4(true, free, held)},
			[]string{"at ", "at 1002"}, []string{page1}},
		{"one that no list names is asked for itself", []providers.Address{v4, second}, script{lists4: list4(false, held), single: self},
			[]string{"at 1001", "at 1002"}, []string{page1, single}},
		{"and is not found if it is not there either", []providers.Address{v4, second}, script{lists4: list4(false, held), single: gone},
			[]string{"not-found", "at 1002"}, []string{page1, single}},
		{"an entry without the droplet key names nobody", []providers.Address{v4, second}, script{lists4: list4(false, `{"ip":"203.0.113.10"}`, held)},
			[]string{"transient", "at 1002"}, []string{page1}},
		{"an entry that does not decode concerns nobody else", []providers.Address{v4, second},
			script{lists4: list4(false, `{"ip":"203.0.113.10","locked":"no","droplet":null}`, `7`, `{"ip":"x"}`, `{}`, held), single: self},
			[]string{"at 1001", "at 1002"}, []string{page1, single}},
		{"an entry that is there twice and differs is asked for itself", []providers.Address{v4, second},
			script{lists4: list4(false, free, held, heldBy("203.0.113.10", 9)), single: self}, []string{"at 1001", "at 1002"}, []string{page1, single}},
		{"so is one of which one is locked", []providers.Address{v4, second},
			script{lists4: list4(false, free, held, strings.Replace(free, `null`, `null,"locked":true`, 1)), single: self}, []string{"at 1001", "at 1002"}, []string{page1, single}},
		{"and a third that agrees with the second changes nothing", []providers.Address{v4, second},
			script{lists4: list4(false, free, held, heldBy("203.0.113.10", 9), heldBy("203.0.113.10", 9)), single: self}, []string{"at 1001", "at 1002"}, []string{page1, single}},
		{"or one cannot be read", []providers.Address{v4, second},
			script{lists4: list4(false, free, held, `{"ip":"203.0.113.10"}`), single: self}, []string{"at 1001", "at 1002"}, []string{page1, single}},
		{"an entry that is there twice and agrees is an answer", []providers.Address{v4, second},
			script{lists4: list4(false, free, held, free)}, []string{"at ", "at 1002"}, []string{page1}},
		{"a list without its key is no answer", []providers.Address{v4, second}, script{lists4: {status: 200, body: `{"reserved_ipv6s":[]}`}},
			[]string{"transient", "transient"}, []string{page1}},
		{"what cannot be moved is refused beside the rest", []providers.Address{{Kind: "eip", IP: v4.IP}, second},
			script{twice: {status: 200, body: `{"reserved_ip":` + held + `}`}}, []string{"unsupported", "at 1002"}, []string{twice}},
		{"families are listed apart", []providers.Address{v6, v4, other6, second}, script{
			lists4:                  list4(false, free, held),
			"GET /v2/reserved_ipv6": {status: 200, body: `{"reserved_ipv6s":[{"ip":"2001:db8::43","droplet":null},{"ip":"2001:db8::42","droplet":{"id":1001}}]}`},
		}, []string{"at 1001", "at ", "at ", "at 1002"}, []string{page1, "GET /v2/reserved_ipv6?page=1&per_page=200"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, c := start(t, tt.script)
			if diff := cmp.Diff(tt.want, words(p.Owners(t.Context(), tt.as))); diff != "" {
				t.Errorf("readings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, c.seen()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestListsAreTurnedPageByPage: never by the links of an answer, at most five pages,
// and what was found before one fails counts.
func TestListsAreTurnedPageByPage(t *testing.T) {
	t.Parallel()
	var calls []string
	failFrom := 99
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.Method+" "+r.URL.RequestURI())
		answer := list4(true, heldBy("203.0.113.99", 1))
		switch {
		case len(calls) >= failFrom:
			answer = canned{status: 403, body: `{"id":"forbidden","message":"no"}`}
		case r.URL.Query().Get("page") == "2":
			answer = list4(true, heldBy("203.0.113.11", 1002))
		case r.URL.Path != "/v2/reserved_ips":
			answer = canned{status: 200, body: `{"reserved_ip":` + heldBy("203.0.113.10", 1001) + `}`}
		}
		w.WriteHeader(answer.status)
		fmt.Fprint(w, answer.body)
	}))
	t.Cleanup(server.Close)
	p := driver(t, server.URL)
	if diff := cmp.Diff([]string{"at 1001", "at 1002"}, words(p.Owners(t.Context(), []providers.Address{v4, second}))); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
	want := []string{page1, page2, strings.Replace(page1, "=1", "=3", 1), strings.Replace(page1, "=1", "=4", 1), strings.Replace(page1, "=1", "=5", 1), single}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	calls, failFrom, p = nil, 3, driver(t, server.URL) // one that does not know yet what lists leave out
	if diff := cmp.Diff([]string{"denied", "at 1002"}, words(p.Owners(t.Context(), []providers.Address{v4, second}))); diff != "" {
		t.Errorf("when a page fails (-want +got):\n%s", diff)
	}
}

// TestWhatTheListLeavesOutIsAskedForBesideIt once that is known: the list waits until it has
// been asked for.
func TestWhatTheListLeavesOutIsAskedForBesideIt(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 2)
	known := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/v2/reserved_ips":
			asked <- struct{}{}
			fmt.Fprint(w, `{"reserved_ip":`+heldBy("203.0.113.10", 1001)+`}`)
		case known:
			select {
			case <-asked:
			case <-r.Context().Done():
			}
			fallthrough
		default:
			fmt.Fprint(w, list4(false, heldBy("203.0.113.11", 1002), heldBy("203.0.113.12", 1003)).body)
		}
	}))
	t.Cleanup(server.Close)
	p := driver(t, server.URL)
	third := providers.Address{Provider: Name, Kind: KindReservedIP, IP: netip.MustParseAddr("203.0.113.12")}
	for range 2 {
		if diff := cmp.Diff([]string{"at 1001", "at 1002", "at 1003"}, words(p.Owners(t.Context(), []providers.Address{v4, second, third}))); diff != "" {
			t.Errorf("readings (-want +got):\n%s", diff)
		}
		if !known {
			<-asked
		}
		known = true
	}
}
