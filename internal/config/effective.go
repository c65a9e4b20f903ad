// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Effective returns the configuration as a file in which nothing is left to the
// defaults. Loading it gives an equal Config, apart from Path and Warnings. The
// only settings without a line are those whose value is found elsewhere: a token
// from the environment, the target that the metadata service tells.
func Effective(c *Config) []byte {
	w := &writer{}
	if c.Node != "" {
		w.line(0, "node", plain(c.Node))
	}
	w.line(0, "cluster", "")
	w.line(1, "id", plain(c.Cluster.ID))
	w.line(1, "key_file", plain(string(c.Cluster.KeyFile)))
	w.line(1, "advert_interval", short(c.Cluster.AdvertInterval))
	w.line(0, "nodes", "")
	for _, n := range c.Nodes {
		w.node(n)
	}
	w.line(0, "listen", plain(c.Listen.String()))
	w.line(0, "control", "")
	w.line(1, "socket", plain(c.Control.Socket))
	w.line(1, "mode", octal(c.Control.Mode))
	w.optional(1, "group", c.Control.Group)
	w.line(1, "reader", "")
	w.line(2, "socket", plain(orNone(c.Control.Reader.Socket)))
	w.line(2, "mode", octal(c.Control.Reader.Mode))
	w.optional(2, "group", c.Control.Reader.Group)
	w.line(0, "state_dir", plain(c.StateDir))
	w.line(0, "metrics", "")
	w.line(1, "listen", plain(listenText(c.Metrics.Listen)))
	w.line(1, "allow_remote", strconv.FormatBool(c.Metrics.AllowRemote))
	w.line(0, "log", "")
	w.line(1, "level", strings.ToLower(c.Log.Level.String()))
	w.line(1, "format", c.Log.Format)
	w.line(0, "groups", "")
	for _, g := range c.Groups {
		w.group(g)
	}
	w.providers(c.Providers)
	return []byte(w.String())
}

// writer writes blocks of YAML, two blanks to a level.
type writer struct{ strings.Builder }

// line writes a key and its value at a level.
func (w *writer) line(level int, key, value string) {
	w.WriteString(strings.Repeat("  ", level) + key + ":" + pick(value == "", "", " ") + value + "\n")
}

// entry begins an entry of a list with its first key; the others follow one
// level deeper.
func (w *writer) entry(level int, key, value string) {
	w.WriteString(strings.Repeat("  ", level))
	w.WriteString("- ")
	w.line(0, key, value)
}

// optional writes a text that has a line only if it is set.
func (w *writer) optional(level int, key, value string) {
	if value != "" {
		w.line(level, key, plain(value))
	}
}

func (w *writer) node(n Node) {
	w.entry(1, "name", plain(n.Name))
	w.line(2, "address", plain(n.Address.String()))
	if len(n.Targets) > 0 {
		w.line(2, "target", "")
	}
	for _, provider := range slices.Sorted(maps.Keys(n.Targets)) {
		w.line(3, provider, quoted(n.Targets[provider]))
	}
}

func (w *writer) group(g Group) {
	w.entry(1, "name", plain(g.Name))
	w.line(2, "vrid", strconv.Itoa(int(g.VRID)))
	w.line(2, "preempt", strconv.FormatBool(g.Preempt))
	w.line(2, "preempt_delay", short(g.PreemptDelay))
	w.line(2, "priority", pick(len(g.Priority) == 0, "{}", ""))
	for _, node := range slices.Sorted(maps.Keys(g.Priority)) {
		w.line(3, plain(node), strconv.Itoa(int(g.Priority[node])))
	}
	w.line(2, "addresses", "")
	for i, a := range g.Addresses {
		if i == 0 || !sameButID(g.Addresses[i-1], a) {
			w.address(a)
		} else {
			w.WriteString("          - " + plain(a.ID) + "\n")
		}
	}
	w.line(2, "checks", pick(len(g.Checks) == 0, "[]", ""))
	for _, c := range g.Checks {
		w.check(c)
	}
	if g.Probe != nil {
		w.line(2, "probe", "")
		w.question(3, g.Probe)
	}
	w.line(2, "claim_timeout", short(g.ClaimTimeout))
	w.line(2, "displaced_retry", orNever(g.DisplacedRetry))
	w.line(2, "on_moved", onMovedWords[g.OnMoved])
	w.line(2, "on_not_answering", onNotAnsweringWords[g.OnNotAnswering])
}

