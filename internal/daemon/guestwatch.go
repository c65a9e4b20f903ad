// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// guestWatchRetry is when what failed is watched again.
const guestWatchRetry = 5 * time.Second

// guestWatch tells the engine what happens to the interfaces of this machine. One event
// is under way at a time: what comes meanwhile waits with the kernel, which says so when
// it had to drop something.
type guestWatch struct {
	ifaces netif.Interfaces
	log    *slog.Logger
	tell   func(context.Context, func()) error // engine.call
	event  func(netif.Event)                   // in the engine's goroutine, as is
	blind  func()                              // nothing is known of the interfaces any more
}

func (e *engine) newGuestWatch() *guestWatch {
	return &guestWatch{ifaces: e.ifaces, log: e.log, tell: e.call, event: e.guestEvent, blind: func() { clear(e.down); e.replug() }}
}

// String names the task.
func (w *guestWatch) String() string { return "watch of the interfaces" }

// Run watches until ctx ends. Where that is not possible, what is on the machine is looked
// at every half a minute, as it is anyway.
func (w *guestWatch) Run(ctx context.Context) error {
	told := ""
	for {
		err := w.ifaces.Watch(ctx, func(ev netif.Event) {
			_ = w.tell(ctx, func() { w.event(ev) }) // fails only when the daemon ends
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errors.ErrUnsupported):
			w.log.Info("interfaces are not watched", "error", err)
			return nil
		case err.Error() != told:
			told = err.Error()
			w.log.Warn("interfaces are not watched; what others do to them is seen late", "error", err, "again_in", guestWatchRetry.String())
		}
		_ = w.tell(ctx, w.blind) // as above
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(guestWatchRetry):
		}
	}
}

// guestSide is what the engine knows of one address on this machine.
type guestSide struct {
	iface string // where it was put or found last, as that was called then
	// doubt came up while a step was under way and is taken in after it.
	doubt *controller.GuestDoubt
	times int         // how often somebody took it off, since the daemon started
	backs []time.Time // when it was put back, within backsWithin
}

// guestEvent takes in a change of this machine.
func (e *engine) guestEvent(ev netif.Event) {
	wasDown := false
	switch ev.Kind {
	case netif.EventUp:
		_, wasDown = e.down[ev.Iface]
		delete(e.down, ev.Iface)
		e.found(ev.Iface, ev.Addrs...)
	case netif.EventAdded:
		e.found(ev.Iface, ev.Addr)
	case netif.EventDown:
		e.unplugged(ev)
	}
	for _, g := range e.groups {
		for i := range g.sides {
			if d := e.doubtOf(g, i, ev, wasDown); d != nil {
				e.doubt(g, *d)
			}
		}
	}
	if ev.Kind != netif.EventRemoved {
		e.replug()
	}
}

// found forgets interfaces that are down and had a primary address that another has now: a
// card may come back, or be renamed, under another name.
func (e *engine) found(iface string, addrs ...netip.Addr) {
	for name, was := range e.down {
		if name != iface && slices.ContainsFunc(addrs, func(a netip.Addr) bool { return slices.Contains(was.Addrs, a) && e.primary(a) }) {
			delete(e.down, name)
		}
	}
}

// primary reports whether a is the primary address of this machine for any address.
func (e *engine) primary(a netip.Addr) bool {
	return slices.ContainsFunc(e.groups, func(g *group) bool {
		for i := range g.cfg.Addresses {
			if e.primaryOf(g, i) == a {
				return true
			}
		}
		return false
	})
}

// doubtOf returns what an event makes doubtful of address i; nil: nothing.
func (e *engine) doubtOf(g *group, i int, ev netif.Event, wasDown bool) *controller.GuestDoubt {
	d := &controller.GuestDoubt{Address: i}
	side, primary := &g.sides[i], e.primaryOf(g, i)
	switch {
	case ev.Kind == netif.EventAnew:
		d.Back = true
	case ev.Kind == netif.EventRemoved && ev.Addr == g.cfg.Addresses[i].IP: // wherever: its interface may have another name now
	case ev.Kind == netif.EventAdded && ev.Addr == primary && g.guestState(i) == controller.GuestUnknown:
		d.Back = true // the interface is found by it
	case ev.Kind == netif.EventUp && wasDown && (ev.Iface == side.iface || slices.Contains(ev.Addrs, primary)):
		d.Back = true
	case ev.Kind == netif.EventUp && side.elsewhere(ev.Iface) && slices.Contains(ev.Addrs, primary): // renamed
	default:
		return nil
	}
	return d
}

