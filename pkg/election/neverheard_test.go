// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"testing"
	"time"
)

// withC adds a third node, c, to a configuration.
func withC(c *Config) { c.Peers = append(c.Peers, Peer{"c", netip.MustParseAddr("10.0.0.3")}) }

// hearC delivers a datagram of c, a fresh standby that relays what it is given.
func (s *seat) hearC(relay ...Relay) {
	s.t.Helper()
	m := s.m.peers[1]
	s.step(Received{&Advert{
		Cluster: "test", From: "c", FromAddress: netip.MustParseAddr("10.0.0.3"), To: "b", Session: 0xc,
		Sequence: m.sequence + 1, Interval: time.Second, Echo: Mark{0xb, m.out.Sequence},
		Groups: []GroupAdvert{{VRID: 51, Priority: 90, Role: Backup, Flags: FlagHealthy, Relay: relay}},
	}})
}

// TestAnOwnerThatWasNeverHeardHasAMinute from the first read that named it, in which the
// standby says what it waits for and until when, and no more. In the commonest mistake of
// the first day, UDP that was never opened between the nodes, the address moved from a
// healthy owner 3.6 s after the standby's first start.
func TestAnOwnerThatWasNeverHeardHasAMinute(t *testing.T) {
	t.Parallel()
	s := bootSeat(t, byA, true, nil)
	s.advance(30 * time.Second) // nothing counts before a read has named it
	s.deaf = false
	s.advance(2 * time.Second)
	named := s.m.groups[0].peers[0].namedAt
	if s.held() != ReasonOwnerNeverHeard {
		t.Fatalf("holds %v", s.held())
	}
	if got := s.m.Status().Groups[0].HeldUntil; got != named.Add(NeverHeardFor) {
		t.Errorf("until %v, want %v", got, named.Add(NeverHeardFor))
	}
	s.advance(named.Add(NeverHeardFor - time.Millisecond).Sub(s.now))
	s.want(Backup, ReasonStarted)
	s.advance(time.Second)
	s.want(Active, ReasonOwnerSilent)
	if got := s.m.Status().Groups[0].HeldUntil; got != never {
		t.Errorf("it leads, and holds until %v", got)
	}
}

// TestTheTimeOfAnOwnerCountsOnce: a read of somebody else in between, or of nobody, gives
// it no other minute.
func TestTheTimeOfAnOwnerCountsOnce(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.advance(50 * time.Second)
	s.owner = Owner{Kind: OwnerForeign}
	s.advance(20 * time.Second)
	if s.held() != ReasonForeignOwner {
		t.Fatalf("holds %v", s.held())
	}
	s.owner = byA
	s.advance(20 * time.Second)
	if s.held() == ReasonOwnerNeverHeard {
		t.Error("it has another minute")
	}
}

// TestWhatEndsTheTimeOfAnOwnerThatWasNeverHeard: whatever else happens, it lasts.
func TestWhatEndsTheTimeOfAnOwnerThatWasNeverHeard(t *testing.T) {
	t.Parallel()
	answer := func(node string) func(*seat) {
		return func(s *seat) {
			s.step(ProbeAnswered{Group: "web", Node: node, Asked: s.now, Role: Backup, Healthy: true})
		}
	}
	fails := func(n int) func(*seat) {
		return func(s *seat) {
			for range n {
				s.step(ServiceProbed{Group: "web"})
			}
		}
	}
	for _, tt := range []struct {
		name   string
		happen func(*seat)
		why    Reason // of the role; none: it goes on waiting
	}{
		{"nothing", func(*seat) {}, ReasonNone},
		{"the cloud says that its machine is stopped", func(s *seat) {
			s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now, Stopped: true})
		}, ReasonOwnerStopped},
		{"the cloud says that its machine runs", func(s *seat) {
			s.step(InstanceRead{Group: "web", Owner: byA, Began: s.now})
		}, ReasonNone},
		{"two failures of the user's probe", fails(2), ReasonNone},
		{"three failures of the user's probe", fails(3), ReasonOwnerSilent},
		{"an operator's assign", func(s *seat) { s.step(Assign{Group: "web"}) }, ReasonAssigned},
		{"the owner's goodbye", func(s *seat) {
			s.peer.group.Priority = priorityLeaving
			s.hear(Initialize)
		}, ReasonOwnerGoodbye},
		{"the owner's fault", func(s *seat) {
			s.peer.group.Flags = 0
			s.hear(Fault)
		}, ReasonOwnerFault},
		{"an advert of the owner", func(s *seat) { s.hear(Active) }, ReasonOwnerSilent},
		{"an advert of the owner that is not accepted", func(s *seat) {
			s.peer.echo = &Mark{}
			s.hear(Active)
		}, ReasonNone},
		{"an advert of the owner that is badly signed", func(s *seat) { s.step(BadlySigned{Peer: "a"}) }, ReasonNone},
		{"an advert of another node", func(s *seat) { s.hearC() }, ReasonNone},
		{"another node's word of the owner", func(s *seat) { s.hearC(Relay{Node: "a", Age: time.Hour, Role: Active, Healthy: true}) }, ReasonOwnerSilent},
		{"another node's word of itself", func(s *seat) { s.hearC(Relay{Node: "c", Role: Active, Healthy: true}) }, ReasonNone},
		{"an answer of the owner to the probe", answer("a"), ReasonOwnerSilent},
		{"an answer of another node to the probe", answer("c"), ReasonNone},
		{"an answer of this node to the probe", answer("b"), ReasonNone},
		{"the address held by nobody", func(s *seat) { s.owner = Owner{Kind: OwnerNone}; s.m.groups[0].lookAt = s.now }, ReasonUnbound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSeat(t, byA, withC)
			s.advance(10 * time.Second)
			if s.held() != ReasonOwnerNeverHeard {
				t.Fatalf("before: holds %v", s.held())
			}
			s.now = s.now.Add(time.Millisecond)
			tt.happen(s)
			s.advance(12 * time.Second)
			if got := s.role() == Active; got != (tt.why != ReasonNone) {
				t.Fatalf("role %v, holds %v", s.role(), s.held())
			}
			if tt.why != ReasonNone {
				s.want(Active, tt.why)
			} else if s.held() != ReasonOwnerNeverHeard {
				t.Errorf("holds %v", s.held())
			}
		})
	}
}

