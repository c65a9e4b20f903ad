// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

const (
	lookEvery = 50 * time.Millisecond
	// askStatus is how long a daemon may take to answer on its socket.
	askStatus = 2 * time.Second
)

// patience is how long the lab waits for something that should happen. It is no
// expectation about speed, only the end of hope: figures go into the table.
func (c *cluster) patience() time.Duration {
	return 30*time.Second + 10*c.advertInterval() + 10*c.latency
}

// long is a while in which a node that wanted to take the address by mistake
// would have done it: two active-downs of the slowest one, a move, and the calls for it.
func (c *cluster) long() time.Duration {
	return 2*activeDown(c.advertInterval(), slices.Min(nodePriorities[:])) + 2*c.takes() + 2*c.latency
}

// takes is how long the cloud takes to move the address.
func (c *cluster) takes() time.Duration { return c.cloud.offer.takes }

func (c *cluster) advertInterval() time.Duration { return c.settings.advertInterval }

// until waits until missing returns the empty text, which is what still stands in
// the way. It gives up after the lab's patience and when a daemon crashes.
func (c *cluster) until(ctx context.Context, what string, missing func(context.Context) string) error {
	begun := time.Now()
	for {
		still := missing(ctx)
		if still == "" {
			return nil
		}
		if err := c.crashed(); err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
		if waited := time.Since(begun); waited > c.patience() {
			return fmt.Errorf("wait until %s: not within %s: %s", what, c.patience().Round(time.Second), still)
		}
		if err := c.pause(ctx, what, begun); err != nil {
			return err
		}
	}
}

// stays checks for a while that nothing comes in the way; wrong returns what did.
func (c *cluster) stays(ctx context.Context, what string, d time.Duration, wrong func(context.Context) string) error {
	begun := time.Now()
	for time.Since(begun) < d {
		if text := wrong(ctx); text != "" {
			return fmt.Errorf("expect that %s: %s after %s", what, text, time.Since(begun).Round(time.Millisecond))
		}
		if err := c.crashed(); err != nil {
			return fmt.Errorf("expect that %s: %w", what, err)
		}
		if err := c.pause(ctx, what, begun); err != nil {
			return err
		}
	}
	return nil
}

// pause shows what is being waited for and lets a moment pass.
func (c *cluster) pause(ctx context.Context, what string, begun time.Time) error {
	c.progress(fmt.Sprintf("%s (%.1f s)", what, time.Since(begun).Seconds()))
	asleep := time.Now()
	t := time.NewTimer(lookEvery)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		c.record.late(time.Since(asleep) - lookEvery)
		return nil
	}
}

// ask returns what node i's daemon says of the group.
func (c *cluster) ask(ctx context.Context, i int) (status.Group, error) {
	ctx, cancel := context.WithTimeout(ctx, askStatus)
	defer cancel()
	s, err := c.nodes[i].control.Status(ctx)
	if err != nil {
		return status.Group{}, err
	}
	for _, g := range s.Groups {
		if g.Name == groupName && len(g.Addresses) > 0 {
			return g, nil
		}
	}
	return status.Group{}, errors.New("its status has no group " + groupName)
}

// all joins what several looks found missing; empty when nothing is.
func all(texts ...string) string {
	var missing []string
	for _, t := range texts {
		if t != "" {
			missing = append(missing, t)
		}
	}
	return strings.Join(missing, ", ")
}

