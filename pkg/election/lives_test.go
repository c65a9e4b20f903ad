// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// lives plays recordings of so many lives of a, of a minute each, one datagram after the other,
// and from the beginning again when all are over.
type lives struct {
	s      *seat
	of     int
	next   int
	advert Advert
}

const livesLength = 60

func newLives(s *seat, of int) *lives {
	return &lives{s: s, of: of, advert: Advert{
		Cluster: "test", From: "a", FromAddress: s.m.peers[0].Address, To: "b", Interval: time.Second, Total: 1, Groups: []GroupAdvert{s.peer.group},
	}}
}

// play delivers the next datagram, if the shell would: what is old does not come so far.
func (l *lives) play(ev func(*Advert) Event) (stepped bool) {
	a := &l.advert
	a.Session, a.Sequence = 0x1000+uint64(l.next%l.of), uint64(1+l.next/l.of%livesLength)
	l.next++
	if l.s.m.Old("a", a.Session, a.Sequence) != ReasonNone {
		return false
	}
	l.s.step(ev(a))
	return true
}

func fromItsAddress(a *Advert) Event { return Received{a} }
func fromElsewhere(a *Advert) Event  { return ReceivedElsewhere{a} }

// TestWhoLivesIsHeardBesideRecordings: a comes back while recordings of its former lives arrive
// without end, also as if from its address. Its first datagram is answered, and its second counts.
func TestWhoLivesIsHeardBesideRecordings(t *testing.T) {
	t.Parallel()
	for _, of := range []int{1, 12, 60} {
		for name, ev := range map[string]func(*Advert) Event{"its address": fromItsAddress, "elsewhere": fromElsewhere} {
			for _, after := range []time.Duration{0, time.Second, 30 * time.Second} {
				s := newSeat(t, byA, nil)
				s.hearFor(5*time.Second, Active)
				l := newLives(s, of)
				for range 2 * of {
					l.play(ev)
				}
				for end := s.now.Add(after); s.now < end; s.advance(time.Millisecond) {
					l.play(ev)
				}
				s.peer.session, s.peer.sequence, s.peer.echo = 0xa2, 0, &Mark{}
				before := len(s.sent)
				s.hear(Backup)
				if len(s.sent) == before || s.sent[len(s.sent)-1].Hello != (Mark{0xa2, 1}) {
					t.Errorf("%d lives from %s, after %v: its first datagram is not answered", of, name, after)
				}
				s.peer.echo = nil
				for range 10 {
					l.play(ev)
				}
				if s.hear(Backup); s.m.Accepted("a").Session != 0xa2 || !s.m.fresh(s.m.groups[0], 0) {
					t.Errorf("%d lives from %s, after %v: it is not heard", of, name, after)
				}
			}
		}
	}
}

// TestRecordingsAreAnsweredAFewTimes, however many lives there are of, but each once.
func TestRecordingsAreAnsweredAFewTimes(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	l, before := newLives(s, 60), len(s.sent)
	for range 60 * livesLength {
		l.play(fromItsAddress)
	}
	if got := len(s.sent) - before; got != 60+answersAgain {
		t.Errorf("%d answers in one second", got)
	}
	s.advance(10 * time.Second)
	for range 10 * 60 * livesLength {
		if l.play(fromItsAddress) {
			t.Fatal("a second copy gets as far as the election")
		}
	}
}

// TestAnAdvertThatDoesNotCountMovesNothing is what Unmoved says: what the machine would tell of
// itself is the same as without that step, and what is due is not put off by it.
func TestAnAdvertThatDoesNotCountMovesNothing(t *testing.T) {
	t.Parallel()
	plain, flooded := newSeat(t, byA, nil), newSeat(t, byA, nil)
	l := newLives(flooded, 100)
	unmoved := 0
	for range 20 {
		for _, s := range []*seat{plain, flooded} {
			s.hear(Active)
		}
		for range 100 {
			for range 5 {
				if l.play(fromElsewhere) && flooded.m.Unmoved() {
					unmoved++
				}
			}
			plain.advance(10 * time.Millisecond)
			flooded.advance(10 * time.Millisecond)
			if a, b := plain.m.Wish("web"), flooded.m.Wish("web"); a != b {
				t.Fatalf("wishes %+v, and %+v", a, b)
			}
			if a, b := plain.m.Permit("web"), flooded.m.Permit("web"); a != b {
				t.Fatalf("permits %+v, and %+v", a, b)
			}
		}
	}
	if unmoved < 5000 {
		t.Errorf("%d steps changed nothing", unmoved)
	}
	for _, s := range []*seat{plain, flooded} { // the owner dies meanwhile
		for end := s.now.Add(5 * time.Second); s.now < end; s.advance(time.Millisecond) {
			if s == flooded {
				l.play(fromElsewhere)
			}
		}
	}
	flooded.advance(10 * time.Second)
	flooded.want(Active, ReasonOwnerSilent)
}

// TestWhatIsDueIsDoneByWhateverComes: no tick has to come before a recording.
func TestWhatIsDueIsDoneByWhateverComes(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	l := newLives(s, 100)
	for k, want := range []bool{false, true, true} { // with the first, row 9 begins to hold
		s.now++
		if l.play(fromElsewhere); s.m.Unmoved() != want {
			t.Errorf("recording %d: unmoved %v", k+1, s.m.Unmoved())
		}
	}
	for range 20 {
		s.now = s.m.Deadline()
		if l.play(fromElsewhere); s.m.Unmoved() || s.m.Deadline() <= s.now {
			t.Fatalf("unmoved %v, with something due at %v of %v", s.m.Unmoved(), s.m.Deadline(), s.now)
		}
	}
	s.want(Active, ReasonOwnerSilent)
}

// BenchmarkStepOfManyLives is one datagram of a recording of so many lives that it is not known
// to be old, on a node with 255 groups.
func BenchmarkStepOfManyLives(b *testing.B) {
	s := manySeat(b, 255)
	s.hearFor(5*time.Second, Active)
	l := newLives(s, 200)
	b.ReportAllocs()
	steps := 0
	for b.Loop() {
		if s.now = s.now.Add(20 * time.Microsecond); l.play(fromElsewhere) {
			steps++
		}
	}
	b.ReportMetric(float64(steps)/float64(b.N), "steps/op")
}
