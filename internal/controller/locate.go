// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Node is what is known of one node of the cluster, this one included, for the
// purpose of recognising it as an owner.
type Node struct {
	Name    string
	Address netip.Addr
	// Targets is what the node is called by each provider, in the form of
	// Target.String: from its adverts, from the configuration, or for this node
	// from the metadata service.
	Targets []election.NodeTarget
}

// Locate says who holds an address, in the words of the election: by target
// first, then by a private address that a node is configured with. Otherwise the
// owner is foreign. A node's target may say more of it than the kind of address
// needs, as one advert serves all kinds: it is the owner's if each part of that is
// in it.
func Locate(provider string, seen providers.Assignment, nodes []Node) election.Owner {
	if seen.Target.IsZero() {
		return election.Owner{Kind: election.OwnerNone}
	}
	for _, n := range nodes {
		if n.is(provider, seen.Target.String()) {
			return election.Owner{Kind: election.OwnerNode, Node: n.Name}
		}
	}
	for _, n := range nodes {
		if n.Address.IsValid() && slices.Contains(seen.PrivateAddresses, n.Address) {
			return election.Owner{Kind: election.OwnerNode, Node: n.Name}
		}
	}
	return election.Owner{Kind: election.OwnerForeign}
}

// is reports whether every part of what the cloud calls an owner is among those of a
// target of the node at that provider. Ids and addresses of the clouds have no slash.
func (n Node) is(provider, owner string) bool {
	parts := strings.Split(owner, "/")
	for _, t := range n.Targets {
		if t.Provider != provider {
			continue
		}
		known := strings.Split(t.Target, "/")
		if !slices.ContainsFunc(parts, func(p string) bool { return !slices.Contains(known, p) }) {
			return true
		}
	}
	return false
}

// Partial reports whether the addresses of a group have several owners.
func Partial(owners []election.Owner) bool {
	for _, o := range owners {
		if o != owners[0] {
			return true
		}
	}
	return false
}

// Against compares a new read, seen, with the claim of a node that leads: unchanged
// reports whether every address is here, with nobody, or still where it was when the
// claim began, and taken whether one that this node won, or had, is now held by
// somebody else. A group of several addresses may have had several owners. Own is
// this machine at each provider.
func (st State) Against(term election.Term, seen []providers.Assignment, own []providers.Target) (unchanged, taken bool) {
	unchanged = term == st.Term
	for i, a := range st.Addresses {
		t := seen[i].Target
		if t.IsZero() || t == own[i] {
			continue
		}
		taken = taken || a.WonAt != 0
		unchanged = unchanged && a.WonAt == 0 && t == a.From
	}
	return unchanged, taken
}

// Combine gives the addresses of a group, of which me is this node, one owner:
// this node if it holds all, a stranger if one does, else the node that holds the
// first address that is not here, else nobody.
func Combine(me string, owners []election.Owner) election.Owner {
	combined := election.Owner{Kind: election.OwnerNode, Node: me}
	rank := func(o election.Owner) int {
		switch {
		case o.Kind == election.OwnerForeign:
			return 3
		case o.Kind == election.OwnerNode && o.Node != me:
			return 2
		case o.Kind == election.OwnerNone:
			return 1
		default:
			return 0
		}
	}
	for _, o := range owners {
		if rank(o) > rank(combined) {
			combined = o
		}
	}
	return combined
}
