// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// shadow is what the checkers know of one life of a node, followed from outside of
// its machine: what it was told, and what it said. Instants are the node's own.
type shadow struct {
	denied bool   // the cloud turned its credentials down
	left   func() // what to do when it has left
	groups []shadowGroup
	peers  []shadowPeer

	stalledAt election.Instant // it did not run; only a read begun after this counts
	doubtedAt election.Instant // the same for what moves an address: a long silence hides that it did not
	noticedAt election.Instant // when its machine noted a stall
	skipped   time.Duration    // how long its clocks stood still the last time
	skipEnd   election.Instant // of the world: when they ran again
	skipLocal election.Instant // the same on its own clock
}

// shadowGroup is one group in the eyes of the checkers.
type shadowGroup struct {
	role           election.Role
	owningAt       election.Instant // last owning advert of another node that counted
	highest        election.Term    // in any accepted advert
	healthy, known bool
	drained        bool
	handingOver    bool // its last advert names a successor
	ordered        bool // an operator assigned the group here
	seenOurs       bool // some read named a node of the cluster
	stopped        bool // the cloud said that the owner's machine is stopped
	read           election.OwnerRead
	failedAt       election.Instant // start of the first of the reads that all failed since
	writeOver      election.Instant
	activeAt       election.Instant            // when it became active last
	from           election.OwnerRead          // the read that this claim began from
	ackedAt        election.Instant            // when its last write of this claim was acknowledged; 0: none was
	lagged         bool                        // its newest read shows what was true before that write
	namedAt        map[string]election.Instant // when a read named each node first
	toldOf         map[string]election.Instant // when another node, by its word, or the probe heard each node first
	serviceFails   int                         // how often in a row the user's probe failed
	elsewhere      []election.Instant          // of each node: when the newest read began that named another
}

// shadowPeer is one peer in the eyes of the checkers.
type shadowPeer struct {
	sent      [256]election.Instant // when our datagrams left, by sequence
	sentSeq   [256]uint64
	session   uint64
	heard     int                          // accepted adverts of that session
	basis     bool                         // some of them before the clocks stood still
	marks     [driftMarks]election.Instant // when its last adverts were heard, half an interval apart or more, newest first
	sequence  uint64                       // of the newest of that session
	since     election.Instant             // when its session was accepted
	begun     uint64                       // sequence of the advert with which it was
	restartAt election.Instant             // when it announced a restart last
	told      election.Instant             // when our last datagram left
	words     []shadowWord                 // what it said last, by group
	at        election.Instant
	total     uint8 // how many groups it says that it has, and which it has named since it says so
	vrids     map[uint8]bool
	leaves    bool // by its newest advert
	twoWayAt  election.Instant
	recent    [10]arrival // of its last accepted adverts, half an interval apart or more, newest first
}

// shadowWord is what a peer said last of a group.
type shadowWord struct {
	election.GroupAdvert
	sequence     uint64
	at, twoWayAt election.Instant
	ledAt        election.Instant   // when it said that it leads, two-way and as its last word; 0: it did not
	starts       []election.Instant // when its last sessions began that were not announced by one that led
}

// arrival is when an advert was accepted, by the world's clock, and how long it had been
// on its way.
type arrival struct {
	at   election.Instant
	late time.Duration
}

// arrive notes that an advert was accepted. Those of a burst are one: a node compares
// uptimes with adverts that are that far apart.
func (sp *shadowPeer) arrive(now election.Instant, late, spacing time.Duration) {
	if newest := &sp.recent[0]; newest.at != 0 && now.Sub(newest.at) < spacing {
		newest.late = max(newest.late, late)
		return
	}
	copy(sp.recent[1:], sp.recent[:])
	sp.recent[0] = arrival{now, late}
}

// basisOf returns when the oldest of the last adverts was accepted that a node compares
// a peer's uptime with, and how late the latest of them was.
func (sp *shadowPeer) basisOf() (oldest election.Instant, late time.Duration) {
	for _, a := range sp.recent {
		if a.at != 0 && (oldest == 0 || a.at < oldest) {
			oldest = a.at
		}
		late = max(late, a.late)
	}
	return oldest, late
}

