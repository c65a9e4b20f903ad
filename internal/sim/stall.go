// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// stallLimit is how long the shortest patience of a peer is, less the interval that
// the last advert covers (docs/design.md, decision 15).
func stallLimit(w *world) time.Duration {
	return election.ActiveDown(election.PriorityMax, w.opts.interval) - w.opts.interval
}

// skip knows that a node's clocks stood still once a peer's advert shows it. One that was
// sent meanwhile shows a part, which may be enough for a doubt.
func (c *checks) skip(w *world, n *node, p *packet) {
	s := &n.seen
	from := w.nodes[p.from]
	sp := &s.peers[p.from]
	if s.skipEnd == 0 || !sp.basis || from.clock.stoodAt != 0 || from.life != p.fromLife {
		return
	}
	oldest, _ := sp.basisOf()
	meanwhile := p.sent < s.skipEnd
	shown := s.skipped - w.now.Sub(p.sent) - stallLimit(w) - w.opts.interval
	switch {
	case s.noticedAt >= s.skipLocal:
		s.stalledAt = s.noticedAt
	case !meanwhile && shown > max(sp.drift(w), c.apart(w.now.Sub(oldest))):
		s.stalledAt = w.local(n)
	case shown > 0 && s.doubtedAt < s.skipLocal:
		s.doubtedAt = w.local(n)
	}
	if !meanwhile {
		s.skipEnd = 0
	}
}

// apart returns how far two clocks may have drifted apart in d: what a peer's uptime
// shows of a gap is wrong by as much.
func (c *checks) apart(d time.Duration) time.Duration { return hasten(d, 2*c.drift) - d }

// overdue reports whether the adverts to some peer left too long ago.
func (s *shadow) overdue(w *world, n *node) bool {
	for i := range s.peers {
		if i != n.id && w.local(n).Sub(s.peers[i].told) > stallLimit(w) {
			return true
		}
	}
	return false
}

// verdict looks at a stall that a node notes when it hears a peer (section 5.7). If it
// ran all the while, by clocks that did, and the peer's adverts came in time, it has
// taken for a stall that the two clocks drift apart.
func (c *checks) verdict(w *world, n *node, p *packet) {
	s, sp := &n.seen, &n.seen.peers[p.from]
	oldest, late := sp.basisOf()
	switch {
	case s.overdue(w, n): // it did not run
	case n.wokeAt != 0 && n.wokeAt >= oldest: // nor all the while
	case sp.session != p.advert.Session || oldest == 0: // nothing to compare the uptime with
	case n.clock.stoodAt >= oldest:
	case late > stallLimit(w)/2: // what came late makes the next look early
	default:
		c.broken(w, checkStall, "%s takes the drift of clocks in %v for a stall when it hears %s", n.name, w.now.Sub(oldest), w.nodes[p.from].name)
	}
}
