// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// The checkers, each named after its invariant (docs/design.md section 3) or, the
// last nine, after the section that promises it.
const (
	checkWriteGate    = "I1-write-gate"
	checkNoFight      = "I2-no-fight"
	checkFailStatic   = "I3-fail-static"
	checkConvergence  = "I4-convergence"
	checkRepair       = "I5-level-triggered"
	checkWitness      = "I6-witness"
	checkStall        = "I7-own-stall"
	checkHandsOn      = "I8-cannot-bind"
	checkRestart      = "I9-restart"
	checkNoGap        = "I10-make-before-break"
	checkSigned       = "I11-fresh-and-signed"
	checkBudget       = "I12-bounded"
	checkOurs         = "I13-only-ours"
	checkTwoActives   = "5.5-two-actives"
	checkLatches      = "5.4-latches"
	checkAnnounced    = "5.10-announced"
	checkNeverHeard   = "5.3-never-heard"
	checkFight        = "5.8-fight"
	checkUnknownThere = "5.3-unknown-there"
	checkRefused      = "5.9-refused"
	checkReload       = "6-reload"
	checkReasons      = "reasons"
)

// Checkers returns the name of every checker.
func Checkers() []string {
	return []string{
		checkWriteGate, checkNoFight, checkFailStatic, checkConvergence, checkRepair, checkWitness, checkStall,
		checkHandsOn, checkRestart, checkNoGap, checkSigned, checkBudget, checkOurs, checkTwoActives, checkLatches, checkAnnounced, checkNeverHeard, checkFight, checkUnknownThere, checkRefused, checkReload, checkReasons,
	}
}

// checks is what the checkers found and what they remember of the whole cluster.
type checks struct {
	found []Violation
	fatal int // found so many that the history ends
	moves int // by writes of nodes
	late  map[int64]bool
	lateN int // moves by writes that their senders had given up
	blind []blindWindow
	// undecided is set while the cloud takes notice of an announcement that decides nothing.
	undecided bool
	left      map[[2]int]leftover         // by group and node
	both      map[[3]int]election.Instant // since when two nodes are active in contact: group, node, node
	quiet     *quietWatch
	writeN    int

	orderedAt []election.Instant // of each group: an operator's last order

	losses map[[2]int][]election.Instant // when addresses were taken from a node, by group and node

	drift int64 // of the worst clock so far, in millionths

	readCalls []int // of each node, while they are counted
	news      bool  // and something happened meanwhile that makes reads fast
}

func newChecks(w *world) checks {
	return checks{late: map[int64]bool{}, blind: make([]blindWindow, len(w.groups)), orderedAt: make([]election.Instant, len(w.groups)), both: map[[3]int]election.Instant{}, left: map[[2]int]leftover{}, losses: map[[2]int][]election.Instant{}}
}

// broken notes a broken rule, once though the datagrams to several peers show it.
func (c *checks) broken(w *world, checker, format string, args ...any) {
	v := Violation{Seed: w.opts.seed, Checker: checker, At: time.Duration(w.now - election.Instant(time.Hour)), Text: fmt.Sprintf(format, args...)}
	if last := len(c.found) - 1; last >= 0 && c.found[last].Checker == v.Checker && c.found[last].At == v.At && c.found[last].Text == v.Text {
		return
	}
	w.trace(nil, "BROKEN %s: %s", checker, v.Text)
	c.found = append(c.found, v)
	c.fatal = len(c.found)
}

// datagram looks at what one datagram made a node do (invariant 11).
func (c *checks) datagram(w *world, n *node, p *packet, again bool, actions []election.Action) {
	refused := slices.ContainsFunc(actions, func(a election.Action) bool { return a.Kind == election.Refused })
	if p.badKey && !refused {
		c.broken(w, checkSigned, "%s accepts a datagram of %s that does not verify", n.name, w.nodes[p.from].name)
	}
	if again && !refused {
		c.broken(w, checkSigned, "%s accepts a datagram of %s a second time", n.name, w.nodes[p.from].name)
	}
	if again {
		for _, a := range actions {
			if a.Kind == election.Changed || a.Kind == election.Unlatched {
				c.broken(w, checkSigned, "%s: a repeated datagram of %s changes its role to %s (%s)", n.name, w.nodes[p.from].name, a.To, a.Reason)
			}
		}
	}
	taken := !refused
	for _, a := range actions {
		if a.Kind == election.Noted && a.Reason == election.ReasonOwnStall {
			c.verdict(w, n, p)
		}
		taken = taken || a.Kind == election.Refused && a.Reason == election.ReasonUnknownGroup // but for that group
	}
	if taken {
		p.counted = true
		if newest, _ := n.seen.accepted(w, n, p); newest {
			c.skip(w, n, p)
		}
	}
}

