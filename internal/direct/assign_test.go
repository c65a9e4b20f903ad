// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

func kind(k providers.Kind) error {
	return &providers.Error{Provider: "fake", Op: "assign 203.0.113.10 to 1002", Kind: k}
}

// moved is the one write that moves the address here.
const moved = "203.0.113.10: 1001 -> 1002"

// assignCase is one run of Assign: what it starts from, what it is asked, and
// everything that it must do.
type assignCase struct {
	name    string
	arrange func(*Cluster, *fakeCloud)
	request status.AssignRequest
	want    status.Outcome
	calls   []string
	events  []status.EventKind
}

func (tt assignCase) play(t *testing.T) {
	c, f := newFake(t)
	if tt.arrange != nil {
		tt.arrange(c, f)
	}
	if tt.request.Group == "" {
		tt.request.Group, tt.want.Group = "web", "web"
	}
	var events []status.EventKind
	got := c.Assign(t.Context(), tt.request, func(e status.Event) { events = append(events, e.Event) })
	if diff := cmp.Diff(tt.want, got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tt.calls, f.calls); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tt.events, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAssignMovesOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	const daemonAnswers = "a daemon of the cluster answers and decides by itself; leave out --direct, or use --force"
	for _, tt := range []assignCase{
		{name: "moves with one write and reads until bound",
			arrange: func(_ *Cluster, f *fakeCloud) { f.delay = 5 },
			want:    status.Outcome{Text: "lb-b owns web"}, calls: []string{moved},
			events: []status.EventKind{status.EventAsked, status.EventClaimed, status.EventBound}},
		{name: "an address already here is done without a write, even while daemons answer",
			arrange: func(c *Cluster, f *fakeCloud) { f.owner[webIP] = onB; c.Prober = daemonOn(lbA, election.Active) },
			want:    status.Outcome{Text: "lb-b already owns web"}},
		{name: "a pending move to here is awaited, not written again",
			arrange: func(_ *Cluster, f *fakeCloud) {
				f.owner[webIP] = providers.Assignment{Target: onB.Target, Pending: true}
				f.next[webIP], f.left = onB, 3
			},
			want:   status.Outcome{Text: "lb-b owns web"},
			events: []status.EventKind{status.EventAsked, status.EventBound}},
		{name: "nothing is written while the cloud still works on the address",
			arrange: func(_ *Cluster, f *fakeCloud) {
				f.owner[webIP] = providers.Assignment{Target: onA.Target, Pending: true}
				f.next[webIP], f.left = onB, 3
			},
			want:   status.Outcome{Text: "lb-b owns web"},
			events: []status.EventKind{status.EventAsked, status.EventBound}},
		{name: "an active peer's daemon refuses",
			arrange: func(c *Cluster, _ *fakeCloud) { c.Prober = daemonOn(lbA, election.Active) },
			want: status.Outcome{Code: status.CodeRefused, Reason: "claim-in-progress", Text: daemonAnswers,
				Peers: []status.PeerReason{{Node: "lb-a", Reason: "claim-in-progress", Text: "its daemon runs, role active"}}}},
		{name: "this node's own daemon refuses too",
			arrange: func(c *Cluster, _ *fakeCloud) { c.Prober = daemonOn(lbB, election.Backup) },
			want: status.Outcome{Code: status.CodeRefused, Reason: "incumbent-alive", Text: daemonAnswers,
				Peers: []status.PeerReason{{Node: "lb-b", Reason: "incumbent-alive", Text: "its daemon runs, role backup"}}}},
		{name: "force goes on although a daemon answers",
			arrange: func(c *Cluster, _ *fakeCloud) { c.Prober = daemonOn(lbA, election.Active) },
			request: status.AssignRequest{Force: true},
			want:    status.Outcome{Text: "lb-b owns web"}, calls: []string{moved},
			events: []status.EventKind{status.EventAsked, status.EventClaimed, status.EventBound}},
		{name: "without a prober only force moves",
			arrange: func(c *Cluster, _ *fakeCloud) { c.Prober = nil },
			want: status.Outcome{Code: status.CodeRefused, Reason: "unknown-node",
				Text: "this machine is not a node, so the daemons cannot be asked whether they run; run the command on a node, or use --force"}},
		{name: "a dry run writes nothing",
			request: status.AssignRequest{DryRun: true},
			want:    status.Outcome{Text: "would move 203.0.113.10 from lb-a to lb-b (1002)"},
			events:  []status.EventKind{status.EventAsked}},
		{name: "a foreign owner is named",
			arrange: func(_ *Cluster, f *fakeCloud) {
				f.owner[webIP] = providers.Assignment{Target: providers.Target{Instance: "9"}}
			},
			request: status.AssignRequest{DryRun: true},
			want:    status.Outcome{Text: "would move 203.0.113.10 from 9 outside the cluster to lb-b (1002)"},
			events:  []status.EventKind{status.EventAsked}},
		{name: "another node is found by its configured target",
			arrange: func(_ *Cluster, f *fakeCloud) { f.owner[webIP] = onB },
			request: status.AssignRequest{To: "lb-a"},
			want:    status.Outcome{Text: "lb-a owns web"}, calls: []string{"203.0.113.10: 1002 -> 1001"},
			events: []status.EventKind{status.EventAsked, status.EventClaimed, status.EventBound}},
		{name: "another node without a configured target is not guessed",
			arrange: func(c *Cluster, _ *fakeCloud) { c.Self = "lb-a" },
			request: status.AssignRequest{To: "lb-b"},
			want: status.Outcome{Code: status.CodeFailed, Reason: "cannot-claim",
				Text: "find the target of lb-b: only the node itself can ask its metadata service; run the command there, or set nodes[].target.fake"}},
		{name: "a node name that belongs to another machine is noticed",
			arrange: func(c *Cluster, _ *fakeCloud) { c.Self = "lb-a" },
			want: status.Outcome{Code: status.CodeFailed, Reason: "cannot-claim",
				Text: `find the target of lb-a: nodes[].target.fake says "1001", the metadata service "1002"; is this the right node name?`}},
		{name: "a machine that is no node must say where to",
			arrange: func(c *Cluster, _ *fakeCloud) { c.Self = "" },
			want: status.Outcome{Code: status.CodeUsage, Reason: "unknown-node",
				Text: "this machine is not a node of the cluster; name one with --to, or itself with --node"}},
		{name: "an unknown group is a usage error",
			request: status.AssignRequest{Group: "mail"},
			want:    status.Outcome{Code: status.CodeUsage, Group: "mail", Text: `no group "mail" in the configuration`}},
		{name: "an unknown node is a usage error",
			request: status.AssignRequest{To: "lb-z"},
			want:    status.Outcome{Code: status.CodeUsage, Reason: "unknown-node", Text: `no node "lb-z" in the configuration`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, tt.play)
		})
	}
}

