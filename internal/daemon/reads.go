// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// want says how a group waits for an owner read that has not begun.
type want uint8

// The wants: urgent if a decision waits for it, which no budget may hold up.
const (
	wantNothing want = iota
	wantRead
	wantUrgent
)

// The reads of one provider that may be under way at once. A read that hangs occupies
// one of them for at most an attempt; one that nobody waits for never takes the place
// of one that a claim needs.
const (
	readsMax     = 4
	readsIdleMax = 1
)

// groupRead is one owner read of one group. It is complete when the part of every
// provider is there.
type groupRead struct {
	g            *group
	urgent       bool
	parts        int // that are still under way
	began, ended election.Instant
	seen         []providers.Assignment
	errs         []error
}

// batch is what is read at one provider in one go, for however many groups.
type batch struct {
	cloud     *cloud
	idle      bool // nobody waits for any of it
	addresses []providers.Address
	places    []place // of each address
}

// place is where the reading of one address belongs.
type place struct {
	read  *groupRead
	index int
}

// wantRead notes that a group's owner is to be read. It begins with the end of this
// turn of the loop, together with whatever else is wanted by then.
func (e *engine) wantRead(g *group, w want) {
	if g != nil {
		g.want = max(g.want, w)
	}
}

// startReads begins the owner reads that are wanted: one batch for each provider that
// reads many addresses in one call, else one for each group. Urgent ones go first;
// the others join them, or wait for their budget. It sets when to look again.
func (e *engine) startReads(now election.Instant) {
	e.readsAt = 0
	joined := map[*cloud]*batch{}
	var batches []*batch
	for _, w := range []want{wantUrgent, wantRead} {
		for _, g := range e.groups {
			if g.want != w || g.writing || !e.mayRead(g, joined, now) {
				continue // with the end of its write, of another read, or of time
			}
			read := &groupRead{
				g: g, urgent: w == wantUrgent,
				seen: make([]providers.Assignment, len(g.cfg.Addresses)), errs: make([]error, len(g.cfg.Addresses)),
			}
			batches = append(batches, e.join(read, joined, now)...)
			g.want = wantNothing
			if read.urgent {
				g.awaited++
			}
		}
	}
	for _, b := range batches {
		b.cloud.reads.do(func(ctx context.Context) {
			got := b.cloud.reader.Owners(ctx, b.addresses)
			e.post(func() { e.batchDone(b, got) })
		})
	}
}

// mayRead reports whether a read of the group may begin now at all its providers, and
// otherwise sees to it that the question is asked again.
func (e *engine) mayRead(g *group, joined map[*cloud]*batch, now election.Instant) bool {
	may := true
	for _, c := range e.clouds.used(g.cfg.Addresses) {
		at := c.budget.Urgent(g.cfg.ClaimTimeout)
		free := c.reads.flying < readsMax
		if g.want == wantRead {
			at = c.budget.Ready(now, controller.SpendOwner, c.extra(joined[c], g.cfg.Addresses))
			free = free && c.reads.idle < readsIdleMax
		}
		if at > now {
			e.readsAt, may = earlier(e.readsAt, at), false
		}
		if joined[c] == nil && !free {
			may = false // the end of one that is under way comes back to it
		}
	}
	return may
}

// join adds a read to the batches of this turn and returns those that are new.
func (e *engine) join(read *groupRead, joined map[*cloud]*batch, now election.Instant) (fresh []*batch) {
	for _, c := range e.clouds.used(read.g.cfg.Addresses) {
		calls := c.extra(joined[c], read.g.cfg.Addresses)
		if read.urgent {
			c.budget.Note(now, controller.SpendOwner, calls)
		} else {
			c.budget.Take(now, controller.SpendOwner, calls)
		}
		b := joined[c]
		if b == nil {
			b = &batch{cloud: c, idle: !read.urgent}
			c.reads.begin(b.idle)
			fresh = append(fresh, b)
			if c.reader.Batches() {
				joined[c] = b
			}
		}
		read.parts++
		for i, a := range read.g.cfg.Addresses {
			if c.serves(a) {
				b.addresses, b.places = append(b.addresses, a), append(b.places, place{read, i})
			}
		}
	}
	return fresh
}

