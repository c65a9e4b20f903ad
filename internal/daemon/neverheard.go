// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"fmt"

	"github.com/fipctl/fipctl/pkg/election"
)

// neverHeard says what a standby waits for whose owner was never heard, and what to do.
func (e *engine) neverHeard(g *group, owner string) string {
	return fmt.Sprintf("%s, which the cloud names, has not been heard once since this daemon started, and may be well: start its daemon, and %s; unless it is heard, this node takes the address %v after it first read that; \"fipctl assign %s\" takes it now",
		owner, e.letPass(owner), election.NeverHeardFor, g.cfg.Name)
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
