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

// waiting returns what keeps node i from showing that it waits for something.
func (c *cluster) waiting(ctx context.Context, i int) string {
	g, err := c.ask(ctx, i)
	if err != nil {
		return fmt.Sprintf("%s: %v", c.nodes[i].name, err)
	}
	return lacks(g.Waiting != nil, "%s waits for nothing", c.nodes[i].name)
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

// became waits until node i has logged that it took the role, and for this reason. The
// log may arrive after the status that says so.
func (c *cluster) became(ctx context.Context, i int, role election.Role, want election.Reason) error {
	what := fmt.Sprintf("%s became %s because of %s", c.nodes[i].name, role, want)
	return c.until(ctx, what, func(context.Context) string {
		last := c.lastReason(i, role)
		return lacks(last == want.String(), "it was %s", last)
	})
}

// keepsRole checks that node i has not changed its role since it had so many changes,
// and waits until it owns the address.
func (c *cluster) keepsRole(ctx context.Context, i, changes int) error {
	name := c.nodes[i].name
	if n := c.roleChanges(i) - changes; n > 0 {
		return fmt.Errorf("expect that a missing API leaves %s alone: it changed its role %d times", name, n)
	}
	return c.untilOwns(ctx, i)
}

// roleChanges returns how often node i has logged a change of its role.
func (c *cluster) roleChanges(i int) (n int) {
	events, _, _ := c.record.taken()
	for _, e := range events {
		if e.Kind == eventRole && e.Who == c.nodes[i].name {
			n++
		}
	}
	return n
}

// lastReason returns why node i last took the role.
func (c *cluster) lastReason(i int, role election.Role) string {
	name, last := c.nodes[i].name, "nothing"
	events, _, _ := c.record.taken()
	for _, e := range events {
		if e.Kind == eventRole && e.Who == name && e.To == role.String() {
			last = e.Reason
		}
	}
	return last
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
