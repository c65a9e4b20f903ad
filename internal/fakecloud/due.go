// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import "time"

// dueItem is something that happens by itself at an instant.
type dueItem struct {
	at  time.Time
	run func(at time.Time)
}

// later plans run for at. Items of one instant run in the order of planning.
func (m *Model) later(at time.Time, run func(time.Time)) {
	i := len(m.due)
	for i > 0 && m.due[i-1].at.After(at) {
		i--
	}
	m.due = append(m.due, dueItem{})
	copy(m.due[i+1:], m.due[i:])
	m.due[i] = dueItem{at, run}
}

// applyDue runs what is due at or before now, each item at its own instant; an
// item may plan further ones.
func (m *Model) applyDue(now time.Time) {
	for len(m.due) > 0 && !m.due[0].at.After(now) {
		item := m.due[0]
		m.due = m.due[1:]
		item.run(item.at)
	}
}

// Next returns the instant at which the model will next change by itself, and
// whether there is one.
func (m *Model) Next() (time.Time, bool) {
	m.enter()
	defer m.leave()
	if len(m.due) == 0 {
		return time.Time{}, false
	}
	return m.due[0].at, true
}
