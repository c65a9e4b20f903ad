// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// The codes of the conditions. docs/operations.md has a paragraph for each.
const (
	condNoStandby         = "no-standby"
	condPeerLinkBroken    = "peer-link-broken"
	condAuthMismatch      = "auth-mismatch"
	condVersionMismatch   = "version-mismatch"
	condConfigMismatch    = "config-mismatch"
	condOneWayLink        = "one-way-link"
	condOwnerUnreadable   = "owner-unreadable"
	condForeignOwner      = "foreign-owner"
	condContended         = "contended"
	condUnbound           = "unbound"
	condNoLeader          = "no-leader"
	condNotAnswering      = "not-answering"
	condClaimFailed       = "claim-failed"
	condStandbyBusy       = "standby-busy"
	condStandbyRefused    = "standby-refused"
	condCrashLoop         = "crash-loop"
	condDisplaced         = "displaced"
	condUnhealthy         = "unhealthy"
	condDrained           = "drained"
	condGuestAddress      = "guest-address"
	condMetadata          = "metadata-unreadable"
	condDrainMarkCorrupt  = "drain-mark-corrupt"
	condReloadFailed      = "reload-failed"
	condServiceAnswers    = "service-answers"
	condSameHost          = "same-host"
	condAPIBudget         = "api-budget"
	condEngineStill       = "engine-still" // status.ConditionStill: found by whoever is asked, not by the engine
	condAddressRemoved    = "address-removed"
	condLinkDown          = "link-down"
	condWriteDenied       = "write-denied"
	condCheckInconclusive = "check-inconclusive"
	condUnknownThere      = "group-unknown-there"
	condNameConflict      = "name-conflict"
	condIdentityConflict  = "identity-conflict"
	condUnsayable         = "advert-unsayable"
)

// Conditions returns the code of every condition, for the documents.
func Conditions() []string {
	return []string{
		condNoStandby, condPeerLinkBroken, condAuthMismatch, condVersionMismatch, condConfigMismatch, condOneWayLink,
		condOwnerUnreadable, condForeignOwner, condContended, condUnbound, condNoLeader, condNotAnswering, condClaimFailed,
		condStandbyBusy, condStandbyRefused, condCrashLoop, condDisplaced, condUnhealthy, condDrained,
		condGuestAddress, condMetadata, condDrainMarkCorrupt, condReloadFailed,
		condServiceAnswers, condSameHost, condAPIBudget, condEngineStill, condAddressRemoved, condLinkDown, condCheckInconclusive, condWriteDenied, condUnknownThere, condNameConflict,
		condIdentityConflict, condUnsayable,
	}
}

// conditionKey tells one condition from another over time.
type conditionKey struct{ group, code, about string }

// found is a condition that holds now.
type found struct {
	key      conditionKey
	severity status.Severity
	text     string
}

// unreadableAfter is how long owner reads may fail before it is a condition: one
// slow answer is not worth an alarm.
const unreadableAfter = 5 * time.Second

