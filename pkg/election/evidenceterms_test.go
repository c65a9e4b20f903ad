// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"testing"
	"time"
)

// witnesses returns b, which has not heard the owner a for five seconds and hears c.
func witnesses(t *testing.T) (*Machine, *group) {
	t.Helper()
	s := newSeat(t, byA, func(c *Config) { c.Peers = append(c.Peers, Peer{"c", netip.MustParseAddr("10.0.0.3")}) })
	m, g := s.m, s.m.groups[0]
	m.now = s.now.Add(time.Minute)
	g.read.Owner = byA
	for i, heard := range []time.Duration{5 * time.Second, 100 * time.Millisecond} {
		p := m.peers[i]
		p.interval, p.heardAt, p.twoWayAt = time.Second, m.now.Add(-heard), m.now.Add(-heard)
		g.peers[i].at, g.peers[i].twoWayAt = p.heardAt, p.heardAt
		g.peers[i].Role, g.peers[i].Flags = Backup, FlagHealthy|FlagCanClaim
	}
	g.peers[0].Role = Active
	return m, g
}

// answers makes an owner answer a question that was sent so long ago.
func (g *group) answers(m *Machine, ago time.Duration, role Role, healthy bool) {
	g.probe.from, g.probe.at, g.probe.role, g.probe.healthy = 1, m.now.Add(-ago), role, healthy
}

// relays makes c tell of nodes.
func (g *group) relays(rs ...Relay) { g.peers[1].relay = rs }

// TestWhoSpeaksForAnOwner that is not heard (row 6), and who against it (row 5), has one case
// for each term.
func TestWhoSpeaksForAnOwner(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for _, tt := range []struct {
		name      string
		do        func(m *Machine, g *group)
		witnessed bool
		out       Reason
	}{
		{"nobody", func(*Machine, *group) {}, false, ReasonNone},
		{"it answered the probe", func(m *Machine, g *group) { g.answers(m, second, Active, true) }, true, ReasonNone},
		{"as a backup", func(m *Machine, g *group) { g.answers(m, second, Backup, true) }, false, ReasonNone},
		{"in fault", func(m *Machine, g *group) { g.answers(m, second, Active, false) }, false, ReasonOwnerFault},
		{"longer than an active-down ago", func(m *Machine, g *group) { g.answers(m, 4*second, Active, true) }, false, ReasonNone},
		{"in fault, as long ago", func(m *Machine, g *group) { g.answers(m, 4*second, Active, false) }, false, ReasonNone},
		{"in fault, and was heard since", func(m *Machine, g *group) {
			g.answers(m, 2*second, Active, false)
			g.peers[0].at = m.now.Add(-second)
		}, false, ReasonNone},
		{"a peer hears it lead", func(_ *Machine, g *group) { g.relays(Relay{"a", second, Active, true}) }, true, ReasonNone},
		{"a peer hears it stand by", func(_ *Machine, g *group) { g.relays(Relay{"a", second, Backup, true}) }, false, ReasonNone},
		{"a peer hears it in fault", func(_ *Machine, g *group) { g.relays(Relay{"a", second, Active, false}) }, false, ReasonOwnerFault},
		{"a peer hears another lead", func(_ *Machine, g *group) { g.relays(Relay{"d", second, Active, true}) }, false, ReasonNone},
		{"a peer that is not heard itself", func(m *Machine, g *group) {
			g.relays(Relay{"a", second, Active, true})
			g.peers[1].twoWayAt = m.now.Add(-5 * second)
		}, false, ReasonNone},
		{"the newer of two words counts", func(_ *Machine, g *group) {
			g.relays(Relay{"a", 2 * second, Active, true}, Relay{"a", second, Backup, true})
		}, false, ReasonNone},
		{"it said goodbye", func(_ *Machine, g *group) { g.peers[0].goodbye = true }, false, ReasonOwnerGoodbye},
		{"it said goodbye and answered since", func(m *Machine, g *group) {
			g.peers[0].goodbye = true
			g.answers(m, second, Active, true)
		}, true, ReasonNone},
	} {
		m, g := witnesses(t)
		tt.do(m, g)
		if got, out := m.witnessed(g, 0), m.outReason(g, 0); got != tt.witnessed || out != tt.out {
			t.Errorf("%s: witnessed %v, out %v", tt.name, got, out)
		}
	}
}

