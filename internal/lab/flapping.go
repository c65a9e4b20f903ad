// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

const (
	// flapFor is how long the service of flapping-check comes and goes. The owner
	// can return once meanwhile, and not twice, unless the machine is busy and it takes
	// longer: flapLate more is allowed for.
	flapFor   = 28 * time.Second
	flapLate  = 30 * time.Second
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
// again for every return delay that can have ended meanwhile. Whether each was over
// when the owner came back is what tooEarly judges.
func flapMoves() limits {
	l := exactly(1)
	delay := returnDelay
	for left := flapFor + flapLate - delay; left > 0; left -= delay {
		l.most += 2
		delay *= 2
	}
	return l
}

// tooEarly says when the address came back to a node before its delay after a fault was
// over. Moves and faults have the times at which they happened, so that it does not matter
// how late they are looked at.
func tooEarly(events []event, node string) string {
	delay := returnDelay
	var fault time.Time
	for _, e := range events {
		switch {
		case e.Kind == eventRole && e.Who == node && e.To == election.Fault.String() && e.From == election.Active.String():
			fault = e.At
		case e.Kind == eventMoved && e.To == node && !fault.IsZero():
			if after := e.At.Sub(fault); after < delay {
				return fmt.Sprintf("the address came back to %s %s after its fault instead of %s", node, after.Round(time.Millisecond), delay)
			}
			delay, fault = 2*delay, time.Time{}
		}
	}
	return ""
}

// flap ends with the service stopped, so that the address has no reason to return.
func flap(ctx context.Context, c *cluster) error {
	owner := c.nodes[ownerNode]
	c.record.measureFrom(owner.name + "'s service comes and goes")
	bound := func(context.Context) string { return tooEarly(c.events(), owner.name) }
	for begun := time.Now(); time.Since(begun) < flapFor; {
		for _, order := range [][2]string{{serviceStop, serviceStopped}, {serviceStart, serviceListening}} {
			if err := owner.service.do(ctx, order[0], order[1]); err != nil {
				return err
			}
			if err := c.stays(ctx, "the owner waits before it returns", flapEvery, bound); err != nil {
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
