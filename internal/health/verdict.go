// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

// Standing is where one check of a group stands.
type Standing struct {
	Check  string
	Weight int // as in Check
	State  State
	Untold bool // State is Unknown, and the check was asked and could not tell
}

// Verdict is what the checks of one group say together.
type Verdict struct {
	Known         bool     // every check has been asked; before that nothing else counts
	Healthy       bool     // known, and no check without weight is failing
	PriorityDelta int      // the sum of the weights; the election clamps the priority it gives
	Failing       []string // the failing checks without weight, in their order: the cause of a fault
	Degraded      []string // the failing checks with weight, in their order
	Waiting       []string // the checks that have not been asked yet, in their order
	Untold        []string // the checks that could not tell and never did, in their order
}

// Evaluate sums up the checks of a group. A group without checks is healthy. A check that
// never told counts as a passing one, so that a node is not out because of it; what a node
// may not do meanwhile is the election's business.
//
//	state            weight 0   weight < 0            weight > 0
//	unknown          not known  not known             not known
//	unknown, untold  -          -                     delta += weight
//	passing          -          -                     delta += weight
//	failing          fault      delta += weight       -
func Evaluate(group []Standing) Verdict {
	var v Verdict
	for _, s := range group {
		if s.State == Unknown && s.Untold {
			v.Untold = append(v.Untold, s.Check)
			s.State = Passing
		}
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
