// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

// badYAML are files that are wrong whatever the keys mean.
var badYAML = []badCase{
	{
		name: "an empty file",
		file: "",
		want: "1: is empty; a configuration has at least the keys cluster, nodes and groups",
	},
	{
		name: "a file with comments only",
		file: "# nothing\n",
		want: "1: is empty; a configuration has at least the keys cluster, nodes and groups",
	},
	{
		name: "a list instead of keys",
		file: "- a\n- b\n",
		want: "1: is a list; a configuration begins with keys such as cluster, nodes, groups",
	},
	{
		name: "a text instead of keys",
		file: "hello\n",
		want: `1: "hello" is a text; a configuration begins with keys such as cluster, nodes, groups`,
	},
	{
		name: "an unclosed bracket",
		edit: []string{"lb-a: 110, lb-b: 100}", "lb-a: 110, lb-b: 100"},
		want: "11: is not YAML: ',' or '}' must be specified; check quotes, brackets and indentation (blanks, no tabs)",
	},
	{
		name: "a tab as indentation",
		edit: []string{"  id: web", "\tid: web"},
		want: `2: is not YAML: found character '\t' that cannot start any token; check quotes, brackets and indentation (blanks, no tabs)`,
	},
	{
		name: "an unclosed quote",
		edit: []string{`/healthz"`, "/healthz"},
		want: "14: is not YAML: could not find end character of double-quoted text; check quotes, brackets and indentation (blanks, no tabs)",
	},
	{
		name: "a second document",
		edit: []string{"cluster:\n", "node: lb-a\n---\ncluster:\n"},
		want: "3: a second document begins here; a configuration is one, remove the --- and what follows",
	},
	{
		name: "an anchor and an alias",
		edit: []string{"id: web", "id: &a web", "name: web", "name: *a"},
		want: "2: anchors are not supported; write the value where it is needed\n" +
			"8: aliases are not supported; write the value out (in quotes if it begins with *)",
	},
	{
		name: "a tag",
		edit: []string{"vrid: 51", "vrid: !!str 51"},
		want: "9: tags are not supported; write the value without it (in quotes if it begins with !)",
	},
	{
		name: "a merge key",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    <<: {preempt: true}\n"},
		want: "10: merge keys are not supported; write the keys out",
	},
	{
		name: "a key with a question mark",
		edit: []string{"cluster:\n", "? node\n: lb-a\ncluster:\n"},
		want: "1: keys with ? are not supported; write key: value",
	},
	{
		name: "a duplicate key",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    preempt: true\n    vrid: 52\n"},
		want: "11: groups[0].vrid: is given twice, first on line 9; keep one",
	},
	{
		name: "a duplicate top-level key",
		edit: []string{"cluster:\n", "listen: 0.0.0.0:7112\nlisten: 0.0.0.0:7112\ncluster:\n"},
		want: "2: listen: is given twice, first on line 1; keep one",
	},
	{
		name: "a duplicate name of a priority",
		edit: []string{"lb-a: 110,", "lb-a: 110, lb-a: 120,"},
		want: "10: groups[0].priority.lb-a: is given twice, first on line 10; keep one",
	},
	{
		name: "a misspelt key",
		edit: []string{"    vrid: 51", "    vird: 51"},
		want: "8: groups[0].vrid: is missing; write a number from 1 to 255 that no other group has\n" +
			"9: groups[0].vird: unknown key; did you mean vrid?",
	},
	{
		name: "a misspelt top-level key",
		edit: []string{"nodes:", "node:"},
		want: "1: nodes: is missing; list all nodes of the cluster, each with name and address\n" +
			"4: node: is a list; write one text",
	},
	{
		name: "a key that resembles none",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    colour: red\n"},
		want: "10: groups[0].colour: unknown key; use name, vrid, preempt, preempt_delay, priority, addresses, checks, probe, claim_timeout, displaced_retry, on_moved or on_not_answering",
	},
	{
		name: "a key of keepalived",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    virtual_router_id: 51\n"},
		want: "10: groups[0].virtual_router_id: unknown key; use name, vrid, preempt, preempt_delay, priority, addresses, checks, probe, claim_timeout, displaced_retry, on_moved or on_not_answering",
	},
	{
		name: "a key of another block",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    fall: 3\n    level: debug\n    region: fra1\n    state_dir: /x\n"},
		want: "10: groups[0].fall: unknown key; write it under groups[].checks[]\n" +
			"11: groups[0].level: unknown key; write it under log\n" +
			"12: groups[0].region: unknown key; write it under providers.NAME\n" +
			"13: groups[0].state_dir: unknown key; write it at the top level",
	},
	{
		name: "a key of another block that resembles one here",
		edit: []string{"cluster:\n", "provider: {digitalocean: {}}\ncluster:\n"},
		want: "1: provider: unknown key; did you mean providers?",
	},
	{
		name: "keys of two other blocks",
		edit: []string{"  id: web\n", "  id: web\n  mode: 0660\n"},
		want: "3: cluster.mode: unknown key; use id, key_file or advert_interval",
	},
	{
		name: "a misspelt key in a check",
		edit: []string{"{name: nginx,", "{name: nginx, intervall: 2s,"},
		want: "14: groups[0].checks[0].intervall: unknown key; did you mean interval?",
	},
	{
		name: "a key without a value",
		edit: []string{"vrid: 51", "vrid:"},
		want: "9: groups[0].vrid: has no value; write one or remove the key",
	},
	{
		name: "a block without keys",
		edit: []string{"  id: web\n  key_file: /etc/fipctl/cluster.key\n", ""},
		want: "1: cluster: has no value; write one or remove the key",
	},
	{
		name: "a number instead of a text",
		edit: []string{"id: web", "id: 42"},
		want: `2: cluster.id: 42 is a number, allowed is a text; write "42" with the quotes`,
	},
	{
		name: "a flag instead of a text",
		edit: []string{"id: web", "id: true"},
		want: `2: cluster.id: true is a flag, allowed is a text; write "true" with the quotes`,
	},
	{
		name: "a list instead of a text",
		edit: []string{"id: web", "id: [web]"},
		want: "2: cluster.id: is a list; write one text",
	},
	{
		name: "an empty text",
		edit: []string{"id: web", `id: ""`},
		want: "2: cluster.id: is empty; write a value or remove the key",
	},
	{
		name: "a text with a line break",
		edit: []string{"id: web", `id: "we\nb"`},
		want: `2: cluster.id: "we\nb" has a line break or another control character; remove it`,
	},
	{
		name: "a text instead of a number",
		edit: []string{"vrid: 51", `vrid: "51"`},
		want: `9: groups[0].vrid: "51" is a text; write a whole number without quotes`,
	},
	{
		name: "an octal number",
		edit: []string{"vrid: 51", "vrid: 051"},
		want: "9: groups[0].vrid: 051 is no whole decimal number of a usual size; write one such as 10",
	},
	{
		name: "a fraction",
		edit: []string{"vrid: 51", "vrid: 5.1"},
		want: "9: groups[0].vrid: 5.1 is no whole decimal number of a usual size; write one such as 10",
	},
	{
		name: "a number out of all bounds",
		edit: []string{"vrid: 51", "vrid: 99999999999999999999"},
		want: "9: groups[0].vrid: 99999999999999999999 is no whole decimal number of a usual size; write one such as 10",
	},
	{
		name: "a text instead of a flag",
		edit: []string{"    vrid: 51\n", "    vrid: 51\n    preempt: yes\n"},
		want: `10: groups[0].preempt: "yes" is a text; write true or false`,
	},
	{
		name: "a duration without a unit",
		edit: []string{"  id: web\n", "  id: web\n  advert_interval: 1\n"},
		want: "3: cluster.advert_interval: 1 has no unit; write 1s or 1ms",
	},
	{
		name: "a duration with an unknown unit",
		edit: []string{"  id: web\n", "  id: web\n  advert_interval: 1 second\n"},
		want: `3: cluster.advert_interval: "1 second" is a text; write a duration such as 250ms, 1s, 1m30s`,
	},
	{
		name: "a text instead of a list",
		edit: []string{"nodes:\n  - {name: lb-a, address: 10.0.4.20}\n  - {name: lb-b, address: 10.0.4.21}\n", "nodes: lb-a lb-b\n"},
		want: `4: nodes: "lb-a lb-b" is a text; write a list, each entry after "- "`,
	},
	{
		name: "a text instead of a block",
		edit: []string{"cluster:\n  id: web\n  key_file: /etc/fipctl/cluster.key\n", "cluster: web\n"},
		want: `1: cluster: "web" is a text; write a block with the keys id, key_file and advert_interval`,
	},
	{
		name: "a list instead of named values",
		edit: []string{"{lb-a: 110, lb-b: 100}", "[110, 100]"},
		want: "10: groups[0].priority: is a list; write name: value",
	},
}