// conditions returns what an operator should know of a group now.
func (e *engine) conditions(g *group, s election.GroupStatus) []found {
	var fs []found
	add := func(code, about string, severity status.Severity, format string, args ...any) {
		fs = append(fs, found{conditionKey{g.cfg.Name, code, about}, severity, fmt.Sprintf(format, args...)})
	}
	e.nodeConditions(g, s, add)
	e.ownerConditions(g, s, add)
	standby := 0
	var why []string
	for _, n := range s.Nodes {
		peerConditions(g, n, add)
		unknownThere(g, s.Owner, n, add)
		switch n.Refusal {
		case election.ReasonNone, election.ReasonConfigMismatch: // the latter takes over by silence all the same
			standby++
		default:
			text := n.Refusal.String()
			switch {
			case e.seemsDead(n):
				text += "; " + deadText
			case n.Refusal == election.ReasonUnknownThere:
				text += "; its daemon runs, with a file that lacks the group"
			case n.Refusal == election.ReasonWriteDenied:
				text += "; its condition of that name has the call and the permission"
			case n.PeerHeard && !n.Heard && n.Refusal == election.ReasonNotHeard:
				text += "; of this group, that is: its next advert tells more"
			case !n.Heard && n.Refusal == election.ReasonNotHeard:
				text += "; not once since this daemon started: start its daemon, and " + e.letPass(n.Name)
			}
			why = append(why, n.Name+" ("+text+")")
		}
	}
	switch leads := e.couldLead(g, s, standby); {
	case !leads || s.LeaderSeen:
	case s.Held == election.ReasonOwnerNeverHeard:
		add(condNoLeader, "", status.SeverityCritical, "nobody is heard to lead the group: %s", e.neverHeard(g, s))
	default:
		add(condNoLeader, "", status.SeverityCritical,
			"nobody leads the group although %s could: %s", e.whoCould(g, s), e.leaderless(s))
	}
	if g.mayNotMove(s) {
		add(condNoLeader, "unread", status.SeverityCritical,
			"nobody is known to serve: this node leads, and may not move the address here before %s; \"fipctl assign\" cannot help", g.readOrWord(s))
	}
	if s.Role == election.Active && standby == 0 {
		add(condNoStandby, "", status.SeverityCritical,
			"no other node could take over: %s; the next failure is an outage", strings.Join(why, ", "))
	}
	return fs
}

// couldLead reports whether this node or one of so many standbys could lead.
func (e *engine) couldLead(g *group, s election.GroupStatus, standby int) bool {
	return standby > 0 || e.machine.OwnRefusal(g.cfg.Name) == election.ReasonNone
}

// whoCould names a node that could lead.
func (e *engine) whoCould(g *group, s election.GroupStatus) string {
	if e.machine.OwnRefusal(g.cfg.Name) == election.ReasonNone {
		return "this node"
	}
	for _, n := range s.Nodes {
		if n.Refusal == election.ReasonNone {
			return n.Name
		}
	}
	return "another node"
}

// leaderless says what keeps it from leading, and what to do.
func (e *engine) leaderless(s election.GroupStatus) string {
	if s.Held != election.ReasonNone {
		return s.Held.Text() + fmt.Sprintf("; mend that, or \"fipctl assign %s\" if you know better", s.Name)
	}
	return fmt.Sprintf("the election goes on; if it lasts, \"fipctl assign %s\" and read the log", s.Name)
}

// mayNotMove reports whether this node leads and cannot move the address here because no
// read succeeds: a claim waits for one, which is wanted of an active node alone.
func (g *group) mayNotMove(s election.GroupStatus) bool {
	return g.wish.Waits && s.APIFailing != 0 && !s.Bound
}

// readOrWord says what lets a node that leads without a recent read move the address.
func (g *group) readOrWord(s election.GroupStatus) string {
	const read = "it has an answer of the cloud"
	if !slices.ContainsFunc(g.provider, func(p providers.Provider) bool { return p.Capabilities().MovesWithoutAPI }) {
		return read
	}
	var silent []string
	for _, n := range s.Nodes {
		if !n.Fresh || n.Role == election.Active {
			silent = append(silent, n.Name)
		}
	}
	return fmt.Sprintf("%s, or the word of %s not to lead: start the daemon there, which may be drained or have its service down",
		read, strings.Join(silent, " and "))
}

type adder func(code, about string, severity status.Severity, format string, args ...any)

