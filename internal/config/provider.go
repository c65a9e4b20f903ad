// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/providers"
)

// providers collects the blocks of the file and the providers that groups use
// without one: their credentials come from the environment.
func (b *builder) providers() {
	known := b.opts.Names()
	all, used := map[string]Provider{}, b.usedProviders()
	for _, name := range used {
		all[name] = b.defaultProvider(name)
	}
	for _, name := range slices.Sorted(maps.Keys(b.raw.Providers)) {
		at := join("providers", name)
		if !slices.Contains(known, name) {
			b.errorf(at, "unknown provider; %s", choice(name, known))
			continue
		}
		if !slices.Contains(used, name) {
			b.warnf(at, "no group has an address of %s; remove the block, or the address is missing", name)
		}
		all[name] = b.provider(name, b.raw.Providers[name], at)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.cfg.Providers = append(b.cfg.Providers, all[name])
	}
}

func (b *builder) usedProviders() []string {
	var used []string
	for _, g := range b.cfg.Groups {
		for _, a := range g.Addresses {
			if a.Provider != "" && !slices.Contains(used, a.Provider) {
				used = append(used, a.Provider)
			}
		}
	}
	return used
}

func (b *builder) provider(name string, raw *rawProvider, at string) Provider {
	p := b.defaultProvider(name)
	b.unknownOptions(name, at)
	if raw.TokenFile != nil {
		file := b.absolute(raw.TokenFile)
		p.TokenFile = SecretFile(file)
		b.secretFile(at+".token_file", file, "write the token into it and run: chmod 600 "+file)
	}
	if raw.CredentialsFile != nil {
		file := b.absolute(raw.CredentialsFile)
		p.CredentialsFile = SecretFile(file)
		b.secretFile(at+".credentials_file", file, "write the key into it as on the provider's page and run: chmod 600 "+file)
	}
	b.word(&p.Region, raw.Region, at+".region", "the cloud's name of the region")
	b.word(&p.Role, raw.Role, at+".role", "the name of the role")
	d, _ := b.opts.Describe(name)
	var networks []string
	for _, n := range d.Networks {
		networks = append(networks, n.Name)
	}
	if i := b.oneOf(raw.Network, at+".network", networks); i >= 0 {
		p.Network = networks[i]
		if text := d.Networks[i].Warning; text != "" {
			b.warnf(at+".network", "%s", text)
		}
	}
	if raw.Endpoint != nil {
		u := b.endpoint(raw.Endpoint, at+".endpoint")
		if u != nil && u.Scheme == "http" && !loopback(u.Hostname()) {
			b.warnf(at+".endpoint", "%s %s; use https", quote(string(*raw.Endpoint)), d.OverHTTP())
		}
		p.Endpoint = string(*raw.Endpoint)
	}
	if raw.MetadataEndpoint != nil {
		p.MetadataEndpoint = string(*raw.MetadataEndpoint)
		if p.MetadataEndpoint == registry.NoMetadata {
			b.withoutMetadata(&p, at+".metadata_endpoint")
		} else {
			b.endpoint(raw.MetadataEndpoint, at+".metadata_endpoint")
		}
	}
	b.callsPerHour(&p, raw.CallsPerHour, at+".calls_per_hour")
	return p
}

// withoutMetadata reports what the file must say where nothing else does.
func (b *builder) withoutMetadata(p *Provider, path string) {
	d, _ := b.opts.Describe(p.Name)
	for i, n := range b.cfg.Nodes {
		b.wholeTarget(d, n, path, fmt.Sprintf("nodes[%d].target.%s", i, p.Name))
	}
	if slices.Contains(optionNames(d), "region") && p.Region == "" {
		b.errorf(path, "%s: then providers.%s.region is missing; write the cloud's name of the region", registry.NoMetadata, p.Name)
	}
	if p.Role != "" {
		b.errorf(path, "%s: then a role has no credentials, which the metadata service gives; set credentials_file in place of role", registry.NoMetadata)
	}
}

// wholeTarget reports what a node's target lacks of what addresses of the kinds in use are
// bound to: nothing else tells it.
func (b *builder) wholeTarget(d registry.Description, n Node, path, key string) {
	target := n.Targets[d.Name]
	if target == "" {
		b.errorf(path, "%s: then %s is missing; write what the cloud calls %s", registry.NoMetadata, key, n.Name)
		return
	}
	told := map[string]bool{}
	for _, g := range b.cfg.Groups {
		for _, a := range g.Addresses {
			k, _ := d.Kind(a.Kind)
			if parts := k.Capabilities.Target; a.Provider == d.Name && !told[a.Kind] && parts != 0 && providers.ParseTarget(target).Only(parts).IsZero() {
				told[a.Kind] = true
				b.errorf(path, "%s: then %s has to name all that an address of kind %s is bound to, and %s does not; write %s, with slashes between",
					registry.NoMetadata, key, a.Kind, quote(target), enumerate(partNames(parts), "and"))
			}
		}
	}
}

