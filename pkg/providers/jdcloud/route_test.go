// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	readTable = "GET /routeTables/rtb-web"
	readA     = "GET /instances/i-a"
)

// tableWith is a table with these rules.
func tableWith(rules ...string) canned {
	return result(`{"routeTable":{"routeTableId":"rtb-web","vpcId":"vpc-1a2b3c4d5e","routeTableRules":[` + strings.Join(rules, ",") + `]}}`)
}

// ruleTo is a rule of the address with these fields.
func ruleTo(id, fields string) string {
	return `{"ruleId":"` + id + `","addressPrefix":"172.16.0.9/32","priority":100,` + fields + `}`
}

func TestOwnerOfARoute(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		table canned
		want  providers.Assignment
		reads []string
	}{
		{"to an instance", canned{file: "route_table"},
			providers.Assignment{Target: providers.Target{Instance: "i-a"}, Version: "rt-1q2w3e4r5t"}, []string{readTable}},
		{"to an interface", tableWith(ruleTo("rt-1", `"nextHopType":"elastic_network_interface","nextHopId":"port-x","origin":"static"`)),
			providers.Assignment{Target: providers.Target{Interface: "port-x"}, Version: "rt-1"}, []string{readTable}},
		{"to a NAT gateway", tableWith(ruleTo("rt-1", `"nextHopType":"natgw","nextHopId":"natgw-1","origin":"static"`)),
			providers.Assignment{Target: providers.Target{Instance: "natgw natgw-1"}, Version: "rt-1"}, []string{readTable}},
		{"to the Internet", tableWith(ruleTo("rt-1", `"nextHopType":"internet","nextHopId":""`)),
			providers.Assignment{Target: providers.Target{Instance: "internet"}, Version: "rt-1"}, []string{readTable}},
		{"to what is called an instance and is none", tableWith(ruleTo("rt-1", `"nextHopType":"instance","nextHopId":"vm-1"`)),
			providers.Assignment{Target: providers.Target{Instance: "instance vm-1"}, Version: "rt-1"}, []string{readTable}},
		{"in a list of one, as in the vendor's sample", result(`{"routeTables":[{"routeTableId":"rtb-web","routeTableRules":[{"ruleId":"rt-0","addressPrefix":"local","nextHopType":"local","nextHopId":"local"},` + ruleTo("rt-1", `"nextHopType":"instance","nextHopId":"i-a","routeType":"static"`) + `]}],"totalCount":1}`),
			providers.Assignment{Target: providers.Target{Instance: "i-a"}, Version: "rt-1"}, []string{readTable}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, script{readTable: tt.table, readA: {file: "instance"}})
			got, err := c.provider(t, providers.KindRoute).Owner(t.Context(), webRoute)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.reads, seen.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARouteThatCannotMoveIsRefused(t *testing.T) {
	t.Parallel()
	const instance = `"nextHopType":"instance","nextHopId":"i-a","origin":"static"`
	for _, tc := range []struct {
		name  string
		table canned
		want  string
	}{
		{"no rule", tableWith(), "not-found: rtb-web has no route for 172.16.0.9/32; add one once, with any node as its next hop"},
		{"a wider rule only", tableWith(`{"ruleId":"rt-1","addressPrefix":"172.16.0.0/24",` + instance + `}`),
			"not-found: rtb-web has no route for 172.16.0.9/32; add one once, with any node as its next hop"},
		{"two rules", tableWith(ruleTo("rt-1", instance), ruleTo("rt-2", instance)),
			"invalid: rtb-web has 2 routes for 172.16.0.9/32 (rt-1, rt-2), between which traffic is split; remove all but one"},
		{"a propagated rule", tableWith(ruleTo("rt-1", `"nextHopType":"instance","nextHopId":"i-a","origin":"propagated"`)),
			"invalid: the route rt-1 for 172.16.0.9/32 in rtb-web is propagated and cannot be changed; add a static one"},
		{"a propagated rule under the member's other name", tableWith(ruleTo("rt-1", `"nextHopType":"instance","nextHopId":"i-a","routeType":"propagated"`)),
			"invalid: the route rt-1 for 172.16.0.9/32 in rtb-web is propagated and cannot be changed; add a static one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := start(t, script{readTable: tc.table, readVPC: vpcWith("10.0.0.0/16")})
			p := c.provider(t, providers.KindRoute)
			got, err := p.Owner(t.Context(), webRoute)
			if err == nil || err.Error() != "read owner of 172.16.0.9 in rtb-web: "+tc.want || !got.Target.IsZero() {
				t.Errorf("got  %+v, %v\nwant %s", got, err, tc.want)
			}
			err = p.(providers.Preflighter).Preflight(t.Context(), webRoute, only(providers.KindRoute, nodeB))
			if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("preflight: %v", err)
			}
		})
	}
}

