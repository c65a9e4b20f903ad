// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		group []Standing
		want  Verdict
	}{
		{"a group without checks is healthy", nil, Verdict{Known: true, Healthy: true}},
		{"nothing is known before the first result",
			[]Standing{{"a", 0, Unknown, false}},
			Verdict{Waiting: []string{"a"}}},
		{"one silent check keeps the group unknown",
			[]Standing{{"a", 0, Passing, false}, {"b", -10, Unknown, false}},
			Verdict{Waiting: []string{"b"}}},
		{"a failure is named even while others are silent",
			[]Standing{{"a", 0, Failing, false}, {"b", 0, Unknown, false}},
			Verdict{Failing: []string{"a"}, Waiting: []string{"b"}}},
		{"a check that was asked and never told is no fault, and is named",
			[]Standing{{"a", 0, Unknown, true}, {"b", -10, Unknown, true}, {"c", 20, Unknown, true}},
			Verdict{Known: true, Healthy: true, PriorityDelta: 20, Untold: []string{"a", "b", "c"}}},
		{"one that never told does not speak for one that was not asked",
			[]Standing{{"a", 0, Unknown, true}, {"b", 0, Unknown, false}},
			Verdict{Waiting: []string{"b"}, Untold: []string{"a"}}},
		{"what told before stands, whatever was asked since",
			[]Standing{{"a", 0, Failing, true}},
			Verdict{Known: true, Failing: []string{"a"}}},
		{"all passing is healthy",
			[]Standing{{"a", 0, Passing, false}, {"b", 0, Passing, false}},
			Verdict{Known: true, Healthy: true}},
		{"a failing check without weight is a fault",
			[]Standing{{"a", 0, Passing, false}, {"b", 0, Failing, false}, {"c", 0, Failing, false}},
			Verdict{Known: true, Failing: []string{"b", "c"}}},
		{"a negative weight lowers the priority while failing, without a fault",
			[]Standing{{"a", -60, Failing, false}},
			Verdict{Known: true, Healthy: true, PriorityDelta: -60, Degraded: []string{"a"}}},
		{"a negative weight does nothing while passing",
			[]Standing{{"a", -60, Passing, false}},
			Verdict{Known: true, Healthy: true}},
		{"a positive weight raises the priority while passing",
			[]Standing{{"a", 20, Passing, false}},
			Verdict{Known: true, Healthy: true, PriorityDelta: 20}},
		{"a positive weight does nothing while failing, and is no fault",
			[]Standing{{"a", 20, Failing, false}},
			Verdict{Known: true, Healthy: true, Degraded: []string{"a"}}},
		{"weights add up, next to a fault too",
			[]Standing{{"a", 20, Passing, false}, {"b", -50, Failing, false}, {"c", 0, Failing, false}, {"d", 5, Passing, false}},
			Verdict{Known: true, PriorityDelta: -25, Failing: []string{"c"}, Degraded: []string{"b"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Evaluate(tt.group)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}
