// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// Frame is one frame of an announcement, as whoever listens to the segment hears it.
type Frame struct {
	Addr  netip.Addr
	Iface string
	Reply bool // the second one: a gratuitous reply after the gratuitous request
}

// OnAnnounce makes every frame of an announcement call heard, whose error is Announce's:
// what listens to the segment of this machine. It replaces what was set before.
func (m *Memory) OnAnnounce(heard func(Frame) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = heard
}

// DenyAnnounce makes CanAnnounce and Announce fail with err; nil allows them again.
func (m *Memory) DenyAnnounce(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deny = err
}

// Announce implements [Interfaces].
func (m *Memory) Announce(ctx context.Context, addr netip.Addr, iface string, permit func() error) (int, error) {
	left := 0
	addr, err := m.prepare(ctx, addr, iface)
	if err == nil {
		left, err = leave(ctx, permit, func(i int) error { return m.send(Frame{Addr: addr, Iface: iface, Reply: i > 0}) })
	}
	if err != nil {
		return left, fmt.Errorf("announce %s on %s: %w", addr, iface, err)
	}
	return left, nil
}

// prepare does what comes before the frames: it finds out why there can be none.
func (m *Memory) prepare(ctx context.Context, addr netip.Addr, iface string) (netip.Addr, error) {
	m.called("Announce")
	addr, err := request(ctx, addr, iface)
	if err == nil {
		err = m.announceable(addr, iface)
	}
	return addr, err
}

func (m *Memory) announceable(addr netip.Addr, iface string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	entries, ok := m.entries(iface)
	switch {
	case m.deny != nil:
		return m.deny
	case !ok:
		return errNoInterface
	case m.down[iface]:
		return errDown
	}
	i := slices.IndexFunc(m.links, func(l Link) bool { return l.Name == iface })
	return announceable(addr, m.links[i].MAC, entries)
}

// send lets one frame be heard.
func (m *Memory) send(f Frame) error {
	m.mu.Lock()
	heard := m.heard
	m.mu.Unlock()
	if heard == nil {
		return nil
	}
	return heard(f)
}

// CanAnnounce implements [Interfaces].
func (m *Memory) CanAnnounce(ctx context.Context) error {
	m.called("CanAnnounce")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.deny
}