// stepped looks at one step of a node's machine.
func (c *checks) stepped(w *world, n *node, ev election.Event, actions []election.Action) {
	n.seen.note(w, n, ev)
	if r, ok := ev.(election.OwnerRead); ok && r.Failed {
		c.news = true // a slow call may last too long at any time, and more are made then
	}
	_, badly := ev.(election.BadlySigned)
	for i := range actions {
		a := &actions[i]
		switch a.Kind {
		case election.Changed:
			if badly {
				c.broken(w, checkSigned, "%s: a badly signed datagram changes its role to %s (%s)", n.name, a.To, a.Reason)
			}
			if a.Reason == election.ReasonOwnerSilent {
				c.neverHeard(w, n, a)
				c.unknownThere(w, n, a)
			}
			c.refused(w, n, a)
			c.changed(w, n, a)
			c.news = true
			if a.To == election.Fault || a.To == election.Drained {
				for range w.nodes { // the owner, as its probe tells all others, cannot lead
					c.allow(w.groupIndex(a.Group))
				}
			}
		case election.Held:
			switch a.Reason {
			case election.ReasonOwnerNeverHeard:
				c.neverHeard(w, n, a)
			case election.ReasonContended:
				c.contends(w, n, a)
			case election.ReasonUnboundWait:
				c.waitsUnbound(w, n, a)
			}
		case election.Latched:
			c.latches(w, n, a, actions[:i])
		case election.Unlatched:
			c.news = true
			if a.Reason == election.ReasonOwnerStopped || a.Reason == election.ReasonNotAnswering {
				c.allow(w.groupIndex(a.Group))
			}
		case election.Send:
			c.sends(w, n, a)
		case election.Noted:
			switch a.Reason {
			case election.ReasonOwnStall:
				n.seen.noticedAt = w.local(n)
			case election.ReasonReclaimed, election.ReasonTakenBack, election.ReasonAssigned, election.ReasonUnbound: // another claim
				s := &n.seen.groups[w.groupIndex(a.Group)]
				s.from = s.read
			}
		}
	}
}

// latches looks at one latch: a peer that was heard to lead took nothing unheard (section
// 5.4). A node that led itself until this step lost the address to it all the same, and
// must not take it back (invariant 2).
func (c *checks) latches(w *world, n *node, a *election.Action, before []election.Action) {
	gi := w.groupIndex(a.Group)
	led := slices.ContainsFunc(before, func(b election.Action) bool {
		return b.Kind == election.Changed && b.Group == a.Group && b.From == election.Active
	})
	if !led && n.seen.heardLead(gi, int(a.Peer[0]-'a')) {
		c.broken(w, checkLatches, "%s %s latches %s, which was heard to lead since another was read and has not taken that back", n.name, a.Group, a.Peer)
	}
}

// changed looks at one change of role.
func (c *checks) changed(w *world, n *node, a *election.Action) {
	gi := w.groupIndex(a.Group)
	s := &n.seen.groups[gi]
	if s.role != a.From || !documented(a.From, a.To, a.Reason) {
		c.broken(w, checkReasons, "%s %s: %s -> %s (%s) from %s is not documented", n.name, a.Group, a.From, a.To, a.Reason, s.role)
	}
	s.role = a.To
	if a.To == election.Drained {
		s.drained = true
	}
	if a.To == election.Active {
		s.serviceFails = 0
		s.activeAt, s.from, s.ackedAt, s.lagged = w.local(n), s.read, 0, false
		recent := c.orderedAt[gi] != 0 && w.now.Sub(c.orderedAt[gi]) < c.atMost(election.ClaimTimeoutDefault) // an order lasts as long
		s.ordered = s.ordered && (a.Reason == election.ReasonAssigned || a.Reason == election.ReasonSuccessor || recent)
	}
	if a.From != election.Active {
		return
	}
	s.ordered = false
	switch a.Reason {
	case election.ReasonClaimFailed, election.ReasonAPILost:
		if !n.seen.couldLead(w, n, gi) {
			c.broken(w, checkHandsOn, "%s %s gives the role up (%s) and nobody it hears could lead", n.name, a.Group, a.Reason)
		}
	}
	if (a.Reason == election.ReasonDisplaced || a.Reason == election.ReasonMovedByHand) && n.seen.fooled(w, n, gi) {
		c.broken(w, checkFailStatic, "%s %s steps back (%s) on a read from before its own write, which it ignores for %v", n.name, a.Group, a.Reason, w.groups[gi].config.SettleTime)
	}
	// Of a read that was ignored as late it learns the truth from its next write, if not before.
	refused := s.lagged && a.Reason == election.ReasonClaimFailed
	if s.failedAt == 0 || refused || !n.seen.namesMe(n, gi) {
		return
	}
	switch a.Reason {
	case election.ReasonClaimFailed, election.ReasonMovedByHand, election.ReasonDisplaced:
		c.broken(w, checkFailStatic, "%s %s steps back (%s) though its last read names it and the cloud does not answer", n.name, a.Group, a.Reason)
	case election.ReasonAPILost:
		if !n.seen.newerElsewhere(w, n, gi) {
			c.broken(w, checkFailStatic, "%s %s steps back (%s) though its last read names it and nobody knows better", n.name, a.Group, a.Reason)
		}
	}
}

