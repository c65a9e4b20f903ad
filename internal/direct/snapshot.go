// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"sync"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Snapshot reads the owner of every address and returns what the clouds say.
// Roles are unknown: no daemon is asked. An address that cannot be read is shown
// with the error. The addresses are read at the same time, so that the answer
// takes one attempt deadline at most.
func (c *Cluster) Snapshot(ctx context.Context) status.Snapshot {
	s := status.Snapshot{
		Version: status.SnapshotVersion, Cluster: c.ID, Node: c.Self, Source: status.SourceCloud,
		Groups: make([]status.Group, len(c.Groups)),
	}
	own := c.ownTargets(ctx)
	var reads sync.WaitGroup
	for i, g := range c.Groups {
		group := &s.Groups[i]
		*group = status.Group{Name: g.Name, VRID: g.VRID, Role: roleUnknown, Conditions: []status.Condition{}}
		group.Addresses = make([]status.Address, len(g.Addresses))
		for j, a := range g.Addresses {
			reads.Go(func() { group.Addresses[j] = c.address(ctx, a, own[a.Provider]) })
		}
	}
	reads.Wait()
	for i := range s.Groups {
		s.Groups[i].Nodes = c.nodes(s.Groups[i].Addresses)
	}
	s.At = c.Now().UTC()
	return s
}

// roleUnknown stands for the role of a node that was not asked.
const roleUnknown = "unknown"

// ownTargets returns what this machine is called by each provider, as far as the
// metadata services tell. Not knowing it only costs the recognition of this node.
func (c *Cluster) ownTargets(ctx context.Context) map[string]providers.Target {
	own := map[string]providers.Target{}
	if c.Self == "" {
		return own
	}
	for name := range c.Clouds {
		if id, err := c.identity(ctx, name); err == nil {
			own[name] = id.Target
		}
	}
	return own
}

func (c *Cluster) address(ctx context.Context, a providers.Address, own providers.Target) status.Address {
	shown := status.Address{Provider: a.Provider, Kind: a.Kind, IP: a.IP, ID: a.ID, Owner: status.Owner{State: status.OwnerUnknown}}
	began := c.Now().UTC()
	seen, err := c.read(ctx, a)
	if err != nil {
		shown.ReadError = err.Error()
		return shown
	}
	shown.VerifiedAt, shown.Pending, shown.Following = began, seen.Pending, seen.Following
	shown.Owner = c.owner(a.Provider, seen, own)
	shown.Bound = c.Self != "" && shown.Owner.Node == c.Self
	return shown
}

// owner puts an owner read into the words of a snapshot.
func (c *Cluster) owner(provider string, seen providers.Assignment, own providers.Target) status.Owner {
	o := status.Owner{Target: seen.Target.String()}
	switch o.Node = c.nodeOf(provider, seen, own); {
	case seen.Target.IsZero():
		o.Node, o.State = "", status.OwnerNone
	case o.Node == "":
		o.State = status.OwnerForeign
	default:
		o.State = status.OwnerNode
	}
	return o
}

// nodes returns one line per node: bound is the one thing a cloud can tell. Where an address
// could not be read, and none is known to be elsewhere, it cannot.
func (c *Cluster) nodes(addresses []status.Address) []status.Node {
	nodes := make([]status.Node, len(c.Nodes))
	for i, n := range c.Nodes {
		nodes[i] = status.Node{Name: n.Name, Self: n.Name == c.Self, Role: roleUnknown, Bound: len(addresses) > 0}
		elsewhere := false
		for _, a := range addresses {
			nodes[i].Bound = nodes[i].Bound && a.Owner.Node == n.Name
			nodes[i].BoundUnknown = nodes[i].BoundUnknown || a.Owner.State == status.OwnerUnknown
			elsewhere = elsewhere || a.Owner.State != status.OwnerUnknown && a.Owner.Node != n.Name
		}
		nodes[i].BoundUnknown = nodes[i].BoundUnknown && !elsewhere
	}
	return nodes
}
