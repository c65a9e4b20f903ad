// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// guestTimeout bounds one change of the machine's own addresses.
const guestTimeout = 2 * time.Second

// guestJob is one guest step: put an address on this machine, take it off, or
// announce it.
type guestJob struct {
	address int
	ip      netip.Addr
	step    controller.Step
	place   guestPlace
	write   *writeIntent           // for Announce
	permit  func() election.Reason // for Announce: asked just before the frames leave
}

// guestPlace says on which interface an address belongs: the one that has the primary
// private address of this machine, or loopback.
type guestPlace struct {
	loopback bool
	primary  netip.Addr // zero: not known
}

// guestResult is the end of a guest step.
type guestResult struct {
	job     guestJob
	state   controller.GuestState // that the step left; GuestUnknown if it failed
	iface   string                // where it was put or announced
	refused election.Reason       // the permit was withdrawn and nothing was announced
	ended   election.Instant
	err     error
}

// guestWorker makes the guest steps of one group beside the engine.
type guestWorker struct {
	name   string
	ifaces netif.Interfaces
	clock  func() election.Instant
	jobs   chan guestJob // capacity 1; the engine submits one at a time and never waits
	report func(guestResult)
}

func newGuestWorker(name string, ifaces netif.Interfaces, clock func() election.Instant, report func(guestResult)) *guestWorker {
	return &guestWorker{name: name, ifaces: ifaces, clock: clock, jobs: make(chan guestJob, 1), report: report}
}

// String names the task.
func (w *guestWorker) String() string { return "guest addresses of group " + w.name }

// Run makes guest steps until ctx ends.
func (w *guestWorker) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-w.jobs:
			w.report(w.do(ctx, j))
		}
	}
}

func (w *guestWorker) do(ctx context.Context, j guestJob) guestResult {
	ctx, cancel := context.WithTimeout(ctx, guestTimeout)
	defer cancel()
	r := guestResult{job: j}
	switch j.step {
	case controller.Remove:
		r.remove(ctx, w.ifaces)
	case controller.Announce:
		r.announce(ctx, w.ifaces)
	default:
		r.add(ctx, w.ifaces)
	}
	r.ended = w.clock()
	return r
}

// add puts the address where it belongs.
func (r *guestResult) add(ctx context.Context, ifaces netif.Interfaces) {
	if r.iface, r.err = r.job.place.find(ctx, ifaces); r.err != nil {
		r.err = fmt.Errorf("add %s: %w", r.job.ip, r.err)
		return
	}
	if r.err = ifaces.AddHost(ctx, r.job.ip, r.iface); r.err == nil {
		r.state = controller.GuestPresent
	}
}

// announce puts the address where it belongs and, if that is still permitted then,
// announces it.
func (r *guestResult) announce(ctx context.Context, ifaces netif.Interfaces) {
	if r.add(ctx, ifaces); r.err != nil {
		return
	}
	if r.refused = r.job.permit(); r.refused != election.ReasonNone {
		return
	}
	r.err = ifaces.Announce(ctx, r.job.ip, r.iface)
}

// remove takes the address off every interface on which some process of fipctl put
// it. What an operator put there, maybe on all nodes, stays.
func (r *guestResult) remove(ctx context.Context, ifaces netif.Interfaces) {
	names, err := ifaces.Placed(ctx, r.job.ip)
	for _, name := range names {
		if e := ifaces.RemoveHost(ctx, r.job.ip, name); e != nil && !errors.Is(e, netif.ErrForeign) {
			err = errors.Join(err, e)
		}
	}
	if r.err = err; err == nil {
		r.state = controller.GuestAbsent
	}
}

// find returns the name of the interface.
func (p guestPlace) find(ctx context.Context, ifaces netif.Interfaces) (string, error) {
	switch {
	case p.loopback:
		return netif.Loopback, nil
	case !p.primary.IsValid():
		return "", errors.New("the primary private address of this machine, which tells the interface, is not known")
	default:
		return ifaces.InterfaceByAddress(ctx, p.primary)
	}
}

// place returns where an address belongs on this machine. One that lives in its
// subnet must be on the interface there; any other is delivered by a route, and
// loopback answers whatever interface it comes in by.
func (e *engine) place(g *group, i int) guestPlace {
	a := g.cfg.Addresses[i]
	if !g.announced(i) && a.Kind != providers.KindPrivateIP {
		return guestPlace{loopback: true}
	}
	at := e.clouds.of(a).at
	if !at.known {
		return guestPlace{}
	}
	return guestPlace{primary: at.identity.Target.PrivateIP}
}

