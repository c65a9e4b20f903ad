// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import "time"

// tally is what the client's requests add up to.
type tally struct {
	Failed int           // requests without an answer
	Outage time.Duration // all gaps together
	Gaps   []gap
	Turns  []turn
}

// gap is a stretch of failures: from the last good answer before it to the first
// good answer after it. Without a good answer on one side the nearest failed
// request stands in.
type gap struct{ From, To time.Time }

// turn is a moment at which another node answered than before, or nobody did.
type turn struct {
	At   time.Time
	Node string // empty: failures began
}

// count adds up samples that are sorted by when they were asked.
//
// Requests overlap when they fail slowly, so what counts as "after a failure" is
// the order in which they were asked, and an answer's time is when it was there.
func count(samples []sample) tally {
	var t tally
	var lastGood time.Time
	var open *gap
	var current string
	for i, s := range samples {
		if s.Node == "" {
			t.Failed++
			if open == nil {
				open = &gap{From: lastGood}
				if lastGood.IsZero() {
					open.From = s.Asked
				}
			}
			open.To = s.Done
		} else {
			if open != nil {
				open.To = s.Done
				t.Gaps, open = append(t.Gaps, *open), nil
			}
			lastGood = s.Done
		}
		if i == 0 || s.Node != current {
			current = s.Node
			t.Turns = append(t.Turns, turn{At: s.Done, Node: s.Node})
		}
	}
	if open != nil {
		t.Gaps = append(t.Gaps, *open)
	}
	for _, g := range t.Gaps {
		t.Outage += g.To.Sub(g.From)
	}
	return t
}
