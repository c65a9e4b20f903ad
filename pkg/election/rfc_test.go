// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"math"
	"strings"
	"testing"
	"time"
)

// The tests of this file follow RFC 9568, one test for each clause that applies
// here; deviation_test.go has one for each that this package departs from on
// purpose. Read from top to bottom, the names are the protocol.

// Section 5.2.4: the priority of a backup is 1 to 254, 100 by default. The 255 of
// an address owner does not exist here: nobody owns a floating IP by birth.
func TestPriorityIs1To254And100ByDefault(t *testing.T) {
	t.Parallel()
	for _, p := range []uint8{0, 255} {
		cfg := quietConfig("b")
		cfg.Groups[0].Priorities = map[string]uint8{"b": p}
		if _, err := New(cfg, 1); err == nil || !strings.Contains(err.Error(), "outside 1 to 254") {
			t.Errorf("priority %d: %v", p, err)
		}
	}
	s := newSeat(t, byA, nil)
	if p := s.newest().Priority; p != 100 {
		t.Errorf("advertised priority is %d", p)
	}
	for _, tt := range []struct {
		delta int
		want  uint8
	}{{-500, 1}, {500, 254}, {20, 120}} {
		s.step(Health{Group: "web", Known: true, Healthy: true, PriorityDelta: tt.delta})
		if p := s.newest().Priority; p != tt.want {
			t.Errorf("priority with %+d is %d, want %d", tt.delta, p, tt.want)
		}
	}
}

// Section 5.2.4: priority 0 says that the active node gives up now. It is said once;
// afterwards the node has its priority again.
func TestPriorityZeroIsSaidOnceByWhoGivesUp(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.want(Active, ReasonResumedBound)
	s.sent = nil
	s.step(Health{Group: "web", Known: true})
	s.want(Fault, ReasonCheckFailed)
	if p := s.newest().Priority; p != 0 || len(s.sent) != 1 {
		t.Errorf("said priority %d in %d datagrams", p, len(s.sent))
	}
	s.advance(time.Second)
	if p := s.newest().Priority; p != 100 {
		t.Errorf("afterwards it says %d", p)
	}
}

// Section 5.2.7: an interval that differs is no error. Backups learn the active
// node's and judge its silence by it.
func TestBackupLearnsTheIntervalOfTheActiveNode(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{250 * time.Millisecond, time.Second, 4 * time.Second} {
		s := newSeat(t, byA, nil)
		s.peer.interval = interval
		s.hearFor(5*interval, Active)
		s.hear(Active)
		got := s.untilRole(Active, time.Minute)
		if want := ActiveDown(100, interval); got < want || got > want+100*time.Millisecond {
			t.Errorf("interval %v: took over after %v, want %v", interval, got, want)
		}
	}
}

// Section 6.1: Skew_Time is ((256 - Priority) x Active_Adver_Interval) / 256, and
// Active_Down_Interval is 3 x Active_Adver_Interval + Skew_Time.
func TestSkewAndActiveDownFollowTheFormulas(t *testing.T) {
	t.Parallel()
	for priority := 1; priority <= 254; priority++ {
		for _, interval := range []time.Duration{IntervalMin, time.Second, IntervalMax} {
			skew := time.Duration(math.Floor(float64(256-priority) * float64(interval) / 256))
			if got := Skew(uint8(priority), interval); got != skew {
				t.Fatalf("skew of priority %d at %v is %v, want %v", priority, interval, got, skew)
			}
			if got := ActiveDown(uint8(priority), interval); got != 3*interval+skew {
				t.Fatalf("active-down of priority %d at %v is %v", priority, interval, got)
			}
		}
	}
}

// Section 6.4.1: on start the timer is set to Active_Down_Interval and the node
// goes to Backup.
func TestInitializeGoesToBackupAndWaitsActiveDown(t *testing.T) {
	t.Parallel()
	s := newSeat(t, Owner{Kind: OwnerNone}, nil)
	s.want(Backup, ReasonStarted)
	if got, want := s.untilRole(Active, time.Minute), ActiveDown(100, time.Second); got.Round(10*time.Millisecond) != want.Round(10*time.Millisecond) {
		t.Errorf("took over after %v, want %v", got, want)
	}
}

// Section 6.4.2: when the timer fires, the Backup becomes Active and advertises at
// once.
func TestBackupBecomesActiveWhenTheTimerFires(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	s.sent = nil
	got := s.untilRole(Active, time.Minute)
	s.want(Active, ReasonOwnerSilent)
	if want := ActiveDown(100, time.Second) - time.Second; got < want-5*time.Millisecond || got > want+50*time.Millisecond {
		t.Errorf("took over after %v, want %v", got, want)
	}
	if g := s.newest(); g.Role != Active || s.sent[len(s.sent)-1].Uptime != s.now.Sub(Instant(time.Hour)) {
		t.Errorf("last said %v at %v", g.Role, s.sent[len(s.sent)-1].Uptime)
	}
}

// Section 6.4.2: priority 0 sets the timer to Skew_Time.
func TestBackupWaitsOnlyItsSkewAfterPriorityZero(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byA, nil)
	s.hearFor(5*time.Second, Active)
	s.peer.group.Priority, s.peer.group.Flags = 0, FlagHealthy
	s.hear(Backup)
	got := s.untilRole(Active, time.Minute)
	s.want(Active, ReasonOwnerCannotClaim)
	if want := Skew(100, time.Second); got < want-5*time.Millisecond || got > want+5*time.Millisecond {
		t.Errorf("took over after %v, want the skew %v", got, want)
	}
}

