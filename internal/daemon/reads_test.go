// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// lister is a driver that reads many addresses in one call, and counts these calls.
type lister struct {
	*driver
	batches *[]int // how many addresses each had, before the first write
	hang    func(as []providers.Address) bool
}

func (l lister) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	r := l.Owners(ctx, []providers.Address{a})[0]
	return r.Assignment, r.Err
}

func (l lister) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	l.mu.Lock()
	if len(l.writes) == 0 { // what is read back after a write is another matter
		*l.batches = append(*l.batches, len(as))
	}
	l.mu.Unlock()
	readings := make([]providers.Reading, len(as))
	if l.hang != nil && l.hang(as) {
		<-ctx.Done()
	}
	err := l.begin(ctx, "owner")
	view := l.w.cloud.View(0)
	for i, a := range as {
		address, unknown := view.Address(a.IP)
		if readings[i].Err = errors.Join(err, unknown); readings[i].Err == nil {
			readings[i].Assignment = providers.Assignment{Target: address.Holder, Pending: address.Pending != 0}
			if holder, err := view.Instance(address.Holder.Instance); err == nil {
				readings[i].Assignment.PrivateAddresses = holder.Private
			}
		}
	}
	return readings
}

// taken returns the batches since the last time.
func (l lister) taken() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	got := *l.batches
	*l.batches = nil
	return got
}

// address is that of the n-th group of a world of many.
func address(n int) netip.Addr {
	ip := floating
	for range n {
		ip = ip.Next()
	}
	return ip
}

// many adds the addresses of n groups, held by a node, and returns what makes a node
// have these groups and read them in batches.
func (w *world) many(n int, holder providers.Target) (listers map[string]lister, change func(*node, *Options, *parts)) {
	for i := 1; i < n; i++ {
		w.must(w.cloud.AddAddress(fakecloud.Address{IP: address(i), Region: "fra1", Holder: holder}))
	}
	listers = map[string]lister{}
	return listers, func(node *node, o *Options, p *parts) {
		l := lister{node.cloud, &[]int{}, nil}
		listers[node.name] = l
		for i := 1; i < n; i++ {
			g := o.Config.Groups[0]
			g.Name, g.VRID = fmt.Sprint("web", i), g.VRID+uint8(i)
			g.Addresses = []providers.Address{{Provider: "digitalocean", Kind: "reserved-ip", IP: address(i)}}
			o.Config.Groups = append(o.Config.Groups, g)
		}
		p.clouds = func(cfg *config.Config) (*clouds, error) {
			cs, err := node.clouds(cfg)
			reservedIPs(cs).driver = listers[node.name]
			return cs, err
		}
	}
}

// slowly makes a node advertise every 5 s, which makes an hour of virtual time short.
func slowly(_ *node, o *Options, _ *parts) {
	o.Config.Cluster.AdvertInterval = 5 * time.Second
}

func allBound(n *node) bool {
	return !slices.ContainsFunc(n.Snapshot().Groups, func(g status.Group) bool { return g.Role != "active" || !g.Addresses[0].Bound })
}

// silenceReads is how many batches the beginning of a silence costs: the election asks
// once for all groups.
const silenceReads = 1

func TestALostDatagramCostsOneReadHoweverManyGroupsThereAre(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		listers, many := w.many(50, target(nodeA))
		a, b := w.start(nodeA, many), w.start(nodeB, many)
		w.eventually("the owner leads", func() bool { return allBound(a) })
		w.pass(time.Minute)
		_ = listers[nodeB].taken()
		w.cut(nodeA, nodeB, true)
		w.pass(interval)
		w.cut(nodeA, nodeB, false)
		w.pass(3 * time.Second)
		if got := listers[nodeB].taken(); len(got) > silenceReads {
			t.Errorf("batches of %v addresses", got)
		}
		if b.role() != "backup" {
			t.Errorf("the standby is %s", b.role())
		}
		w.wantMoves(0, 0)
	})
}

func TestATakeoverOfManyGroupsReadsThemTogether(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		listers, many := w.many(50, target(nodeA))
		a, b := w.start(nodeA, many), w.start(nodeB, many)
		w.eventually("the owner leads", func() bool { return allBound(a) })
		w.pass(time.Minute)
		_ = listers[nodeB].taken()
		a.crash()
		w.eventually("the standby leads", func() bool {
			return !slices.ContainsFunc(b.Snapshot().Groups, func(g status.Group) bool { return g.Role != "active" })
		})
		if got := listers[nodeB].taken(); len(got) == 0 || len(got) > silenceReads || got[0] != 50 {
			t.Errorf("batches of %v addresses", got)
		}
		w.eventually("it owns all addresses", func() bool { return allBound(b) })
	})
}

