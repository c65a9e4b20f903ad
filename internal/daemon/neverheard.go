// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"fmt"

	"github.com/fipctl/fipctl/internal/telemetry"
	"github.com/fipctl/fipctl/pkg/election"
)

// neverHeard says what a standby waits for whose owner was never heard, and what to do.
func (e *engine) neverHeard(g *group, s election.GroupStatus) string {
	owner := s.Owner.Node
	is, when := "has not been heard once since this daemon started, and may be well: start its daemon, and "+e.letPass(owner), "it first read that"
	for _, n := range s.Nodes {
		switch {
		case n.Name != owner:
		case n.PeerHeard:
			is, when = "is heard, and has not told of this group yet: its word may be on its way", "it was first heard"
		case n.ToldOf:
			is, when = "has not been heard here once since this daemon started, and another node heard it, or it answered a probe: "+e.letPass(owner), "that was told"
		}
	}
	return fmt.Sprintf("%s, which the cloud names, %s; unless it is heard, this node takes the address %s after %s; \"fipctl assign %s\" takes it now",
		owner, is, telemetry.Short(s.HeldFor), when, g.cfg.Name)
}

// letPass says what must pass between this node and a peer.
func (e *engine) letPass(peer string) string {
	var here, there uint16
	for _, n := range e.cfg.Nodes {
		switch n.Name {
		case e.cfg.Node:
			here = n.Address.Port()
		case peer:
			there = n.Address.Port()
		}
	}
	ports := fmt.Sprintf("UDP %d", there)
	if here != there {
		ports = fmt.Sprintf("UDP %d there and %d here", there, here)
	}
	return "let " + ports + " pass in both directions (firewalls, security groups)"
}
