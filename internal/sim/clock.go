// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// How wrong clocks run, in millionths: ordinary ones, and those of machines with which
// something is wrong.
const (
	driftUsual = 100
	driftMin   = 5_000
	driftMax   = 50_000
	million    = 1_000_000
)

// clock is a node's own. It shows the same as the world's from the beginning, unless it
// runs fast or slow, or has stood still.
type clock struct {
	shows   election.Instant // at the instant since of the world
	since   election.Instant
	fast    int64            // in millionths; negative: slow
	usual   int64            // the same while nothing is wrong
	drifts  int              // how many faults make it run wrong
	stoodAt election.Instant // of the world: when it last went on after it had stood still
}

// at returns what the clock shows at an instant of the world.
func (c *clock) at(now election.Instant) election.Instant {
	return c.shows.Add(hasten(now.Sub(c.since), c.fast))
}

// when returns the instant of the world from which on the clock shows that much.
func (c *clock) when(shows election.Instant) election.Instant {
	d := shows.Sub(c.shows)
	if d <= 0 || c.fast == 0 {
		return c.since.Add(d)
	}
	rate := time.Duration(million + c.fast)
	x := d/rate*million + d%rate*million/rate
	for hasten(x-1, c.fast) >= d { // what was rounded
		x--
	}
	for hasten(x, c.fast) < d {
		x++
	}
	return c.since.Add(x)
}

// hasten returns how far a clock gets in d.
func hasten(d time.Duration, fast int64) time.Duration {
	if fast == 0 {
		return d
	}
	return d + d/million*time.Duration(fast) + d%million*time.Duration(fast)/million
}

// goesOn sets a clock anew that shows so much now.
func (c *clock) goesOn(now, shows election.Instant, fast int64) {
	c.shows, c.since, c.fast = shows, now, fast
}

// local returns the instant on the node's own clock.
func (w *world) local(n *node) election.Instant {
	if n.paused && n.stopped {
		return n.pausedOwn
	}
	return n.clock.at(w.now)
}

// lasting returns how long something takes that a node measures with its own clock.
func (w *world) lasting(n *node, d time.Duration) time.Duration {
	return n.clock.when(w.local(n).Add(d)).Sub(w.now)
}

// drift makes the clocks of a node run wrong. Where those of another do so already they go
// the same way: the rules allow for two machines that drift apart by driftMax.
func (w *world) drift(n *node) func() {
	by := driftMin + w.chance.Int64N(driftMax-driftMin)
	if w.chance.one(0.5) {
		by = -by
	}
	for _, other := range w.nodes {
		if other != n && other.clock.drifts > 0 && other.clock.fast < 0 != (by < 0) {
			by = -by
			break
		}
	}
	n.clock.drifts++
	w.runClock(n, by)
	return func() {
		if n.clock.drifts--; n.clock.drifts == 0 {
			w.runClock(n, n.clock.usual)
		}
	}
}

// runClock lets a node's clocks run at another rate from now on.
func (w *world) runClock(n *node, fast int64) {
	w.checks.drift = max(w.checks.drift, fast, -fast)
	n.clock.goesOn(w.now, w.local(n), fast)
	w.rearm(n)
}

// drawClocks draws how wrong the clocks of the nodes run while nothing is wrong.
func drawClocks(c chance, nodes int) (fast []int64) {
	fast = make([]int64, nodes)
	for i := range fast {
		if c.one(0.5) {
			fast[i] = c.Int64N(2*driftUsual+1) - driftUsual
		}
	}
	return fast
}

// atMost returns how long what a node counts by its own clock may take in this history.
func (c *checks) atMost(d time.Duration) time.Duration {
	return d + d*time.Duration(c.drift)/time.Duration(million-c.drift)
}

// counted returns how much of d a node may have counted by its own clock.
func (c *checks) counted(d time.Duration) time.Duration { return hasten(d, c.drift) }