// partNames returns what the parts of a target are, in the order in which it has them.
func partNames(parts providers.TargetParts) []string {
	names := []string{"the id of the machine"} // which is always the first
	if parts&providers.PartInterface != 0 {
		names = append(names, "that of its interface")
	}
	if parts&providers.PartPrivateIP != 0 {
		names = append(names, "its private address")
	}
	return names
}

// anchors reports checks of {anchor} where nothing will ever tell it.
func (b *builder) anchors() {
	var tell []string
	for _, name := range b.opts.Names() {
		if d, _ := b.opts.Describe(name); !d.Anchor {
			continue
		}
		if p, used := b.cfg.Provider(name); used && p.MetadataEndpoint != registry.NoMetadata {
			return
		}
		tell = append(tell, name)
	}
	for i, g := range b.raw.Groups {
		if g == nil {
			continue
		}
		for k, c := range g.Checks {
			if c == nil {
				continue
			}
			for key, texts := range map[string][]string{"http": textOf(c.HTTP), "tcp": textOf(c.TCP), "exec": argvOf(c.Exec)} {
				if slices.ContainsFunc(texts, func(s string) bool { return mentions(s, "anchor") }) {
					b.errorf(fmt.Sprintf("groups[%d].checks[%d].%s", i, k, key), "{anchor} has no value here: the metadata service of %s tells it, and none is in use; write the address at which the service answers on each node, such as 127.0.0.1",
						enumerate(tell, "or"))
				}
			}
		}
	}
}

// wordPattern is what names of regions and roles are made of.
var wordPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// word sets a text of one word.
func (b *builder) word(to *string, t *text, path, what string) {
	switch {
	case t == nil:
	case !wordPattern.MatchString(string(*t)):
		b.errorf(path, "%s is not %s; write letters, digits and hyphens", quote(string(*t)), what)
	default:
		*to = string(*t)
	}
}

// defaultProvider returns a provider in which nothing was set.
func (b *builder) defaultProvider(name string) Provider {
	d, _ := b.opts.Describe(name)
	p := Provider{Name: name, CallsPerHour: callsOf(d)}
	for _, o := range d.Options {
		switch o.Name {
		case "endpoint":
			p.Endpoint = o.Default
		case "metadata_endpoint":
			p.MetadataEndpoint = o.Default
		case "network":
			p.Network = o.Default
		}
	}
	return p
}

// optionsIn returns those of the keys of a block that a provider has as options.
func (b *builder) optionsIn(path string, keys []string) []string {
	name, _ := strings.CutPrefix(path, "providers.")
	d, known := b.opts.Describe(name)
	if name == path || !known {
		return keys
	}
	return optionNames(d)
}

func optionNames(d registry.Description) []string {
	var names []string
	for _, o := range d.Options {
		names = append(names, o.Name)
	}
	return names
}

// unknownOptions reports options that other providers have and this one has not.
func (b *builder) unknownOptions(name, at string) {
	d, _ := b.opts.Describe(name)
	known := optionNames(d)
	for _, key := range keysOf(reflect.ValueOf(rawProvider{})) {
		if b.given(join(at, key)) && !slices.Contains(known, key) {
			b.errorf(join(at, key), "%s has no such option; %s", name, pick(len(known) == 0, "remove it", choice(key, known)))
		}
	}
}

// endpoint returns the URL, or nil after reporting what is wrong with it. A
// password in it would be shown by every error; it is never repeated here.
func (b *builder) endpoint(t *text, path string) *url.URL {
	u, err := url.Parse(string(*t))
	switch {
	case strings.Contains(string(*t), "@"):
		b.errorf(path, "has credentials in the URL; put the token into token_file and write the URL without them")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		b.errorf(path, "%s is no http or https URL; write one such as https://api.example.com", quote(string(*t)))
	case u.RawQuery != "" || u.Fragment != "":
		b.errorf(path, "%s has a query or a fragment; write the URL up to the path", quote(string(*t)))
	default:
		return u
	}
	return nil
}

// loopback reports whether what is sent to the host stays on this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
