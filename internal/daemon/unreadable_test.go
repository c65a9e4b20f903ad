// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
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
