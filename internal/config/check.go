// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/health"
)

// checks returns the checks of a group, whose addresses are known already.
func (b *builder) checks(raw []*rawCheck, g *Group, path string) []health.Check {
	var out []health.Check
	names := map[string]string{}
	for i, r := range raw {
		if r == nil {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		c := b.check(r, g, at)
		if c.Name != "" {
			unique(b, names, c.Name, at+".name", "rename one of the two")
		}
		out = append(out, c)
	}
	return out
}

func (b *builder) check(r *rawCheck, g *Group, at string) health.Check {
	c := health.Check{Name: b.nameOf(r.Name, at+".name", "nginx")}
	if r.Interval != nil {
		c.Interval = time.Duration(*r.Interval)
	}
	c = c.WithDefaults() // the default timeout depends on the interval
	// What the file gives comes after the defaults, or a zero would count as absent.
	if r.Interval != nil {
		c.Interval = time.Duration(*r.Interval)
	}
	if r.Timeout != nil {
		c.Timeout = time.Duration(*r.Timeout)
	}
	for _, n := range []struct {
		to   *int
		from *number
	}{{&c.Rise, r.Rise}, {&c.Fall, r.Fall}, {&c.Weight, r.Weight}} {
		if n.from != nil {
			*n.to = int(*n.from)
		}
	}
	c.Probe = b.question(&r.rawQuestion, g, at, []string{"http", "tcp", "exec", "process"})
	b.healthProblems(c, at)
	return c
}

// healthProblems reports what package health has against a check, except what
// has been reported already.
func (b *builder) healthProblems(c health.Check, at string) {
	for _, p := range c.Problems() {
		if p.Field == "" || p.Field == "name" {
			continue // nameOf and question say it with a place
		}
		if p.Field == "timeout" && !b.given(join(at, "timeout")) {
			continue // the default follows from an interval that is wrong
		}
		b.errorf(join(at, p.Field), "%s", p.Text)
	}
}

// question returns what a check or a probe asks. Exactly one of the kinds is
// allowed.
func (b *builder) question(r *rawQuestion, g *Group, at string, kinds []string) health.Probe {
	var given []string
	for _, k := range []string{"http", "tcp", "exec", "process"} {
		if b.given(join(at, k)) {
			given = append(given, k)
		}
	}
	switch {
	case len(given) == 0:
		b.errorf(at, "asks nothing; add one of %s", enumerate(kinds, "or"))
		return nil
	case len(given) > 1:
		b.errorf(at, "has %s; keep one of them, and write another entry for the other", enumerate(given, "and"))
		return nil
	case !slices.Contains(kinds, given[0]):
		b.errorf(join(at, given[0]), "is not allowed here; use %s", enumerate(kinds, "or"))
		return nil
	}
	b.strayOptions(at, given[0])
	b.placeholders(r, g, at)
	switch {
	case r.HTTP != nil:
		return b.httpQuestion(r)
	case r.TCP != nil:
		return health.TCP{Address: string(*r.TCP)}
	case r.Exec != nil:
		b.program(join(at, "exec"), *r.Exec)
		return b.execQuestion(r, at)
	case r.Process != nil:
		return health.Process{Name: string(*r.Process)}
	}
	return nil // its value was refused
}

// strayOptions reports options of another kind of question.
func (b *builder) strayOptions(at, kind string) {
	for option, of := range map[string]string{"host": "http", "status": "http", "redirects": "http", "insecure": "http", "env": "exec", "user": "exec"} {
		if of != kind && b.given(join(at, option)) {
			b.errorf(join(at, option), "belongs to %s, and this asks %s; remove it", of, kind)
		}
	}
}

func (b *builder) httpQuestion(r *rawQuestion) health.HTTP {
	h := defaultHTTP()
	h.URL = string(*r.HTTP)
	if r.Host != nil {
		h.Host = string(*r.Host)
	}
	if r.Status != nil {
		h.StatusMin, h.StatusMax = r.Status.low, r.Status.high
	}
	if r.Redirects != nil {
		h.Redirects = int(*r.Redirects)
	}
	h.Insecure = r.Insecure != nil && bool(*r.Insecure)
	return h
}

func (b *builder) execQuestion(r *rawQuestion, at string) health.Exec {
	q := health.Exec{Argv: *r.Exec, Env: envOf(r.Env), Trusted: b.cfg.Trusted}
	if r.User == nil {
		return q
	}
	q.User = string(*r.User)
	if b.opts.SkipFiles {
		return q // nor are its users those of this machine
	}
	if err := b.opts.RunAs(q.User); err != nil {
		b.warnf(join(at, "user"), "a check could not run as %s here: %v", q.User, err)
	}
	return q
}

// envOf returns "NAME=value" for every entry, sorted, so that two readings of a
// file compare equal.
func envOf(raw map[string]*text) []string {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		env = append(env, name+"="+string(*raw[name]))
	}
	return env
}

