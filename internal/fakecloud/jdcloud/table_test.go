// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	modify = tableA + ":modifyRouteTableRules"
	add    = tableA + ":addRouteTableRules"
	remove = tableA + ":removeRouteTableRules"
)

// routes returns the next hops of the rules for a prefix, in the order of the table.
func (w *world) routes(prefix string) []any {
	w.t.Helper()
	return w.get(tableA+"/routeTableRules"+query("addressPrefix", prefix)).each("nextHopId", "result", "routeTableRules")
}

func TestTheDocumentOfARouteTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.AddRoute(fakejd.Route{
		Table: "rtb-one", RuleID: "rt-nat", IP: ip("172.16.0.8"), Holder: providers.Target{Instance: "natgw-1"},
		NextHopType: "natgw", Priority: 50, Propagated: true,
	}))
	wantJSON(t, "table", w.get(tableA).at("result"), `{"routeTable": {"routeTableId": "rtb-one", "routeTableName": "rtb-one",
		"routeTableType": "custom", "description": "", "vpcId": "vpc-0fipctl0aa", "subnetIds": [], "createdTime": "2026-01-01T00:00:00Z",
		"routeTableRules": [
			{"ruleId": "rt-0fipctl001", "priority": 1, "nextHopType": "local", "nextHopId": "local", "addressPrefixType": "CIDR",
				"addressPrefix": "local", "origin": "static", "description": ""},
			{"ruleId": "rt-one", "priority": 100, "nextHopType": "instance", "nextHopId": "i-a", "addressPrefixType": "CIDR",
				"addressPrefix": "172.16.0.9/32", "origin": "static", "description": ""},
			{"ruleId": "rt-nat", "priority": 50, "nextHopType": "natgw", "nextHopId": "natgw-1", "addressPrefixType": "CIDR",
				"addressPrefix": "172.16.0.8/32", "origin": "propagated", "description": ""}]}}`)
}

