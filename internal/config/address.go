// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
)

// addresses returns the addresses of a group and where each stands in the file. One
// that leads through several route tables stands for as many.
func (b *builder) addresses(raw []*rawAddress, path string, ips map[netip.Addr]string) (out []providers.Address, paths []string) {
	if len(raw) == 0 {
		if raw != nil || !b.given(path) {
			b.errorf(path, "%s; list the addresses that move, each with provider, kind and ip", pick(raw != nil, "is an empty list", "is missing"))
		}
		return nil, nil
	}
	for i, r := range raw {
		if r == nil {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		a := providers.Address{IP: b.floatingIP(r.IP, at+".ip")}
		a.Provider, a.Kind = b.kindOf(r, a.IP, at)
		if a.IP.IsValid() && !unique(b, ips, a.IP, at+".ip", "an address has one place") {
			a.IP = netip.Addr{} // what else is wrong with it was said at its first place
		}
		for _, id := range b.ids(r, a, at) {
			a.ID = id
			out, paths = append(out, a), append(paths, at)
		}
	}
	return out, paths
}

// ids returns by what else than its IP the cloud finds an address: one text, which
// may be empty, or one for each route table.
func (b *builder) ids(r *rawAddress, a providers.Address, at string) []string {
	d, _ := b.opts.Describe(a.Provider)
	k, known := d.Kind(a.Kind)
	given := map[string][]*ident{registry.KeyTables: r.Tables}
	for key, id := range map[string]*ident{registry.KeyID: r.ID, registry.KeySubnet: r.Subnet} {
		if id != nil {
			given[key] = []*ident{id}
		}
	}
	for _, key := range []string{registry.KeyID, registry.KeySubnet, registry.KeyTables} {
		if known && key != k.ID.Key && b.given(join(at, key)) {
			b.errorf(join(at, key), "an address of kind %s has no such key; %s", k.Name, pick(k.ID.Key == "", "remove it", "write "+k.ID.Key+", "+k.ID.Text))
		}
	}
	var ids []string
	for i, id := range given[k.ID.Key] {
		if id == nil {
			continue
		}
		path := join(at, k.ID.Key)
		if k.ID.Many {
			path = fmt.Sprintf("%s[%d]", path, i)
		}
		switch {
		case !idPattern.MatchString(string(*id)) || !strings.HasPrefix(string(*id), k.ID.Prefix):
			b.errorf(path, "%s is not the id of %s, which begins with %q and goes on with letters and digits", quote(string(*id)), k.ID.Text, k.ID.Prefix)
		case slices.Contains(ids, string(*id)):
			b.errorf(path, "%s is in the list twice; remove one", quote(string(*id)))
		}
		ids = append(ids, string(*id))
	}
	if known && k.ID.Key != "" && len(ids) == 0 && !(b.given(join(at, k.ID.Key)) && given[k.ID.Key] == nil) {
		b.errorf(join(at, k.ID.Key), "is missing; write the id of %s, such as %s", k.ID.Text, pick(k.ID.Many, "["+k.ID.Prefix+"1a2b3c4d]", k.ID.Prefix+"1a2b3c4d"))
	}
	if len(ids) == 0 {
		ids = []string{""}
	}
	return ids
}

// idPattern is what ids of the clouds look like.
var idPattern = regexp.MustCompile(`^[a-z]+-[0-9a-zA-Z]+$`)

func (b *builder) floatingIP(t *text, path string) netip.Addr {
	if t == nil {
		if !b.given(path) {
			b.errorf(path, "is missing; write the floating IP, such as 203.0.113.10")
		}
		return netip.Addr{}
	}
	ip, err := netip.ParseAddr(string(*t))
	switch {
	case err != nil:
		b.errorf(path, "%s is no IP address; write the floating IP, such as 203.0.113.10", quote(string(*t)))
	case ip.Unmap().WithZone("").String() != string(*t):
		b.errorf(path, "%s is not the usual form of the address; write %v", quote(string(*t)), ip.Unmap().WithZone(""))
	case ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() || ip == broadcast:
		b.errorf(path, "%v cannot be a floating IP; write the address that clients use, such as 203.0.113.10", ip)
	default:
		return ip
	}
	return netip.Addr{}
}

// kindOf returns the provider and the kind of an address, and reports a family
// that the provider does not move.
func (b *builder) kindOf(r *rawAddress, ip netip.Addr, at string) (provider, kind string) {
	known := b.opts.Names()
	switch {
	case r.Provider == nil && !b.given(at+".provider"):
		b.errorf(at+".provider", "is missing; %s", choice("", known))
	case r.Provider == nil:
	case !slices.Contains(known, string(*r.Provider)):
		b.errorf(at+".provider", "%s is no provider; %s", quote(string(*r.Provider)), choice(string(*r.Provider), known))
	default:
		provider = string(*r.Provider)
	}
	d, ok := b.opts.Describe(provider)
	switch {
	case r.Kind == nil && !b.given(at+".kind"):
		b.errorf(at+".kind", "is missing; %s", pick(ok, choice("", kindsOf(d)), "write the kind of address, as on the provider's page"))
	case r.Kind == nil || !ok:
	case d.Refused[string(*r.Kind)] != "":
		b.errorf(at+".kind", "%s cannot be used with %s: %s", quote(string(*r.Kind)), provider, d.Refused[string(*r.Kind)])
	case !slices.Contains(kindsOf(d), string(*r.Kind)):
		b.errorf(at+".kind", "%s is no kind of %s; %s", quote(string(*r.Kind)), provider, choice(string(*r.Kind), kindsOf(d)))
	default:
		kind = string(*r.Kind)
	}
	k, ok := d.Kind(kind)
	if ok && ip.IsValid() && (ip.Is4() && !k.Capabilities.IPv4 || ip.Is6() && !k.Capabilities.IPv6) {
		b.errorf(at+".ip", "%s moves no %s addresses, and %v is one; use one of the other family", provider, familyOf(ip), ip)
	}
	return provider, kind
}

// kindsOf returns the names of the kinds of a provider.
func kindsOf(d registry.Description) []string {
	var names []string
	for _, k := range d.Kinds {
		names = append(names, k.Name)
	}
	return names
}

func familyOf(ip netip.Addr) string { return pick(ip.Is4(), "IPv4", "IPv6") }
