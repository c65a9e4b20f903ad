// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// The defaults of a check. A service that dies is noticed after at most
// (DefaultFall-1) intervals, one more for the phase, and a timeout: 7 s, less
// than what an operator would need to notice it. Two successes before a node
// counts as well again keep a service that is just starting out of the election.
const (
	DefaultInterval = 2 * time.Second
	DefaultTimeout  = time.Second // or the interval, if that is shorter
	DefaultRise     = 2
	DefaultFall     = 3
)

// The limits of a check. WeightMax is what separates the highest priority from
// the lowest (254 and 1), and the range that users of keepalived know.
const (
	IntervalMin = 100 * time.Millisecond // shorter ones cost more than they tell
	IntervalMax = time.Hour
	TimeoutMin  = 10 * time.Millisecond
	CountMax    = 100 // of rise and fall
	WeightMax   = 253
)

// Check is one question, how often to ask it, and what the answer changes.
type Check struct {
	Name     string        // unique within the group
	Interval time.Duration // from start to start
	Timeout  time.Duration // at most Interval; an answer that takes longer is a failure
	Rise     int           // successes in a row after which a failing check passes
	Fall     int           // failures in a row after which a passing check fails

	// Weight decides what a failing check does. Zero: the node is in fault.
	// Negative: the priority falls by that much while the check fails. Positive:
	// the priority rises by that much while the check passes.
	Weight int

	Probe Probe
}

// Probe is a question about a service on this node. The implementations are
// plain data: copying one is cheap, comparing two tells whether they ask the
// same, and building one does no I/O.
type Probe interface {
	// Ask asks once and ends, with whatever it started, soon after ctx does. The
	// text says what was seen, in one line of at most a few hundred bytes without
	// secrets. A nil error means that the service is well; an error wrapping
	// [ErrInconclusive] that this cannot be told. Ask may be called from several
	// goroutines.
	Ask(ctx context.Context, v Values) (text string, err error)
	// Problems returns what is wrong with the question itself, without I/O.
	Problems() []Problem
	// String returns the kind and the object, such as "tcp 127.0.0.1:80", with
	// placeholders as written and without secrets.
	String() string
}

// Problem is one mistake in a check, said in the way the configuration reports
// it: the caller puts file, line and path in front.
type Problem struct {
	Field string // the key below the check: "interval", "http", "exec" ...
	Text  string // what was given, what is allowed, what to do
}

// String returns "field: text".
func (p Problem) String() string { return p.Field + ": " + p.Text }

// WithDefaults returns c with every setting that is zero replaced by its
// default.
func (c Check) WithDefaults() Check {
	c.Interval = cmp.Or(c.Interval, DefaultInterval)
	c.Timeout = cmp.Or(c.Timeout, min(c.Interval, DefaultTimeout))
	c.Rise = cmp.Or(c.Rise, DefaultRise)
	c.Fall = cmp.Or(c.Fall, DefaultFall)
	return c
}

// Problems returns everything that is wrong with c, which the caller has filled
// with its defaults.
func (c Check) Problems() []Problem {
	var ps []Problem
	report := func(field, format string, args ...any) {
		ps = append(ps, Problem{Field: field, Text: fmt.Sprintf(format, args...)})
	}
	if c.Name == "" {
		report("name", "is empty; give the check a name that is unique in its group")
	}
	if c.Interval < IntervalMin || c.Interval > IntervalMax {
		report("interval", "%v is outside %v to %v; use %v", c.Interval, IntervalMin, IntervalMax, DefaultInterval)
	}
	switch {
	case c.Timeout < TimeoutMin:
		report("timeout", "%v is below the minimum of %v; use %v", c.Timeout, TimeoutMin, min(c.Interval, DefaultTimeout))
	case c.Timeout > c.Interval:
		report("timeout", "%v is longer than the interval of %v (a check runs once at a time); shorten timeout or lengthen interval", c.Timeout, c.Interval)
	}
	if c.Rise < 1 || c.Rise > CountMax {
		report("rise", "%d is outside 1 to %d; use %d", c.Rise, CountMax, DefaultRise)
	}
	if c.Fall < 1 || c.Fall > CountMax {
		report("fall", "%d is outside 1 to %d; use %d", c.Fall, CountMax, DefaultFall)
	}
	if c.Weight < -WeightMax || c.Weight > WeightMax {
		report("weight", "%d is outside %d to %d; use 0 to make the check a fault", c.Weight, -WeightMax, WeightMax)
	}
	if c.Probe == nil {
		report("", "asks nothing; give one of http, tcp, exec, process")
		return ps
	}
	return append(ps, c.Probe.Problems()...)
}
