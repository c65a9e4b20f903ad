// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"slices"
	"time"
)

// Status is a copy of what the machine knows, for people.
type Status struct {
	Node    string
	Groups  []GroupStatus
	Peers   []PeerStatus
	Stalled bool // catching up after a stall
	Left    bool // nothing is left to hand over: a stop may go on
}

// GroupStatus is the state of one group on this node.
type GroupStatus struct {
	Name          string
	Self          string // this node's name
	VRID          uint8
	Role          Role
	Reason        Reason        // of the role
	Held          Reason        // what the group waits for
	HeldUntil     Instant       // when that ends by itself at the latest; 0: not known, or past
	HeldFor       time.Duration // how long it lasts in all, where that is known
	Waits         bool          // for an owner read that began at WaitsSince or later
	WaitsSince    Instant       // zero: any
	LeaderSeen    bool          // an advert, a relay or a probe shows a node that leads
	Since         Instant       // of the role
	Term          Term
	Priority      uint8
	Healthy       bool
	Known         bool // every check has answered
	CanClaim      bool
	Drained       bool
	Sticky        bool
	Bound         bool // the last owner read says me
	Proven        bool // the owner answered the signed probe lately
	Contended     bool
	APIFailing    Instant // since when every call has failed; 0: not
	APIFailed     Instant // when the last of them was seen to fail
	Owner         Owner
	ReadAt        Instant // when that read began; 0: never read
	UnboundAt     Instant
	Asked         Request  // ours to the active node
	Ordered       bool     // an operator's assign waits for the takeover table
	Handover      Handover // ours to a successor
	HandoverUntil Instant  // when this node takes the group back
	Newest        Term     // the newest claim known
	LastPlan      Reason   // how the last handover of this node ended; ReasonNone while one runs
	// AnsweredBy is the peer that last answered this node's own probe through the
	// address, and AnsweredAt when that was asked; empty when none did.
	AnsweredBy string
	AnsweredAt Instant
	Nodes      []NodeStatus
}

// NodeStatus is one peer in the eyes of one group.
type NodeStatus struct {
	Name      string
	Heard     bool    // any advert of the group so far
	PeerHeard bool    // any advert so far, whatever the group
	ToldOf    bool    // another node said that it heard it, or it answered the probe
	Fresh     bool    // an accepted two-way advert within active-down
	Lacks     bool    // it is heard, and does not know the group
	At        Instant // last accepted advert
	Role      Role
	Priority  uint8
	Healthy   bool
	CanClaim  bool
	Bound     bool
	Mismatch  bool // its configuration of the group differs
	Latched   bool
	Reason    Reason // as it advertises it
	Refusal   Reason // why it may not lead now
	Prolongs  Reason // which of its datagrams arrive without counting in full
	// AnsweredBy is who last answered its signed probe, and AnsweredAge how long
	// ago; empty when nobody did.
	AnsweredBy  string
	AnsweredAge time.Duration
}

// PeerStatus is one peer, whatever the group.
type PeerStatus struct {
	Name       string
	Targets    []NodeTarget
	HeardAt    Instant
	EchoedAt   Instant // when the newest of this node's adverts left that its accepted session has echoed; 0: none
	Silent     bool    // for more than one and a half intervals
	CrashLoops bool
	Twice      bool // two live daemons run under its name
}

// Status returns a copy of what the machine knows.
func (m *Machine) Status() Status {
	s := Status{Node: m.cfg.Node, Peers: m.PeersStatus(), Stalled: m.recovering(), Left: true}
	for _, g := range m.groups {
		s.Groups = append(s.Groups, m.groupStatus(g))
		if g.role == Active && g.plan.handover.To != "" {
			s.Left = false
		}
	}
	return s
}

