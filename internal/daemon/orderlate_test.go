// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/status"
)

// hang makes the engine do nothing until the returned function is called.
func (n *node) hang() (goOn func()) {
	let := make(chan struct{})
	n.engine.facts <- func() { <-let }
	return func() { close(let) }
}

// An engine that hung comes to what was asked when whoever asked has been told that it failed.
func TestAnOrderThatWasToldToHaveFailedDoesNotRunLater(t *testing.T) {
	for name, ask := range map[string]func(*node) status.Outcome{
		"assign": func(b *node) status.Outcome {
			out, _ := b.assign(status.AssignRequest{Timeout: interval})
			return out
		},
		"drain": func(b *node) status.Outcome {
			out, _ := b.drain(status.DrainRequest{Group: "web", Timeout: interval})
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				_, b := w.settled()
				goOn := b.hang()
				out := ask(b)
				if out.Code != status.CodeFailed {
					t.Errorf("outcome %+v", out)
				}
				goOn()
				w.pass(30 * time.Second)
				w.wantMoves(0, 0)
				if b.role() != "backup" {
					t.Errorf("it is %s", b.role())
				}
			})
		})
	}
}

// A claim cannot be called back. Then it is not told as one that has failed alone.
func TestAClaimThatOutlivesItsOrderIsTold(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b := w.settled()
		out, _ := b.assign(status.AssignRequest{Timeout: 300 * time.Millisecond})
		if want := "lb-b waits: its claim has begun and goes on"; out.Code != status.CodeFailed || !strings.HasSuffix(out.Text, want) {
			t.Errorf("outcome %+v", out)
		}
		w.eventually("it owns the address", b.bound)
	})
}

// Whoever asks for the status next sees what was ordered.
func TestAnOrderEndsWhenTheStatusShowsIt(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		for range 5 {
			out, _ := b.drain(status.DrainRequest{})
			if got := b.state(); out.Code != status.CodeDone || got.Role != "drained" || !got.Drained {
				t.Errorf("after drain, %+v, the status shows %s, drained %v", out, got.Role, got.Drained)
			}
			out = b.resume("web")
			if got := b.state(); out.Code != status.CodeDone || got.Role != "backup" || got.Drained {
				t.Errorf("after resume, %+v, the status shows %s, drained %v", out, got.Role, got.Drained)
			}
			w.pass(60 * time.Millisecond)
		}
		out, _ := a.assign(status.AssignRequest{To: nodeB})
		if got := a.state(); out.Code != status.CodeDone || got.Addresses[0].Owner.Node != nodeB || got.Role != "backup" {
			t.Errorf("after assign, %+v, the status shows %s and the owner %s", out, got.Role, got.Addresses[0].Owner)
		}
		w.pass(10 * time.Second)
		out, _ = b.drain(status.DrainRequest{})
		if got := b.state(); out.Code != status.CodeDone || got.Role != "drained" || got.Addresses[0].Owner.Node != nodeA {
			t.Errorf("after drain, %+v, the status shows %s and the owner %s", out, got.Role, got.Addresses[0].Owner)
		}
	})
}

// A group that was placed by hand is sticky where it is; a resume elsewhere says where.
func TestAResumeElsewhereSaysWhereAGroupWasPlacedByHand(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		out, _ := a.assign(status.AssignRequest{To: nodeB})
		wantOutcome(t, out, status.Outcome{Text: "web is on lb-b"})
		w.pass(time.Second)
		wantOutcome(t, a.resume("web"), status.Outcome{Reason: "resumed",
			Text: `lb-a takes part in web; it was placed on lb-b by hand and stays there until "fipctl resume web" is run on that node`})
		wantOutcome(t, b.resume("web"), status.Outcome{Reason: "resumed", Text: "lb-b takes part in web"})
		if b.state().Sticky {
			t.Error("it is sticky still")
		}
		w.pass(time.Second)
		wantOutcome(t, a.resume("web"), status.Outcome{Reason: "resumed", Text: "lb-a takes part in web"})
	})
}
