// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/internal/trust"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/fipctl/fipctl/pkg/providers"
)

// path is where the file of a test is; the problems show it.
const path = "/etc/fipctl/fipctl.yaml"

// good is a file without a problem. Cases change one thing in it.
const good = `cluster:
  id: web
  key_file: /etc/fipctl/cluster.key
nodes:
  - {name: lb-a, address: 10.0.4.20}
  - {name: lb-b, address: 10.0.4.21}
groups:
  - name: web
    vrid: 51
    priority: {lb-a: 110, lb-b: 100}
    addresses:
      - {provider: digitalocean, kind: reserved-ip, ip: 203.0.113.10}
    checks:
      - {name: nginx, http: "http://127.0.0.1/healthz"}
`

// key is a key file as keygen writes it; it signs nothing but this test.
const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

// disk holds the files of a test by their absolute path.
type disk map[string]*fstest.MapFile

// machine returns a disk with the configuration and everything it needs.
func machine(text string) disk {
	return disk{
		path:                      {Data: []byte(text), Mode: 0o644},
		"/etc/fipctl/cluster.key": {Data: []byte(key), Mode: 0o600},
		"/etc/fipctl/do.token":    {Data: []byte("token\n"), Mode: 0o600},
	}
}

// fs returns the disk as a file system, whose names have no leading slash.
func (d disk) fs() fstest.MapFS {
	out := fstest.MapFS{}
	for name, f := range d {
		out[strings.TrimPrefix(name, "/")] = f
	}
	return out
}

// options returns the surroundings of node lb-a on this disk.
func (d disk) options() Options {
	files := d.fs()
	return Options{
		Hostname: func() (string, error) { return "lb-a", nil },
		ReadFile: func(name string) ([]byte, error) { return files.ReadFile(strings.TrimPrefix(name, "/")) },
		ReadSecret: func(_ trust.Users, name string, most int64) (trust.Secret, error) {
			text, err := files.ReadFile(strings.TrimPrefix(name, "/"))
			if err == nil && d[name].Mode&0o077 != 0 {
				err = &trust.Error{Text: name + " is open to others"}
			}
			return trust.Secret{Text: text}, err
		},
		Fixed: func(_ trust.Users, name string) error {
			if f := d[name]; f != nil && f.Mode&0o022 != 0 {
				return &trust.Error{Text: name + " can be changed by others"}
			}
			return nil
		},
		Describe: func(name string) (registry.Description, bool) { d, ok := clouds[name]; return d, ok },
		Names:    func() []string { return []string{"digitalocean", "other"} },
		RunAs:    func(string) error { return nil },
	}
}

// clouds are the providers of the tests: one with limits, one with IPv4 only.
var clouds = map[string]registry.Description{
	"digitalocean": {
		Name: "digitalocean", Anchor: true,
		Kinds: []registry.Kind{{Name: "reserved-ip", Capabilities: providers.Capabilities{
			IPv4: true, IPv6: true, MaxPerTarget4: 1, MaxPerTarget6: 1, CallsPerHour: 5000,
		}}},
		Options: []registry.Option{
			{Name: "token_file"},
			{Name: "endpoint", Default: "https://api.example.com"},
			{Name: "metadata_endpoint", Default: "http://169.254.169.254"},
			{Name: "calls_per_hour", Default: "5000"},
		},
	},
	"other": {
		Name: "other",
		Kinds: []registry.Kind{
			{Name: "eip", Capabilities: providers.Capabilities{IPv4: true}},
			{Name: "route", Capabilities: providers.Capabilities{IPv4: true}},
			{Name: "alone", Capabilities: providers.Capabilities{IPv4: true}, Alone: true},
		},
		Options: []registry.Option{{Name: "endpoint"}, {Name: "calls_per_hour"}},
	},
}

// load loads a file that must be good.
func load(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Load(path, machine(text).options())
	if err != nil {
		t.Fatalf("load:\n%v\n%s", err, text)
	}
	return c
}

// problemsOf returns what Load says about a file, warnings of a good one
// included, one line each and without the path of the file.
func problemsOf(o Options) string {
	c, err := Load(path, o)
	var text string
	switch {
	case err != nil:
		text = err.Error()
	case len(c.Warnings) > 0:
		text = c.Warnings.Error()
	}
	return strings.ReplaceAll(text, path+":", "")
}

// equal compares configurations as their users see them: positions of warnings
// and the place of the file do not matter.
var equal = cmp.Options{
	cmpopts.IgnoreFields(Config{}, "Path", "Warnings", "Trusted"),
	cmp.Comparer(func(a, b wire.Keyring) bool { return cmp.Equal(a.IDs(), b.IDs()) }),
	cmp.Comparer(func(a, b trust.Users) bool { return reflect.DeepEqual(a, b) }),
	cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}),
	cmpopts.EquateEmpty(),
}

// TestACheckThatCannotRunAsItsUserIsWarnedAbout reads as a process that may not become
// another user, and then as on another machine, whose users and rights are not known here.
func TestACheckThatCannotRunAsItsUserIsWarnedAbout(t *testing.T) {
	t.Parallel()
	const check = `http: "http://127.0.0.1/healthz"`
	text := strings.Replace(good, check, "exec: [/bin/check], user: nobody", 1)
	d := machine(text)
	for _, skip := range []bool{false, true} {
		o := d.options()
		o.RunAs = func(user string) error { return errors.New("not " + user) }
		o.SkipFiles = skip
		cfg, err := Load(path, o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range cfg.Warnings {
			got = append(got, w.String())
		}
		want := []string{"/etc/fipctl/fipctl.yaml:14: warning: groups[0].checks[0].user: a check could not run as nobody here: not nobody"}
		if skip {
			want = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("files skipped: %v, warnings (-want +got):\n%s", skip, diff)
		}
	}
}
