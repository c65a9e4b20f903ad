// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
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
	permit  func() election.Reason // for Announce: asked just before each frame leaves
}

// guestPlace says on which interface an address belongs: the one that has the primary
// private address of this machine, or loopback.
type guestPlace struct {
	loopback bool
	primary  netip.Addr // zero: not known
}

// guestResult is the end of a guest step.
type guestResult struct {
	job       guestJob
	state     controller.GuestState // that the step left; GuestUnknown if it failed
	iface     string                // where it was put or announced
	added     bool                  // it was missing there
	elsewhere bool                  // when it was added, another interface had it, or that could not be read
	frames    int                   // of an announcement: how many left
	refused   election.Reason       // the permit was withdrawn, and no more was announced
	givenUp   bool                  // so was the step, by Cancel, before it was done
	ended     election.Instant
	err       error
}

// guestWorker makes the guest steps of one group beside the engine.
type guestWorker struct {
	name   string
	ifaces netif.Interfaces
	clock  func() election.Instant
	jobs   chan guestJob // capacity 1; the engine submits one at a time and never waits
	report func(guestResult)

	mu        sync.Mutex
	waits     bool                    // a job was submitted and has not begun,
	withdrawn bool                    // and Cancel was called since
	cancel    context.CancelCauseFunc // of the step under way, unless that takes an address off
}

var errGivenUp = errors.New("the step was given up")

func newGuestWorker(name string, ifaces netif.Interfaces, clock func() election.Instant, report func(guestResult)) *guestWorker {
	return &guestWorker{name: name, ifaces: ifaces, clock: clock, jobs: make(chan guestJob, 1), report: report}
}

// String names the task.
func (w *guestWorker) String() string { return "guest addresses of group " + w.name }

// submit gives the worker its next job and reports whether it had none.
func (w *guestWorker) submit(j guestJob) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.jobs <- j:
		w.waits, w.withdrawn = true, false
		return true
	default:
		return false
	}
}

// Cancel gives up the step under way, or about to begin, unless it takes an address off
// this machine. What it has done by then stays done; see guestResult.
func (w *guestWorker) Cancel() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.withdrawn = w.waits
	if w.cancel != nil {
		w.cancel(errGivenUp)
	}
}

// begin notes that a job has begun. From now on Cancel ends it with giveUp.
func (w *guestWorker) begin(j guestJob, giveUp context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = false
	if j.step == controller.Remove {
		return
	}
	w.cancel = giveUp
	if w.withdrawn {
		giveUp(errGivenUp)
	}
}

func (w *guestWorker) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel = nil
}

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
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	w.begin(j, giveUp)
	defer w.end()
	r := guestResult{job: j}
	switch j.step {
	case controller.Remove:
		r.remove(ctx, w.ifaces)
	case controller.Announce:
		r.announce(ctx, w.ifaces)
	default:
		r.add(ctx, w.ifaces)
	}
	if stopped := r.err != nil && context.Cause(ctx) == errGivenUp; stopped || r.refused != election.ReasonNone {
		r.givenUp, r.err = stopped, nil // not for an error of the machine
	}
	r.ended = w.clock()
	return r
}

// add puts the address where it belongs, and looks whether it was missing only there.
func (r *guestResult) add(ctx context.Context, ifaces netif.Interfaces) {
	if r.iface, r.err = r.job.place.find(ctx, ifaces); r.err != nil {
		r.err = fmt.Errorf("add %s: %w", r.job.ip, r.err)
		return
	}
	if r.added, r.err = ifaces.AddHost(ctx, r.job.ip, r.iface); r.err != nil {
		return
	}
	r.state = controller.GuestPresent
	if r.added {
		on, err := ifaces.Placed(ctx, r.job.ip)
		r.elsewhere = err != nil || len(on) > 1
	}
}

