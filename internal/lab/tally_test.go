// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// asked is a request at a moment that took a millisecond.
func asked(moment int, node string) sample {
	return sample{Asked: at(moment), Done: at(moment + 1), Node: node}
}

func TestCount(t *testing.T) {
	t.Parallel()
	const a, b, fails = "lb-a", "lb-b", ""
	slow := sample{Asked: at(20), Done: at(520), Node: fails}
	for name, test := range map[string]struct {
		samples []sample
		want    tally
	}{
		"no request is no outage": {},
		"only good answers are no outage": {
			samples: []sample{asked(0, a), asked(20, a)},
			want:    tally{Turns: []turn{{at(1), a}}},
		},
		"a move without a failure is a turn and no outage": {
			samples: []sample{asked(0, a), asked(20, b)},
			want:    tally{Turns: []turn{{at(1), a}, {at(21), b}}},
		},
		"an outage lasts from the last good answer before to the first good one after": {
			samples: []sample{asked(0, a), asked(20, fails), asked(40, fails), asked(60, b)},
			want: tally{Failed: 2, Outage: 60 * time.Millisecond, Gaps: []gap{{at(1), at(61)}},
				Turns: []turn{{at(1), a}, {at(21), fails}, {at(61), b}}},
		},
		"gaps add up": {
			samples: []sample{asked(0, a), asked(20, fails), asked(40, a), asked(60, a), asked(80, fails), asked(100, b)},
			want: tally{Failed: 2, Outage: 80 * time.Millisecond, Gaps: []gap{{at(1), at(41)}, {at(61), at(101)}},
				Turns: []turn{{at(1), a}, {at(21), fails}, {at(41), a}, {at(81), fails}, {at(101), b}}},
		},
		"failures at the start count from the first request": {
			samples: []sample{asked(0, fails), asked(20, fails), asked(40, a)},
			want: tally{Failed: 2, Outage: 41 * time.Millisecond, Gaps: []gap{{at(0), at(41)}},
				Turns: []turn{{at(1), fails}, {at(41), a}}},
		},
		"an outage that has not ended lasts until the last request gave up": {
			samples: []sample{asked(0, a), asked(20, fails), asked(40, fails)},
			want: tally{Failed: 2, Outage: 40 * time.Millisecond, Gaps: []gap{{at(1), at(41)}},
				Turns: []turn{{at(1), a}, {at(21), fails}}},
		},
		"an answer to a later question ends the outage before the slow failure does": {
			samples: []sample{asked(0, a), slow, asked(40, b)},
			want: tally{Failed: 1, Outage: 40 * time.Millisecond, Gaps: []gap{{at(1), at(41)}},
				Turns: []turn{{at(1), a}, {at(520), fails}, {at(41), b}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, count(test.samples)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
