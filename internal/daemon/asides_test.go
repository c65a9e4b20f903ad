// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestTheCloudsWordOnTheOwnersMachineIsHeard(t *testing.T) {
	tests := []struct {
		name  string
		state providers.InstanceState
		err   error
		want  string
	}{
		{"a stopped one", providers.InstanceStopped, nil, "reason=owner-stopped"},
		{"a running one", providers.InstanceRunning, nil, "reason=owner-silent"},
		{"one that cannot be asked about", providers.InstanceStopped, errors.New("no"), "reason=owner-silent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := w.settled()
				before := b.cloud.times("instance")
				b.cloud.set("instance", tt.err)
				a.crash()
				w.must(w.cloud.SetState(instances[nodeA], tt.state))
				w.eventually("the standby leads", func() bool { return b.role() == "active" })
				if !b.log.has("to=active " + tt.want) {
					t.Errorf("not %s", tt.want)
				}
				if before != 0 {
					t.Errorf("a peer that is heard was asked about %d times", before)
				}
			})
		})
	}
}

func TestAStoppedStrangerIsReplaced(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		w.must(w.cloud.Place(floating, stranger))
		w.eventually("it is noticed", func() bool { return slices.Contains(b.codes(), condForeignOwner) })
		w.pass(time.Minute)
		if a.bound() || b.bound() {
			t.Fatal("a stranger that runs was robbed")
		}
		w.must(w.cloud.SetState(stranger.Instance, providers.InstanceStopped))
		w.eventually("somebody owns the address", func() bool { return a.bound() || b.bound() })
	})
}

func TestOneQuestionForAMachineHoweverManyGroupsSitOnIt(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, many := w.many(50, target(nodeA))
		a, b := w.start(nodeA, many), w.start(nodeB, many)
		w.eventually("the owner leads", func() bool { return allBound(a) })
		w.pass(time.Minute)
		a.crash()
		w.must(w.cloud.SetState(instances[nodeA], providers.InstanceStopped))
		w.eventually("the standby leads all", func() bool {
			return !slices.ContainsFunc(b.Snapshot().Groups, func(g status.Group) bool { return g.Role != "active" })
		})
		if got := b.cloud.times("instance"); got < 1 || got > 10 { // once a read of all, those of the claims too
			t.Errorf("asked %d times", got)
		}
		for _, g := range b.Snapshot().Groups {
			if g.Reason != "owner-stopped" {
				t.Errorf("%s took over by %s", g.Name, g.Reason)
			}
		}
	})
}

// TestQuestionsBesideTheReadHoldNothingUp: with every one of them a black hole, a
// takeover takes no longer.
func TestQuestionsBesideTheReadHoldNothingUp(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.hang("instance", true)
		b.cloud.hang("preflight", true)
		w.pass(preflightEvery)
		died := time.Now()
		a.crash()
		w.eventually("the write has left", func() bool { return w.writes() == 1 })
		if took := time.Since(died); took > activeDown+2*callTime+25*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		w.eventually("the standby owns the address", b.bound)
	})
}

// detaching makes a move take two calls.
func detaching(n *node, _ *Options, _ *parts) { n.cloud.caps.AtomicMove = false }

// TestAnAddressThatWentWithItsMachineWaitsForNobody: the cloud unbinds an address when it
// destroys the machine that holds it, and where a move takes two calls the dead node could
// have been between them.
func TestAnAddressThatWentWithItsMachineWaitsForNobody(t *testing.T) {
	for name, lives := range map[string]time.Duration{"it goes at once": 0, "after the machine is said to be gone": 700 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := w.start(nodeA, detaching), w.start(nodeB, detaching)
				w.eventually("the owner leads", a.bound)
				w.pass(5 * time.Second)
				a.crash()
				w.must(w.cloud.SetState(instances[nodeA], providers.InstanceGone))
				w.pass(lives)
				w.must(w.cloud.Place(floating, providers.Target{}))
				w.within(10*time.Second, "the standby owns the address", b.bound)
			})
		})
	}
}

// TestEveryMachineOfAnOwnerMustBeStopped: one that runs may still serve its address.
func TestEveryMachineOfAnOwnerMustBeStopped(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		w.pass(time.Second)
		now := e.clock.now()
		c := reservedIPs(e.clouds)
		first, second := machineKey{c, stranger}, machineKey{c, providers.Target{Instance: "1010"}}
		g.cfg.Addresses = append(g.cfg.Addresses, g.cfg.Addresses[0])
		g.policy.Addresses = append(g.policy.Addresses, g.policy.Addresses[0])
		e.readDone(&groupRead{g: g, begun: now - 20, errs: make([]error, 2), readings: []controller.Reading{
			{Began: now - 20, Ended: now - 10, Seen: providers.Assignment{Target: first.target}},
			{Began: now - 20, Ended: now - 10, Seen: providers.Assignment{Target: second.target}},
		}})
		e.inspectOwners(e.machine.PeersStatus())
		if len(e.machines) != 2 || !e.machines[first].wanted || !e.machines[second].wanted {
			t.Fatalf("machines %v", e.machines)
		}
		answer := func(key machineKey, s providers.InstanceState, at election.Instant) {
			*e.machines[key] = inspection{wanted: true, answered: true, state: s, began: at}
		}
		foreign := election.Owner{Kind: election.OwnerForeign}
		answer(first, providers.InstanceGone, now+1)
		if ev, complete := e.instanceRead(g, foreign, e.machinesOf(g)[foreign]); complete {
			t.Errorf("one of two answers is told: %+v", ev)
		}
		for state, stopped := range map[providers.InstanceState]bool{
			providers.InstanceRunning: false, providers.InstanceUnknown: false, providers.InstanceStopped: true, providers.InstanceGone: true,
		} {
			answer(second, state, now+2)
			want := election.InstanceRead{Group: "web", Owner: foreign, Began: now + 1, Stopped: stopped}
			if ev, complete := e.instanceRead(g, foreign, e.machinesOf(g)[foreign]); ev != want || !complete {
				t.Errorf("the second is %v: %+v, want %+v", state, ev, want)
			}
		}
	})
}

