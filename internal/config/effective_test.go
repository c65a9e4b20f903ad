// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheEffectiveFileLoadsToTheSameConfiguration(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"the good file":  good,
		"every key":      testdata(t, "full.yaml"),
		"the reference":  string(Reference()),
		"no own node":    strings.ReplaceAll(good, "lb-a", "somebody"),
		"no checks":      good[:strings.Index(good, "    checks:")],
		"names to quote": strings.ReplaceAll(strings.ReplaceAll(good, "lb-a", "\"on\""), "lb-b", "\"1.5\""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := machine(text).options()
			o.AnyNode = true
			before, err := Load(path, o)
			if err != nil {
				t.Fatal(err)
			}
			effective := Effective(before)
			o.ReadFile = machine(string(effective)).options().ReadFile
			after, err := Load(path, o)
			if err != nil {
				t.Fatalf("load effective file: %v\n%s", err, effective)
			}
			if diff := cmp.Diff(before, after, equal...); diff != "" {
				t.Errorf("configuration (-want +got):\n%s\nfrom\n%s", diff, effective)
			}
			if diff := cmp.Diff(string(effective), string(Effective(after))); diff != "" {
				t.Errorf("the effective file of the effective file (-first +second):\n%s", diff)
			}
		})
	}
}

// minimal is the reference file without the keys that have defaults.
const minimal = `
cluster: {id: web, key_file: /etc/fipctl/cluster.key}
nodes: [{name: lb-a, address: 10.0.4.20}, {name: lb-b, address: 10.0.4.21}]
groups:
  - name: web
    vrid: 51
    priority: {lb-a: 110}
    addresses: [{provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}]
    checks: [{name: nginx, http: "http://{anchor}/healthz"}]
`

func TestTheReferenceSaysTheDefaults(t *testing.T) {
	t.Parallel()
	read := func(text string) *Config {
		o := machine(text).options()
		o.Describe, o.Names = nil, nil // the real providers
		c, err := Load(path, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Warnings) > 0 {
			t.Error(c.Warnings)
		}
		return c
	}
	if diff := cmp.Diff(read(minimal), read(string(Reference())), equal...); diff != "" {
		t.Errorf("reference (-defaults +reference):\n%s", diff)
	}
}

func TestTheReferenceNamesEveryKey(t *testing.T) {
	t.Parallel()
	// A key is at the start of a line, after "- " or "# ", or in braces.
	for _, key := range everyKey() {
		if !regexp.MustCompile(`(?m)(^ *(- |# )?|[{,] ?)` + key + `:`).Match(Reference()) {
			t.Errorf("reference.yaml does not name %s", key)
		}
	}
}

// everyKey returns the names of all fields of all raw structs.
func everyKey() []string {
	var keys []string
	for _, raw := range []any{
		rawFile{}, rawCluster{}, rawNode{}, rawControl{}, rawMetrics{}, rawLog{},
		rawGroup{}, rawAddress{}, rawCheck{}, rawProbe{}, rawProvider{},
	} {
		keys = append(keys, keysOf(reflect.ValueOf(raw))...)
	}
	return keys
}

func TestTextsThatSomeReaderTakesForSomethingElseAreQuoted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"lb-a": "lb-a", "/run/x.sock": "/run/x.sock", "203.0.113.10": "203.0.113.10", "db.internal": "db.internal",
		"y": `"y"`, "no": `"no"`, "on": `"on"`, "True": `"True"`, "null": `"null"`, "3": `"3"`, "1e3": `"1e3"`, "-": `"-"`,
		"2001:db8::1": `"2001:db8::1"`, "a b": `"a b"`, "a: b": `"a: b"`, `a"\b`: `"a\"\\b"`, "": `""`,
	} {
		if got := plain(in); got != want {
			t.Errorf("%q is written as %s, want %s", in, got, want)
		}
	}
}