func newShadow(w *world, n *node) shadow {
	s := shadow{groups: make([]shadowGroup, len(w.groups)), peers: make([]shadowPeer, len(w.nodes))}
	for i := range s.groups {
		s.groups[i].read.Failed = true
		s.groups[i].elsewhere = make([]election.Instant, len(w.nodes))
		s.groups[i].drained = n.drained[i]
	}
	return s
}

// read notes a successful owner read. One that still shows, within the time that reads may
// lag behind, whom the claim began from says nothing (docs/design.md section 5.8).
func (s *shadow) read(w *world, gi int, ev election.OwnerRead) {
	g := &s.groups[gi]
	lags := g.role == election.Active && ev.Owner == g.from.Owner && ev.Version == g.from.Version &&
		g.ackedAt != 0 && ev.Ended.Sub(g.ackedAt) < w.groups[gi].config.SettleTime
	if ev.Began >= g.read.Began {
		if g.lagged = lags; !lags {
			s.named(gi, ev)
			g.read = ev
		}
	}
	if !ev.Again {
		g.failedAt = 0
	}
	g.seenOurs = g.seenOurs || ev.Owner.Kind == election.OwnerNode
	for i := range g.elsewhere {
		if named := ev.Owner.Kind == election.OwnerNode || ev.Owner.Kind == election.OwnerForeign; named && ev.Owner.Node != w.nodes[i].name {
			g.elsewhere[i] = max(g.elsewhere[i], ev.Began)
		}
	}
}

// writeOver notes the end of a write.
func (s *shadow) writeOver(gi int, now election.Instant, acknowledged bool) {
	g := &s.groups[gi]
	g.writeOver = now
	if acknowledged && g.role == election.Active {
		g.ackedAt = now
	}
}

// remembers reports whether the node's last read began so long before it became active
// that it says nothing of this term: no gate would have accepted it then.
func (s *shadow) remembers(w *world, gi int) bool {
	g := &s.groups[gi]
	return g.role == election.Active && g.activeAt.Sub(g.read.Began) > election.AttemptTimeout+max(time.Second, w.opts.interval)
}

// fooled reports whether the node's newest read shows what was true before its own write,
// within the time in which the cloud may answer so, and every address is here.
func (s *shadow) fooled(w *world, n *node, gi int) bool {
	if !s.groups[gi].lagged {
		return false
	}
	for _, a := range w.groups[gi].addresses {
		if w.model.Holder(a.IP) != n.target {
			return false
		}
	}
	return true
}

// woke notes that the node did not run for a while.
func (s *shadow) woke(w *world, n *node, paused time.Duration, clocks bool) {
	limit := stallLimit(w)
	switch {
	case clocks:
		s.skipped, s.skipEnd, s.skipLocal = paused, w.now, w.local(n)
		w.checks.unknowable()
		for i := range s.peers {
			s.peers[i].basis = s.peers[i].heard > 2
		}
	case paused > limit:
		s.stalledAt = w.local(n)
	}
}

// driftPart is which part of a time the clocks of two machines may drift apart in it,
// and so what cannot be told from a stop (docs/design.md section 5.7).
const driftPart = 20

// driftMarks is how many adverts of a peer its uptime may be compared with, and this one.
const driftMarks = 9

// drift returns how far the clocks may have drifted apart since the advert that the last
// one of the peer is compared with.
func (sp *shadowPeer) drift(w *world) time.Duration {
	oldest := sp.at
	for _, at := range sp.marks {
		if at != 0 {
			oldest = at
		}
	}
	return max(0, sp.at.Sub(oldest)-(driftMarks-1)*w.opts.interval) / driftPart
}

// believed returns when a read must have begun that something relies on which moves an
// address; 0: at any time.
func (s *shadow) believed() election.Instant { return max(s.stalledAt, s.doubtedAt) }

