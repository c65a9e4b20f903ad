// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"strings"
	"testing"
)

func TestTheDigestCoversWhatNodesMustAgreeOn(t *testing.T) {
	t.Parallel()
	base := strings.Replace(good, "      - {provider: digitalocean",
		"      - {provider: other, kind: eip, ip: 198.51.100.1}\n      - {provider: digitalocean", 1)
	digest := func(text string) uint32 {
		c := load(t, text)
		return c.GroupDigest(c.Groups[0])
	}
	tests := []struct {
		name, old, new string
		differs        bool
	}{
		{"the name", "name: web", "name: edge", true},
		{"the VRID", "vrid: 51", "vrid: 52", true},
		{"the advert interval", "  id: web\n", "  id: web\n  advert_interval: 2s\n", true},
		{"preemption", "    vrid: 51\n", "    vrid: 51\n    preempt: true\n", true},
		{"the preempt delay", "    vrid: 51\n", "    vrid: 51\n    preempt_delay: 10s\n", true},
		{"the claim timeout", "    vrid: 51\n", "    vrid: 51\n    claim_timeout: 20s\n", true},
		{"the displaced retry", "    vrid: 51\n", "    vrid: 51\n    displaced_retry: never\n", true},
		{"the policy for moved addresses", "    vrid: 51\n", "    vrid: 51\n    on_moved: reclaim\n", true},
		{"the policy for silent addresses", "    vrid: 51\n", "    vrid: 51\n    on_not_answering: hand-over\n", true},
		{"a priority", "lb-b: 100", "lb-b: 90", true},
		{"an address", "203.0.113.10", "203.0.113.11", true},
		{"a kind", "kind: eip", "kind: route", true},
		{"one address less", "      - {provider: other, kind: eip, ip: 198.51.100.1}\n", "", true},
		{"a node", "name: lb-b", "name: lb-c", true},

		{"nothing", "", "", false},
		{"a default written out", "    vrid: 51\n", "    vrid: 51\n    claim_timeout: 15s\n    preempt: false\n", false},
		{"a check", "/healthz", "/ready", false},
		{"a probe", "    vrid: 51\n", "    vrid: 51\n    probe: {exec: /bin/true}\n", false},
		{"this node", "cluster:\n", "node: lb-b\ncluster:\n", false},
		{"a node's address", "10.0.4.21", "10.0.4.31", false},
		{"the provider's endpoint", "cluster:\n", "providers: {other: {endpoint: \"https://api.example.com\"}}\ncluster:\n", false},
		{"the calls an hour", "cluster:\n", "providers: {other: {calls_per_hour: 900}}\ncluster:\n", false},
		{"the order of addresses", "      - {provider: other, kind: eip, ip: 198.51.100.1}\n      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}\n",
			"      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}\n      - {provider: other, kind: eip, ip: 198.51.100.1}\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(base, tt.old, tt.new, 1)
			if tt.old != "" && text == base {
				t.Fatalf("the file has no %q", tt.old)
			}
			if tt.name == "a node" {
				text = strings.Replace(text, "lb-b: 100", "lb-c: 100", 1)
			}
			if differs := digest(text) != digest(base); differs != tt.differs {
				t.Errorf("a change of %s changes the digest: %t, want %t", tt.name, differs, tt.differs)
			}
		})
	}
}

// TestTheDigestIsStable fails when nodes of different releases would report a
// difference that is none; a change here belongs in the CHANGELOG.
func TestTheDigestIsStable(t *testing.T) {
	t.Parallel()
	c := load(t, good)
	if got, want := c.GroupDigest(c.Groups[0]), uint32(0x106c2247); got != want {
		t.Errorf("got %#08x, want %#08x", got, want)
	}
}