// TestAReadThatHangsHoldsUpNoClaimOfAnotherGroup: the hanging one is of a quiet group,
// and an operator assigns the other.
func TestAReadThatHangsHoldsUpNoClaimOfAnotherGroup(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		listers, many := w.many(2, target(nodeA))
		hanging := false
		b := w.start(nodeB, func(n *node, o *Options, p *parts) {
			many(n, o, p)
			l := listers[nodeB]
			l.hang = func(as []providers.Address) bool {
				n.cloud.mu.Lock()
				defer n.cloud.mu.Unlock()
				return hanging && slices.ContainsFunc(as, func(a providers.Address) bool { return a.IP == address(1) })
			}
			listers[nodeB] = l
		})
		w.eventually("it leads what its silent peer held", b.bound)
		b.cloud.mu.Lock()
		hanging = true
		b.cloud.mu.Unlock()
		g := b.engine.groups[1]
		post := func(f func()) { b.engine.post(f); synctest.Wait() }
		post(func() { b.engine.lookAgain(g) })
		flying, began := 0, time.Now()
		post(func() {
			flying = reservedIPs(b.engine.clouds).reads.flying
			b.engine.lookAgain(b.engine.groups[0])
		})
		at := election.Instant(0)
		for at < b.engine.clock.now()-election.Instant(time.Since(began)) {
			w.pass(callTime)
			post(func() { at = b.engine.groups[0].watch.Newest() })
			if time.Since(began) > time.Second {
				t.Fatal("it waits for the other read")
			}
		}
		if flying != 1 {
			t.Errorf("%d reads are under way", flying)
		}
	})
}

// TestAFamilyThatHangsKeepsTheOtherFromNothing: each is a list of its own, asked for beside
// the other.
func TestAFamilyThatHangsKeepsTheOtherFromNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		listers, many := w.many(2, target(nodeA))
		six := netip.MustParseAddr("2001:db8::7")
		w.must(w.cloud.AddAddress(fakecloud.Address{IP: six, Region: "fra1", Holder: target(nodeA)}))
		b := w.start(nodeB, func(n *node, o *Options, p *parts) {
			many(n, o, p)
			o.Config.Groups[1].Addresses[0].IP = six
			l := listers[nodeB]
			l.hang = func(as []providers.Address) bool {
				return slices.ContainsFunc(as, func(a providers.Address) bool { return a.IP.Is6() })
			}
			listers[nodeB] = l
		})
		w.eventually("it leads what its silent peer held", b.bound)
	})
}

// TestAReadOfTwoProvidersIsCompleteWithItsLastPart: it began with the first part and
// ended with the last.
func TestAReadOfTwoProvidersIsCompleteWithItsLastPart(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		two := &cloud{kindOf: kindOf{"other", "eip"}, driver: a.cloud, reads: newPool("x", 1)}
		one := reservedIPs(e.clouds)
		one.reads.begin(false)
		two.reads.begin(false)
		w.pass(time.Second)
		now := e.clock.now()
		begun := now - 30
		g.watch = controller.Watch{}
		g.watch.Begin(begun)
		read := &groupRead{g: g, begun: begun, parts: 2, readings: make([]controller.Reading, 2), errs: make([]error, 2)}
		g.cfg.Addresses = append(g.cfg.Addresses, providers.Address{Provider: "digitalocean", Kind: "reserved-ip"})
		g.policy.Addresses = append(g.policy.Addresses, g.policy.Addresses[0])
		answer := func(at election.Instant) []controller.Answer {
			return []controller.Answer{{Reading: controller.Reading{Began: at, Ended: at + 5, Seen: providers.Assignment{Target: target(nodeA)}}}}
		}
		e.batchDone(&batch{cloud: one, pool: one.reads, places: []place{{read, 1}}}, answer(now-20))
		if g.watch.Newest() != 0 || g.watch.Flying() == 0 {
			t.Fatalf("one part is taken for the whole: %v", g.watch.Newest())
		}
		e.batchDone(&batch{cloud: two, pool: two.reads, places: []place{{read, 0}}}, answer(now-10))
		as := g.state.Addresses
		if g.watch.Newest() != begun || as[1].Began != now-20 || as[0].Ended != now-5 || g.state.LookedAt != now-5 || g.watch.Flying() != 0 {
			t.Errorf("it began at %v; of the addresses %+v", g.watch.Newest()-now, as)
		}
	})
}

func TestAnOlderReadDoesNotUndoANewerOne(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		w.pass(time.Second)
		now := e.clock.now()
		told := func(at election.Instant, holder providers.Target) {
			e.readDone(&groupRead{g: g, begun: at, errs: []error{nil},
				readings: []controller.Reading{{Began: at, Ended: now, Seen: providers.Assignment{Target: holder}}}})
		}
		told(now-10, target(nodeA))
		told(now-20, target(nodeB))
		if seen := g.state.Addresses[0]; seen.Began != now-10 || seen.Seen.Target != target(nodeA) || g.owner.Node != nodeA {
			t.Errorf("it believes %+v", g.state)
		}
	})
}

