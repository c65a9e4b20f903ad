// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
)

// keyChange is how a key of the file is changed and what a reload makes of it: it is put in
// force and moves nothing, unless it says otherwise.
type keyChange struct {
	key      string
	old, new string   // every place of the one becomes the other
	refused  []string // the nodes on which it is refused, since it takes a restart or says who they are
	writes   int      // that a claim in the middle of which it comes takes more
}

// refusedByAll is where a change that takes a restart is refused.
var refusedByAll = []string{nodeA, nodeB}

const (
	anotherKey = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n"
	// moreKeys are what the group of the files in these tests has besides.
	moreKeys = `    checks:
      - {name: page, http: "http://127.0.0.1/a", interval: 1s, timeout: 1s, rise: 1, fall: 1}
      - {name: run, exec: [/bin/true], interval: 1s, timeout: 1s, rise: 1, fall: 1}
    probe: {http: "http://{address}/a"}`
	aCheck, aRun, aProbe = `http: "http://127.0.0.1/a"`, `exec: [/bin/true]`, `http: "http://{address}/a"`
	aTime                = "    vrid: 51\n"
	atTop                = "\nnodes:\n"
	aToken               = "/token}"
)

// keyChanges has every key of the file.
var keyChanges = []keyChange{
	{key: "node", old: atTop, new: "\nnode: lb-c\nnodes:\n  - {name: lb-c, address: 10.0.4.22}\n", refused: refusedByAll},
	{key: "cluster.id", old: "{id: web,", new: "{id: shop,", refused: refusedByAll},
	{key: "cluster.key_file", old: "/cluster.key", new: "/both.key"},
	{key: "cluster.advert_interval", old: "250ms", new: "500ms"},
	{key: "nodes[].name", old: nodeB, new: "lb-c", refused: refusedByAll},
	{key: "nodes[].address", old: "10.0.4.21", new: "10.0.4.31", refused: []string{nodeB}},
	{key: "nodes[].target", old: "10.0.4.21}", new: `10.0.4.21, target: {digitalocean: "1002"}}`},
	{key: "listen", old: `"[::]:7112"`, new: "0.0.0.0:7112", refused: refusedByAll},
	{key: "control.socket", old: atTop, new: "\ncontrol: {socket: /run/other.sock}\nnodes:\n", refused: refusedByAll},
	{key: "control.mode", old: atTop, new: "\ncontrol: {mode: 0600}\nnodes:\n", refused: refusedByAll},
	{key: "control.group", old: atTop, new: "\ncontrol: {group: ops}\nnodes:\n", refused: refusedByAll},
	{key: "control.reader.socket", old: atTop, new: "\ncontrol: {reader: {socket: /run/reader.sock}}\nnodes:\n", refused: refusedByAll},
	{key: "control.reader.mode", old: atTop, new: "\ncontrol: {reader: {socket: none, mode: 0640}}\nnodes:\n", refused: refusedByAll},
	{key: "control.reader.group", old: atTop, new: "\ncontrol: {reader: {socket: none, group: mon}}\nnodes:\n", refused: refusedByAll},
	{key: "state_dir", old: "state_dir: ", new: "state_dir: /srv", refused: refusedByAll},
	{key: "metrics.listen", old: atTop, new: "\nmetrics: {listen: 127.0.0.1}\nnodes:\n", refused: refusedByAll},
	{key: "metrics.allow_remote", old: atTop, new: "\nmetrics: {allow_remote: true}\nnodes:\n"},
	{key: "log.level", old: atTop, new: "\nlog: {level: debug}\nnodes:\n"},
	{key: "log.format", old: atTop, new: "\nlog: {format: json}\nnodes:\n", refused: refusedByAll},

	{key: "groups[].name", old: "- name: web", new: "- name: www", refused: refusedByAll},
	{key: "groups[].vrid", old: aTime, new: "    vrid: 52\n"},
	{key: "groups[].preempt", old: aTime, new: aTime + "    preempt: true\n"},
	{key: "groups[].preempt_delay", old: aTime, new: aTime + "    preempt_delay: 1s\n"},
	{key: "groups[].priority", old: "{lb-a: 110, lb-b: 100}", new: "{lb-a: 90, lb-b: 200}"},
	{key: "groups[].addresses[].provider", old: "provider: digitalocean", new: "provider: other"},
	{key: "groups[].addresses[].kind", old: "kind: reserved-ip", new: "kind: other"},
	{key: "groups[].addresses[].ip", old: floating.String(), new: otherAddress.String(), writes: 1},
	{key: "groups[].addresses[].id", old: "kind: reserved-ip", new: "kind: id, id: id-1"},
	{key: "groups[].addresses[].subnet", old: "kind: reserved-ip", new: "kind: subnet, subnet: subnet-1"},
	{key: "groups[].addresses[].tables", old: "kind: reserved-ip", new: "kind: tables, tables: [tables-1]"},
	{key: "groups[].checks[].name", old: "name: page", new: "name: paper"},
	{key: "groups[].checks[].http", old: aCheck, new: `http: "http://127.0.0.1/b"`},
	{key: "groups[].checks[].tcp", old: aCheck, new: `tcp: "127.0.0.1:80"`},
	{key: "groups[].checks[].exec", old: aRun, new: "exec: [/bin/false]"},
	{key: "groups[].checks[].process", old: aCheck, new: "process: nginx"},
	{key: "groups[].checks[].host", old: aCheck, new: aCheck + ", host: www.example.com"},
	{key: "groups[].checks[].status", old: aCheck, new: aCheck + ", status: 204"},
	{key: "groups[].checks[].redirects", old: aCheck, new: aCheck + ", redirects: 2"},
	{key: "groups[].checks[].insecure", old: aCheck, new: `http: "https://127.0.0.1/a", insecure: true`},
	{key: "groups[].checks[].env", old: aRun, new: aRun + ", env: {MODE: quick}"},
	{key: "groups[].checks[].user", old: aRun, new: aRun + ", user: nobody"},
	{key: "groups[].checks[].interval", old: "interval: 1s", new: "interval: 2s"},
	{key: "groups[].checks[].timeout", old: "timeout: 1s", new: "timeout: 500ms"},
	{key: "groups[].checks[].rise", old: "rise: 1", new: "rise: 3"},
	{key: "groups[].checks[].fall", old: "fall: 1", new: "fall: 3"},
	{key: "groups[].checks[].weight", old: "fall: 1", new: "fall: 1, weight: -20"},
	{key: "groups[].probe.http", old: aProbe, new: `http: "http://{address}/b"`},
	{key: "groups[].probe.tcp", old: aProbe, new: `tcp: "{address}:80"`},
	{key: "groups[].probe.exec", old: aProbe, new: "exec: [/bin/true]"},
	{key: "groups[].probe.process", old: aProbe, new: "process: nginx", refused: refusedByAll}, // of this machine
	{key: "groups[].probe.host", old: aProbe, new: aProbe + ", host: www.example.com"},
	{key: "groups[].probe.status", old: aProbe, new: aProbe + ", status: 204"},
	{key: "groups[].probe.redirects", old: aProbe, new: aProbe + ", redirects: 2"},
	{key: "groups[].probe.insecure", old: aProbe, new: `http: "https://{address}/a", insecure: true`},
	{key: "groups[].probe.env", old: aProbe, new: aRun + ", env: {MODE: quick}"},
	{key: "groups[].probe.user", old: aProbe, new: aRun + ", user: nobody"},
	{key: "groups[].claim_timeout", old: aTime, new: aTime + "    claim_timeout: 20s\n"},
	{key: "groups[].displaced_retry", old: aTime, new: aTime + "    displaced_retry: never\n"},
	{key: "groups[].on_moved", old: aTime, new: aTime + "    on_moved: reclaim\n"},
	{key: "groups[].on_not_answering", old: aTime, new: aTime + "    on_not_answering: hand-over\n"},

	{key: "providers.NAME.token_file", old: aToken, new: "/token2}"},
	{key: "providers.NAME.credentials_file", old: "token_file: ", new: "credentials_file: "},
	{key: "providers.NAME.region", old: aToken, new: "/token, region: fra1}"},
	{key: "providers.NAME.network", old: aToken, new: "/token, network: internal}"},
	{key: "providers.NAME.role", old: aToken, new: "/token, role: fipctl}"},
	{key: "providers.NAME.endpoint", old: aToken, new: `/token, endpoint: "https://api.example.com"}`},
	{key: "providers.NAME.metadata_endpoint", old: aToken, new: `/token, metadata_endpoint: "http://127.0.0.1:1"}`},
	{key: "providers.NAME.calls_per_hour", old: aToken, new: "/token, calls_per_hour: 600}"},
}

