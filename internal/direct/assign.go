// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// readInterval is the time between two owner reads while a move is awaited,
// unless the provider's rate limits ask for more.
const readInterval = time.Second

// timeoutDefault is how long a move is awaited when the operator does not say:
// the longest MoveTimeout of any driver.
const timeoutDefault = time.Minute

var errNoMetadata = errors.New("the provider has no metadata service; set nodes[].target")

// Assign moves a group to a node by reading, one write per step of the move, and
// reading until the cloud confirms it. A group that is already there is done,
// without a write. It refuses while a daemon of the cluster answers, unless
// r.Force. It never repeats a write that may have taken effect: after one it
// only reads until r.Timeout. Report is called from this goroutine.
func (c *Cluster) Assign(ctx context.Context, r status.AssignRequest, report func(status.Event)) status.Outcome {
	g, ok := c.group(r.Group)
	if !ok {
		return outcome(r, status.CodeUsage, election.ReasonNone, "no group %q in the configuration", r.Group)
	}
	if r.To == "" {
		r.To = c.Self
	}
	if r.To == "" {
		return outcome(r, status.CodeUsage, election.ReasonUnknownNode, "this machine is not a node of the cluster; name one with --to, or itself with --node")
	}
	if _, ok := c.node(r.To); !ok {
		return outcome(r, status.CodeUsage, election.ReasonUnknownNode, "no node %q in the configuration", r.To)
	}
	if r.Timeout <= 0 {
		r.Timeout = timeoutDefault
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()

	moves, failed := c.plan(ctx, r, g)
	if failed != nil {
		return *failed
	}
	if len(moves) == 0 {
		return outcome(r, status.CodeDone, election.ReasonNone, "%s already owns %s", r.To, g.Name)
	}
	if i := slices.IndexFunc(moves, func(m move) bool { return m.driver.Capabilities().MovesWithoutAPI }); i >= 0 {
		return outcome(r, status.CodeRefused, election.ReasonCannotClaim,
			"%s moves by an announcement that has to be kept up, which only a running daemon does; start it on %s, then leave out --direct", moves[i].address, r.To)
	}
	if refused := c.ask(ctx, r, g, report); refused != nil {
		return *refused
	}
	if r.DryRun {
		return outcome(r, status.CodeDone, election.ReasonNone, "would move %s", describe(moves, r.To))
	}
	for _, m := range moves {
		if err := c.move(ctx, m, r, report); err != nil {
			return outcome(r, status.CodeFailed, election.ReasonClaimFailed, "%v; see who owns it: `fipctl status --direct`", err)
		}
	}
	return outcome(r, status.CodeDone, election.ReasonNone, "%s owns %s", r.To, g.Name)
}

// move is one address that must go to a target.
type move struct {
	driver  providers.Provider
	address providers.Address
	to      providers.Target
	holder  string // who held it when the move was planned, for people
}

// plan reads every address of the group and returns those that the node does not
// own yet. Reading comes first: a group that is already there needs nothing else.
func (c *Cluster) plan(ctx context.Context, r status.AssignRequest, g Group) ([]move, *status.Outcome) {
	var moves []move
	for _, a := range g.Addresses {
		to, err := c.target(ctx, a, r.To)
		if err != nil {
			o := outcome(r, status.CodeFailed, election.ReasonCannotClaim, "find the target of %s: %v", r.To, err)
			return nil, &o
		}
		seen, err := c.read(ctx, a)
		if err != nil {
			o := outcome(r, status.CodeFailed, election.ReasonOwnerUnreadable, "%v", err)
			return nil, &o
		}
		if seen.Target != to || seen.Pending {
			moves = append(moves, move{driver: c.driver(a), address: a, to: to, holder: c.holder(a.Provider, seen)})
		}
	}
	return moves, nil
}

// target returns the node as the address is bound to it: this machine by its own
// metadata, another by the configuration.
func (c *Cluster) target(ctx context.Context, a providers.Address, node string) (providers.Target, error) {
	if cloud := c.Clouds[a.Provider]; cloud.Err != nil {
		return providers.Target{}, cloud.Err
	}
	whole, err := c.identityOf(ctx, a.Provider, node)
	if err != nil {
		return providers.Target{}, err
	}
	parts := c.driver(a).Capabilities().Target
	if to := whole.Only(parts); !to.IsZero() {
		return to, nil
	}
	return providers.Target{}, fmt.Errorf("%s says too little of %s to move an address of kind %s; run the command on that node", whole, node, a.Kind)
}

// identityOf returns all that is known of what a provider calls a node.
func (c *Cluster) identityOf(ctx context.Context, provider, node string) (providers.Target, error) {
	n, _ := c.node(node)
	switch {
	case node != c.Self && n.Targets[provider] == "":
		return providers.Target{}, fmt.Errorf("only the node itself can ask its metadata service; run the command there, or set nodes[].target.%s", provider)
	case node != c.Self:
		return providers.ParseTarget(n.Targets[provider]), nil
	}
	id, err := c.identity(ctx, provider)
	if err != nil && !errors.Is(err, metadata.ErrIncomplete) {
		return providers.Target{}, err
	}
	if err := c.confirm(provider, id.Target); err != nil {
		return providers.Target{}, err
	}
	if err := c.here(ctx); err != nil && !errors.Is(err, errUntold) {
		return providers.Target{}, err
	}
	return id.Target, nil
}

// confirm returns an error if the configuration gives this node another target
// than its metadata service: a machine under a wrong name would act for another.
func (c *Cluster) confirm(provider string, own providers.Target) error {
	n, _ := c.node(c.Self)
	if want := n.Targets[provider]; want != "" && want != own.String() && providers.ParseTarget(want).Contradicts(own) {
		return fmt.Errorf("nodes[].target.%s says %q, the metadata service %q; is this the right node name?", provider, want, own)
	}
	return nil
}

// holder names the owner for people.
func (c *Cluster) holder(provider string, seen providers.Assignment) string {
	switch node := c.nodeOf(provider, seen, providers.Target{}); {
	case seen.Target.IsZero():
		return "nobody"
	case node == "":
		return seen.Target.String() + " outside the cluster"
	default:
		return node
	}
}

// ask refuses when a daemon of the cluster answers: it decides by itself and
// would see the move as a hand in the console. Silence is no proof, but then
// nobody is there to fight with either.
func (c *Cluster) ask(ctx context.Context, r status.AssignRequest, g Group, report func(status.Event)) *status.Outcome {
	var peers []status.PeerReason
	results := c.probeAll(ctx)
	for _, n := range c.Nodes {
		result, asked := results[n.Name]
		switch {
		case !asked, errors.Is(result.err, ErrSilent):
		case result.err != nil:
			peers = append(peers, status.PeerReason{Node: n.Name, Reason: election.ReasonAuthMismatch.String(), Text: result.err.Error()})
		default:
			role := result.answer.role(g.VRID)
			peers = append(peers, status.PeerReason{Node: n.Name, Reason: answering(role).String(), Text: "its daemon runs, role " + role.String()})
		}
	}
	switch {
	case c.Prober == nil && !r.Force:
		o := outcome(r, status.CodeRefused, election.ReasonUnknownNode,
			"this machine is not a node, so the daemons cannot be asked whether they run; run the command on a node, or use --force")
		return &o
	case len(peers) == 0:
		report(status.Event{Event: status.EventAsked, Group: g.Name, Text: "no daemon of the cluster answers"})
		return nil
	case r.Force:
		report(status.Event{Event: status.EventAsked, Group: g.Name, Text: "daemons answer, going on by force", Peers: peers})
		return nil
	}
	o := outcome(r, status.CodeRefused, election.ReasonNone, "a daemon of the cluster answers and decides by itself; leave out --direct, or use --force")
	o.Reason, o.Peers = peers[0].Reason, peers
	return &o
}

// answering returns the reason that a daemon which answers gives to leave the
// group alone.
func answering(role election.Role) election.Reason {
	if role == election.Active {
		return election.ReasonClaimInProgress
	}
	return election.ReasonIncumbentAlive
}

// describe lists moves for a dry run.
func describe(moves []move, to string) string {
	var texts []string
	for _, m := range moves {
		texts = append(texts, fmt.Sprintf("%s from %s to %s (%s)", m.address, m.holder, to, m.to))
	}
	return strings.Join(texts, ", ")
}

func outcome(r status.AssignRequest, code status.Code, reason election.Reason, format string, values ...any) status.Outcome {
	return status.Outcome{Code: code, Group: r.Group, Reason: reason.String(), Text: fmt.Sprintf(format, values...)}
}
