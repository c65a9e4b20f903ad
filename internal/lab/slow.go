// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// What slow clouds take for a call. At the first a read that begins with the suspicion
// ends before a read may be no older, at the second it is what a takeover waits for.
const (
	slowCall     = 1200 * time.Millisecond
	verySlowCall = 2500 * time.Millisecond
	restFor      = 3 * time.Minute
	restSettle   = 2 * time.Minute // until the reads of a start are over
)

// slowness returns the scenarios of an API that answers late, or not at all, and the one
// that counts calls.
func slowness() []scenario {
	slow := func(d time.Duration) func(*clusterOptions) {
		return func(o *clusterOptions) { o.latency = d }
	}
	return []scenario{
		{
			name: "slow-api", inSet: true,
			story:   "the owner's host dies where a call takes 1.2 s: the move waits for one read at most",
			prepare: slow(slowCall),
			act:     killOwner,
			want:    want{moves: exactly(1), writes: exactly(1), prompt: true, owner: standbyNode},
		},
		{
			name: "very-slow-api", inSet: true,
			story:   "the same where a call takes 2.5 s: the read that was under way is all it waits for",
			prepare: slow(verySlowCall),
			act:     killOwner,
			want:    want{moves: exactly(1), writes: exactly(1), prompt: true, owner: standbyNode},
		},
		{
			name:    "slow-assign",
			story:   "an operator moves the address where a call takes 1.2 s: no request fails, as with a fast API",
			prepare: slow(slowCall),
			act:     assignSpare,
			want:    want{moves: exactly(1), writes: exactly(1), prompt: true, noFail: true, owner: standbyNode},
		},
		{
			name:  "api-hangs",
			story: "reads get no answer; the owner's service dies; it moves once reads are answered, a HAVIP before",
			act:   hangAPI,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name:  "replies-swallowed",
			story: "the owner's host dies; the cloud does what it is asked and answers no write: none is sent twice",
			act: func(ctx context.Context, c *cluster) error {
				c.cloud.swallowReplies()
				return killOwner(ctx, c)
			},
			needs: aWrite,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name: "at-rest", byHand: true,
			story: "a pair is left alone for 3 minutes: nothing moves, and the calls that it makes are counted",
			act:   rest,
			want:  want{moves: exactly(0), writes: exactly(0), noFail: true, owner: ownerNode},
		},
	}
}

// hangAPI lets reads hang around a failure of the owner's service. What a write moves
// stays, for no node may write what it did not read; what is announced moves by the word
// of the peers (docs/design.md section 5.10).
func hangAPI(ctx context.Context, c *cluster) error {
	owner, standby := c.nodes[ownerNode], c.nodes[standbyNode]
	c.record.note("the API takes connections and answers no read any more")
	again, changes := c.cloud.hang(), c.roleChanges(ownerNode)
	defer again()
	unreadable := func(ctx context.Context) string {
		return all(c.condition(ctx, ownerNode, "owner-unreadable"), c.condition(ctx, standbyNode, "owner-unreadable"))
	}
	if err := c.until(ctx, "both nodes say that the owner is unreadable", unreadable); err != nil {
		return err
	}
	if err := c.keepsRole(ctx, ownerNode, changes); err != nil {
		return err
	}
	c.record.measureFrom(owner.name + "'s service stops")
	if err := owner.service.do(ctx, serviceStop, serviceStopped); err != nil {
		return err
	}
	if c.cloud.offer.capabilities.MovesWithoutAPI {
		err := c.until(ctx, standby.name+" serves by the word of the peers", func(ctx context.Context) string {
			return all(lacks(c.cloud.holder() == standbyNode, "the address is held by %s", orNobody(c.cloud.owner())),
				lacks(c.client.answer(ctx) == standby.name, "%s does not answer the client", standby.name))
		})
		if err != nil {
			return err
		}
	} else if err := c.heldBack(ctx, unreadable); err != nil {
		return err
	}
	const back = "the API answers again"
	if c.cloud.offer.capabilities.MovesWithoutAPI {
		c.record.note(back)
	} else {
		c.record.measureFrom(back)
	}
	again()
	return c.untilOwns(ctx, standbyNode)
}

// heldBack waits until the owner is in fault and the standby shows that it waits, and
// checks that nothing moves for a while in which both go on saying why.
func (c *cluster) heldBack(ctx context.Context, unreadable func(context.Context) string) error {
	err := c.until(ctx, "the owner is in fault and the standby waits", func(ctx context.Context) string {
		return all(c.inRole(ctx, ownerNode, election.Fault), c.waiting(ctx, standbyNode))
	})
	if err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "nothing moves without a read", c.long()); err != nil {
		return err
	}
	return c.until(ctx, "the nodes still say why", func(ctx context.Context) string {
		return all(unreadable(ctx), c.waiting(ctx, standbyNode))
	})
}

// rest leaves the pair alone and counts its calls.
func rest(ctx context.Context, c *cluster) error {
	if err := c.nothingMoves(ctx, "the start is long over", restSettle); err != nil {
		return err
	}
	c.record.note("the pair is left alone")
	begun := c.cloud.model.Now()
	if err := c.nothingMoves(ctx, "nothing moves", restFor); err != nil {
		return err
	}
	ended := c.cloud.model.Now()
	made := countCalls(c.cloud.calls(), begun, ended)
	c.watched = &made
	a := func(n int) string { return fmt.Sprintf("%.1f", float64(n)/ended.Sub(begun).Minutes()) }
	c.record.note(fmt.Sprintf("%s calls a minute: owner reads %s, operations %s, machine states %s, preflights %s, writes %s",
		a(made.reads()+made.Write), a(made.Owner), a(made.Operation), a(made.Machine), a(made.Preflight), a(made.Write)))
	return nil
}
