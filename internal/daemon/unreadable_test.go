// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// leaveMeAlone is a cloud that asks for half a minute of peace.
func leaveMeAlone() error {
	err := &providers.Error{}
	errors.As(failure("read owner of", providers.Throttled, "429", errors.New("too many requests")), &err)
	err.RetryAfter = 30 * time.Second
	return err
}

// severity returns how grave a condition is, or "".
func (n *node) severity(code string) status.Severity {
	for _, c := range n.Snapshot().Groups[0].Conditions {
		if c.Code == code {
			return c.Severity
		}
	}
	return ""
}

// throttled returns a pair at rest, one of which has just been told to leave the cloud
// alone by the read that was its turn. Later reads are answered, or told so too.
func (w *world) throttled(name string, later bool) (one, other *node) {
	w.Helper()
	one, other = w.settled()
	if name == nodeB {
		one, other = other, one
	}
	w.pass(2 * time.Minute)
	one.cloud.set("owner", leaveMeAlone())
	reads := one.cloud.times("owner")
	w.eventually("its turn comes", func() bool { return one.cloud.times("owner") > reads })
	w.pass(10 * callTime)
	if !later {
		one.cloud.set("owner", nil)
	}
	return one, other
}

// TestOneThrottledReadAtRestIsNoAlarm: no other read was tried, and nobody waits for one.
func TestOneThrottledReadAtRestIsNoAlarm(t *testing.T) {
	for _, name := range []string{nodeA, nodeB} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				n, _ := w.throttled(name, false)
				reads := n.cloud.times("owner")
				seen := map[status.Severity]bool{}
				for range 1600 {
					seen[n.severity(condOwnerUnreadable)] = true
					w.pass(25 * time.Millisecond)
				}
				if seen[status.SeverityCritical] || !seen[status.SeverityWarning] || n.severity(condOwnerUnreadable) != "" {
					t.Errorf("it was %v, and is %q", seen, n.severity(condOwnerUnreadable))
				}
				if n.cloud.times("owner") == reads {
					t.Error("it is not read again")
				}
			})
		})
	}
}

// TestThrottledReadsAreAnAlarmOnceAnotherFails, or somebody waits for one.
func TestThrottledReadsAreAnAlarmOnceAnotherFails(t *testing.T) {
	for name, most := range map[string]time.Duration{"another fails": 30 * time.Second, "a takeover waits": 2 * activeDown} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				another := name == "another fails"
				b, a := w.throttled(nodeB, another)
				w.within(10*time.Second, "it is told", func() bool { return b.severity(condOwnerUnreadable) == status.SeverityWarning })
				if !another {
					a.crash()
				}
				w.within(most, "it is an alarm", func() bool { return b.severity(condOwnerUnreadable) == status.SeverityCritical })
				want := "the owner cannot be read: read owner of 203.0.113.10: throttled (429, request 4f2c): too many requests; nothing is moved or unbound because of it"
				if got := b.text(condOwnerUnreadable); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if !b.log.has("level=WARN msg=condition group=web code=owner-unreadable") || !b.log.has("level=ERROR msg=condition group=web code=owner-unreadable") {
					t.Error("the log does not tell both")
				}
			})
		})
	}
}

