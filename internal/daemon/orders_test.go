// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/google/go-cmp/cmp"
)

// told collects the steps of an order.
type told struct{ steps []string }

func (c *told) report(e status.Event) { c.steps = append(c.steps, string(e.Event)+": "+e.Text) }

func (n *node) orders() orders { return orders{n.daemon.engine} }

func (n *node) assign(r status.AssignRequest) (status.Outcome, []string) {
	var c told
	r.Group = "web"
	return n.orders().Assign(context.Background(), r, c.report), c.steps
}

func (n *node) drain(r status.DrainRequest) (status.Outcome, []string) {
	var c told
	return n.orders().Drain(context.Background(), r, c.report), c.steps
}

func (n *node) resume(group string) status.Outcome {
	return n.orders().Resume(context.Background(), status.ResumeRequest{Group: group}, func(status.Event) {})
}

func wantOutcome(t *testing.T, got, want status.Outcome) {
	t.Helper()
	if want.Group == "" {
		want.Group = "web"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func wantSteps(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// settled is a pair whose first node leads and whose nodes know each other.
func (w *world) settled() (a, b *node) {
	a, b = w.pair()
	w.pass(5 * time.Second)
	return a, b
}

func TestAssignToTheNodeThatIsAsked(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b := w.settled()
		out, steps := b.assign(status.AssignRequest{})
		wantOutcome(t, out, status.Outcome{Text: "web is on lb-b"})
		wantSteps(t, steps, "asked: asked for web on lb-b", "claimed: lb-b claims web", "bound: the cloud says that lb-b owns it",
			"answering: lb-b answers through the address")
		if !b.bound() || !b.state().Sticky {
			t.Errorf("bound %v, sticky %v", b.bound(), b.state().Sticky)
		}
		w.pass(time.Minute)
		w.wantMoves(1, 1)
		wantOutcome(t, b.resume(""), status.Outcome{Reason: "resumed", Text: "lb-b takes part in web"})
		if w.pass(time.Second); b.state().Sticky {
			t.Error("resume left it sticky")
		}
	})
}

func TestAssignToAPeer(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		out, steps := a.assign(status.AssignRequest{To: nodeB})
		wantOutcome(t, out, status.Outcome{Text: "web is on lb-b"})
		wantSteps(t, steps, "asked: asked for web on lb-b", "claimed: lb-b claims web", "bound: the cloud says that lb-b owns it",
			"answering: lb-b answers through the address")
		w.eventually("the peer says so too", b.bound)
		w.wantMoves(1, 1)
	})
}

func TestAssignWhereItIsAlreadyDoesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		for _, ask := range []struct {
			node *node
			r    status.AssignRequest
		}{{a, status.AssignRequest{}}, {a, status.AssignRequest{To: nodeA, DryRun: true}}, {b, status.AssignRequest{To: nodeA}}} {
			out, steps := ask.node.assign(ask.r)
			wantOutcome(t, out, status.Outcome{Text: "web is already on lb-a"})
			wantSteps(t, steps)
		}
		w.pass(time.Minute)
		w.wantMoves(0, 0)
	})
}

func TestADryRunChangesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		for _, ask := range []*node{a, b} {
			out, steps := ask.assign(status.AssignRequest{To: nodeB, DryRun: true})
			wantOutcome(t, out, status.Outcome{Text: "would move web from lb-a to lb-b; nothing was changed"})
			wantSteps(t, steps)
		}
		w.pass(time.Minute)
		w.wantMoves(0, 0)
	})
}

func TestAnAssignThatCannotBeIsRefusedWithItsReason(t *testing.T) {
	tests := []struct {
		name  string
		setup func(w *world, a, b *node)
		ask   string
		r     status.AssignRequest
		want  status.Outcome
		moves int // by hand
	}{
		{"there is no such node", nil, nodeA, status.AssignRequest{To: "lb-c"}, status.Outcome{Code: status.CodeUsage,
			Reason: "unknown-node", Text: `there is no node "lb-c"; the nodes are lb-a, lb-b`}, 0},
		{"the node itself is unhealthy", func(w *world, _, b *node) { b.check.set(errors.New("refused")) }, nodeB, status.AssignRequest{},
			status.Outcome{Code: status.CodeRefused, Reason: "unhealthy", Text: "lb-b may not lead web: its checks fail",
				Peers: []status.PeerReason{{Node: nodeB, Reason: "unhealthy", Text: "its checks fail"}}}, 0},
		{"the peer is unhealthy", func(w *world, _, b *node) { b.check.set(errors.New("refused")) }, nodeA, status.AssignRequest{To: nodeB},
			status.Outcome{Code: status.CodeRefused, Reason: "unhealthy", Text: "lb-b may not lead web: its checks fail",
				Peers: []status.PeerReason{{Node: nodeB, Reason: "unhealthy", Text: "its checks fail"}}}, 0},
		{"the peer is not heard", func(w *world, _, b *node) { b.crash() }, nodeA, status.AssignRequest{To: nodeB},
			status.Outcome{Code: status.CodeRefused, Reason: "not-heard", Text: "lb-b may not lead web: no advert from it in time",
				Peers: []status.PeerReason{{Node: nodeB, Reason: "not-heard", Text: "no advert from it in time"}}}, 0},
		{"a stranger holds the address", func(w *world, _, _ *node) {
			w.must(w.cloud.Place(floating, stranger))
			w.pass(time.Minute)
		}, nodeA, status.AssignRequest{To: nodeB},
			status.Outcome{Code: status.CodeRefused, Reason: "foreign-owner",
				Text: "a target outside the cluster holds web, and only the node that takes it may decide that; run this on lb-b"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := w.settled()
				if tt.setup != nil {
					tt.setup(w, a, b)
				}
				w.pass(5 * time.Second)
				ask := a
				if tt.ask == nodeB {
					ask = b
				}
				for _, dry := range []bool{true, false} {
					tt.r.DryRun = dry
					out, steps := ask.assign(tt.r)
					wantOutcome(t, out, tt.want)
					wantSteps(t, steps)
				}
				w.pass(time.Minute)
				w.wantMoves(0, tt.moves)
			})
		})
	}
}