// TestWithoutListsManyGroupsAreReadAFewAtATime as long as nobody waits: each group is a
// batch of its own.
func TestWithoutListsManyGroupsAreReadAFewAtATime(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, many := w.many(20, target(nodeA))
		a := w.start(nodeA, func(n *node, o *Options, p *parts) {
			many(n, o, p)
			p.clouds = n.clouds
		})
		w.eventually("it leads all", func() bool { return allBound(a) })
		for range 100 {
			w.pass(time.Second)
			a.engine.post(func() {
				if p := reservedIPs(a.engine.clouds).reads; p.idle > readsIdleMax {
					t.Errorf("%d reads at once", p.idle)
				}
			})
		}
		w.wantMoves(0, 0)
	})
}

// TestAReadWithoutATokenWaitsForOneAndIsNotLost, and one that a decision waits for
// does not.
func TestAReadWithoutATokenWaitsForOneAndIsNotLost(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		c := reservedIPs(e.clouds)
		now := e.clock.now()
		c.budget.Note(now, controller.SpendOwner, 10000)
		g.watch = restedWatch(now)
		g.wish = election.Wish{At: now}
		e.startReads(now)
		if len(c.reads.jobs) != 0 || e.readsAt == 0 || e.nextAlarm() > e.readsAt {
			t.Errorf("%d begun, again at %v", len(c.reads.jobs), e.readsAt)
		}
		if e.readsAt = 0; e.mayRead(g, controller.WantRead, nil, now) || e.readsAt != c.budget.Ready(now, controller.SpendOwner, 1) {
			t.Errorf("the token comes at %v, it is asked again at %v", c.budget.Ready(now, controller.SpendOwner, 1), e.readsAt)
		}
		g.wish.Urgent = true
		e.startReads(now)
		if len(c.reads.jobs) != 1 {
			t.Error("an urgent one waits")
		}
		g.watch = restedWatch(now)
		g.wish.Urgent = false
		at := c.budget.Ready(now, controller.SpendOwner, 1)
		e.startReads(at)
		if len(c.reads.jobs) != 2 || c.budget.Ready(at, controller.SpendOwner, 1) <= at {
			t.Error("it does not begin with the token, or leaves it there")
		}
	})
}

// restedWatch is that of a group which has been read just now, so that the election
// wants nothing.
func restedWatch(now election.Instant) (w controller.Watch) {
	w.Begin(now)
	w.End(now, now, true)
	return w
}

func TestAReadWaitsForTheEndOfAWrite(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		c := reservedIPs(e.clouds)
		g.watch = controller.Watch{} // nothing was read yet: that is news
		g.busy, g.writing = true, true
		e.startReads(e.clock.now())
		if len(c.reads.jobs) != 0 {
			t.Error("it began during the write")
		}
		g.busy, g.writing = false, false
		e.startReads(e.clock.now())
		if len(c.reads.jobs) != 1 || g.watch.Flying() == 0 {
			t.Errorf("after the write %d begin", len(c.reads.jobs))
		}
	})
}

// TestAddressesThatCannotBeListedAreReadSideBySide: three at two seconds a call take two
// seconds, each has its own three, and one that has answered counts at once.
func TestAddressesThatCannotBeListedAreReadSideBySide(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		c := reservedIPs(e.clouds)
		g.cfg.Addresses = append(g.cfg.Addresses, g.cfg.Addresses[0], g.cfg.Addresses[0])
		g.watch = controller.Watch{}
		e.startReads(e.clock.now())
		if len(c.reads.jobs) != 3 || c.reads.flying != 3 {
			t.Errorf("%d calls begin, %d are counted", len(c.reads.jobs), c.reads.flying)
		}
	})
}

// TestAPeerThatIsMissingForLongCostsNoMoreCallsThanTheLimit: two nodes with ten groups
// do not hear each other for twenty minutes; every call of either is counted.
func TestAPeerThatIsMissingForLongCostsNoMoreCallsThanTheLimit(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, many := w.many(10, target(nodeA))
		slow := func(n *node, o *Options, p *parts) {
			many(n, o, p)
			slowly(n, o, p)
		}
		a, b := w.start(nodeA, slow), w.start(nodeB, slow)
		w.eventually("the owner leads", func() bool { return allBound(a) })
		w.pass(2 * time.Minute)
		w.cutBoth(true)
		before := a.cloud.total() + b.cloud.total()
		w.pass(20 * time.Minute)
		if got := a.cloud.total() + b.cloud.total() - before; got > 5000/3 || got < 300 {
			t.Errorf("%d calls in a third of an hour", got)
		}
		if got := w.cloud.Moves(floating); got != 0 { // of the others no probe is answered here
			t.Errorf("%d moves of the address that is seen to answer", got)
		}
	})
}