func TestRuleCallsThatAreRefused(t *testing.T) {
	t.Parallel()
	const toB = `"nextHopType":"instance","nextHopId":"i-b"`
	before := func(w *world) {
		w.must(w.jd.AddRule(fakejd.Rule{Table: "rtb-one", RuleID: "rt-learnt", Prefix: netip.MustParsePrefix("172.17.0.0/16"), NextHopType: "bgw", NextHop: "bgw-1", Propagated: true}))
		w.must(w.jd.AddRule(fakejd.Rule{Table: "rtb-one", RuleID: "rt-net", Prefix: netip.MustParsePrefix("172.18.0.0/16"), NextHopType: "instance", NextHop: "i-a"}))
		w.must(w.jd.AddRoute(fakejd.Route{Table: "rtb-one", RuleID: "rt-nobody", IP: ip("172.16.0.7")}))
	}
	tests := []struct {
		name, path, body string
		status           int
		word, text       string
	}{
		{"of an unknown table", base + "routeTables/rtb-x:modifyRouteTableRules", `{}`, 404, "NOT_FOUND", "Resource not found"},
		{"no JSON", modify, `x`, 400, "INVALID_ARGUMENT", "Request body is not valid JSON"},
		{"modify nothing", modify, `{}`, 400, "INVALID_ARGUMENT", "Request parameter modifyRouteTableRuleSpecs is '', expected one of [rules]"},
		{"modify an unknown rule", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-x",` + toB + `}]}`, 404, "NOT_FOUND", "Resource not found"},
		{"modify a rule that nobody has", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-nobody",` + toB + `}]}`, 404, "NOT_FOUND", "Resource not found"},
		{"modify a right and an unknown one", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one",` + toB + `},{"ruleId":"rt-x",` + toB + `}]}`, 404, "NOT_FOUND", "Resource not found"},
		{"modify a propagated rule", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-learnt",` + toB + `}]}`, 400, "FAILED_PRECONDITION", "Rule rt-learnt cannot be modified"},
		{"modify the VPC's own rule", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-0fipctl001",` + toB + `}]}`, 400, "FAILED_PRECONDITION", "Rule rt-0fipctl001 cannot be modified"},
		{"modify the prefix", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","addressPrefix":"172.16.0.1/32"}]}`, 400, "INVALID_ARGUMENT", "Request parameter addressPrefix is '172.16.0.1/32', expected one of [172.16.0.9/32]"},
		{"lead to half a hop", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopId":"i-b"}]}`, 400, "INVALID_ARGUMENT", "Request parameter nextHopType is '' and nextHopId 'i-b', expected both"},
		{"lead to an unknown machine", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopType":"instance","nextHopId":"i-x"}]}`, 404, "NOT_FOUND", "Resource not found"},
		{"lead a network to an unknown machine", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-net","nextHopType":"instance","nextHopId":"i-x"}]}`, 404, "NOT_FOUND", "Resource not found"},
		{"lead to an unknown interface", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopType":"elastic_network_interface","nextHopId":"port-x"}]}`, 404, "NOT_FOUND", "Resource not found"},
		{"lead to a primary interface", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopType":"elastic_network_interface","nextHopId":"port-b"}]}`, 400, "FAILED_PRECONDITION", "Network interface port-b is a primary one"},
		{"add nothing", add, `{}`, 400, "INVALID_ARGUMENT", "Request parameter routeTableRuleSpecs is '', expected one of [rules]"},
		{"add what is no prefix", add, `{"routeTableRuleSpecs":[{"addressPrefix":"x",` + toB + `}]}`, 400, "INVALID_ARGUMENT", "Request parameter addressPrefix is 'x', expected one of [CIDR]"},
		{"add to an unknown machine", add, `{"routeTableRuleSpecs":[{"addressPrefix":"172.16.0.7/32","nextHopType":"instance","nextHopId":"i-x"}]}`, 404, "NOT_FOUND", "Resource not found"},
		{"add a network to an unknown machine", add, `{"routeTableRuleSpecs":[{"addressPrefix":"172.19.0.0/16","nextHopType":"instance","nextHopId":"i-x"}]}`, 404, "NOT_FOUND", "Resource not found"},
		{"remove an unknown rule", remove, `{"ruleIds":["rt-one","rt-x"]}`, 404, "NOT_FOUND", "Resource not found"},
		{"remove a propagated rule", remove, `{"ruleIds":["rt-learnt"]}`, 400, "FAILED_PRECONDITION", "Rule rt-learnt cannot be removed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{})
			before(w)
			rules := w.get(tableA).at("result")
			wantFailure(t, w.post(tt.path, tt.body), tt.status, tt.word, tt.text)
			if diff := cmp.Diff(rules, w.get(tableA).at("result")); diff != "" {
				t.Errorf("the table changed:\n%s", diff)
			}
		})
	}
}

func TestRulesAreAddedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.AddRoute(fakejd.Route{Table: "rtb-one", RuleID: "rt-nobody", IP: ip("172.16.0.7")}))
	toB := func(prefix string) string {
		return `{"routeTableRuleSpecs":[{"nextHopType":"instance","nextHopId":"i-b","addressPrefix":"` + prefix + `"}]}`
	}
	steps := []struct {
		name, path, body, prefix string
		want                     []any
		holder                   string // of the prefix's address in the model
	}{
		{"of a route that nobody held", add, toB("172.16.0.7/32"), "172.16.0.7/32", []any{"i-b"}, "i-b"},
		{"of a new route", add, toB("172.16.0.6/32"), "172.16.0.6/32", []any{"i-b"}, "i-b"},
		{"of a network", add, toB("172.18.0.0/16"), "172.18.0.0/16", []any{"i-b"}, ""},
		{"beside another for the same prefix", add, toB("172.16.0.9/32"), "172.16.0.9/32", []any{"i-a", "i-b"}, "i-a"},
		{"removed: the first of two", remove, `{"ruleIds":["rt-one"]}`, "172.16.0.9/32", []any{"i-b"}, ""},
		{"removed: a network", remove, `{"ruleIds":["rt-0fipctl003"]}`, "172.18.0.0/16", nil, ""},
		{"given another priority", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-nobody","priority":7}]}`, "172.16.0.7/32", []any{"i-b"}, "i-b"},
		{"led elsewhere: what the model does not know", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-0fipctl004","nextHopType":"natgw","nextHopId":"natgw-1"}]}`, "172.16.0.9/32", []any{"natgw-1"}, ""},
		{"led to a gateway", modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-nobody","nextHopType":"natgw","nextHopId":"natgw-1"}]}`, "172.16.0.7/32", []any{"natgw-1"}, "natgw-1"},
	}
	for _, s := range steps {
		wantDone(t, w.post(s.path, s.body))
		if diff := cmp.Diff(s.want, w.routes(s.prefix)); diff != "" {
			t.Errorf("%s: hops of %s (-want +got):\n%s", s.name, s.prefix, diff)
		}
		prefix := netip.MustParsePrefix(s.prefix)
		if got := w.model.HolderIn(fakecloud.Slot{IP: prefix.Addr(), Table: "rtb-one"}); got != (providers.Target{Instance: s.holder}) {
			t.Errorf("%s: the model has %s, want %s", s.name, got, s.holder)
		}
	}
	r := w.get(tableA + "/routeTableRules" + query("ruleIds", "rt-nobody"))
	got := []any{r.at("result", "routeTableRules", 0, "priority"), r.at("result", "routeTableRules", 0, "nextHopType")}
	if diff := cmp.Diff([]any{7.0, "natgw"}, got); diff != "" {
		t.Errorf("priority and type of hop at the end (-want +got):\n%s", diff)
	}
}

func TestARouteCanLeadToASecondaryInterface(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.AddInterface(fakejd.Interface{ID: "port-b2", Instance: "i-b", PrimaryIP: ip("10.0.4.31")}))
	wantDone(t, w.post(modify, `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopType":"elastic_network_interface","nextHopId":"port-b2"}]}`))
	r := w.get(tableA + "/routeTableRules" + query("ruleIds", "rt-one"))
	got := []any{r.at("result", "routeTableRules", 0, "nextHopType"), r.at("result", "routeTableRules", 0, "nextHopId")}
	if diff := cmp.Diff([]any{"elastic_network_interface", "port-b2"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARouteMovesInOneTableAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.AddRoute(fakejd.Route{Table: "rtb-two", RuleID: "rt-two", IP: ip("172.16.0.9"), Holder: w.target("i-a", byRoute)}))
	wantDone(t, w.post(base+"routeTables/rtb-two:modifyRouteTableRules", `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-two","nextHopType":"instance","nextHopId":"i-b"}]}`))
	w.wantHolder("172.16.0.9", "i-a", byRoute) // in rtb-one
	if got := w.model.HolderIn(fakecloud.Slot{IP: ip("172.16.0.9"), Table: "rtb-two"}); got != w.target("i-b", byRoute) {
		t.Errorf("in rtb-two: got %s", got)
	}
}

func TestFiltersOfRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	for _, tt := range []struct {
		query string
		want  []any
	}{
		{"", []any{"rt-0fipctl001", "rt-one"}},
		{query("ruleIds", "rt-one"), []any{"rt-one"}},
		{query("nextHopTypes", "local"), []any{"rt-0fipctl001"}},
		{query("nextHopId", "i-a"), []any{"rt-one"}},
		{query("origins", "propagated"), nil},
	} {
		if diff := cmp.Diff(tt.want, w.get(tableA+"/routeTableRules"+tt.query).each("ruleId", "result", "routeTableRules")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
}
