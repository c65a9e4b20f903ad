// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"errors"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// write is one write of a group on its way.
type write struct {
	life         int
	decision     controller.Decision
	term         election.Term
	began, ended election.Instant
	left         bool
	canceled     bool
	over         bool
}

// startWrite lets a connection become ready; then the gate is asked once more.
func (w *world) startWrite(n *node, h *hand, d controller.Decision, p election.Permit) {
	wr := &write{life: n.life, decision: d, term: p.Term, began: h.state.Addresses[d.Address].Began, ended: h.state.Addresses[d.Address].Ended}
	h.busy, h.write = true, wr
	w.after(w.chance.between(0, 3*time.Millisecond), func() {
		w.fact(n, wr.life, func() { w.leaveWrite(n, h, wr) })
	})
}

// leaveWrite is the write gate's second look, when the request is about to leave.
func (w *world) leaveWrite(n *node, h *hand, wr *write) {
	if wr.over {
		return
	}
	g := &w.groups[h.group]
	w.step(n, election.Tick{})
	if n.machine == nil || wr.over {
		return
	}
	why := controller.Gate(w.local(n), n.machine.Permit(g.name), wr.term, wr.began, wr.ended)
	if why != election.ReasonNone || wr.canceled {
		w.endWrite(n, h, wr, answer{kind: providers.Canceled}, nil)
		return
	}
	w.step(n, election.WriteSent{Group: g.name})
	if n.machine == nil || wr.over {
		return
	}
	if n.machine.Role(g.name) != election.Active { // hearing of it may end the role
		w.endWrite(n, h, wr, answer{kind: providers.Canceled}, nil)
		return
	}
	wr.left = true
	w.checks.writes(w, n, h, wr)
	a := w.call(n, true)
	request := w.request(n, h, wr)
	w.trace(n, "%s: %s %v leaves", g.name, request.Verb, request.IP)
	if !a.ok || a.reach < 0 {
		if a.reach >= 0 {
			id := w.model.SubmitAt(epoch.Add(time.Duration(w.now.Add(a.reach))), request)
			w.pokeModel(a.reach + request.Delay)
			if a.kind == providers.Ambiguous {
				w.checks.lateWrite(id)
			}
		}
		w.after(a.after, func() { w.fact(n, wr.life, func() { w.endWrite(n, h, wr, a, nil) }) })
		return
	}
	w.after(a.reach, func() {
		op, err := w.model.Submit(request)
		if wr.canceled && err == nil {
			w.checks.lateWrite(op.ID)
		}
		w.pokeModel(request.Delay)
		w.after(max(0, a.after-a.reach), func() {
			w.fact(n, wr.life, func() { w.endWrite(n, h, wr, refusal(a, err), &op) })
		})
	})
}

// request is the write in the words of the cloud.
func (w *world) request(n *node, h *hand, wr *write) fakecloud.Request {
	g, d := &w.groups[h.group], wr.decision
	r := fakecloud.Request{Verb: fakecloud.Move, IP: g.addresses[d.Address].IP, To: n.target, Node: n.name}
	switch {
	case d.Step == controller.Release, !g.kind.atomic() && !d.Seen.Target.IsZero():
		r.Verb, r.From, r.To = fakecloud.Detach, d.Seen.Target, providers.Target{}
	case !g.kind.atomic():
		r.Verb = fakecloud.Attach
	}
	if g.kind.later() {
		r.Delay = w.chance.between(300*time.Millisecond, 6*time.Second)
		if w.faults.on[AsyncFails] > 0 {
			r.Delay = w.chance.between(time.Second, 20*time.Second)
			if r.Fail = w.chance.one(0.5); r.Fail {
				w.faults.hit(AsyncFails)
			}
		}
	}
	return r
}

// pokeModel makes the model look at itself when something is due, so that changes
// are seen at their instant.
func (w *world) pokeModel(d time.Duration) {
	w.after(max(0, d), func() { w.model.Now() })
}

// refusal turns the model's answer into what a driver would make of it.
func refusal(a answer, err error) answer {
	var r fakecloud.Refusal
	if !errors.As(err, &r) {
		return a
	}
	a.ok = false
	switch r {
	case fakecloud.AddressPending, fakecloud.InstancePending:
		a.kind = providers.Busy
	case fakecloud.UnknownAddress, fakecloud.UnknownInstance:
		a.kind = providers.NotFound
	default:
		a.kind = providers.Conflict
	}
	return a
}

// endWrite tells the controller and the election how a write ended.
func (w *world) endWrite(n *node, h *hand, wr *write, a answer, op *fakecloud.Operation) {
	if wr.over {
		return
	}
	wr.over = true
	h.write = nil
	g := &w.groups[h.group]
	k := wr.decision.Address
	outcome := outcomeOf(a)
	detach := wr.decision.Step == controller.Release || !g.kind.atomic() && !wr.decision.Seen.Target.IsZero()
	w.trace(n, "%s: write ends, %s", g.name, outcomeWord(a))
	if outcome == election.WriteAccepted {
		h.track[k] = op.ID
	}
	n.seen.writeOver(h.group, w.local(n), outcome == election.WriteAccepted)
	switch {
	case a.kind == providers.Denied && n.readOnly > 0:
		w.refuse(n, h.group, true)
	case a.kind == providers.Denied:
		w.credentials(n, true)
	case outcome == election.WriteAccepted:
		w.refuse(n, h.group, false)
	}
	if wr.left {
		w.learn(n, h, controller.Observation{Wrote: &controller.WriteFact{Address: k, Detach: detach, Seen: wr.decision.Seen, Outcome: outcome, RetryAfter: a.retry}})
	}
	w.step(n, election.WriteDone{Group: g.name, Outcome: outcome, Detach: detach, More: g.kind.later()})
	w.idle(n, h.group)
}

func outcomeOf(a answer) election.WriteOutcome {
	if a.ok {
		return election.WriteAccepted
	}
	switch a.kind {
	case providers.Denied, providers.NotFound, providers.Invalid:
		return election.WriteHopeless
	case providers.Ambiguous:
		return election.WriteAmbiguous
	default:
		return election.WriteRefused
	}
}

func outcomeWord(a answer) string {
	if a.ok {
		return "accepted"
	}
	return a.kind.String()
}

// cancel gives up a write. What has left may still take effect.
func (w *world) cancel(n *node, h *hand) {
	wr := h.write
	wr.canceled = true
	w.after(0, func() {
		w.fact(n, wr.life, func() {
			kind := providers.Canceled
			if wr.left {
				kind = providers.Ambiguous
			}
			w.endWrite(n, h, wr, answer{kind: kind}, nil)
		})
	})
}
