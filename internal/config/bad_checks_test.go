// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

// badChecks are mistakes in checks, probes and providers.
var badChecks = []badCase{
	{
		name: "no metadata service and no word in its place",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocean: {metadata_endpoint: none}}\n", "address: 10.0.4.20}", "address: 10.0.4.20, target: {digitalocean: 1001}}"},
		want: "15: providers.digitalocean.metadata_endpoint: none: then nodes[1].target.digitalocean is missing; write what the cloud calls lb-b",
	},
	{
		name: "no metadata service, and a check of what it alone tells",
		edit: []string{"127.0.0.1/healthz\"}\n", "{anchor}/healthz\"}\nproviders: {digitalocean: {metadata_endpoint: none}}\n",
			"address: 10.0.4.20}", "address: 10.0.4.20, target: {digitalocean: 1001}}", "address: 10.0.4.21}", "address: 10.0.4.21, target: {digitalocean: 1002}}"},
		want: "14: groups[0].checks[0].http: {anchor} has no value here: the metadata service of digitalocean tells it, and none is in use; write the address at which the service answers on each node, such as 127.0.0.1",
	},
	{
		name: "a check without a name",
		edit: []string{"name: nginx, ", ""},
		want: "14: groups[0].checks[0].name: is missing; write a name such as nginx",
	},
	{
		name: "two checks of one name",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n      - {name: nginx, process: nginx}\n"},
		want: "15: groups[0].checks[1].name: nginx is already at groups[0].checks[0].name (line 14); rename one of the two",
	},
	{
		name: "a check that asks nothing",
		edit: []string{`, http: "http://127.0.0.1/healthz"`, ""},
		want: "14: groups[0].checks[0]: asks nothing; add one of http, tcp, exec or process",
	},
	{
		name: "a check that asks two things",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", tcp: "127.0.0.1:80"`},
		want: "14: groups[0].checks[0]: has http and tcp; keep one of them, and write another entry for the other",
	},
	{
		name: "a check URL without a scheme",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "127.0.0.1/healthz"`},
		want: `14: groups[0].checks[0].http: "127.0.0.1/healthz" is no http or https URL with a host; write http://host:port/path`,
	},
	{
		name: "an unknown placeholder",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://{ancor}/"`},
		want: `14: groups[0].checks[0].http: "{ancor}" is no placeholder; use {node}, {address} or {anchor}, or put a space inside the braces to mean them literally`,
	},
	{
		name: "a TCP check without a port",
		edit: []string{`http: "http://127.0.0.1/healthz"`, "tcp: 127.0.0.1"},
		want: `14: groups[0].checks[0].tcp: "127.0.0.1" is no host:port; write 127.0.0.1:80 or [::1]:80`,
	},
	{
		name: "an exec check that needs a shell",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `exec: "pgrep nginx | wc -l"`},
		want: `14: groups[0].checks[0].exec: "pgrep nginx | wc -l" needs a shell for '|', and none is used; quote it, or write [/bin/sh, -c, '...']`,
	},
	{
		name: "an exec check with a block as an argument",
		edit: []string{`http: "http://127.0.0.1/healthz"`, "exec: [/bin/true, {a: b}]"},
		want: "14: groups[0].checks[0].exec: argument 1 is a block of keys; write texts only",
	},
	{
		name: "an exec check with an empty list",
		edit: []string{`http: "http://127.0.0.1/healthz"`, "exec: []"},
		want: "14: groups[0].checks[0].exec: names no program; write [/path/to/program, argument ...]",
	},
	{
		name: "a process check with a path",
		edit: []string{`http: "http://127.0.0.1/healthz"`, "process: /usr/sbin/nginx"},
		want: `14: groups[0].checks[0].process: "/usr/sbin/nginx" is a path, and processes are found by name; use "nginx"`,
	},
	{
		name: "an option of another kind of check",
		edit: []string{`http: "http://127.0.0.1/healthz"`, "process: nginx, status: 200"},
		want: "14: groups[0].checks[0].status: belongs to http, and this asks process; remove it",
	},
	{
		name: "a user for a check that runs nothing",
		edit: []string{`http: "http://127.0.0.1/healthz"`, "process: nginx, user: nobody"},
		want: "14: groups[0].checks[0].user: belongs to exec, and this asks process; remove it",
	},
	{
		name: "a status that is no range",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", status: 2xx`},
		want: `14: groups[0].checks[0].status: "2xx" is a text; write an HTTP status such as 200, or a range such as 200-399`,
	},
	{
		name: "a status range upside down",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", status: 399-200`},
		want: "14: groups[0].checks[0].status: 399-200 is no range within 100-599; use 200-399",
	},
	{
		name: "too many redirects",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", redirects: 99`},
		want: "14: groups[0].checks[0].redirects: 99 is outside 0 to 10; use 0 to take a redirect as the answer",
	},
	{
		name: "a timeout longer than the interval",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", interval: 1s, timeout: 2s`},
		want: "14: groups[0].checks[0].timeout: 2s is longer than the interval of 1s (a check runs once at a time); shorten timeout or lengthen interval",
	},
	{
		name: "an interval below the minimum",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", interval: 1ms`},
		want: "14: groups[0].checks[0].interval: 1ms is outside 100ms to 1h0m0s; use 2s",
	},
	{
		name: "a rise of zero",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", rise: 0`},
		want: "14: groups[0].checks[0].rise: 0 is outside 1 to 100; use 2",
	},
	{
		name: "a fall above the maximum",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", fall: 101`},
		want: "14: groups[0].checks[0].fall: 101 is outside 1 to 100; use 3",
	},
	{
		name: "a weight out of range",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://127.0.0.1/healthz", weight: -254`},
		want: "14: groups[0].checks[0].weight: -254 is outside -253 to 253; use 0 to make the check a fault",
	},
	{
		name: "{address} in a group of two addresses",
		edit: []string{`http: "http://127.0.0.1/healthz"`, `http: "http://{address}/"`, "ip: 203.0.113.10}\n", "ip: 203.0.113.10}\n      - {provider: digitalocean, kind: reserved-ip, ip: 2001:db8::10}\n"},
		want: "15: groups[0].checks[0].http: {address} could be any of the 2 addresses of the group; write out the one that is meant",
	},
	{
		name: "a probe that asks nothing",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n    probe: {status: 200}\n"},
		want: "15: groups[0].probe: asks nothing; add one of http, tcp or exec",
	},
	{
		name: "a probe that looks for a process",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n    probe: {process: nginx}\n"},
		want: "15: groups[0].probe.process: is not allowed here; use http, tcp or exec",
	},
	{
		name: "a probe that asks this node itself",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n    probe: {http: \"http://127.0.0.1/healthz\"}\n"},
		want: `15: groups[0].probe.http: "http://127.0.0.1/healthz" asks this node itself, and a probe asks through the address, from a standby; use {address} as the host`,
	},
	{
		name: "a probe that asks the anchor",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n    probe: {tcp: \"{anchor}:80\"}\n"},
		want: `15: groups[0].probe.tcp: "{anchor}:80" asks this node itself, and a probe asks through the address, from a standby; use {address} as the host`,
	},
	{
		name: "a probe that asks another address",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n    probe: {http: \"http://203.0.113.99/\"}\n"},
		want: "15: groups[0].probe.http: 203.0.113.99 is no address of the group; use {address} as the host",
	},
	{
		name: "a probe that asks a host name",
		edit: []string{"/healthz\"}\n", "/healthz\"}\n    probe: {http: \"http://www.example.com/\"}\n"},
		want: `15: warning: groups[0].probe.http: "www.example.com" may lead elsewhere than to the address; use {address} as the host`,
	},
	{
		name: "an unknown provider block",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocaen: {}}\n"},
		want: "15: providers.digitalocaen: unknown provider; did you mean digitalocean? (allowed: digitalocean, other)",
	},
	{
		name: "an unknown option of a provider",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocean: {token: dop_v1_x}}\n"},
		want: "15: providers.digitalocean.token: unknown key; did you mean token_file? (allowed: token_file, endpoint, metadata_endpoint, calls_per_hour)",
	},
	{
		name: "a provider without an address",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocean: {}, other: {}}\n"},
		want: "15: warning: providers.other: no group has an address of other; remove the block, or the address is missing",
	},
	{
		name: "a token file that does not exist",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocean: {token_file: /etc/fipctl/no.token}}\n"},
		want: "15: providers.digitalocean.token_file: /etc/fipctl/no.token does not exist; write the token into it and run: chmod 600 /etc/fipctl/no.token",
	},
	{
		name: "an endpoint that is no URL",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocean: {endpoint: api.example.com}}\n"},
		want: `15: providers.digitalocean.endpoint: "api.example.com" is no http or https URL; write one such as https://api.example.com`,
	},
	{
		name: "an endpoint with a password",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocean: {endpoint: \"https://me:secret@api.example.com\"}}\n"},
		want: "15: providers.digitalocean.endpoint: has credentials in the URL; put the token into token_file and write the URL without them",
	},
	{
		name: "an endpoint with a query",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocean: {metadata_endpoint: \"http://169.254.169.254/?a=b\"}}\n"},
		want: `15: providers.digitalocean.metadata_endpoint: "http://169.254.169.254/?a=b" has a query or a fragment; write the URL up to the path`,
	},
	{
		name: "an endpoint without encryption",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {digitalocean: {endpoint: \"http://10.0.0.1:8080\"}}\n"},
		want: `15: warning: providers.digitalocean.endpoint: "http://10.0.0.1:8080" sends the token unencrypted over the network; use https`,
	},
	{
		name: "an option that this provider does not have",
		edit: []string{"/healthz\"}\n", "/healthz\"}\nproviders: {other: {token_file: /etc/fipctl/do.token}}\n"},
		want: "15: warning: providers.other: no group has an address of other; remove the block, or the address is missing\n" +
			"15: providers.other.token_file: other has no such option; use endpoint or calls_per_hour",
	},
}
