// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// The calls of owner reads that may be under way at once at one provider. Of those that
// nobody waits for there are few. Of the others there are as many as could be wanted: addresses
// that cannot be listed are asked about side by side, and a call that hangs, which costs a
// goroutine and a connection for at most an attempt, holds up none about another address.
const (
	listsMax     = 32 // where one call lists many addresses
	perAddress   = 3  // where it does not: as many as a watch has under way at once, of each
	readsIdleMax = 8
)

// readsMax returns how many owner reads of a kind may be under way at once.
func (cs *clouds) readsMax(cfg *config.Config, c *cloud) int {
	if c.reader.Batches() {
		return listsMax
	}
	addresses := 0
	for _, g := range cfg.Groups {
		addresses += len(c.own(g.Addresses))
	}
	return perAddress * addresses
}

// groupRead is one owner read of one group. It is complete when the part of every
// provider is there.
type groupRead struct {
	g        *group
	begun    election.Instant // by the watch
	parts    int              // that are still under way
	readings []controller.Reading
	errs     []error
}

// family is what one call can list: the addresses of one family at one provider.
type family struct {
	cloud *cloud
	six   bool
}

// batch is what is read at one provider in one go, for however many groups. Where the
// provider lists addresses it is a family's, else an address's.
type batch struct {
	cloud     *cloud
	pool      *pool // that it is read by
	idle      bool  // nobody waits for any of it
	addresses []providers.Address
	places    []place // of each address
}

// place is where the reading of one address belongs.
type place struct {
	read  *groupRead
	index int
}

// lookAgain wants the owner of a group to be read at once, whatever is known.
func (e *engine) lookAgain(g *group) { g.news = e.clock.now() }

// startReads begins the owner reads that are due, side by side: one batch for each family
// at a provider that lists addresses, else a call for each address. Urgent ones go first; the
// others join them, or wait for their budget. It sets when to look again.
func (e *engine) startReads(now election.Instant) {
	e.readsAt = 0
	wants := e.wants(now)
	joined := map[family]*batch{}
	var batches []*batch
	for _, w := range []controller.Want{controller.WantUrgent, controller.WantRead, controller.WantNear} {
		for i, g := range e.groups {
			if wants[i] != w || w == controller.WantNear && !e.joins(g, joined) || !e.mayRead(g, w, joined, now) {
				continue // with the end of another read, or with time
			}
			g.watch.Begin(now)
			read := &groupRead{
				g: g, begun: now,
				readings: make([]controller.Reading, len(g.cfg.Addresses)), errs: make([]error, len(g.cfg.Addresses)),
			}
			batches = append(batches, e.join(read, w, joined, now)...)
		}
	}
	if len(batches) == 0 {
		return
	}
	nodes := e.nodes()
	for _, b := range batches {
		known, at := controller.KnownTo(b.cloud.provider, nodes), b.cloud.at
		b.pool.do(func(ctx context.Context) {
			got, mark := b.cloud.reader.Owners(ctx, b.addresses, known), at.marked()
			e.post(func() {
				e.credentialsSeen(at, mark)
				e.batchDone(b, got)
			})
		})
	}
}

// wants returns how each group waits for an owner read now. With one that begins go those
// whose turn is near, where they cost no call of their own. While a write is under way
// nothing is read: only what begins after its end says anything.
func (e *engine) wants(now election.Instant) []controller.Want {
	wants, again := make([]controller.Want, len(e.groups)), make([]election.Instant, len(e.groups))
	begins := false
	for i, g := range e.groups {
		if g.writing {
			continue
		}
		wants[i], again[i] = g.watch.Next(now, e.machine.Wish(g.cfg.Name), g.wish, election.Wish{News: g.news, Urgent: true}, election.Wish{News: g.renewed})
		begins = begins || wants[i] != controller.WantNothing
		e.readsAt = earlier(e.readsAt, again[i])
	}
	if !begins {
		return wants
	}
	for i, g := range e.groups {
		if wants[i] == controller.WantNothing && g.watch.Near(now, again[i]) && e.listed(g) {
			wants[i] = controller.WantNear
		}
	}
	return wants
}