// TestAnOwnerThatWasHeardOnceFallsSilent, however often its session changed since; and a
// reload, which keeps the process, changes nothing of that.
func TestAnOwnerThatWasHeardOnceFallsSilent(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(3*time.Second, Backup)
	s.step(Reload{Config: s.m.cfg})
	s.hearFor(3*time.Second, Active)
	s.advance(5 * time.Second)
	s.want(Active, ReasonOwnerSilent)
}

// TestAReloadGivesAnOwnerNoOtherMinute.
func TestAReloadGivesAnOwnerNoOtherMinute(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.advance(50 * time.Second)
	s.step(Reload{Config: s.m.cfg})
	s.advance(12 * time.Second)
	s.want(Active, ReasonOwnerSilent)
}

// TestAnOwnerOfWhichOthersTellHasAnActiveDown: its own word may be on its way. The same holds
// where it was heard in another group, and the time of row 10 begins when it is heard.
func TestAnOwnerOfWhichOthersTellHasAnActiveDown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		happen func(*seat)
		waits  time.Duration // at most 0.2 s longer
	}{
		{"another node heard it just now", func(s *seat) { s.hearC(Relay{Node: "a", Role: Backup, Healthy: true}) }, 3600 * time.Millisecond},
		{"two seconds ago", func(s *seat) { s.hearC(Relay{Node: "a", Age: 2 * time.Second, Role: Backup, Healthy: true}) }, 1600 * time.Millisecond},
		{"an hour ago", func(s *seat) { s.hearC(Relay{Node: "a", Age: time.Hour, Role: Backup, Healthy: true}) }, 0},
		{"it was heard in another group", func(s *seat) { s.part(1, s.heard, 2, 99) }, 3600 * time.Millisecond},
		{"it is a backup, heard for the first time, and on", func(s *seat) {
			s.hearFor(3*time.Second, Backup)
			if s.held() != ReasonIncumbentAlive {
				s.t.Errorf("holds %v", s.held())
			}
		}, 3600 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSeat(t, byA, withC)
			s.advance(20 * time.Second)
			if s.held() != ReasonOwnerNeverHeard {
				t.Fatalf("before: holds %v", s.held())
			}
			s.now = s.now.Add(time.Millisecond)
			began := s.now
			tt.happen(s)
			if st := s.m.Status().Groups[0]; st.Held == ReasonOwnerNeverHeard && (st.HeldFor != 3609375*time.Microsecond || st.HeldUntil.Sub(began) < tt.waits || st.HeldUntil.Sub(began) > tt.waits+200*time.Millisecond) {
				t.Errorf("it says that it waits for %v, until %v from now", st.HeldFor, st.HeldUntil.Sub(began))
			}
			s.untilRoleReading(Active, 10*time.Second)
			if took := s.now.Sub(began); took < tt.waits || took > tt.waits+4*time.Second && tt.waits > 0 || took > 1500*time.Millisecond && tt.waits == 0 {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// untilRoleReading is untilRole, with reads.
func (s *seat) untilRoleReading(role Role, limit time.Duration) {
	s.t.Helper()
	for end := s.now.Add(limit); s.role() != role && s.now < end; {
		s.advance(20 * time.Millisecond)
	}
	if s.role() != role {
		s.t.Fatalf("role is %v, holds %v", s.role(), s.held())
	}
}

// TestAReadCountsOnlyIfItBeganSinceAPeerSaidWhatItIsCalled: by the file it may have named
// another node. One that names this node goes by this node's own word.
func TestAReadCountsOnlyIfItBeganSinceAPeerSaidWhatItIsCalled(t *testing.T) {
	t.Parallel()
	for owner, counts := range map[Owner]bool{byA: false, byB: true, {Kind: OwnerForeign}: false} {
		s := newSeat(t, owner, withC)
		s.mute = true
		s.now = s.now.Add(time.Millisecond)
		s.step(OwnerRead{Group: "web", Began: s.now, Ended: s.now, Owner: owner})
		g := s.m.groups[0]
		if !s.m.readFresh(g) {
			t.Fatalf("%v: the read does not count before", owner)
		}
		s.hearC()
		s.m.peers[1].name([]NodeTarget{{"cloud", "1002"}})
		s.m.recognise()
		if got := s.m.readFresh(g); got != counts {
			t.Errorf("%v: after the news the read counts %v", owner, got)
		}
		if got := s.m.Permit("web").Since >= s.m.toldAt; got == counts {
			t.Errorf("%v: the gate wants a newer read: %v", owner, got)
		}
		if got := s.m.Wish("web").News == s.now; got == counts {
			t.Errorf("%v: a read is news: %v", owner, got)
		}
	}
}