// nodeConditions are about what this node can do.
func (e *engine) nodeConditions(g *group, s election.GroupStatus, add adder) {
	if s.Drained {
		add(condDrained, "", status.SeverityInfo, "an operator keeps this node out; \"fipctl resume %s\" lets it take part again", g.cfg.Name)
	}
	if s.Known && !s.Healthy {
		add(condUnhealthy, "", status.SeverityWarning, "checks of this node fail: %s; repair the service", strings.Join(g.verdict.Failing, ", "))
	}
	e.checkConditions(g, add)
	if s.Held == election.ReasonPeerLinkBroken {
		add(condPeerLinkBroken, s.Owner.Node, status.SeverityCritical,
			"%s is not heard here, but it answers through the address or another node hears it; repair the link between the nodes", s.Owner.Node)
	}
	if s.Held == election.ReasonServiceAnswers {
		add(condServiceAnswers, s.Owner.Node, status.SeverityWarning,
			"the daemon of %s is silent, but the service behind the address answers the probe; nothing moves, and a failure would be noticed by the probe alone: repair the daemon, or the link to it", s.Owner.Node)
	}
	if g.refusedBy != nil {
		add(condWriteDenied, "", status.SeverityCritical,
			"the cloud refuses the writes of this node, which leads only while no other node could: %v; allow that call or replace the credentials, then \"systemctl reload fipctl\" here; a credentials file that changes is seen without", g.refusedBy)
	} else if g.claimErr != nil && !e.doubts(g, s) {
		add(condClaimFailed, "", status.SeverityCritical, "the last write to the cloud failed: %v", g.claimErr)
	}
	if g.guestErr != nil {
		add(condGuestAddress, "", status.SeverityCritical, "an address of this machine could not be changed or announced: %v", g.guestErr)
	}
	e.guestConditions(g, s, add)
	if g.refusal == nil || s.Role == election.Active {
		return
	}
	if providers.KindOf(g.refusal) == providers.Busy {
		add(condStandbyBusy, "", status.SeverityWarning, "the cloud would refuse a move to this node just now: %v; it usually passes by itself", g.refusal)
		return
	}
	hint := ""
	if providers.KindOf(g.refusal) == providers.NotFound {
		hint = "; do the credentials belong to the account of the address, and of this machine?"
	}
	add(condStandbyRefused, "", status.SeverityCritical, "the cloud would refuse a move to this node, or cannot be asked: %v%s", g.refusal, hint)
}

// ownerConditions are about what the cloud says.
func (e *engine) ownerConditions(g *group, s election.GroupStatus, add adder) {
	now := e.clock.now()
	switch {
	case s.APIFailing == 0 || now.Sub(s.APIFailing) < unreadableAfter:
	case g.leftAlone(s):
		add(condOwnerUnreadable, "throttled", status.SeverityWarning,
			"the owner is not read for as long as the cloud asks to be left alone: %s; nobody waits for it, and a takeover asks again after %v at most", oneLine(g.readErr), g.patience())
	default:
		add(condOwnerUnreadable, "", status.SeverityCritical, "the owner cannot be read: %s; nothing is moved or unbound because of it", oneLine(g.readErr))
	}
	switch s.Owner.Kind {
	case election.OwnerNone:
		add(condUnbound, "", status.SeverityCritical, "nobody holds the address; it is bound as soon as a node may lead%s", g.unboundRemark())
	case election.OwnerForeign:
		e.copyConditions(g, add)
		if !s.Known {
			break // it may be this node, which does not know yet what the cloud calls it
		}
		if s.Held != election.ReasonForeignOwner && slices.ContainsFunc(s.Nodes, func(n election.NodeStatus) bool { return !n.Heard }) {
			break // just started: a peer not heard yet may be the stranger
		}
		add(condForeignOwner, "", status.SeverityCritical,
			"a target outside the cluster holds the address; \"fipctl assign %s\" takes it, nothing else does", g.cfg.Name)
	}
	if s.Contended {
		add(condContended, "", status.SeverityCritical,
			"the address was taken away three times in ten minutes, and again; find out by whom: two nodes that are mixed up in the file (`address`, `node`, `target`), another cluster, a script; then \"fipctl assign %s\"", g.cfg.Name)
	}
	if yes := answering(s); s.Role == election.Active && s.Bound && yes != nil && !*yes {
		add(condNotAnswering, "", status.SeverityCritical,
			"the cloud says that the address is here, but the probe through it gets no answer; look at the firewall and the service")
	}
}