func TestAPeerIsHandedAGroupOnlyByTheNodeThatLeads(t *testing.T) {
	inWorld(t, target(nodeB), func(w *world) {
		a, b := w.settled()
		a.assign(status.AssignRequest{})
		for range 2 {
			out, _ := b.assign(status.AssignRequest{To: nodeA})
			wantOutcome(t, out, status.Outcome{Text: "web is already on lb-a"})
		}
		a.cloud.blackHole(true)
		b.cloud.blackHole(true)
		w.must(w.cloud.Place(floating, target(nodeB)))
		a.crash()
		w.pass(5 * time.Second)
		out, _ := b.assign(status.AssignRequest{To: nodeA})
		wantOutcome(t, out, status.Outcome{Code: status.CodeRefused, Reason: "not-active",
			Text: "lb-b does not lead web and cannot hand it over; run this on lb-a or on the active node"})
	})
}

// TestAHandoverOutlivesTheOrder, and whoever gave up is told.
func TestAHandoverOutlivesTheOrder(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		out, _ := a.assign(status.AssignRequest{To: nodeB, Timeout: interval / 2})
		wantOutcome(t, out, status.Outcome{Code: status.CodeFailed,
			Text: "web is still with lb-a: the time for this order is over; lb-a waits: the handover to lb-b goes on"})
		w.eventually("it is handed over", b.bound)
	})
}

func TestAnAssignThatTakesTooLongSaysWhatItWaitsFor(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		a.crash()
		b.cloud.blackHole(true)
		w.pass(5 * time.Second)
		began := time.Now()
		out, steps := b.assign(status.AssignRequest{Timeout: 10 * time.Second})
		wantOutcome(t, out, status.Outcome{Code: status.CodeFailed, Reason: "owner-unreadable",
			Text: "web is still with lb-a: the time for this order is over; lb-b waits: no recent answer from the cloud about the owner"})
		wantSteps(t, steps, "asked: asked for web on lb-b")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestACallerThatLeavesDoesNotUndoWhatTheNodesAgreedOn(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(500*time.Millisecond, cancel)
		out := a.orders().Assign(ctx, status.AssignRequest{Group: "web", To: nodeB}, func(status.Event) {})
		if out.Code != status.CodeFailed || w.cloud.Holder(floating) != target(nodeA) {
			t.Fatalf("it was over before the caller left: %+v", out)
		}
		w.eventually("the successor owns it", b.bound)
		w.wantMoves(1, 1)
		if a.log.has("reason=handover-failed") {
			t.Error("the handover was called off")
		}
	})
}

func TestAnOrderAboutAGroupThatAReloadRemovesFails(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		a.crash()
		b.cloud.blackHole(true)
		w.pass(5 * time.Second)
		time.AfterFunc(2*time.Second, func() {
			w.otherGroup(nodeB, true)
			b.signals <- syscall.SIGHUP
		})
		out, _ := b.assign(status.AssignRequest{})
		wantOutcome(t, out, status.Outcome{Code: status.CodeFailed, Reason: "unknown-group", Text: "the configuration has no group web any more"})
	})
}

func TestAnUnknownGroupIsUsage(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		want := status.Outcome{Code: status.CodeUsage, Group: "db", Reason: "unknown-group", Text: `there is no group "db"; the groups are web`}
		ctx, none := context.Background(), func(status.Event) {}
		wantOutcome(t, a.orders().Assign(ctx, status.AssignRequest{Group: "db"}, none), want)
		wantOutcome(t, a.orders().Drain(ctx, status.DrainRequest{Group: "db"}, none), want)
		wantOutcome(t, a.resume("db"), want)
	})
}

func TestADaemonThatIsStoppingTakesNoOrders(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.blackHole(true) // the handover takes its time
		a.signals <- syscall.SIGTERM
		w.pass(0)
		want := status.Outcome{Code: status.CodeRefused, Reason: "stopping", Text: "the daemon of lb-a is stopping and takes no more orders"}
		out, _ := a.assign(status.AssignRequest{})
		wantOutcome(t, out, want)
		out, _ = a.drain(status.DrainRequest{})
		wantOutcome(t, out, want)
		wantOutcome(t, a.resume("web"), want)
	})
}

