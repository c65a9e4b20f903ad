// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import "context"

// earMax is how many events wait for one who watches. What comes then is lost, as a
// kernel loses what does not fit into the buffer of a socket.
const earMax = 64

// ear is what one call of Watch has not reported yet. Its machine's lock guards it.
type ear struct {
	events []Event
	lost   bool
	wake   chan struct{} // capacity 1: there is something new
}

// Watch implements [Interfaces].
func (m *Memory) Watch(ctx context.Context, report func(Event)) error {
	e := &ear{lost: true, wake: make(chan struct{}, 1)}
	e.wake <- struct{}{}
	m.mu.Lock()
	m.ears[e] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.ears, e)
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.wake:
			for _, event := range m.take(e) {
				report(event)
			}
		}
	}
}

// take returns what an ear has not reported yet.
func (m *Memory) take(e *ear) []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deaf {
		return nil
	}
	events := e.events
	if e.lost {
		events = []Event{{Kind: EventAnew}}
		for _, l := range m.links {
			events = append(events, m.linkEvent(l.Name))
		}
	}
	e.events, e.lost = nil, false
	return events
}

// tell lets those who watch know of an event. The caller holds the lock.
func (m *Memory) tell(event Event) {
	for e := range m.ears {
		if e.lost = e.lost || m.deaf || len(e.events) == earMax; !e.lost {
			e.events = append(e.events, event)
		}
		select {
		case e.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// linkEvent returns the state of an interface. The caller holds the lock.
func (m *Memory) linkEvent(iface string) Event {
	event := Event{Kind: EventUp, Iface: iface}
	if m.down[iface] {
		event.Kind, event.Why = EventDown, WhySetDown
	}
	entries, _ := m.entries(iface)
	for _, e := range entries {
		event.Addrs = append(event.Addrs, canonical(e.prefix.Addr()))
	}
	return event
}

// Deafen keeps what happens from those who watch, until it is called with false: then
// they hear that events were lost, as after an overrun of a socket.
func (m *Memory) Deafen(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deaf = yes
	for e := range m.ears {
		if e.lost = true; yes {
			continue
		}
		select {
		case e.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}
