// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// oddities returns the scenarios beyond the default set: the cloud away, hands in
// the console, strange beginnings.
func oddities() []scenario {
	return []scenario{
		{
			name:    "preempt-back",
			story:   "preemption is on: the owner's host dies, returns, and takes the address back",
			prepare: func(o *clusterOptions) { o.preempt, o.preemptDelay = true, shortPreempt },
			act:     dieAndReturn,
			want:    want{moves: exactly(2), writes: exactly(2), owner: ownerNode},
		},
		{
			name:  "both-restart",
			story: "both daemons are restarted at once: nothing moves, no request fails",
			act:   restartBoth,
			want:  want{moves: exactly(0), writes: exactly(0), noFail: true, owner: ownerNode},
		},
		{
			name:  "cloud-down",
			story: "the API is away and nothing moves; the owner's host dies; it moves once the API is back",
			act:   func(ctx context.Context, c *cluster) error { return apiAway(ctx, c, "", "the API") },
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name:  "cloud-down-standby",
			story: "only the standby cannot reach the API: nothing moves, not even when the owner's host dies",
			act:   apiAwayFromStandby,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name:  "stolen-follow",
			story: "a hand in the console moves the address to the standby: the group follows without a write",
			act:   func(ctx context.Context, c *cluster) error { return steal(ctx, c, standbyNode) },
			needs: aConsole,
			want:  want{moves: exactly(1), writes: exactly(0), lagging: true, noFail: true, owner: standbyNode},
		},
		{
			name:    "stolen-reclaim",
			story:   "the same with `on_moved: reclaim`: the owner takes the address back",
			prepare: func(o *clusterOptions) { o.onMoved = "reclaim" },
			act:     func(ctx context.Context, c *cluster) error { return steal(ctx, c, ownerNode) },
			needs:   aConsole,
			want:    want{moves: exactly(2), writes: exactly(1), lagging: true, noFail: true, owner: ownerNode},
		},
		{
			name:    "unbound-start",
			story:   "nobody holds the address when both daemons start: one of them binds it, once",
			prepare: func(o *clusterOptions) { o.holder = heldByNobody },
			cold:    true,
			act:     startUnbound,
			needs:   anUnbound,
			want:    want{moves: exactly(1), writes: exactly(1), unbound: true, owner: anyNode},
		},
		{
			name:    "foreign-owner",
			story:   "a running machine outside the cluster holds the address: only an operator takes it",
			prepare: func(o *clusterOptions) { o.holder = heldByStranger },
			cold:    true,
			act:     startForeign,
			want:    want{moves: exactly(1), writes: exactly(1), owner: ownerNode},
		},
		{
			name:    "link-cut-blind",
			story:   "the nodes lose each other and no probe ever passed: one move, and one per displaced_retry",
			prepare: func(o *clusterOptions) { o.blind, o.displacedRetry = true, shortRetry },
			act:     cutBlind,
			want:    want{moves: blindMoves, writes: blindMoves, owner: anyNode},
		},
	}
}

// blindMoves is the documented bound: among two nodes that cannot hear each other
// one move, and one more for every displaced_retry that ends meanwhile. A busy machine may
// take blindLate longer; whether each was over is what tooSoon judges.
var blindMoves = limits{1, 1 + int((blindCutFor+blindLate)/shortRetry)}

// tooSoon says when an address moved again before so long had passed. Moves have the
// times at which they happened, so that it does not matter how late they are looked at.
func tooSoon(events []event, t0 time.Time, gap time.Duration) string {
	var last time.Time
	for _, e := range events {
		if e.Kind != eventMoved || e.To == "" || e.At.Before(t0) {
			continue
		}
		if after := e.At.Sub(last); !last.IsZero() && after < gap {
			return fmt.Sprintf("it moved to %s %s after the move before instead of %s", e.To, after.Round(time.Millisecond), gap)
		}
		last = e.At
	}
	return ""
}

func dieAndReturn(ctx context.Context, c *cluster) error {
	if err := killOwner(ctx, c); err != nil {
		return err
	}
	c.record.note(c.nodes[ownerNode].name + "'s host is back")
	if err := c.returnHost(ctx, ownerNode); err != nil {
		return err
	}
	return c.untilOwns(ctx, ownerNode)
}

