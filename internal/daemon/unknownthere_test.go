// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/providers"
)

// otherGroup puts another group in the place of the only one of a node's file, or undoes it.
func (w *world) otherGroup(name string, other bool) string {
	w.Helper()
	path := w.write(name, "")
	if !other {
		return path
	}
	raw, err := os.ReadFile(path)
	w.must(err)
	text := strings.NewReplacer("name: web\n    vrid: 51", "name: other\n    vrid: 52", floating.String(), "203.0.113.11").Replace(string(raw))
	w.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// cut starts a daemon with such a file.
func cut(n *node, o *Options, _ *parts) {
	cfg, err := config.Load(n.w.otherGroup(n.name, true), o.Load)
	n.w.must(err)
	o.Config = cfg
}

// TestAFileThatIsRolledOutStandbyFirstMovesNothing: the owner of the address is heard all the
// while, and does not know the group yet.
func TestAFileThatIsRolledOutStandbyFirstMovesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, cut)
		w.pass(5 * time.Second)
		b := w.start(nodeB, nil)
		w.pass(2 * time.Minute)
		if waiting := b.state().Waiting; b.role() != "backup" || waiting == nil || waiting.Reason != "group-unknown-there" {
			t.Errorf("it is %s and waits for %+v", b.role(), waiting)
		}
		want := `lb-a holds the address, is heard, and does not know group web: nothing moves as long as it is heard, and nothing but its end or ` +
			`"fipctl assign web" would be a failover; give all nodes the same file, then "systemctl reload fipctl" on lb-a`
		if got := b.text(condUnknownThere); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.wantMoves(0, 0)
		w.otherGroup(nodeA, false)
		a.reloadNow()
		w.eventually("the owner leads the group", a.bound)
		w.eventually("the condition is over", func() bool { return b.text(condUnknownThere) == "" })
		w.wantMoves(0, 0)
	})
}

// TestAFileThatWasCutOnTheOwner has one case for each end of what is then waited for.
func TestAFileThatWasCutOnTheOwner(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(w *world, a, b *node)
		reason string
	}{
		{"it is killed", func(_ *world, a, _ *node) { a.crash() }, "owner-silent"},
		{"it is stopped", func(w *world, a, _ *node) { w.must(a.stop()) }, "owner-goodbye"},
		{"its machine is stopped", func(w *world, a, _ *node) {
			a.crash()
			w.must(w.cloud.SetState(instances[nodeA], providers.InstanceStopped))
		}, ""},
		{"an operator insists", func(w *world, _, b *node) {
			b.assign(status.AssignRequest{Group: "web", To: nodeB})
		}, "assigned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := w.settled()
				a.signals <- syscall.SIGUSR1
				w.must(a.wait())
				a = w.start(nodeA, cut)
				w.pass(time.Minute)
				if waiting := b.state().Waiting; waiting == nil || waiting.Reason != "group-unknown-there" {
					t.Fatalf("it is %s and waits for %+v", b.role(), waiting)
				}
				w.wantMoves(0, 0)
				tt.end(w, a, b)
				w.within(10*time.Second, "the standby owns the address", b.bound)
				if got := b.state().Reason; tt.reason != "" && got != tt.reason {
					t.Errorf("reason %s, want %s", got, tt.reason)
				}
				w.wantMoves(1, 1)
			})
		})
	}
}

// TestAnOwnerWhoseFileWasCutAnswersThroughTheAddress: no advert comes through, and the probe of
// the group that it lacks does, as does that of any group that it has.
func TestAnOwnerWhoseFileWasCutAnswersThroughTheAddress(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		a.signals <- syscall.SIGUSR1
		w.must(a.wait())
		a = w.start(nodeA, cut)
		w.pass(time.Minute)
		at, other := privates[nodeA].Addr(), privates[nodeB].Addr()
		w.network.SetLink(at, other, transport.Link{Cut: true})
		w.network.SetLink(other, at, transport.Link{Cut: true})
		w.pass(time.Minute)
		if waiting := b.state().Waiting; waiting == nil || waiting.Reason != "group-unknown-there" {
			t.Errorf("it is %s and waits for %+v", b.role(), waiting)
		}
		w.wantMoves(0, 0)
		a.crash()
		w.within(10*time.Second, "the standby owns the address", b.bound)
	})
}

// TestAStandbyThatLacksTheGroupIsNotCalledDead, and is no standby.
func TestAStandbyThatLacksTheGroupIsNotCalledDead(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		w.otherGroup(nodeB, true)
		b.reloadNow()
		w.pass(10 * time.Second) // it is read again
		if !b.log.has(`msg="group removed" group=web role=backup addresses=203.0.113.10 owner=lb-a`) {
			t.Errorf("it logs:\n%s", b.log.lines(slog.LevelInfo))
		}
		want := "no other node could take over: lb-b (group-unknown-there; its daemon runs, with a file that lacks the group); the next failure is an outage"
		if got := a.text(condNoStandby); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		want = `lb-b is heard and does not know group web, so it cannot take over; give all nodes the same file, then "systemctl reload fipctl" on lb-b`
		if got := a.text(condUnknownThere); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestAPeerThatIsHeardIsNotCalledUnheardForAGroupThatIsNew: what it says of a group that a reload
// adds here comes with its next advert.
func TestAPeerThatIsHeardIsNotCalledUnheardForAGroupThatIsNew(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.start(nodeA, cut), w.start(nodeB, cut)
		w.pass(5 * time.Second)
		w.otherGroup(nodeA, false)
		w.otherGroup(nodeB, false)
		b.reloadNow()
		w.pass(2 * time.Second)
		a.signals <- syscall.SIGHUP
		w.pass(900 * time.Millisecond)
		w.cut(nodeB, nodeA, true) // for less than an active-down: the next advert is late
		said := ""
		for range 500 {
			w.pass(time.Millisecond)
			if text := a.text(condNoStandby); text != "" && !strings.Contains(said, text) {
				said += text
			}
		}
		w.cut(nodeB, nodeA, false)
		if !strings.Contains(said, "no other node could take over: lb-b (not-heard; of this group, that is: its next advert tells more)") || strings.Contains(said, "not once") {
			t.Errorf("it says %q", said)
		}
		w.eventually("there is a standby", func() bool { return a.text(condNoStandby) == "" })
		w.wantMoves(0, 0)
	})
}
