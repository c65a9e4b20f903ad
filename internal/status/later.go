// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"slices"
	"time"
)

// ConditionStill is the code of the condition that the engine does not run: nothing in
// the snapshot has been looked at since.
const ConditionStill = "engine-still"

// Later returns s as it is to be shown by later: every age in it has grown by that much.
// It shares nothing with s that is changed.
func (s Snapshot) Later(by time.Duration) Snapshot {
	s.At = s.At.Add(by)
	s.Groups = slices.Clone(s.Groups)
	for i := range s.Groups {
		nodes := slices.Clone(s.Groups[i].Nodes)
		for j, n := range nodes {
			if n.LastAdvertAgeMS != nil {
				nodes[j].LastAdvertAgeMS = new(*n.LastAdvertAgeMS + by.Milliseconds())
			}
		}
		s.Groups[i].Nodes = nodes
	}
	return s
}

// Still returns s with the condition that the engine has not run for so long before s.At.
func (s Snapshot) Still(age time.Duration) Snapshot {
	c := Condition{
		Code: ConditionStill, Severity: SeverityCritical, Since: s.At.Add(-age),
		Text: "the engine has not run for " + span(age) + ": what follows is what it knew then, and this node neither acts nor " +
			"advertises; systemd ends it where the unit has WatchdogSec, otherwise kill the daemon, and keep its log",
	}
	s.Conditions = slices.Concat([]Condition{c}, s.Conditions)
	return s
}

// still returns the condition that the engine does not run, if it holds.
func (s Snapshot) still() (Condition, bool) {
	i := slices.IndexFunc(s.Conditions, func(c Condition) bool { return c.Code == ConditionStill })
	if i < 0 {
		return Condition{}, false
	}
	return s.Conditions[i], true
}
