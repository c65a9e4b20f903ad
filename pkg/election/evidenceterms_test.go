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
		g.peers[i].at, g.peers[i].Role, g.peers[i].Flags = p.heardAt, Backup, FlagHealthy|FlagCanClaim
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
			m.peers[0].heardAt = m.now.Add(-second)
		}, false, ReasonNone},
		{"a peer hears it lead", func(_ *Machine, g *group) { g.relays(Relay{"a", second, Active, true}) }, true, ReasonNone},
		{"a peer hears it stand by", func(_ *Machine, g *group) { g.relays(Relay{"a", second, Backup, true}) }, false, ReasonNone},
		{"a peer hears it in fault", func(_ *Machine, g *group) { g.relays(Relay{"a", second, Active, false}) }, false, ReasonOwnerFault},
		{"a peer hears another lead", func(_ *Machine, g *group) { g.relays(Relay{"d", second, Active, true}) }, false, ReasonNone},
		{"a peer that is not heard itself", func(m *Machine, g *group) {
			g.relays(Relay{"a", second, Active, true})
			m.peers[1].twoWayAt = m.now.Add(-5 * second)
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
	s.m.peers[0].twoWayAt = s.now.Add(-time.Minute) // the owner is silent
	for _, owner := range []Owner{{Kind: OwnerNone}, byA} {
		s.now = s.now.Add(10 * time.Millisecond)
		s.m.now = s.now
		s.m.ownerRead(g, OwnerRead{Began: s.now, Ended: s.now, Owner: owner})
		if g.latches[0] != never || g.lastNamed != byA {
			t.Errorf("after a read of %v: latched at %v, the baseline is %v", owner, g.latches[0], g.lastNamed)
		}
	}
}
