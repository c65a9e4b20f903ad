// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import (
	"fmt"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// finishedMax is how many ended operations stay readable; beyond it the oldest
// is forgotten, as clouds do.
const finishedMax = 4096

// operation is an Operation with what only the model knows of it.
type operation struct {
	Operation
	fail bool // ends without effect
}

// Submit hands one write to the cloud now. It answers with the accepted
// operation, already completed if r.Delay is not positive, or with a [Refusal].
func (m *Model) Submit(r Request) (Operation, error) {
	now := m.enter()
	defer m.leave()
	m.lastID++
	op := newOperation(m.lastID, r)
	if err := m.accept(now, op, r.Delay); err != nil {
		return Operation{}, err
	}
	return op.Operation, nil
}

// SubmitAt is a write that its sender may have given up, and that reaches the
// cloud at the given instant all the same: the rules are asked then, and
// whatever they say nobody hears of it. It returns the id that the operation
// will have if it is accepted. A refused one stays unknown to reads.
func (m *Model) SubmitAt(at time.Time, r Request) int64 {
	now := m.enter()
	defer m.leave()
	m.lastID++
	op := newOperation(m.lastID, r)
	if at.Before(now) {
		at = now
	}
	m.later(at, func(at time.Time) {
		// A late write has no one to tell of a refusal.
		_ = m.accept(at, op, r.Delay)
	})
	m.applyDue(now)
	return op.ID
}

// StartEvent keeps an instance busy for d with something that is not about
// addresses, and returns the operation's id.
func (m *Model) StartEvent(id, name string, d time.Duration) (int64, error) {
	now := m.enter()
	defer m.leave()
	if m.instances[id] == nil {
		return 0, fmt.Errorf("start event %s on instance %s: %w", name, id, UnknownInstance)
	}
	m.lastID++
	op := &operation{Operation: Operation{ID: m.lastID, Verb: Event, Name: name, Instance: id}}
	m.start(now, op, d)
	return op.ID, nil
}

func newOperation(id int64, r Request) *operation {
	return &operation{
		Operation: Operation{ID: id, Verb: r.Verb, IP: r.IP, Table: r.Table, From: r.From, To: r.To, Node: r.Node},
		fail:      r.Fail,
	}
}

// accept asks the rules and starts the operation.
func (m *Model) accept(now time.Time, op *operation, delay time.Duration) error {
	if err := m.refuse(op); err != nil {
		return err
	}
	holder := m.addresses[op.slot()].now().Holder
	op.From = holder
	busy := op.To
	if op.Verb == Detach {
		op.To, busy = providers.Target{}, holder
	}
	if rec := m.carrier(busy); rec != nil {
		op.Instance = rec.now().ID
	}
	m.start(now, op, delay)
	return nil
}

// refuse returns the first rule that op breaks. What does not exist comes first,
// then what passes by itself, then what an operator must change.
func (m *Model) refuse(op *operation) error {
	rec, to := m.addresses[op.slot()], m.carrier(op.To)
	binds := op.Verb == Move || op.Verb == Attach
	switch {
	case !binds && op.Verb != Detach:
		return BadVerb
	case rec == nil:
		return UnknownAddress
	case binds && (to == nil || to.now().State == providers.InstanceGone):
		return UnknownInstance
	}
	a := rec.now()
	switch {
	case a.Pending != 0:
		return AddressPending
	case op.Verb == Detach && a.Holder.IsZero():
		return NotHeld
	case op.Verb != Attach && !op.From.IsZero() && op.From != a.Holder:
		return NotHolder
	case op.Verb == Detach:
		return nil
	case a.Holder == op.To:
		return AlreadyHolder
	case op.Verb == Attach && !a.Holder.IsZero():
		return Held
	case m.rules.SerializeInstances && to.busy > 0:
		return InstancePending
	case a.Region != to.now().Region:
		return OtherRegion
	case m.rules.NeedsRunning && to.now().State != providers.InstanceRunning:
		return InstanceNotRunning
	case m.full(to.now().ID, op.slot()):
		return InstanceFull
	}
	return nil
}

// full reports whether the instance can take no further address of the family of in.
func (m *Model) full(id string, in Slot) bool {
	limit := m.rules.MaxPerInstance4
	if in.IP.Is6() {
		limit = m.rules.MaxPerInstance6
	}
	held := 0
	for other, rec := range m.addresses {
		if other != in && other.IP.Is6() == in.IP.Is6() && rec.now().Holder.Instance == id {
			held++
		}
	}
	return limit > 0 && held >= limit
}

// start makes op visible and busy, and plans its end.
func (m *Model) start(now time.Time, op *operation, delay time.Duration) {
	op.Started, op.Finished = now, now.Add(max(delay, 0))
	m.operations[op.ID] = op
	m.setBusy(now, op, +1)
	if delay <= 0 {
		m.finish(now, op)
		return
	}
	m.later(op.Finished, func(at time.Time) { m.finish(at, op) })
}

// finish ends op, with its effect if that is still possible: an instance may be
// gone, or a hand in the console may have been faster.
func (m *Model) finish(at time.Time, op *operation) {
	op.Status = Completed
	if !m.effective(op) {
		op.Status = Errored
	} else if op.Verb != Event {
		m.bind(at, op.slot(), op.To, op)
	}
	m.setBusy(at, op, -1)
	m.finished = append(m.finished, op.ID)
	if len(m.finished) > finishedMax {
		delete(m.operations, m.finished[0])
		m.finished = m.finished[1:]
	}
}

func (m *Model) effective(op *operation) bool {
	if op.fail {
		return false
	}
	switch op.Verb {
	case Move, Attach:
		holder := m.addresses[op.slot()].now().Holder
		to := m.carrier(op.To)
		alive := to != nil && to.now().State != providers.InstanceGone
		return alive && (op.Verb == Move || holder.IsZero() || holder == op.To)
	case Detach:
		return m.addresses[op.slot()].now().Holder == op.From
	default:
		return true
	}
}

// setBusy marks (+1) or frees (-1) the address and the instance of op.
func (m *Model) setBusy(at time.Time, op *operation, by int) {
	if rec := m.addresses[op.slot()]; rec != nil {
		a := rec.now()
		a.Pending = 0
		if by > 0 {
			a.Pending = op.ID
		}
		rec.put(at, a)
	}
	if rec := m.instances[op.Instance]; rec != nil {
		rec.busy += by
		i := rec.now()
		i.Pending = rec.busy > 0
		rec.put(at, i)
	}
}
