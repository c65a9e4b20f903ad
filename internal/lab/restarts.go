// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"syscall"

	"github.com/fipctl/fipctl/pkg/election"
)

// restarts returns the scenarios of a daemon that ends while the service behind
// it lives.
func restarts() []scenario {
	return []scenario{
		{
			name: "restart-owner", inSet: true,
			story: "the owner's daemon is restarted as at an upgrade: nothing moves, no request fails",
			act:   restartOwner,
			want:  want{moves: exactly(0), writes: exactly(0), noFail: true, owner: ownerNode},
		},
		{
			name:  "daemon-killed-no-probe",
			story: "SIGKILL to the owner's daemon, its service lives: one move, and no request fails",
			act:   killOwnersDaemon,
			want:  want{moves: exactly(1), writes: exactly(1), noFail: true, owner: standbyNode},
		},
	}
}

// serviceProbes returns the scenarios in which the daemons ask a probe of the
// user's through the address.
func serviceProbes() []scenario {
	return []scenario{{
		name:    "daemon-killed-service-lives",
		story:   "the same with a probe of the user's: nothing moves until the service dies too",
		prepare: func(o *clusterOptions) { o.probe = true },
		act:     killDaemonThenService,
		want:    want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
	}}
}

func restartOwner(ctx context.Context, c *cluster) error {
	name := c.nodes[ownerNode].name
	c.record.measureFrom("SIGUSR1 to " + name + "'s daemon: it leaves for a restart")
	c.signal(ownerNode, syscall.SIGUSR1)
	if err := c.ended(ctx, ownerNode); err != nil {
		return err
	}
	c.record.note(name + "'s daemon starts again")
	if err := c.startDaemon(ownerNode); err != nil {
		return err
	}
	if err := c.untilHealthy(ctx); err != nil {
		return err
	}
	return c.nothingMoves(ctx, "nothing moves", c.long())
}

// killDaemon ends the daemon of node i at once and leaves its service alone.
func (c *cluster) killDaemon(i int) {
	n := c.nodes[i]
	n.leaving = true
	n.daemon.kill()
}

func killOwnersDaemon(ctx context.Context, c *cluster) error {
	c.record.measureFrom("SIGKILL to " + c.nodes[ownerNode].name + "'s daemon")
	c.killDaemon(ownerNode)
	return c.untilOwns(ctx, standbyNode)
}

func killDaemonThenService(ctx context.Context, c *cluster) error {
	owner := c.nodes[ownerNode]
	c.record.note("SIGKILL to " + owner.name + "'s daemon")
	c.killDaemon(ownerNode)
	err := c.until(ctx, "the standby sees the service answer", func(ctx context.Context) string {
		return all(c.condition(ctx, standbyNode, "service-answers"), c.waits(ctx, standbyNode, election.ReasonServiceAnswers))
	})
	if err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "the service's answers hold the standby back", c.long()); err != nil {
		return err
	}
	c.record.measureFrom(owner.name + "'s service dies too")
	owner.service.kill()
	return c.untilOwns(ctx, standbyNode)
}
