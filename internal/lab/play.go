// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// result is what became of one scenario.
type result struct {
	offer    offer
	scenario scenario
	counts   counts
	phases   phases
	added    *time.Duration // see added; nil: does not apply
	calls    *callCounts    // between the fault and the end of the first move; nil: nothing moved
	seen     *time.Duration // from the move until the new owner was told; nil: nothing moved
	outage   time.Duration
	events   []event
	start    time.Time // of the story
	skipped  string    // why it was not played; empty: it was
	why      string    // what failed; empty: everything held
	note     string    // a figure worth a line
	logs     []nodeLog // of the daemons, when something failed
}

// nodeLog is the end of what one daemon wrote.
type nodeLog struct {
	node  string
	lines []string
}

func (r result) passed() bool { return r.why == "" }

// clusterOptions are those of scenario s for one kind of address.
func (l *lab) clusterOptions(of offer, s scenario) clusterOptions {
	o := clusterOptions{
		settings: settings{nodes: pairNodes, advertInterval: l.options.AdvertInterval},
		offer:    of,
		latency:  l.options.APILatency,
		answers:  l.options.Answers,
		holder:   ownerNode,
		seed:     l.rng.Uint64(),
	}
	if s.prepare != nil {
		s.prepare(&o)
	}
	return o
}

// play runs one scenario for one kind of address on a cluster of its own.
func (l *lab) play(ctx context.Context, of offer, s scenario) result {
	r := result{offer: of, scenario: s}
	l.out.begin(s)
	c, err := openCluster(ctx, l, l.clusterOptions(of, s))
	if err != nil {
		r.why = err.Error()
		return r
	}
	defer c.close()
	err = l.story(ctx, c, s)
	r.gather(c)
	r.why = s.want.of(of).violated(r.counts)
	if err != nil {
		r.why = all(err.Error(), r.why)
	}
	if !r.passed() {
		for _, n := range c.nodes {
			if n.daemon != nil {
				r.logs = append(r.logs, nodeLog{n.name, n.daemon.lastLines()})
			}
		}
	}
	return r
}

// story brings the cluster to where the scenario begins, plays it and waits until
// the nodes agree again.
func (l *lab) story(ctx context.Context, c *cluster, s scenario) error {
	if !s.cold {
		if err := c.healthyStart(ctx); err != nil {
			return fmt.Errorf("start: %w", err)
		}
		c.startClient(ctx)
		// The client's first answers are the "before" of every outage.
		err := c.until(ctx, "the client is answered", func(context.Context) string {
			last, ok := c.client.last()
			return lacks(ok && last.Node == c.nodes[ownerNode].name, "no answer yet")
		})
		if err != nil {
			return err
		}
	}
	if err := s.act(ctx, c); err != nil {
		return err
	}
	return c.settled(ctx)
}

// gather reads everything that was seen.
func (r *result) gather(c *cluster) {
	t, made := count(c.client.taken()), c.cloud.calls()
	r.counts = counts{moves: c.cloud.moves(), writes: c.cloud.writes(), failed: t.Failed, owner: c.cloud.owner(), stalls: c.stalls()}
	r.outage = t.Outage
	_, start, fault := c.record.taken()
	r.events, r.start = inOrder(append(c.events(), clientEvents(t.Turns)...)), start
	if !fault.IsZero() {
		r.phases = measure(r.events, fault)
		r.added = added(r.phases, fault, c.cloud.busy())
		r.counts.waited = waitedFor(r.phases, fault, c.timerEnd(fault), made)
		r.takeover(made, fault)
		r.note = silenceNote(r.events, fault, c.ground.lastHeard(ownerNode, standbyNode), c.advertInterval())
	}
	if c.watched != nil {
		r.calls = c.watched
	}
}

// events returns what the lab did, what the daemons logged and what the cloud saw, in
// order.
func (c *cluster) events() []event {
	events, _, _ := c.record.taken()
	return inOrder(append(events, c.cloud.events()...))
}

// takeover counts what the first move after the fault asked of the cloud.
func (r *result) takeover(made []call, fault time.Time) {
	moved, ok := firstMove(r.events, fault, r.phases.To)
	if !ok {
		return
	}
	if end, ok := seenBy(made, r.phases.To, moved); ok {
		n, late := countCalls(made, fault, end), end.Sub(moved)
		r.calls, r.seen = &n, &late
	}
}

// waitedFor returns how many owner reads, one after the other, the new owner was answered
// between its decision, or the end of its timer where that came before, and its first write.
func waitedFor(p phases, fault, timer time.Time, made []call) int {
	if p.Detect == nil || p.Decide == nil {
		return 0
	}
	decided := fault.Add(*p.Detect)
	wrote, from := decided.Add(*p.Decide), decided
	if !timer.IsZero() {
		from = earlier(timer, decided)
	}
	return inTurn(made, p.To, from, wrote)
}

// timerEnd returns when the standby's silence of the owner was long enough to take over, or
// zero if the owner had been silent before the fault, or was heard after it.
func (c *cluster) timerEnd(fault time.Time) time.Time {
	last := c.ground.lastHeard(ownerNode, standbyNode)
	if last.After(fault.Add(c.advertInterval())) || fault.Sub(last) > 2*c.advertInterval() {
		return time.Time{}
	}
	return last.Add(activeDown(c.advertInterval(), nodePriorities[standbyNode]))
}

// silenceNote compares a takeover by silence with the theory: the standby decides
// one active-down after the last advert that it heard.
func silenceNote(events []event, fault, lastAdvert time.Time, interval time.Duration) string {
	theory := activeDown(interval, nodePriorities[standbyNode])
	for _, e := range events {
		if e.Kind != eventRole || e.At.Before(fault) || e.Who != nodeNames[standbyNode] {
			continue
		}
		if e.From == election.Initialize.String() {
			return "" // its daemon has started since, and heard none
		}
		if e.To != election.Active.String() {
			continue
		}
		// The silence must have begun with the fault: a cloud that was away until
		// then is another story.
		if e.Reason != election.ReasonOwnerSilent.String() || lastAdvert.After(e.At) || fault.Sub(lastAdvert) > 2*interval {
			return ""
		}
		took := e.At.Sub(lastAdvert)
		return fmt.Sprintf("decided %s after the last advert; active-down is %s (%+.1f %%)",
			took.Round(time.Millisecond), theory.Round(time.Millisecond),
			100*float64(took-theory)/float64(theory))
	}
	return ""
}
