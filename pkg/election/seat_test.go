// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"testing"
	"time"
)

// seat is one machine, node b with priority 100 and address 10.0.0.2, whose only
// peer a (10.0.0.1) is played by the test, datagram by datagram. Owner reads are
// answered after a millisecond with owner, unless deaf.
type seat struct {
	t      testing.TB
	m      *Machine
	now    Instant
	owner  Owner
	deaf   bool
	peer   seatPeer
	sent   []Advert
	heard  Mark // last datagram of the machine to a
	roles  []Action
	reads  int  // made
	mute   bool // no read is made
	reader wishReader
	// read changes the next answers to owner reads; nil: nothing.
	read  func(*OwnerRead)
	other []Action // everything but Send and Changed
}

// seatPeer is what a says in its next datagram.
type seatPeer struct {
	total    uint8 // how many groups it says that it has; 0: it does not say
	session  uint64
	sequence uint64
	interval time.Duration
	echo     *Mark // nil: the last datagram of the machine
	hello    Mark
	uptime   time.Duration
	group    GroupAdvert
}

var (
	byA = Owner{OwnerNode, "a"}
	byB = Owner{OwnerNode, "b"}
)

// newSeat boots b, healthy and with credentials, under a configuration that change
// may alter.
func newSeat(t testing.TB, owner Owner, change func(*Config)) *seat {
	t.Helper()
	return bootSeat(t, owner, false, change)
}

// bootSeat is newSeat, for a cloud that may not answer from the start.
func bootSeat(t testing.TB, owner Owner, deaf bool, change func(*Config)) *seat {
	t.Helper()
	cfg := Config{
		Cluster: "test", Node: "b", Address: netip.MustParseAddr("10.0.0.2"), Session: 0xb, Interval: time.Second,
		Peers: []Peer{{"a", netip.MustParseAddr("10.0.0.1")}},
		Groups: []GroupConfig{{
			Name: "web", VRID: 51, NeedsAPI: true, AtomicMove: true, Priorities: map[string]uint8{"a": 110},
			PreemptDelay: time.Second, ClaimTimeout: 15 * time.Second, MoveTimeout: time.Minute, DisplacedRetry: 5 * time.Minute,
		}},
	}
	if change != nil {
		change(&cfg)
	}
	s := &seat{t: t, now: Instant(time.Hour), owner: owner, deaf: deaf}
	m, err := New(cfg, s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.m = m
	s.peer = seatPeer{session: 0xa, interval: time.Second, group: GroupAdvert{VRID: 51, Priority: 110, Flags: FlagHealthy | FlagCanClaim}}
	s.step(Identity{Group: "web", Known: true})
	s.step(Health{Group: "web", Known: true, Healthy: true})
	return s
}

// step gives the machine one event and notes what it wants.
func (s *seat) step(ev Event) {
	s.t.Helper()
	for _, a := range s.m.Step(s.now, ev) {
		switch a.Kind {
		case Send:
			ad := *a.Advert
			ad.Groups = append([]GroupAdvert(nil), ad.Groups...)
			s.sent = append(s.sent, ad)
			if a.Peer == "a" {
				s.heard = Mark{ad.Session, ad.Sequence}
			}
		case Changed:
			s.roles = append(s.roles, a)
		default:
			s.other = append(s.other, a)
		}
	}
	if at := s.lookAt(); at != never && at <= s.now {
		began := s.now
		s.reads++
		s.reader.begin(began)
		s.now = s.now.Add(time.Millisecond)
		ev := OwnerRead{Group: "web", Began: began, Ended: s.now, Failed: s.deaf, Owner: s.answer()}
		if s.read != nil {
			s.read(&ev)
		}
		s.reader.end(ev)
		s.step(ev)
	}
}

// lookAt returns when the next read is to begin, or never.
func (s *seat) lookAt() Instant {
	if s.mute {
		return never
	}
	return s.reader.due(s.now, s.m.Wish("web"), time.Millisecond)
}

func (s *seat) answer() Owner {
	if s.deaf {
		return Owner{}
	}
	return s.owner
}

// advance lets d pass.
func (s *seat) advance(d time.Duration) {
	s.t.Helper()
	end := s.now.Add(d)
	for {
		next := earliest(s.m.Deadline(), s.lookAt())
		if next == never || next > end {
			break
		}
		s.now = max(s.now, next)
		s.step(Tick{})
	}
	s.now = max(s.now, end)
}

// hear delivers the next datagram of a, in that role.
func (s *seat) hear(role Role) {
	s.t.Helper()
	s.peer.sequence++
	s.peer.group.Role = role
	s.again()
}

// again delivers a's datagram as it is set up, without a new sequence.
func (s *seat) again() {
	s.t.Helper()
	echo := s.heard
	if s.peer.echo != nil {
		echo = *s.peer.echo
	}
	s.step(Received{&Advert{
		Cluster: "test", From: "a", FromAddress: netip.MustParseAddr("10.0.0.1"), To: "b", Session: s.peer.session,
		Sequence: s.peer.sequence, Interval: s.peer.interval, Echo: echo, Hello: s.peer.hello, Uptime: s.peer.uptime, Total: s.peer.total,
		Groups: []GroupAdvert{s.peer.group},
	}})
}

// hearFor delivers a datagram every interval for d, in that role.
func (s *seat) hearFor(d time.Duration, role Role) {
	s.t.Helper()
	for end := s.now.Add(d); s.now < end; {
		s.hear(role)
		s.advance(min(s.peer.interval, end.Sub(s.now)))
	}
}

// untilRole lets time pass until the machine has that role, and returns how long
// it took; more than limit fails the test.
func (s *seat) untilRole(role Role, limit time.Duration) time.Duration {
	s.t.Helper()
	began := s.now
	for s.m.Role("web") != role {
		next := s.m.Deadline()
		if next == never || next.Sub(began) > limit {
			s.t.Fatalf("role is still %v after %v", s.m.Role("web"), limit)
		}
		s.now = max(s.now, next)
		s.step(Tick{})
	}
	return s.now.Sub(began)
}

func (s *seat) role() Role     { return s.m.Role("web") }
func (s *seat) reason() Reason { return s.m.Status().Groups[0].Reason }
func (s *seat) held() Reason   { return s.m.Status().Groups[0].Held }

// want fails the test unless the machine has that role for that reason.
func (s *seat) want(role Role, reason Reason) {
	s.t.Helper()
	if s.role() != role || s.reason() != reason {
		s.t.Fatalf("role is %v (%v), want %v (%v)", s.role(), s.reason(), role, reason)
	}
}

// newest returns what the machine last said of the group.
func (s *seat) newest() GroupAdvert {
	s.t.Helper()
	if len(s.sent) == 0 {
		s.t.Fatal("nothing was sent")
	}
	return s.sent[len(s.sent)-1].Groups[0]
}

// refused returns the reasons of the datagrams refused since the last call.
func (s *seat) refused() []Reason {
	var reasons []Reason
	for _, a := range s.other {
		if a.Kind == Refused {
			reasons = append(reasons, a.Reason)
		}
	}
	s.other = nil
	return reasons
}