var otherAddress = netip.MustParseAddr("203.0.113.11")

// TestEveryKeyHasADecision: what a reload does with a key is written down above.
func TestEveryKeyHasADecision(t *testing.T) {
	t.Parallel()
	var decided []string
	for _, c := range keyChanges {
		decided = append(decided, c.key)
	}
	if want := config.Keys(); !slices.Equal(decided, want) {
		t.Errorf("the table of the reloads has\n%s\nthe file has\n%s", strings.Join(decided, " "), strings.Join(want, " "))
	}
}

// asked is a probe of the file that a fake one answers for.
type asked struct {
	*probe
	instead health.Probe
}

// allKeys gives a daemon a file that has what all keys need, and lets fakes answer for its
// probes, now and after every reload.
func allKeys(n *node, o *Options, p *parts) {
	w, refusing := n.w, &probe{err: errors.New("connection refused")}
	o.Load = config.Options{
		Hostname: func() (string, error) { return n.name, nil },
		RunAs:    func(string) error { return nil },
		Names:    func() []string { return []string{"digitalocean", "other"} },
		Describe: describeAll,
	}
	p.clouds = func(cfg *config.Config) (*clouds, error) {
		for i := range cfg.Groups {
			g := &cfg.Groups[i]
			for j := range g.Checks {
				g.Checks[j].Probe = asked{n.check, g.Checks[j].Probe}
			}
			g.Probe = asked{refusing, g.Probe}
		}
		cs := newClouds()
		for _, used := range cfg.Providers {
			kinds := map[string]providers.Provider{}
			for _, kind := range allKinds {
				kinds[kind] = n.cloud
			}
			cs.add(cfg, used.Name, registry.Cloud{Kinds: kinds, Metadata: n.meta, Credentials: "a test", Fingerprint: n.cloud.fingerprint})
		}
		return cs, nil
	}
	w.must(os.WriteFile(filepath.Join(w.dir, "both.key"), []byte(keyLine+anotherKey), 0o600))
	w.must(os.WriteFile(filepath.Join(w.dir, "token2"), []byte("another-token\n"), 0o600))
	cfg, err := config.Load(w.write(n.name, moreKeys), o.Load)
	w.must(err)
	o.Config = cfg
}

