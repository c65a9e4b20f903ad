// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// hostile are bodies that say in no way that may be believed who holds an address, by
// its kind, with what an error names.
var hostile = map[string]map[string]string{
	providers.KindEIP: {
		"":                  "the answer is empty",
		"<html>":            `not an answer of the API: "<html>"; look at the endpoint`,
		`{"requestId":"r"}`: "result: missing",
		`{"requestId":"r","result":{"elasticIp":{"elast`: "no JSON document: unexpected end of JSON input",
		`{"result":{}}{}`:                   "no JSON document: invalid character '{' after top-level value",
		`{"result":null}`:                   "elasticIp: missing",
		`{"result":[]}`:                     "decode answer",
		`{"result":{}}`:                     "elasticIp: missing",
		`{"result":{"elasticIp":null}}`:     "elasticIp: missing",
		`{"result":{"elasticIps":[]}}`:      "elasticIp: missing",
		eip2(`"networkInterfaceId":""`, ""): "elasticIp.networkInterfaceId: missing",
		eip2(`"instanceId":""`, ""):         "elasticIp.instanceId: missing",
		eip2(`"privateIpAddress":""`, ""):   "elasticIp.privateIpAddress: missing",
		eip2(`"networkInterfaceId":""`, `"networkInterfaceId":null`):                     "elasticIp.networkInterfaceId: missing",
		eip1(`"networkInterfaceId":"","instanceId":""`, `"networkInterfaceId":"port-a"`): "elasticIp.instanceId: missing",
		eip1(`"networkInterfaceId":""`, `"networkInterfaceId":7`):                        "elasticIp.networkInterfaceId: number, which is not the documented type",
		eip1(`"elasticIpId":"fip-svj6u4mw6t"`, ""):                                       "elasticIp.elasticIpId: missing",
		eip1(`"elasticIpId":"fip-svj6u4mw6t"`, `"elasticIpId":"fip-x"`):                  `elasticIpId: asked for fip-svj6u4mw6t, got "fip-x"`,
		eip1(`"elasticIpAddress":"114.67.178.43"`, ""):                                   `elasticIp.elasticIpAddress: "" is not an IPv4 address`,
		eip1(`"elasticIpAddress":"114.67.178.43"`, `"elasticIpAddress":"114.67.178"`):    `"114.67.178" is not an IPv4 address`,
		eip1(`"privateIpAddress":""`, `"privateIpAddress":"ten"`):                        `elasticIp.privateIpAddress: "ten" is not an IPv4 address`,
		eip1(`"status":"NOT_ASSOCIATED"`, `"status":"ASSOCIATED"`):                       "associated, but names no holder",
		eip1(`"instanceType":"","status":"NOT_ASSOCIATED"`, `"instanceType":"lb"`):       "associated, but names no holder",
		eip1(`"instanceId":""`, `"instanceId":"i-a"`):                                    `networkInterfaceId: empty, but held by "i-a"`,
		eip1(`"networkInterfaceId":""`, `"networkInterfaceId":"port-a"`):                 `privateIpAddress: empty, but held by "port-a"`,
		eip1(`"privateIpAddress":"","networkInterfaceId":"","instanceId":"","instanceType":"","status":"NOT_ASSOCIATED"`,
			`"privateIpAddress":"10.0.4.20","networkInterfaceId":"port-a","instanceId":"","instanceType":"compute"`): `elasticIp.instanceId: empty, but instanceType is "compute"`,
	},
	providers.KindPrivateIP: {
		`{"result":{"totalCount":0}}`:                                                                                "networkInterfaces: missing",
		`{"result":{"networkInterfaces":[]}}`:                                                                        "totalCount: missing",
		`{"result":{"networkInterfaces":null,"totalCount":0}}`:                                                       "networkInterfaces: missing",
		nic1(`"networkInterfaceId":"port-a"`, `"networkInterfaceId":"port-a","subnetId":"subnet-x"`):                 `networkInterfaces.subnetId: asked for subnet-web, got "subnet-x" of "port-a"`,
		nic1(`"networkInterfaceId":"port-a",`, ""):                                                                   "networkInterfaces[0].networkInterfaceId: missing",
		nic1(`"primaryIp":{"privateIpAddress":"10.0.4.20"},`, ""):                                                    "networkInterfaces[0].primaryIp: missing",
		nic1(`"secondaryIps":[]`, `"secondaryIps":{}`):                                                               "networkInterfaces.secondaryIps: object, which is not",
		nic1(`"secondaryIps":[]`, `"attachmentStatus":"attached","secondaryIps":[{"privateIpAddress":"10.0.4.99"}]`): "interface port-a has it and is attached, but the API does not tell to what",
		nic1(`"10.0.4.20"`, `""`):                                                                                    `networkInterfaces[0].primaryIp.privateIpAddress: "" is not an IPv4 address`,
		nic1(`"secondaryIps":[]`, `"secondaryIps":[{}]`):                                                             `networkInterfaces[0].secondaryIps.privateIpAddress: "" is not an IPv4 address`,
		nic1(`"totalCount":1`, `"totalCount":2`):                                                                     "the list of interfaces changed",
	},
	providers.KindRoute: {
		`{"result":{}}`:                     "routeTable: missing",
		`{"result":{"routeTable":{}}}`:      `asked for rtb-web, got ""`,
		`{"result":{"routeTable":[]}}`:      "routeTable: array, which is not",
		`{"result":{"routeTables":{}}}`:     "routeTables: object, which is not",
		`{"result":{"routeTables":[]}}`:     "routeTable: missing",
		`{"result":{"routeTables":[null]}}`: `asked for rtb-web, got ""`,
		`{"result":{"routeTables":[{"routeTableId":"rtb-x","routeTableRules":[]}]}}`:       `asked for rtb-web, got "rtb-x"`,
		`{"result":{"routeTables":[{"routeTableId":"rtb-web"},{"routeTableId":"rtb-x"}]}}`: "routeTables: has 2, one was asked for",
		`{"result":{"routeTable":{"routeTableId":"rtb-x","routeTableRules":[]}}}`:          `asked for rtb-web, got "rtb-x"`,
		rule1(`"ruleId":"rt-1",`, ""):                     "routeTableRules[0].ruleId: missing",
		rule1(`"nextHopType":"instance",`, ""):            "routeTableRules[0].nextHopType: missing",
		rule1(`"nextHopId":"i-a",`, ""):                   "routeTableRules[0].nextHopId: missing",
		rule1(`"nextHopId":"i-a"`, `"nextHopId":""`):      "nextHopId of the route rt-1 for 172.16.0.9/32 in rtb-web: empty",
		rule1(`"addressPrefix":"172.16.0.9/32"`, `"x":1`): "routeTableRules[0].addressPrefix: missing",
	},
}

