// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/telemetry"
	"github.com/fipctl/fipctl/pkg/election"
)

const phaseAnswer = telemetry.PhaseAnswer

// node returns this node's name, which never changes while the daemon runs.
func (e *engine) node() string { return e.receiver.Node }

// groupStatus returns what the election knows of a group.
func (e *engine) groupStatus(g *group) election.GroupStatus {
	return e.machine.GroupStatus(g.cfg.Name)
}

func (e *engine) groupNames() string {
	var names []string
	for _, g := range e.groups {
		names = append(names, g.cfg.Name)
	}
	return strings.Join(names, ", ")
}

func (e *engine) nodeNames() string {
	var names []string
	for _, n := range e.cfg.Nodes {
		names = append(names, n.Name)
	}
	return strings.Join(names, ", ")
}

func (e *engine) isNode(name string) bool {
	for _, n := range e.cfg.Nodes {
		if n.Name == name {
			return true
		}
	}
	return false
}

// leave begins the end: a stop hands over what somebody else can take, a restart
// only says that it will be back. A restart may become a stop, not the other way.
func (e *engine) leave(restart bool) {
	if e.leaving && (restart || !e.restart) {
		return
	}
	e.leaving, e.restart = true, restart
	now := e.clock.now()
	e.leaveBy = now
	if !restart {
		for _, g := range e.groups {
			e.leaveBy = max(e.leaveBy, now.Add(handoverTime(g)+2*e.cfg.Cluster.AdvertInterval))
		}
	}
	e.log.Info("leaving", "restart", restart, "at_most", telemetry.Short(e.leaveBy.Sub(now)))
	e.step(election.Leave{Restart: restart})
}

// handoverTime is how long a handover of the group may take (claim timeout and
// move timeout).
func handoverTime(g *group) time.Duration {
	d := g.cfg.ClaimTimeout
	for _, p := range g.provider {
		d = max(d, g.cfg.ClaimTimeout+p.Capabilities().MoveTimeout)
	}
	return d
}

// stayAway takes back that this node comes back, as it said in its last datagram: a goodbye
// lets the others take over at once. It does nothing while the engine runs.
func (e *engine) stayAway() {
	select {
	case <-e.done:
	default:
		return
	}
	if !e.ended || !e.restart {
		return
	}
	e.restart = false
	for _, a := range e.machine.Step(e.clock.now(), election.Leave{}) {
		e.carryOut(a)
	}
	e.log.Info("left", "restart", e.restart)
}

// depart sends the last datagram and ends the engine.
func (e *engine) depart() {
	for _, a := range e.machine.Step(e.clock.now(), election.Depart{}) {
		e.carryOut(a)
	}
	e.log.Info("left", "restart", e.restart)
	e.ended = true
}
