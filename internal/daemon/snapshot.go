// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

// published is a snapshot, when it was taken, and how long the engine may stand still
// before that is told.
type published struct {
	snapshot status.Snapshot
	at       election.Instant
	limit    time.Duration
}

// stillTurns is how many advert intervals the engine may stand still before that is told;
// a second at least.
const stillTurns = 5

// Snapshot returns the newest published state as it is now (status.Backend): its ages
// count from this moment, and an engine that stands still is told.
func (e *engine) Snapshot() status.Snapshot {
	p := e.current.Load()
	s := p.snapshot.Later(e.clock.now().Sub(p.at))
	if age, limit := e.standing(); age > limit {
		s = s.Still(age)
	}
	return s
}

// standing returns how long ago the engine last turned, and how long is normal. It is
// safe for concurrent use.
func (e *engine) standing() (age, limit time.Duration) {
	return e.clock.now().Sub(election.Instant(e.beat.Load())), e.current.Load().limit
}

// publish renews the snapshot that everybody else reads, the conditions in it and
// the metrics that follow from it.
func (e *engine) publish(now election.Instant) {
	at := time.Now().UTC()
	s := e.machine.Status()
	fs := e.daemonConditions()
	perGroup := make([][]found, len(e.groups))
	for i, g := range e.groups {
		g.followDoubts(s.Groups[i], s.Peers)
		perGroup[i] = e.conditions(g, s.Groups[i])
		fs = append(fs, perGroup[i]...)
	}
	raised := e.raise(fs, at)
	snap := &status.Snapshot{
		Version: status.SnapshotVersion, Cluster: e.cfg.Cluster.ID, Node: e.cfg.Node, At: at,
		Source: status.SourceDaemon, VersionString: e.version, PID: os.Getpid(), Started: e.started,
		Groups: make([]status.Group, 0, len(e.groups)), Conditions: conditionsOf("", raised), Placements: e.placed,
	}
	for i, g := range e.groups {
		snap.Groups = append(snap.Groups, e.groupSnapshot(g, s.Groups[i], raised))
		e.measure(g, s.Groups[i])
	}
	e.measureLeft()
	e.current.Store(&published{*snap, now, max(time.Second, stillTurns*e.cfg.Cluster.AdvertInterval)})
	e.fresh = now
	e.inspectOwners(s.Peers) // somebody may have fallen silent
}

// measure renews the metrics of one group.
func (e *engine) measure(g *group, s election.GroupStatus) {
	e.metrics.Bound(s.Name, s.Bound)
	yes := answering(s)
	e.metrics.Answering(s.Name, yes)
	e.metrics.Disagreement(s.Name, s.Bound != (s.Role == election.Active))
	if yes != nil && *yes && g.phases.bound != 0 && !g.phases.answered {
		g.phases.answered = true
		e.metrics.Phase(phaseAnswer, e.clock.now().Sub(g.phases.bound))
	}
}

// conditionsOf returns the raised conditions of a group, "" for the daemon, the
// worst first.
func conditionsOf(group string, raised map[conditionKey]status.Condition) []status.Condition {
	out := []status.Condition{}
	keys := slices.SortedFunc(maps.Keys(raised), func(a, b conditionKey) int {
		return cmp.Or(cmp.Compare(weight(raised[b].Severity), weight(raised[a].Severity)),
			cmp.Compare(a.code, b.code), cmp.Compare(a.about, b.about))
	})
	for _, k := range keys {
		if k.group == group {
			out = append(out, raised[k])
		}
	}
	return out
}

func weight(s status.Severity) int {
	return slices.Index([]status.Severity{status.SeverityInfo, status.SeverityWarning, status.SeverityCritical}, s)
}

func (e *engine) groupSnapshot(g *group, s election.GroupStatus, raised map[conditionKey]status.Condition) status.Group {
	out := status.Group{
		Name: s.Name, VRID: s.VRID, Role: s.Role.String(), Term: status.Term{Number: s.Newest.Number, Node: s.Newest.Node},
		Reason: s.Reason.String(), ReasonText: s.Reason.Text(), Since: e.clock.time(s.Since),
		Sticky: s.Sticky, Drained: s.Drained, Waiting: e.waiting(g, s),
		Addresses: e.addressSnapshots(g, s), Nodes: e.nodeSnapshots(g, s),
		Conditions: conditionsOf(s.Name, raised),
	}
	if s.Handover.To != "" {
		out.Handover = &status.Handover{From: e.cfg.Node, To: s.Handover.To, Until: e.clock.time(s.HandoverUntil)}
	}
	return out
}

// waiting says what holds this node back: first the election, then the controller.
func (e *engine) waiting(g *group, s election.GroupStatus) *status.Waiting {
	why, until, needs := s.Held, election.Instant(0), s.WaitsSince
	if why == election.ReasonNone && s.Role == election.Active && !s.Bound {
		why, until, needs = g.waiting, g.until, g.wish.Since
		if at := g.writeOver(); at != 0 {
			why, until = election.ReasonWritePending, at
		}
	}
	waits := s.Waits || g.wish.Waits
	if why == election.ReasonBackingOff && e.doubts(g, s) {
		why, until, needs, waits = election.ReasonWritePending, g.doubt.until, g.doubt.since, true
	}
	if waits && (why == election.ReasonNone || why == election.ReasonClaimInProgress) {
		why = election.ReasonReadAwaited
	}
	if why == election.ReasonNone || why == election.ReasonClaimInProgress {
		return nil
	}
	w := &status.Waiting{Reason: why.String(), Text: why.Text(), Until: e.clock.time(until)}
	if why == election.ReasonOwnerNeverHeard {
		w.Text, w.Until = e.neverHeard(g, s), e.clock.time(s.HeldUntil)
	}
	if waits || s.Role == election.Active && g.wish.At != 0 {
		w.Read = &status.Read{Needs: e.clock.time(needs), Since: e.clock.time(g.watch.Flying()), Barred: e.clock.time(e.barred(g))}
	}
	return w
}

