// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
)

// guestStep is one step in the guest of a node on its way. What it changes of the
// machine outlives the daemon.
type guestStep struct {
	decision     controller.Decision
	term         election.Term
	began, ended election.Instant // of the owner read that an announcement relies on
	here         bool             // that read names this node: it only refreshes
}

// announcementLost is how many announcements nobody takes notice of.
const announcementLost = 0.15

// startGuest begins a step in the guest.
func (w *world) startGuest(n *node, h *hand, d controller.Decision, p election.Permit) {
	h.announcing = d.Step == controller.Announce
	s := &guestStep{decision: d, term: p.Term, began: h.state.Addresses[d.Address].Began, ended: h.state.Addresses[d.Address].Ended, here: h.state.Addresses[d.Address].Mine}
	h.busy = true
	life := n.life
	w.after(w.chance.between(0, 3*time.Millisecond)+w.netlink(n), func() {
		w.fact(n, life, func() { w.endGuest(n, h, s) })
	})
}

// netlinkMax is how long a slow kernel takes for one thing at most.
const netlinkMax = time.Second

// netlink draws how much longer than usual the kernel of a node takes.
func (w *world) netlink(n *node) time.Duration {
	if n.netlinkSlow == 0 {
		return 0
	}
	w.faults.hit(NetlinkSlow)
	d := w.chance.between(0, netlinkMax)
	n.netlinkUntil = max(n.netlinkUntil, w.local(n).Add(d))
	return d
}

// endGuest makes the step and tells the controller.
func (w *world) endGuest(n *node, h *hand, s *guestStep) {
	k := s.decision.Address
	fact := controller.GuestFact{Address: k, State: controller.GuestPresent}
	switch s.decision.Step {
	case controller.Remove:
		w.configure(n, h.group, k, w.keeping && n.configured(h.group, k))
		fact.State = controller.GuestAbsent
	case controller.Announce:
		w.configure(n, h.group, k, true)
		life := n.life
		w.after(w.netlink(n), func() { w.fact(n, life, func() { w.announce(n, h, s) }) }) // for what it takes to prepare the frame
		return
	default:
		w.configure(n, h.group, k, true)
	}
	w.guestDone(n, h, fact)
}

// guestDone tells the controller how a step in the guest ended.
func (w *world) guestDone(n *node, h *hand, fact controller.GuestFact) {
	if n.machine == nil {
		return
	}
	w.learn(n, h, controller.Observation{Guest: &fact})
	w.idle(n, h.group)
}

// announce asks the write gate when all is prepared and, if it is open, lets the frame of
// an announcement leave. The cloud takes notice after a while that is the same for all nodes.
func (w *world) announce(n *node, h *hand, s *guestStep) {
	g, d := &w.groups[h.group], s.decision
	if why := w.withheld(n, h, s); why != election.ReasonNone {
		w.trace(n, "%s: announcement withheld, %s", g.name, why)
		w.guestDone(n, h, controller.GuestFact{Address: d.Address, State: controller.GuestPresent})
		return
	}
	w.checks.announces(w, n, h, s)
	w.trace(n, "%s: announces %v, repeat %v", g.name, g.addresses[d.Address].IP, d.Repeat)
	if !w.chance.one(announcementLost) {
		life := n.life
		w.after(w.opts.groups[h.group].drift, func() { w.noticed(n, life, h.group, s) })
	}
	w.learn(n, h, controller.Observation{Announced: &controller.AnnounceFact{Address: d.Address, Left: true}})
	if !d.Repeat {
		n.seen.writeOver(h.group, w.local(n), true)
		w.step(n, election.WriteDone{Group: g.name, Outcome: election.WriteAccepted, More: true})
	}
	w.idle(n, h.group)
}

// withheld is the write gate's second look, just before the frame leaves. What the election
// does when it hears of a write may end the role.
func (w *world) withheld(n *node, h *hand, s *guestStep) election.Reason {
	g := &w.groups[h.group]
	w.step(n, election.Tick{})
	if n.machine == nil {
		return election.ReasonStopping
	}
	if a := &h.state.Addresses[s.decision.Address]; a.Seen.Target == s.decision.Seen.Target && a.Began > s.began {
		s.began, s.ended = a.Began, a.Ended // it may have been read again meanwhile
	}
	why := controller.AnnounceGate(w.local(n), n.machine.Permit(g.name), s.term, s.began, s.ended, s.here)
	if why != election.ReasonNone || s.decision.Repeat {
		return why
	}
	w.step(n, election.WriteSent{Group: g.name})
	if n.machine == nil || n.machine.Role(g.name) != election.Active {
		return election.ReasonNotActive
	}
	return election.ReasonNone
}

// noticed lets the cloud take notice of an announcement. It is nobody's decision now if
// the node does not lead any more; nor if it is one more of a claim, or a refresh, and
// the address has gone to somebody else since the read that it relies on.
func (w *world) noticed(n *node, life, gi int, s *guestStep) {
	g := &w.groups[gi]
	leads := n.life == life && n.machine != nil && n.machine.Role(g.name) == election.Active
	ip, d := g.addresses[s.decision.Address].IP, s.decision
	w.checks.undecided = !leads || d.Repeat && w.model.Holder(ip) != d.Seen.Target
	_, _ = w.model.Submit(fakecloud.Request{Verb: fakecloud.Move, IP: ip, To: n.target, Node: n.name}) // what it cannot do, it ignores
	w.checks.undecided = false
}