// PeersStatus is the part of Status that is about the peers, whatever the group.
func (m *Machine) PeersStatus() []PeerStatus {
	var s []PeerStatus
	for i, p := range m.peers {
		loops := func(g *group) bool { return m.crashLooping(g, i) }
		s = append(s, PeerStatus{
			Name: p.Name, Targets: slices.Clone(p.targets), HeardAt: p.heardAt, EchoedAt: p.echoedAt,
			Silent: m.quiet(p.twoWayAt, p), CrashLoops: slices.ContainsFunc(m.groups, loops), Twice: m.within(p.twiceAt, max(twiceFor, 3*p.interval)),
		})
	}
	return s
}

// GroupStatus is the part of Status that is about one group; of an unknown one it has the
// name alone.
func (m *Machine) GroupStatus(groupName string) GroupStatus {
	if g := m.group(groupName); g != nil {
		return m.groupStatus(g)
	}
	return GroupStatus{Name: groupName}
}

func (m *Machine) groupStatus(g *group) GroupStatus {
	s := GroupStatus{
		Name: g.cfg.Name, Self: m.cfg.Node, VRID: g.cfg.VRID, Role: g.role, Reason: g.reason, Held: g.held, Since: g.since,
		Term: g.claim.term, Priority: m.priority(g), Healthy: g.health.Known && g.health.Healthy, Known: g.health.Known,
		CanClaim: m.canClaim(g), Drained: g.drained, Sticky: m.sticky(g), Bound: m.bound(g),
		Proven: m.proven(g), Contended: g.contended, APIFailing: g.failingAt, APIFailed: g.failedAt,
		Owner: g.read.Owner, ReadAt: g.read.began, UnboundAt: g.unboundAt,
		Asked: g.plan.request, Ordered: g.plan.ordered, Handover: g.plan.handover, HandoverUntil: g.plan.handUntil, Newest: g.claim.highest, LastPlan: g.plan.ended,
	}
	s.Waits, s.WaitsSince, s.LeaderSeen = g.waits, max(m.gateSince(g)+1, g.wordAt), m.leaderSeen(g)
	if i := m.ownerIndex(g); i >= 0 && g.held == ReasonOwnerNeverHeard {
		if s.HeldUntil, s.HeldFor = m.unheardUntil(g, i); s.HeldUntil <= m.now {
			s.HeldUntil = never
		}
	}
	if g.probe.from > 0 {
		s.AnsweredBy, s.AnsweredAt = m.peers[g.probe.from-1].Name, g.probe.at
	}
	for i, p := range m.peers {
		pg := &g.peers[i]
		s.Nodes = append(s.Nodes, NodeStatus{
			Name: p.Name, Heard: pg.at != never, PeerHeard: p.heardAt != never, ToldOf: pg.toldOfAt != never, Fresh: m.fresh(g, i), Lacks: m.unknownThere(g, i), At: pg.at,
			Role: pg.Role, Priority: pg.Priority, Healthy: pg.Flags.Has(FlagHealthy),
			CanClaim: pg.Flags.Has(FlagCanClaim), Bound: pg.Flags.Has(FlagBound),
			Mismatch: pg.at != never && pg.Digest != g.cfg.Digest, Latched: g.latches[i] != never,
			Reason: pg.Reason, Refusal: m.standbyRefusal(g, i), Prolongs: m.prolonged(g, i),
			AnsweredBy: pg.Probe.AnsweredBy, AnsweredAge: pg.Probe.Age + m.now.Sub(pg.at),
		})
	}
	return s
}

// sticky reports whether the group was placed by hand, here or on the active
// peer.
func (m *Machine) sticky(g *group) bool {
	if g.role == Active {
		return g.plan.sticky
	}
	i := m.activePeer(g)
	return i >= 0 && g.peers[i].Flags.Has(FlagSticky)
}

// Role returns the role of a group, and Initialize for an unknown one.
func (m *Machine) Role(groupName string) Role {
	if g := m.group(groupName); g != nil {
		return g.role
	}
	return Initialize
}

// PeerTargets returns what the peers say they are called, by node name. It is the caller's,
// also in other goroutines.
func (m *Machine) PeerTargets() map[string][]NodeTarget {
	targets := make(map[string][]NodeTarget, len(m.peers))
	for _, p := range m.peers {
		targets[p.Name] = slices.Clone(p.targets)
	}
	return targets
}
