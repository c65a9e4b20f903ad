// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
)

// TestWithoutAMetadataServiceTheFileNamesAllThatAddressesAreBoundTo, of every kind of every
// provider: what lacks a part would pass, and its node never be able to claim.
func TestWithoutAMetadataServiceTheFileNamesAllThatAddressesAreBoundTo(t *testing.T) {
	t.Parallel()
	whole := map[string]string{"digitalocean": "1001", "jdcloud": "i-1/port-1/10.0.4.20", "tencent": "ins-1/eni-1/10.0.4.20"}
	for _, provider := range registry.Names() {
		d, _ := registry.Describe(provider)
		for _, k := range d.Kinds {
			t.Run(provider+" "+k.Name, func(t *testing.T) {
				t.Parallel()
				partial := 0
				for _, target := range []string{whole[provider], strings.Split(whole[provider], "/")[0], "10.0.4.20"} {
					got := problemsOf(statedFile(t, provider, k, target))
					lacks := providers.ParseTarget(target).Only(k.Capabilities.Target).IsZero()
					says := strings.Contains(got, fmt.Sprintf("none: then nodes[0].target.%s has to name all that an address of kind %s is bound to, and %q does not; write the id of the machine", provider, k.Name, target))
					if lacks != says {
						t.Errorf("%s: %s", target, got)
					}
					if lacks {
						partial++
					}
				}
				if partial == 0 {
					t.Error("no target lacks anything")
				}
			})
		}
	}
}

// statedFile returns the surroundings of a file with one address, whose first node has a target.
func statedFile(t *testing.T, provider string, k registry.Kind, target string) Options {
	t.Helper()
	id, region := "", ""
	switch k.ID.Key {
	case "":
	case registry.KeyTables:
		id = fmt.Sprintf(", %s: [%s1a2b3c4d]", k.ID.Key, k.ID.Prefix)
	default:
		id = fmt.Sprintf(", %s: %s1a2b3c4d", k.ID.Key, k.ID.Prefix)
	}
	if provider != "digitalocean" {
		region = ", region: somewhere"
	}
	text := strings.NewReplacer(
		"{provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}", fmt.Sprintf("{provider: %s, kind: %s, ip: 10.0.4.99%s}", provider, k.Name, id),
		"address: 10.0.4.20}", fmt.Sprintf("address: 10.0.4.20, target: {%s: %s}}", provider, target),
		"address: 10.0.4.21}", fmt.Sprintf("address: 10.0.4.21, target: {%s: another/if-2/10.0.4.21}}", provider),
		"/healthz\"}\n", fmt.Sprintf("/healthz\"}\nproviders: {%s: {metadata_endpoint: none%s}}\n", provider, region),
	).Replace(good)
	o := machine(text).options()
	o.Names, o.Describe = registry.Names, registry.Describe
	return o
}
