// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

// badNodes are mistakes in what describes the cluster and the daemon.
var badNodes = []badCase{
	{
		name: "no cluster",
		edit: []string{"cluster:\n  id: web\n  key_file: /etc/fipctl/cluster.key\n", ""},
		want: "1: cluster: is missing; write a block with the keys id and key_file",
	},
	{
		name: "an advert interval below the minimum",
		edit: []string{"  id: web\n", "  id: web\n  advert_interval: 10ms\n"},
		want: "3: cluster.advert_interval: 10ms is outside 50ms to 40s; use 1s",
	},
	{
		name: "an advert interval above the maximum",
		edit: []string{"  id: web\n", "  id: web\n  advert_interval: 1m\n"},
		want: "3: cluster.advert_interval: 1m is outside 50ms to 40s; use 1s",
	},
	{
		name: "no cluster id",
		edit: []string{"  id: web\n", ""},
		want: "1: cluster.id: is missing; write a name such as web",
	},
	{
		name: "a cluster id in capitals",
		edit: []string{"id: web", "id: WEB"},
		want: `2: cluster.id: "WEB" has other characters than a-z, 0-9, dot and hyphen, or more than 63; write a name such as web`,
	},
	{
		name: "no key file",
		edit: []string{"  key_file: /etc/fipctl/cluster.key\n", ""},
		want: `1: cluster.key_file: is missing; run "fipctl keygen --output /etc/fipctl/cluster.key", copy the file to every node and name it here`,
	},
	{
		name: "a key file that does not exist",
		edit: []string{"/etc/fipctl/cluster.key", "/etc/fipctl/other.key"},
		want: `3: cluster.key_file: /etc/fipctl/other.key does not exist; run "fipctl keygen --output /etc/fipctl/other.key" on one node and copy the file to all`,
	},
	{
		name: "a key file relative to the configuration",
		edit: []string{"/etc/fipctl/cluster.key", "keys/cluster.key"},
		want: `3: cluster.key_file: /etc/fipctl/keys/cluster.key does not exist; run "fipctl keygen --output /etc/fipctl/keys/cluster.key" on one node and copy the file to all`,
	},
	{
		name: "no nodes",
		edit: []string{"nodes:\n  - {name: lb-a, address: 10.0.4.20}\n  - {name: lb-b, address: 10.0.4.21}\n", ""},
		want: "1: nodes: is missing; list all nodes of the cluster, each with name and address",
	},
	{
		name: "a cluster of one node",
		edit: []string{"  - {name: lb-b, address: 10.0.4.21}\n", "", ", lb-b: 100", ""},
		want: "4: nodes: has 1 node, allowed are 2 to 16; a cluster needs a node to move the address to",
	},
	{
		name: "a node without a name",
		edit: []string{"{name: lb-b, ", "{", ", lb-b: 100", ""},
		want: "6: nodes[1].name: is missing; write a name such as lb-a",
	},
	{
		name: "a node without an address",
		edit: []string{", address: 10.0.4.21", ""},
		want: "6: nodes[1].address: is missing; write the node's private address, such as 10.0.4.20",
	},
	{
		name: "a node name with an underscore",
		edit: []string{"{name: lb-b", "{name: lb_b", ", lb-b: 100", ""},
		want: `6: nodes[1].name: "lb_b" has other characters than a-z, 0-9, dot and hyphen, or more than 63; write a name such as lb-a`,
	},
	{
		name: "two nodes of one name",
		edit: []string{"{name: lb-b", "{name: lb-a", ", lb-b: 100", ""},
		want: "6: nodes[1].name: lb-a is already at nodes[0].name (line 5); rename one of the two",
	},
	{
		name: "two nodes of one address",
		edit: []string{"address: 10.0.4.21", "address: 10.0.4.20:7113"},
		want: "6: nodes[1].address: 10.0.4.20 is already at nodes[0].address (line 5); every node needs one of its own",
	},
	{
		name: "two nodes of one machine",
		edit: []string{"address: 10.0.4.20}", "address: 10.0.4.20, target: {digitalocean: 1001}}", "address: 10.0.4.21}", "address: 10.0.4.21, target: {digitalocean: 1001}}"},
		want: "6: nodes[1].target.digitalocean: digitalocean 1001 is already at nodes[0].target.digitalocean (line 5); a machine is one node; correct one of the two",
	},
	{
		name: "a host name as an address",
		edit: []string{"address: 10.0.4.21", "address: lb-b.example.com"},
		want: `6: nodes[1].address: "lb-b.example.com" is no IP address; write ip or ip:port, such as 10.0.4.20 or [2001:db8::20]:7112`,
	},
	{
		name: "an address with a bad port",
		edit: []string{"address: 10.0.4.21", "address: 10.0.4.21:70000"},
		want: `6: nodes[1].address: "10.0.4.21:70000" has no port from 1 to 65535; write ip or ip:port, such as 10.0.4.20 or [2001:db8::20]:7112`,
	},
	{
		name: "an address with port zero",
		edit: []string{"address: 10.0.4.21", "address: 10.0.4.21:0"},
		want: `6: nodes[1].address: "10.0.4.21:0" has no port from 1 to 65535; write ip or ip:port, such as 10.0.4.20 or [2001:db8::20]:7112`,
	},
	{
		name: "an unspecified address",
		edit: []string{"address: 10.0.4.21", "address: 0.0.0.0"},
		want: "6: nodes[1].address: 0.0.0.0 is no address of one node; write its private address",
	},
	{
		name: "an address with a zone",
		edit: []string{"address: 10.0.4.21", `address: "fe80::1%eth0"`},
		want: `6: nodes[1].address: "fe80::1%eth0" has a zone, which means something on one machine only; write ip or ip:port, such as 10.0.4.20 or [2001:db8::20]:7112`,
	},
	{
		name: "IPv4 written as IPv6",
		edit: []string{"address: 10.0.4.21", `address: "::ffff:10.0.4.21"`},
		want: `6: nodes[1].address: "::ffff:10.0.4.21" is IPv4 written as IPv6; write ip or ip:port, such as 10.0.4.20 or [2001:db8::20]:7112`,
	},
	{
		name: "a target of an unknown provider",
		edit: []string{"address: 10.0.4.21}", "address: 10.0.4.21, target: {digitalozean: 1}}"},
		want: "6: nodes[1].target.digitalozean: unknown provider; did you mean digitalocean? (allowed: digitalocean, other)",
	},
	{
		name: "a target id that is too long",
		edit: []string{"address: 10.0.4.21}", `address: 10.0.4.21, target: {digitalocean: "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"}}`},
		want: "6: nodes[1].target.digitalocean: the id has 97 bytes, allowed are 96; copy it from the cloud's console",
	},
	{
		name: "a node that is none of the nodes",
		edit: []string{"cluster:\n", "node: lb-c\ncluster:\n"},
		want: `1: node: "lb-c" is none of the nodes; use lb-a or lb-b`,
	},
	{
		name: "listen with a name",
		edit: []string{"cluster:\n", "listen: localhost:7112\ncluster:\n"},
		want: `1: listen: "localhost:7112" is no IP address; write ip:port, such as 0.0.0.0:7112, or remove the key to listen on all addresses`,
	},
	{
		name: "listen on another port than the peers send to",
		edit: []string{"cluster:\n", "listen: 0.0.0.0:7113\ncluster:\n"},
		want: "1: warning: listen: port 7113 is not the port 7112 of this node's address 10.0.4.20:7112, to which the peers send; use 7112 unless something forwards it",
	},
	{
		name: "listen on another address than the peers send to",
		edit: []string{"cluster:\n", "listen: 127.0.0.1\ncluster:\n"},
		want: "1: warning: listen: 127.0.0.1 is not this node's address 10.0.4.20, to which the peers send; use 10.0.4.20:7112 unless something forwards it",
	},
	{
		name: "listen on the wrong family",
		edit: []string{"cluster:\n", "listen: 0.0.0.0:7112\ncluster:\n", "address: 10.0.4.21", `address: "2001:db8::21"`},
		want: "1: listen: 0.0.0.0 cannot send to node lb-b at 2001:db8::21, which is of the other IP family; use [::]:7112",
	},
	{
		name: "a socket path that is too long",
		edit: []string{"cluster:\n", "control: {socket: /run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\ncluster:\n"},
		want: "1: control.socket: the path has 108 bytes, the system allows 107; use a shorter one such as /run/fipctl/fipctl.sock",
	},
	{
		name: "a socket that everybody may use",
		edit: []string{"cluster:\n", "control: {mode: 0666}\ncluster:\n"},
		want: "1: control.mode: 0666 lets everybody on this machine move addresses; use 0660 and control.group",
	},
	{
		name: "a socket that nobody may use",
		edit: []string{"cluster:\n", "control: {mode: 0060}\ncluster:\n"},
		want: "1: control.mode: 0060 keeps the daemon's own user out; use 0660 or 0600",
	},
	{
		name: "a reading socket that is the control socket",
		edit: []string{"cluster:\n", "control: {reader: {socket: /run/fipctl/fipctl.sock}}\ncluster:\n"},
		want: "1: control.reader.socket: is control.socket, which takes commands; use another path such as /run/fipctl/status.sock",
	},
	{
		name: "a reading socket without a path",
		edit: []string{"cluster:\n", "control: {reader: {mode: 0640}}\ncluster:\n"},
		want: "1: warning: control.reader: has no effect without control.reader.socket; set it, such as to /run/fipctl/status.sock, or remove the block",
	},
	{
		name: "a mode that is not octal",
		edit: []string{"cluster:\n", "control: {mode: 0680}\ncluster:\n"},
		want: "1: control.mode: 0680 is a number; write an octal mode such as 0660",
	},
	{
		name: "the root folder for the state",
		edit: []string{"cluster:\n", "state_dir: /\ncluster:\n"},
		want: "1: state_dir: is the root folder; use one of its own, such as /var/lib/fipctl",
	},
	{
		name: "metrics for the whole network",
		edit: []string{"cluster:\n", "metrics: {listen: \"0.0.0.0:9112\"}\ncluster:\n"},
		want: "1: metrics.listen: 0.0.0.0 is no loopback address, and metrics have neither password nor encryption; use 127.0.0.1:9112, or set metrics.allow_remote: true",
	},
	{
		name: "metrics with only a port",
		edit: []string{"cluster:\n", "metrics: {listen: \":9112\"}\ncluster:\n"},
		want: `1: metrics.listen: ":9112" is no IP address; write ip:port, such as 127.0.0.1:9112, or none`,
	},
	{
		name: "remote metrics without a listener",
		edit: []string{"cluster:\n", "metrics: {allow_remote: true}\ncluster:\n"},
		want: "1: warning: metrics.allow_remote: has no effect without metrics.listen; set it or remove this key",
	},
	{
		name: "an unknown log level",
		edit: []string{"cluster:\n", "log: {level: warning}\ncluster:\n"},
		want: `1: log.level: "warning" is not allowed; did you mean warn? (allowed: debug, info, warn, error)`,
	},
	{
		name: "an unknown log format",
		edit: []string{"cluster:\n", "log: {format: logfmt}\ncluster:\n"},
		want: `1: log.format: "logfmt" is not allowed; use auto, text or json`,
	},
	{
		name: "more calls an hour than the provider has",
		edit: []string{"cluster:\n", "providers: {digitalocean: {calls_per_hour: 5001}}\ncluster:\n"},
		want: "1: providers.digitalocean.calls_per_hour: 5001 is above 5000, the limit of digitalocean for a whole account; use at most that, or remove the key",
	},
	{
		name: "more calls an hour than anybody needs",
		edit: []string{"cluster:\n", "providers: {other: {calls_per_hour: 1000001}}\ncluster:\n", "digitalocean, kind: reserved-ip", "other, kind: eip"},
		want: "1: providers.other.calls_per_hour: 1000001 is above 1000000; use at most that, or remove the key",
	},
	{
		name: "fewer calls an hour than reading takes",
		edit: []string{"cluster:\n", "providers: {digitalocean: {calls_per_hour: 299}}\ncluster:\n"},
		want: "1: providers.digitalocean.calls_per_hour: 299 is below 300, which 2 nodes need to read their addresses once a minute (150 for each node and call); use at least that, or credentials with calls of their own",
	},
	{
		name: "fewer calls an hour than reading two kinds takes",
		edit: []string{
			"cluster:\n", "providers: {other: {calls_per_hour: 599}}\ncluster:\n",
			"digitalocean, kind: reserved-ip, ip: 203.0.113.10}", "other, kind: eip, ip: 203.0.113.10}\n      - {provider: other, kind: route, ip: 203.0.113.11}",
		},
		want: "1: providers.other.calls_per_hour: 599 is below 600, which 2 nodes need to read their addresses once a minute (150 for each node and call); use at least that, or credentials with calls of their own",
	},
	{
		name: "fewer calls an hour than reading addresses takes that no list tells",
		edit: []string{
			"cluster:\n", "providers: {other: {calls_per_hour: 599}}\ncluster:\n",
			"digitalocean, kind: reserved-ip, ip: 203.0.113.10}", "other, kind: alone, ip: 203.0.113.10}\n      - {provider: other, kind: alone, ip: 203.0.113.11}",
		},
		want: "1: providers.other.calls_per_hour: 599 is below 600, which 2 nodes need to read their addresses once a minute (150 for each node and call); use at least that, or credentials with calls of their own",
	},
	{
		name: "a negative number of calls",
		edit: []string{"cluster:\n", "providers: {digitalocean: {calls_per_hour: -1}}\ncluster:\n"},
		want: "1: providers.digitalocean.calls_per_hour: -1 is below 300, which 2 nodes need to read their addresses once a minute (150 for each node and call); use at least that, or credentials with calls of their own",
	},
	{
		name: "calls an hour as a text",
		edit: []string{"cluster:\n", "providers: {digitalocean: {calls_per_hour: \"5000\"}}\ncluster:\n"},
		want: `1: providers.digitalocean.calls_per_hour: "5000" is a text; write a whole number without quotes`,
	},
}
