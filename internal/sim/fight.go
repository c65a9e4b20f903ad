// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
)

// lossesFor is for how long a loss may count towards a fight, with the time that a claim takes.
const lossesFor = 12 * time.Minute

// lossesLeast is how often a node has lost an address that calls it contended.
const lossesLeast = 3

// lost notes from whom an address was taken.
func (c *checks) lost(w *world, gi int, ch fakecloud.Change) {
	if n := w.nodeOf(ch.From); n != nil && ch.To != ch.From {
		key := [2]int{gi, n.id}
		c.losses[key] = append(c.losses[key], w.now)
	}
}

// contends looks at a node that calls an address contended: it has lost it time and again,
// and was not only told so by a replica that lags (section 5.8).
func (c *checks) contends(w *world, n *node, a *election.Action) {
	gi, recent := w.groupIndex(a.Group), 0
	for _, at := range c.losses[[2]int{gi, n.id}] {
		if w.now.Sub(at) < lossesFor {
			recent++
		}
	}
	if recent < lossesLeast {
		c.broken(w, checkFight, "%s calls %s contended, and has lost it %d times in %v", n.name, a.Group, recent, lossesFor)
	}
}

// drillFight lets somebody at the console take an address away again and again, from a group
// that is to be taken back: the node must leave it after three times, and say so.
func (w *world) drillFight(h *History, gi int) {
	g := &w.groups[gi]
	if g.config.OnMoved != election.ReclaimMoved || g.kind == announce {
		w.drillHand(h, gi)
		return
	}
	h.Drills = append(h.Drills, "fight")
	q := &quietWatch{group: gi}
	w.checks.quiet = q
	n, taken := w.leader(gi), []election.Instant(nil)
	for range 20 {
		if w.model.Holder(g.addresses[0].IP) == n.target {
			taken = append(taken, w.now)
			w.must(w.model.Place(g.addresses[0].IP, w.strangers[0]))
		}
		w.run(w.chance.between(30*time.Second, time.Minute), nil)
	}
	w.run(time.Minute, nil) // for the last one
	w.checks.quiet = nil
	fights := false
	for i := range taken[:max(0, len(taken)-lossesLeast-1)] {
		fights = fights || taken[i+lossesLeast+1].Sub(taken[i]) < 9*time.Minute
	}
	if w.checks.fatal == 0 && fights && !w.statusOf(n, gi).Contended {
		w.checks.broken(w, checkFight, "%s was taken from %s %d times: %d writes; %s", g.name, n.name, len(taken), q.writes, w.state())
	}
}