// announced reports whether address i moves by announcement.
func (g *group) announced(i int) bool { return g.policy.Addresses[i].Guest == providers.GuestAnnounce }

// checkGuest returns why this machine can make no announcement although the group
// needs it, or nil.
func (e *engine) checkGuest(g *group) error {
	ctx, cancel := context.WithTimeout(context.Background(), guestTimeout)
	defer cancel()
	for i, a := range g.cfg.Addresses {
		if !g.announced(i) {
			continue
		}
		if err := e.ifaces.CanAnnounce(ctx); err != nil {
			return fmt.Errorf("group %s: announce %s: %w", g.cfg.Name, a, err)
		}
	}
	return nil
}

// changeGuest starts a guest step.
func (e *engine) changeGuest(g *group, d controller.Decision, ob controller.Observation) {
	j := guestJob{address: d.Address, ip: g.cfg.Addresses[d.Address].IP, step: d.Step, place: e.place(g, d.Address)}
	if d.Step == controller.Announce {
		j.write = g.intend(d.Address, ob)
		j.write.announced, j.write.repeat = true, d.Repeat
		j.write.here = g.state.Addresses[d.Address].Mine
		j.permit = e.permitFor(g, j.write)
	}
	g.busy = true
	select {
	case g.guest.jobs <- j:
	default:
		panic("invariant 12: two guest steps of group " + g.cfg.Name + " at once")
	}
}

// guestDone takes in the end of a guest step. An announcement that a reload overtook
// may have moved the address and concerns the group that stands in its place.
func (e *engine) guestDone(g *group, r guestResult) {
	if g.gone && r.job.step != controller.Announce {
		return
	}
	stays := !g.gone
	for g.gone && g.heir != nil {
		g = g.heir
	}
	if g.gone {
		return
	}
	e.tellGuest(g, r)
	if r.job.step == controller.Announce && r.refused == election.ReasonNone {
		e.announceDone(g, r)
	} else {
		e.learn(g, controller.Observation{Guest: &controller.GuestFact{Address: r.job.address, State: r.state}})
	}
	if stays {
		e.idle(g)
	}
}

// announceDone brings the end of an announcement to the controller, and to the election
// if it is the write of a claim or ends one: the claim of a machine that cannot announce
// is hopeless.
func (e *engine) announceDone(g *group, r guestResult) {
	e.learn(g, controller.Observation{Announced: &controller.AnnounceFact{Address: r.job.address, Left: r.err == nil}})
	done := election.WriteDone{Group: g.cfg.Name, More: true}
	if r.err == nil {
		e.metrics.Announced(g.cfg.Name)
	} else {
		done.Outcome = election.WriteHopeless
	}
	if !r.job.write.here && (r.err != nil || !r.job.write.repeat) {
		e.step(done)
	}
}

// tellGuest logs how a guest step ended, and keeps its error as a condition: an address
// that can be added but not announced is one as well.
func (e *engine) tellGuest(g *group, r guestResult) {
	if r.refused != election.ReasonNone {
		return
	}
	args := []any{"group", g.cfg.Name, "address", g.cfg.Addresses[r.job.address].String()}
	announce := r.job.step == controller.Announce
	if r.err != nil && (g.guestErr == nil || g.guestErr.Error() != r.err.Error()) {
		e.log.Warn("change guest address", append(args, "step", r.job.step.String(), "error", r.err)...)
	}
	if announce || r.job.step == controller.Remove || !g.guestMute {
		g.guestErr, g.guestMute = r.err, announce && r.err != nil
	}
	if !announce || r.err != nil {
		return
	}
	args = append(args, "interface", r.iface)
	if r.job.write.repeat {
		e.log.Debug("address announced", append(args, "repeat", true)...)
	} else {
		e.log.Info("address announced", args...)
	}
}

// tidying reports whether an announced address is being taken off this machine: a
// node that has handed over leaves nothing behind.
func (e *engine) tidying() bool {
	for _, g := range e.groups {
		for i, a := range g.state.Addresses {
			if g.announced(i) && a.Guest == controller.GuestPresent && e.machine.Role(g.cfg.Name) != election.Active {
				return true
			}
		}
	}
	return false
}
