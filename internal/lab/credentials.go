// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

// credentials returns the scenarios of credentials and keys that are not what they
// should be.
func credentials() []scenario {
	return []scenario{
		{
			name:  "bad-token-on-standby",
			story: "the standby's credentials are refused: nothing moves until they are replaced, even if the owner dies",
			cold:  true,
			act:   replaceToken,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name:  "key-mismatch",
			story: "the standby has another cluster key: nothing moves until a minute after the owner's host dies",
			cold:  true,
			act:   mismatchKeys,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name:    "handover-fails",
			story:   "an operator moves the address to a standby that may not write: the owner keeps serving",
			prepare: func(o *clusterOptions) { o.readOnly = []int{standbyNode} },
			act:     failHandover,
			needs:   aWrite,
			want:    want{moves: exactly(0), writes: exactly(1), refused: true, noFail: true, owner: ownerNode},
		},
	}
}

// startApart starts the owner's daemon and, when it serves, the standby's.
func (c *cluster) startApart(ctx context.Context) error {
	if err := c.startDaemon(ownerNode); err != nil {
		return err
	}
	if err := c.untilOwns(ctx, ownerNode); err != nil {
		return err
	}
	c.startClient(ctx)
	return c.startDaemon(standbyNode)
}

func replaceToken(ctx context.Context, c *cluster) error {
	owner, standby := c.nodes[ownerNode], c.nodes[standbyNode]
	if err := writePrivate(standby.files.secret, c.cloud.vendor.secretOf("nobody")); err != nil {
		return err
	}
	c.record.note("both daemons start; the cloud refuses " + standby.name + "'s credentials")
	if err := c.startApart(ctx); err != nil {
		return err
	}
	err := c.until(ctx, "the owner knows that nobody stands by", func(ctx context.Context) string {
		return all(c.condition(ctx, ownerNode, "no-standby"), c.condition(ctx, standbyNode, "owner-unreadable"),
			c.unfit(ctx, ownerNode, standbyNode, election.ReasonCannotClaim))
	})
	if err != nil {
		return err
	}
	c.record.note(owner.name + "'s host dies")
	c.killHost(ownerNode)
	if err := c.nothingMoves(ctx, "the standby moves nothing without credentials", c.long()); err != nil {
		return err
	}
	c.record.measureFrom(standby.name + "'s credentials are replaced")
	if err := writePrivate(standby.files.secret, c.cloud.vendor.secretOf(standby.name)); err != nil {
		return err
	}
	return c.untilOwns(ctx, standbyNode)
}

func mismatchKeys(ctx context.Context, c *cluster) error {
	standby := c.nodes[standbyNode]
	if err := writePrivate(standby.files.key, newKey()); err != nil {
		return err
	}
	c.record.note("both daemons start; " + standby.name + " has another cluster key")
	began := time.Now()
	if err := c.startApart(ctx); err != nil {
		return err
	}
	err := c.until(ctx, "both see that the keys differ", func(ctx context.Context) string {
		return all(c.condition(ctx, standbyNode, "auth-mismatch"), c.condition(ctx, ownerNode, "auth-mismatch"),
			c.condition(ctx, ownerNode, "no-standby"), c.waits(ctx, standbyNode, election.ReasonAuthMismatch))
	})
	if err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "datagrams that arrive protect the owner", c.long()); err != nil {
		return err
	}
	c.record.measureFrom(c.nodes[ownerNode].name + "'s host dies")
	c.killHost(ownerNode)
	if err := c.nothingMoves(ctx, "an owner that was never heard has a minute", time.Until(began.Add(election.NeverHeardFor))); err != nil {
		return err
	}
	return c.untilOwns(ctx, standbyNode)
}

// failHandover asks for a move that the cloud refuses to the successor. The order
// must say that it failed and why, and the condition has the cloud's own words.
func failHandover(ctx context.Context, c *cluster) error {
	name := c.nodes[standbyNode].name
	asking := status.AssignRequest{Group: groupName, Timeout: c.patience()}
	r := request{
		what: fmt.Sprintf("assign %s to %s", groupName, name),
		asks: fmt.Sprintf("`fipctl assign %s` on %s, whose credentials may not write", groupName, name),
		run: func(ctx context.Context) (status.Outcome, error) {
			return c.nodes[standbyNode].control.Assign(ctx, asking, c.steps(name))
		},
	}
	outcome, err := c.order(ctx, r)
	if err != nil {
		return err
	}
	c.record.note(fmt.Sprintf("exit code %d: %s", outcome.Code, outcome.Text))
	const why = "the cloud did not give the address"
	if outcome.Code != status.CodeFailed || !strings.Contains(outcome.Text, why) {
		return fmt.Errorf("expect that %s fails because %s: exit code %d: %s", r.what, why, outcome.Code, outcome.Text)
	}
	err = c.until(ctx, "the standby shows the cloud's answer", func(ctx context.Context) string {
		return c.condition(ctx, standbyNode, "write-denied")
	})
	if err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "the old owner keeps the address", c.long()); err != nil {
		return err
	}
	return c.untilOwns(ctx, ownerNode)
}
