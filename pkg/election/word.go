// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// A word is no silence. While an owner says itself that it cannot lead, nobody has to wait
// and see whether it is still there: a claim for that reason (row 5) waits for no timer,
// only for an owner read begun since the word was heard, and for its rank. It is a level
// and not an edge, or a standby whose own service recovers while the owner is in fault
// would have missed it.

// ownersWord returns why the owner cannot lead by its own, recent word, or ReasonNone. A
// node that has just started or stepped back first listens for an active-down.
func (m *Machine) ownersWord(g *group) Reason {
	i := m.ownerIndex(g)
	if i < 0 || m.before(g.wordsFrom) {
		return ReasonNone
	}
	pg := &g.peers[i]
	switch {
	case m.saidGoodbye(g, i):
		return ReasonOwnerGoodbye
	case m.heard(g, i) && !pg.goodbye:
		return outByRole(pg.Role, pg.Flags.Has(FlagHealthy))
	default:
		return ReasonNone
	}
}

// noteWord follows since when the owner says so. What broke its service may have broken
// ours as well, so the checks run once more, beside the read.
func (m *Machine) noteWord(g *group, word Reason) {
	switch {
	case word == ReasonNone:
		g.wordAt = never
	case g.wordAt == never:
		g.wordAt = m.now
		m.do(Action{Kind: CheckNow, Group: g.cfg.Name})
	}
}

// takeAtWord claims what the owner says that it cannot keep, or waits for the read that
// this needs.
func (m *Machine) takeAtWord(g *group, f TakeoverFacts, word Reason) {
	read := f.ReadFresh && g.read.began >= g.wordAt
	f.ReadFresh = true
	decision, why := Takeover(f)
	switch {
	case word == ReasonNone || decision != Claim || why != word:
		m.hold(g, ReasonNone)
	case !read:
		g.waits = true
		m.hold(g, ReasonNone)
	case m.mustWaitForRank(g):
		m.hold(g, ReasonRankWait)
	default:
		m.becomeActive(g, word, false)
	}
}

// lastCheck takes in whether a check of this node failed the last time. That is no fault yet,
// but what broke the owner's service may have broken this node's as well: nothing is taken
// from an owner in fault until the check passes again or has failed for good, and a claim
// for that reason ends if its write has not left.
func (m *Machine) lastCheck(g *group, ev LastCheck) {
	g.lastFailed = ev.Failed
	if g.lastFailed && g.role == Active && g.claim.fault && !g.claim.wrote {
		m.giveUp(g, Backup, ReasonCheckFailed)
	}
}
