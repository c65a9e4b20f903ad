// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"maps"
	"net/netip"
	"slices"
)

// Event is one change of the machine, by whomever.
type Event struct {
	Kind  EventKind    `json:"kind"`
	Iface string       `json:"iface,omitempty"` // empty for EventAnew, and where its name is not known any more
	Addr  netip.Addr   `json:"addr,omitzero"`   // of EventRemoved and EventAdded
	Why   string       `json:"why,omitempty"`   // of EventDown: one of the words below
	Addrs []netip.Addr `json:"addrs,omitempty"` // of EventUp and EventDown: what the interface has, as far as could be read
}

// EventKind says what has changed.
type EventKind uint8

// The kinds of events.
const (
	EventAnew    EventKind = iota + 1 // any address may have come or gone: events were lost, or none were kept yet
	EventRemoved                      // Addr has left Iface
	EventAdded                        // Addr has come to Iface
	EventUp                           // Iface is up and carries
	EventDown                         // Iface carries nothing
)

// String returns the kind as one lower-case word.
func (k EventKind) String() string {
	return [...]string{"none", "anew", "removed", "added", "up", "down"}[k]
}

// Why an interface carries nothing.
const (
	WhySetDown   = "set down"
	WhyNoCarrier = "no carrier"
	WhyGone      = "gone"
)

// linkWatch follows which interfaces carry something, and tells what changes.
type linkWatch struct {
	report func(Event)
	known  map[int]linkState // by the number of the interface
}

type linkState struct{ name, why string } // why it is down; empty: it is up

// set takes in the state of one interface.
func (w *linkWatch) set(index int, s linkState, addrs func() []netip.Addr) {
	if old, ok := w.known[index]; ok && old == s {
		return
	}
	w.known[index] = s
	e := Event{Kind: EventUp, Iface: s.name, Why: s.why}
	if s.why != "" {
		e.Kind = EventDown
	}
	if addrs != nil {
		e.Addrs = addrs()
	}
	w.report(e)
}

// gone takes in that an interface is not there any more.
func (w *linkWatch) gone(index int) {
	if s, ok := w.known[index]; ok {
		delete(w.known, index)
		w.report(Event{Kind: EventDown, Iface: s.name, Why: WhyGone})
	}
}

// anew tells everything: of the interfaces that are there, by their numbers, each one.
func (w *linkWatch) anew(there map[int]linkState, addrs func(index int) []netip.Addr) {
	w.report(Event{Kind: EventAnew})
	for _, index := range slices.Sorted(maps.Keys(w.known)) {
		if _, ok := there[index]; !ok {
			w.gone(index)
		}
	}
	clear(w.known)
	for _, index := range slices.Sorted(maps.Keys(there)) {
		w.set(index, there[index], func() []netip.Addr { return addrs(index) })
	}
}
