// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"syscall"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

// faults returns the default set: what a pair is for.
func faults() []scenario {
	return []scenario{
		{
			name: "service-stopped", inSet: true,
			story: "the owner's service stops and its check fails; when it recovers nothing moves back",
			act:   stopService,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name: "stopped", inSet: true,
			story: "the owner's daemon is stopped with SIGTERM: it hands over first",
			act:   stopDaemon,
			want:  want{moves: exactly(1), writes: exactly(1), noFail: true, owner: standbyNode},
		},
		{
			name: "killed", inSet: true,
			story: "the owner's host dies: SIGKILL to its daemon and its service",
			act:   killOwner,
			want:  want{moves: exactly(1), writes: exactly(1), prompt: true, owner: standbyNode},
		},
		{
			name: "assign", inSet: true,
			story: "an operator moves the address: no request fails, where the cloud moves it in one call",
			act:   assignSpare,
			want:  want{moves: exactly(1), writes: exactly(1), noFail: true, owner: standbyNode},
		},
		{
			name: "drained", inSet: true,
			story: "an operator drains the owner and later resumes it: one move away, none back",
			act:   drainAndResume,
			want:  want{moves: exactly(1), writes: exactly(1), noFail: true, owner: standbyNode},
		},
		{
			name: "peer-link-cut", inSet: true,
			story: "the nodes lose each other and both reach the cloud: the probe says that the owner serves",
			needs: aProbe,
			act:   cutAndHeal,
			want:  want{moves: exactly(0), writes: exactly(0), noFail: true, owner: ownerNode},
		},
		{
			name: "reply-lost", inSet: true,
			story: "the owner's host dies; the cloud applies the move and loses its answer: no second write",
			act: func(ctx context.Context, c *cluster) error {
				c.cloud.loseReply()
				return killOwner(ctx, c)
			},
			needs: aWrite,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
	}
}

// stopService breaks what the owner's check looks at, and repairs it later.
func stopService(ctx context.Context, c *cluster) error {
	owner := c.nodes[ownerNode]
	c.record.measureFrom(owner.name + "'s service stops")
	if err := owner.service.do(ctx, serviceStop, serviceStopped); err != nil {
		return err
	}
	if err := c.untilOwns(ctx, standbyNode); err != nil {
		return err
	}
	c.record.note(owner.name + "'s service is back")
	if err := owner.service.do(ctx, serviceStart, serviceListening); err != nil {
		return err
	}
	err := c.until(ctx, owner.name+" is a backup again", func(ctx context.Context) string {
		return c.inRole(ctx, ownerNode, election.Backup)
	})
	if err != nil {
		return err
	}
	return c.nothingMoves(ctx, "nothing moves back", c.long())
}

// stopDaemon stops the owner's daemon in order. It must end by itself, without
// complaint.
func stopDaemon(ctx context.Context, c *cluster) error {
	daemon := c.nodes[ownerNode].daemon
	c.record.measureFrom("SIGTERM to " + daemon.name)
	c.signal(ownerNode, syscall.SIGTERM)
	if err := c.untilOwns(ctx, standbyNode); err != nil {
		return err
	}
	return c.ended(ctx, ownerNode)
}

// ended waits until the daemon of node i, which was told to, has ended well.
func (c *cluster) ended(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience(), fmt.Errorf("not within %s", c.patience()))
	defer cancel()
	daemon := c.nodes[i].daemon
	if err := daemon.wait(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", daemon.name, err)
	}
	return nil
}

func killOwner(ctx context.Context, c *cluster) error {
	c.record.measureFrom(c.nodes[ownerNode].name + "'s host dies")
	c.killHost(ownerNode)
	return c.untilOwns(ctx, standbyNode)
}

func assignSpare(ctx context.Context, c *cluster) error {
	if err := c.assign(ctx, standbyNode); err != nil {
		return err
	}
	return c.untilOwns(ctx, standbyNode)
}

// assign asks node i's daemon for the address and waits for the confirmation.
func (c *cluster) assign(ctx context.Context, i int) error {
	name := c.nodes[i].name
	asking := status.AssignRequest{Group: groupName, Timeout: c.patience()}
	return c.operate(ctx, request{
		what: "assign " + groupName + " to " + name,
		asks: fmt.Sprintf("`fipctl assign %s` on %s", groupName, name),
		run: func(ctx context.Context) (status.Outcome, error) {
			return c.nodes[i].control.Assign(ctx, asking, c.steps(name))
		},
	})
}

func drainAndResume(ctx context.Context, c *cluster) error {
	owner := c.nodes[ownerNode]
	err := c.operate(ctx, request{
		what: "drain " + owner.name,
		asks: fmt.Sprintf("`fipctl drain` on %s", owner.name),
		run: func(ctx context.Context) (status.Outcome, error) {
			return owner.control.Drain(ctx, status.DrainRequest{Timeout: c.patience()}, c.steps(owner.name))
		},
	})
	if err != nil {
		return err
	}
	if err := c.untilOwns(ctx, standbyNode); err != nil {
		return err
	}
	c.record.note(fmt.Sprintf("`fipctl resume` on %s", owner.name))
	err = c.operate(ctx, request{what: "resume " + owner.name, run: func(ctx context.Context) (status.Outcome, error) {
		return owner.control.Resume(ctx, status.ResumeRequest{}, c.steps(owner.name))
	}})
	if err != nil {
		return err
	}
	err = c.until(ctx, owner.name+" is a backup again", func(ctx context.Context) string {
		return c.inRole(ctx, ownerNode, election.Backup)
	})
	if err != nil {
		return err
	}
	return c.nothingMoves(ctx, "nothing moves back", c.long())
}

// steps records the progress that the daemon of a node reports.
func (c *cluster) steps(node string) func(status.Event) {
	return func(e status.Event) { c.record.progress(node, e) }
}

func cutAndHeal(ctx context.Context, c *cluster) error {
	c.record.measureFrom("the link between the nodes is cut in both directions")
	c.ground.cut(true)
	if err := c.nothingMoves(ctx, "the owner keeps the address", 2*c.long()); err != nil {
		return err
	}
	c.record.note("the link is back")
	c.ground.cut(false)
	return c.untilHealthy(ctx)
}
