// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/telemetry"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// decide asks the controller for the next step of a group and takes it.
func (e *engine) decide(g *group) { e.decideAt(g, e.clock.now()) }

// decideAt is decide where the time has been asked for: after each step all groups are
// looked at, and with hundreds of them asking once each was a quarter of all the work.
func (e *engine) decideAt(g *group, now election.Instant) {
	ob := e.observe(g, controller.Observation{Now: now, Busy: g.busy, Announcing: g.announcing != nil})
	var d controller.Decision
	g.state, d = controller.Decide(g.policy, g.state, ob)
	g.until, g.waiting, g.wish = d.Until, d.Reason, d.Wish
	switch d.Step {
	case controller.Write, controller.Release:
		e.write(g, d, ob)
	case controller.Add, controller.Remove, controller.Announce:
		e.changeGuest(g, d, ob)
	}
}

// learn gives the controller a new fact without asking what to do: the election
// must hear of it first.
func (e *engine) learn(g *group, ob controller.Observation) {
	ob.Busy, ob.Now = true, e.clock.now()
	g.state, _ = controller.Decide(g.policy, g.state, e.observe(g, ob))
}

// observe fills in what every observation holds beside the time.
func (e *engine) observe(g *group, ob controller.Observation) controller.Observation {
	ob.Permit = e.machine.Permit(g.cfg.Name)
	ob.Target = e.clouds.targets(g.cfg.Addresses)
	ob.Jitter = e.jitter()
	return ob
}

// write lets one write leave, if the gate is still open when it does.
func (e *engine) write(g *group, d controller.Decision, ob controller.Observation) {
	permit := e.permitFor(g, g.intend(d.Address, ob))
	g.busy, g.writing, g.wroteAt = true, true, e.clock.now()
	g.runner.Submit(controller.Job{
		Address: d.Address, Release: d.Step == controller.Release, Seen: d.Seen, Target: ob.Target[d.Address], Permit: permit,
	})
}

// intend returns what a write of an address that is chosen now relies on.
func (g *group) intend(address int, ob controller.Observation) *writeIntent {
	a := g.state.Addresses[address]
	return &writeIntent{address: address, seen: a.Seen.Target, term: ob.Permit.Term, began: a.Began, ended: a.Ended, own: ob.Permit.Own}
}

// permitFor returns the write gate's second look at an intent, for the goroutine from
// which the write leaves.
func (e *engine) permitFor(g *group, intent *writeIntent) func() election.Reason {
	return func() election.Reason {
		answered := make(chan election.Reason, 1)
		e.post(func() { answered <- e.permit(g, intent) })
		select {
		case why := <-answered:
			return why
		case <-e.done:
			return election.ReasonStopping
		}
	}
}

// writeIntent is what a write relies on. Only the engine touches it.
type writeIntent struct {
	address      int
	seen         providers.Target // who held it by the read
	term         election.Term
	began, ended election.Instant // of the owner read of its address
	own          election.Instant // when the write before this one was over
	granted      bool             // the permit was given once already

	announced bool // it is an announcement,
	here      bool // of an address that is here,
	repeat    bool // and no write to the election: one was told before, or none is needed
}

// gate asks the gate that the write has to pass.
func (w *writeIntent) gate(now election.Instant, p election.Permit) election.Reason {
	if w.announced {
		return controller.AnnounceGate(now, p, w.term, w.began, w.ended, w.here)
	}
	return controller.Gate(now, p, w.term, w.began, w.ended)
}