// Section 6.4.2: an advert with priority at or above the own one renews the timer.
func TestBackupRenewsTheTimerOnAnAdvertOfTheActiveNode(t *testing.T) {
	t.Parallel()
	for _, priority := range []uint8{100, 110} {
		s := newSeat(t, byA, nil)
		s.peer.group.Priority = priority
		s.hearFor(time.Minute, Active)
		s.want(Backup, ReasonStarted)
	}
}

// Section 6.4.2 and 6.4.3: on shutdown a node goes to Initialize; an Active one says
// priority 0. Its last datagram is the last thing it does.
func TestShutdownEndsInInitializeWithPriorityZero(t *testing.T) {
	t.Parallel()
	for _, owner := range []Owner{byA, byB} {
		s := newSeat(t, owner, nil)
		s.step(Leave{})
		s.step(Depart{})
		if g := s.newest(); g.Role != Initialize || g.Priority != 0 || g.Reason != ReasonStopping {
			t.Errorf("last said %v, priority %d, %v", g.Role, g.Priority, g.Reason)
		}
		s.want(Initialize, ReasonStopping)
		said := len(s.sent)
		s.hear(Active)
		s.advance(time.Minute)
		if s.want(Initialize, ReasonStopping); len(s.sent) != said || s.m.Deadline() != never {
			t.Errorf("said %d datagrams after the last", len(s.sent)-said)
		}
	}
}

// Section 6.4.3: the Active advertises when its advert timer fires, and re-arms it.
func TestActiveAdvertisesEveryInterval(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.advance(500 * time.Millisecond)
	s.sent = nil
	s.advance(30 * time.Second)
	if len(s.sent) != 30 {
		t.Errorf("%d adverts in 30 s", len(s.sent))
	}
}

// Section 6.4.3: on priority 0 the Active advertises at once.
func TestActiveAnswersPriorityZeroAtOnce(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.hear(Backup)
	s.advance(300 * time.Millisecond)
	s.sent = nil
	s.peer.group.Priority = 0
	s.hear(Backup)
	if len(s.sent) != 1 || s.newest().Role != Active {
		t.Errorf("%d datagrams", len(s.sent))
	}
}

// Section 6.4.3: an Active that hears a stronger Active learns its interval and
// becomes Backup. What is stronger is the list of 5.5; settle_test.go has the whole
// of it, with priority and address at its end.
func TestActiveBecomesBackupOnAStrongerActive(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.hear(Backup)
	s.advance(300 * time.Millisecond)
	s.peer.interval = 2 * time.Second
	s.peer.group.Term = Term{Number: 9, Node: "a"}
	s.peer.group.Flags |= FlagWriteSent
	s.owner = byA
	s.hear(Active)
	s.want(Backup, ReasonYieldWrite)
	if got, want := s.untilRole(Active, time.Minute), ActiveDown(100, 2*time.Second); got < want-2*time.Second {
		t.Errorf("took over again after %v, want about %v", got, want)
	}
}

// Section 6.4.3: an Active that hears a weaker Active stays, and advertises at once
// to assert itself, with a term above all it has heard.
func TestActiveAssertsItselfAgainstAWeakerActive(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.hear(Backup)
	s.advance(300 * time.Millisecond)
	s.sent = nil
	s.peer.group.Term = Term{Number: 9, Node: "a"}
	s.hear(Active)
	s.want(Active, ReasonResumedBound)
	if len(s.sent) == 0 || s.newest().Term != (Term{10, "b"}) {
		t.Errorf("%d datagrams, term %v", len(s.sent), s.m.Status().Groups[0].Term)
	}
}

// Section 7.1: what fails a check is discarded, each for a reason of its own, and
// changes nothing.
func TestDatagramsThatFailACheckAreDiscardedWithAReason(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(*seat)
		want  Reason
	}{
		{"a sender that is not configured", func(s *seat) {
			s.step(Received{&Advert{From: "x", Session: 1, Sequence: 1}})
		}, ReasonUnknownSender},
		{"a session that is not accepted", func(s *seat) {
			s.peer.session, s.peer.echo = 0xa2, &Mark{}
			s.hear(Active)
		}, ReasonSessionPending},
		{"a sequence that was seen", func(s *seat) { s.again() }, ReasonReplayed},
		{"a group that is not configured", func(s *seat) {
			s.peer.group.VRID = 52
			s.hear(Active)
		}, ReasonUnknownGroup},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSeat(t, byA, nil)
			s.hearFor(5*time.Second, Active)
			s.hear(Active)
			s.refused()
			s.advance(3 * time.Second)
			tt.spoil(s)
			if got := s.refused(); len(got) != 1 || got[0] != tt.want {
				t.Errorf("refused for %v, want %v", got, tt.want)
			}
			before := s.now
			if s.m.group("web").activeDownAt > before.Add(ActiveDown(100, time.Second)-3*time.Second) {
				t.Error("the timer was renewed")
			}
			s.want(Backup, ReasonStarted)
		})
	}
}

// Section 7.2: an Active sends adverts with its group, priority and interval.
func TestActiveSaysWhatItIs(t *testing.T) {
	t.Parallel()
	s := newSeat(t, byB, nil)
	s.hear(Backup)
	s.advance(2 * time.Second)
	a := s.sent[len(s.sent)-1]
	g := a.Groups[0]
	if a.From != "b" || a.To != "a" || a.Interval != time.Second || a.Echo != (Mark{0xa, 1}) {
		t.Errorf("advert from %q to %q, interval %v, echo %v", a.From, a.To, a.Interval, a.Echo)
	}
	want := FlagHealthy | FlagCanClaim | FlagBound
	if g.VRID != 51 || g.Role != Active || g.Priority != 100 || g.Flags != want || g.Owner.Owner != byB || g.Term != (Term{1, "b"}) {
		t.Errorf("said of the group %+v", g)
	}
}
