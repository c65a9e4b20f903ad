// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// firstStarts returns the scenarios in which a standby has not heard the owner since its daemon
// started. They take as long as it waits then.
func firstStarts() []scenario {
	return []scenario{
		{
			name:    "never-heard",
			story:   "UDP was never open between the nodes: the standby starts, nothing moves, and both say what to do",
			prepare: func(o *clusterOptions) { o.blind = true },
			cold:    true,
			act:     startUnheard,
			want:    want{moves: exactly(0), writes: exactly(0), noFail: true, owner: ownerNode},
		},
		{
			name:  "both-rebooted-one-back",
			story: "both machines go down, the standby comes back alone: it waits a minute, then takes over",
			act:   rebootBoth,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
	}
}

// unheardWatched is for how long nothing may move while the nodes never heard each other.
const unheardWatched = election.NeverHeardFor / 2

func startUnheard(ctx context.Context, c *cluster) error {
	c.ground.cut(true)
	c.record.note("no datagram passes between the nodes; the owner's daemon starts")
	if err := c.startDaemon(ownerNode); err != nil {
		return err
	}
	if err := c.untilOwns(ctx, ownerNode); err != nil {
		return err
	}
	c.startClient(ctx)
	c.record.measureFrom("the standby's daemon starts")
	if err := c.startDaemon(standbyNode); err != nil {
		return err
	}
	err := c.until(ctx, "both say what is the matter", func(ctx context.Context) string {
		return all(c.waits(ctx, standbyNode, election.ReasonOwnerNeverHeard), c.condition(ctx, standbyNode, "no-leader"),
			c.condition(ctx, ownerNode, "no-standby"))
	})
	if err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "an owner that was never heard is left alone", unheardWatched); err != nil {
		return err
	}
	c.record.note("UDP is opened")
	c.ground.cut(false)
	return c.untilHealthy(ctx)
}

func rebootBoth(ctx context.Context, c *cluster) error {
	owner, standby := c.nodes[ownerNode].name, c.nodes[standbyNode].name
	c.record.measureFrom("both machines go down")
	c.killHost(ownerNode)
	c.killHost(standbyNode)
	c.record.note(standby + "'s machine is back, " + owner + "'s is not")
	back := time.Now()
	if err := c.returnHost(ctx, standbyNode); err != nil {
		return err
	}
	err := c.until(ctx, standby+" waits for "+owner, func(ctx context.Context) string {
		return c.waits(ctx, standbyNode, election.ReasonOwnerNeverHeard)
	})
	if err != nil {
		return err
	}
	// Its minute began after it was back.
	if err := c.nothingMoves(ctx, "it gives "+owner+" a minute", time.Until(back.Add(election.NeverHeardFor))); err != nil {
		return err
	}
	if err := c.untilOwns(ctx, standbyNode); err != nil {
		return err
	}
	return c.became(ctx, standbyNode, election.Active, election.ReasonOwnerSilent)
}