func TestAssignReadsBackWhatItWrote(t *testing.T) {
	t.Parallel()
	for _, tt := range []assignCase{
		{name: "an owner that cannot be read is not moved",
			arrange: func(_ *Cluster, f *fakeCloud) { f.readErr = kind(providers.Denied) },
			want:    status.Outcome{Code: status.CodeFailed, Reason: "owner-unreadable", Text: "assign 203.0.113.10 to 1002: denied"}},
		{name: "a lost reply is read back and never repeated",
			arrange: func(_ *Cluster, f *fakeCloud) {
				f.writeErr, f.applied, f.delay = []error{kind(providers.Ambiguous)}, true, 3
			},
			want: status.Outcome{Text: "lb-b owns web"}, calls: []string{moved},
			events: []status.EventKind{status.EventAsked, status.EventBound}},
		{name: "an unknown outcome that never shows ends with the timeout after one write",
			arrange: func(_ *Cluster, f *fakeCloud) { f.writeErr = []error{kind(providers.Ambiguous)} },
			want: status.Outcome{Code: status.CodeFailed, Reason: "claim-failed",
				Text: "wait for 203.0.113.10 to reach 1002: not confirmed in time; last: assign 203.0.113.10 to 1002: ambiguous; see who owns it: `fipctl status --direct`"},
			calls: []string{moved}, events: []status.EventKind{status.EventAsked}},
		{name: "a busy cloud is asked again",
			arrange: func(_ *Cluster, f *fakeCloud) {
				f.writeErr = []error{kind(providers.Busy), kind(providers.Throttled), kind(providers.Transient)}
			},
			want: status.Outcome{Text: "lb-b owns web"}, calls: []string{moved, moved, moved, moved},
			events: []status.EventKind{status.EventAsked, status.EventClaimed, status.EventBound}},
		{name: "a lost race is not repeated",
			arrange: func(_ *Cluster, f *fakeCloud) { f.writeErr = []error{kind(providers.Conflict)} },
			want: status.Outcome{Code: status.CodeFailed, Reason: "claim-failed",
				Text: "assign 203.0.113.10 to 1002: conflict; see who owns it: `fipctl status --direct`"},
			calls: []string{moved}, events: []status.EventKind{status.EventAsked}},
		{name: "two calls where the cloud needs them, each after a read",
			arrange: func(_ *Cluster, f *fakeCloud) { f.atomic, f.delay = false, 2 },
			want:    status.Outcome{Text: "lb-b owns web"}, calls: []string{moved, "203.0.113.10:  -> 1002"},
			events: []status.EventKind{status.EventAsked, status.EventClaimed, status.EventClaimed, status.EventBound}},
		{name: "an unbound address is attached with one call",
			arrange: func(_ *Cluster, f *fakeCloud) { f.atomic = false; f.owner[webIP] = providers.Assignment{} },
			want:    status.Outcome{Text: "lb-b owns web"}, calls: []string{"203.0.113.10:  -> 1002"},
			events: []status.EventKind{status.EventAsked, status.EventClaimed, status.EventBound}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, tt.play)
		})
	}
}

