// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

// Standing is where one check of a group stands.
type Standing struct {
	Check  string
	Weight int // as in Check
	State  State
}

// Verdict is what the checks of one group say together.
type Verdict struct {
	Known         bool     // every check has reported; before that nothing else counts
	Healthy       bool     // known, and no check without weight is failing
	PriorityDelta int      // the sum of the weights; the election clamps the priority it gives
	Failing       []string // the failing checks without weight, in their order: the cause of a fault
	Degraded      []string // the failing checks with weight, in their order
	Waiting       []string // the checks that have not reported yet, in their order
}

// Evaluate sums up the checks of a group. A group without checks is healthy.
//
//	state    weight 0   weight < 0            weight > 0
//	unknown  not known  not known             not known
//	passing  -          -                     delta += weight
//	failing  fault      delta += weight       -
func Evaluate(group []Standing) Verdict {
	var v Verdict
	for _, s := range group {
		switch {
		case s.State == Unknown:
			v.Waiting = append(v.Waiting, s.Check)
		case s.State == Passing:
			v.PriorityDelta += max(0, s.Weight)
		case s.Weight == 0:
			v.Failing = append(v.Failing, s.Check)
		default:
			v.Degraded = append(v.Degraded, s.Check)
			v.PriorityDelta += min(0, s.Weight)
		}
	}
	v.Known = len(v.Waiting) == 0
	v.Healthy = v.Known && len(v.Failing) == 0
	return v
}