var allKinds = []string{"reserved-ip", "other", registry.KeyID, registry.KeySubnet, registry.KeyTables}

// describeAll describes a provider that has all options, and kinds of address for all keys.
func describeAll(name string) (registry.Description, bool) {
	d := registry.Description{Name: name, Networks: []registry.Network{{Name: "public"}, {Name: "internal"}}}
	for _, key := range config.Keys() {
		if option, ok := strings.CutPrefix(key, "providers.NAME."); ok {
			d.Options = append(d.Options, registry.Option{Name: option})
		}
	}
	for _, kind := range allKinds {
		k := registry.Kind{Name: kind, Capabilities: providers.Capabilities{IPv4: true, CallsPerHour: 5000}}
		if kind != "reserved-ip" && kind != "other" {
			k.ID = registry.ID{Key: kind, Prefix: kind + "-", Many: kind == registry.KeyTables, Text: "it"}
		}
		d.Kinds = append(d.Kinds, k)
	}
	return d, true
}

// reloadWith reloads with a changed file and reports whether it was put in force.
func (n *node) reloadWith(old, replacement string) {
	n.w.Helper()
	path := filepath.Join(n.w.dir, n.name+".yaml")
	raw, err := os.ReadFile(path)
	n.w.must(err)
	if !strings.Contains(string(raw), old) {
		n.w.Fatalf("the file has no %q", old)
	}
	n.w.must(os.WriteFile(path, []byte(strings.ReplaceAll(string(raw), old, replacement)), 0o600))
	n.signals <- syscall.SIGHUP
}

// TestEveryKeyIsReloaded on the standby, on both, on the owner alone, and in the middle of a
// claim: nothing moves that the key does not ask for, somebody leads all the while, and nobody
// begins anew.
func TestEveryKeyIsReloaded(t *testing.T) {
	for _, c := range keyChanges {
		t.Run(strings.NewReplacer("[]", "", "NAME", "x").Replace(c.key), func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				w.must(w.cloud.AddAddress(fakecloud.Address{IP: otherAddress, Region: "fra1", Holder: target(nodeA)}))
				a, b := w.start(nodeA, allKeys), w.start(nodeB, allKeys)
				w.eventually("the owner leads", a.bound)
				w.pass(5 * time.Second)
				same := func(when string, reloaded *node) {
					t.Helper()
					for _, after := range []time.Duration{time.Second, 15 * time.Second} {
						w.pass(after)
						if a.role() != "active" || b.role() != "backup" {
							t.Fatalf("%s: the owner is %s, the standby %s\n%s", when, a.role(), b.role(), reloaded.log.lines(0))
						}
					}
					if refused, want := reloaded.text(condReloadFailed), slices.Contains(c.refused, reloaded.name); (refused != "") != want {
						t.Errorf("%s: refused %q, want that %v", when, refused, want)
					}
					w.wantMoves(0, 0)
				}
				for _, n := range []*node{b, a} {
					n.reloadWith(c.old, c.new)
					same("with the new file on "+n.name, n)
				}
				if !a.bound() {
					t.Error("the owner is not bound")
				}
				b.reloadWith(c.new, c.old)
				w.pass(2 * time.Second)
				if got := b.text(condReloadFailed); got != "" {
					t.Errorf("with the old file again: %s", got)
				}
				if a.role() != "active" || b.role() != "backup" {
					t.Fatalf("with the new file on the owner alone: the owner is %s, the standby %s", a.role(), b.role())
				}
				a.reloadWith(c.new, c.old)
				w.pass(15 * time.Second)
				w.wantMoves(0, 0)

				a.crash()
				w.eventually("the write has left", func() bool { return w.writes() == 1 })
				b.reloadWith(c.old, c.new)
				w.eventually("the standby owns the address", b.bound)
				w.pass(15 * time.Second)
				if !b.bound() {
					t.Errorf("at last the standby is %s", b.role())
				}
				w.wantMoves(1+c.writes, 1)
			})
		})
	}
}