// writeOver returns when a write of the group counts as over at the latest: the answer to one
// that is on its way, or the effect of one that was accepted. 0: there is none.
func (g *group) writeOver() (at election.Instant) {
	if g.writing {
		return g.wroteAt.Add(election.AttemptTimeout)
	}
	for i, a := range g.state.Addresses {
		if a.AcceptedAt != 0 {
			at = max(at, a.AcceptedAt.Add(g.policy.Addresses[i].MoveTimeout))
		}
	}
	return at
}

// barred returns until when a provider of the group wants no owner reads at all; 0: none does.
func (e *engine) barred(g *group) (until election.Instant) {
	for _, c := range e.clouds.used(g.cfg.Addresses) {
		if at := c.budget.Urgent(g.patience()); at > e.clock.now() {
			until = max(until, at)
		}
	}
	return until
}

func (e *engine) addressSnapshots(g *group, s election.GroupStatus) []status.Address {
	nodes := e.nodes()
	out := make([]status.Address, len(g.cfg.Addresses))
	for i, a := range g.cfg.Addresses {
		out[i] = status.Address{Provider: a.Provider, Kind: a.Kind, IP: a.IP, ID: a.ID, Owner: status.Owner{State: status.OwnerUnknown}}
		if yes := answering(s); yes != nil {
			out[i].Answering = yes
		}
		if s.AnsweredBy != "" && e.clock.now().Sub(s.AnsweredAt) < answeringFor {
			out[i].AnsweredBy = s.AnsweredBy
		} else if yes := answering(s); yes != nil && *yes {
			out[i].AnsweredBy = e.cfg.Node
		}
		if i < len(g.readErr) && g.readErr[i] != nil {
			out[i].ReadError = g.readErr[i].Error()
		}
		if i >= len(g.state.Addresses) || !g.state.Addresses[i].Known {
			continue
		}
		seen := g.state.Addresses[i].Seen
		owner := controller.Locate(a.Provider, seen, nodes)
		out[i].Owner = status.Owner{Node: owner.Node, Target: seen.Target.String(), State: ownerState(owner.Kind)}
		out[i].Following = seen.Following
		out[i].VerifiedAt, out[i].Pending = e.clock.time(g.state.Addresses[i].Began), seen.Pending
		out[i].Bound = owner.Kind == election.OwnerNode && owner.Node == e.cfg.Node
	}
	return out
}

func ownerState(k election.OwnerKind) status.OwnerState {
	switch k {
	case election.OwnerNode:
		return status.OwnerNode
	case election.OwnerNone:
		return status.OwnerNone
	case election.OwnerForeign:
		return status.OwnerForeign
	default:
		return status.OwnerUnknown
	}
}

// nodeSnapshots returns this node and its peers, in the order of the file.
func (e *engine) nodeSnapshots(g *group, s election.GroupStatus) []status.Node {
	out := make([]status.Node, 0, len(e.cfg.Nodes))
	for _, n := range e.cfg.Nodes {
		if n.Name == e.cfg.Node {
			out = append(out, e.selfSnapshot(g, s))
			continue
		}
		for _, p := range s.Nodes {
			if p.Name == n.Name {
				out = append(out, e.peerSnapshot(s, p))
			}
		}
	}
	return out
}

func (e *engine) selfSnapshot(g *group, s election.GroupStatus) status.Node {
	n := status.Node{
		Name: e.cfg.Node, Self: true, Role: s.Role.String(), Priority: int(s.Priority), Healthy: s.Healthy,
		CanClaim: s.CanClaim, Elected: s.Role == election.Active, Bound: s.Bound, Answering: answering(s), Fresh: true,
		Reason: s.Reason.String(),
	}
	if why := e.machine.OwnRefusal(s.Name); why != election.ReasonNone {
		n.Ineligible, n.IneligibleText = why.String(), why.Text()
	}
	for _, c := range g.checks {
		r := g.results[c.Check]
		n.Checks = append(n.Checks, status.HealthCheck{
			Name: c.Check, Healthy: c.State == health.Passing, Inconclusive: r.Inconclusive, Text: r.Text, Since: g.checkAt[c.Check],
		})
	}
	return n
}

func (e *engine) peerSnapshot(s election.GroupStatus, p election.NodeStatus) status.Node {
	n := status.Node{
		Name: p.Name, Role: p.Role.String(), Priority: int(p.Priority), Healthy: p.Healthy, CanClaim: p.CanClaim,
		Elected: p.Fresh && p.Role == election.Active, Bound: s.Owner.Kind == election.OwnerNode && s.Owner.Node == p.Name,
		Fresh: p.Fresh, Reason: p.Reason.String(),
	}
	if !p.Heard {
		n.Role = "unknown"
	} else {
		age := e.clock.now().Sub(p.At).Milliseconds()
		n.LastAdvertAgeMS = &age
	}
	if p.Refusal != election.ReasonNone {
		n.Ineligible, n.IneligibleText = p.Refusal.String(), p.Refusal.Text()
		if e.seemsDead(p) {
			n.IneligibleText += "; " + deadText
		}
	}
	if s.AnsweredBy == p.Name {
		yes := e.clock.now().Sub(s.AnsweredAt) < answeringFor
		n.Answering = &yes
	}
	return n
}