// permit is the write gate's second look, when the request is about to leave:
// whatever has been received by then counts, and so does a stall, which the machine
// notices by the time of a step (invariant 7).
func (e *engine) permit(g *group, w *writeIntent) election.Reason {
	e.receive()
	e.step(election.Tick{})
	p := e.machine.Permit(g.cfg.Name)
	if g.gone {
		p.Hold = election.ReasonReloaded
	}
	if w.granted {
		p.Own = w.own // since then the last write is this one
	}
	if a := &g.state.Addresses[w.address]; w.announced && a.Seen.Target == w.seen && a.Began > w.began {
		w.began, w.ended = a.Began, a.Ended // it was prepared for long enough to be read again
	}
	why := w.gate(e.clock.now(), p)
	if why != election.ReasonNone {
		e.log.Info("write withheld", "group", g.cfg.Name, "reason", why.String(), "text", why.Text())
		return why
	}
	told := w.announced && w.granted // by its frame before this one
	w.granted = true
	if w.repeat || told {
		return election.ReasonNone
	}
	now := e.clock.now()
	if g.phases.sent == 0 {
		g.phases.sent = now
		if g.phases.claimed != 0 {
			e.metrics.Phase(telemetry.PhaseDecide, now.Sub(g.phases.claimed))
		}
	}
	for _, a := range e.machine.Step(now, election.WriteSent{Group: g.cfg.Name}) {
		e.carryOut(a)
	}
	if e.machine.Role(g.cfg.Name) != election.Active {
		return election.ReasonNotActive // hearing of it may end a claim whose time is over
	}
	return election.ReasonNone
}

// finished takes in the end of a write. The group counts as busy until the election
// has heard of it: only then may the controller act on it. One that a reload overtook
// may have taken effect and concerns the group that stands in its place.
func (e *engine) finished(g *group, out controller.Outcome) {
	if !g.gone {
		e.writeDone(g, out)
		e.idle(g)
		return
	}
	for g.gone && g.heir != nil {
		g = g.heir
	}
	if !g.gone {
		e.writeDone(g, out)
	}
}

// idle lets the controller choose what is next for a group. A read that had to wait
// for the end of a write begins with the end of this turn.
func (e *engine) idle(g *group) {
	g.busy, g.writing = false, false
	e.decide(g)
}

// noteDenied follows whether the cloud turns our credentials down: a node that
// may not even read cannot claim, and its peers should know before it matters. An
// API that does not answer says nothing about credentials.
func (e *engine) noteDenied(g *group, r *groupRead) {
	denied := g.denied && r.err() != nil
	for _, err := range r.errs {
		denied = denied || err != nil && providers.KindOf(err) == providers.Denied
	}
	if denied != g.denied {
		g.denied = denied
		e.tellClaim(g)
	}
}

// version joins the binding tokens of the addresses; empty if any has none.
func version(reads []providers.Assignment) string {
	joined := ""
	for _, r := range reads {
		if r.Version == "" {
			return ""
		}
		joined += r.Version + " "
	}
	return joined
}

// noteBound measures and tells when a claim has reached its end.
func (e *engine) noteBound(g *group) {
	s := e.groupStatus(g)
	e.metrics.Bound(g.cfg.Name, s.Bound)
	e.noteDetached(g)
	if s.ReadAt != 0 {
		e.metrics.Verified(g.cfg.Name, e.clock.time(s.ReadAt))
	}
	if !s.Bound || s.Role != election.Active {
		return
	}
	g.claimErr = nil
	g.untrack()
	if g.phases.bound == 0 && g.phases.claimed != 0 {
		g.phases.bound = e.clock.now()
		if g.phases.sent != 0 {
			took := g.phases.bound.Sub(g.phases.sent)
			e.metrics.Phase(telemetry.PhaseAPI, took)
			args := []any{"group", g.cfg.Name, "addresses", g.addressNames(), "term", s.Term.Number, "took", telemetry.Short(took)}
			if g.phases.detached != 0 {
				gap := g.phases.bound.Sub(g.phases.detached)
				e.metrics.Phase(telemetry.PhaseGap, gap)
				args = append(args, "gap", gap.String())
			}
			e.log.Info("address bound", args...)
		}
	}
}

// addressNames lists the addresses of a group for the log.
func (g *group) addressNames() string {
	var names []string
	for _, a := range g.cfg.Addresses {
		names = append(names, a.IP.String())
	}
	return strings.Join(names, " ")
}

