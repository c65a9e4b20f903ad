// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"time"
)

const (
	// flapFor is how long the service of flapping-check comes and goes. The owner
	// can return once meanwhile, and not twice.
	flapFor   = 28 * time.Second
	flapEvery = time.Second
	// flapPreempt is the preempt_delay, shorter than the service stays up: the
	// return delay alone bounds the moves.
	flapPreempt = 100 * time.Millisecond
	// returnDelay is what a node waits after a fault; it doubles each time (design
	// section 5.9).
	returnDelay = 10 * time.Second
)

// flaps returns the scenario of a service that comes and goes.
func flaps() []scenario {
	return []scenario{{
		name:  "flapping-check",
		story: "preemption is on, the owner's service comes and goes: the return delay bounds the moves",
		prepare: func(o *clusterOptions) {
			o.preempt, o.preemptDelay, o.touchy = true, flapPreempt, true
		},
		act:  flap,
		want: want{moves: flapMoves(), writes: flapMoves(), owner: standbyNode},
	}}
}

// flapMoves is the documented bound: away at the first fault, and back and away
// again for every return delay that can have ended meanwhile.
func flapMoves() limits {
	l := exactly(1)
	for delay, left := returnDelay, flapFor-returnDelay; left > 0; left -= delay {
		l.most += 2
		delay *= 2
	}
	return l
}

// flap ends with the service stopped, so that the address has no reason to return.
func flap(ctx context.Context, c *cluster) error {
	owner := c.nodes[ownerNode]
	c.record.measureFrom(owner.name + "'s service comes and goes")
	bound := func(context.Context) string {
		n := c.cloud.moves()
		return lacks(n <= flapMoves().most, "%d moves", n)
	}
	for begun := time.Now(); time.Since(begun) < flapFor; {
		for _, order := range [][2]string{{serviceStop, serviceStopped}, {serviceStart, serviceListening}} {
			if err := owner.service.do(ctx, order[0], order[1]); err != nil {
				return err
			}
			if err := c.stays(ctx, "the moves stay within the bound", flapEvery, bound); err != nil {
				return err
			}
		}
	}
	c.record.note(owner.name + "'s service stops for good")
	if err := owner.service.do(ctx, serviceStop, serviceStopped); err != nil {
		return err
	}
	return c.untilOwns(ctx, standbyNode)
}