// TestReadsOfNobodyNeitherLatchNorMoveTheBaseline (5.4).
func TestReadsOfNobodyNeitherLatchNorMoveTheBaseline(t *testing.T) {
	t.Parallel()
	s, g := restingSeat(t)
	g.peers[0].twoWayAt = s.now.Add(-time.Minute) // the owner is silent
	for _, owner := range []Owner{{Kind: OwnerNone}, byA} {
		s.now = s.now.Add(10 * time.Millisecond)
		s.m.now = s.now
		s.m.ownerRead(g, OwnerRead{Began: s.now, Ended: s.now, Owner: owner})
		if g.latches[0] != never || g.lastNamed != byA {
			t.Errorf("after a read of %v: latched at %v, the baseline is %v", owner, g.latches[0], g.lastNamed)
		}
	}
}

// TestWhoHoldsBackByWhatStillArrives (row 9), who has time to resume (row 10), and who is seen
// to lead, have one case for each term.
func TestWhoHoldsBackByWhatStillArrives(t *testing.T) {
	t.Parallel()
	heard := func(m *Machine, g *group, role Role, flags Flags) {
		g.peers[0].at, g.peers[0].twoWayAt = m.now, m.now
		g.peers[0].Role, g.peers[0].Flags, g.peers[0].Owner.Kind = role, flags, OwnerNode
	}
	oneWay := func(m *Machine, g *group) {
		g.peers[0].oneWayAt, g.peers[0].at = m.now.Add(-time.Second), m.now.Add(-time.Second)
	}
	for _, tt := range []struct {
		name      string
		do        func(m *Machine, g *group)
		prolonged Reason
		incumbent bool
		leads     bool
	}{
		{"nothing arrives", func(*Machine, *group) {}, ReasonNone, false, false},
		{"it leads, one way", oneWay, ReasonOneWayLink, false, true},
		{"it stands by, one way", func(m *Machine, g *group) { oneWay(m, g); g.peers[0].Role = Backup }, ReasonNone, false, false},
		{"it led, one way, and said goodbye", func(m *Machine, g *group) { oneWay(m, g); g.peers[0].goodbye = true }, ReasonNone, false, false},
		{"a session that is not accepted yet", func(m *Machine, _ *group) {
			m.peers[0].pendingSince, m.peers[0].pendingAt = m.now.Add(-time.Second), m.now
		}, ReasonSessionPending, false, false},
		{"one that has been so for long", func(m *Machine, _ *group) {
			m.peers[0].pendingSince, m.peers[0].pendingAt = m.now.Add(-4*time.Second), m.now
		}, ReasonNone, false, false},
		{"a healthy backup", func(m *Machine, g *group) { heard(m, g, Backup, FlagHealthy) }, ReasonNone, true, false},
		{"a backup in fault", func(m *Machine, g *group) { heard(m, g, Backup, 0) }, ReasonNone, false, false},
		{"one in fault that recovers", func(m *Machine, g *group) { heard(m, g, Backup, FlagRecovering) }, ReasonNone, false, false},
		{"one that leads, recovering", func(m *Machine, g *group) { heard(m, g, Active, FlagHealthy|FlagRecovering) }, ReasonNone, true, true},
		{"one that leads", func(m *Machine, g *group) { heard(m, g, Active, FlagHealthy) }, ReasonNone, false, true},
		{"one that starts", func(m *Machine, g *group) { heard(m, g, Initialize, 0) }, ReasonNone, true, false},
		{"a backup whose time is over", func(m *Machine, g *group) {
			heard(m, g, Backup, FlagHealthy)
			g.incumbentSince = m.now.Add(-4 * time.Second)
		}, ReasonNone, false, false},
		{"a peer hears it lead", func(_ *Machine, g *group) { g.relays(Relay{"a", time.Second, Active, true}) }, ReasonNone, false, true},
		{"a peer hears it stand by", func(_ *Machine, g *group) { g.relays(Relay{"a", time.Second, Backup, true}) }, ReasonNone, false, false},
	} {
		m, g := witnesses(t)
		tt.do(m, g)
		if p, i, l := m.prolonged(g, 0), m.incumbent(g, 0), m.leaderSeen(g); p != tt.prolonged || i != tt.incumbent || l != tt.leads {
			t.Errorf("%s: prolonged %v, incumbent %v, seen to lead %v", tt.name, p, i, l)
		}
	}
}