// sends looks at one datagram as it leaves (invariants 6 and 7).
func (c *checks) sends(w *world, n *node, a *election.Action) {
	n.seen.sentTo(int(a.Peer[0]-'a'), a.Advert, w.local(n))
	for k := range a.Advert.Groups {
		g := &a.Advert.Groups[k]
		gi := groupOf(g.VRID)
		if gi >= len(w.groups) {
			continue
		}
		s := &n.seen.groups[gi]
		s.handingOver = g.Handover.To != ""
		if g.Flags.Has(election.FlagBound) && !n.seen.namesMe(n, gi) {
			c.broken(w, checkWitness, "%s %s says bound, and its last read says %s", n.name, w.groups[gi].name, ownerWord(s.read.Owner))
		} else if g.Flags.Has(election.FlagBound) && n.seen.remembers(w, gi) {
			c.broken(w, checkWitness, "%s %s says bound by a read that began %v before it became active", n.name, w.groups[gi].name, s.activeAt.Sub(s.read.Began))
		}
		if g.Role == election.Active && n.seen.stalledAt != 0 && s.read.Began < n.seen.stalledAt {
			c.broken(w, checkStall, "%s %s advertises active on what it believed before it stood still", n.name, w.groups[gi].name)
		}
	}
}

// writes looks at one write as it leaves (invariants 1, 7 and 13).
func (c *checks) writes(w *world, n *node, h *hand, wr *write) {
	c.writeN++
	g, s, now := &w.groups[h.group], &n.seen.groups[h.group], w.local(n)
	r := &s.read
	switch {
	case s.role != election.Active || !s.healthy || !s.known || s.drained || n.leaving && !n.restart:
		c.broken(w, checkWriteGate, "%s %s writes as %s, healthy %v, known %v, drained %v, leaving %v", n.name, g.name, s.role, s.healthy, s.known, s.drained, n.leaving)
	case s.handingOver:
		c.broken(w, checkNoGap, "%s %s writes while it hands the group over", n.name, g.name)
	case wr.ended == 0 || wr.began <= s.owningAt:
		c.broken(w, checkWriteGate, "%s %s writes on a read that began %v before the last owning advert", n.name, g.name, s.owningAt.Sub(wr.began))
	case wr.began < s.writeOver:
		c.broken(w, checkWriteGate, "%s %s writes on a read from before its own last write was over", n.name, g.name)
	case wr.ended.Sub(wr.began) > election.AttemptTimeout || now.Sub(wr.ended) > max(time.Second, w.opts.interval):
		c.broken(w, checkWriteGate, "%s %s writes on a read that took %v and is %v old", n.name, g.name, wr.ended.Sub(wr.began), now.Sub(wr.ended))
	case wr.term.Less(s.highest):
		c.broken(w, checkWriteGate, "%s %s writes in term %v and has heard of %v", n.name, g.name, wr.term, s.highest)
	case wr.began < n.seen.believed():
		c.broken(w, checkStall, "%s %s writes on what it believed before it stood still", n.name, g.name)
	}
	seen := wr.decision.Seen.Target
	stranger := !seen.IsZero() && w.nodeOf(seen) == nil
	reclaims := g.config.OnMoved == election.ReclaimMoved && s.seenOurs
	if stranger && !s.ordered && !s.stopped && !reclaims && !w.indistinct(n, seen) {
		c.broken(w, checkOurs, "%s %s takes the address from a live stranger; the last read says %s", n.name, g.name, ownerWord(r.Owner))
	}
	if detaches := !g.kind.atomic() && !seen.IsZero(); detaches && seen == n.target {
		c.broken(w, checkFailStatic, "%s %s detaches its own address", n.name, g.name)
	}
	c.quiet.wrote(w, n, h.group)
}

// reads counts an owner read of one node.
func (c *checks) reads(n *node) {
	if c.readCalls != nil {
		c.readCalls[n.id]++
	}
}