// failingMoves is a driver whose accepted moves come to nothing and say so.
type failingMoves struct{ *driver }

func (d failingMoves) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	return d.submit(ctx, seen.Target.String()+" to "+to.String(), fakecloud.Request{Verb: fakecloud.Move, IP: a.IP, To: to, Fail: true})
}

func (d failingMoves) Operation(ctx context.Context, _ providers.Address, _ providers.Result) (providers.OperationState, error) {
	if err := d.begin(ctx, "operation"); err != nil {
		return providers.OperationUnknown, err
	}
	return providers.OperationFailed, nil
}

func TestAMoveThatFailedIsLearntEarlyAndNeverHoldsUpARead(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		inWorld := func(name string, body func(w *world)) {
			t.Run(name, func(t *testing.T) { inWorld(t, target(nodeA), body) })
		}
		name := "it is asked about"
		if hangs {
			name = "the question hangs"
		}
		inWorld(name, func(w *world) {
			a := w.start(nodeA, nil)
			b := w.start(nodeB, func(n *node, _ *Options, p *parts) {
				p.clouds = func(cfg *config.Config) (*clouds, error) {
					cs, err := n.clouds(cfg)
					reservedIPs(cs).driver = failingMoves{n.cloud}
					return cs, err
				}
			})
			w.eventually("the owner leads", a.bound)
			w.pass(20 * time.Second)
			b.cloud.hang("operation", hangs)
			a.crash()
			w.eventually("the write has left", func() bool { return w.writes() == 1 })
			_, before := b.cloud.count()
			w.pass(2 * time.Second)
			if _, after := b.cloud.count(); after-before < 3 {
				w.Errorf("%d reads in two seconds", after-before)
			}
			if got := b.log.has(`msg="move failed"`); got == hangs {
				w.Errorf("it is learnt: %v", got)
			}
		})
	}
}

func TestAPreflightIsSpacedByTheBudgetAndGoesRound(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, many := w.many(20, target(nodeA))
		few := func(n *node, o *Options, p *parts) {
			many(n, o, p)
			slowly(n, o, p)
			o.Config.Providers[0].CallsPerHour = 2500 // 250 of them for the preflights of a node
		}
		a, b := w.start(nodeA, few), w.start(nodeB, few)
		w.eventually("the owner leads", func() bool { return allBound(a) })
		w.pass(30 * time.Minute)
		lo, hi := time.Hour, time.Duration(0)
		now := b.engine.clock.now()
		b.engine.post(func() {
			for _, g := range b.engine.groups {
				age := now.Sub(g.preflightAt.Add(-preflightEvery))
				lo, hi = min(lo, age), max(hi, age)
			}
		})
		w.pass(time.Millisecond)
		if hi > 15*time.Minute || hi < 12*time.Minute {
			t.Errorf("the last preflights are %v to %v old", lo, hi)
		}
		if got, limit := b.cloud.times("preflight"), 30/preflightCalls+30*250/60/preflightCalls+1; got > limit || got < limit/2 {
			t.Errorf("%d preflights, want at most %d", got, limit)
		}
		if a.cloud.times("preflight") > 20 {
			t.Errorf("the owner asks too: %d", a.cloud.times("preflight"))
		}
	})
}

// TestTheEndOfAnOlderMoveSaysNothingOfANewerOne: while it was asked about, another
// write was accepted.
func TestTheEndOfAnOlderMoveSaysNothingOfANewerOne(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		older, newer := providers.Result{Operation: "71"}, providers.Result{Operation: "72"}
		g.track(0, newer, a.engine.clock.now())
		a.engine.tracked(g, 0, older, true)
		if g.tracks[0].accepted != newer || a.log.has("move failed") {
			t.Errorf("it is told: %+v", g.tracks[0])
		}
		a.engine.tracked(g, 0, newer, true)
		if g.tracks[0].accepted == newer || !a.log.has("move failed") {
			t.Error("the newer one is not told")
		}
	})
}

// TestANodeWhoseAnnouncementWouldBeInVainDoesNotLead: nothing refuses an announcement,
// so what the cloud says beforehand counts. A write that would be refused is tried.
func TestANodeWhoseAnnouncementWouldBeInVainDoesNotLead(t *testing.T) {
	for _, announced := range []bool{true, false} {
		t.Run(fmt.Sprint("announced ", announced), func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				w.start(nodeA, nil)
				b := w.start(nodeB, func(n *node, _ *Options, _ *parts) { n.cloud.caps.MovesWithoutAPI = announced })
				w.eventually("it stands by", func() bool { return b.role() == "backup" })
				can := func() bool {
					known := make(chan bool, 1)
					b.engine.post(func() { known <- b.engine.canClaim(b.engine.groups[0]) })
					return <-known
				}
				b.cloud.set("preflight", failure("preflight", providers.Invalid, "", errors.New("outside the drift range")))
				w.pass(preflightEvery + time.Second)
				if can() == announced {
					t.Errorf("it says that it can claim: %v", can())
				}
				b.cloud.set("preflight", nil)
				w.pass(preflightEvery + time.Second)
				if !can() {
					t.Error("it says that it cannot although nothing speaks against it any more")
				}
			})
		})
	}
}
