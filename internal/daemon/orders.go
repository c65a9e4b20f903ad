// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

// orders carries out what operators ask through the control socket
// (status.Backend). Its methods run in the goroutines of the server; the engine
// does the work.
type orders struct{ *engine }

// Times of an order.
const (
	orderPoll     = 50 * time.Millisecond
	orderTimeout  = 90 * time.Second        // claim timeout and move timeout of the slowest driver, with room
	answerPatient = 1500 * time.Millisecond // how long a bound group is given to answer a probe, or a drained one to be read
	// withdrawPatient is how long the engine is waited for to withdraw an order, or to show one.
	withdrawPatient = time.Second
)

// progress is what an order looks at: a copy, so that it can be judged, and its
// steps be told, outside of the engine.
type progress struct {
	election.GroupStatus
	mark  markState
	cloud error // of this node's last failed write
}

// order follows one operator's request.
type order struct {
	orders
	group  string
	to     string
	doneAt election.Instant // when what was asked for was first seen done
	led    bool             // this node led the group when it was told to drain
	report func(status.Event)
	told   map[status.EventKind]bool
}

func (o *order) tell(kind status.EventKind, format string, args ...any) {
	if o.told[kind] {
		return
	}
	o.told[kind] = true
	o.report(status.Event{Event: kind, Group: o.group, Text: fmt.Sprintf(format, args...)})
}

// find returns the group of the order, or why the order cannot be carried out. It
// runs in the engine.
func (o *order) find() (*group, *status.Outcome) {
	g := o.engine.group(o.group)
	switch {
	case g == nil:
		out := o.end(status.CodeUsage, election.ReasonUnknownGroup, "there is no group %q; the groups are %s", o.group, o.groupNames())
		return nil, &out
	case o.leaving:
		out := o.end(status.CodeRefused, election.ReasonStopping, "the daemon of %s is stopping and takes no more orders", o.node())
		return nil, &out
	default:
		return g, nil
	}
}

func (o *order) end(code status.Code, why election.Reason, format string, args ...any) status.Outcome {
	return status.Outcome{Code: code, Group: o.group, Reason: why.String(), Text: fmt.Sprintf(format, args...)}
}

// Assign moves a group to a node (status.Backend).
func (os orders) Assign(ctx context.Context, r status.AssignRequest, report func(status.Event)) status.Outcome {
	o := &order{orders: os, group: r.Group, to: r.To, report: report, told: map[status.EventKind]bool{}}
	if o.to == "" {
		o.to = os.node()
	}
	ctx, cancel := withPatience(ctx, r.Timeout)
	defer cancel()
	var refused *status.Outcome
	var before election.Instant
	err := os.call(ctx, func() {
		before = os.clock.now()
		refused = o.startAssign(r, before.Add(orderPatience(r.Timeout)))
	})
	switch {
	case err != nil:
		return o.end(status.CodeFailed, election.ReasonStopping, "assign %s: %v", o.group, err)
	case refused != nil:
		return os.shown(*refused)
	}
	o.tell(status.EventAsked, "asked for %s on %s", o.group, o.to)
	return os.shown(o.follow(ctx, before, o.assignState))
}

// shown returns an outcome once the status shows it: whoever asks next, asks for that.
func (os orders) shown(out status.Outcome) status.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), withdrawPatient)
	defer cancel()
	_ = os.call(ctx, func() { os.publish(os.clock.now()) }) // an engine that hangs shows nothing new
	return out
}

// startAssign checks an assign and begins it; until is when nobody waits for it any more. It
// runs in the engine.
func (o *order) startAssign(r status.AssignRequest, until election.Instant) *status.Outcome {
	done := func(out status.Outcome) *status.Outcome { return &out }
	g, refused := o.find()
	if refused != nil {
		return refused
	}
	if !o.isNode(o.to) {
		return done(o.end(status.CodeUsage, election.ReasonUnknownNode, "there is no node %q; the nodes are %s", o.to, o.nodeNames()))
	}
	s := o.groupStatus(g)
	if o.holds(s) {
		if o.to == o.node() && !r.DryRun {
			o.step(election.Assign{Group: o.group})
		}
		return done(o.end(status.CodeDone, election.ReasonNone, "%s is already on %s", o.group, o.to))
	}
	if o.to == o.node() && !r.DryRun {
		o.pardon(g, "an operator assigns the group here")
		s = o.groupStatus(g)
	}
	if refusal := o.refusal(s); refusal != nil {
		return refusal
	}
	if r.DryRun {
		return done(o.end(status.CodeDone, election.ReasonNone, "would move %s from %s to %s; nothing was changed", o.group, ownerText(s.Owner), o.to))
	}
	if o.to == o.node() {
		o.step(election.Assign{Group: o.group, Force: r.Force, Until: until})
	} else {
		o.step(election.HandTo{Group: o.group, To: o.to})
	}
	return nil
}