// joins reports whether a read of the group adds no call to the batches of this turn.
func (e *engine) joins(g *group, joined map[family]*batch) bool {
	for _, c := range e.clouds.used(g.cfg.Addresses) {
		if c.calls(joined, g.cfg.Addresses) > 0 {
			return false
		}
	}
	return true
}

// listed reports whether all addresses of a group can be read together with others.
func (e *engine) listed(g *group) bool {
	for _, c := range e.clouds.used(g.cfg.Addresses) {
		if !c.reader.Batches() {
			return false
		}
	}
	return true
}

// mayRead reports whether a read of the group may begin now at all its providers, and
// otherwise sees to it that the question is asked again.
func (e *engine) mayRead(g *group, w controller.Want, joined map[family]*batch, now election.Instant) bool {
	may := true
	for _, c := range e.clouds.used(g.cfg.Addresses) {
		at, calls := c.budget.Urgent(g.patience()), c.calls(joined, g.cfg.Addresses)
		free := c.reads.flying+calls <= c.reads.workers
		if w != controller.WantUrgent {
			at = c.budget.Ready(now, controller.SpendOwner, calls)
			free = free && (c.reads.idle == 0 || c.reads.idle+calls <= readsIdleMax)
		}
		if at > now {
			e.readsAt, may = earlier(e.readsAt, at), false
		}
		if calls > 0 && !free {
			may = false // the end of one that is under way comes back to it
		}
	}
	return may
}

// calls returns how many calls the read of a group adds at a provider to the batches of
// this turn.
func (c *cloud) calls(joined map[family]*batch, as []providers.Address) int {
	own := c.own(as)
	if !c.reader.Batches() {
		return len(own)
	}
	fresh := map[family]bool{}
	for _, a := range own {
		if f := c.family(a); joined[f] == nil {
			fresh[f] = true
		}
	}
	return len(fresh)
}

func (c *cloud) family(a providers.Address) family { return family{c, a.IP.Is6()} }

// join adds a read to the batches of this turn and returns those that are new.
func (e *engine) join(read *groupRead, w controller.Want, joined map[family]*batch, now election.Instant) (fresh []*batch) {
	begin := func(c *cloud) *batch {
		b := &batch{cloud: c, pool: c.reads, idle: w != controller.WantUrgent}
		b.pool.begin(b.idle)
		fresh = append(fresh, b)
		return b
	}
	parts := map[*batch]bool{}
	for _, c := range e.clouds.used(read.g.cfg.Addresses) {
		calls := c.calls(joined, read.g.cfg.Addresses)
		if w == controller.WantUrgent {
			c.budget.Note(now, controller.SpendOwner, calls)
		} else {
			c.budget.Take(now, controller.SpendOwner, calls)
		}
		for i, a := range read.g.cfg.Addresses {
			if !c.serves(a) {
				continue
			}
			b := joined[c.family(a)]
			if b == nil {
				b = begin(c)
			}
			if c.reader.Batches() {
				joined[c.family(a)] = b
			}
			b.addresses, b.places = append(b.addresses, a), append(b.places, place{read, i})
			parts[b] = true
		}
	}
	read.parts = len(parts)
	return fresh
}