// lateWrite notes an operation whose sender hears that nothing is known of it.
func (c *checks) lateWrite(id int64) { c.late[id] = true }

// holderChanged looks at one change in the cloud (invariants 2 and 10).
func (w *world) holderChanged(ch fakecloud.Change) {
	gi := w.groupOf(ch)
	c := &w.checks
	w.trace(nil, "cloud: %v is held by %s, before by %s", ch.IP, w.targetWord(ch.To), w.targetWord(ch.From))
	if ch.Node != "" && ch.To.IsZero() && w.groups[gi].kind.atomic() {
		c.broken(w, checkNoGap, "%s left %v unbound where one call moves it", ch.Node, ch.IP)
	}
	c.lost(w, gi, ch)
	late := c.late[ch.Operation] || c.undecided
	if ch.Moved && ch.Node != "" {
		c.moves++
		if late {
			c.lateN++
		}
	}
	c.blind[gi].changed(ch, late)
	c.quiet.moved(w, gi, ch)
}

// groupOf returns which group an address belongs to, by the address (see addGroup).
func (w *world) groupOf(ch fakecloud.Change) int {
	b := ch.IP.As4()
	return groupsInNet*int(b[1]) + int(b[3]-1)/10
}

func (w *world) targetWord(t providers.Target) string {
	if t.IsZero() {
		return "nobody"
	}
	return t.String()
}

// twoActives looks for two nodes that lead a group although they hear each other
// (section 5.5). It is asked twice a second.
func (c *checks) twoActives(w *world) {
	for gi := range w.groups {
		for i, a := range w.nodes {
			for j := i + 1; j < len(w.nodes); j++ {
				key := [3]int{gi, i, j}
				if !w.bothActive(a, w.nodes[j], gi) {
					delete(c.both, key)
					continue
				}
				since, ok := c.both[key]
				if !ok {
					c.both[key] = w.now
				} else if w.now.Sub(since) > c.atMost(election.ActiveDown(election.PriorityMin, w.opts.interval)+2*w.opts.interval+time.Second) {
					c.broken(w, checkTwoActives, "%s and %s both lead %s for %v and hear each other", a.name, w.nodes[j].name, w.groups[gi].name, w.now.Sub(since))
				}
			}
		}
	}
	w.after(500*time.Millisecond, func() { c.twoActives(w) })
}

func (w *world) bothActive(a, b *node, gi int) bool {
	if a.machine == nil || b.machine == nil || a.paused || b.paused || a.wrongKey != b.wrongKey ||
		!w.links[a.id][b.id].clean() || !w.links[b.id][a.id].clean() {
		return false
	}
	name := w.groups[gi].name
	if a.machine.Role(name) != election.Active || b.machine.Role(name) != election.Active {
		return false
	}
	sa, sb := w.statusOf(a, gi), w.statusOf(b, gi)
	return sa.Handover.To != b.name && sb.Handover.To != a.name
}

func (l *link) clean() bool {
	return l.cut == 0 && l.loss == 0 && l.part == 0 && l.tail == 0 && l.reorder == 0
}

// documented reports whether docs/design.md section 5 knows the transition.
func documented(from, to election.Role, why election.Reason) bool {
	switch why {
	case election.ReasonStarted:
		return from == election.Initialize && to == election.Backup
	case election.ReasonStopping:
		return to == election.Initialize
	case election.ReasonCheckFailed:
		return to == election.Fault || from == election.Active && to == election.Backup
	case election.ReasonCheckRecovered:
		return from == election.Fault && to == election.Backup
	case election.ReasonDrained:
		return to == election.Drained
	case election.ReasonResumed:
		return from == election.Drained && to == election.Backup
	case election.ReasonHandedOver:
		return from == election.Active && (to == election.Backup || to == election.Drained)
	case election.ReasonResumedBound, election.ReasonSuccessor, election.ReasonAssigned, election.ReasonPreempted,
		election.ReasonOwnerGoodbye, election.ReasonOwnerStopped, election.ReasonOwnerFault, election.ReasonOwnerDrained,
		election.ReasonOwnerCannotClaim, election.ReasonOwnerSilent, election.ReasonUnbound:
		return from == election.Backup && to == election.Active
	case election.ReasonOwnStall, election.ReasonDisplaced, election.ReasonMovedByHand, election.ReasonClaimFailed,
		election.ReasonAPILost, election.ReasonYieldSuccessor, election.ReasonYieldWrite, election.ReasonYieldOwner,
		election.ReasonYieldTerm, election.ReasonYieldPriority, election.ReasonYieldAddress,
		election.ReasonHandoverFailed, election.ReasonHandoverExpired:
		return from == election.Active && to == election.Backup
	default:
		return false
	}
}