func TestAssignEndsWithItsTimeoutAndItsContext(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{0, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c, f := newFake(t)
			f.delay = 1 << 30
			want := limit
			if limit == 0 {
				want = timeoutDefault
			}
			begun := time.Now()
			got := c.Assign(t.Context(), status.AssignRequest{Group: "web", Timeout: limit}, func(status.Event) {})
			if took := time.Since(begun); got.Code != status.CodeFailed || took != want || len(f.calls) != 1 {
				t.Errorf("limit %v: %+v after %v and writes %v, want failed after %v and one write", limit, got, took, f.calls, want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, f := newFake(t)
		f.delay = 1 << 30
		ctx, cancel := context.WithTimeoutCause(t.Context(), 1500*time.Millisecond, errors.New("gone"))
		defer cancel()
		begun := time.Now()
		got := c.Assign(ctx, status.AssignRequest{Group: "web"}, func(status.Event) {})
		if took := time.Since(begun); got.Code != status.CodeFailed || took != 1500*time.Millisecond {
			t.Errorf("%+v after %v, want failed as soon as the caller gives up", got, took)
		}
	})
}

func TestAssignMovesEveryAddressOfTheGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, f := newFake(t)
		second := netip.MustParseAddr("203.0.113.11")
		third := netip.MustParseAddr("203.0.113.12")
		f.owner[second], f.owner[third], f.delay = onB, onA, 2
		for _, ip := range []netip.Addr{second, third} {
			c.Groups[0].Addresses = append(c.Groups[0].Addresses, providers.Address{Provider: "fake", Kind: "reserved-ip", IP: ip})
		}
		got := c.Assign(t.Context(), status.AssignRequest{Group: "web"}, func(status.Event) {})
		if got.Code != status.CodeDone {
			t.Errorf("outcome %+v", got)
		}
		want := []string{"203.0.113.10: 1001 -> 1002", "203.0.113.12: 1001 -> 1002"}
		if diff := cmp.Diff(want, f.calls); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

func TestAssignLeavesAnnouncementsToADaemon(t *testing.T) {
	t.Parallel()
	c, f := newFake(t)
	f.announce = true
	got := c.Assign(t.Context(), status.AssignRequest{Group: "web", To: "lb-b"}, func(status.Event) {})
	want := "203.0.113.10 moves by an announcement that has to be kept up, which only a running daemon does; start it on lb-b, then leave out --direct"
	if got.Code != status.CodeRefused || got.Text != want || len(f.calls) != 0 {
		t.Errorf("got %+v after the calls %q", got, f.calls)
	}
	f.owner[webIP] = onB
	if got := c.Assign(t.Context(), status.AssignRequest{Group: "web", To: "lb-b"}, func(status.Event) {}); got.Code != status.CodeDone {
		t.Errorf("where it is already: %+v", got)
	}
}

func TestWhatAConfigurationSaysOfAMachineMayBeAPart(t *testing.T) {
	t.Parallel()
	own := providers.Target{Instance: "ins-1", PrivateIP: netip.MustParseAddr("10.0.4.20")}
	for want, contradicted := range map[string]bool{
		"ins-1":                 false,
		"ins-1/10.0.4.20":       false,
		"ins-1/eni-1/10.0.4.20": false, // the metadata service does not tell the interface
		"ins-1/eni-1/10.0.4.21": true,
		"ins-2/10.0.4.20":       true,
		"ins-2":                 true,
		"10.0.4.20":             true,
	} {
		c, _ := newFake(t)
		for i := range c.Nodes {
			c.Nodes[i].Targets = map[string]string{"fake": want}
		}
		if err := c.confirm("fake", own); (err != nil) != contradicted {
			t.Errorf("%s: %v", want, err)
		}
	}
	c, f := newFake(t)
	f.identity.Target = own
	f.idErr = fmt.Errorf("no interface: %w", metadata.ErrIncomplete)
	for i := range c.Nodes {
		c.Nodes[i].Targets = nil
	}
	if got, err := c.target(t.Context(), c.Groups[0].Addresses[0], c.Self); err != nil || got != (providers.Target{Instance: "ins-1"}) {
		t.Errorf("an incomplete identity that suffices: %+v, %v", got, err)
	}
}
