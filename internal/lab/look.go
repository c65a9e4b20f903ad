// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"

	"github.com/fipctl/fipctl/pkg/election"
)

// waits returns what keeps node i from being held back for the reason.
func (c *cluster) waits(ctx context.Context, i int, want election.Reason) string {
	name := c.nodes[i].name
	g, err := c.ask(ctx, i)
	switch {
	case err != nil:
		return fmt.Sprintf("%s: %v", name, err)
	case g.Waiting == nil:
		return name + " waits for nothing"
	default:
		return lacks(g.Waiting.Reason == want.String(), "%s waits because of %s", name, g.Waiting.Reason)
	}
}

// unfit returns what keeps node i from seeing that node j could not lead for the
// reason.
func (c *cluster) unfit(ctx context.Context, i, j int, want election.Reason) string {
	name, peer := c.nodes[i].name, c.nodes[j].name
	g, err := c.ask(ctx, i)
	if err != nil {
		return fmt.Sprintf("%s: %v", name, err)
	}
	for _, n := range g.Nodes {
		if n.Name == peer {
			return lacks(n.Ineligible == want.String(), "%s says %q of %s and not %s", name, n.Ineligible, peer, want)
		}
	}
	return fmt.Sprintf("%s does not know %s", name, peer)
}

// became returns an error unless node i last took the role for the reason.
func (c *cluster) became(i int, role election.Role, want election.Reason) error {
	name, last := c.nodes[i].name, "nothing"
	events, _, _ := c.record.taken()
	for _, e := range events {
		if e.Kind == eventRole && e.Who == name && e.To == role.String() {
			last = e.Reason
		}
	}
	if last != want.String() {
		return fmt.Errorf("expect that %s became %s because of %s: it was %s", name, role, want, last)
	}
	return nil
}

// loops returns what keeps node i from showing that a peer is in a crash loop.
func (c *cluster) loops(ctx context.Context, i int) string {
	name := c.nodes[i].name
	ctx, cancel := context.WithTimeout(ctx, askStatus)
	defer cancel()
	s, err := c.nodes[i].control.Status(ctx)
	if err != nil {
		return fmt.Sprintf("%s: %v", name, err)
	}
	for _, cond := range s.Conditions {
		if cond.Code == "crash-loop" {
			return ""
		}
	}
	return name + " does not show the condition crash-loop"
}
