// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import "time"

const (
	journalMaxDefault = 16384 // entries: hours of a lab, a few megabytes
	journalBodyMax    = 256   // bytes of a request's body kept
)

// Entry is one call to an API of the cloud.
type Entry struct {
	ID           int64
	Node         string // who asked, if known
	Remote       string // the address it came from
	Method, Path string
	Action       string // what the vendor calls it, where method and path do not tell
	Body         string // the request's, without line breaks, cut at 256 bytes
	Write        bool
	Status       int    // of the answer; zero: there was none
	Fault        string // the scripted fault that was played, if any
	Effect       string // what the call did, in words
	RequestID    string
	Operation    int64     // the operation it started; zero: none
	Arrived      time.Time // when the request reached the API
	Answered     time.Time // when the answer left or the connection was cut; zero: not yet
	Applied      time.Time // when the operation took effect; zero: not (yet)
}

type journal struct {
	entries []Entry
	first   int64 // id of entries[0]
	max     int
}

// Arrive writes down a call that reached an API now, and returns its id.
func (m *Model) Arrive(e Entry) int64 {
	e.Arrived = m.enter()
	defer m.leave()
	if len(e.Body) > journalBodyMax {
		e.Body = e.Body[:journalBodyMax]
	}
	j := &m.journal
	e.ID = j.first + int64(len(j.entries))
	j.entries = append(j.entries, e)
	if len(j.entries) > j.max {
		j.entries = j.entries[1:]
		j.first++
	}
	return e.ID
}

// Answer completes the entry with what the call did, now. Only what a handler
// learns is taken from e: node, status, fault, effect, request id and operation.
func (m *Model) Answer(id int64, e Entry) {
	now := m.enter()
	defer m.leave()
	i := id - m.journal.first
	if i < 0 || i >= int64(len(m.journal.entries)) {
		return // dropped: more than JournalMax calls began since
	}
	old := &m.journal.entries[i]
	old.Node, old.Status, old.Fault, old.Effect = e.Node, e.Status, e.Fault, e.Effect
	old.RequestID, old.Operation, old.Answered = e.RequestID, e.Operation, now
}

// Journal returns the calls so far, oldest first, including unanswered ones.
func (m *Model) Journal() []Entry {
	m.enter()
	defer m.leave()
	es := make([]Entry, len(m.journal.entries))
	for i, e := range m.journal.entries {
		if op := m.operations[e.Operation]; op != nil && op.Status == Completed {
			e.Applied = op.Finished
		}
		es[i] = e
	}
	return es
}
