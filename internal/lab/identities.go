// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"slices"

	"github.com/fipctl/fipctl/internal/status"
)

// identities returns the scenarios in which a machine is not what its file says.
func identities() []scenario {
	return []scenario{{
		name:  "wrong-file",
		story: "the standby's machine runs as the owner, whose file was copied along: it says so and moves nothing",
		act:   wrongFile,
		needs: noGuest,
		want:  want{moves: exactly(0), writes: exactly(0), noFail: true, owner: ownerNode},
	}}
}

// noGuest is needed where a daemon's steps on its machine must go to that machine: on
// loopback they go to the one that is called like the node.
func noGuest(o offer) string {
	return lacks(!o.guest(), "on loopback its steps would go to the machine of the other node")
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
		return c.conflict(ctx, standbyNode)
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

// conflict returns what keeps node i from showing that it is not what its file says, as a
// condition of the group, where the cloud tells private addresses, or of the daemon.
func (c *cluster) conflict(ctx context.Context, i int) string {
	ctx, cancel := context.WithTimeout(ctx, askStatus)
	defer cancel()
	s, err := c.nodes[i].control.Status(ctx)
	if err != nil {
		return fmt.Sprintf("%s: %v", c.nodes[i].name, err)
	}
	conditions := s.Conditions
	for _, g := range s.Groups {
		conditions = append(conditions, g.Conditions...)
	}
	there := slices.ContainsFunc(conditions, func(c status.Condition) bool { return c.Code == "identity-conflict" })
	return lacks(there, "%s does not show the condition identity-conflict", c.nodes[i].name)
}
