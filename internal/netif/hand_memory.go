// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"net/netip"
	"slices"
)

// TakeOff takes addr off iface whoever put it there, as a hand at the machine does, or a
// network manager that begins anew. It reports whether it was there.
func (m *Memory) TakeOff(addr netip.Addr, iface string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	addr = canonical(addr)
	entries, _ := m.entries(iface)
	if !has(entries, addr) {
		return false
	}
	m.added[iface] = slices.DeleteFunc(m.added[iface], func(a netip.Addr) bool { return a == addr })
	for i, l := range m.links {
		if l.Name == iface {
			m.links[i].Prefixes = slices.DeleteFunc(l.Prefixes, func(p netip.Prefix) bool { return canonical(p.Addr()) == addr })
		}
	}
	m.tell(Event{Kind: EventRemoved, Iface: iface, Addr: addr})
	return true
}

// PutOn puts an address with its prefix on iface, as a hand does.
func (m *Memory) PutOn(p netip.Prefix, iface string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, l := range m.links {
		if l.Name == iface {
			m.links[i].Prefixes = append(l.Prefixes, p)
			m.tell(Event{Kind: EventAdded, Iface: iface, Addr: canonical(p.Addr())})
		}
	}
}

// SetLink sets an interface up or down. One that is down keeps its addresses, as a kernel
// leaves the IPv4 ones, and announces nothing.
func (m *Memory) SetLink(iface string, up bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down[iface] == !up {
		return
	}
	if delete(m.down, iface); !up {
		m.down[iface] = true
	}
	m.tell(m.linkEvent(iface))
}

// Rename gives an interface another name, as udev does, with all that it has.
func (m *Memory) Rename(iface, to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.links {
		if m.links[i].Name == iface {
			m.links[i].Name = to
		}
	}
	m.added[to] = m.added[iface]
	delete(m.added, iface)
	if m.down[iface] {
		delete(m.down, iface)
		m.down[to] = true
	}
	m.tell(m.linkEvent(to))
}

// Unplug takes an interface away with all that it has.
func (m *Memory) Unplug(iface string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entries, _ := m.entries(iface)
	m.links = slices.DeleteFunc(m.links, func(l Link) bool { return l.Name == iface })
	delete(m.added, iface)
	delete(m.down, iface)
	for _, e := range entries {
		m.tell(Event{Kind: EventRemoved, Iface: iface, Addr: canonical(e.prefix.Addr())})
	}
	m.tell(Event{Kind: EventDown, Iface: iface, Why: WhyGone})
}

// Plug brings an interface, which is up.
func (m *Memory) Plug(l Link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.links = append(m.links, Link{Name: l.Name, MAC: l.MAC})
	m.tell(m.linkEvent(l.Name))
	for _, p := range l.Prefixes {
		m.links[len(m.links)-1].Prefixes = append(m.links[len(m.links)-1].Prefixes, p)
		m.tell(Event{Kind: EventAdded, Iface: l.Name, Addr: canonical(p.Addr())})
	}
}
