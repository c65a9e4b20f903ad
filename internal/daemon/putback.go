// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

// What a removal by somebody else is worth: once may be a hand, so often within
// backsWithin is a program that will do it again. Of a fight the log keeps the beginning.
const (
	backsWithin    = 10 * time.Minute
	backsCondition = 3
	backsLogged    = 6 // within a minute
)

// placedGuest takes in where a step left an address. One that a step had left on this
// machine, that no step took off and that was on none of its interfaces all the same was
// taken off by somebody else, whatever they are called now.
func (e *engine) placedGuest(g *group, r guestResult) {
	if r.iface == "" || r.state != controller.GuestPresent {
		return
	}
	i := r.job.address
	side := &g.sides[i]
	back := r.added && !r.elsewhere && i < len(g.state.Addresses) && g.state.Addresses[i].Placed
	side.iface = r.iface
	if !back {
		return
	}
	now := e.clock.time(r.ended)
	side.times++
	side.backs = append(slices.Clone(side.within(now, backsWithin)), now)
	e.metrics.PutBack(g.cfg.Name)
	level := slog.LevelWarn
	if len(side.within(now, time.Minute)) > backsLogged {
		level = slog.LevelDebug
	}
	e.log.Log(context.Background(), level, "address was removed by somebody, put back",
		"group", g.cfg.Name, "address", g.cfg.Addresses[i].String(), "interface", r.iface, "times", side.times)
}

// within returns when the address was put back lately.
func (s *guestSide) within(now time.Time, d time.Duration) []time.Time {
	first := slices.IndexFunc(s.backs, func(at time.Time) bool { return now.Sub(at) < d })
	if first < 0 {
		return nil
	}
	return s.backs[first:]
}

// guestConditions are about what others do to this machine.
func (e *engine) guestConditions(g *group, s election.GroupStatus, add adder) {
	now := e.clock.time(e.clock.now())
	for i := range g.sides {
		side, ip := &g.sides[i], g.cfg.Addresses[i].IP.String()
		if n := len(side.within(now, backsWithin)); n >= backsCondition {
			severity, so := status.SeverityWarning, "and put back"
			if back := e.offUntil(g, i); back != 0 {
				severity = status.SeverityCritical
				so = fmt.Sprintf("and is off now: it is put back in %d s, since it was removed so often", int(back.Sub(e.clock.now())/time.Second)+1)
			}
			add(condAddressRemoved, ip, severity,
				"%s was removed from %s by somebody %d times within ten minutes, %s; keep whatever manages the interface from doing so: KeepConfiguration=static for systemd-networkd, unmanaged-devices=interface-name:%[2]s for NetworkManager",
				ip, side.iface, n, so)
		}
	}
	for _, ev := range e.downOf(g) {
		severity, so := status.SeverityWarning, "this node could not serve the group"
		if s.Role == election.Active {
			severity, so = status.SeverityCritical, "what is sent to the group's addresses does not arrive here; another node takes over when it does not hear this one, or when this one's checks fail"
		}
		add(condLinkDown, ev.Iface, severity, "interface %s %s: %s; %s", ev.Iface, linkWords[ev.Why].is, so, linkWords[ev.Why].remedy)
	}
}

// offUntil returns when an address that somebody took off is put back, while that waits; 0: it
// is not off, or not known to be.
func (e *engine) offUntil(g *group, i int) election.Instant {
	if i >= len(g.state.Addresses) {
		return 0
	}
	if a := g.state.Addresses[i]; a.Placed && a.Guest == controller.GuestUnknown && a.GuestAt > e.clock.now() {
		return a.GuestAt
	}
	return 0
}

// linkWords say why an interface carries nothing, and what to do.
var linkWords = map[string]struct{ is, remedy string }{
	netif.WhySetDown:   {"is set down", "\"ip link set ... up\", and find out who set it down"},
	netif.WhyNoCarrier: {"has no carrier", "look at the machine's network card in the cloud's console"},
	netif.WhyGone:      {"is gone", "attach the network card again"},
}
