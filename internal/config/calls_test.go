// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import "testing"

func TestTheCallsOfAnHourAreTheProvidersUnlessSaid(t *testing.T) {
	t.Parallel()
	edit := func(block string) string { return "providers: {" + block + "}\n" + good }
	other := "nodes:\n  - {name: a, address: 10.0.4.20}\n  - {name: b, address: 10.0.4.21}\nnode: a\ncluster: {id: web, key_file: /etc/fipctl/cluster.key}\n" +
		"groups: [{name: web, vrid: 1, addresses: [{provider: other, kind: eip, ip: 203.0.113.10}]}]\n"
	for text, want := range map[string]int{
		good: 5000, edit("digitalocean: {}"): 5000, edit("digitalocean: {calls_per_hour: 300}"): 300,
		edit("digitalocean: {calls_per_hour: 5000}"): 5000, other: 0,
		other + "providers: {other: {calls_per_hour: 1000000}}\n": 1_000_000,
	} {
		if got := load(t, text).Providers[0].CallsPerHour; got != want {
			t.Errorf("%d, want %d, by\n%s", got, want, text)
		}
	}
}