// peerConditions are about one peer.
func peerConditions(g *group, n election.NodeStatus, add adder) {
	if n.Mismatch {
		add(condConfigMismatch, n.Name, status.SeverityWarning,
			"%s has another configuration of group %s, or another advert_interval; it is no successor until the files agree", n.Name, g.cfg.Name)
	}
	if n.Latched {
		add(condDisplaced, n.Name, status.SeverityWarning,
			"%s took the address while it could not be heard; this node stays back until it is heard, or \"fipctl assign %s\"", n.Name, g.cfg.Name)
	}
	switch {
	case n.Prolongs == election.ReasonOneWayLink, n.Refusal == election.ReasonOneWayLink:
		add(condOneWayLink, n.Name, status.SeverityCritical, "%s is heard but does not hear this node; look at the firewall on UDP in its direction", n.Name)
	case n.Prolongs == election.ReasonAuthMismatch:
		add(condAuthMismatch, n.Name, status.SeverityCritical, "datagrams from %s are signed with a key this node does not have; give both nodes the same key file", n.Name)
	case n.Prolongs == election.ReasonBadVersion:
		add(condVersionMismatch, n.Name, status.SeverityCritical, "datagrams from %s are of another version of the protocol, and nobody of the two takes over from the other; run the same release on all nodes", n.Name)
	}
}

// unknownThere is about a peer whose file lacks the group.
func unknownThere(g *group, owner election.Owner, n election.NodeStatus, add adder) {
	switch {
	case !n.Lacks:
	case owner.Node == n.Name:
		add(condUnknownThere, n.Name, status.SeverityCritical,
			"%s holds the address, is heard, and does not know group %s: nothing moves as long as it is heard, and nothing but its end or \"fipctl assign %s\" would be a failover; give all nodes the same file, then \"systemctl reload fipctl\" on %s",
			n.Name, g.cfg.Name, g.cfg.Name, n.Name)
	default:
		add(condUnknownThere, n.Name, status.SeverityWarning,
			"%s is heard and does not know group %s, so it cannot take over; give all nodes the same file, then \"systemctl reload fipctl\" on %s", n.Name, g.cfg.Name, n.Name)
	}
}

// answering reports whether a peer's probe through the address reached this
// active node, or on a standby whether its own probe reached the owner; nil when
// nothing is known.
func answering(s election.GroupStatus) *bool {
	yes, no := true, false
	if s.Role != election.Active {
		return nil
	}
	seen := false
	for _, n := range s.Nodes {
		if !n.Fresh || n.AnsweredBy == "" {
			continue
		}
		if n.AnsweredBy == s.Self && n.AnsweredAge < answeringFor {
			return &yes
		}
		seen = seen || n.AnsweredBy == s.Self
	}
	if seen {
		return &no
	}
	return nil
}

// answeringFor is how long an answered probe counts: three steady probes.
const answeringFor = 35 * time.Second

// daemonConditions are about the daemon as a whole.
func (e *engine) daemonConditions() []found {
	var fs []found
	for _, p := range e.clouds.providers() {
		if p.err != nil {
			severity, so := status.SeverityCritical, "without it this node cannot claim"
			switch {
			case errors.Is(p.err, metadata.ErrIncomplete):
				so = "what needs more of it cannot be claimed"
			case p.known:
				severity, so = status.SeverityWarning, "what it said before still counts"
			}
			what := "the metadata service does not say who this machine is"
			if e.withoutMetadata(p.provider) {
				what = "the file does not say who this machine is"
			}
			fs = append(fs, found{conditionKey{"", condMetadata, p.provider}, severity, fmt.Sprintf("%s: %v; %s", what, p.err, so)})
		}
	}
	fs = append(fs, e.identityConditions()...)
	for _, peer := range slices.Sorted(maps.Keys(e.unsayable)) {
		fs = append(fs, found{conditionKey{"", condUnsayable, peer}, status.SeverityCritical,
			fmt.Sprintf("no advert to %s can be built: %v; %s hears nothing of this node, which leads nothing as long as it cannot say so: correct what the error names, in the file or at the cloud", peer, e.unsayable[peer], peer)})
	}
	fs = append(fs, e.budgetConditions()...)
	fs = append(fs, e.namesakeConditions()...)
	for _, m := range e.placed {
		if m.Separation == providers.Together.String() {
			fs = append(fs, found{conditionKey{"", condSameHost, m.Node}, status.SeverityWarning,
				fmt.Sprintf("%s and this node can fail together: %s; move one of them", m.Node, m.Text)})
		}
	}
	for _, err := range e.marred {
		fs = append(fs, found{conditionKey{"", condDrainMarkCorrupt, err.Error()}, status.SeverityWarning, err.Error()})
	}
	if e.reload != nil {
		fs = append(fs, found{conditionKey{"", condReloadFailed, ""}, status.SeverityWarning,
			fmt.Sprintf("the last reload changed nothing: %v", e.reload)})
	}
	for _, p := range e.machine.PeersStatus() {
		if p.CrashLoops {
			fs = append(fs, found{conditionKey{"", condCrashLoop, p.Name}, status.SeverityWarning,
				fmt.Sprintf("the daemon of %s started three times within a minute; read its log", p.Name)})
		}
	}
	return fs
}

