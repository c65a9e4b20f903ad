// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import "github.com/fipctl/fipctl/pkg/election"

// refuse notes that the cloud has refused a write of a node for its credentials, though they
// may read, or has taken one.
func (w *world) refuse(n *node, gi int, refused bool) {
	if n.machine == nil || n.refused[gi] == refused {
		return
	}
	n.refused[gi] = refused
	w.step(n, election.Identity{Group: w.groups[gi].name, Known: n.known && !n.seen.denied, Denied: refused})
}

// pardon lets a node forget what was refused: its credentials are other ones.
func (w *world) pardon(n *node) {
	for gi := range w.groups {
		w.refuse(n, gi, false)
	}
}

// refused looks at a node that claims although the cloud refuses its writes, and a peer that
// it hears could lead and says nothing of the kind (section 5.9).
func (c *checks) refused(w *world, n *node, a *election.Action) {
	gi := w.groupIndex(a.Group)
	if a.To != election.Active || a.Reason == election.ReasonResumedBound || !n.refused[gi] {
		return
	}
	for i := range n.seen.peers {
		if word, fresh := n.seen.standby(w, n, gi, i); fresh && !word.Flags.Has(election.FlagDenied) {
			c.broken(w, checkRefused, "%s claims %s (%s) though its writes are refused, and %s could lead", n.name, a.Group, a.Reason, w.nodes[i].name)
			return
		}
	}
}

// standby returns what a peer says of a group, and whether it surely could lead, by the
// strictest measure of what is fresh.
func (s *shadow) standby(w *world, n *node, gi, peer int) (word *shadowWord, able bool) {
	sp := &s.peers[peer]
	word, _ = sp.heardOf(w, gi, w.local(n))
	if word == nil || w.local(n).Sub(word.twoWayAt) >= election.ActiveDown(election.PriorityMax, w.opts.interval) || word.crashLooping(w.local(n)) {
		return word, false
	}
	out := word.Flags.Has(election.FlagDraining) || word.Flags.Has(election.FlagRestarting) || word.Flags.Has(election.FlagRecovering) || word.Digest != n.digests[gi]
	return word, word.Role == election.Backup && word.Flags.Has(election.FlagHealthy|election.FlagCanClaim) && !out
}
