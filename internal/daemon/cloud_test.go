// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// releaser is a driver that can release too, and whose direct moves come to nothing.
type releaser struct{ *driver }

func (r releaser) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	return r.submit(ctx, seen.Target.String()+" to "+to.String(), fakecloud.Request{Verb: fakecloud.Move, IP: a.IP, To: to, Fail: !seen.Target.IsZero()})
}

func (r releaser) Release(ctx context.Context, a providers.Address, from providers.Target) (providers.Result, error) {
	return r.submit(ctx, "off "+from.String(), fakecloud.Request{Verb: fakecloud.Detach, IP: a.IP, From: from})
}

func TestThePolicyFollowsFromTheCapabilities(t *testing.T) {
	t.Parallel()
	fourth := providers.Address{Provider: "digitalocean", Kind: "reserved-ip", IP: floating}
	sixth := providers.Address{Provider: "digitalocean", Kind: "reserved-ip", IP: netip.MustParseAddr("2001:db8::10")}
	plain, able := newDriver(nil, nodeA), releaser{newDriver(nil, nodeA)}
	twoCalls := releaser{newDriver(nil, nodeA)}
	twoCalls.caps.AtomicMove = false
	able.caps.LateTime4, able.caps.LateTime6 = 2*time.Second, time.Second
	g := config.Group{ClaimTimeout: 15 * time.Second, Addresses: []providers.Address{fourth, sixth, sixth, sixth}}
	got := newPolicy(g, []providers.Provider{able, able, plain, twoCalls})
	policy := func(a providers.Address, guest providers.GuestStep, release bool) controller.AddressPolicy {
		return controller.AddressPolicy{Address: a, Guest: guest, MoveTimeout: 20 * time.Second, SettleTime: 5 * time.Second, Asynchronous: true, CanRelease: release}
	}
	late := func(p controller.AddressPolicy, d time.Duration) controller.AddressPolicy { p.LateTime = d; return p }
	want := controller.Policy{PatienceMax: 15 * time.Second, Addresses: []controller.AddressPolicy{
		late(policy(fourth, providers.GuestNone, false), 2*time.Second), // moves of IPv4 are reliable
		late(policy(sixth, providers.GuestAddress, true), time.Second),  // those of IPv6 may come to nothing
		policy(sixth, providers.GuestAddress, false),                    // this driver cannot release
		policy(sixth, providers.GuestAddress, false),                    // every move of this one releases first
	}}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestWhichWritesTakeAnAddressOffItsHolder(t *testing.T) {
	t.Parallel()
	atomic, twoCalls := newDriver(nil, nodeA), newDriver(nil, nodeA)
	twoCalls.caps.AtomicMove = false
	held := providers.Assignment{Target: target(nodeA)}
	tests := []struct {
		name string
		p    *driver
		j    controller.Job
		want bool
	}{
		{"a move in one call does not", atomic, controller.Job{Seen: held}, false},
		{"a release does", atomic, controller.Job{Seen: held, Release: true}, true},
		{"the first half of a move in two calls does", twoCalls, controller.Job{Seen: held}, true},
		{"the second half does not", twoCalls, controller.Job{}, false},
	}
	for _, tt := range tests {
		g := &group{provider: []providers.Provider{tt.p}}
		if got := g.detaches(tt.j); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

// stage is a built daemon whose engine the test turns by hand: a node that leads
// and has chosen to write.
func (w *world) stage() (*node, *group, *writeIntent) {
	a := w.build(nodeA, nil)
	e, g := a.engine, a.engine.groups[0]
	a.known()
	e.step(election.Health{Group: "web", Known: true, Healthy: true})
	for range 20 {
		w.pass(interval)
		e.step(election.Tick{})
	}
	read := election.OwnerRead{Group: "web", Began: e.clock.now() - 2, Ended: e.clock.now() - 1, Owner: election.Owner{Kind: election.OwnerNone}}
	e.step(read)
	if role := e.machine.Role("web"); role != election.Active {
		w.Fatalf("the node is %s", role)
	}
	p := e.machine.Permit("web")
	return a, g, &writeIntent{term: p.Term, began: read.Began, ended: read.Ended, own: p.Own}
}

// TestThePermitIsGivenAgainForTheSameWriteOnly is invariant 1 at the last moment.
func TestThePermitIsGivenAgainForTheSameWriteOnly(t *testing.T) {
	tests := []struct {
		name string
		do   func(w *world, a *node, g *group, intent *writeIntent)
		want election.Reason
	}{
		{"nothing has happened", func(*world, *node, *group, *writeIntent) {}, election.ReasonNone},
		{"it was given when the write was begun", func(_ *world, a *node, g *group, i *writeIntent) { a.engine.permit(g, i) }, election.ReasonNone},
		{"another write was begun", func(_ *world, a *node, g *group, i *writeIntent) {
			other := *i
			a.engine.permit(g, &other)
		}, election.ReasonReadTooEarly},
		{"the read is too old by now", func(w *world, _ *node, _ *group, _ *writeIntent) { w.pass(100 * time.Millisecond) }, election.ReasonReadTooOld},
		{"this node did not run for a while", func(w *world, _ *node, _ *group, i *writeIntent) { w.pass(activeDown + interval) }, election.ReasonNotActive},
		{"an operator drained the node", func(_ *world, a *node, _ *group, _ *writeIntent) {
			a.engine.step(election.Drain{Group: "web", Force: true})
		}, election.ReasonNotActive},
		{"the group was replaced by a reload", func(_ *world, _ *node, g *group, _ *writeIntent) { g.gone = true }, election.ReasonReloaded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, g, intent := w.stage()
				if tt.want == election.ReasonReadTooOld { // all but as old as a read may be
					for _, at := range []*election.Instant{&intent.began, &intent.ended} {
						*at = at.Add(-950 * time.Millisecond)
					}
				}
				tt.do(w, a, g, intent)
				if got := a.engine.permit(g, intent); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// TestADatagramThatHasArrivedCountsBeforeAWriteLeaves is invariant 7: here the
// datagram is still in the socket when the permit is asked for.
func TestADatagramThatHasArrivedCountsBeforeAWriteLeaves(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, intent := w.stage()
		b := w.asker(nodeB, keyLine)
		a.engine.step(election.Tick{}) // it says something that the peer can echo
		w.pass(interval)
		a.engine.step(election.Tick{})
		now := a.engine.clock.now()
		a.engine.step(election.OwnerRead{Group: "web", Began: now - 2, Ended: now - 1, Owner: election.Owner{Kind: election.OwnerNone}})
		intent.began, intent.ended = now-2, now-1
		b.advert(a, election.Active, 9)
		if got := a.engine.permit(g, intent); got == election.ReasonNone {
			t.Error("the write may leave")
		}
	})
}

// TestAWriteThatAReloadOvertookIsStillLearnt: its end comes from a group that is no
// more, and concerns the one in its place.
func TestAWriteThatAReloadOvertookIsStillLearnt(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, intent := w.stage()
		e := a.engine
		if why := e.permit(g, intent); why != election.ReasonNone {
			t.Fatal(why)
		}
		for range 2 {
			a.reloadOtherSection()
		}
		now := e.clock.now()
		e.finished(g, controller.Outcome{Job: controller.Job{Release: true, Seen: providers.Assignment{Target: target(nodeB)}}})
		heir := e.groups[0]
		if st := heir.state.Addresses[0]; st.AcceptedAt != now || !st.Detaching || heir == g {
			t.Errorf("busy %v, %+v", heir.busy, st)
		}
		if own := e.machine.Permit("web").Own; own != now {
			t.Errorf("the election believes that the write was over at %v", own)
		}
		before := heir.state
		e.readDone(&groupRead{g: g, begun: now, errs: []error{nil},
			readings: []controller.Reading{{Began: now, Ended: now, Seen: providers.Assignment{Target: stranger}}}})
		if diff := cmp.Diff(before, heir.state, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("a read of the old configuration counts (-before +after):\n%s", diff)
		}
	})
}

func TestGuestAddressesFollowTheOwner(t *testing.T) {
	sixth := netip.MustParseAddr("2001:db8::10")
	inWorld(t, providers.Target{}, func(w *world) {
		w.must(w.cloud.AddAddress(fakecloud.Address{IP: sixth, Region: "fra1", Holder: target(nodeA)}))
		useSixth := func(_ *node, o *Options, _ *parts) { o.Config.Groups[0].Addresses[0].IP = sixth }
		a, b := w.start(nodeA, useSixth), w.start(nodeB, useSixth)
		has := func(n *node) bool {
			on, err := n.ifaces.Placed(context.Background(), sixth)
			w.must(err)
			return slices.Contains(on, netif.Loopback)
		}
		w.eventually("the owner's machine has the address", func() bool { return has(a) })
		if has(b) {
			t.Error("the standby's machine has it too")
		}
		w.must(a.ifaces.RemoveHost(context.Background(), sixth, netif.Loopback))
		w.pass(31 * time.Second)
		if !has(a) {
			t.Error("a hand took it off and it stays off")
		}
		out, _ := a.assign(status.AssignRequest{To: nodeB})
		if out.Code != 0 {
			t.Fatalf("%+v", out)
		}
		w.eventually("it is on the successor's machine and off the old owner's", func() bool { return has(b) && !has(a) })
	})
}

func TestAnAddressThatAnOperatorConfiguredStays(t *testing.T) {
	t.Parallel()
	sixth := netip.MustParseAddr("2001:db8::10")
	byHand := netif.NewMemory(netif.Link{Name: netif.Loopback, Prefixes: []netip.Prefix{netip.PrefixFrom(sixth, 128)}})
	clock := func() election.Instant { return 1 }
	w := newGuestWorker("web", byHand, clock, nil)
	job := guestJob{ip: sixth, step: controller.Remove, place: guestPlace{loopback: true}}
	if r := w.do(t.Context(), job); r.err != nil || r.state != controller.GuestAbsent {
		t.Errorf("remove: %+v", r)
	}
	if has, err := byHand.Local(t.Context()); !slices.Contains(has, sixth) || err != nil {
		t.Errorf("has %v, %v", has, err)
	}
	job.step = controller.Add
	if r := w.do(t.Context(), job); r.err != nil || r.state != controller.GuestPresent {
		t.Errorf("add: %+v", r)
	}
	if r := newGuestWorker("web", netif.NewMemory(), clock, nil).do(t.Context(), job); r.err == nil {
		t.Error("an interface that is missing is no error")
	}
}

func TestAGuestStepThatFailsIsAConditionAndTriedAgain(t *testing.T) {
	sixth := netip.MustParseAddr("2001:db8::10")
	inWorld(t, providers.Target{}, func(w *world) {
		w.must(w.cloud.AddAddress(fakecloud.Address{IP: sixth, Region: "fra1", Holder: target(nodeA)}))
		broken := &brokenInterfaces{Interfaces: netif.NewMemory(netif.Link{Name: netif.Loopback}), err: errors.New("add 2001:db8::10 to lo: operation not permitted")}
		a := w.start(nodeA, func(_ *node, o *Options, p *parts) {
			o.Config.Groups[0].Addresses[0].IP, p.ifaces = sixth, broken
		})
		w.eventually("the condition appears", func() bool { return a.text(condGuestAddress) != "" })
		want := "an address of this machine could not be changed or announced: add 2001:db8::10 to lo: operation not permitted"
		if got := a.text(condGuestAddress); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.pass(time.Minute)
		if tries := broken.set(nil); tries < 10 || tries > 15 {
			t.Errorf("%d attempts in a minute", tries)
		}
		w.pass(6 * time.Second)
		if got := a.text(condGuestAddress); got != "" {
			t.Errorf("after: %s", got)
		}
	})
}

func TestAnIPv6MoveThatComesToNothingIsMadeInTwoSteps(t *testing.T) {
	sixth := netip.MustParseAddr("2001:db8::10")
	inWorld(t, providers.Target{}, func(w *world) {
		w.must(w.cloud.AddAddress(fakecloud.Address{IP: sixth, Region: "fra1", Holder: target(nodeA)}))
		b := w.start(nodeB, func(n *node, o *Options, p *parts) {
			o.Config.Groups[0].Addresses[0].IP = sixth
			p.clouds = func(cfg *config.Config) (*clouds, error) {
				cs, err := n.clouds(cfg)
				reservedIPs(cs).driver = releaser{n.cloud}
				return cs, err
			}
		})
		w.eventually("it owns the address", b.bound)
		b.cloud.mu.Lock()
		defer b.cloud.mu.Unlock()
		if diff := cmp.Diff([]string{"1001 to 1002", "off 1001", " to 1002"}, b.cloud.writes); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

// twoCalls is a driver to a cloud that detaches and attaches.
type twoCalls struct{ *driver }

func (d twoCalls) Capabilities() providers.Capabilities {
	caps := d.caps
	caps.AtomicMove = false
	return caps
}

func (d twoCalls) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	if !seen.Target.IsZero() {
		return d.submit(ctx, "off "+seen.Target.String(), fakecloud.Request{Verb: fakecloud.Detach, IP: a.IP, From: seen.Target})
	}
	return d.submit(ctx, "to "+to.String(), fakecloud.Request{Verb: fakecloud.Attach, IP: a.IP, To: to})
}

// An owner that died between its two calls leaves the gap to whoever is elected: it
// began with the first read that showed nobody, at the latest.
func TestTheGapThatAnotherNodeLeftIsMeasuredToo(t *testing.T) {
	inWorld(t, providers.Target{}, func(w *world) {
		b := w.start(nodeB, func(n *node, _ *Options, p *parts) {
			p.clouds = func(cfg *config.Config) (*clouds, error) {
				cs, err := n.clouds(cfg)
				reservedIPs(cs).driver = twoCalls{n.cloud}
				return cs, err
			}
		})
		w.eventually("it owns the address", b.bound)
		said := regexp.MustCompile(`msg="address bound" .* took=(\S+) gap=(\S+)`).FindStringSubmatch(b.log.lines(slog.LevelInfo))
		if said == nil {
			t.Fatal("the gap is not logged")
		}
		took, _ := time.ParseDuration(said[1])
		if gap, err := time.ParseDuration(said[2]); err != nil || gap <= took {
			t.Errorf("a gap of %s is logged for a write that took %s", said[2], said[1])
		}
	})
}

// TestAfterItsOwnDetachANodeAttachesAtOnce although a peer is silent: nobody else
// can be between the two calls (design.md 5.8).
func TestAfterItsOwnDetachANodeAttachesAtOnce(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		b := w.start(nodeB, func(n *node, _ *Options, p *parts) {
			p.clouds = func(cfg *config.Config) (*clouds, error) {
				cs, err := n.clouds(cfg)
				reservedIPs(cs).driver = twoCalls{n.cloud}
				return cs, err
			}
		})
		w.eventually("it has detached the address", func() bool { return w.writes() == 1 })
		began := time.Now()
		w.eventually("it owns the address", b.bound)
		if took := time.Since(began); took > 2*moveTime+3*time.Second {
			t.Errorf("it took %v from one call to the end of the other", took)
		}
		// Detaching ends moveTime after it was accepted, and so does attaching.
		said := regexp.MustCompile(`msg="address bound" .* took=\S+ gap=(\S+)`).FindStringSubmatch(b.log.lines(slog.LevelInfo))
		if said == nil {
			t.Fatal("the gap is not logged")
		}
		if gap, err := time.ParseDuration(said[1]); err != nil || gap < 2*moveTime || gap > 2*moveTime+2*time.Second {
			t.Errorf("a gap of %s is logged, %v", said[1], err)
		}
		w.wantMoves(2, 1)
	})
}
