// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnEffectiveFileNamesAddressesToTheCloud uses the real providers: what is written
// of an address depends on its kind.
func TestAnEffectiveFileNamesAddressesToTheCloud(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good, "      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}\n", `
      - {provider: tencent, kind: havip, ip: 10.0.4.99, id: havip-9o233uri}
      - {provider: tencent, kind: private-ip, ip: 10.0.4.98, subnet: subnet-1a2b3c4d}
      - {provider: tencent, kind: route, ip: 172.16.0.9, tables: [rtb-1a2b3c4d, rtb-5e6f7a8b]}
      - {provider: jdcloud, kind: route, ip: 172.16.0.10, tables: [rtb-8a8b8c8d8e]}
`, 1) + `providers:
  tencent: {credentials_file: key.env, region: ap-guangzhou}
  jdcloud: {role: auto, network: internal}
`
	options := func(text string) Options {
		d := machine(text)
		d["/etc/fipctl/key.env"] = d["/etc/fipctl/do.token"]
		o := d.options()
		o.Describe, o.Names = nil, nil
		return o
	}
	before, err := Load(path, options(text))
	if err != nil {
		t.Fatal(err)
	}
	effective := string(Effective(before))
	after, err := Load(path, options(effective))
	if err != nil {
		t.Fatalf("%v\n%s", err, effective)
	}
	if diff := cmp.Diff(before, after, equal...); diff != "" {
		t.Errorf("configuration (-want +got):\n%s\nfrom\n%s", diff, effective)
	}
	if n := strings.Count(effective, "ip: 172.16.0.9\n"); n != 1 {
		t.Errorf("the route in two tables is written %d times:\n%s", n, effective)
	}
}
