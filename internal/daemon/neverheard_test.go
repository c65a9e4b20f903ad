// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// neverOpen makes a network in which no datagram passes between the nodes, nor through the
// floating IP.
func (w *world) neverOpen() {
	w.cutBoth(true)
	for _, at := range privates {
		w.network.SetLink(at.Addr(), floating, transport.Link{Cut: true})
	}
}

// TestUDPThatWasNeverOpenedMovesNothingForAMinute, and is said at once on both nodes, with
// the port, the directions and the time. Then the address moves once, and no more.
func TestUDPThatWasNeverOpenedMovesNothingForAMinute(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		w.neverOpen()
		a := w.start(nodeA, nil)
		w.eventually("the owner leads", a.bound)
		b := w.start(nodeB, nil)
		w.within(3*time.Second, "the standby waits", func() bool { return b.state().Waiting != nil })
		const text = `lb-a, which the cloud names, has not been heard once since this daemon started, and may be well: start its daemon, and let UDP 7112 pass in both directions (firewalls, security groups); unless it is heard, this node takes the address 60s after it first read that; "fipctl assign web" takes it now`
		waits, at := b.state().Waiting, time.Now()
		if waits.Reason != "owner-never-heard" || waits.Text != text || waits.Until.Sub(at) < election.NeverHeardFor-3*time.Second || waits.Until.Sub(at) > election.NeverHeardFor {
			t.Errorf("at %v it waits for %+v", at, waits)
		}
		w.within(5*time.Second, "it is a condition", func() bool { return b.text(condNoLeader) != "" })
		if got := b.text(condNoLeader); got != "nobody is heard to lead the group: "+text {
			t.Errorf("condition: %s", got)
		}
		if !b.log.has("level=WARN msg=\"group waits\" group=web reason=owner-never-heard text=\"lb-a, ") {
			t.Errorf("it logs\n%s", b.log.lines(0))
		}
		want := "no other node could take over: lb-b (not-heard; not once since this daemon started: start its daemon, and let UDP 7112 pass in both directions (firewalls, security groups)); the next failure is an outage"
		if got := a.text(condNoStandby); got != want {
			t.Errorf("on the owner:\ngot  %s\nwant %s", got, want)
		}
		w.pass(time.Until(waits.Until) - time.Second)
		w.wantMoves(0, 0)
		w.eventually("then it takes the address", b.bound)
		if b.text(condNoLeader) != "" {
			t.Errorf("it leads, and says %s", b.text(condNoLeader))
		}
		w.pass(2 * time.Minute)
		w.wantMoves(1, 1)
		if strings.Contains(b.log.lines(0), "latched") {
			t.Error("the new owner latched somebody")
		}
	})
}

// TestWhatIsKnownOfAnUnheardOwnerIsSaid, and the time that it really has.
func TestWhatIsKnownOfAnUnheardOwnerIsSaid(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		e := w.build(nodeB, nil).engine
		const names, takes = "lb-a, which the cloud names, ", `; unless it is heard, this node takes the address 900ms after `
		for _, tt := range []struct {
			knows election.NodeStatus
			says  string
		}{
			{election.NodeStatus{}, "has not been heard once since this daemon started, and may be well: start its daemon, and " + e.letPass(nodeA) + takes + "it first read that"},
			{election.NodeStatus{PeerHeard: true, ToldOf: true}, "is heard, and has not told of this group yet: its word may be on its way" + takes + "it was first heard"},
			{election.NodeStatus{ToldOf: true}, "has not been heard here once since this daemon started, and another node heard it, or it answered a probe: " + e.letPass(nodeA) + takes + "that was told"},
		} {
			tt.knows.Name = nodeA
			s := election.GroupStatus{
				Owner: election.Owner{Kind: election.OwnerNode, Node: nodeA}, HeldFor: 900 * time.Millisecond,
				Nodes: []election.NodeStatus{{Name: "lb-c"}, tt.knows},
			}
			if got, want := e.neverHeard(e.groups[0], s), names+tt.says+`; "fipctl assign web" takes it now`; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	})
}

// TestBothRebootAndOneComesBack: the standby waits its minute, and one that is told by the
// cloud that the owner's machine is gone waits for nothing.
func TestBothRebootAndOneComesBack(t *testing.T) {
	for name, stopped := range map[string]bool{"nobody tells": false, "the cloud tells": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := w.settled()
				a.crash()
				b.crash()
				if stopped {
					w.must(w.cloud.SetState(instances[nodeA], providers.InstanceStopped))
				}
				began := time.Now()
				b = w.start(nodeB, nil)
				w.within(election.NeverHeardFor+5*time.Second, "the standby owns it", b.bound)
				if took := time.Since(began); (took > election.NeverHeardFor) == stopped || stopped && took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				w.wantMoves(1, 1)
			})
		})
	}
}

// TestThePortsOfBothNodesAreNamedWhereTheyDiffer.
func TestThePortsOfBothNodesAreNamedWhereTheyDiffer(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		e := w.build(nodeB, nil).engine
		for i := range e.cfg.Nodes {
			if a := &e.cfg.Nodes[i].Address; e.cfg.Nodes[i].Name == nodeA {
				*a = netip.AddrPortFrom(a.Addr(), 7200)
			}
		}
		if got, want := e.letPass(nodeA), "let UDP 7200 there and 7112 here pass in both directions (firewalls, security groups)"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