// lacks returns text unless ok.
func lacks(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// owning returns what node i lacks to be elected, bound and answering.
func (c *cluster) owning(ctx context.Context, i int) string {
	name := c.nodes[i].name
	if c.cloud.holder() != i {
		return fmt.Sprintf("the cloud says that the address is held by %s", orNobody(c.cloud.owner()))
	}
	return all(
		c.inRole(ctx, i, election.Active),
		c.bound(ctx, i),
		lacks(c.client.answer(ctx) == name, "%s does not answer the client", name),
	)
}

// inRole returns what keeps node i from being in the role.
func (c *cluster) inRole(ctx context.Context, i int, want election.Role) string {
	g, err := c.ask(ctx, i)
	if err != nil {
		return fmt.Sprintf("%s: %v", c.nodes[i].name, err)
	}
	return lacks(g.Role == want.String(), "%s is %s (%s)", c.nodes[i].name, g.Role, g.Reason)
}

func (c *cluster) bound(ctx context.Context, i int) string {
	g, err := c.ask(ctx, i)
	if err != nil {
		return fmt.Sprintf("%s: %v", c.nodes[i].name, err)
	}
	all := !slices.ContainsFunc(g.Addresses, func(a status.Address) bool { return !a.Bound })
	return lacks(all, "%s does not know that it is the owner", c.nodes[i].name)
}

// hearing returns what node i lacks to know node j as a healthy, eligible peer.
func (c *cluster) hearing(ctx context.Context, i, j int) string {
	g, err := c.ask(ctx, i)
	if err != nil {
		return fmt.Sprintf("%s: %v", c.nodes[i].name, err)
	}
	for _, n := range g.Nodes {
		if n.Name == c.nodes[j].name {
			return all(
				lacks(n.Fresh, "%s does not hear %s", c.nodes[i].name, n.Name),
				lacks(n.Healthy, "%s is not healthy", n.Name),
				lacks(n.CanClaim, "%s cannot claim", n.Name),
			)
		}
	}
	return fmt.Sprintf("%s does not know %s", c.nodes[i].name, c.nodes[j].name)
}

// probed returns what node i lacks to have a proven probe of the owner j.
func (c *cluster) probed(ctx context.Context, i, j int) string {
	g, err := c.ask(ctx, i)
	if err != nil {
		return fmt.Sprintf("%s: %v", c.nodes[i].name, err)
	}
	return lacks(g.Addresses[0].AnsweredBy == c.nodes[j].name,
		"no probe of %s has been answered by %s", c.nodes[i].name, c.nodes[j].name)
}

// condition returns what keeps node i from showing the condition.
func (c *cluster) condition(ctx context.Context, i int, code string) string {
	_, why := c.conditionText(ctx, i, code)
	return why
}

// conditionText returns the text of the condition that node i shows, or what keeps it from
// showing it.
func (c *cluster) conditionText(ctx context.Context, i int, code string) (text, why string) {
	g, err := c.ask(ctx, i)
	if err != nil {
		return "", fmt.Sprintf("%s: %v", c.nodes[i].name, err)
	}
	for _, cond := range g.Conditions {
		if cond.Code == code {
			return cond.Text, ""
		}
	}
	return "", fmt.Sprintf("%s does not show the condition %s", c.nodes[i].name, code)
}

// healthyStart starts every daemon and waits for the ordinary state of a cluster: the owner
// active and bound, the others backups that could take over at once, and for as long as a
// start makes a difference to what follows.
func (c *cluster) healthyStart(ctx context.Context) error {
	for i := range c.nodes {
		if err := c.startDaemon(i); err != nil {
			return err
		}
	}
	if err := c.untilHealthy(ctx); err != nil {
		return err
	}
	return c.nothingMoves(ctx, "the start is over", activeDown(c.advertInterval(), slices.Min(nodePriorities[:])))
}

func (c *cluster) untilHealthy(ctx context.Context) error {
	return c.until(ctx, "the nodes are healthy", func(ctx context.Context) string {
		texts := []string{c.owning(ctx, ownerNode)}
		for i := range c.nodes {
			if i != ownerNode {
				texts = append(texts, c.inRole(ctx, i, election.Backup))
			}
			for j := range c.nodes {
				texts = append(texts, c.hearing(ctx, i, j))
			}
		}
		text := all(texts...)
		for i := range c.nodes {
			if text == "" && i != ownerNode && !c.ground.blinded() {
				text = c.probed(ctx, i, ownerNode)
			}
		}
		return text
	})
}

// untilOwns waits until node i is elected, bound and answering.
func (c *cluster) untilOwns(ctx context.Context, i int) error {
	name := c.nodes[i].name
	return c.until(ctx, name+" owns the address", func(ctx context.Context) string { return c.owning(ctx, i) })
}

// nothingMoves checks that the holder stays for a while and nobody writes.
func (c *cluster) nothingMoves(ctx context.Context, what string, d time.Duration) error {
	moves, writes := c.cloud.moves(), c.cloud.writes()
	return c.stays(ctx, what, d, func(context.Context) string {
		m, w := c.cloud.moves()-moves, c.cloud.writes()-writes
		return all(
			lacks(m == 0, "the address moved to %s", orNobody(c.cloud.owner())),
			lacks(w == 0, "%d writes reached the cloud", w),
		)
	})
}

// settled waits until the nodes agree: the holder is active, bound and answering,
// every other daemon is not active. Then nothing may move any more.
func (c *cluster) settled(ctx context.Context) error {
	err := c.until(ctx, "elected, bound and answering agree", func(ctx context.Context) string {
		holder := c.cloud.holder()
		if holder < 0 {
			return fmt.Sprintf("the address is held by %s", orNobody(c.cloud.owner()))
		}
		texts := []string{c.owning(ctx, holder)}
		for i, n := range c.nodes {
			if i == holder || n.daemon == nil || !n.daemon.alive() {
				continue
			}
			g, err := c.ask(ctx, i)
			texts = append(texts, lacks(err == nil, "%s: %v", n.name, err),
				lacks(g.Role != election.Active.String(), "%s is active too", n.name))
		}
		return all(texts...)
	})
	if err != nil {
		return err
	}
	return c.nothingMoves(ctx, "nothing moves any more", c.takes()+500*time.Millisecond)
}