// announce puts the address where it belongs and announces it, as long as that is
// permitted when a frame is about to leave.
func (r *guestResult) announce(ctx context.Context, ifaces netif.Interfaces) {
	if r.add(ctx, ifaces); r.err != nil {
		return
	}
	r.frames, r.err = ifaces.Announce(ctx, r.job.ip, r.iface, func() error {
		if r.refused = r.job.permit(); r.refused != election.ReasonNone {
			return errGivenUp
		}
		return nil
	})
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
	if !e.clouds.of(a).at.known {
		return guestPlace{} // its word may name another interface
	}
	return guestPlace{primary: e.primaryOf(g, i)}
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
		g.announcing = j.write
	}
	g.busy, g.adding = true, d.Step != controller.Remove
	if !g.guest.submit(j) {
		panic("invariant 12: two guest steps of group " + g.cfg.Name + " at once")
	}
}

// guestDone takes in the end of a guest step. An announcement that a reload overtook
// may have moved the address and concerns the group that stands in its place, and so does
// that an address was put back.
func (e *engine) guestDone(g *group, r guestResult) {
	stays := !g.gone
	for g.gone && g.heir != nil {
		g = g.heir
	}
	if g.gone {
		return
	}
	e.placedGuest(g, r)
	if !stays && r.job.step != controller.Announce {
		return // it looks for itself
	}
	e.tellGuest(g, r)
	if r.job.step == controller.Announce && (r.frames > 0 || r.err != nil) {
		e.announceDone(g, r)
	} else {
		e.learn(g, controller.Observation{Guest: &controller.GuestFact{
			Address: r.job.address, State: r.state, Added: r.added, GivenUp: r.givenUp, Perhaps: r.job.step != controller.Remove,
		}})
		e.announceStopped(g, r)
	}
	if stays {
		g.adding, g.announcing = false, nil
		e.settleDoubts(g)
		e.idle(g)
	}
}

// announceStopped ends a write that the election was told of and that did not leave.
func (e *engine) announceStopped(g *group, r guestResult) {
	if w := r.job.write; w != nil && w.granted && !w.repeat {
		e.step(election.WriteDone{Group: g.cfg.Name, Outcome: election.WriteRefused})
	}
}

// announceDone brings the end of an announcement to the controller, and to the election
// if it is the write of a claim or ends one: the claim of a machine that cannot announce
// is hopeless. One frame moves an address as well as two do.
func (e *engine) announceDone(g *group, r guestResult) {
	e.learn(g, controller.Observation{Announced: &controller.AnnounceFact{Address: r.job.address, Left: r.frames > 0, Added: r.added}})
	done := election.WriteDone{Group: g.cfg.Name, More: true}
	if r.frames > 0 {
		e.metrics.Announced(g.cfg.Name)
	} else {
		done.Outcome = election.WriteHopeless
	}
	if !r.job.write.here && (r.frames == 0 || !r.job.write.repeat) {
		e.step(done)
	}
}

// tellGuest logs how a guest step ended, and keeps its error as a condition: an address
// that can be added but not announced is one as well.
func (e *engine) tellGuest(g *group, r guestResult) {
	args := []any{"group", g.cfg.Name, "address", g.cfg.Addresses[r.job.address].String()}
	announce := r.job.step == controller.Announce
	if r.refused != election.ReasonNone || r.givenUp {
		if r.frames > 0 {
			e.log.Info("announcement stopped", append(args, "interface", r.iface, "frames", r.frames)...)
		}
		return
	}
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

// tidying reports whether an announced address is being taken off this machine, or is
// to be: a node that has handed over leaves nothing behind.
func (e *engine) tidying() bool {
	for _, g := range e.groups {
		for i, a := range g.state.Addresses {
			here := a.Guest == controller.GuestPresent || a.GuestPerhaps || g.adding
			if g.announced(i) && here && e.machine.Role(g.cfg.Name) != election.Active {
				return true
			}
		}
	}
	return false
}
