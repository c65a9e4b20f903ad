// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// Link describes an interface of a [Memory].
type Link struct {
	Name     string
	MAC      string         // colon separated, lower case; may be empty
	Prefixes []netip.Prefix // what it has already, none of it added by fipctl
}

// Memory is an [Interfaces] that exists only in this process: for machines whose
// interfaces are not to be touched, and for tests.
type Memory struct {
	mu    sync.Mutex
	links []Link
	added map[string][]netip.Addr // by interface: what AddHost added, in order
	down  map[string]bool         // the interfaces that carry nothing
	ears  map[*ear]bool           // of those who watch
	deaf  bool                    // and hear nothing
	heard func(Frame) error
	deny  error
	slow  func(call string)
}

var _ Interfaces = (*Memory)(nil)

// NewMemory returns a machine with the given interfaces.
func NewMemory(links ...Link) *Memory {
	m := &Memory{added: make(map[string][]netip.Addr), down: make(map[string]bool), ears: make(map[*ear]bool)}
	for _, l := range links {
		l.Prefixes = slices.Clone(l.Prefixes)
		m.links = append(m.links, l)
	}
	return m
}

// OnCall makes every method call slow with its name before it does anything: a kernel
// answers late while its configuration lock is held, whatever becomes of the context.
func (m *Memory) OnCall(slow func(call string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slow = slow
}

// called tells what OnCall set of a call.
func (m *Memory) called(call string) {
	m.mu.Lock()
	slow := m.slow
	m.mu.Unlock()
	if slow != nil {
		slow(call)
	}
}

// Placed implements [Interfaces].
func (m *Memory) Placed(ctx context.Context, addr netip.Addr) ([]string, error) {
	m.called("Placed")
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, l := range m.links {
		if entries, _ := m.entries(l.Name); placed(entries, canonical(addr)) {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// AddHost implements [Interfaces].
func (m *Memory) AddHost(ctx context.Context, addr netip.Addr, iface string) (bool, error) {
	m.called("AddHost")
	m.mu.Lock()
	defer m.mu.Unlock()
	addr, err := request(ctx, addr, iface)
	if err != nil {
		return false, fmt.Errorf("add %s to %s: %w", addr, iface, err)
	}
	entries, ok := m.entries(iface)
	if !ok {
		return false, fmt.Errorf("add %s to %s: no such interface", addr, iface)
	}
	if has(entries, addr) {
		return false, nil
	}
	m.added[iface] = append(m.added[iface], addr)
	m.tell(Event{Kind: EventAdded, Iface: iface, Addr: addr})
	return true, nil
}

// RemoveHost implements [Interfaces].
func (m *Memory) RemoveHost(ctx context.Context, addr netip.Addr, iface string) error {
	m.called("RemoveHost")
	m.mu.Lock()
	defer m.mu.Unlock()
	addr, err := request(ctx, addr, iface)
	if err != nil {
		return fmt.Errorf("remove %s from %s: %w", addr, iface, err)
	}
	entries, _ := m.entries(iface)
	yes, err := removable(entries, addr)
	if err != nil {
		return fmt.Errorf("remove %s from %s: %w", addr, iface, err)
	}
	if yes {
		m.added[iface] = slices.DeleteFunc(m.added[iface], func(a netip.Addr) bool { return a == addr })
		m.tell(Event{Kind: EventRemoved, Iface: iface, Addr: addr})
	}
	return nil
}

// Local implements [Interfaces].
func (m *Memory) Local(ctx context.Context) ([]netip.Addr, error) {
	m.called("Local")
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return local(m.lookups()), nil
}

// InterfaceByAddress implements [Interfaces].
func (m *Memory) InterfaceByAddress(ctx context.Context, addr netip.Addr) (string, error) {
	m.called("InterfaceByAddress")
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return byAddress(m.lookups(), addr)
}

// entries returns what an interface has, and whether it exists. The caller holds
// the lock.
func (m *Memory) entries(iface string) ([]entry, bool) {
	i := slices.IndexFunc(m.links, func(l Link) bool { return l.Name == iface })
	if i < 0 {
		return nil, false
	}
	var entries []entry
	for _, p := range m.links[i].Prefixes {
		entries = append(entries, entry{prefix: p})
	}
	for _, a := range m.added[iface] {
		entries = append(entries, entry{prefix: netip.PrefixFrom(a, a.BitLen()), marked: true})
	}
	return entries, true
}

// lookups returns the interfaces as the look-ups see them.
func (m *Memory) lookups() []link {
	m.mu.Lock()
	defer m.mu.Unlock()
	var links []link
	for _, l := range m.links {
		out := link{name: l.Name}
		entries, _ := m.entries(l.Name)
		for _, e := range entries {
			out.addrs = append(out.addrs, canonical(e.prefix.Addr()))
		}
		links = append(links, out)
	}
	return links
}