// TestARivalMayBeBetweenItsTwoCalls where a move takes two and a peer is silent, for MoveTimeout
// from the first time any node read the address as unbound (5.8).
func TestARivalMayBeBetweenItsTwoCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(m *Machine, g *group)
		want bool
	}{
		{"so", func(*Machine, *group) {}, true},
		{"a move takes one call", func(_ *Machine, g *group) { g.cfg.AtomicMove = true }, false},
		{"this node's own detach was acknowledged", func(_ *Machine, g *group) { g.claim.detached = true }, false},
		{"every peer is heard", func(m *Machine, g *group) { g.peers[0].twoWayAt, g.peers[0].at = m.now, m.now }, false},
		{"it is heard, and its file lacks the group", func(m *Machine, _ *group) { withoutGroup(m) }, false},
		{"that of one that leaves", func(m *Machine, _ *group) { withoutGroup(m); m.peers[0].left = true }, true},
		{"that of one that is not heard any more", func(m *Machine, _ *group) { withoutGroup(m); m.peers[0].heardAt -= Instant(time.Minute) }, true},
		{"the cloud says that its machine is gone", func(m *Machine, g *group) { saysStopped(m, g, true) }, false},
		{"that it runs after all", func(m *Machine, g *group) { saysStopped(m, g, true); m.now++; saysStopped(m, g, false) }, true},
		{"that it was gone a while ago", func(m *Machine, g *group) {
			saysStopped(m, g, true)
			m.now = m.now.Add(time.Minute)
			g.unboundAt = m.now
		}, true},
		{"it is heard one way since", func(m *Machine, g *group) { saysStopped(m, g, true); m.peers[0].heardAt = m.now }, true},
		{"its time is over", func(m *Machine, g *group) { g.unboundAt = m.now.Add(-time.Hour) }, false},
		{"by what a peer read", func(_ *Machine, g *group) {
			g.peers[1].Owner = OwnerReport{Owner: Owner{Kind: OwnerNone}, UnboundAge: time.Hour}
		}, false},
		{"by what a silent peer read", func(_ *Machine, g *group) {
			g.peers[0].Owner = OwnerReport{Owner: Owner{Kind: OwnerNone}, UnboundAge: time.Hour}
		}, true},
		{"a peer read an owner since", func(_ *Machine, g *group) {
			g.peers[1].Owner = OwnerReport{Owner: byA, UnboundAge: time.Hour}
		}, true},
	} {
		m, g := witnesses(t)
		g.cfg.AtomicMove, g.unboundAt = false, m.now.Add(-time.Second)
		tt.do(m, g)
		if got := m.rivalMayMove(g); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// saysStopped brings the cloud's word on the machine of the first peer.
func saysStopped(m *Machine, g *group, stopped bool) {
	m.instanceRead(g, InstanceRead{Group: "web", Owner: Owner{OwnerNode, m.peers[0].Name}, Began: m.now, Stopped: stopped})
}

// withoutGroup makes a peer one that has just been heard one way, with a file of another group.
func withoutGroup(m *Machine) {
	p := m.peers[0]
	p.heardAt, p.roster = m.now, roster{since: 1, total: 1}
	p.roster.seen.add([]GroupAdvert{{VRID: 250}})
}
