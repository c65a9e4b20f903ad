// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"fmt"
	"time"
)

// Machine is the election of one node: every peer and every group. It is not
// safe for concurrent use. The zero value is not usable; see New.
type Machine struct {
	cfg    Config
	peers  []*peer
	groups []*group
	vrids  [256]*group // by VRID
	names  map[string]*group

	now       Instant
	deadline  Instant
	started   Instant
	advertAt  Instant // when the next regular adverts are due
	lastLeft  Instant // when our last adverts left
	sequence  uint64
	urgent    bool // advertise at the end of this step
	targets   []NodeTarget
	wayOut    bool
	restart   bool // the daemon is about to come back
	departed  bool
	unmoved   bool    // the last step has changed nothing, see Unmoved
	stalledAt Instant // when a stall was noticed and has not been recovered from
	stallFrom Instant // when the last adverts before the stall left
	stallEnd  Instant // reads that began before this say nothing about now
	toldAt    Instant // when a peer told anew what it is called
	voiceless bool    // our adverts cannot be built
	doubtedAt Instant // when it could not be told whether there was a stall, and was not proved since

	actions   []Action
	guardsOff guardSet
}

// New returns a machine in role initialize. It fails only if cfg breaks the rules
// stated at Config; a file that package config accepted does not.
func New(cfg Config, now Instant) (*Machine, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure election: %w", err)
	}
	m := &Machine{now: now, started: now, wayOut: true, guardsOff: guardsOff}
	m.configure(cfg)
	m.advertAt = now
	m.deadline = now
	return m, nil
}

// configure adopts cfg, keeping what is known of peers and groups that stay.
func (m *Machine) configure(cfg Config) {
	old, oldGroups := m.peers, m.groups
	m.cfg = cfg
	m.peers = make([]*peer, len(cfg.Peers))
	from := make([]int, len(cfg.Peers)) // new index -> old index, or -1
	for i, p := range cfg.Peers {
		from[i] = -1
		m.peers[i] = &peer{interval: cfg.Interval}
		for j, known := range old {
			if known.Name == p.Name {
				m.peers[i], from[i] = known, j
			}
		}
		m.peers[i].Peer = p
	}
	m.groups, m.vrids, m.names = make([]*group, len(cfg.Groups)), [256]*group{}, make(map[string]*group, len(cfg.Groups))
	for i, gc := range cfg.Groups {
		g := m.adopt(gc, oldGroups, from)
		m.groups[i], m.vrids[gc.VRID], m.names[gc.Name] = g, g, g
	}
}

// adopt returns the group of a new configuration, with its state if there was one of its name.
// Its VRID is only what it is called on the wire: under another one it is the same group, and
// what peers last said of it is true for as long as it would have been. But silence begins
// anew: of the other VRID nothing could be heard.
func (m *Machine) adopt(gc GroupConfig, known []*group, from []int) *group {
	for _, g := range known {
		if g.cfg.Name != gc.Name || g.cfg.VRID != gc.VRID && m.lacks(guardSameGroup) {
			continue
		}
		if g.cfg.VRID != gc.VRID {
			g.activeDownAt = m.now.Add(m.ownActiveDown(g))
		}
		g.cfg = gc
		m.rankConfigured(g)
		peers, latches := g.peers, g.latches
		g.peers, g.latches = make([]peerGroup, len(from)), make([]Instant, len(from))
		for i, j := range from {
			if j >= 0 {
				g.peers[i], g.latches[i] = peers[j], latches[j]
			}
		}
		latched := g.probe.latched
		g.probe.latched = make([]latchProbe, len(from))
		for i, j := range from {
			if j >= 0 {
				g.probe.latched[i] = latched[j]
			}
		}
		g.probe.from = renumbered(g.probe.from, from)
		g.plan.offerFrom = renumbered(g.plan.offerFrom, from)
		g.plan.declined = renumbered(g.plan.declined, from)
		return g
	}
	g := &group{cfg: gc, since: m.now, reason: ReasonStarted, drained: gc.Drained, lookAt: m.now}
	g.peers, g.latches = make([]peerGroup, len(from)), make([]Instant, len(from))
	for i, p := range m.peers {
		g.peers[i].sequence = p.sequence // what left before may have been recorded
	}
	g.probe.latched = make([]latchProbe, len(from))
	m.rankConfigured(g)
	g.activeDownAt = m.now.Add(m.ownActiveDown(g))
	return g
}

// renumbered returns index+1 of the peer that had index+1 old before a reload, or
// 0 if there was none or it is gone.
func renumbered(old int, from []int) int {
	for i, j := range from {
		if old > 0 && j == old-1 {
			return i + 1
		}
	}
	return 0
}

// Step takes one event at an instant that is not before the last one's, and
// returns what is to be done, in order. It never blocks and never fails; the
// returned slice is valid until the next Step.
func (m *Machine) Step(now Instant, ev Event) []Action {
	m.actions = m.actions[:0]
	if m.departed {
		return m.stayAway(now, ev)
	}
	m.now = max(now, m.now)
	m.unmoved = false
	m.noticeStall()
	m.handle(ev)
	if m.departed {
		return m.actions
	}
	m.unmoved = m.unmoved && len(m.actions) == 1 && m.now < m.deadline
	if !m.unmoved {
		m.settleDown()
	}
	if m.urgent || m.now >= m.advertAt {
		m.advertise()
	}
	m.sendAnswers()
	m.deadline = earliest(m.deadline, m.advertAt)
	return m.actions
}

