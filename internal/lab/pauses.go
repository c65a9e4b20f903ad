// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// pauseMin is the least time that a paused host stands still.
const pauseMin = 8 * time.Second

// pausedFor is how long that is: longer than a takeover takes at any interval.
func (c *cluster) pausedFor() time.Duration { return max(pauseMin, c.long()) }

// pauses returns the scenarios of machines that stand still and go on, as at a
// live migration or a snapshot.
func pauses() []scenario {
	return []scenario{
		{
			name: "paused-owner", inSet: true,
			story: "the owner's host stands still for 8 s: one move, and it steps back when it goes on",
			act:   pauseOwner,
			want:  want{moves: exactly(1), writes: exactly(1), owner: standbyNode},
		},
		{
			name:  "paused-both",
			story: "both hosts stand still for 8 s: nobody acts on what it knew before",
			act:   pauseBoth,
			want:  want{moves: exactly(0), writes: exactly(0), owner: ownerNode},
		},
	}
}

// pauseHost stops everything on node i where it stands; continueHost lets it go
// on. A host that is killed need not go on first.
func (c *cluster) pauseHost(i int) {
	c.nodes[i].paused = true
	c.signalHost(i, syscall.SIGSTOP)
}

func (c *cluster) continueHost(i int) { c.signalHost(i, syscall.SIGCONT) }

func (c *cluster) signalHost(i int, s syscall.Signal) {
	for _, p := range c.nodes[i].processes() {
		p.signal(s)
	}
}

func pauseOwner(ctx context.Context, c *cluster) error {
	name := c.nodes[ownerNode].name
	c.record.measureFrom(name + "'s host is paused")
	begun := time.Now()
	c.pauseHost(ownerNode)
	if err := c.untilOwns(ctx, standbyNode); err != nil {
		return err
	}
	if err := c.nothingMoves(ctx, "nothing moves during the pause", c.pausedFor()-time.Since(begun)); err != nil {
		return err
	}
	c.record.note(name + "'s host goes on")
	c.continueHost(ownerNode)
	if err := c.untilBackup(ctx, ownerNode); err != nil {
		return err
	}
	if err := c.became(ctx, ownerNode, election.Backup, election.ReasonOwnStall); err != nil {
		return err
	}
	return c.nothingMoves(ctx, "nothing moves back", c.long())
}

// pauseBoth stops the standby first and lets it go on last: on a busy machine the lab may
// stand still between two signals, and a standby that is alone meanwhile takes over.
func pauseBoth(ctx context.Context, c *cluster) error {
	c.record.measureFrom("both hosts are paused")
	for i := range slices.Backward(c.nodes) {
		c.pauseHost(i)
	}
	if err := c.nothingMoves(ctx, "nothing moves during the pause", c.pausedFor()); err != nil {
		return err
	}
	c.record.note("both hosts go on")
	for i := range c.nodes {
		c.continueHost(i)
	}
	if err := c.nothingMoves(ctx, "nothing moves after the pause", c.long()); err != nil {
		return err
	}
	if err := c.untilHealthy(ctx); err != nil {
		return err
	}
	return c.became(ctx, ownerNode, election.Backup, election.ReasonOwnStall)
}

// stalls returns how often a node that the lab let run gave up its role because it had not
// run: what a busy machine adds to a story.
func (c *cluster) stalls() (n int) {
	events, _, _ := c.record.taken()
	for _, e := range events {
		i := slices.Index(nodeNames[:], e.Who)
		if e.Kind == eventRole && e.From == election.Active.String() && e.Reason == election.ReasonOwnStall.String() &&
			i >= 0 && i < len(c.nodes) && !c.nodes[i].paused {
			n++
		}
	}
	return n
}

// untilBackup waits until node i is a backup.
func (c *cluster) untilBackup(ctx context.Context, i int) error {
	return c.until(ctx, fmt.Sprintf("%s is a backup", c.nodes[i].name), func(ctx context.Context) string {
		return c.inRole(ctx, i, election.Backup)
	})
}