// TestWhatIsLeftAlone has one case for each term.
func TestWhatIsLeftAlone(t *testing.T) {
	t.Parallel()
	at := election.Instant(time.Hour)
	once := election.GroupStatus{APIFailing: at, APIFailed: at.Add(time.Second)}
	for _, tt := range []struct {
		name string
		do   func(g *group, s *election.GroupStatus)
		want bool
	}{
		{"one read was throttled", func(*group, *election.GroupStatus) {}, true},
		{"so was another, later", func(_ *group, s *election.GroupStatus) { s.APIFailed = at.Add(unreadableAfter) }, false},
		{"it failed for another reason", func(g *group, _ *election.GroupStatus) { g.readErr = []error{nil, denied("read owner of")} }, false},
		{"a takeover waits for a read", func(_ *group, s *election.GroupStatus) { s.Waits = true }, false},
		{"a claim does", func(g *group, _ *election.GroupStatus) { g.wish.Waits = true }, false},
	} {
		g, s := &group{readErr: []error{nil, leaveMeAlone()}}, once
		tt.do(g, &s)
		if got := g.leftAlone(s); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestALeaderThatMayNotAnnounceIsSaid: the API hangs and the owner dies. Without the word of
// its peer the standby leads and announces nothing (docs/design.md 5.10), and nobody serves.
// What helps is what the text says: an answer, or the peer's daemon.
func TestALeaderThatMayNotAnnounceIsSaid(t *testing.T) {
	for name, helps := range map[string]func(w *world, s *segment, b *node){
		"the cloud answers again": func(_ *world, _ *segment, b *node) { b.cloud.blackHole(false) },
		"the peer says that it does not lead": func(w *world, s *segment, _ *node) {
			a := w.start(nodeA, func(n *node, o *Options, p *parts) {
				s.join(n, o, p)
				n.check.set(errors.New("refused"))
			})
			a.cloud.blackHole(true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				s, a, b := announcing(w)
				w.pass(time.Minute)
				b.cloud.blackHole(true)
				a.crash()
				s.take()
				w.pass(3 * activeDown)
				if got := b.text(condNoLeader); got != "" || b.role() != "active" {
					t.Errorf("at first, %s: %s", b.role(), got)
				}
				w.within(10*time.Second, "it is said", func() bool { return b.text(condNoLeader) != "" })
				want := `nobody is known to serve: this node leads, and may not move the address here before it has an answer of the cloud, or the word of lb-a not to lead: ` +
					`start the daemon there, which may be drained or have its service down; "fipctl assign" cannot help`
				if got := b.text(condNoLeader); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				w.pass(time.Minute)
				if heard := s.take(); len(heard) != 0 || b.text(condNoLeader) != want {
					t.Errorf("a minute later it has announced %v and says %q", heard, b.text(condNoLeader))
				}
				helps(w, s, b)
				w.within(30*time.Second, "it announces", func() bool { return slices.Contains(s.take(), nodeB) })
				w.within(time.Second, "it is over", func() bool { return b.text(condNoLeader) == "" })
			})
		})
	}
}

// TestWhoMayNotMove has one case for each term, and what each waits for.
func TestWhoMayNotMove(t *testing.T) {
	t.Parallel()
	claims := election.GroupStatus{Role: election.Active, APIFailing: 1, Nodes: []election.NodeStatus{
		{Name: "c", Fresh: true, Role: election.Backup}, {Name: "d", Fresh: true, Role: election.Active}, {Name: "e"},
	}}
	for _, tt := range []struct {
		name string
		do   func(g *group, s *election.GroupStatus)
		want bool
	}{
		{"no read succeeds", func(*group, *election.GroupStatus) {}, true},
		{"none has failed yet", func(_ *group, s *election.GroupStatus) { s.APIFailing = 0 }, false},
		{"the address is here", func(_ *group, s *election.GroupStatus) { s.Bound = true }, false},
		{"a write has been accepted", func(g *group, _ *election.GroupStatus) { g.wish.Waits = false }, false},
	} {
		g, s := &group{wish: election.Wish{Waits: true}}, claims
		if tt.do(g, &s); g.mayNotMove(s) != tt.want {
			t.Errorf("%s: %v", tt.name, !tt.want)
		}
	}
	for announced, want := range map[bool]string{
		false: "it has an answer of the cloud",
		true:  "it has an answer of the cloud, or the word of d and e not to lead: start the daemon there, which may be drained or have its service down",
	} {
		d := &driver{}
		d.caps.MovesWithoutAPI = announced
		if got := (&group{provider: []providers.Provider{d}}).readOrWord(claims); got != want {
			t.Errorf("announced %v:\ngot  %s\nwant %s", announced, got, want)
		}
	}
}
