// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"strings"
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
		{
			name:  "write-denied",
			story: "the owner's host dies; the better standby may not write and leaves the move to the other",
			prepare: func(o *clusterOptions) {
				o.nodes, o.readOnly = 3, []int{standbyNode}
			},
			act:   beDenied,
			needs: aWrite,
			want:  want{moves: exactly(1), writes: exactly(1), denied: true, owner: thirdNode},
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

// beDenied lets a standby find out that it may not write. It must say so, by the name that
// the cloud has for what it lacks, and take no more time than that from the other.
func beDenied(ctx context.Context, c *cluster) error {
	c.record.measureFrom(c.nodes[ownerNode].name + "'s host dies")
	c.killHost(ownerNode)
	if err := c.untilOwns(ctx, thirdNode); err != nil {
		return err
	}
	return c.until(ctx, "the standby says what it lacks", func(ctx context.Context) string {
		text, why := c.conditionText(ctx, standbyNode, "write-denied")
		lacked := c.cloud.vendor.permission()
		return all(why, lacks(why != "" || strings.Contains(text, lacked), "%s does not name %s: %s", c.nodes[standbyNode].name, lacked, text))
	})
}