// settles returns for how many active-downs a condition must have held before it shows. One
// about how a peer is heard changes from one datagram to the next while a link heals, a
// session begins or files are replaced one after the other, and a resolver may miss one
// question; and between two leaders there
// is always a time without one.
func (k conditionKey) settles() time.Duration {
	switch k.code {
	case condOneWayLink, condAuthMismatch, condVersionMismatch, condConfigMismatch, condCheckInconclusive, condUnknownThere:
		return 1
	case condNoLeader:
		return 3
	default:
		return 0
	}
}

// settled returns the conditions that show, and since when those hold that settle. Down is
// the active-down.
func settled(fs []found, since map[conditionKey]time.Time, now time.Time, down time.Duration) (show []found, next map[conditionKey]time.Time) {
	next = map[conditionKey]time.Time{}
	for _, f := range fs {
		if downs := f.key.settles(); downs > 0 {
			first, known := since[f.key]
			if !known {
				first = now
			}
			next[f.key] = first
			if now.Sub(first) < downs*down {
				continue
			}
		}
		show = append(show, f)
	}
	return show, next
}

// raise gives conditions the time since which they hold, logs those that are new
// or gone, and forgets the rest.
func (e *engine) raise(fs []found, now time.Time) map[conditionKey]status.Condition {
	out := make(map[conditionKey]status.Condition, len(fs))
	fs, e.settling = settled(fs, e.settling, now, election.ActiveDown(election.PriorityDefault, e.cfg.Cluster.AdvertInterval))
	for _, f := range fs {
		since, known := e.raised[f.key]
		if !known {
			since = now
			e.raised[f.key] = now
			e.log.Log(context.Background(), levelOf(f.severity), "condition", "group", f.key.group, "code", f.key.code, "text", f.text)
		}
		out[f.key] = status.Condition{Code: f.key.code, Severity: f.severity, Text: f.text, Since: since}
	}
	for key := range e.raised {
		if _, holds := out[key]; !holds {
			delete(e.raised, key)
			e.log.Info("condition over", "group", key.group, "code", key.code)
		}
	}
	return out
}

// levelOf returns how loudly a condition is told.
func levelOf(s status.Severity) slog.Level {
	switch s {
	case status.SeverityCritical:
		return slog.LevelError
	case status.SeverityWarning:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// oneLine joins errors for a text of one line, each once.
func oneLine(errs []error) string {
	var texts []string
	for _, err := range errs {
		if err != nil && !slices.Contains(texts, err.Error()) {
			texts = append(texts, err.Error())
		}
	}
	return strings.Join(texts, "; ")
}

// unboundRemark is what the clouds of a group say of addresses that nobody holds, as
// the end of a sentence.
func (g *group) unboundRemark() string {
	remark := ""
	for i, p := range g.provider {
		text := p.Capabilities().Unbound
		lost := i < len(g.state.Addresses) && g.state.Addresses[i].Known && g.state.Addresses[i].Seen.Target.IsZero()
		if text != "" && lost && !strings.Contains(remark, text) {
			remark += "; " + text
		}
	}
	return remark
}
