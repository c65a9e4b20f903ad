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

// Counter turns results into a state. The first result decides, because a node
// that starts next to a dead service must not pass for well until fall is over,
// nor be out for the time of rise after every restart of the daemon. From then
// on Rise successes in a row make a failing check pass and Fall failures in a
// row make a passing one fail. The zero value changes its state on every
// differing result.
type Counter struct {
	Rise, Fall int // at least 1; less counts as 1

	state    State
	opposing int // results in a row that contradict the state
}

// Observe takes one result and reports whether it changed the state.
func (c *Counter) Observe(ok bool) (changed bool) {
	seen := Failing
	need := c.Fall
	if ok {
		seen = Passing
		need = c.Rise
	}
	if seen == c.state {
		c.opposing = 0
		return false
	}
	c.opposing++
	if c.state != Unknown && c.opposing < need {
		return false
	}
	c.state, c.opposing = seen, 0
	return true
}

// State returns the present state.
func (c *Counter) State() State { return c.state }
