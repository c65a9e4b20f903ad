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
	t := count(c.client.taken())
	r.counts = counts{moves: c.cloud.moves(), writes: c.cloud.writes(), failed: t.Failed, owner: c.cloud.owner()}
	r.outage = t.Outage
	events, start, fault := c.record.taken()
	events = append(events, c.cloud.events()...)
	r.events, r.start = inOrder(append(events, clientEvents(t.Turns)...)), start
	if !fault.IsZero() {
		r.phases = measure(r.events, fault)
		r.added = added(r.phases, fault, c.cloud.busy())
		r.note = silenceNote(r.events, fault, c.ground.lastHeard(ownerNode, standbyNode), c.advertInterval())
	}
}

// silenceNote compares a takeover by silence with the theory: the standby decides
// one active-down after the last advert that it heard.
func silenceNote(events []event, fault, lastAdvert time.Time, interval time.Duration) string {
	theory := activeDown(interval, nodePriorities[standbyNode])
	for _, e := range events {
		if e.Kind != eventRole || e.At.Before(fault) || e.Who != nodeNames[standbyNode] || e.To != election.Active.String() {
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
