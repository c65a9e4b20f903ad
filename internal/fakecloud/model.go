// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// Options are the settings of a model.
type Options struct {
	Now        func() time.Time // the clock; required
	Rules      Rules            // a vendor's face installs its own
	JournalMax int              // journal entries kept, oldest dropped first; zero: 16384
}

// Model is one cloud: instances, addresses, the operations between them, and a
// record of what happened. Its methods are safe for concurrent use.
type Model struct {
	clock func() time.Time

	mu         sync.Mutex
	rules      Rules
	seen       time.Time // the latest instant looked at
	instances  map[string]*instance
	addresses  map[Slot]*address
	operations map[int64]*operation
	finished   []int64 // ended operations, oldest first, to forget the oldest
	lastID     int64
	due        []dueItem
	changes    changes
	journal    journal
}

type instance struct {
	history[Instance]
	busy int // pending operations and events
}

type address struct {
	history[Address]
	lastHolder providers.Target // the last that was not nobody
	moves      int
}

// New returns an empty cloud. It panics without a clock.
func New(o Options) *Model {
	if o.Now == nil {
		panic("fakecloud: Options.Now is required")
	}
	if o.JournalMax == 0 {
		o.JournalMax = journalMaxDefault
	}
	return &Model{
		clock:      o.Now,
		rules:      o.Rules,
		instances:  map[string]*instance{},
		addresses:  map[Slot]*address{},
		operations: map[int64]*operation{},
		journal:    journal{max: o.JournalMax, first: 1},
	}
}

// enter locks the model and applies what is due. Every method that looks at the
// model starts with it and ends with leave.
func (m *Model) enter() time.Time {
	m.mu.Lock()
	if now := m.clock(); now.After(m.seen) {
		m.seen = now
	}
	m.applyDue(m.seen)
	return m.seen
}

// Now returns the model's clock. It never goes backwards.
func (m *Model) Now() time.Time {
	defer m.leave()
	return m.enter()
}

// SetRules replaces the limits; faces call it once when they take over a model.
func (m *Model) SetRules(r Rules) {
	m.enter()
	defer m.leave()
	m.rules = r
}

// AddInstance adds a machine. The id must be new.
func (m *Model) AddInstance(i Instance) error {
	now := m.enter()
	defer m.leave()
	switch {
	case i.ID == "":
		return fmt.Errorf("add instance %q: the id is empty", i.Name)
	case m.instances[i.ID] != nil:
		return fmt.Errorf("add instance %s: it exists already", i.ID)
	}
	if i.State == providers.InstanceUnknown {
		i.State = providers.InstanceRunning
	}
	i.Pending = false
	i.Private, i.Public, i.Tags = slices.Clone(i.Private), slices.Clone(i.Public), slices.Clone(i.Tags)
	rec := &instance{}
	rec.put(now, i)
	m.instances[i.ID] = rec
	return nil
}

// AddAddress adds a floating IP, held by a.Holder from the start; that does not
// count as a change. The address must be new and the holder's instance known: the
// one it names, else the one with the interface's id, else one with its private
// address.
func (m *Model) AddAddress(a Address) error {
	now := m.enter()
	defer m.leave()
	switch {
	case !a.IP.IsValid():
		return fmt.Errorf("add address: the IP is missing")
	case m.addresses[a.slot()] != nil:
		return fmt.Errorf("add address %s: it exists already", a.slot())
	case !a.Holder.IsZero() && m.carrier(a.Holder) == nil:
		return fmt.Errorf("add address %s held by %s: %w", a.IP, a.Holder, UnknownInstance)
	}
	a.Pending, a.Since = 0, now
	rec := &address{lastHolder: a.Holder}
	rec.put(now, a)
	m.addresses[a.slot()] = rec
	return nil
}

// SetState starts, stops or destroys an instance. A destroyed one loses its
// addresses, which stay in the region held by nobody; a holder that is named by its
// private address alone stays, as a route stays that leads nowhere.
func (m *Model) SetState(id string, s providers.InstanceState) error {
	now := m.enter()
	defer m.leave()
	rec := m.instances[id]
	if rec == nil {
		return fmt.Errorf("set state of instance %s: %w", id, UnknownInstance)
	}
	i := rec.now()
	i.State = s
	rec.put(now, i)
	if s != providers.InstanceGone {
		return nil
	}
	for _, at := range m.sortedSlots() {
		if m.addresses[at].now().Holder.Instance == id {
			m.bind(now, at, providers.Target{}, &operation{})
		}
	}
	return nil
}

// Place is a hand in the console: it binds ip at once and no rule is asked. The
// zero target unbinds it.
func (m *Model) Place(ip netip.Addr, to providers.Target) error { return m.PlaceIn(Slot{IP: ip}, to) }

// PlaceIn is Place for an address of one route table.
func (m *Model) PlaceIn(at Slot, to providers.Target) error {
	now := m.enter()
	defer m.leave()
	switch {
	case m.addresses[at] == nil:
		return fmt.Errorf("place %s: %w", at, UnknownAddress)
	case !to.IsZero() && m.carrier(to) == nil:
		return fmt.Errorf("place %s on %s: %w", at, to, UnknownInstance)
	}
	m.bind(now, at, to, &operation{})
	return nil
}

// Holder returns who holds ip now; zero for nobody and for an unknown address. It
// is cheap enough to be asked for every connection.
func (m *Model) Holder(ip netip.Addr) providers.Target { return m.HolderIn(Slot{IP: ip}) }

// HolderIn is Holder for an address of one route table.
func (m *Model) HolderIn(at Slot) providers.Target {
	m.enter()
	defer m.leave()
	if rec := m.addresses[at]; rec != nil {
		return rec.now().Holder
	}
	return providers.Target{}
}

// bind makes to the holder of what is in slot and records the change, if it is one.
func (m *Model) bind(at time.Time, in Slot, to providers.Target, op *operation) {
	rec := m.addresses[in]
	a := rec.now()
	if a.Holder == to {
		return
	}
	c := Change{At: at, IP: in.IP, Table: in.Table, From: a.Holder, To: to, Node: op.Node, Operation: op.ID}
	if c.Moved = !to.IsZero() && to != rec.lastHolder; c.Moved {
		rec.moves++
	}
	if !to.IsZero() {
		rec.lastHolder = to
	}
	a.Holder, a.Since = to, at
	rec.put(at, a)
	m.changes.add(c)
}

// carrier returns the instance that t is on, or nil: the named one; else one that
// stands for the interface, which is then on no machine; else the one that has the
// private address, of several the first by id that is not gone.
func (m *Model) carrier(t providers.Target) *instance {
	switch {
	case t.Instance != "":
		return m.instances[t.Instance]
	case t.Interface != "":
		return m.instances[t.Interface]
	}
	var first *instance
	for _, rec := range m.instances {
		i := rec.now()
		if slices.Contains(i.Private, t.PrivateIP) && i.State != providers.InstanceGone &&
			(first == nil || i.ID < first.now().ID) {
			first = rec
		}
	}
	return first
}

// sortedSlots returns where the addresses are in order, so that nothing depends on
// the order of a map.
func (m *Model) sortedSlots() []Slot {
	slots := make([]Slot, 0, len(m.addresses))
	for at := range m.addresses {
		slots = append(slots, at)
	}
	slices.SortFunc(slots, Slot.compare)
	return slots
}