func TestARouteIsChangedInPlace(t *testing.T) {
	t.Parallel()
	const modify = "POST /routeTables/rtb-web:modifyRouteTableRules"
	to := only(providers.KindRoute, nodeB)
	for _, holder := range []providers.Target{only(providers.KindRoute, nodeA), {}} {
		c, seen := start(t, script{modify: accepted})
		got, err := c.provider(t, providers.KindRoute).Assign(t.Context(), webRoute, to, providers.Assignment{Target: holder, Version: "rt-1"})
		if err != nil || got != (providers.Result{RequestID: "req-1"}) {
			t.Errorf("got %+v, %v", got, err)
		}
		want := modify + ` {"modifyRouteTableRuleSpecs":[{"nextHopId":"i-b","nextHopType":"instance","ruleId":"rt-1"}]}`
		if diff := cmp.Diff([]string{want}, seen.seen()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestARouteOfWhatIsNoMachineIsNotChanged(t *testing.T) {
	t.Parallel()
	for _, seen := range []providers.Assignment{
		{Target: providers.Target{Instance: "natgw natgw-1"}, Version: "rt-1"},
		{Target: providers.Target{Interface: "port-x"}, Version: "rt-1"},
		{Target: providers.Target{Instance: "i-a", Interface: "port-x"}, Version: "rt-1"},
		{Target: providers.Target{Instance: "i-a"}}, // which rule is not known
	} {
		c, requests := start(t, nil)
		_, err := c.provider(t, providers.KindRoute).Assign(t.Context(), webRoute, only(providers.KindRoute, nodeB), seen)
		if kindWord(err) != "invalid" || len(requests.seen()) != 0 {
			t.Errorf("%+v: got %v", seen, err)
		}
	}
}

// TestThePrivateAddressOfANextHopIsASideIssue: it is asked for once a minute, whether
// the answer is one or not, and never spoils the owner read.
func TestThePrivateAddressOfANextHopIsASideIssue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer canned
		want   []netip.Addr
	}{
		"told":              {canned{file: "instance"}, addrs("10.0.4.20")},
		"gone":              {failure(404, "NOT_FOUND", "Instance 'i-a' not found"), nil},
		"no permission":     {failure(403, "HTTP_FORBIDDEN", "api is disabled"), nil},
		"without one":       {result(`{"instance":{"instanceId":"i-a","status":"stopped"}}`), nil},
		"another machine's": {result(`{"instance":{"instanceId":"i-b","status":"running","privateIpAddress":"10.0.4.21"}}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := now
			c, seen := start(t, script{readTable: {file: "route_table"}, readA: tc.answer})
			c.client.now = func() time.Time { return at }
			for _, step := range []struct {
				after time.Duration
				reads int
			}{{0, 1}, {59 * time.Second, 0}, {time.Second, 1}} {
				at = at.Add(step.after)
				p := c.provider(t, providers.KindRoute).(providers.Recogniser)
				if got := p.PrivateAddresses(t.Context(), webRoute, providers.Target{Instance: "natgw natgw-1"}); got != nil {
					t.Errorf("what is no machine is asked for: %v", got)
				}
				got := p.PrivateAddresses(t.Context(), webRoute, providers.Target{Instance: "i-a"})
				if diff := cmp.Diff(tc.want, got, compareIP); diff != "" {
					t.Error(diff)
				}
				if n := len(seen.seen()); n != step.reads {
					t.Errorf("%v later: %d reads, want %d", step.after, n, step.reads)
				}
			}
		})
	}
}

// TestRulesThatTheTableDoesNotTellAreListed: every sample of a table has its rules; the
// call that lists them is for an answer that has none.
func TestRulesThatTheTableDoesNotTellAreListed(t *testing.T) {
	t.Parallel()
	const list = "GET /routeTables/rtb-web/routeTableRules"
	page := func(total int, rules ...string) canned {
		return result(fmt.Sprintf(`{"routeTableRules":[%s],"totalCount":%d}`, strings.Join(rules, ","), total))
	}
	other := `{"ruleId":"rt-0","addressPrefix":"0.0.0.0/0","nextHopType":"internet","nextHopId":"internet"}`
	mine := ruleTo("rt-1", `"nextHopType":"natgw","nextHopId":"natgw-1","origin":"static"`)
	twoPages := page(2, other)
	twoPages.then = []canned{page(2, mine)}
	twice := page(3, other, mine)
	twice.then = []canned{page(3, mine)}
	for _, tt := range []struct {
		name  string
		rules canned
		want  string // of the target, or of the error
		lists int
	}{
		{"on one page", page(2, other, mine), "natgw natgw-1", 1},
		{"on two pages", twoPages, "natgw natgw-1", 2},
		{"on both of two pages, as they shifted", twice, "natgw natgw-1", 2},
		{"an empty page ends the list", page(2), "not-found", 1},
		{"no list", result(`{"totalCount":1}`), "transient", 1},
		{"no count", result(`{"routeTableRules":[]}`), "transient", 1},
		{"a refusal", failure(403, "HTTP_FORBIDDEN", "api is disabled"), "denied", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, script{readTable: result(`{"routeTable":{"routeTableId":"rtb-web"}}`), list: tt.rules})
			got, err := c.provider(t, providers.KindRoute).Owner(t.Context(), webRoute)
			said := got.Target.String()
			if err != nil {
				said = providers.KindOf(err).String()
			}
			want := []string{readTable}
			for i := range tt.lists {
				want = append(want, fmt.Sprintf("%s?pageNumber=%d&pageSize=100", list, i+1))
			}
			if diff := cmp.Diff(want, seen.seen()); said != tt.want || diff != "" {
				t.Errorf("got %q (%v), want %q\n%s", said, err, tt.want, diff)
			}
		})
	}
}
