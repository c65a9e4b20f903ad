// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import "context"

// identities returns the scenarios in which a machine is not what its file says.
func identities() []scenario {
	return []scenario{{
		name:  "wrong-file",
		story: "the standby's machine runs as the owner, whose file was copied along: it says so and moves nothing",
		act:   wrongFile,
		want:  want{moves: exactly(0), writes: exactly(0), noFail: true, owner: ownerNode},
	}}
}

// wrongFile runs the standby's daemon under the owner's name. On loopback every address is
// local to every node, so that there the metadata service alone knows better; in namespaces
// the kernel does too.
func wrongFile(ctx context.Context, c *cluster) error {
	standby, owner := c.nodes[standbyNode].name, c.nodes[ownerNode].name
	c.record.measureFrom(standby + "'s daemon is started again as " + owner)
	c.killDaemon(standbyNode)
	if err := c.startDaemonAs(standbyNode, owner); err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "a machine that calls itself "+owner+" moves nothing", c.long()); err != nil {
		return err
	}
	err := c.until(ctx, "it says who is who", func(ctx context.Context) string {
		return c.condition(ctx, standbyNode, "identity-conflict")
	})
	if err != nil {
		return err
	}
	c.record.note(standby + "'s daemon is started under its own name")
	c.killDaemon(standbyNode)
	if err := c.startDaemon(standbyNode); err != nil {
		return err
	}
	return c.untilHealthy(ctx)
}
