// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// steadySeat returns a standby that has heard its active peer for long enough that
// every buffer has its size.
func steadySeat(t testing.TB) (*seat, *Advert) {
	s := newSeat(t, byA, nil)
	s.hearFor(30*time.Second, Active)
	return s, &Advert{
		Cluster: "test", From: "a", FromAddress: s.m.peers[0].Address, To: "b", Session: s.peer.session,
		Sequence: s.peer.sequence, Interval: time.Second, Echo: s.heard, Groups: []GroupAdvert{s.peer.group},
	}
}

// hearOn delivers the next datagram of the active peer 20 ms later and answers the
// reads that are due, without the bookkeeping of a seat.
func (s *seat) hearOn(a *Advert) {
	s.now = s.now.Add(20 * time.Millisecond)
	a.Sequence++
	s.carry(a, s.m.Step(s.now, Received{a}))
}

// carry notes what left, so that the next datagram echoes it.
func (s *seat) carry(a *Advert, actions []Action) {
	for _, act := range actions {
		if act.Kind == Send {
			a.Echo = Mark{act.Advert.Session, act.Advert.Sequence}
		}
	}
}

// TestSteadyStateAllocatesNothing: adverts that come in and adverts that go out are
// written into buffers that already exist.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	s, a := steadySeat(t)
	sends := 0
	received := testing.AllocsPerRun(2000, func() {
		s.hearOn(a)
	})
	quiet := testing.AllocsPerRun(500, func() {
		s.now++
		s.m.Step(s.now, Tick{})
	})
	sending := testing.AllocsPerRun(5, func() {
		s.now = max(s.now, s.m.advertAt)
		for _, act := range s.m.Step(s.now, Tick{}) {
			if act.Kind == Send {
				sends++
			}
		}
	})
	if received != 0 || quiet != 0 || sending != 0 {
		t.Errorf("allocations: %v with a datagram, %v with a tick, %v with a tick that sends", received, quiet, sending)
	}
	if sends != 6 {
		t.Errorf("%d adverts left in 6 rounds", sends)
	}
}

// BenchmarkStepReceived is one advert of the active peer on a standby, with one of
// its own every fiftieth time.
func BenchmarkStepReceived(b *testing.B) {
	s, a := steadySeat(b)
	b.ReportAllocs()
	for b.Loop() {
		s.hearOn(a)
	}
}

// BenchmarkStepTick is one tick without anything due.
func BenchmarkStepTick(b *testing.B) {
	s, a := steadySeat(b)
	s.hearOn(a)
	b.ReportAllocs()
	for b.Loop() {
		s.m.Step(s.now, Tick{})
	}
}

// BenchmarkStepActive is an advert of a standby on the active node.
func BenchmarkStepActive(b *testing.B) {
	s, a := steadySeat(b)
	a.Groups[0].Role = Backup
	s.owner = byB
	s.m.Step(s.now.Add(10*time.Millisecond), OwnerRead{Group: "web", Began: s.now, Ended: s.now.Add(time.Millisecond), Owner: byB})
	b.ReportAllocs()
	for b.Loop() {
		s.hearOn(a)
	}
}
