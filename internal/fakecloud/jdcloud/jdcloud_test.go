// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"testing"
	"time"

	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
)

func TestAnEIPMovesByTwoCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	type seen struct{ NIC, IP, Instance, Kind, Status, State any }
	look := func() seen {
		r := w.get(eip)
		e := func(key string) any { return r.at("result", "elasticIp", key) }
		return seen{e("networkInterfaceId"), e("privateIpAddress"), e("instanceId"), e("instanceType"), e("status"), e("state")}
	}
	atA := seen{"port-a", "10.0.4.20", "i-a", "compute", "ASSOCIATED", "UP"}
	nobody := seen{"", "", "", "", "NOT_ASSOCIATED", "UP"}
	atB := seen{"port-b", "10.0.4.21", "i-b", "compute", "ASSOCIATED", "UP"}
	processing := func(s seen) seen { s.State = "PROCESSING"; return s }
	want := func(what string, want seen) {
		t.Helper()
		if got := look(); got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}

	want("at the start", atA)
	wantDone(t, w.post(nicA+":disassociateElasticIp", `{"elasticIpId":"fip-held"}`))
	want("while it is unbound", processing(atA))
	wantFailure(t, w.post(nicB+":associateElasticIp", `{"elasticIpId":"fip-held"}`),
		400, "FAILED_PRECONDITION", "Conflict with underlay task 'disassociate'")
	wantFailure(t, w.post(nicA+":disassociateElasticIp", `{"elasticIpId":"fip-held"}`),
		400, "FAILED_PRECONDITION", "Conflict with underlay task 'disassociate'")
	w.advance(time.Second)
	want("unbound", nobody)
	wantDone(t, w.post(nicB+":associateElasticIp", `{"elasticIpId":"fip-held","privateIpAddress":"10.0.4.21"}`))
	want("while it is bound", processing(nobody))
	wantFailure(t, w.post(nicB+":associateElasticIp", `{"elasticIpId":"fip-held"}`),
		400, "FAILED_PRECONDITION", "Conflict with underlay task 'associate'")
	w.advance(time.Second)
	want("bound", atB)
	w.wantHolder("203.0.113.10", "i-b", byEIP)
}

func TestOneCallMovesAPrivateIP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, force string }{{"forced", `"force":true,`}, {"by default", ""}, {"with a null", `"force":null,`}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{})
			wantDone(t, w.post(nicB+":assignSecondaryIps", `{`+tt.force+`"secondaryIps":["10.0.4.99"]}`))
			w.wantHolder("10.0.4.99", "i-b", byPrivate)
			if got := w.get(nicA).at("result", "networkInterface", "secondaryIps", 0); got != nil {
				t.Errorf("the old interface still shows %v", got)
			}
			if got := w.get(nicB).at("result", "networkInterface", "secondaryIps", 0, "privateIpAddress"); got != "10.0.4.99" {
				t.Errorf("the new interface shows %v", got)
			}
		})
	}
}

func TestOneCallMovesARoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	body := `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopType":"instance","nextHopId":"i-b"}]}`
	wantDone(t, w.post(tableA+":modifyRouteTableRules", body))
	w.wantHolder("172.16.0.9", "i-b", byRoute)
	r := w.get(tableA + "/routeTableRules" + query("addressPrefix", "172.16.0.9/32"))
	wantJSON(t, "rules", r.at("result"), `{"totalCount": 1, "routeTableRules": [{"ruleId": "rt-one", "priority": 100,
		"nextHopType": "instance", "nextHopId": "i-b", "addressPrefixType": "CIDR", "addressPrefix": "172.16.0.9/32",
		"origin": "static", "description": ""}]}`)
	wantDone(t, w.post(tableA+":modifyRouteTableRules", body)) // to where it leads already
}

func TestEveryOperationIsServed(t *testing.T) {
	t.Parallel()
	tests := []struct{ action, method, path, body string }{
		{"describeInstance", "GET", "instances/i-a", ""},
		{"describeInstances", "GET", "instances", ""},
		{"describeInstanceStatus", "GET", "instanceStatus", ""},
		{"disassociateElasticIp", "POST", "instances/i-a:disassociateElasticIp", `{"elasticIpId":"fip-held"}`},
		{"associateElasticIp", "POST", "instances/i-b:associateElasticIp", `{"elasticIpId":"fip-free"}`},
		{"describeElasticIp", "GET", "elasticIps/fip-held", ""},
		{"describeElasticIps", "GET", "elasticIps/", ""},
		{"associateElasticIp", "POST", "networkInterfaces/port-b:associateElasticIp", `{"elasticIpAddress":"203.0.113.11"}`},
		{"disassociateElasticIp", "POST", "networkInterfaces/port-a:disassociateElasticIp", `{"elasticIpAddress":"203.0.113.10"}`},
		{"describeNetworkInterface", "GET", "networkInterfaces/port-a", ""},
		{"describeNetworkInterfaces", "GET", "networkInterfaces/", ""},
		{"assignSecondaryIps", "POST", "networkInterfaces/port-b:assignSecondaryIps", `{"force":true,"secondaryIps":["10.0.4.99"]}`},
		{"unassignSecondaryIps", "POST", "networkInterfaces/port-a:unassignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`},
		{"describeVpc", "GET", "vpcs/vpc-0fipctl0aa", ""},
		{"describeSubnet", "GET", "subnets/subnet-0fipctl0a", ""},
		{"describeSubnets", "GET", "subnets/", ""},
		{"describeQuota", "GET", "quotas/?type=secondaryIp&parentResourceId=port-a", ""},
		{"describeRouteTable", "GET", "routeTables/rtb-one", ""},
		{"describeRouteTables", "GET", "routeTables/", ""},
		{"describeRouteTableRules", "GET", "routeTables/rtb-one/routeTableRules", ""},
		{"addRouteTableRules", "POST", "routeTables/rtb-one:addRouteTableRules", `{"routeTableRuleSpecs":[{"nextHopType":"instance","nextHopId":"i-a","addressPrefix":"172.16.0.10/32"}]}`},
		{"modifyRouteTableRules", "POST", "routeTables/rtb-one:modifyRouteTableRules", `{"modifyRouteTableRuleSpecs":[{"ruleId":"rt-one","nextHopType":"instance","nextHopId":"i-b"}]}`},
		{"removeRouteTableRules", "POST", "routeTables/rtb-one:removeRouteTableRules", `{"ruleIds":["rt-one"]}`},
		{"describeAg", "GET", "availabilityGroups/ag-one", ""},
		{"describeAgs", "GET", "availabilityGroups", ""},
	}
	for _, tt := range tests {
		t.Run(tt.action+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{})
			if r := w.callAs("ak-a", tt.method, base+tt.path, tt.body); r.status != 200 {
				t.Errorf("got %d %v", r.status, r.body)
			}
			e := w.model.Journal()[0]
			if e.Action != tt.action || e.Write != (tt.method == "POST") || e.Node != "lb-a" {
				t.Errorf("the journal has %+v", e)
			}
			if e.Write && e.Effect == "" {
				t.Errorf("the journal has no effect of the write: %+v", e)
			}
		})
	}
}
