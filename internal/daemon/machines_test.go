// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// TestTheMachineOfASilentOwnerIsAskedAboutAtOnceAndThenInSteps: the link is cut, the owner
// answers the probe, and nothing moves for as long as one likes.
func TestTheMachineOfASilentOwnerIsAskedAboutAtOnceAndThenInSteps(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b := w.settled()
		w.pass(20 * time.Second) // the probe is proven
		w.cutBoth(true)
		w.pass(2 * interval) // silent after one and a half
		if got := b.cloud.times("instance"); got != 1 {
			t.Errorf("asked %d times when it fell silent", got)
		}
		for minute, most := range []int{int(inspectEveryMin / inspectEvery), int(time.Minute/inspectLater) + 1, int(time.Minute / inspectLater)} {
			before := b.cloud.times("instance")
			w.pass(time.Minute)
			if got := b.cloud.times("instance") - before; got > most || got < most-1 {
				t.Errorf("minute %d: asked %d times, want %d", minute, got, most)
			}
		}
		w.cutBoth(false)
		w.pass(time.Minute)
		before := b.cloud.times("instance")
		w.pass(time.Minute)
		if got := b.cloud.times("instance") - before; got != 0 || len(b.engine.machines) != 0 {
			t.Errorf("a peer that is heard was asked about %d times, %d machines are kept", got, len(b.engine.machines))
		}
	})
}

// TestTheQuestionAboutAMachineWaitsForNoRead: the owner is known from the last one.
func TestTheQuestionAboutAMachineWaitsForNoRead(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.hang("owner", true)
		a.crash()
		w.pass(2 * interval)
		if got := b.cloud.times("instance"); got != 1 {
			t.Errorf("asked %d times", got)
		}
	})
}

// TestATakeoverAsksLittleBesideTheReads: the dead owner's machine once, when it fell
// silent, and the accepted move after 1, 2 and 4 s.
func TestATakeoverAsksLittleBesideTheReads(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		b := w.start(nodeB, func(n *node, _ *Options, p *parts) {
			n.cloud.takes = 6 * time.Second
			p.clouds = func(cfg *config.Config) (*clouds, error) {
				cs, err := n.clouds(cfg)
				reservedIPs(cs).driver = slowMoves{n.cloud}
				return cs, err
			}
		})
		w.eventually("the owner leads", a.bound)
		w.pass(20 * time.Second)
		b.cloud.resetCounts()
		a.crash()
		w.eventually("the standby owns the address", b.bound)
		w.pass(time.Minute)
		if got := [2]int{b.cloud.times("instance"), b.cloud.times("operation")}; got != [2]int{1, 3} {
			t.Errorf("asked about the machine and the move %v times", got)
		}
	})
}

// TestTheMachineOfAnOwnerOfWhomTheClaimKnewNothingIsAskedAbout: an active node asks about a
// stranger, and about a silent peer that holds an address which the claim began elsewhere.
func TestTheMachineOfAnOwnerOfWhomTheClaimKnewNothingIsAskedAbout(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		silent := []election.PeerStatus{{Name: nodeB, Silent: true}}
		told := func(owner election.Owner, at providers.Target) {
			g.owner = owner
			g.state.Addresses[0].Known, g.state.Addresses[0].Seen = true, providers.Assignment{Target: at}
			e.inspectOwners(silent)
		}
		wanted := func() (n int) {
			for _, i := range e.machines {
				if i.wanted {
					n++
				}
			}
			return n
		}
		peer := election.Owner{Kind: election.OwnerNode, Node: nodeB}
		e.cfg.Nodes[1].Targets = map[string]string{"digitalocean": instances[nodeB]}
		g.phases.from = election.Owner{Kind: election.OwnerNone}
		if told(peer, target(nodeB)); wanted() != 1 {
			t.Error("the claim did not begin from the peer, and its machine is not asked about")
		}
		g.phases.from = peer
		if told(peer, target(nodeB)); wanted() != 0 {
			t.Error("the claim goes on from the peer, and its machine is asked about")
		}
		g.phases.bound = e.clock.now()
		if told(peer, target(nodeB)); wanted() != 1 {
			t.Error("the claim is over, the peer has the address again, and is not asked about")
		}
		g.phases.bound, g.phases.from = 0, election.Owner{Kind: election.OwnerForeign}
		if told(election.Owner{Kind: election.OwnerForeign}, stranger); wanted() != 1 {
			t.Error("a stranger is not asked about")
		}
	})
}

// TestAnOwnerThatComesAndGoesIsNotAskedAboutMoreOften than one that stays away.
func TestAnOwnerThatComesAndGoesIsNotAskedAboutMoreOften(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		c := reservedIPs(e.clouds)
		g.owner = election.Owner{Kind: election.OwnerForeign}
		g.state.Addresses[0].Known, g.state.Addresses[0].Seen = true, providers.Assignment{Target: stranger}
		began := e.clock.now()
		var asked []int
		for second := range 120 {
			e.inspectOwners(nil)
			e.startInspections(e.clock.now())
			if len(c.asides.jobs) > 0 {
				<-c.asides.jobs
				c.asides.ended(true)
				e.machines[machineKey{c, stranger}].flying = false
				asked = append(asked, int(e.clock.now().Sub(began)/time.Second))
			}
			if second < 30 { // and is no stranger for a moment
				g.owner = election.Owner{}
				e.inspectOwners(nil)
				g.owner = election.Owner{Kind: election.OwnerForeign}
			}
			w.pass(time.Second)
		}
		want := []int{0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 105}
		if !slices.Equal(asked, want) {
			t.Errorf("asked at %v", asked)
		}
	})
}
