// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"fmt"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/providers"
)

// move brings one address to its target. Each turn begins with an owner read, so
// that a write starts from a fresh one and follows the answer to the last write:
//
//	owner          last write            what happens
//	the target     any                   done
//	pending        any                   read again
//	another        none, or no effect    write: the move, or the detach
//	nobody         none, or no effect    write: the attach
//	nobody         accepted detach       write: the attach, once
//	any other      accepted or unknown   read again until ctx ends
//
// A write that certainly had no effect is repeated, since the operator waits for
// it; one that may have had an effect never is.
func (c *Cluster) move(ctx context.Context, m move, r status.AssignRequest, report func(status.Event)) error {
	interval := max(readInterval, m.driver.Capabilities().MinInterval)
	var (
		done step  // the newest write that was accepted or may have been
		last error // what went wrong last, for the text of a timeout
	)
	for {
		seen, err := c.read(ctx, m.address)
		switch {
		case err != nil:
			last = err
		case seen.Target == m.to && !seen.Pending:
			report(status.Event{Event: status.EventBound, Group: r.Group, Text: fmt.Sprintf("the cloud says that %s is on %s", m.address, r.To)})
			return nil
		default:
			step := m.next(seen, done)
			if step == stepNone {
				break
			}
			err := c.write(ctx, m, seen)
			switch {
			case err == nil:
				done = step
				report(status.Event{Event: status.EventClaimed, Group: r.Group, Text: fmt.Sprintf("the cloud accepted the %s of %s", step, m.address)})
			case mayHaveActed(err):
				done, last = step, err
			case worthRepeating(err):
				last = err
			default:
				return err
			}
		}
		if pause(ctx, interval) != nil {
			return m.timedOut(last)
		}
	}
}

// step is one write of a move.
type step string

const (
	stepNone   step = ""
	stepMove   step = "move"
	stepDetach step = "detaching"
	stepAttach step = "attaching"
)

// next returns the write that the newest read calls for, given the last one
// that was accepted or may have been.
func (m move) next(seen providers.Assignment, done step) step {
	atomic, unbound := m.driver.Capabilities().AtomicMove, seen.Target.IsZero()
	switch {
	case seen.Pending, seen.Target == m.to:
		return stepNone
	case atomic && done == stepNone:
		return stepMove
	case atomic:
		return stepNone
	case unbound && done != stepAttach:
		return stepAttach
	case !unbound && done == stepNone:
		return stepDetach
	default:
		return stepNone
	}
}

// write makes one call of Assign, bounded by the attempt deadline.
func (c *Cluster) write(ctx context.Context, m move, seen providers.Assignment) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := m.driver.Assign(ctx, m.address, m.to, seen)
	return err
}

// mayHaveActed reports whether a failed write may have taken effect.
func mayHaveActed(err error) bool {
	switch providers.KindOf(err) {
	case providers.Unknown, providers.Ambiguous:
		return true
	default:
		return false
	}
}

// worthRepeating reports whether a write without effect may succeed later. A
// conflict is not: somebody else moves the address, and an operator should know.
func worthRepeating(err error) bool {
	switch providers.KindOf(err) {
	case providers.Transient, providers.Throttled, providers.Busy:
		return true
	default:
		return false
	}
}

// timedOut says what was last known when the time was over.
func (m move) timedOut(last error) error {
	if last != nil {
		return fmt.Errorf("wait for %s to reach %s: not confirmed in time; last: %w", m.address, m.to, last)
	}
	return fmt.Errorf("wait for %s to reach %s: not confirmed in time", m.address, m.to)
}

// pause waits for d or the end of ctx, whose cause it returns.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
