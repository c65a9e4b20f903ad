// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"os"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// instanceWith is the machine i-a with replaced parts of its document.
func instanceWith(t *testing.T, pairs ...string) canned {
	t.Helper()
	data, err := os.ReadFile("testdata/instance.json")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the document has no %s", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return canned{body: text}
}

// checkPreflight asks whether a could move to node A and compares kind and text.
func checkPreflight(t *testing.T, s script, a providers.Address, kind, text string) {
	t.Helper()
	c, seen := start(t, s)
	p := c.provider(t, a.Kind).(providers.Preflighter)
	err := p.Preflight(t.Context(), a, only(a.Kind, nodeA))
	if kindWord(err) != kind || (err != nil && !strings.Contains(err.Error(), text)) {
		t.Errorf("got %v, want kind %q with %q", err, kind, text)
	}
	for _, line := range seen.seen() {
		if !strings.HasPrefix(line, "GET ") {
			t.Errorf("a check wrote: %s", line)
		}
	}
}

func TestPreflightOfAnEIP(t *testing.T) {
	t.Parallel()
	const other = "GET /elasticIps/fip-other"
	const heldByB = `"privateIpAddress":"10.0.4.21","networkInterfaceId":"port-b","instanceId":"i-b","instanceType":"compute"`
	good := script{readEIP: {file: "elastic_ip_free"}, readA: {file: "instance"}}
	hasOther := instanceWith(t, `"10.0.4.20","elasticIpId":"","elasticIpAddress":""},`, `"10.0.4.20","elasticIpId":"fip-other","elasticIpAddress":"203.0.113.2"},`)
	otherOn := func(fields string) canned {
		return result(`{"elasticIp":{"elasticIpId":"fip-other","elasticIpAddress":"203.0.113.2",` + fields + `}}`)
	}
	for _, tc := range []struct {
		name       string
		change     script
		kind, text string
	}{
		{"nothing speaks against it", nil, "", ""},
		{"held by a peer", script{readEIP: eipWith(heldByB)}, "", ""},
		{"already there, whatever is going on", script{readEIP: {file: "elastic_ip_held"}, readA: instanceWith(t, `"running"`, `"resizing"`)}, "", ""},
		{"held by a load balancer", script{readEIP: eipWith(`"privateIpAddress":"","networkInterfaceId":"","instanceId":"alb-1","instanceType":"lb"`)},
			"invalid", `held by "alb-1", which is not an instance`},
		{"being changed", script{readEIP: eipWith(heldByB + `,"state":"PROCESSING"`)}, "busy", "PROCESSING"},
		{"down", script{readEIP: eipWith(heldByB + `,"state":"DOWN"`)}, "invalid", "state is DOWN"},
		{"in arrears", script{readEIP: eipWith(heldByB + `,"charge":{"chargeStatus":"arrear"}`)}, "invalid", `chargeStatus is "arrear"`},
		{"of the machine's zone", script{readEIP: eipWith(heldByB + `,"az":"cn-north-1c"`)}, "", ""},
		{"of another zone", script{readEIP: eipWith(heldByB + `,"az":"cn-north-1a"`)}, "invalid", "zone cn-north-1a, the instance to cn-north-1c"},
		{"machine being resized", script{readA: instanceWith(t, `"running"`, `"resizing"`)}, "busy", "the instance is resizing"},
		{"machine stopped", script{readA: instanceWith(t, `"running"`, `"stopped"`)}, "invalid", `"stopped"; it must be running`},
		{"another interface", script{readA: instanceWith(t, `"port-a"`, `"port-x"`)}, "invalid", "interface port-a is not attached to i-a"},
		{"a secondary interface", script{readA: instanceWith(t, `"primaryNetworkInterface":{`, `"secondaryNetworkInterfaces":[{`, "\"elasticIpAddress\":\"\"}]}},\n\"secondaryNetworkInterfaces\":[]", `"elasticIpAddress":""}]}}]`)}, "", ""},
		{"another private address", script{readA: instanceWith(t, `"privateIpAddress":"10.0.4.20","elasticIpId":"","elasticIpAddress":""},`, `"privateIpAddress":"10.0.4.50"},`)},
			"invalid", "port-a does not have the private address 10.0.4.20"},
		{"the private address has another EIP", script{readA: hasOther, other: otherOn(`"privateIpAddress":"10.0.4.20","networkInterfaceId":"port-a","instanceId":"i-a","instanceType":"compute"`)},
			"invalid", "10.0.4.20 has another EIP, fip-other (203.0.113.2)"},
		{"which has moved on", script{readA: hasOther, other: otherOn(heldByB)}, "", ""},
		{"which is gone", script{readA: hasOther, other: failure(404, "NOT_FOUND", "Resource not found")}, "", ""},
		{"which cannot be read", script{readA: hasOther, other: failure(403, "HTTP_FORBIDDEN", "api is disabled")}, "denied", "vpc:describeElasticIp"},
		{"unknown EIP", script{readEIP: failure(404, "NOT_FOUND", "ElasticIpId fip-svj6u4mw6t not found")}, "not-found", "check the id and region"},
		{"id of another EIP", script{readEIP: result(`{"elasticIp":` + listed("fip-svj6u4mw6t", "203.0.113.1", true) + `}`)},
			"invalid", "id: fip-svj6u4mw6t is the EIP 203.0.113.1 and not 114.67.178.43; correct id or ip"},
		{"unknown machine", script{readA: failure(404, "NOT_FOUND", "Instance 'i-a' not found")}, "not-found", "Instance 'i-a' not found"},
		{"no permission", script{readA: failure(403, "HTTP_FORBIDDEN", "api is disabled")}, "denied", "permission vm:describeInstance"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkPreflight(t, good.with(tc.change), webEIP, tc.kind, tc.text)
		})
	}
}