// holds reports whether the group is where it shall be: elected and bound there.
func (o *order) holds(s election.GroupStatus) bool {
	bound := s.Owner.Kind == election.OwnerNode && s.Owner.Node == o.to
	if o.to == o.node() {
		return s.Role == election.Active && bound
	}
	for _, n := range s.Nodes {
		if n.Name == o.to {
			return bound && n.Fresh && n.Role == election.Active
		}
	}
	return false
}

// refusal says why the group cannot be assigned, or nil.
func (o *order) refusal(s election.GroupStatus) *status.Outcome {
	out := status.Outcome{Code: status.CodeRefused, Group: o.group}
	if o.to == o.node() {
		why := o.machine.OwnRefusal(o.group)
		if why == election.ReasonNone {
			return nil
		}
		out.Reason, out.Text = why.String(), fmt.Sprintf("%s may not lead %s: %s", o.to, o.group, why.Text())
		out.Peers = []status.PeerReason{peerReason(o.to, why)}
		return &out
	}
	if s.Role != election.Active {
		out.Reason = election.ReasonNotActive.String()
		out.Text = fmt.Sprintf("%s does not lead %s and cannot hand it over; run this on %s or on the active node", o.node(), o.group, o.to)
		return &out
	}
	if s.Owner.Kind == election.OwnerForeign {
		out.Reason = election.ReasonForeignOwner.String()
		out.Text = fmt.Sprintf("a target outside the cluster holds %s, and only the node that takes it may decide that; run this on %s", o.group, o.to)
		return &out
	}
	if s.Handover.To != "" {
		out.Reason = election.ReasonMoveInProgress.String()
		out.Text = fmt.Sprintf("%s is being handed to %s already", o.group, s.Handover.To)
		return &out
	}
	for _, n := range s.Nodes {
		if n.Name == o.to && n.Refusal != election.ReasonNone {
			out.Reason, out.Text = n.Refusal.String(), fmt.Sprintf("%s may not lead %s: %s", o.to, o.group, n.Refusal.Text())
			out.Peers = []status.PeerReason{peerReason(o.to, n.Refusal)}
			return &out
		}
	}
	return nil
}

// assignState tells the progress of an assign and returns its outcome, or nil
// while it goes on.
func (o *order) assignState(s progress, before election.Instant) *status.Outcome {
	done := func(out status.Outcome) *status.Outcome { return &out }
	active, bound := o.activeOn(s.GroupStatus), s.Owner.Kind == election.OwnerNode && s.Owner.Node == o.to
	if active {
		o.tell(status.EventClaimed, "%s claims %s", o.to, o.group)
	}
	if active && bound {
		o.tell(status.EventBound, "the cloud says that %s owns it", o.to)
		switch {
		case o.answeringOn(s.GroupStatus):
			o.tell(status.EventAnswering, "%s answers through the address", o.to)
		case o.lingers():
			return nil
		}
		return done(o.end(status.CodeDone, election.ReasonNone, "%s is on %s", o.group, o.to))
	}
	if o.to != o.node() && s.Handover.To == "" && s.LastPlan != election.ReasonNone && s.LastPlan != election.ReasonHandedOver {
		return done(o.end(status.CodeFailed, s.LastPlan, "%s did not take %s: %s; %s goes on", o.to, o.group, s.LastPlan.Text(), o.node()))
	}
	if o.to == o.node() && !active && s.Asked.Kind == election.RequestNone && !s.Ordered && s.Since > before {
		why := s.Reason.Text()
		if s.Reason == election.ReasonClaimFailed && s.cloud != nil {
			why += ": " + s.cloud.Error()
		}
		return done(o.end(status.CodeFailed, s.Reason, "%s gave %s up again: %s", o.to, o.group, why))
	}
	return nil
}

// lingers reports whether what is done is not old enough to be told without what confirms it.
func (o *order) lingers() bool {
	if o.doneAt == 0 {
		o.doneAt = o.clock.now()
	}
	return o.clock.now().Sub(o.doneAt) < answerPatient
}