func restartBoth(ctx context.Context, c *cluster) error {
	c.record.measureFrom("SIGUSR1 to both daemons: they leave for a restart")
	for i := range c.nodes {
		c.signal(i, syscall.SIGUSR1)
	}
	for i := range c.nodes {
		if err := c.ended(ctx, i); err != nil {
			return err
		}
	}
	c.record.note("both daemons start again")
	if err := c.healthyStart(ctx); err != nil {
		return err
	}
	return c.nothingMoves(ctx, "nothing moves", c.long())
}

// apiAway takes the API away from one node or from all, and lets the owner's host
// die meanwhile.
func apiAway(ctx context.Context, c *cluster, node, what string) error {
	c.record.note(what + " resets every connection")
	again, changes := c.cloud.refuse(node), c.roleChanges(ownerNode)
	defer again()
	if err := c.nothingMoves(ctx, "nothing moves without the API", apiDownFor); err != nil {
		return err
	}
	if err := c.keepsRole(ctx, ownerNode, changes); err != nil {
		return err
	}
	c.record.note(c.nodes[ownerNode].name + "'s host dies")
	c.killHost(ownerNode)
	if err := c.nothingMoves(ctx, "the standby does not move what it cannot see", c.long()); err != nil {
		return err
	}
	c.record.measureFrom(what + " answers again")
	again()
	return c.untilOwns(ctx, standbyNode)
}

func apiAwayFromStandby(ctx context.Context, c *cluster) error {
	name := nodeNames[standbyNode]
	return apiAway(ctx, c, name, "the API, for "+name+" only,")
}

// steal moves the address in the console, and waits until the node that should
// have it in the end does.
func steal(ctx context.Context, c *cluster, end int) error {
	c.record.measureFrom("somebody moves the address to " + c.nodes[standbyNode].name + " in the console")
	moves := c.cloud.moves()
	if err := c.cloud.place(standbyNode); err != nil {
		return err
	}
	err := c.until(ctx, c.nodes[end].name+" owns the address", func(ctx context.Context) string {
		returned := end == standbyNode || c.cloud.moves() >= moves+2
		return all(c.owning(ctx, end), lacks(returned, "the address has not returned"))
	})
	if err != nil {
		return err
	}
	return c.nothingMoves(ctx, "nothing moves any more", c.long())
}

func startUnbound(ctx context.Context, c *cluster) error {
	c.startClient(ctx)
	c.record.measureFrom("both daemons start; the address is held by nobody")
	for i := range c.nodes {
		if err := c.startDaemon(i); err != nil {
			return err
		}
	}
	return nil // settled waits for the rest
}

func startForeign(ctx context.Context, c *cluster) error {
	c.startClient(ctx)
	c.record.note("both daemons start; the address is held by " + c.cloud.offer.stranger())
	for i := range c.nodes {
		if err := c.startDaemon(i); err != nil {
			return err
		}
	}
	err := c.until(ctx, "both nodes see the foreign owner", func(ctx context.Context) string {
		const code = "foreign-owner"
		return all(c.condition(ctx, ownerNode, code), c.condition(ctx, standbyNode, code),
			c.hearing(ctx, ownerNode, standbyNode), c.hearing(ctx, ownerNode, ownerNode))
	})
	if err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "nobody takes the address by itself", foreignWatched); err != nil {
		return err
	}
	return c.assign(ctx, ownerNode)
}

// cutBlind cuts the link for longer than the latches last. Who owns the address
// changes meanwhile, within the documented bound.
func cutBlind(ctx context.Context, c *cluster) error {
	c.record.measureFrom("the link between the nodes is cut in both directions")
	c.ground.cut(true)
	begun := time.Now()
	err := c.stays(ctx, "a node that was displaced waits", blindCutFor, func(context.Context) string {
		return tooSoon(c.events(), begun, shortRetry)
	})
	if err != nil {
		return err
	}
	c.record.note("the link is back")
	c.ground.cut(false)
	return c.until(ctx, "one node is active, the other a backup", func(ctx context.Context) string {
		holder := max(c.cloud.holder(), 0)
		return all(c.owning(ctx, holder), c.inRole(ctx, 1-holder, election.Backup))
	})
}
