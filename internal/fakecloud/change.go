// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import (
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// changesMax is how many changes are kept for [Model.Changes].
const changesMax = 16384

// Change is one change of a holder.
type Change struct {
	At        time.Time
	IP        netip.Addr
	Table     string           // the route table, for an address that is a route
	From, To  providers.Target // zero: nobody
	Moved     bool             // To is another target than the last that held the address
	Node      string           // who asked for it; empty for the console and a destroyed instance
	Operation int64            // zero for the same two
}

// changes records changes and the watchers who have yet to hear of them.
type changes struct {
	all      []Change
	queue    []Change
	watchers map[int]func(Change)
	lastID   int
	telling  bool
}

func (c *changes) add(ch Change) {
	c.all = append(c.all, ch)
	if len(c.all) > changesMax {
		c.all = c.all[1:]
	}
	if len(c.watchers) > 0 {
		c.queue = append(c.queue, ch)
	}
}

// OnChange calls f for every later change of a holder, in order and one at a
// time, from the goroutine that looked at the model when the change was due. f
// may look at the model. Changes recorded after stop has returned are not told.
func (m *Model) OnChange(f func(Change)) (stop func()) {
	m.enter()
	defer m.leave()
	if m.changes.watchers == nil {
		m.changes.watchers = map[int]func(Change){}
	}
	m.changes.lastID++
	id := m.changes.lastID
	m.changes.watchers[id] = f
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.changes.watchers, id)
	}
}

// leave tells the watchers what changed and unlocks the model. The lock is not
// held while they run; whoever is telling already also tells what others add, so
// that the order holds and a watcher may look at the model.
func (m *Model) leave() {
	c := &m.changes
	if !c.telling {
		c.telling = true
		for len(c.queue) > 0 {
			ch := c.queue[0]
			c.queue = c.queue[1:]
			watchers := m.watchersInOrder()
			m.mu.Unlock()
			for _, f := range watchers {
				f(ch)
			}
			m.mu.Lock()
		}
		c.telling = false
	}
	m.mu.Unlock()
}

func (m *Model) watchersInOrder() []func(Change) {
	var fs []func(Change)
	for id := 1; id <= m.changes.lastID; id++ {
		if f := m.changes.watchers[id]; f != nil {
			fs = append(fs, f)
		}
	}
	return fs
}

// Changes returns the changes so far, oldest first, at most the newest 16384.
func (m *Model) Changes() []Change {
	m.enter()
	defer m.leave()
	return slices.Clone(m.changes.all)
}

// Moves returns how often ip really moved: it reached another target than the
// last one that held it. Unbinding is no move, nor is binding again where it was. Of a
// route in several tables the one that moved most counts.
func (m *Model) Moves(ip netip.Addr) int {
	m.enter()
	defer m.leave()
	most := 0
	for at, rec := range m.addresses {
		if at.IP == ip {
			most = max(most, rec.moves)
		}
	}
	return most
}
