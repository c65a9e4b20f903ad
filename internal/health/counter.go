// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

// State is what a check has come to say after rise and fall.
type State uint8

// The states of a check.
const (
	Unknown State = iota // has not reported yet
	Passing
	Failing
)

// String returns the state as one lower-case word.
func (s State) String() string {
	switch s {
	case Passing:
		return "passing"
	case Failing:
		return "failing"
	default:
		return "unknown"
	}
}

// Counter turns results into a state. The first success decides at once, because a node
// must not be out for the time of rise after every restart of the daemon. Failing takes
// Fall failures in a row, from the start as ever: until then the state stays unknown, so
// that one failure right after a restart is no failover, and a node that starts next to a
// dead service does not pass for well. From then on Rise successes in a row make a failing
// check pass. The zero value changes its state on every differing result.
type Counter struct {
	Rise, Fall int // at least 1; less counts as 1

	state    State
	opposing int // results in a row that contradict the state
}

// Observe takes one result and reports whether it changed the state.
func (c *Counter) Observe(ok bool) (changed bool) {
	seen := Failing
	need := c.Fall
	switch {
	case ok && c.state == Unknown:
		seen, need = Passing, 1
	case ok:
		seen, need = Passing, c.Rise
	}
	if seen == c.state {
		c.opposing = 0
		return false
	}
	c.opposing++
	if c.opposing < need {
		return false
	}
	c.state, c.opposing = seen, 0
	return true
}

// State returns the present state.
func (c *Counter) State() State { return c.state }