// elsewhere reports whether an interface that has the primary address now is another, or
// called otherwise, than where the address was put because of that.
func (s *guestSide) elsewhere(iface string) bool {
	return s.iface != "" && s.iface != netif.Loopback && s.iface != iface
}

// guestState returns what is known of address i on this machine.
func (g *group) guestState(i int) controller.GuestState {
	if i >= len(g.state.Addresses) {
		return controller.GuestUnknown
	}
	return g.state.Addresses[i].Guest
}

// doubt lets the controller look again at an address, after the step that is under way:
// what that ends with may be from before.
func (e *engine) doubt(g *group, d controller.GuestDoubt) {
	side := &g.sides[d.Address]
	if g.busy && !g.writing {
		d.Back = d.Back || side.doubt != nil && side.doubt.Back
		side.doubt = &d
		return
	}
	e.learn(g, controller.Observation{Doubt: &d})
	e.decide(g)
}

// settleDoubts takes in what came up while a step was under way.
func (e *engine) settleDoubts(g *group) {
	for i := range g.sides {
		if d := g.sides[i].doubt; d != nil {
			g.sides[i].doubt = nil
			e.learn(g, controller.Observation{Doubt: d})
		}
	}
}

// unplugged takes in that an interface carries nothing.
func (e *engine) unplugged(ev netif.Event) {
	if len(ev.Addrs) == 0 { // of one that is gone nobody can tell any more what it had
		ev.Addrs = e.down[ev.Iface].Addrs
	}
	e.down[ev.Iface] = ev
	if ev.Why == netif.WhyGone && !slices.ContainsFunc(e.groups, func(g *group) bool { return len(e.downOf(g)) > 0 }) {
		delete(e.down, ev.Iface)
	}
}

// replug tells the election which groups this machine could announce.
func (e *engine) replug() {
	for _, g := range e.groups {
		if can := e.canAnnounce(g); g.unplugged == can {
			e.tellClaim(g)
		}
	}
}

// tellClaim tells the election whether this node can claim a group.
func (e *engine) tellClaim(g *group) {
	g.unplugged = !e.canAnnounce(g)
	e.step(election.Identity{Group: g.cfg.Name, Known: e.canClaim(g), Denied: g.refusedBy != nil})
}

// downOf returns why the interfaces that a group needs carry nothing, by their names: those
// on which its addresses were put, and that of the primary private address.
func (e *engine) downOf(g *group) []netif.Event {
	var evs []netif.Event
	for _, ev := range e.down {
		for i, side := range g.sides {
			if ev.Iface == side.iface && g.guestState(i) != controller.GuestAbsent || slices.Contains(ev.Addrs, e.primaryOf(g, i)) {
				evs = append(evs, ev)
				break
			}
		}
	}
	slices.SortFunc(evs, func(a, b netif.Event) int { return strings.Compare(a.Iface, b.Iface) })
	return evs
}

// primaryOf returns the primary private address of this machine at the provider of an
// address, or where that does not tell it the address that this machine must have to be its node.
func (e *engine) primaryOf(g *group, i int) netip.Addr {
	if at := e.clouds.of(g.cfg.Addresses[i]).at; at.known && at.identity.Target.PrivateIP.IsValid() {
		return at.identity.Target.PrivateIP
	}
	return e.cfg.OwnAddress()
}

// canAnnounce reports whether the interfaces carry what the group announces. Of other
// addresses the cloud knows where they are, whatever the interface does.
func (e *engine) canAnnounce(g *group) bool {
	announced := slices.ContainsFunc(g.provider, func(p providers.Provider) bool { return p.Capabilities().MovesWithoutAPI })
	return !announced || len(e.downOf(g)) == 0
}