// Unmoved reports whether the last Step took in an advert that does not count, before anything
// was due, and so changed nothing that a role, a wish or a permit depends on. Who has recorded
// many lives of a peer makes many such steps.
func (m *Machine) Unmoved() bool { return m.unmoved }

// Deadline returns when Step is next needed with Tick, if no event comes before.
func (m *Machine) Deadline() Instant { return m.deadline }

// settleDown lets every rule that depends on time or on other rules act until
// nothing changes any more. Each pass computes the deadline anew. Four passes are
// more than any chain of rules needs; a longer one goes on in the next Step.
func (m *Machine) settleDown() {
	for range 4 {
		m.deadline = never
		m.recover()
		before := len(m.actions)
		for _, g := range m.groups {
			m.advance(g)
		}
		if len(m.actions) == before {
			return
		}
	}
}

// advance lets the time rules of one group act. The order matters: first what
// this node is, then what others agreed with it, then what it claims, then what
// it asks.
func (m *Machine) advance(g *group) {
	m.advanceRole(g)
	m.advancePlan(g)
	m.advanceLatches(g)
	if g.role == Active {
		m.advanceClaim(g)
	} else {
		m.evaluate(g)
	}
	m.notePresence(g)
	m.advanceProbe(g)
}

// within reports whether less than d has passed since i, and if so makes sure
// that Step is called when it has.
func (m *Machine) within(i Instant, d time.Duration) bool {
	if i == never {
		return false
	}
	return m.before(i.Add(d))
}

// before reports whether i lies ahead, and if so makes sure that Step is called
// when it comes.
func (m *Machine) before(i Instant) bool {
	if i == never || m.now >= i {
		return false
	}
	m.deadline = earliest(m.deadline, i)
	return true
}

// due reports whether i has come, and otherwise makes sure that Step is called
// when it does.
func (m *Machine) due(i Instant) bool { return i != never && !m.before(i) }

func (m *Machine) do(a Action) { m.actions = append(m.actions, a) }

// group returns the group of that name, or nil.
func (m *Machine) group(name string) *group { return m.names[name] }

// peerIndex returns the index of a configured peer, or -1.
func (m *Machine) peerIndex(name string) int {
	for i, p := range m.peers {
		if p.Name == name {
			return i
		}
	}
	return -1
}

// handle brings one event to the rule that it concerns.
func (m *Machine) handle(ev Event) {
	switch ev := ev.(type) {
	case Received:
		m.received(ev.Advert, false)
	case ReceivedElsewhere:
		m.received(ev.Advert, true)
	case BadlySigned:
		if i := m.peerIndex(ev.Peer); i >= 0 {
			m.peers[i].badlySigned = m.now
		}
	case OtherVersion:
		if i := m.peerIndex(ev.Peer); i >= 0 {
			m.peers[i].otherVersion = m.now
		}
	case OwnTargets:
		m.targets = append(m.targets[:0], ev.Targets...)
		m.urgent = true
	case WayOut:
		m.wayOut = ev.Open
	case Voice:
		m.voice(ev.OK)
	case ClocksDisagree:
		if ev.By > m.stallLimit() {
			m.stall(m.lastLeft)
		}
	case Reload:
		m.configure(ev.Config)
		m.urgent = true
	case Leave:
		m.leave(ev.Restart)
	case Depart:
		m.depart()
	default:
		m.handleGroup(ev)
	}
}

// handleGroup brings an event that concerns one group to its rule. An event for
// a group that a reload removed is dropped.
func (m *Machine) handleGroup(ev Event) {
	switch ev := ev.(type) {
	case OwnerRead:
		m.with(ev.Group, func(g *group) { m.ownerRead(g, ev) })
	case InstanceRead:
		m.with(ev.Group, func(g *group) { m.instanceRead(g, ev) })
	case Health:
		m.with(ev.Group, func(g *group) { m.healthChanged(g, ev) })
	case LastCheck:
		m.with(ev.Group, func(g *group) { m.lastCheck(g, ev) })
	case Identity:
		m.with(ev.Group, func(g *group) { m.identityChanged(g, ev) })
	case WriteSent:
		m.with(ev.Group, m.writeSent)
	case WriteDone:
		m.with(ev.Group, func(g *group) { m.writeDone(g, ev) })
	case MoveFailed:
		m.with(ev.Group, m.moveFailed)
	case ProbeAnswered:
		m.with(ev.Group, func(g *group) { m.probeAnswered(g, ev) })
	case ServiceProbed:
		m.with(ev.Group, func(g *group) { m.serviceProbed(g, ev) })
	case Assign:
		m.with(ev.Group, func(g *group) { m.assign(g, ev) })
	case HandTo:
		m.with(ev.Group, func(g *group) { m.handTo(g, ev) })
	case Drain:
		m.with(ev.Group, func(g *group) { m.drain(g, ev) })
	case ResumeNode:
		m.with(ev.Group, m.resume)
	case CancelOrder:
		m.with(ev.Group, m.cancelOrder)
	}
}

func (m *Machine) with(name string, f func(*group)) {
	if g := m.group(name); g != nil {
		f(g)
	}
}
