// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

// badGroups are mistakes in groups and addresses.
var badGroups = []badCase{
	{
		name: "no groups",
		edit: []string{"groups:\n  - name: web\n    vrid: 51\n    priority: {lb-a: 110, lb-b: 100}\n    addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}\n    checks:\n      - {name: nginx, http: \"http://127.0.0.1/healthz\"}\n", ""},
		want: "1: groups: is missing; list at least one group with name, vrid and addresses",
	},
	{
		name: "an empty list of groups",
		edit: []string{"groups:\n  - name: web\n    vrid: 51\n    priority: {lb-a: 110, lb-b: 100}\n    addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}\n    checks:\n      - {name: nginx, http: \"http://127.0.0.1/healthz\"}\n", "groups: []\n"},
		want: "7: groups: is an empty list; write at least one group with name, vrid and addresses",
	},
	{
		name: "a group without a name",
		edit: []string{"  - name: web\n    vrid: 51\n", "  - vrid: 51\n"},
		want: "8: groups[0].name: is missing; write a name such as web",
	},
	{
		name: "a group without a VRID",
		edit: []string{"    vrid: 51\n", ""},
		want: "8: groups[0].vrid: is missing; write a number from 1 to 255 that no other group has",
	},
	{
		name: "VRID zero",
		edit: []string{"vrid: 51", "vrid: 0"},
		want: "9: groups[0].vrid: 0 is outside 1 to 255; use a number that no other group has",
	},
	{
		name: "a VRID above 255",
		edit: []string{"vrid: 51", "vrid: 256"},
		want: "9: groups[0].vrid: 256 is outside 1 to 255; use a number that no other group has",
	},
	{
		name: "two groups of one name",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n  - name: web\n    vrid: 52\n    priority: {lb-a: 100, lb-b: 110}\n    addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 2001:db8::10}\n    checks:\n      - {name: pg, tcp: \"127.0.0.1:5432\"}\n"},
		want: "15: groups[1].name: web is already at groups[0].name (line 8); rename one of the two",
	},
	{
		name: "two groups of one VRID",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n  - name: db\n    vrid: 51\n    priority: {lb-a: 100, lb-b: 110}\n    addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 2001:db8::10}\n    checks:\n      - {name: pg, tcp: \"127.0.0.1:5432\"}\n"},
		want: "16: groups[1].vrid: 51 is already at groups[0].vrid (line 9); give every group its own",
	},
	{
		name: "advert intervals of groups, which the cluster has",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    displaced_retry: 3s\n    advert_interval: 500ms\n", "/healthz\"}\n", "/healthz\"}\n  - name: db\n    vrid: 52\n    advert_interval: 500ms\n    priority: {lb-a: 100, lb-b: 110}\n    addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 2001:db8::10}\n    checks:\n      - {name: pg, tcp: \"127.0.0.1:5432\"}\n"},
		want: "11: groups[0].advert_interval: unknown key; write it under cluster\n" +
			"19: groups[1].advert_interval: unknown key; write it under cluster",
	},
	{
		name: "a priority of zero",
		edit: []string{"lb-b: 100", "lb-b: 0"},
		want: "10: groups[0].priority.lb-b: 0 is outside 1 to 254; use 100 for a node like any other",
	},
	{
		name: "the priority of an address owner",
		edit: []string{"lb-b: 100", "lb-b: 255"},
		want: "10: groups[0].priority.lb-b: 255 is outside 1 to 254; use 100 for a node like any other",
	},
	{
		name: "a priority of an unknown node",
		edit: []string{"lb-b: 100", "lb-d: 100"},
		want: "10: groups[0].priority.lb-d: unknown node; use lb-a or lb-b",
	},
	{
		name: "equal priorities",
		edit: []string{"lb-a: 110", "lb-a: 100"},
		want: "10: warning: groups[0].priority: lb-a, lb-b have the same priority 100, and the higher address wins; give them different ones",
	},
	{
		name: "preemption without a preferred node",
		edit: []string{"    priority: {lb-a: 110, lb-b: 100}\n", "    preempt: true\n"},
		want: "10: warning: groups[0].preempt: has no effect while priority is 100 for all nodes; give the preferred node a higher priority",
	},
	{
		name: "a preempt delay without preemption",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    preempt_delay: 10s\n"},
		want: "10: warning: groups[0].preempt_delay: has no effect while preempt is false; set preempt: true or remove it",
	},
	{
		name: "a negative preempt delay",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    preempt_delay: -1s\n"},
		want: "10: groups[0].preempt_delay: -1s is outside 0s to 1h; use 30s",
	},
	{
		name: "a claim timeout below one attempt",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    claim_timeout: 1s\n"},
		want: "10: groups[0].claim_timeout: 1s is outside 3s to 10m; use 15s",
	},
	{
		name: "a claim timeout below two advert intervals",
		edit: []string{"  id: web\n", "  id: web\n  advert_interval: 10s\n"},
		want: "9: warning: groups[0].claim_timeout: 15s is shorter than twice the cluster.advert_interval of 10s: a handover may be given up before the peer was heard; use 20s or more",
	},
	{
		name: "a displaced retry of zero",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    displaced_retry: 0s\n"},
		want: "10: groups[0].displaced_retry: 0s is no time to wait; write a duration such as 5m, or never",
	},
	{
		name: "a displaced retry that is no duration",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    displaced_retry: sometimes\n"},
		want: `10: groups[0].displaced_retry: "sometimes" is a text; write a duration such as 250ms, 1s, 1m30s, or never`,
	},
	{
		name: "a displaced retry shorter than silence",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    displaced_retry: 3s\n"},
		want: "10: groups[0].displaced_retry: 3s is not longer than the silence after which a peer counts as gone, up to 3.996s with cluster.advert_interval 1s; use more than that, or never",
	},
	{
		name: "an unknown policy for moved addresses",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    on_moved: folow\n"},
		want: `10: groups[0].on_moved: "folow" is not allowed; did you mean follow? (allowed: follow, reclaim)`,
	},
	{
		name: "an unknown policy for addresses that do not answer",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    on_not_answering: failover\n"},
		want: `10: groups[0].on_not_answering: "failover" is not allowed; use alarm or hand-over`,
	},
	{
		name: "no addresses",
		edit: []string{"    addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}\n", ""},
		want: "8: groups[0].addresses: is missing; list the addresses that move, each with provider, kind and ip",
	},
	{
		name: "an empty list of addresses",
		edit: []string{"addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}\n", "addresses: []\n"},
		want: "11: groups[0].addresses: is an empty list; list the addresses that move, each with provider, kind and ip",
	},
	{
		name: "an address without anything",
		edit: []string{"{provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}", "{}"},
		want: "12: groups[0].addresses[0].ip: is missing; write the floating IP, such as 203.0.113.10\n" +
			"12: groups[0].addresses[0].kind: is missing; write the kind of address, as on the provider's page\n" +
			"12: groups[0].addresses[0].provider: is missing; use digitalocean or other",
	},
	{
		name: "an unknown provider",
		edit: []string{"provider: digitalocean", "provider: digital-ocean"},
		want: `12: groups[0].addresses[0].provider: "digital-ocean" is no provider; did you mean digitalocean? (allowed: digitalocean, other)`,
	},
	{
		name: "an unknown kind",
		edit: []string{"kind: reserved-ip", "kind: floating-ip"},
		want: `12: groups[0].addresses[0].kind: "floating-ip" is no kind of digitalocean; use reserved-ip`,
	},
	{
		name: "an address that is no IP",
		edit: []string{"ip: 203.0.113.10", "ip: vip.example.com"},
		want: `12: groups[0].addresses[0].ip: "vip.example.com" is no IP address; write the floating IP, such as 203.0.113.10`,
	},
	{
		name: "an address in an unusual form",
		edit: []string{"ip: 203.0.113.10", `ip: "2001:DB8:0::10"`},
		want: `12: groups[0].addresses[0].ip: "2001:DB8:0::10" is not the usual form of the address; write 2001:db8::10`,
	},
	{
		name: "an address that belongs to a node",
		edit: []string{"ip: 203.0.113.10", "ip: 10.0.4.20"},
		want: "12: groups[0].addresses[0].ip: 10.0.4.20 is already at nodes[0].address (line 5); an address has one place",
	},
	{
		name: "a link-local address",
		edit: []string{"ip: 203.0.113.10", "ip: 169.254.1.1"},
		want: "12: groups[0].addresses[0].ip: 169.254.1.1 cannot be a floating IP; write the address that clients use, such as 203.0.113.10",
	},
	{
		name: "an address in two groups",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n  - name: db\n    vrid: 52\n    priority: {lb-a: 100, lb-b: 110}\n    addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}\n    checks:\n      - {name: pg, tcp: \"127.0.0.1:5432\"}\n"},
		want: "19: groups[1].addresses[0].ip: 203.0.113.10 is already at groups[0].addresses[0].ip (line 12); an address has one place",
	},
	{
		name: "two reserved IPv4 addresses in one group",
		edit: []string{"ip: 203.0.113.10}\n", "ip: 203.0.113.10}\n      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.11}\n"},
		want: "13: groups[0].addresses[1].ip: 203.0.113.11 is one IPv4 address of digitalocean too many: a node can hold 1 of kind reserved-ip there, and one node may end up with all groups; keep groups[0].addresses[0].ip (line 12) and give this one to a cluster of other nodes",
	},
	{
		name: "two reserved IPv4 addresses in two groups",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n  - name: db\n    vrid: 52\n    priority: {lb-a: 100, lb-b: 110}\n    addresses:\n      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.11}\n    checks:\n      - {name: pg, tcp: \"127.0.0.1:5432\"}\n"},
		want: "19: groups[1].addresses[0].ip: 203.0.113.11 is one IPv4 address of digitalocean too many: a node can hold 1 of kind reserved-ip there, and one node may end up with all groups; keep groups[0].addresses[0].ip (line 12) and give this one to a cluster of other nodes",
	},
	{
		name: "no checks",
		edit: []string{"    checks:\n      - {name: nginx, http: \"http://127.0.0.1/healthz\"}\n", ""},
		want: "8: warning: groups[0].checks: no checks: a node whose service is dead keeps the address; add one",
	},
	{
		name: "addresses of two clouds in one group",
		edit: []string{"ip: 203.0.113.10}\n", "ip: 203.0.113.10}\n      - {provider: other, kind: eip, ip: 198.51.100.1}\n      - {provider: other, kind: route, ip: 198.51.100.2}\n"},
		want: "11: warning: groups[0].addresses: are at digitalocean and other: while one of these clouds does not answer, none of the group moves; make a group for each cloud",
	},
	{
		name: "addresses of two kinds of one cloud in one group",
		edit: []string{"provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}", "provider: other, kind: eip, ip: 198.51.100.1}\n      - {provider: other, kind: route, ip: 198.51.100.2}"},
		want: "",
	},
	{
		name: "a family that the provider does not move",
		edit: []string{"provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10", `provider: other, kind: eip, ip: "2001:db8::10"`},
		want: "12: groups[0].addresses[0].ip: other moves no IPv6 addresses, and 2001:db8::10 is one; use one of the other family",
	},
	{
		name: "an entry without a value in a list",
		edit: []string{"      - {provider: digitalocean, kind", "      -\n      - {provider: digitalocean, kind"},
		want: "12: groups[0].addresses[0]: has no value; write one or remove the key",
	},
}
