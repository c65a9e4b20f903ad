// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"slices"

	"github.com/fipctl/fipctl/internal/registry"
)

const (
	// callsPerNode is how many calls an hour the steady owner reads of a node need: one a
	// minute, for which 40 % of what is ours are kept (internal/controller, budget). With
	// less, a quiet cluster would read its addresses more seldom than it says.
	callsPerNode = 150
	// callsMax is what may be given where no limit of the provider is known: far above what
	// any cluster uses.
	callsMax = 1_000_000
)

// callsPerHour sets how many calls an hour of the account are this cluster's.
func (b *builder) callsPerHour(p *Provider, n *number, path string) {
	if n == nil {
		return
	}
	limit, said := callsMax, ""
	if p.CallsPerHour > 0 {
		limit, said = p.CallsPerHour, ", the limit of "+p.Name+" for a whole account"
	}
	reads := max(b.readCalls(p.Name), 1)
	least := callsPerNode * max(len(b.cfg.Nodes), 1) * reads
	switch calls := int(*n); {
	case calls > limit:
		b.errorf(path, "%d is above %d%s; use at most that, or remove the key", calls, limit, said)
	case calls < least:
		b.errorf(path, "%d is below %d, which %d nodes need to read their addresses once a minute (%d for each node and call); use at least that, or credentials with calls of their own",
			calls, least, len(b.cfg.Nodes), callsPerNode)
	default:
		p.CallsPerHour = calls
	}
}

// readCalls returns how many calls it takes at least to read all addresses at a provider
// once: one for each kind and family, or for each address of a kind that no list tells.
func (b *builder) readCalls(name string) int {
	type list struct {
		kind string
		v4   bool
	}
	d, _ := b.opts.Describe(name)
	lists, alone := map[list]bool{}, 0
	for _, g := range b.cfg.Groups {
		for _, a := range g.Addresses {
			switch {
			case a.Provider != name:
			case slices.ContainsFunc(d.Kinds, func(k registry.Kind) bool { return k.Name == a.Kind && k.Alone }):
				alone++
			default:
				lists[list{a.Kind, a.IP.Is4()}] = true
			}
		}
	}
	return len(lists) + alone
}

// callsOf returns the limit of a provider for a whole account; 0: none is known.
func callsOf(d registry.Description) int {
	calls := 0
	for _, k := range d.Kinds {
		calls = max(calls, k.Capabilities.CallsPerHour)
	}
	return calls
}
