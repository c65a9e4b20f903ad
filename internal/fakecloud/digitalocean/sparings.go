// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"encoding/json"
	"slices"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

const (
	knownUnheld6 = "droplet_kit spec/fixtures/reserved_ipv6/all.json, doctl integration/reserved_ipv6_get_test.go, openapi pull request 951, godo ReservedIPV6 (omitempty)"
	knownBare    = "openapi pull request 951: what a maintainer of a client was answered on 2024-11-29"
	knownLocked  = "droplet_kit spec/fixtures/floating_ips/find.json"
	knownHolder  = "doctl integration/reserved_ip_list_test.go, godo Droplet (omitempty)"
	knownOnly6   = "droplet_kit spec/fixtures/reserved_ipv6/find.json: a droplet with IPv6 whose only address of that family is the reserved one"
	knownLinks   = "droplet_kit spec/fixtures/droplets/list_actions.json, godo Links (omitempty)"
	knownList6   = "openapi specification/resources/reserved_ipv6/responses/reserved_ipv6_list.yml, whose schema and sample name the list differently"
	knownNoVPC   = "go-metadata client_test.go: a droplet without a private network"
	knownQuoted  = "cloud-init tests/unittests/sources/test_digitalocean.py: what a droplet was answered in 2014"
	knownNoName  = "go-metadata Metadata (omitempty)"
)

var (
	oneIPv4     = face.Match{Method: "GET", Path: "/v2/reserved_ips/*"}
	allIPv4     = face.Match{Method: "GET", Path: "/v2/reserved_ips"}
	oneIPv6     = face.Match{Method: "GET", Path: "/v2/reserved_ipv6/*"}
	allIPv6     = face.Match{Method: "GET", Path: "/v2/reserved_ipv6"}
	oneDroplet  = face.Match{Method: "GET", Path: "/v2/droplets/*"}
	allMetadata = face.Match{Path: "/metadata/v1.json"}
)

// sparings are what answers of the API have been seen to leave out. An unheld IPv4 is
// always null, and a list never null.
var sparings = []face.Sparing{
	{On: oneIPv4, Member: "reserved_ip.locked", If: face.Blank, Does: face.LeftOut, Known: knownLocked},
	{On: allIPv4, Member: "reserved_ips.*.locked", If: face.Blank, Does: face.LeftOut, Known: knownLocked},
	{On: oneIPv4, Member: "reserved_ip.droplet.networks", Does: face.LeftOut, Known: knownHolder},
	{On: allIPv4, Member: "reserved_ips.*.droplet.networks", Does: face.LeftOut, Known: knownHolder},

	{On: oneIPv6, Member: "reserved_ipv6.droplet", If: face.Blank, Does: face.LeftOut, Known: knownUnheld6},
	{On: allIPv6, Member: "reserved_ipv6s.*.droplet", If: face.Blank, Does: face.LeftOut, Known: knownUnheld6},
	{On: oneIPv6, Member: "reserved_ipv6.droplet.networks", Does: face.LeftOut, Known: knownHolder},
	{On: allIPv6, Member: "reserved_ipv6s.*.droplet.networks", Does: face.LeftOut, Known: knownHolder},
	{On: oneIPv6, Member: "reserved_ipv6", Does: bare, Known: knownBare},
	{On: allIPv6, Member: "reserved_ipv6s", Does: face.Renamed("reserved_ips"), Known: knownList6},

	{On: oneDroplet, Member: "droplet.networks.v6", Does: onlyReserved, Known: knownOnly6},
	{On: face.Match{Method: "GET"}, Member: "links", If: face.Blank, Does: face.LeftOut, Known: knownLinks},
}

// metadataSparings are the same of the metadata service.
var metadataSparings = []face.Sparing{
	{On: allMetadata, Member: "droplet_id", Does: quoted, Known: knownQuoted},
	{On: allMetadata, Member: "hostname", Does: face.LeftOut, Known: knownNoName},
	{On: allMetadata, Member: "interfaces.private", If: unused, Does: face.LeftOut, Known: knownNoVPC},
}

// bare puts the members of the object where the object was.
func bare(object map[string]any, name string) {
	inner, ok := object[name].(map[string]any)
	if !ok {
		return // an answer of another kind
	}
	delete(object, name)
	for name, value := range inner {
		object[name] = value
	}
}

// onlyReserved leaves a droplet's own IPv6 addresses out, and the list if none is left.
func onlyReserved(object map[string]any, name string) {
	list, _ := object[name].([]any)
	list = slices.DeleteFunc(list, func(entry any) bool {
		network, ok := entry.(map[string]any)
		return ok && !face.Blank(network["netmask"])
	})
	if object[name] = list; len(list) == 0 {
		delete(object, name)
	}
}

// quoted makes a number a text.
func quoted(object map[string]any, name string) {
	if n, ok := object[name].(json.Number); ok {
		object[name] = n.String()
	}
}

// unused reports whether no interface of a list has an address.
func unused(value any) bool {
	list, _ := value.([]any)
	return !slices.ContainsFunc(list, func(entry any) bool {
		nic, _ := entry.(map[string]any)
		return nic["ipv4"] != nil || nic["ipv6"] != nil
	})
}