// The documents that the bodies above are made from by one replacement.
func eip1(old, new string) string {
	return replaced(`{"result":{"elasticIp":{"elasticIpId":"fip-svj6u4mw6t","elasticIpAddress":"114.67.178.43","privateIpAddress":"","networkInterfaceId":"","instanceId":"","instanceType":"","status":"NOT_ASSOCIATED"}}}`, old, new)
}

// eip2 is eip1 without the status that says that nobody has it.
func eip2(old, new string) string { return replaced(eip1(old, new), `,"status":"NOT_ASSOCIATED"`, "") }

func nic1(old, new string) string {
	return replaced(`{"result":{"networkInterfaces":[{"networkInterfaceId":"port-a","primaryIp":{"privateIpAddress":"10.0.4.20"},"secondaryIps":[]}],"totalCount":1}}`, old, new)
}

func rule1(old, new string) string {
	return replaced(`{"result":{"routeTable":{"routeTableId":"rtb-web","routeTableRules":[{"ruleId":"rt-1","nextHopType":"instance","nextHopId":"i-a","addressPrefix":"172.16.0.9/32"}]}}}`, old, new)
}

// replaced keeps the document valid JSON where a field is taken away.
func replaced(text, old, new string) string {
	text = strings.Replace(text, old, new, 1)
	return strings.NewReplacer(",,", ",", "{,", "{", ",}", "}").Replace(text)
}