// configure puts an address on a machine, or takes it off.
func (w *world) configure(n *node, gi, k int, on bool) {
	if n.configured(gi, k) == on {
		return
	}
	w.trace(n, "%s: machine has %v: %v", w.groups[gi].name, w.groups[gi].addresses[k].IP, on)
	if n.addresses == nil {
		n.addresses = map[[2]int]bool{}
	}
	n.addresses[[2]int{gi, k}] = on
	w.checks.quiet.configured(w, n, gi, k)
}

// configured reports whether a machine has an address of a group.
func (n *node) configured(gi, k int) bool { return n.addresses[[2]int{gi, k}] }

// configuredAny reports whether a machine has any address of a group.
func (w *world) configuredAny(n *node, gi int) bool {
	for k := range w.groups[gi].addresses {
		if n.configured(gi, k) {
			return true
		}
	}
	return false
}

// sweepPatience is how long what an earlier process left may stay on the machine of a
// node that is starting (docs/design.md section 5.10).
const sweepPatience = 20 * time.Second

// leftover is an announced address on the machine of a node that does not lead.
type leftover struct {
	life  int
	since election.Instant // of the node
}

// leftovers looks for them (section 5.10). It is asked twice a second.
func (c *checks) leftovers(w *world) {
	for gi := range w.groups {
		for _, n := range w.nodes {
			c.leftover(w, n, gi)
		}
	}
	w.after(500*time.Millisecond, func() { c.leftovers(w) })
}

func (c *checks) leftover(w *world, n *node, gi int) {
	key, now := [2]int{gi, n.id}, w.local(n)
	if n.machine == nil || n.paused || n.machine.Role(w.groups[gi].name) == election.Active || !w.configuredAny(n, gi) {
		delete(c.left, key)
		return
	}
	found, ok := c.left[key]
	if !ok || found.life != n.life {
		c.left[key] = leftover{n.life, now}
		return
	}
	patience := time.Second
	if now.Sub(n.started) < sweepPatience+time.Second {
		patience = sweepPatience + time.Second
	}
	// Steps are made one after the other, and with a slow kernel each may take as long.
	if lasts := now.Sub(max(found.since, n.netlinkUntil)); lasts > patience {
		c.broken(w, checkAnnounced, "%s does not lead %s, and an address of it is on its machine for %v", n.name, w.groups[gi].name, lasts)
	}
}

// announces looks at one announcement as it leaves (invariants 1, 7, 10 and 13).
func (c *checks) announces(w *world, n *node, h *hand, s *guestStep) {
	g, seen, now := &w.groups[h.group], &n.seen.groups[h.group], w.local(n)
	age := max(time.Second, w.opts.interval)
	if s.here {
		age = 2 * time.Second
	}
	read := s.ended != 0 && s.began > seen.owningAt && s.began >= seen.writeOver &&
		s.ended.Sub(s.began) <= election.AttemptTimeout && now.Sub(s.ended) <= age
	switch {
	case seen.role != election.Active || !seen.healthy || !seen.known || seen.drained || n.leaving && !n.restart:
		c.broken(w, checkWriteGate, "%s %s announces as %s, healthy %v, known %v, drained %v, leaving %v", n.name, g.name, seen.role, seen.healthy, seen.known, seen.drained, n.leaving)
	case seen.handingOver:
		c.broken(w, checkNoGap, "%s %s announces while it hands the group over", n.name, g.name)
	case !read && !n.seen.allStandBy(w, n, h.group):
		c.broken(w, checkWriteGate, "%s %s announces on a read that took %v and is %v old, %v before the last owning advert, and a peer is not heard or leads",
			n.name, g.name, s.ended.Sub(s.began), now.Sub(s.ended), seen.owningAt.Sub(s.began))
	case !read && seen.failedAt == 0:
		c.broken(w, checkWriteGate, "%s %s announces on a read that is %v old although the cloud answers", n.name, g.name, now.Sub(s.ended))
	case s.term.Less(seen.highest):
		c.broken(w, checkWriteGate, "%s %s announces in term %v and has heard of %v", n.name, g.name, s.term, seen.highest)
	case read && s.began < n.seen.believed():
		c.broken(w, checkStall, "%s %s announces on what it believed before it stood still", n.name, g.name)
	}
	holder := s.decision.Seen.Target
	reclaims := g.config.OnMoved == election.ReclaimMoved && seen.seenOurs
	if !holder.IsZero() && w.nodeOf(holder) == nil && !seen.ordered && !seen.stopped && !reclaims && !w.indistinct(n, holder) {
		c.broken(w, checkOurs, "%s %s takes the address from a live stranger; the last read says %s", n.name, g.name, ownerWord(seen.read.Owner))
	}
	if q := c.quiet; q != nil && q.group == h.group && q.announced != nil {
		q.announced[s.decision.Address] = n
	}
	if !s.decision.Repeat {
		c.writeN++
		c.quiet.wrote(w, n, h.group)
	}
}

// allStandBy reports whether every peer was heard two-way within its patience and says
// that it does not lead.
func (s *shadow) allStandBy(w *world, n *node, gi int) bool {
	for i := range s.peers {
		if i == n.id {
			continue
		}
		if word, fresh := s.peers[i].heardOf(w, gi, w.local(n)); !fresh || word.Role == election.Active {
			return false
		}
	}
	return true
}
