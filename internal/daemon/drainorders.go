// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"fmt"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

// Drain keeps this node out (status.Backend).
func (os orders) Drain(ctx context.Context, r status.DrainRequest, report func(status.Event)) status.Outcome {
	ctx, cancel := withPatience(ctx, r.Timeout)
	defer cancel()
	return os.each(ctx, r.Group, report, func(o *order) status.Outcome {
		var refused *status.Outcome
		var before election.Instant
		err := os.call(ctx, func() {
			before = os.clock.now()
			refused = o.startDrain(r.Force)
		})
		switch {
		case err != nil:
			return o.end(status.CodeFailed, election.ReasonStopping, "drain %s: %v", o.group, err)
		case refused != nil:
			return *refused
		case o.led:
			o.tell(status.EventAsked, "handing %s over", o.group)
		}
		return o.follow(ctx, before, o.drainState)
	})
}

// startDrain checks a drain and begins it. It runs in the engine.
func (o *order) startDrain(force bool) *status.Outcome {
	g, refused := o.find()
	if refused != nil {
		return refused
	}
	s := o.groupStatus(g)
	if s.Drained && g.mark.err == nil {
		out := o.end(status.CodeDone, election.ReasonNone, "%s is drained for %s already", o.node(), o.group)
		return &out
	}
	o.led = s.Role == election.Active
	if o.led && s.Handover.To == "" && !hasSuccessor(s) && !force {
		out := o.end(status.CodeRefused, election.ReasonNoSuccessor,
			"no other node may lead %s; --force drains and leaves the binding here", o.group)
		for _, n := range s.Nodes {
			out.Peers = append(out.Peers, peerReason(n.Name, n.Refusal))
		}
		return &out
	}
	if s.Drained {
		o.engine.mark(g, true) // the last attempt failed
	}
	o.step(election.Drain{Group: o.group, Force: force})
	return nil
}

func hasSuccessor(s election.GroupStatus) bool {
	for _, n := range s.Nodes {
		if n.Refusal == election.ReasonNone {
			return true
		}
	}
	return false
}

// drainState tells the progress of a drain. It is over when the mark is on disk, and a read
// of this node shows who holds the address, or none comes soon.
func (o *order) drainState(s progress, _ election.Instant) *status.Outcome {
	done := func(out status.Outcome) *status.Outcome { return &out }
	holder := ownerText(s.Owner) // by this node's own last read
	for _, n := range s.Nodes {
		if n.Fresh && n.Role == election.Active {
			if o.led {
				o.tell(status.EventClaimed, "%s claims %s", n.Name, o.group)
			}
			if n.Bound {
				holder = n.Name // by its own, which is newer
			}
		}
	}
	switch {
	case s.Role == election.Active && s.Handover.To == "":
		return done(o.end(status.CodeFailed, s.LastPlan, "%s was not handed over: %s; %s goes on and is not drained", o.group, s.LastPlan.Text(), o.node()))
	case s.Role != election.Drained || s.mark.writing > 0:
		return nil
	case s.mark.err != nil:
		return done(o.end(status.CodeFailed, election.ReasonDrained, "%s is drained for %s, but only until its daemon restarts: %v", o.node(), o.group, s.mark.err))
	case o.led && holder != ownerText(s.Owner) && o.lingers():
		return nil
	case holder == o.node():
		return done(o.end(status.CodeDone, election.ReasonDrained, "%s is drained for %s; the address stays here until another node leads", o.node(), o.group))
	default:
		return done(o.end(status.CodeDone, election.ReasonDrained, "%s is drained for %s; %s holds it", o.node(), o.group, holder))
	}
}

// Resume lets this node take part again (status.Backend).
func (os orders) Resume(ctx context.Context, r status.ResumeRequest, report func(status.Event)) status.Outcome {
	ctx, cancel := withPatience(ctx, 0)
	defer cancel()
	return os.each(ctx, r.Group, report, func(o *order) status.Outcome {
		var refused *status.Outcome
		err := os.call(ctx, func() {
			var g *group
			if g, refused = o.find(); refused == nil {
				os.engine.mark(g, false)
				os.step(election.ResumeNode{Group: o.group})
			}
		})
		switch {
		case err != nil:
			return o.end(status.CodeFailed, election.ReasonStopping, "resume %s: %v", o.group, err)
		case refused != nil:
			return *refused
		}
		return o.follow(ctx, 0, o.resumeState)
	})
}

// resumeState waits until the mark is gone from disk. That a group was placed by hand is known
// to the node that leads it, and forgotten there.
func (o *order) resumeState(s progress, _ election.Instant) *status.Outcome {
	out := o.end(status.CodeDone, election.ReasonResumed, "%s takes part in %s", o.node(), o.group)
	for _, n := range s.Nodes {
		if s.Sticky && n.Fresh && n.Role == election.Active {
			out.Text += fmt.Sprintf("; it was placed on %s by hand and stays there until \"fipctl resume %s\" is run on that node", n.Name, o.group)
		}
	}
	switch {
	case s.mark.writing > 0:
		return nil
	case s.mark.err != nil:
		out = o.end(status.CodeFailed, election.ReasonDrained, "%s takes part in %s, but only until its daemon restarts: %v", o.node(), o.group, s.mark.err)
	}
	return &out
}