// orderedHere notes that an operator wants the group on the node.
func (s *shadow) orderedHere(gi int) {
	if s.groups != nil {
		s.groups[gi].ordered = true
	}
}

// note follows what the node was told.
func (s *shadow) note(w *world, n *node, ev election.Event) {
	switch ev := ev.(type) {
	case election.Health:
		s.groups[w.groupIndex(ev.Group)].healthy = ev.Healthy
	case election.Identity:
		s.groups[w.groupIndex(ev.Group)].known = ev.Known
	case election.OwnerRead:
		if g := &s.groups[w.groupIndex(ev.Group)]; ev.Failed && g.failedAt == 0 {
			g.failedAt = ev.Began
		}
	case election.ProbeAnswered:
		s.groups[w.groupIndex(ev.Group)].told(ev.Node, w.local(n))
	case election.ServiceProbed:
		if g := &s.groups[w.groupIndex(ev.Group)]; ev.OK {
			g.serviceFails = 0
		} else {
			g.serviceFails++
		}
	case election.Assign:
		s.groups[w.groupIndex(ev.Group)].ordered = true
	case election.ResumeNode:
		s.groups[w.groupIndex(ev.Group)].drained = false
	case election.InstanceRead:
		g := &s.groups[w.groupIndex(ev.Group)]
		g.stopped = ev.Stopped && ev.Owner == g.read.Owner
	}
}

// accepted follows a part of an advert that the machine did not refuse, as section 5.1 says:
// what it says of the peer counts if it is newer than all before, and each group if that is
// newer than what was said of it before. It reports which.
func (s *shadow) accepted(w *world, n *node, p *packet) (newest, twoWay bool) {
	a := &p.advert
	sp := &s.peers[p.from]
	now := w.local(n)
	if sp.words == nil {
		sp.words = make([]shadowWord, len(w.groups))
	}
	first := sp.session != a.Session
	if first {
		sp.session, sp.sequence, sp.heard, sp.basis, sp.marks = a.Session, a.Sequence-1, 0, false, [driftMarks]election.Instant{}
		sp.recent = [10]arrival{}
		for gi := range sp.words {
			sp.words[gi].begins(sp, a.Sequence, now)
		}
		sp.since, sp.begun = now, a.Sequence
	}
	down := election.ActiveDown(election.PriorityDefault, w.opts.interval)
	i := a.Echo.Sequence % 256
	twoWay = a.Echo.Session == n.session && sp.sentSeq[i] == a.Echo.Sequence && now.Sub(sp.sent[i]) < down || a.Sequence == sp.begun // and its other parts
	if newest = a.Sequence > sp.sequence; newest {
		sp.sequence, sp.leaves = a.Sequence, false
		if twoWay {
			sp.twoWayAt = now
		}
		sp.heard++
		sp.arrive(w.now, w.now.Sub(p.sent), w.opts.interval/2)
		if sp.at = now; now.Sub(sp.marks[0]) >= w.opts.interval/2 {
			copy(sp.marks[1:], sp.marks[:])
			sp.marks[0] = now
		}
	}
	sp.known(a, first)
	for k := range a.Groups {
		g := &a.Groups[k]
		if a.Sequence == sp.sequence {
			sp.leaves = sp.leaves || g.Role == election.Initialize && g.Priority == 0
			if g.Flags.Has(election.FlagRestarting) {
				sp.restartAt = now
			}
		}
		s.word(n, sp, g, a.Sequence, now, twoWay)
	}
	return newest, twoWay
}

