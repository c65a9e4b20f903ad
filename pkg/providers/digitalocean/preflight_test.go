// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"maps"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	const (
		ip      = "GET /v2/reserved_ips/203.0.113.10"
		droplet = "GET /v2/droplets/1001"
		actions = "GET /v2/droplets/1001/actions"
	)
	good := script{
		ip:                                   {status: 200, file: "reserved_ip_held_by_peer"},
		"GET /v2/reserved_ipv6/2001:db8::42": {status: 200, file: "reserved_ipv6_free"},
		droplet:                              {status: 200, file: "droplet_active"},
		actions:                              {status: 200, file: "droplet_actions_none"},
	}
	further := canned{status: 200, file: "droplet_with_further_public_v4"}
	ownIP := canned{status: 404, file: "error_not_found"}
	for _, tc := range []struct {
		name    string
		address providers.Address
		change  script
		kind    string
		text    string
	}{
		{"nothing speaks against it", v4, nil, "", ""},
		{"nothing speaks against v6", v6, nil, "", ""},
		{"already there, whatever is pending", v4, script{ip: {status: 200, file: "reserved_ip_held"}, actions: {status: 200, file: "droplet_actions_pending"}}, "", ""},
		{"another region", v4, script{ip: {status: 200, file: "reserved_ip_other_region"}}, "invalid", "region ams3, the droplet in nyc3"},
		{"no region named", v4, script{ip: {status: 200, body: `{"reserved_ip":{"ip":"203.0.113.10","droplet":null}}`}}, "transient", "no region"},
		{"droplet off", v4, script{droplet: {status: 200, file: "droplet_off"}}, "invalid", `"off"; it must be active`},
		{"droplet being created", v4, script{droplet: {status: 200, file: "droplet_new"}}, "busy", "being created"},
		{"droplet locked", v4, script{droplet: {status: 200, file: "droplet_locked"}}, "busy", "locked"},
		{"address locked", v4, script{ip: {status: 200, file: "reserved_ip_locked"}}, "busy", "the address has a pending event"},
		{"pending event on the droplet", v4, script{actions: {status: 200, file: "droplet_actions_pending"}}, "busy", "the droplet has a pending event (snapshot)"},
		{"actions may not be listed", v4, script{actions: {status: 403, file: "error_forbidden"}}, "", ""},
		{"actions without a list", v4, script{actions: {status: 200, body: `{}`}}, "transient", "actions: missing"},
		{"no IPv6 for v6", v6, script{droplet: {status: 200, file: "droplet_without_ipv6"}}, "invalid", "IPv6 is not enabled"},
		{"no IPv6 for v4", v4, script{droplet: {status: 200, file: "droplet_without_ipv6"}}, "", ""},
		{"the droplet holds another one", v4, script{droplet: further,
			"GET /v2/reserved_ips/198.51.100.11": ownIP, "GET /v2/reserved_ips/203.0.113.77": {status: 200, file: "reserved_ip_other_held"}},
			"invalid", "holds another reserved IP, 203.0.113.77"},
		{"the further address has moved on", v4, script{droplet: further,
			"GET /v2/reserved_ips/198.51.100.11": ownIP, "GET /v2/reserved_ips/203.0.113.77": {status: 200, body: `{"reserved_ip":{"ip":"203.0.113.77","droplet":null}}`}},
			"", ""},
		{"the further address is no reserved IP", v4, script{droplet: further,
			"GET /v2/reserved_ips/198.51.100.11": ownIP, "GET /v2/reserved_ips/203.0.113.77": ownIP},
			"", ""},
		{"another v4 is no obstacle to v6", v6, script{droplet: further}, "", ""},
		{"unknown address", v4, script{ip: {status: 404, file: "error_not_found"}}, "not-found", ""},
		{"unknown droplet", v4, script{droplet: {status: 404, file: "error_not_found"}}, "not-found", ""},
		{"denied", v4, script{droplet: {status: 403, file: "error_forbidden"}}, "denied", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := maps.Clone(good)
			maps.Copy(s, tc.change)
			p, c := start(t, s)
			err := p.Preflight(t.Context(), tc.address, nodeA)
			if kindWord(err) != tc.kind || (err != nil && !strings.Contains(err.Error(), tc.text)) {
				t.Errorf("got %v, want kind %q with %q", err, tc.kind, tc.text)
			}
			for _, line := range c.seen() {
				if !strings.HasPrefix(line, "GET ") {
					t.Errorf("a check wrote: %s", line)
				}
			}
		})
	}
}
