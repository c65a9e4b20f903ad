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
		{
			name:  "crash-loop",
			story: "the owner's daemon is killed and started three times: one move, once its adverts prove too little",
			prepare: func(o *clusterOptions) {
				// An answered probe would protect what its adverts no longer do. A daemon
				// takes half a second to start, and a busy machine more, which must be well
				// within an active-down; and the whole must fit into the minute of a crash
				// loop.
				o.blind, o.advertInterval = true, time.Second
			},
			act:  loop,
			want: want{moves: exactly(1), writes: exactly(1), lagging: true, noFail: true, owner: standbyNode},
		},
	}
}

// serviceProbes returns the scenarios in which the daemons ask a probe of the
// user's through the address.
func serviceProbes() []scenario {
	return []scenario{{
		name:    "daemon-killed-service-lives",
		story:   "the same with a probe of the user's: nothing moves until the service dies too",
		needs:   aProbe,
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

// crash kills the daemon of node i and starts it again at once. tell records it.
func (c *cluster) crash(i int, tell func(string)) error {
	tell("SIGKILL to " + c.nodes[i].name + "'s daemon, which starts again at once")
	c.killDaemon(i)
	return c.startDaemon(i)
}

// loop crashes the owner's daemon three times. Its first start counts, so that the
// second crash makes the third start within a minute.
//
// The first crash moves nothing: a fresh node that still starts has one active-down
// to resume (row 10 of the takeover table). After the second its adverts renew no
// timer. The standby then takes the address as soon as its timer has run out while
// the owner is not active: at once, if this start is slow, and otherwise, held back
// by claim-in-progress alone, at the first advert of the next one.
func loop(ctx context.Context, c *cluster) error {
	if err := c.crash(ownerNode, c.record.note); err != nil {
		return err
	}
	if err := c.untilHealthy(ctx); err != nil {
		return err
	}
	if moves := c.cloud.moves(); moves != 0 {
		return fmt.Errorf("expect that one crash moves nothing: %s", plural(moves, "move"))
	}
	if err := c.crash(ownerNode, c.record.note); err != nil {
		return err
	}
	err := c.until(ctx, "the standby sees the crash loop", func(ctx context.Context) string { return c.loops(ctx, standbyNode) })
	if err != nil {
		return err
	}
	// Nothing shows that the timer has run out while an active owner is heard.
	err = c.stays(ctx, "the address moves once at most", c.long(), func(context.Context) string {
		n := c.cloud.moves()
		return lacks(n <= 1, "%d moves", n)
	})
	if err != nil {
		return err
	}
	if err := c.crash(ownerNode, c.record.measureFrom); err != nil {
		return err
	}
	if err := c.untilOwns(ctx, standbyNode); err != nil {
		return err
	}
	if err := c.became(ctx, standbyNode, election.Active, election.ReasonOwnerSilent); err != nil {
		return err
	}
	return c.untilBackup(ctx, ownerNode)
}
