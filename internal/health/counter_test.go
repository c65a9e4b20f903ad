// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCounter(t *testing.T) {
	t.Parallel()
	// Results as + and -; the states after each as p and f, upper case where the
	// result changed the state.
	tests := []struct {
		name       string
		rise, fall int
		results    string
		want       string
	}{
		{"the first success decides", 2, 3, "+", "P"},
		{"failures at the start count as ever", 2, 3, "---", "uuF"},
		{"a success among them decides", 2, 3, "--+---", "uuPppF"},
		{"fall failures in a row fail", 2, 3, "+---", "PppF"},
		{"a success starts the count of failures again", 2, 3, "+--+--+---", "PppppppppF"},
		{"rise successes in a row pass", 2, 3, "---++", "uuFfP"},
		{"a failure starts the count of successes again", 2, 3, "---+-+-++", "uuFfffffP"},
		{"after a change the count starts at none", 2, 2, "+--+-++", "PpFfffP"},
		{"rise 1 and fall 1 follow every result", 1, 1, "+-+", "PFP"},
		{"less than 1 counts as 1", 0, -4, "+-+", "PFP"},
		{"more of the same changes nothing", 2, 3, "+++---", "PppppF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := Counter{Rise: tt.rise, Fall: tt.fall}
			var got []byte
			for _, r := range tt.results {
				changed := c.Observe(r == '+')
				letter := map[State]byte{Unknown: 'u', Passing: 'p', Failing: 'f'}[c.State()]
				if changed {
					letter -= 'a' - 'A'
				}
				got = append(got, letter)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("states after %s (-want +got):\n%s", tt.results, diff)
			}
		})
	}
}

func TestAStateIsUnknownBeforeTheFirstResult(t *testing.T) {
	t.Parallel()
	var c Counter
	if got := c.State(); got != Unknown {
		t.Errorf("State() = %v, want %v", got, Unknown)
	}
}

func TestStatesHaveNames(t *testing.T) {
	t.Parallel()
	want := []string{"unknown", "passing", "failing"}
	got := []string{Unknown.String(), Passing.String(), Failing.String()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