// noteDetached follows since when nobody holds an address that moves in two calls: from
// the answer that accepted the detaching, or that of the first read that shows it.
func (e *engine) noteDetached(g *group) {
	if g.phases.claimed == 0 || g.phases.bound != 0 || g.phases.detached != 0 {
		return
	}
	for i, a := range g.state.Addresses {
		if a.Known && a.Seen.Target.IsZero() && takesTwoCalls(g.provider[i].Capabilities()) {
			g.phases.detached = a.Ended
		}
	}
}

// forgive forgets a failed claim once a node of the cluster holds the group and this
// one could claim again: there is nothing left to do about it.
func (e *engine) forgive(g *group) {
	s := e.groupStatus(g)
	if s.Role != election.Active && s.CanClaim && g.owner.Kind == election.OwnerNode {
		g.claimErr = nil
	}
}

func (e *engine) writeDone(g *group, out controller.Outcome) {
	address := g.cfg.Addresses[out.Job.Address]
	detach := g.detaches(out.Job)
	fact := &controller.WriteFact{Address: out.Job.Address, Detach: detach, Seen: out.Job.Seen, Outcome: out.Write}
	if out.Refused != election.ReasonNone {
		fact = nil // nothing left; the controller looks again at once
	} else {
		var failed *providers.Error
		if errors.As(out.Err, &failed) {
			fact.RetryAfter, fact.Throttled = failed.RetryAfter, failed.Kind == providers.Throttled
		}
		e.clouds.of(address).heed(controller.SpendMove, out.Err, out.Began, out.Ended)
		e.tellWrite(g, address, out)
	}
	e.noteRefused(g, out)
	if out.Write == election.WriteAccepted {
		g.track(out.Job.Address, out.Result, out.Ended)
		if detach && g.phases.detached == 0 {
			g.phases.detached = out.Ended
		}
	}
	if fact != nil {
		e.learn(g, controller.Observation{Wrote: fact})
		g.doubt = doubt{}
		if out.Write == election.WriteAmbiguous {
			g.doubt = doubt{since: out.Ended, until: g.state.Addresses[out.Job.Address].RetryAt}
		}
	}
	e.step(election.WriteDone{
		Group: g.cfg.Name, Outcome: out.Write, Detach: detach, More: g.asynchronous(out.Job.Address),
	})
}

// doubts reports whether a write without an answer is still read back: until its node tries
// again, or has given its claim up, it may have taken effect.
func (e *engine) doubts(g *group, s election.GroupStatus) bool {
	works := slices.ContainsFunc(g.state.Addresses, func(a controller.AddressState) bool { return a.Seen.Pending })
	return s.Role == election.Active && g.doubt.since != 0 && (works || e.clock.now() < g.doubt.until)
}

// tellWrite logs how a write ended: who, what, the cloud's request id.
func (e *engine) tellWrite(g *group, a providers.Address, out controller.Outcome) {
	args := []any{"group", g.cfg.Name, "address", a.String(), "provider", a.Provider, "took", telemetry.Short(out.Ended.Sub(out.Began))}
	if out.Err == nil {
		g.claimErr = nil
		e.log.Info("write accepted", append(args, "request_id", out.Result.RequestID, "operation", out.Result.Operation)...)
		return
	}
	g.claimErr = out.Err
	level, what := slog.LevelWarn, "write failed"
	if out.Write == election.WriteAmbiguous {
		what = "write unanswered"
	}
	if out.Write == election.WriteHopeless {
		level = slog.LevelError
	}
	e.log.Log(context.Background(), level, what, append(args, "kind", providers.KindOf(out.Err).String(), "error", out.Err)...)
}

// called counts one provider call. It runs in the goroutine that made it.
func (e *engine) called(c controller.Call) {
	e.metrics.ProviderCall(c.Provider, telemetry.Op(c.Op), c.Err, c.Took)
	args := []any{"provider", c.Provider, "op", c.Op, "address", c.Address.String(), "took", telemetry.Short(c.Took)}
	if c.Group != "" {
		args = append(args, "group", c.Group)
	}
	if c.Addresses > 1 {
		args = append(args, "addresses", c.Addresses)
	}
	if c.Err != nil {
		args = append(args, "kind", providers.KindOf(c.Err).String(), "error", c.Err)
	}
	e.log.Debug("provider call", args...)
}