// placeholders reports an {address} that could mean several.
func (b *builder) placeholders(r *rawQuestion, g *Group, at string) {
	ips := map[netip.Addr]bool{}
	for _, a := range g.Addresses {
		ips[a.IP] = true // a route in several tables is one address here
	}
	if len(ips) < 2 {
		return
	}
	for key, texts := range map[string][]string{"http": textOf(r.HTTP), "tcp": textOf(r.TCP), "exec": argvOf(r.Exec)} {
		if slices.ContainsFunc(texts, func(s string) bool { return mentions(s, "address") }) {
			b.errorf(join(at, key), "{address} could be any of the %d addresses of the group; write out the one that is meant", len(ips))
		}
	}
}

func textOf(t *text) []string {
	if t == nil {
		return nil
	}
	return []string{string(*t)}
}

func argvOf(c *command) []string {
	if c == nil {
		return nil
	}
	return *c
}

// mentions reports whether s has the placeholder.
func mentions(s, placeholder string) bool {
	names, err := health.Placeholders(s)
	return err == nil && slices.Contains(names, placeholder)
}

// probe returns the question that a standby asks through the address. It holds
// back takeovers while it is answered, so one that does not go through the
// address would hold them back for ever.
func (b *builder) probe(raw *rawProbe, g *Group, at string) health.Probe {
	if raw == nil {
		return nil
	}
	p := b.question(&raw.rawQuestion, g, at, []string{"http", "tcp", "exec"})
	if p == nil {
		return nil
	}
	for _, problem := range p.Problems() {
		b.errorf(join(at, problem.Field), "%s", problem.Text)
	}
	switch q := p.(type) {
	case health.HTTP:
		if u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(q.URL)); err == nil {
			b.throughAddress(g, at+".http", q.URL, u.Hostname())
		}
	case health.TCP:
		host, _, _ := cutLast(q.Address, ":")
		b.throughAddress(g, at+".tcp", q.Address, strings.Trim(host, "[]{}"))
	}
	return p
}

// throughAddress reports a probe that does not ask the address.
func (b *builder) throughAddress(g *Group, path, shown, host string) {
	ip, err := netip.ParseAddr(host)
	switch {
	case mentions(shown, "address"):
	case mentions(shown, "anchor"), mentions(shown, "node"), host == "localhost", err == nil && ip.IsLoopback() && !g.has(ip):
		b.errorf(path, "%s asks this node itself, and a probe asks through the address, from a standby; use {address} as the host", quote(shown))
	case err == nil && !g.has(ip):
		b.errorf(path, "%v is no address of the group; use {address} as the host", ip)
	case err != nil && host != "":
		b.warnf(path, "%s may lead elsewhere than to the address; use {address} as the host", quote(host))
	}
}

// has reports whether ip is one of the group's addresses.
func (g *Group) has(ip netip.Addr) bool {
	for _, a := range g.Addresses {
		if a.IP == ip {
			return true
		}
	}
	return false
}
