// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// callTimeout bounds one call of a provider, as in the daemon (design, invariant
// 1: the attempt deadline).
const callTimeout = 3 * time.Second

// Cluster is what the configuration says, with the clouds behind it.
type Cluster struct {
	ID   string
	Self string     // this machine's node name; empty when it is not a node
	Own  netip.Addr // that this machine must have to be Self
	// Local reports whether an address is this machine's; nil: that cannot be told.
	Local  func(context.Context, netip.Addr) (bool, error)
	Nodes  []Node
	Groups []Group
	Clouds map[string]Cloud // by provider name; one for every provider in use
	Prober Prober           // nil: daemons cannot be asked, because this machine is not a node
	Now    func() time.Time
}

// Node is one node and what its owner reads are recognised by.
type Node struct {
	Name    string
	Address netip.AddrPort    // of its daemon
	Targets map[string]string // by provider name; what the configuration says its target is called
}

// Group is one group and its addresses.
type Group struct {
	Name      string
	VRID      uint8
	Addresses []providers.Address
}

// Cloud is one provider. Err says why it could not be made ready, for example
// for want of credentials; Kinds is then empty. Metadata is nil where the
// provider has no metadata service.
type Cloud struct {
	Kinds       map[string]providers.Provider // by kind of address
	Region      string                        // that the configuration names; empty: none
	Metadata    metadata.Source
	Stated      bool   // the configuration says that there is no metadata service: Metadata has its own word
	Credentials string // where they came from; never the value
	Err         error
}

// Prober asks the daemon at an address who it is.
type Prober interface {
	// Probe returns who answers there. ErrSilent means that nobody did in time.
	Probe(ctx context.Context, to netip.AddrPort) (Answer, error)
}

// Answer is what a daemon says of itself.
type Answer struct {
	Node   string
	Groups []wire.ProbeGroup
}

// role returns the answering node's role in a group.
func (a Answer) role(vrid uint8) election.Role {
	i := slices.IndexFunc(a.Groups, func(g wire.ProbeGroup) bool { return g.VRID == vrid })
	if i < 0 {
		return election.Initialize
	}
	return a.Groups[i].Role
}

func (c *Cluster) group(name string) (Group, bool) {
	i := slices.IndexFunc(c.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return c.Groups[i], true
}

func (c *Cluster) node(name string) (Node, bool) {
	i := slices.IndexFunc(c.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}, false
	}
	return c.Nodes[i], true
}

// nodeOf returns the node that holds an address, recognised as the daemon does it.
// Empty means that the owner is not in the cluster.
func (c *Cluster) nodeOf(provider string, a providers.Assignment, own providers.Target) string {
	return controller.Locate(provider, a, c.named(provider, own)).Node
}

// named returns what a provider calls each node, as far as that is known here: this one by
// its metadata service, which said own, the others by the configuration.
func (c *Cluster) named(provider string, own providers.Target) []controller.Node {
	nodes := make([]controller.Node, len(c.Nodes))
	for i, n := range c.Nodes {
		nodes[i] = controller.Node{Name: n.Name, Address: n.Address.Addr(), File: n.Targets}
		if n.Name == c.Self && c.Clouds[provider].Metadata != nil {
			nodes[i].File = nil // its word alone says what this machine is
		}
		if n.Name == c.Self && !own.IsZero() {
			nodes[i].Said = []election.NodeTarget{{Provider: provider, Target: own.String()}}
		}
	}
	return nodes
}

// read asks for the owner of one address within the attempt deadline.
func (c *Cluster) read(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	cloud := c.Clouds[a.Provider]
	if cloud.Err != nil {
		return providers.Assignment{}, cloud.Err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	began, driver := c.Now(), cloud.Kinds[a.Kind]
	seen, err := driver.Owner(ctx, a)
	if err != nil {
		return seen, err
	}
	return controller.Recognise(ctx, driver, a, seen, callTimeout-c.Now().Sub(began)), nil
}

// driver returns what reads and moves an address.
func (c *Cluster) driver(a providers.Address) providers.Provider {
	return c.Clouds[a.Provider].Kinds[a.Kind]
}

// kindsInUse returns the kinds of address that the groups have of a provider, in the
// order of the groups, each with its first address.
func (c *Cluster) kindsInUse(provider string) []providers.Address {
	var firsts []providers.Address
	for _, g := range c.Groups {
		for _, a := range g.Addresses {
			known := slices.ContainsFunc(firsts, func(f providers.Address) bool { return f.Kind == a.Kind })
			if a.Provider == provider && !known {
				firsts = append(firsts, a)
			}
		}
	}
	return firsts
}

// identity asks a provider's metadata service who this machine is.
func (c *Cluster) identity(ctx context.Context, provider string) (metadata.Identity, error) {
	cloud := c.Clouds[provider]
	if cloud.Metadata == nil {
		return metadata.Identity{}, errNoMetadata
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return cloud.Metadata.Identity(ctx)
}