func TestAHostileAnswerToAReadIsAnErrorAndNeverAnOwner(t *testing.T) {
	t.Parallel()
	reads := map[string]struct {
		key string
		a   providers.Address
	}{
		providers.KindEIP:       {readEIP, webEIP},
		providers.KindPrivateIP: {listNICs, webPrivate},
		providers.KindRoute:     {readTable, webRoute},
	}
	for kind, bodies := range hostile {
		for body, want := range bodies {
			t.Run(kind+" "+body, func(t *testing.T) {
				t.Parallel()
				read := reads[kind]
				c, seen := start(t, script{readSubnet: {file: "subnet"}, read.key: {body: body, header: map[string]string{"X-Jdcloud-Request-Id": "req-header"}}})
				got, err := c.provider(t, kind).Owner(t.Context(), read.a)
				if kindWord(err) != "transient" || !got.Target.IsZero() || got.PrivateAddresses != nil {
					t.Fatalf("got %+v, %v", got, err)
				}
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
				if e := err.(*providers.Error); e.Code != "" && e.RequestID == "" {
					t.Errorf("no request id in %v", err)
				}
				if n := len(seen.seen()); n > 3 { // of the subnet, and of two pages
					t.Errorf("%d requests; a whole answer is not asked for again", n)
				}
			})
		}
	}
}

func TestASubnetWithoutARangeIsNoSubnet(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`:            "subnet: missing",
		`{"subnet":{}}`: `subnet.addressPrefix: "" is not a range`,
		`{"subnet":{"addressPrefix":"10.0.4.0"}}`: `subnet.addressPrefix: "10.0.4.0" is not a range`,
	} {
		c, _ := start(t, script{readSubnet: result(body), listNICs: page(0, 0, 0, nil)})
		if _, err := c.provider(t, providers.KindPrivateIP).Owner(t.Context(), webPrivate); kindWord(err) != "transient" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", body, err, want)
		}
	}
}

// TestAWriteIsAcceptedByARequestIDAlone: everything else leaves open what happened.
func TestAWriteIsAcceptedByARequestIDAlone(t *testing.T) {
	t.Parallel()
	for body, kind := range map[string]string{
		`{"requestId":"req-1"}`:                          "",
		`{"requestId":"req-1","result":null}`:            "",
		`{"requestId":"req-1","result":{},"error":null}`: "",
		`{"requestId":"req-1","error":{"code":0}}`:       "",
		`{"requestId":"req-1","error":{}}`:               "ambiguous",
		"":                                               "ambiguous",
		"<html>":                                         "ambiguous",
		`{"requestId":"req-1"`:                           "ambiguous",
		`{"requestId":""}`:                               "ambiguous",
		`{"result":{}}`:                                  "ambiguous",
		`null`:                                           "ambiguous",
		`{"requestId":"r","error":"x"}`:                  "ambiguous",
		`{"requestId":"r","error":{"code":500,"status":"UNKNOWN","message":""}}`: "ambiguous",
	} {
		c, _ := start(t, script{"POST /networkInterfaces/port-b:associateElasticIp": {body: body}})
		got, err := c.provider(t, providers.KindEIP).Assign(t.Context(), webEIP, nodeB, providers.Assignment{})
		if kindWord(err) != kind || (got.RequestID == "") != (kind != "") {
			t.Errorf("%s: got %+v, %v; want kind %q", body, got, err, kind)
		}
	}
}

// TestTheNextHopOfARouteIsShownClean: what it names is said in status and log.
func TestTheNextHopOfARouteIsShownClean(t *testing.T) {
	t.Parallel()
	hop := "port-a\x1b[31m\nx"
	for kind, want := range map[string]providers.Target{
		"elastic_network_interface": {Interface: "port-a [31m x"},
		"n\nat":                     {Instance: "n at port-a [31m x"},
	} {
		if got := (routeRule{HopType: kind, Hop: &hop}).target(); got != want {
			t.Errorf("%q: got %q", kind, got)
		}
	}
}

// TestAServersTextIsCleaned: an error is one bounded line, whatever the answer holds.
func TestAServersTextIsCleaned(t *testing.T) {
	t.Parallel()
	_, err, _ := outcomes(t, failure(400, "INVALID_ARGUMENT", "a\nb\x1b[31m"+strings.Repeat("x", 1000)))
	if text := err.Error(); strings.ContainsAny(text, "\n\x1b") || len(text) > 400 || !strings.Contains(text, "a b") {
		t.Errorf("got %q", text)
	}
}
