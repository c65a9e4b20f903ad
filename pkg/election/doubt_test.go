// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"testing"
	"time"
)

// TestASecondLongSilenceIsDoubtedAsWell: the first doubt covers what was seen by then, and
// clocks may have drifted apart as far again since.
func TestASecondLongSilenceIsDoubtedAsWell(t *testing.T) {
	t.Parallel()
	s := leadingSeat(t)
	for n := range 3 {
		s.advance(5 * time.Minute)
		read := s.now
		s.now = s.now.Add(time.Millisecond)
		s.peer.uptime += 5*time.Minute + time.Millisecond
		s.deaf = true
		s.hear(Backup)
		if why := s.gate(read); s.stalls() != 0 || why == "" {
			t.Errorf("silence %d: %d stalls noted, and the gate is open for a read from before", n, s.stalls())
		}
		s.deaf = false
		s.advance(time.Second)
		s.hearWithUptime(2, time.Second)
	}
}

// TestADoubtBeginsAnew what counted in a silence that may have been this node's own.
func TestADoubtBeginsAnew(t *testing.T) {
	t.Parallel()
	s, g := restingSeat(t)
	g.incumbentSince, g.rankUntil = s.m.now, s.m.now
	s.m.now = s.m.now.Add(time.Second)
	s.m.doubt()
	if g.incumbentSince != never || g.rankUntil != never {
		t.Errorf("row 10 counts since %v, the rank until %v", g.incumbentSince, g.rankUntil)
	}
	if w := s.m.Wish("web"); w.News != s.m.now || w.Since != s.m.now {
		t.Errorf("news of %v, since %v", s.m.now.Sub(w.News), s.m.now.Sub(w.Since))
	}
}

// TestWhichLeadIsCompared: the greatest of those that are old enough and none of the two
// newest, or else the oldest.
func TestWhichLeadIsCompared(t *testing.T) {
	t.Parallel()
	lead := func(at Instant, by time.Duration) uptimeLead { return uptimeLead{at, by} }
	for _, tt := range []struct {
		name  string
		leads uptimeLeads
		want  uptimeLead
	}{
		{"the greatest", uptimeLeads{lead(60, 1), lead(50, 1), lead(40, 2), lead(30, 3), lead(20, 2)}, lead(30, 3)},
		{"but none that is too young", uptimeLeads{lead(60, 1), lead(50, 1), lead(48, 9), lead(30, 3), lead(20, 2)}, lead(30, 3)},
		{"and none of the newest", uptimeLeads{lead(40, 9), lead(39, 9), lead(38, 2), lead(30, 3)}, lead(30, 3)},
		{"where all are too young, the oldest", uptimeLeads{lead(60, 1), lead(50, 9), lead(48, 2)}, lead(48, 2)},
	} {
		if got := tt.leads.before(45); got != tt.want {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