// word follows what a peer says of one group.
func (s *shadow) word(n *node, sp *shadowPeer, g *election.GroupAdvert, sequence uint64, now election.Instant, twoWay bool) {
	gi := groupOf(g.VRID)
	if gi >= len(sp.words) || g.VRID != n.file.vrid(gi) || !n.loaded[gi] {
		return // its file has no such group
	}
	word := &sp.words[gi]
	if sequence <= word.sequence {
		return
	}
	word.GroupAdvert, word.sequence, word.at = *g, sequence, now
	word.Relay = nil
	sg := &s.groups[gi]
	for _, r := range g.Relay {
		sg.told(r.Node, now-election.Instant(r.Age))
	}
	if sg.highest.Less(g.Term) {
		sg.highest = g.Term
	}
	if g.Role != election.Active {
		word.ledAt = 0
	}
	if !twoWay {
		return
	}
	word.twoWayAt = now
	if g.Role == election.Active {
		word.ledAt = now
	}
	if g.Role == election.Active && g.Handover.To != n.name && !word.crashLooping(now) {
		sg.owningAt = now
	}
}

// heardOf returns what a peer said last of a group, and whether that was so lately, and
// hearing the node, that it counts.
func (sp *shadowPeer) heardOf(w *world, gi int, now election.Instant) (g *shadowWord, fresh bool) {
	if sp.words == nil {
		return nil, false
	}
	g = &sp.words[gi]
	return g, now.Sub(g.twoWayAt) <= election.ActiveDown(election.PriorityMin, w.opts.interval)
}

// heardLead reports whether the last word of a peer is that it leads, heard two-way since
// the newest read that named another began: then it took nothing unheard (section 5.4).
func (s *shadow) heardLead(gi, peer int) bool {
	words := s.peers[peer].words
	return words != nil && words[gi].ledAt > s.groups[gi].elsewhere[peer]
}

// begins notes that a session of the peer begins.
func (word *shadowWord) begins(sp *shadowPeer, sequence uint64, now election.Instant) {
	word.sequence = sequence - 1
	if sp.restartAt > sp.since && word.ledAt > sp.since {
		return
	}
	word.starts = append(word.starts, now)
	if len(word.starts) > 3 {
		word.starts = word.starts[1:]
	}
}

// crashLooping reports whether the peer's adverts of the group are discounted.
func (word *shadowWord) crashLooping(now election.Instant) bool {
	const window = time.Minute
	return len(word.starts) == 3 && word.starts[2].Sub(word.starts[0]) < window && now.Sub(word.starts[2]) < window
}

// sentTo notes a datagram that left.
func (s *shadow) sentTo(peer int, a *election.Advert, now election.Instant) {
	sp := &s.peers[peer]
	sp.told = now
	sp.sentSeq[a.Sequence%256], sp.sent[a.Sequence%256] = a.Sequence, now
}

// couldLead reports whether some peer that the node hears says that it could lead.
func (s *shadow) couldLead(w *world, n *node, gi int) bool {
	now := w.local(n)
	for i := range s.peers {
		g, fresh := s.peers[i].heardOf(w, gi, now)
		if !fresh {
			continue
		}
		if g.Role == election.Active { // an incumbent that keeps what a successor gives back
			return true
		}
		if g.Flags.Has(election.FlagHealthy|election.FlagCanClaim) && !g.Flags.Has(election.FlagDraining) &&
			g.Role != election.Drained && g.Role != election.Fault && g.Role != election.Initialize {
			return true
		}
	}
	return false
}

// newerElsewhere reports whether a peer told of an owner read, newer than the node's
// own, that names another node than this one.
func (s *shadow) newerElsewhere(w *world, n *node, gi int) bool {
	now := w.local(n)
	for i := range s.peers {
		sp := &s.peers[i]
		if sp.words == nil {
			continue
		}
		o, at := &sp.words[gi].Owner, sp.words[gi].at
		began := now - election.Instant(o.Age) - election.Instant(now.Sub(at))
		namesMe := o.Kind == election.OwnerNode && o.Node == n.name
		if o.Kind != election.OwnerUnknown && !namesMe && began > s.groups[gi].read.Began {
			return true
		}
	}
	return false
}

// namesMe reports whether the node's last successful read named it.
func (s *shadow) namesMe(n *node, gi int) bool {
	r := &s.groups[gi].read
	return !r.Failed && r.Owner.Kind == election.OwnerNode && r.Owner.Node == n.name
}