func TestPreflightOfAPrivateIP(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		ip         string
		change     script
		kind, text string
	}{
		{"free", "10.0.4.98", nil, "", ""},
		{"already there", "10.0.4.99", nil, "", ""},
		{"on an interface that is attached to nothing", "10.0.4.41", nil, "", ""},
		{"held by a load balancer", "10.0.4.31", nil, "invalid", `held by "alb-1", which is not an instance`},
		{"the node is in another subnet", "10.0.4.98", script{listNICs: page(1, 0, 1, nil)}, "invalid",
			"interface port-a is not in subnet-web; the address can only be on an interface of its subnet"},
		{"the interface is another machine's", "10.0.4.98", script{listNICs: result(`{"networkInterfaces":[{"networkInterfaceId":"port-a","instanceId":"i-z","primaryIp":{"privateIpAddress":"10.0.4.20"},"secondaryIps":[]}],"totalCount":1}`)},
			"invalid", `interface port-a belongs to "i-z", not to i-a`},
		{"unknown subnet", "10.0.4.98", script{readSubnet: failure(404, "NOT_FOUND", "Resource not found")}, "not-found", "check the id and region"},
		{"no permission", "10.0.4.98", script{listNICs: failure(403, "HTTP_FORBIDDEN", "api is disabled")}, "denied", "permission vpc:describeNetworkInterfaces"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkPreflight(t, subnetWeb.with(tc.change), private(tc.ip), tc.kind, tc.text)
		})
	}
}

const (
	readVPC   = "GET /vpcs/vpc-1a2b3c4d5e"
	readPortA = "GET /networkInterfaces/port-a"
)

// sanity is the interface of node A with this field.
func sanity(field string) canned {
	return result(`{"networkInterface":{"networkInterfaceId":"port-a","instanceId":"i-a",` + field + `}}`)
}

// vpcWith is a network with a range and those of its subnets.
func vpcWith(prefix string, subnets ...string) canned {
	for i, s := range subnets {
		subnets[i] = `{"addressPrefix":"` + s + `"}`
	}
	return result(`{"vpc":{"vpcId":"vpc-1a2b3c4d5e","addressPrefix":"` + prefix + `","subnets":[` + strings.Join(subnets, ",") + `]}}`)
}

