// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
)

// trios returns the scenarios with three nodes.
func trios() []scenario {
	return []scenario{
		{
			name:    "three-nodes",
			story:   "the owner's host dies and the better standby takes over; that dies too and the third does",
			prepare: func(o *clusterOptions) { o.nodes = 3 },
			act:     killTwo,
			want:    want{moves: exactly(2), writes: exactly(2), owner: thirdNode},
		},
	}
}

func killTwo(ctx context.Context, c *cluster) error {
	if err := killOwner(ctx, c); err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "the third node stays a backup", c.long()); err != nil {
		return err
	}
	if moves, writes := c.cloud.moves(), c.cloud.writes(); moves != 1 || writes != c.cloud.offer.writes() {
		return fmt.Errorf("expect that one standby moves once: %s, %s", plural(moves, "move"), plural(writes, "write"))
	}
	c.record.note(c.nodes[standbyNode].name + "'s host dies too")
	c.killHost(standbyNode)
	return c.untilOwns(ctx, thirdNode)
}