// address writes an address, with its first route table if it has any.
func (w *writer) address(a providers.Address) {
	w.entry(3, "provider", plain(a.Provider))
	w.line(4, "kind", plain(a.Kind))
	w.line(4, "ip", plain(a.IP.String()))
	d, _ := registry.Describe(a.Provider)
	switch k, _ := d.Kind(a.Kind); {
	case a.ID == "":
	case k.ID.Many:
		w.line(4, k.ID.Key, "")
		w.WriteString("          - " + plain(a.ID) + "\n")
	default:
		w.line(4, k.ID.Key, plain(a.ID))
	}
}

// sameButID reports whether two addresses are one route in two tables.
func sameButID(a, b providers.Address) bool {
	a.ID = b.ID
	return a == b
}

func (w *writer) check(c health.Check) {
	w.entry(3, "name", plain(c.Name))
	w.question(4, c.Probe)
	w.line(4, "interval", short(c.Interval))
	w.line(4, "timeout", short(c.Timeout))
	w.line(4, "rise", strconv.Itoa(c.Rise))
	w.line(4, "fall", strconv.Itoa(c.Fall))
	w.line(4, "weight", strconv.Itoa(c.Weight))
}

func (w *writer) question(level int, p health.Probe) {
	switch q := p.(type) {
	case health.HTTP:
		w.line(level, "http", quoted(q.URL))
		w.optional(level, "host", q.Host)
		w.line(level, "status", statusText(q.StatusMin, q.StatusMax))
		w.line(level, "redirects", strconv.Itoa(q.Redirects))
		w.line(level, "insecure", strconv.FormatBool(q.Insecure))
	case health.TCP:
		w.line(level, "tcp", quoted(q.Address))
	case health.Exec:
		argv := make([]string, len(q.Argv))
		for i, arg := range q.Argv {
			argv[i] = quoted(arg)
		}
		w.line(level, "exec", "["+strings.Join(argv, ", ")+"]")
		if len(q.Env) > 0 {
			w.line(level, "env", "")
		}
		for _, entry := range q.Env {
			name, value, _ := strings.Cut(entry, "=")
			w.line(level+1, quoted(name), quoted(value))
		}
		w.optional(level, "user", q.User)
	case health.Process:
		w.line(level, "process", quoted(q.Name))
	}
}

func statusText(low, high int) string {
	return strconv.Itoa(low) + pick(low == high, "", "-"+strconv.Itoa(high))
}

func (w *writer) providers(ps []Provider) {
	w.line(0, "providers", pick(len(ps) == 0, "{}", ""))
	for _, p := range ps {
		empty := p == Provider{Name: p.Name}
		w.line(1, p.Name, pick(empty, "{}", ""))
		w.optional(2, "token_file", string(p.TokenFile))
		w.optional(2, "credentials_file", string(p.CredentialsFile))
		w.optional(2, "role", p.Role)
		w.optional(2, "region", p.Region)
		w.optional(2, "network", p.Network)
		w.optional(2, "endpoint", p.Endpoint)
		w.optional(2, "metadata_endpoint", p.MetadataEndpoint)
		if p.CallsPerHour > 0 {
			w.line(2, "calls_per_hour", strconv.Itoa(p.CallsPerHour))
		}
	}
}

// plainPattern is what YAML takes for a text without quotes, whatever its
// version, if it is no word with a meaning.
var plainPattern = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/_.-]*$`)

// plain returns a text without quotes where that is safe.
func plain(s string) string {
	if _, err := netip.ParseAddr(s); err == nil && !strings.HasPrefix(s, ":") && !strings.HasSuffix(s, ":") {
		return pick(strings.Contains(s, ":"), quoted(s), s)
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return quoted(s)
	}
	if plainPattern.MatchString(s) {
		return s
	}
	return quoted(s)
}

// quoted returns a text in double quotes. Control characters never get here:
// the file may not hold them.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func orNever(d time.Duration) string { return pick(d == 0, "never", short(d)) }
