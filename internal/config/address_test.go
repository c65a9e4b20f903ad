// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
)

// vpc is a cloud that finds addresses by more than their IP.
var vpc = registry.Description{
	Name: "vpc",
	Kinds: []registry.Kind{
		{Name: "havip", Capabilities: providers.Capabilities{IPv4: true}, ID: registry.ID{Key: registry.KeyID, Prefix: "havip-", Text: "the HAVIP"}},
		{Name: "private-ip", Capabilities: providers.Capabilities{IPv4: true}, ID: registry.ID{Key: registry.KeySubnet, Prefix: "subnet-", Text: "the subnet"}},
		{Name: "route", Capabilities: providers.Capabilities{IPv4: true}, ID: registry.ID{Key: registry.KeyTables, Prefix: "rtb-", Many: true, Text: "the route tables"}},
		{Name: "plain", Capabilities: providers.Capabilities{IPv4: true}},
	},
	Refused: map[string]string{"l2": "its network ignores such announcements; use havip"},
	Options: []registry.Option{{Name: "credentials_file"}, {Name: "role"}, {Name: "region"}, {Name: "network", Default: "public"}, {Name: "endpoint"}},
	Networks: []registry.Network{
		{Name: "public"}, {Name: "internal", Warning: "is plain http"},
	},
	Signed: true,
}

// vpcFile returns the good file with another address and block for its provider.
func vpcFile(address, provider string) string {
	text := strings.Replace(good, "{provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}", address, 1)
	if provider != "" {
		text += "providers:\n  vpc: {" + provider + "}\n"
	}
	return text
}

func vpcOptions(text string) Options {
	d := machine(text)
	d["/etc/fipctl/key.env"] = d["/etc/fipctl/do.token"]
	o := d.options()
	o.Names = func() []string { return []string{"vpc"} }
	o.Describe = func(name string) (registry.Description, bool) { return vpc, name == "vpc" }
	return o
}

func TestAddressesAreFoundByWhatTheirKindNeeds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		address string
		want    []string // the addresses, with their ids
	}{
		{"{provider: vpc, kind: havip, ip: 10.0.4.99, id: havip-9o233uri}", []string{"havip 10.0.4.99 havip-9o233uri"}},
		{"{provider: vpc, kind: private-ip, ip: 10.0.4.99, subnet: subnet-1}", []string{"private-ip 10.0.4.99 subnet-1"}},
		{"{provider: vpc, kind: route, ip: 172.16.0.9, tables: [rtb-1, rtb-2]}", []string{"route 172.16.0.9 rtb-1", "route 172.16.0.9 rtb-2"}},
		{"{provider: vpc, kind: plain, ip: 10.0.4.99}", []string{"plain 10.0.4.99 "}},
	} {
		c, err := Load(path, vpcOptions(vpcFile(tt.address, "")))
		if err != nil {
			t.Errorf("%s: %v", tt.address, err)
			continue
		}
		var got []string
		for _, a := range c.Groups[0].Addresses {
			got = append(got, fmt.Sprint(a.Kind, " ", a.IP, " ", a.ID))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestBadAddressesAndProvidersAreExplained(t *testing.T) {
	t.Parallel()
	const at = "12: groups[0].addresses[0]."
	for _, tt := range []struct{ name, address, provider, want string }{
		{"no id", "{provider: vpc, kind: havip, ip: 10.0.4.99}", "",
			at + "id: is missing; write the id of the HAVIP, such as havip-1a2b3c4d"},
		{"an id of another kind", "{provider: vpc, kind: havip, ip: 10.0.4.99, id: eip-1a2b3c4d}", "",
			at + `id: "eip-1a2b3c4d" is not the id of the HAVIP, which begins with "havip-" and goes on with letters and digits`},
		{"an id that is none", "{provider: vpc, kind: havip, ip: 10.0.4.99, id: havip-}", "",
			at + `id: "havip-" is not the id of the HAVIP, which begins with "havip-" and goes on with letters and digits`},
		{"another key than the kind needs", "{provider: vpc, kind: private-ip, ip: 10.0.4.99, subnet: subnet-1, id: eni-1}", "",
			at + "id: an address of kind private-ip has no such key; write subnet, the subnet"},
		{"a key that no kind needs", "{provider: vpc, kind: plain, ip: 10.0.4.99, id: eni-1}", "",
			at + "id: an address of kind plain has no such key; remove it"},
		{"no tables", "{provider: vpc, kind: route, ip: 172.16.0.9, tables: []}", "",
			at + "tables: is missing; write the id of the route tables, such as [rtb-1a2b3c4d]"},
		{"a table twice", "{provider: vpc, kind: route, ip: 172.16.0.9, tables: [rtb-1, rtb-1]}", "",
			at + `tables[1]: "rtb-1" is in the list twice; remove one`},
		{"a subnet among tables", "{provider: vpc, kind: route, ip: 172.16.0.9, tables: [rtb-1, subnet-1]}", "",
			at + `tables[1]: "subnet-1" is not the id of the route tables, which begins with "rtb-" and goes on with letters and digits`},
		{"a kind that is refused", "{provider: vpc, kind: l2, ip: 10.0.4.99}", "",
			at + `kind: "l2" cannot be used with vpc: its network ignores such announcements; use havip`},
		{"a region of two words", "{provider: vpc, kind: plain, ip: 10.0.4.99}", `region: "ap guangzhou"`,
			`16: providers.vpc.region: "ap guangzhou" is not the cloud's name of the region; write letters, digits and hyphens`},
		{"an unknown network", "{provider: vpc, kind: plain, ip: 10.0.4.99}", "network: intern",
			`16: providers.vpc.network: "intern" is not allowed; did you mean internal? (allowed: public, internal)`},
		{"a network with a warning", "{provider: vpc, kind: plain, ip: 10.0.4.99}", "network: internal",
			"16: warning: providers.vpc.network: is plain http"},
		{"plain http with signatures", "{provider: vpc, kind: plain, ip: 10.0.4.99}", `endpoint: "http://10.0.0.1"`,
			`16: warning: providers.vpc.endpoint: "http://10.0.0.1" sends requests unencrypted over the network: signed, but everybody on the way can read them; use https`},
		{"a credentials file that is not there", "{provider: vpc, kind: plain, ip: 10.0.4.99}", "credentials_file: none.env",
			"16: providers.vpc.credentials_file: /etc/fipctl/none.env does not exist; write the key into it as on the provider's page and run: chmod 600 /etc/fipctl/none.env"},
		{"an option of other providers", "{provider: vpc, kind: plain, ip: 10.0.4.99}", "token_file: key.env",
			"16: providers.vpc.token_file: vpc has no such option; use credentials_file, role, region, network or endpoint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := vpcFile(tt.address, tt.provider)
			if diff := cmp.Diff(tt.want, strings.TrimSpace(problemsOf(vpcOptions(text)))); diff != "" {
				t.Errorf("problems (-want +got):\n%s\nof\n%s", diff, text)
			}
		})
	}
}
