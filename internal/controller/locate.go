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
	// Said is what the node says that it is called by each provider, in the form of
	// Target.String: in its adverts, or for this node by the metadata service. File is what
	// the configuration says, by provider.
	Said []election.NodeTarget
	File map[string]string
}

// Called returns what a node is called at a provider; empty: that is not known. What it says
// of itself beats what the file says, which also does not count where another of the nodes
// says that of itself.
func (n Node) Called(provider string, nodes []Node) string {
	if said := n.says(provider); said != "" {
		return said
	}
	file := n.File[provider]
	if slices.ContainsFunc(nodes, func(o Node) bool { return alike(o.says(provider), providers.ParseTarget(file)) > unlike }) {
		return ""
	}
	return file
}

// says returns what the node says that a provider calls it.
func (n Node) says(provider string) string {
	i := slices.IndexFunc(n.Said, func(t election.NodeTarget) bool { return t.Provider == provider })
	if i < 0 {
		return ""
	}
	return n.Said[i].Target
}

// Locate says who holds an address, in the words of the election. The first row that fits
// decides; of several nodes that fit it the first one counts:
//
//	the cloud calls the owner                    then it is
//	nothing                                      nobody
//	what a node is called, or a part of that     that node
//	another interface or private address of a
//	machine that a node is called                that node
//	what no node is known to be another than,
//	and it has the private address of just one   that node
//	anything else                                foreign
//
// A private address names no node whose known target differs: machines are copied, and
// rebuilt, with their addresses.
func Locate(provider string, seen providers.Assignment, nodes []Node) election.Owner {
	if seen.Target.IsZero() {
		return election.Owner{Kind: election.OwnerNone}
	}
	for _, want := range []likeness{same, sameMachine} {
		for _, n := range nodes {
			if alike(n.Called(provider, nodes), seen.Target) == want {
				return election.Owner{Kind: election.OwnerNode, Node: n.Name}
			}
		}
	}
	if at := addressed(seen, nodes); len(at) == 1 && alike(at[0].Called(provider, nodes), seen.Target) == unknown {
		return election.Owner{Kind: election.OwnerNode, Node: at[0].Name}
	}
	return election.Owner{Kind: election.OwnerForeign}
}

// Conflict says which nodes a foreign owner looks like: those whose private address it
// has, although it is another machine, or has several of. It returns none of an owner
// that Locate knows.
func Conflict(provider string, seen providers.Assignment, nodes []Node) []Node {
	if Locate(provider, seen, nodes).Kind != election.OwnerForeign {
		return nil
	}
	return addressed(seen, nodes)
}

// addressed returns the nodes whose private address an owner has.
func addressed(seen providers.Assignment, nodes []Node) (at []Node) {
	for _, n := range nodes {
		if n.Address.IsValid() && slices.Contains(seen.PrivateAddresses, n.Address) {
			at = append(at, n)
		}
	}
	return at
}

// likeness says how what the cloud calls an owner compares with what a node is called.
type likeness uint8

const (
	unknown     likeness = iota // nothing that both sides know
	unlike                      // another machine, or interface
	sameMachine                 // another interface or address of it
	same                        // each part of what the cloud says is known of the node
)

// alike compares what a node is called, which may say more of it than a kind of address
// needs, with an owner. Of the machine's id, the interface and the private address the first
// that both sides know decides. Ids and addresses of the clouds have no slash.
func alike(called string, owner providers.Target) likeness {
	known, found := providers.ParseTarget(called), strings.Split(called, "/")
	if called != "" && !slices.ContainsFunc(strings.Split(owner.String(), "/"), func(p string) bool { return !slices.Contains(found, p) }) {
		return same
	}
	verdict := func(equal bool) likeness {
		if equal {
			return sameMachine
		}
		return unlike
	}
	switch {
	case known.Instance != "" && owner.Instance != "":
		return verdict(known.Instance == owner.Instance)
	case known.Interface != "" && owner.Interface != "":
		return verdict(known.Interface == owner.Interface)
	case known.PrivateIP.IsValid() && owner.PrivateIP.IsValid():
		return verdict(known.PrivateIP == owner.PrivateIP)
	default:
		return unknown
	}
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