// batchDone takes in the end of a batch, and of every read that it completes.
func (e *engine) batchDone(b *batch, got []controller.Answer) {
	b.pool.ended(b.idle)
	for i, at := range b.places {
		r := at.read
		r.readings[at.index], r.errs[at.index] = got[i].Reading, got[i].Err
		b.cloud.heed(controller.SpendOwner, got[i].Err, got[i].Began, got[i].Ended)
	}
	done := map[*groupRead]bool{}
	for _, at := range b.places {
		r := at.read
		if done[r] {
			continue
		}
		done[r] = true
		if r.parts--; r.parts == 0 {
			e.readDone(r)
		} else {
			e.readPart(r)
		}
	}
	e.inspectOwners(e.machine.PeersStatus())
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

// readPart lets the controller know of those addresses that have answered: each is judged
// by its own read, and one of them that hangs makes no other's too old.
func (e *engine) readPart(r *groupRead) {
	if r.g.gone || r.err() != nil {
		return
	}
	e.learn(r.g, controller.Observation{Read: &controller.ReadFact{Ended: e.clock.now(), Readings: r.readings, Part: true}})
	e.decide(r.g)
}

// readDone takes in the end of an owner read. The election hears of it before the
// controller acts on it.
func (e *engine) readDone(r *groupRead) {
	g := r.g
	if g.gone {
		return // a reload replaced the group, which has been read anew
	}
	overtaken := r.begun < g.watch.Newest()
	g.watch.End(r.begun, e.clock.now(), r.err() == nil)
	if !overtaken {
		e.readTold(r)
	}
	e.decide(g)
}

func (e *engine) readTold(r *groupRead) {
	g, err, changed := r.g, r.err(), false
	g.readErr = r.errs
	began, ended, took := r.span()
	ev := election.OwnerRead{Group: g.cfg.Name, Began: began, Ended: ended, Took: took, Failed: err != nil}
	fact := controller.ReadFact{Ended: ended, Readings: r.readings, Failed: err != nil}
	if err == nil {
		ev = e.ownerRead(r)
		changed, g.owner = g.owner != ev.Owner, ev.Owner
	}
	e.learn(g, controller.Observation{Read: &fact})
	e.noteDenied(g, r)
	e.step(ev)
	if changed {
		e.ownerChanged(g)
	}
	e.noteBound(g)
	if err == nil {
		e.forgive(g)
	}
}

// span returns when the first of the parts of a read began, when the last one ended, and
// how long the slowest took.
func (r *groupRead) span() (began, ended election.Instant, took time.Duration) {
	for _, p := range r.readings {
		began, ended, took = earlier(began, p.Began), max(ended, p.Ended), max(took, p.Ended.Sub(p.Began))
	}
	return began, ended, took
}

// seen returns what was read of each address.
func (r *groupRead) seen() []providers.Assignment {
	seen := make([]providers.Assignment, len(r.readings))
	for i, p := range r.readings {
		seen[i] = p.Seen
	}
	return seen
}

// ownerRead says in the words of the election what a read that succeeded shows.
func (e *engine) ownerRead(r *groupRead) election.OwnerRead {
	g, seen := r.g, r.seen()
	owners := e.ownersOf(g, seen)
	ev := election.OwnerRead{
		Group: g.cfg.Name, Owner: controller.Combine(e.cfg.Node, owners), Partial: controller.Partial(owners), Version: version(seen),
	}
	ev.Began, ev.Ended, ev.Took = r.span()
	ev.Unchanged, ev.Taken = g.state.Against(e.machine.Permit(g.cfg.Name).Term, seen, e.clouds.targets(g.cfg.Addresses))
	return ev
}

// judgeAgain tells the election who holds the addresses of a group by what was read of them
// last, if that is another than it was, now that it is known better who is who. Else a node
// that comes to know itself would resume by what it took for its own before.
func (e *engine) judgeAgain(g *group) {
	r := &groupRead{g: g}
	for _, a := range g.state.Addresses {
		if !a.Known {
			return
		}
		r.readings = append(r.readings, controller.Reading{Began: a.Began, Ended: a.Ended, Seen: a.Seen})
	}
	if ev := e.ownerRead(r); len(r.readings) > 0 && ev.Owner != g.owner {
		ev.Again, g.owner = true, ev.Owner
		e.step(ev)
		e.ownerChanged(g)
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