func TestPreflightOfARoute(t *testing.T) {
	t.Parallel()
	good := script{readTable: tableWith(ruleTo("rt-1", `"nextHopType":"instance","nextHopId":"i-b","origin":"static"`)), readVPC: vpcWith("10.0.0.0/16"), readA: {file: "instance"}, readPortA: sanity(`"sanityCheck":0`)}
	for _, tc := range []struct {
		name       string
		change     script
		kind, text string
	}{
		{"nothing speaks against it", nil, "", ""},
		{"already there", script{readTable: {file: "route_table"}}, "", ""},
		{"the check of source and destination is on", script{readPortA: sanity(`"sanityCheck":1`)}, "invalid", "set sanityCheck to 0"},
		{"it is on where the route is already", script{readTable: canned{file: "route_table"}, readPortA: sanity(`"sanityCheck":1`)},
			"invalid", "sanityCheck of interface port-a is on"},
		{"it is left out like all that is zero", script{readPortA: sanity(`"role":"Primary"`)}, "", ""},
		{"it is null", script{readPortA: sanity(`"sanityCheck":null`)}, "", ""},
		{"it is false", script{readPortA: sanity(`"sanityCheck":false`)}, "", ""},
		{"it is true", script{readPortA: sanity(`"sanityCheck":true`)}, "invalid", "set sanityCheck to 0"},
		{"it is neither 0 nor 1", script{readPortA: sanity(`"sanityCheck":"off"`)}, "transient", `networkInterface.sanityCheck: "off" is neither 0 nor 1`},
		{"it is a list", script{readPortA: sanity(`"sanityCheck":[0]`)}, "transient", `networkInterface.sanityCheck: "[0]" is neither 0 nor 1`},
		{"the deprecated one of the machine does not count", script{readA: instanceWith(t, `"subnetId":"subnet-web",`, `"subnetId":"subnet-web","sanityCheck":1,`)}, "", ""},
		{"another interface is told", script{readPortA: result(`{"networkInterface":{"networkInterfaceId":"port-b","sanityCheck":0}}`)}, "transient", `asked for port-a, got "port-b"`},
		{"no interface is told", script{readPortA: result(`{"networkInterfaces":[]}`)}, "transient", "networkInterface: missing"},
		{"no permission for the interface", script{readPortA: failure(403, "HTTP_FORBIDDEN", "api is disabled")}, "denied", "permission vpc:describeNetworkInterface"},
		{"the machine tells no interface", script{readA: result(`{"instance":{"instanceId":"i-a","status":"running"}}`)}, "transient", "the API does not tell the instance's primary interface"},
		{"inside the network", script{readVPC: vpcWith("172.16.0.0/12")}, "invalid",
			"ip: 172.16.0.9 is inside 172.16.0.0/12, the network's own range; a route needs an address outside of it"},
		{"inside it, and there is no such route yet", script{readTable: tableWith(), readVPC: vpcWith("172.16.0.0/12")}, "invalid", "is inside 172.16.0.0/12"},
		{"inside a subnet of a network without a range", script{readVPC: vpcWith("", "10.0.4.0/24", "172.16.0.0/24")}, "invalid", "is inside 172.16.0.0/24"},
		{"outside of all subnets of such a network", script{readVPC: vpcWith("", "10.0.4.0/24")}, "", ""},
		{"a network that nobody may ask about", script{readVPC: failure(403, "HTTP_FORBIDDEN", "api is disabled")}, "", ""},
		{"no such call", script{readVPC: failure(404, "NOT_FOUND", "no route and no API found with those values")}, "", ""},
		{"a network that cannot be read", script{readVPC: failure(500, "INTERNAL", "Internal server error")}, "transient", "Internal server error"},
		{"no network is told", script{readVPC: result(`{"vpcs":[]}`)}, "transient", "vpc: missing"},
		{"another network", script{readA: instanceWith(t, `"vpc-1a2b3c4d5e"`, `"vpc-other"`)}, "invalid", "rtb-web is of vpc-1a2b3c4d5e, the instance in vpc-other"},
		{"to a NAT gateway", script{readTable: tableWith(ruleTo("rt-1", `"nextHopType":"natgw","nextHopId":"natgw-1"`))}, "invalid", `"natgw natgw-1" and not an instance`},
		{"to an interface", script{readTable: tableWith(ruleTo("rt-1", `"nextHopType":"elastic_network_interface","nextHopId":"port-x"`))}, "invalid", `"port-x" and not an instance`},
		{"unknown table", script{readTable: failure(404, "NOT_FOUND", "Resource not found")}, "not-found", "check the id and region"},
		{"unknown machine", script{readA: failure(404, "NOT_FOUND", "Instance 'i-a' not found")}, "not-found", "Instance 'i-a' not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkPreflight(t, good.with(tc.change), webRoute, tc.kind, tc.text)
		})
	}
}
