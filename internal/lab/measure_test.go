// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func role(moment int, node, from, to, reason string) event {
	return event{At: at(moment), Kind: eventRole, Who: node, From: from, To: to, Reason: reason}
}

func write(moment int, node string) event { return event{At: at(moment), Kind: eventWrite, Who: node} }

func moved(moment int, from, to string) event {
	return event{At: at(moment), Kind: eventMoved, Who: "cloud", From: from, To: to}
}

func answered(moment int, node string) event {
	return event{At: at(moment), Kind: eventClient, Who: "client", To: node}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		events []event
		want   phases
	}{
		"a takeover has four parts, one after the other": {
			events: []event{
				role(900, "lb-b", "backup", "active", "owner-silent"), write(905, "lb-b"),
				moved(2005, "lb-a", "lb-b"), answered(2020, "lb-b"),
			},
			want: phases{Detect: ms(800), Decide: ms(5), API: ms(1100), Answer: ms(15), To: "lb-b"},
		},
		"what happened before the fault is not counted": {
			events: []event{
				role(10, "lb-a", "backup", "active", "resumed-bound"), write(20, "lb-a"), answered(30, "lb-a"),
				role(900, "lb-b", "backup", "active", "owner-silent"), write(910, "lb-b"), moved(950, "lb-a", "lb-b"),
			},
			want: phases{Detect: ms(800), Decide: ms(10), API: ms(40), To: "lb-b"},
		},
		"a node that resumes what it holds has moved nothing": {
			events: []event{role(900, "lb-a", "backup", "active", "resumed-bound"), answered(950, "lb-a")},
		},
		"nothing moved: nothing applies": {
			events: []event{answered(120, ""), answered(140, "lb-a")},
		},
		"a hand in the console has neither decision nor write": {
			events: []event{
				moved(100, "lb-a", "lb-b"), answered(110, "lb-b"),
				role(2500, "lb-b", "backup", "active", "resumed-bound"),
			},
			want: phases{Answer: ms(10), To: "lb-b"},
		},
		"another node's write is not the decision's": {
			events: []event{
				role(200, "lb-b", "backup", "active", "assigned"), write(210, "lb-a"), write(220, "lb-b"),
				moved(300, "lb-a", "lb-b"), answered(310, "lb-b"),
			},
			want: phases{Detect: ms(100), Decide: ms(20), API: ms(80), Answer: ms(10), To: "lb-b"},
		},
		"an unbinding and the old owner's answers do not end a move, and make a gap": {
			events: []event{
				role(200, "lb-b", "backup", "active", "owner-fault"), write(210, "lb-b"), moved(250, "lb-a", ""),
				answered(260, "lb-a"), moved(300, "", "lb-b"), answered(310, ""), answered(320, "lb-b"),
			},
			want: phases{Detect: ms(100), Decide: ms(10), API: ms(90), Answer: ms(20), Gap: ms(50), To: "lb-b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, measure(test.events, at(100))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAddedIsWhatTheCloudDidNotTake(t *testing.T) {
	t.Parallel()
	whole := phases{Detect: ms(100), Decide: ms(10), API: ms(500), Answer: ms(20), To: "lb-b"} // moved from 200 to 710
	without := whole
	without.Answer = nil
	for name, test := range map[string]struct {
		phases phases
		busy   []span
		want   *time.Duration
	}{
		"all of it, if the cloud did nothing": {whole, nil, ms(530)},
		"not the calls":                       {whole, []span{{"lb-b", at(210), at(310)}, {"lb-b", at(400), at(700)}}, ms(130)},
		"what overlaps counts once":           {whole, []span{{"lb-b", at(300), at(600)}, {"lb-b", at(210), at(400)}, {"lb-b", at(350), at(360)}}, ms(140)},
		"only within the move":                {whole, []span{{"lb-b", at(0), at(150)}, {"lb-b", at(100), at(210)}, {"lb-b", at(700), at(900)}, {"lb-b", at(715), at(725)}}, ms(510)},
		"only the new owner's":                {whole, []span{{"lb-a", at(210), at(310)}}, ms(530)},
		"nothing without all of the phases":   {without, nil, nil},
	} {
		if diff := cmp.Diff(test.want, added(test.phases, at(100), test.busy)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// RFC 9568 section 6.1: Skew_Time and Active_Down_Interval.
func TestActiveDownIsThreeIntervalsAndTheSkewTime(t *testing.T) {
	t.Parallel()
	if got, want := activeDown(256*time.Millisecond, 100), (3*256+156)*time.Millisecond; got != want {
		t.Errorf("priority 100: %s, want %s", got, want)
	}
	if got, want := activeDown(time.Second, 254), 3*time.Second+2*time.Second/256; got != want {
		t.Errorf("priority 254: %s, want %s", got, want)
	}
}

func TestOnlyATakeoverBySilenceIsComparedWithTheTheory(t *testing.T) {
	t.Parallel()
	const interval = 256 * time.Millisecond // active-down is 924 ms
	for name, test := range map[string]struct {
		events []event
		last   time.Time
		want   string
	}{
		"by silence":        {[]event{role(1024, "lb-b", "backup", "active", "owner-silent")}, at(90), "decided 934ms after the last advert; active-down is 924ms (+1.1 %)"},
		"by fault":          {[]event{role(1024, "lb-b", "backup", "active", "owner-fault")}, at(90), ""},
		"before the fault":  {[]event{role(50, "lb-b", "backup", "active", "owner-silent")}, at(0), ""},
		"no advert at all":  {[]event{role(1024, "lb-b", "backup", "active", "owner-silent")}, time.Time{}, ""},
		"adverts went on":   {[]event{role(1024, "lb-b", "backup", "active", "owner-silent")}, at(1100), ""},
		"silent for long":   {[]event{role(1024, "lb-b", "backup", "active", "owner-silent")}, at(-500), ""},
		"another node":      {[]event{role(1024, "lb-a", "backup", "active", "owner-silent")}, at(90), ""},
		"started since":     {[]event{role(300, "lb-b", "initialize", "backup", "started"), role(1024, "lb-b", "backup", "active", "owner-silent")}, at(90), ""},
		"no change of role": {[]event{write(1024, "lb-b")}, at(90), ""},
	} {
		if got := silenceNote(test.events, at(100), test.last, interval); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