// extra returns how many calls more a batch takes with the addresses of a group.
func (c *cloud) extra(b *batch, as []providers.Address) int {
	own := c.own(as)
	if b == nil {
		return c.reader.Calls(own)
	}
	return c.reader.Calls(append(own, b.addresses...)) - c.reader.Calls(b.addresses)
}

// batchDone takes in the end of a batch, and of every read that it completes.
func (e *engine) batchDone(b *batch, got controller.Batch) {
	b.cloud.reads.ended(b.idle)
	for i, at := range b.places {
		r := at.read
		r.seen[at.index], r.errs[at.index] = got.Readings[i].Assignment, got.Readings[i].Err
		b.cloud.heed(got.Readings[i].Err, got.Began, got.Ended)
	}
	done, read := map[*groupRead]bool{}, map[*group]bool{}
	for _, at := range b.places {
		r := at.read
		if done[r] {
			continue
		}
		done[r] = true
		if r.parts--; r.began == 0 || got.Began < r.began {
			r.began = got.Began
		}
		r.ended = max(r.ended, got.Ended)
		if r.parts == 0 {
			e.readDone(r)
			read[r.g] = true
		}
	}
	e.inspectOwners(read)
}

// heed takes in what the end of a call says about the provider's patience.
func (c *cloud) heed(err error, began, ended election.Instant) {
	if err == nil {
		c.budget.Answer(began)
		return
	}
	var failed *providers.Error
	if errors.As(err, &failed) && failed.Kind == providers.Throttled {
		c.budget.Refuse(ended, failed.RetryAfter)
	}
}

// err returns the first error of a read.
func (r *groupRead) err() error {
	for _, err := range r.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// readDone takes in the end of an owner read. The group counts as busy until the
// election has heard of everything: only then may the controller act on it.
func (e *engine) readDone(r *groupRead) {
	g := r.g
	if g.gone {
		return // a reload replaced the group, which has been read anew
	}
	if r.began >= g.readAt { // else a newer one has overtaken it
		e.readTold(r)
	}
	if r.urgent {
		g.awaited--
	}
	e.decide(g)
}

func (e *engine) readTold(r *groupRead) {
	g, err, changed := r.g, r.err(), false
	g.readErr = r.errs
	ev := election.OwnerRead{Group: g.cfg.Name, Began: r.began, Ended: r.ended, Failed: err != nil}
	if err == nil {
		owners := e.ownersOf(g, r.seen)
		before := g.owner
		g.owner = controller.Combine(e.cfg.Node, owners)
		changed = g.owner != before
		ev.Owner, ev.Partial, ev.Version = g.owner, controller.Partial(owners), version(r.seen)
		ev.Unchanged, ev.Taken = g.state.Against(e.machine.Permit(g.cfg.Name).Term, r.seen, e.clouds.targets(g.cfg.Addresses))
		g.readAt = r.began
		e.learn(g, controller.Observation{Read: &controller.ReadFact{Began: r.began, Ended: r.ended, Seen: r.seen}})
	}
	e.noteDenied(g, r)
	e.step(ev)
	if changed {
		e.ownerChanged(g)
	}
	e.noteBound(g)
	if err == nil {
		e.forgive(g)
		e.track(g)
	}
}

// ownersOf says in the words of the election who holds each address of a group.
func (e *engine) ownersOf(g *group, seen []providers.Assignment) []election.Owner {
	nodes := e.nodes()
	owners := make([]election.Owner, len(seen))
	for i, s := range seen {
		owners[i] = controller.Locate(g.cfg.Addresses[i].Provider, s, nodes)
	}
	return owners
}

// earlier returns the earlier of two instants, of which 0 means never.
func earlier(a, b election.Instant) election.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