func TestAnOrderToADaemonThatHasEndedFails(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.settled()
		a.crash()
		out, _ := a.assign(status.AssignRequest{})
		wantOutcome(t, out, status.Outcome{Code: status.CodeFailed, Reason: "stopping", Text: "assign web: the daemon is stopping"})
	})
}

func TestDrainHandsOverAndSurvivesARestart(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		out, steps := a.drain(status.DrainRequest{})
		wantOutcome(t, out, status.Outcome{Reason: "drained", Text: "lb-a is drained for web; lb-b holds it"})
		wantSteps(t, steps, "asked: handing web over", "claimed: lb-b claims web")
		w.eventually("the successor owns it", b.bound)
		a.signals <- syscall.SIGUSR1
		w.must(a.wait())
		a = w.start(nodeA, nil)
		w.pass(time.Minute)
		if a.role() != "drained" {
			t.Errorf("after a restart it is %s", a.role())
		}
		out, _ = a.drain(status.DrainRequest{Group: "web"})
		wantOutcome(t, out, status.Outcome{Text: "lb-a is drained for web already"})
		wantOutcome(t, a.resume("web"), status.Outcome{Reason: "resumed", Text: "lb-a takes part in web"})
		if files, err := os.ReadDir(a.marks.dir); err != nil || len(files) > 0 {
			t.Errorf("after resume there are %v, %v", files, err)
		}
		w.eventually("it is a standby", func() bool { return a.role() == "backup" })
		w.wantMoves(1, 1)
	})
}

// TestADrainNamesWhoHoldsTheAddressNow: the successor's word is newer than the last
// read of the node that left.
func TestADrainNamesWhoHoldsTheAddressNow(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.settled()
		a.cloud.blackHole(true)
		out, _ := a.drain(status.DrainRequest{})
		wantOutcome(t, out, status.Outcome{Reason: "drained", Text: "lb-a is drained for web; lb-b holds it"})
	})
}

func TestTheDrainOfAStandbyMovesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		out, steps := b.drain(status.DrainRequest{})
		wantOutcome(t, out, status.Outcome{Reason: "drained", Text: "lb-b is drained for web; lb-a holds it"})
		wantSteps(t, steps)
		w.pass(time.Minute)
		if !a.bound() || b.role() != "drained" {
			t.Errorf("roles %s and %s", a.role(), b.role())
		}
		w.wantMoves(0, 0)
	})
}

func TestADrainWithoutASuccessorIsRefusedUnlessForced(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.crash()
		w.pass(5 * time.Second)
		out, steps := a.drain(status.DrainRequest{})
		wantOutcome(t, out, status.Outcome{Code: status.CodeRefused, Reason: "no-successor",
			Text:  "no other node may lead web; --force drains and leaves the binding here",
			Peers: []status.PeerReason{{Node: nodeB, Reason: "not-heard", Text: "no advert from it in time"}}})
		wantSteps(t, steps)
		if _, err := os.Stat(a.marks.path("web")); err == nil || a.role() != "active" {
			t.Errorf("the refused drain left a mark or a role: %v, %s", err, a.role())
		}
		out, _ = a.drain(status.DrainRequest{Force: true})
		wantOutcome(t, out, status.Outcome{Reason: "drained", Text: "lb-a is drained for web; the address stays here until another node leads"})
		w.pass(time.Minute)
		w.wantMoves(0, 0)
	})
}

func TestADrainWhoseSuccessorFailsIsNotCarriedOut(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.set("assign", denied("assign"))
		out, _ := a.drain(status.DrainRequest{})
		wantOutcome(t, out, status.Outcome{Code: status.CodeFailed, Reason: "handover-failed",
			Text: "web was not handed over: the successor gave up; the old owner goes on; lb-a goes on and is not drained"})
		w.pass(time.Minute)
		if !a.bound() {
			t.Errorf("the old owner is %s", a.role())
		}
		w.wantMoves(0, 0)
	})
}

func TestAMarkThatCannotBeWrittenIsToldToTheOperator(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		w.must(os.WriteFile(filepath.Join(w.dir, nodeB), nil, 0o600)) // where the directory should be
		out, _ := b.drain(status.DrainRequest{})
		want := "lb-b is drained for web, but only until its daemon restarts: write drain mark: mkdir " + b.marks.dir + ": not a directory"
		wantOutcome(t, out, status.Outcome{Code: status.CodeFailed, Reason: "drained", Text: want})
		if w.pass(publishEvery); b.role() != "drained" || !b.log.has("drain mark does not say what was ordered") {
			t.Errorf("the node is %s", b.role())
		}
		w.must(os.Remove(b.marks.dir))
		out, _ = b.drain(status.DrainRequest{})
		wantOutcome(t, out, status.Outcome{Reason: "drained", Text: "lb-b is drained for web; lb-a holds it"})
		if _, err := os.Stat(b.marks.path("web")); err != nil {
			t.Error(err)
		}
		_ = a
	})
}
