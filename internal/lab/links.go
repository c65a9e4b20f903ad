// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"

	"github.com/fipctl/fipctl/pkg/election"
)

// links returns the scenarios of links that lose datagrams, alone and together
// with another fault.
func links() []scenario {
	return []scenario{
		{
			name:  "one-way-cut",
			story: "one direction of the link is cut, then the other: each time nothing moves",
			needs: aProbe,
			act:   cutOneWay,
			want:  want{moves: exactly(0), writes: exactly(0), noFail: true, owner: ownerNode},
		},
		{
			name:  "link-cut-owner-dies",
			story: "the link is cut and nothing moves while the owner answers the probe; then its host dies",
			needs: aProbe,
			act:   cutAndKill,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name:  "link-cut-service-dies",
			story: "the link is cut, then the owner's service dies: the answer to the probe says so",
			needs: aProbe,
			act:   cutAndStopService,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
	}
}

// cutOneWay cuts one direction after the other. In the first part no probe passes,
// so that the adverts that still arrive are all that speaks for the owner.
func cutOneWay(ctx context.Context, c *cluster) error {
	owner, standby := c.nodes[ownerNode].name, c.nodes[standbyNode].name
	c.record.measureFrom(fmt.Sprintf("%s no longer hears %s, and no probe passes", owner, standby))
	c.ground.blind(true)
	c.ground.cutFrom(standbyNode, ownerNode, true)
	err := c.until(ctx, "both say what is the matter", func(ctx context.Context) string {
		return all(c.condition(ctx, standbyNode, "one-way-link"), c.condition(ctx, ownerNode, "no-standby"),
			c.waits(ctx, standbyNode, election.ReasonOneWayLink))
	})
	if err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "adverts that arrive protect the owner", c.long()); err != nil {
		return err
	}
	c.record.note("the link is whole again, and probes pass")
	c.ground.blind(false)
	c.ground.cutFrom(standbyNode, ownerNode, false)
	if err := c.untilHealthy(ctx); err != nil {
		return err
	}
	c.record.note(fmt.Sprintf("%s no longer hears %s", standby, owner))
	c.ground.cutFrom(ownerNode, standbyNode, true)
	err = c.until(ctx, "both say what is the matter", func(ctx context.Context) string {
		return all(c.condition(ctx, ownerNode, "no-standby"), c.unfit(ctx, ownerNode, standbyNode, election.ReasonOneWayLink),
			c.condition(ctx, standbyNode, "peer-link-broken"))
	})
	if err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "the answered probe protects the owner", c.long()); err != nil {
		return err
	}
	c.record.note("the link is whole again")
	c.ground.cutFrom(ownerNode, standbyNode, false)
	return c.untilHealthy(ctx)
}

// cutLink cuts both directions and waits until the standby has seen by the probe
// that the owner serves. It must hold then.
func (c *cluster) cutLink(ctx context.Context) error {
	c.record.note("the link between the nodes is cut in both directions")
	c.ground.cut(true)
	err := c.until(ctx, "the standby knows that only the link is broken", func(ctx context.Context) string {
		return c.condition(ctx, standbyNode, "peer-link-broken")
	})
	if err != nil {
		return err
	}
	return c.nothingMoves(ctx, "the answered probe protects the owner", c.long())
}

func cutAndKill(ctx context.Context, c *cluster) error {
	if err := c.cutLink(ctx); err != nil {
		return err
	}
	return killOwner(ctx, c)
}

func cutAndStopService(ctx context.Context, c *cluster) error {
	if err := c.cutLink(ctx); err != nil {
		return err
	}
	owner := c.nodes[ownerNode]
	c.record.measureFrom(owner.name + "'s service stops")
	if err := owner.service.do(ctx, serviceStop, serviceStopped); err != nil {
		return err
	}
	if err := c.untilOwns(ctx, standbyNode); err != nil {
		return err
	}
	why := election.ReasonOwnerFault
	if c.cloud.offer.capabilities.MovesWithoutAPI {
		why = election.ReasonOwnerSilent // it took the address off, so no probe reaches it that could say more
	}
	return c.became(ctx, standbyNode, election.Active, why)
}
