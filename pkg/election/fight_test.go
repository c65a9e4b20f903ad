// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// fight is a seat that leads, and whose reads and writes the test makes by hand.
func fight(t *testing.T) *seat {
	s := newSeat(t, byB, func(cfg *Config) { cfg.Groups[0].OnMoved = ReclaimMoved })
	s.advance(5 * time.Second)
	s.want(Active, ReasonResumedBound)
	s.mute = true
	s.advance(roundLeast)
	return s
}

// told delivers an owner read, changed as the test wants.
func (s *seat) told(ev OwnerRead) {
	s.t.Helper()
	s.now = s.now.Add(time.Second)
	ev.Group, ev.Began, ev.Ended = "web", s.now.Add(-time.Millisecond), s.now
	s.step(ev)
}

// takes lets a write of the node be accepted.
func (s *seat) takes() {
	s.t.Helper()
	s.step(WriteSent{Group: "web"})
	s.step(WriteDone{Group: "web", Outcome: WriteAccepted})
	s.advance(roundLeast)
}

// mine is a read that names this node, and mixedUp one that does as well, although what this
// machine had is elsewhere, as where two nodes are mixed up in the file.
var (
	mine    = OwnerRead{Owner: byB}
	mixedUp = OwnerRead{Owner: byB, Taken: true}
)

// TestAFightIsFoundByItsEffect: the names in the reads say that all is well, and the address
// goes to and fro. Three times it is taken again.
func TestAFightIsFoundByItsEffect(t *testing.T) {
	t.Parallel()
	s := fight(t)
	for round := range 3 {
		s.told(mine)
		s.told(mixedUp)
		if s.held() != ReasonNone || s.m.Permit("web").Hold != ReasonNone {
			t.Fatalf("round %d: holds %v", round+1, s.held())
		}
		s.takes()
	}
	s.told(mine)
	if s.held() != ReasonNone {
		t.Fatalf("with the address here it holds %v", s.held())
	}
	s.told(mixedUp)
	if st := s.m.Status().Groups[0]; s.held() != ReasonContended || s.m.Permit("web").Hold != ReasonContended || !st.Contended || s.role() != Active {
		t.Errorf("holds %v, role %v", s.held(), s.role())
	}
	s.step(Assign{Group: "web"})
	s.told(mixedUp)
	if s.held() != ReasonNone || s.m.Status().Groups[0].Contended {
		t.Errorf("after an assign it holds %v", s.held())
	}
}

// TestWhatIsNoFight, however often it comes.
func TestWhatIsNoFight(t *testing.T) {
	t.Parallel()
	for name, round := range map[string]func(*seat){
		"a replica that lags, and no write": func(s *seat) { s.told(mixedUp) },
		"a replica that lags, and a write that was for something else": func(s *seat) {
			s.told(mixedUp)
			s.told(mine)
			s.takes()
		},
		"replicas that disagree for a while after each loss": func(s *seat) {
			for range 20 {
				s.told(mixedUp)
				s.step(WriteSent{Group: "web"})
				s.step(WriteDone{Group: "web", Outcome: WriteAccepted})
				s.told(mine)
			}
			for range 190 {
				s.told(mine)
			}
		},
		"replicas that disagree, where what is moved is taken back": func(s *seat) {
			for range 5 {
				s.told(OwnerRead{Owner: byB, Version: "2"})
				s.told(OwnerRead{Owner: byA, Version: "1"})
				s.hear(Backup)
				s.told(OwnerRead{Owner: byA, Version: "1"})
				s.step(WriteSent{Group: "web"})
				s.step(WriteDone{Group: "web", Outcome: WriteAccepted})
			}
			for range 190 {
				s.told(mine)
			}
		},
		"a write that the cloud refused": func(s *seat) {
			s.told(mixedUp)
			s.step(WriteSent{Group: "web"})
			s.step(WriteDone{Group: "web", Outcome: WriteRefused})
			s.now = s.now.Add(time.Second)
		},
		"an address that somebody unbinds": func(s *seat) {
			s.told(OwnerRead{Owner: Owner{Kind: OwnerNone}})
			s.takes()
		},
		"one that is here for long in between": func(s *seat) {
			s.told(mixedUp)
			s.takes()
			for range 185 {
				s.told(mine)
			}
		},
		"one in six minutes": func(s *seat) {
			s.told(mixedUp)
			s.takes()
			for range 30 { // a replica lags meanwhile
				s.told(mine)
				s.advance(10 * time.Second)
				s.told(mixedUp)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fight(t)
			for range 6 {
				s.told(mine)
				round(s)
			}
			s.told(mine)
			s.told(mixedUp)
			if s.held() == ReasonContended || s.m.Status().Groups[0].Contended {
				t.Error("it is called contended")
			}
		})
	}
}

// TestALossThatNoReadShowedIsKnownByTheBinding: the old owner takes the address back before
// this node has read that it came, each time, and its own machine has it by another binding.
func TestALossThatNoReadShowedIsKnownByTheBinding(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		versions [6]string
		partial  bool
		fights   bool
	}{
		"another binding each time":                {[6]string{"3", "5", "7", "9", "11", "13"}, false, true},
		"the same binding":                         {[6]string{"1", "1", "1", "1", "1", "1"}, false, false},
		"the same other binding":                   {[6]string{"3", "3", "3", "3", "3", "3"}, false, false},
		"no word of bindings":                      {},
		"one after another of a group's addresses": {[6]string{"3", "5", "7", "9", "11", "13"}, true, false},
	} {
		s := newSeat(t, byA, nil)
		s.read = func(ev *OwnerRead) { ev.Version = "1" }
		if tc.versions[0] == "" {
			s.read = nil
		}
		s.hearFor(10*time.Second, Active)
		s.advance(5 * time.Second)
		s.want(Active, ReasonOwnerSilent)
		s.mute = true
		for _, v := range tc.versions {
			s.takes()
			s.told(OwnerRead{Owner: byA, Version: v, Partial: tc.partial, Unchanged: true})
		}
		if got := s.held() == ReasonContended; got != tc.fights {
			t.Errorf("%s: role %v, holds %v", name, s.role(), s.held())
		}
	}
}
