// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// trackFirst is how long after its acceptance an accepted move is first asked about; then
// twice as long, and so on. Moves take seconds, and it is the owner read that decides: the
// question only saves waiting for MoveTimeout where one comes to nothing.
const trackFirst = time.Second

// tracked is an accepted move of one address.
type tracked struct {
	accepted providers.Result // the zero Result: none that can be asked about
	since    election.Instant // when it was accepted
	at       election.Instant // when it is asked about next
	flying   bool
}

// track begins to follow a move that was accepted.
func (g *group) track(i int, accepted providers.Result, now election.Instant) {
	g.tracks[i].accepted, g.tracks[i].since, g.tracks[i].at = accepted, now, now.Add(trackFirst)
}

// untrack forgets the moves of a group: they are over, whatever became of them.
func (g *group) untrack() {
	for i := range g.tracks {
		g.tracks[i].accepted = providers.Result{}
	}
}

// startTracks asks about the accepted moves that are due, to learn early whether they
// failed. The owner read alone decides whether they succeeded, and where it says so, or
// the time of the move is over, nothing is asked.
func (e *engine) startTracks(now election.Instant) {
	for _, g := range e.groups {
		for i := range g.tracks {
			t := &g.tracks[i]
			over := now.Sub(t.since) > g.policy.Addresses[i].MoveTimeout
			switch {
			case t.accepted.Operation == "" || t.flying || over || g.state.Addresses[i].Mine:
			case now < t.at:
				e.asidesAt = earlier(e.asidesAt, t.at)
			default:
				e.askMove(g, i, now)
			}
		}
	}
}

// askMove asks how one accepted move fares.
func (e *engine) askMove(g *group, i int, now election.Instant) {
	a, t := g.cfg.Addresses[i], &g.tracks[i]
	c, accepted := e.clouds.of(a), t.accepted
	if c.asides.flying >= asidesMax {
		return // the end of one comes back to it
	}
	if at := c.budget.Ready(now, controller.SpendState, 0); at > now {
		e.asidesAt = earlier(e.asidesAt, at) // the provider asked for patience
		return
	}
	t.flying, t.at = true, t.at.Add(t.at.Sub(t.since))
	c.asides.start(false, func(ctx context.Context) {
		failed, err := c.reader.Failed(ctx, a, accepted)
		e.post(func() {
			c.asides.ended(false)
			c.heed(controller.SpendMove, err, now, e.clock.now())
			e.tracked(g, i, accepted, failed)
		})
	})
}

// tracked takes in how an accepted move fared.
func (e *engine) tracked(g *group, i int, accepted providers.Result, failed bool) {
	t := &g.tracks[i]
	t.flying = false
	if !failed || g.gone || t.accepted != accepted {
		return
	}
	e.log.Warn("move failed", "group", g.cfg.Name, "address", g.cfg.Addresses[i].String(), "operation", accepted.Operation)
	t.accepted = providers.Result{}
	e.learn(g, controller.Observation{Moved: &controller.FailedMove{Address: i}})
	e.step(election.MoveFailed{Group: g.cfg.Name})
}