func (o *order) activeOn(s election.GroupStatus) bool {
	if o.to == o.node() {
		return s.Role == election.Active
	}
	for _, n := range s.Nodes {
		if n.Name == o.to {
			return n.Fresh && n.Role == election.Active
		}
	}
	return false
}

// answeringOn reports whether a probe through the address has reached o.to.
func (o *order) answeringOn(s election.GroupStatus) bool {
	if o.to == o.node() {
		yes := answering(s)
		return yes != nil && *yes
	}
	return s.AnsweredBy == o.to
}

// each carries an order out for one group, or for all in turn. The worst outcome
// is the outcome of all.
func (os orders) each(ctx context.Context, group string, report func(status.Event), do func(*order) status.Outcome) status.Outcome {
	names := []string{group}
	if group == "" {
		err := os.call(ctx, func() { names = namesOf(os.cfg.Groups) })
		if err != nil {
			return status.Outcome{Code: status.CodeFailed, Reason: election.ReasonStopping.String(), Text: err.Error()}
		}
	}
	var worst status.Outcome
	texts := ""
	for _, name := range names {
		out := do(&order{orders: os, group: name, report: report, told: map[status.EventKind]bool{}})
		if texts != "" {
			texts += "; "
		}
		texts += out.Text
		if worst.Group == "" || out.Code > worst.Code {
			worst = out
		}
	}
	worst.Text = texts
	return os.shown(worst)
}

// follow looks at the group until its order has an outcome or ctx ends. What the
// nodes have agreed on goes on; only an order that is still open is withdrawn.
func (o *order) follow(ctx context.Context, before election.Instant, state func(progress, election.Instant) *status.Outcome) status.Outcome {
	tick := time.NewTicker(orderPoll)
	defer tick.Stop()
	var p progress
	for {
		var seen progress
		known := false
		err := o.call(ctx, func() {
			if g := o.engine.group(o.group); g != nil {
				seen, known = progress{o.groupStatus(g), g.mark, g.claimErr}, true
			}
		})
		if err == nil {
			p = seen
		}
		switch {
		case errors.Is(err, errEnded):
			return o.end(status.CodeFailed, election.ReasonStopping, "%s: %v", o.group, err)
		case err == nil && !known:
			return o.end(status.CodeFailed, election.ReasonUnknownGroup, "the configuration has no group %s any more", o.group)
		case err == nil:
			if out := state(p, before); out != nil {
				return *out
			}
		}
		select {
		case <-ctx.Done():
			return o.giveUp(context.Cause(ctx), p)
		case <-tick.C:
		}
	}
}

// giveUp ends the wait for an order that took too long, or whose caller has gone. What is
// told of it is what holds after it was withdrawn. An engine that hangs withdraws an assign by
// itself before it acts on it.
func (o *order) giveUp(why error, p progress) status.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), withdrawPatient)
	defer cancel()
	now := p
	err := o.call(ctx, func() {
		g := o.engine.group(o.group)
		if g == nil {
			return
		}
		if o.groupStatus(g).Handover.To == "" {
			o.step(election.CancelOrder{Group: o.group})
		}
		now.GroupStatus = o.groupStatus(g)
	})
	if err == nil {
		p = now
	}
	held := "nothing holds it back"
	switch to := p.Handover.To; {
	case to != "":
		held = "the handover to " + to + " goes on"
	case o.to == o.node() && p.Role == election.Active:
		held = "its claim has begun and goes on"
	case p.Held != election.ReasonNone:
		held = p.Held.Text()
	}
	return o.end(status.CodeFailed, p.Held, "%s is still with %s: %v; %s waits: %s", o.group, ownerText(p.Owner), why, o.node(), held)
}

var errPatience = errors.New("the time for this order is over")

// orderPatience is how long an order is waited for that was given so long; 0: the usual time.
func orderPatience(d time.Duration) time.Duration {
	if d <= 0 {
		return orderTimeout
	}
	return d
}

func withPatience(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, orderPatience(d), errPatience)
}

func peerReason(node string, why election.Reason) status.PeerReason {
	return status.PeerReason{Node: node, Reason: why.String(), Text: why.Text()}
}

func ownerText(o election.Owner) string {
	switch o.Kind {
	case election.OwnerNode:
		return o.Node
	case election.OwnerNone:
		return "nobody"
	case election.OwnerForeign:
		return "a target outside the cluster"
	default:
		return "an unknown owner"
	}
}
