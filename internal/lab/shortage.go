// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"slices"

	"github.com/fipctl/fipctl/internal/status"
)

// shortages returns the scenarios in which the cloud bears few calls more.
func shortages() []scenario {
	return []scenario{
		{
			name:  "calls-used-up",
			story: "somebody else uses up the account's calls; the owner's host dies: it moves, and a condition tells",
			act:   takeOverWithFewCalls,
			needs: aCount,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
	}
}

// callsSpared is how many calls of an hour somebody else leaves to each node: fewer than a
// pair needs at rest, and more than a takeover does.
const callsSpared = 100

// spender is a vendor whose calls are counted, and told with each answer.
type spender interface {
	// spend lets somebody else make the calls of an hour with a node's credentials, all but
	// so many.
	spend(node string, spared int)
}

// aCount is needed where the cloud tells how many calls remain.
func aCount(o offer) string {
	return lacks(o.countsCalls, "the cloud does not tell how many calls remain")
}

// takeOverWithFewCalls lets somebody else use up the calls, and then the owner's host die.
func takeOverWithFewCalls(ctx context.Context, c *cluster) error {
	v, ok := c.cloud.vendor.(spender)
	if !ok {
		return fmt.Errorf("spend calls: %s does not count them", c.cloud.offer.brand)
	}
	for _, n := range c.nodes {
		v.spend(n.name, callsSpared)
	}
	c.record.note(fmt.Sprintf("somebody else calls with the nodes' tokens: %d calls of the hour remain", callsSpared))
	if err := killOwner(ctx, c); err != nil {
		return err
	}
	return c.until(ctx, "the new owner tells that somebody uses up the calls", func(ctx context.Context) string {
		return c.daemonCondition(ctx, standbyNode, "api-budget")
	})
}

// daemonCondition returns what keeps node i from showing a condition of the whole daemon.
func (c *cluster) daemonCondition(ctx context.Context, i int, code string) string {
	ctx, cancel := context.WithTimeout(ctx, askStatus)
	defer cancel()
	s, err := c.nodes[i].control.Status(ctx)
	if err != nil {
		return fmt.Sprintf("%s: %v", c.nodes[i].name, err)
	}
	shows := slices.ContainsFunc(s.Conditions, func(cond status.Condition) bool { return cond.Code == code })
	return lacks(shows, "%s does not show the condition %s", c.nodes[i].name, code)
}
