// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/internal/transport"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
)

// cutBoth cuts, or mends, the link between the nodes in both directions.
func (w *world) cutBoth(cut bool) {
	w.cut(nodeA, nodeB, cut)
	w.cut(nodeB, nodeA, cut)
}

func (w *world) cut(from, to string, cut bool) {
	w.network.SetLink(privates[from].Addr(), privates[to].Addr(), transport.Link{Cut: cut})
}

func TestConditionsAppearWithTheirRemedyAndGo(t *testing.T) {
	busy := failure("assign", providers.Busy, "422", errors.New("droplet has a pending event"))
	invalid := failure("assign", providers.Invalid, "422", errors.New("another region"))
	tests := []struct {
		name  string
		code  string
		on    string // the node that shows it
		begin func(w *world, a, b *node)
		end   func(w *world, a, b *node)
		text  string
	}{
		{"a refused token shows where the owner is read", condOwnerUnreadable, nodeA,
			func(_ *world, a, _ *node) { a.cloud.set("owner", denied("read owner of")) },
			func(_ *world, a, _ *node) { a.cloud.set("owner", nil) },
			"the owner cannot be read: read owner of 203.0.113.10: denied (401, request 4f2c): unable to authenticate you; nothing is moved or unbound because of it"},
		{"a metadata service that falls silent is no reason to worry", condMetadata, nodeA,
			func(w *world, a, _ *node) { a.meta.set(errors.New("no route")); w.pass(identityReview) },
			func(_ *world, a, _ *node) { a.meta.set(nil) },
			"the metadata service does not say who this machine is: no route; what it said before still counts"},
		{"a dead peer leaves no standby", condNoStandby, nodeA,
			func(_ *world, _, b *node) { b.crash() }, func(w *world, _, _ *node) { w.start(nodeB, nil) },
			"no other node could take over: lb-b (not-heard; its host answers that nothing listens: the daemon is dead, the host alive); the next failure is an outage"},
		{"a standby on which an operation runs", condStandbyBusy, nodeB,
			func(w *world, _, b *node) { b.cloud.set("preflight", busy); w.pass(preflightEvery) },
			func(_ *world, _, b *node) { b.cloud.set("preflight", nil) },
			"the cloud would refuse a move to this node just now: assign 203.0.113.10: busy (422, request 4f2c): droplet has a pending event; it usually passes by itself"},
		{"a standby that the cloud would refuse", condStandbyRefused, nodeB,
			func(w *world, _, b *node) { b.cloud.set("preflight", invalid); w.pass(preflightEvery) },
			func(_ *world, _, b *node) { b.cloud.set("preflight", nil) },
			"the cloud would refuse a move to this node, or cannot be asked: assign 203.0.113.10: invalid (422, request 4f2c): another region"},
		{"a standby of another account", condStandbyRefused, nodeB,
			func(w *world, _, b *node) {
				b.cloud.set("preflight", failure("assign", providers.NotFound, "404", errors.New("no such droplet")))
				w.pass(preflightEvery)
			},
			func(_ *world, _, b *node) { b.cloud.set("preflight", nil) },
			"the cloud would refuse a move to this node, or cannot be asked: assign 203.0.113.10: not-found (404, request 4f2c): no such droplet; do the credentials belong to the account of the address, and of this machine?"},
		{"a failing check", condUnhealthy, nodeB,
			func(_ *world, _, b *node) { b.check.set(errors.New("refused")) }, func(_ *world, _, b *node) { b.check.set(nil) },
			"checks of this node fail: service; repair the service"},
		{"a stranger that holds the address", condForeignOwner, nodeB,
			func(w *world, _, _ *node) { w.must(w.cloud.Place(floating, stranger)) },
			func(w *world, _, _ *node) { w.must(w.cloud.Place(floating, target(nodeA))) },
			`a target outside the cluster holds the address; "fipctl assign web" takes it, nothing else does`},
		{"a link that is cut while a probe is answered", condPeerLinkBroken, nodeB,
			func(w *world, _, _ *node) { w.pass(20 * time.Second); w.cutBoth(true) }, func(w *world, _, _ *node) { w.cutBoth(false) },
			"lb-a is not heard here, but it answers through the address or another node hears it; repair the link between the nodes"},
		{"a link that is cut one way", condOneWayLink, nodeB,
			func(w *world, _, _ *node) { w.cut(nodeB, nodeA, true) }, func(w *world, _, _ *node) { w.cut(nodeB, nodeA, false) },
			"lb-a is heard but does not hear this node; look at the firewall on UDP in its direction"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := w.settled()
				shows := a
				if tt.on == nodeB {
					shows = b
				}
				if got := shows.text(tt.code); got != "" {
					t.Fatalf("before: %s", got)
				}
				tt.begin(w, a, b)
				w.eventually(tt.code+" appears", func() bool { return slices.Contains(shows.codes(), tt.code) })
				if diff := cmp.Diff(tt.text, shows.text(tt.code)); diff != "" {
					t.Errorf("text (-want +got):\n%s", diff)
				}
				tt.end(w, a, b)
				for range 8 { // each look of eventually lasts 100 s
					if w.pass(identityReview / 8); !slices.Contains(shows.codes(), tt.code) {
						break
					}
				}
				if got := shows.text(tt.code); got != "" {
					t.Errorf("after: %s", got)
				}
				if !shows.log.has(`msg=condition group`) || !shows.log.has(`msg="condition over"`) {
					t.Error("the log does not tell when it began and ended")
				}
			})
		})
	}
}

func TestAFailedClaimIsAConditionUntilSomebodyHoldsTheAddress(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.set("assign", failure("assign", providers.Invalid, "422", errors.New("no such droplet")))
		a.crash()
		w.eventually("the claim fails", func() bool { return b.text(condClaimFailed) != "" })
		want := "the last write to the cloud failed: assign 203.0.113.10: invalid (422, request 4f2c): no such droplet"
		if got := b.text(condClaimFailed); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !b.log.has(`level=ERROR msg="write failed"`) {
			t.Error("a hopeless write is no error in the log")
		}
		w.start(nodeA, nil)
		w.eventually("it is forgiven", func() bool { return b.text(condClaimFailed) == "" })
		w.wantMoves(0, 0)
	})
}

// TestAWriteWithoutAnAnswerIsNoFailureYet: it has taken effect, however long that takes.
func TestAWriteWithoutAnAnswerIsNoFailureYet(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.loseReplies, b.cloud.takes = true, 10*time.Second
		a.crash()
		w.eventually("the standby owns it", func() bool {
			if text := b.text(condClaimFailed); text != "" {
				w.Fatalf("meanwhile: %s", text)
			}
			return b.bound()
		})
		if !b.log.has(`level=WARN msg="write unanswered"`) {
			t.Errorf("it says\n%s", b.log.lines(slog.LevelInfo))
		}
	})
}

// TestAWriteWithoutAnAnswerHasFailedWhenItIsMadeAgain, or when the claim is over. Until then
// it is what is waited for.
func TestAWriteWithoutAnAnswerHasFailedWhenItIsMadeAgain(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.set("assign", failure("assign", providers.Ambiguous, "", errors.New("the connection ended")))
		a.crash()
		g := b.engine.groups[0]
		set := func(until time.Duration) {
			b.engine.post(func() { g.doubt.until = b.engine.clock.now().Add(until) })
			w.pass(time.Second)
		}
		waited := 0
		w.eventually("the claim fails", func() bool {
			if w := b.state().Waiting; w != nil && w.Reason == "write-pending" && w.Read != nil && !w.Read.Needs.IsZero() {
				waited++
			}
			return b.text(condClaimFailed) != ""
		})
		if waited < 10 {
			t.Errorf("%d times it waits for the read", waited)
		}
		if b.role() != "active" {
			t.Fatalf("it is %s", b.role())
		}
		set(time.Minute)
		if text := b.text(condClaimFailed); text != "" {
			t.Errorf("in doubt: %s", text)
		}
		b.engine.post(func() {
			if b.engine.doubts(g, election.GroupStatus{Role: election.Backup}) {
				t.Error("in doubt about a claim that was given up")
			}
		})
		w.pass(time.Second)
	})
}

// TestALostAnswerCostsTheTimeOfItsKind, and not all of SettleTime, where reads show that
// nothing has come of the write (docs/design.md section 5.9).
func TestALostAnswerCostsTheTimeOfItsKind(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		b := w.start(nodeB, func(n *node, _ *Options, _ *parts) {
			n.cloud.caps.LateTime4 = time.Second
			n.cloud.caps.SettleTime = 15 * time.Second
		})
		w.eventually("the owner leads", a.bound)
		w.pass(5 * time.Second)
		b.cloud.set("assign", failure("assign", providers.Ambiguous, "", errors.New("the connection ended")))
		a.crash()
		w.eventually("an answer is lost", func() bool { return b.log.has(`msg="write unanswered"`) })
		lost := time.Now()
		b.cloud.set("assign", nil)
		w.eventually("the standby owns it", b.bound)
		if took := time.Since(lost); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		w.wantMoves(1, 1)
	})
}

// TestALongTimeWithoutALeaderIsSaid, with the read that is waited for: the owner is dead and
// the API takes connections and does not answer. It is over when a node leads.
func TestALongTimeWithoutALeaderIsSaid(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.blackHole(true)
		a.crash()
		died := time.Now()
		w.pass(3 * activeDown)
		if got := b.text(condNoLeader); got != "" {
			t.Errorf("%v after the owner died: %s", time.Since(died), got)
		}
		w.pass(2 * activeDown)
		want := "nobody leads the group although this node could: "
		if got := b.text(condNoLeader); !strings.HasPrefix(got, want) {
			t.Errorf("%v after the owner died: %q", time.Since(died), got)
		}
		if r := b.state().Waiting; r == nil || r.Read == nil || r.Read.Since.IsZero() || r.Read.Needs.IsZero() || r.Read.Needs.After(r.Read.Since) {
			t.Errorf("it waits for %+v", r)
		}
		b.cloud.blackHole(false)
		w.eventually("it leads", b.bound)
		w.eventually("it is over", func() bool { return b.text(condNoLeader) == "" })
		w.wantMoves(1, 1)
	})
}

// TestNobodyMissesALeaderThatSomebodySees: across a cut link a probe shows it.
func TestNobodyMissesALeaderThatSomebodySees(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b := w.settled()
		w.pass(10 * time.Second)
		w.cutBoth(true)
		w.pass(time.Minute)
		if got := b.text(condNoLeader); got != "" || b.role() != "backup" {
			t.Errorf("%s: %s", b.role(), got)
		}
	})
}

func TestWithoutMetadataANodeCannotClaimAndSaysSo(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		b := w.start(nodeB, func(n *node, _ *Options, _ *parts) { n.meta.set(errors.New("no route")) })
		w.pass(time.Minute)
		want := "the metadata service does not say who this machine is: no route; without it this node cannot claim"
		if got := b.text(condMetadata); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if b.role() != "initialize" { // still starting
			t.Errorf("it is %s", b.role())
		}
		w.wantMoves(0, 0)
		b.meta.set(nil)
		w.eventually("it claims", b.bound)
		if got := b.text(condMetadata); got != "" {
			t.Errorf("after: %s", got)
		}
	})
}

// TestAnOwnerKnowsItselfAsSoonAsItKnowsItsName: what was read before this machine
// knew what the cloud calls it counts again.
func TestAnOwnerKnowsItselfAsSoonAsItKnowsItsName(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, func(n *node, _ *Options, _ *parts) {
			n.meta.set(errors.New("no route"))
			n.cloud.hidePrivate = true // by which it would be recognised otherwise
		})
		w.pass(20 * time.Second) // until reads are rare
		if got := a.state().Addresses[0].Owner.State; got != status.OwnerForeign {
			t.Fatalf("the owner is %s", got)
		}
		a.meta.set(nil)
		w.pass(identityRetry + 2*callTime + publishEvery)
		if !a.bound() {
			t.Errorf("it is %s", a.role())
		}
		w.wantMoves(0, 0)
	})
}

func TestAConditionThatReturnsIsNew(t *testing.T) {
	t.Parallel()
	e := &engine{log: slog.New(slog.DiscardHandler), raised: map[conditionKey]time.Time{}, cfg: &config.Config{Groups: []config.Group{{}}}}
	key := conditionKey{"web", condUnbound, ""}
	fs := []found{{key, status.SeverityCritical, "text"}}
	for minute, want := range []int{0, 0, -1, 3, 3} {
		at := since.Add(time.Duration(minute) * time.Minute)
		if want < 0 {
			if raised := e.raise(nil, at); len(raised) > 0 {
				t.Errorf("minute %d: %v", minute, raised)
			}
			continue
		}
		wantCondition := status.Condition{Code: condUnbound, Severity: status.SeverityCritical, Text: "text", Since: since.Add(time.Duration(want) * time.Minute)}
		if diff := cmp.Diff(wantCondition, e.raise(fs, at)[key]); diff != "" {
			t.Errorf("minute %d (-want +got):\n%s", minute, diff)
		}
	}
}

func TestAConditionThatSettlesIsRaisedLater(t *testing.T) {
	t.Parallel()
	e := &engine{log: slog.New(slog.DiscardHandler), raised: map[conditionKey]time.Time{}, cfg: &config.Config{Cluster: config.Cluster{AdvertInterval: time.Second}}}
	fs := []found{{conditionKey{"web", condOneWayLink, nodeA}, status.SeverityCritical, "text"}}
	for second, want := range []int{0, 0, 0, 0, 1, 1} {
		if raised := e.raise(fs, since.Add(time.Duration(second)*time.Second)); len(raised) != want {
			t.Errorf("second %d: %v", second, raised)
		}
	}
}

func TestEveryConditionIsListedOnce(t *testing.T) {
	t.Parallel()
	codes := Conditions()
	if slices.Sort(codes); len(slices.Compact(slices.Clone(codes))) != len(codes) || len(codes) != 35 {
		t.Errorf("%d codes: %v", len(codes), codes)
	}
}

func TestErrorsBecomeOneLine(t *testing.T) {
	t.Parallel()
	one, two := errors.New("one"), errors.New("two")
	for want, errs := range map[string][]error{"": {nil, nil}, "one": {nil, one, one}, "one; two": {one, nil, two, one}} {
		if got := oneLine(errs); got != want {
			t.Errorf("%v: got %q, want %q", errs, got, want)
		}
	}
}

// A standby whose credentials are turned down tells its peers, and the owner knows
// that nobody stands by while there is still time.
func TestAStandbyWithBadCredentialsIsNoStandby(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		b.cloud.set("owner", denied("read owner of"))
		w.eventually("the owner misses its standby", func() bool { return slices.Contains(a.codes(), condNoStandby) })
		want := "no other node could take over: lb-b (cannot-claim); the next failure is an outage"
		if got := a.text(condNoStandby); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		b.cloud.set("owner", nil)
		w.eventually("the standby is back", func() bool { return !slices.Contains(a.codes(), condNoStandby) })
		w.wantMoves(0, 0)
	})
}

func TestHowAPeerIsHeardShowsWhenItHasSettled(t *testing.T) {
	t.Parallel()
	const wait = 4 * time.Second
	link, other := found{key: conditionKey{"web", condOneWayLink, "lb-a"}}, found{key: conditionKey{"web", condUnbound, ""}}
	since, at := map[conditionKey]time.Time(nil), time.Unix(1_800_000_000, 0)
	for second, step := range []struct {
		holds []found
		show  int
	}{
		{[]found{link, other}, 1}, {[]found{link, other}, 1}, {nil, 0}, // it was a flicker
		{[]found{link}, 0}, {[]found{link}, 0}, {[]found{link}, 0}, {[]found{link}, 0}, {[]found{link, other}, 2}, {[]found{link}, 1}, {nil, 0}, {[]found{link}, 0},
	} {
		var show []found
		if show, since = settled(step.holds, since, at.Add(time.Duration(second)*time.Second), wait); len(show) != step.show {
			t.Errorf("second %d: %d of %d show", second, len(show), len(step.holds))
		}
	}
}

// TestANoticeThatNothingListensIsALabelForAWhile, of the peer it comes from, and only
// while that is silent.
func TestANoticeThatNothingListensIsALabelForAWhile(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.build(nodeA, nil)
		e := a.engine
		silent := election.NodeStatus{Name: nodeB, At: e.clock.now() - 1}
		e.packet = transport.Packet{From: netip.AddrPortFrom(floating, 7112), Refused: true}
		if e.noteRefusal(); e.seemsDead(silent) {
			t.Error("a notice about another address counts")
		}
		e.packet.From = privates[nodeB]
		e.noteRefusal()
		heard, later := silent, silent
		heard.Fresh, later.At = true, e.clock.now()+1
		if !e.seemsDead(silent) || e.seemsDead(heard) || e.seemsDead(later) {
			t.Errorf("silent %v, heard %v, heard since %v", e.seemsDead(silent), e.seemsDead(heard), e.seemsDead(later))
		}
		w.pass(deadFor)
		if e.seemsDead(silent) {
			t.Error("it counts for ever")
		}
	})
}

// TestAnUnboundAddressSaysWhatThatCosts: each cloud's remark once, and only for what
// nobody holds.
func TestAnUnboundAddressSaysWhatThatCosts(t *testing.T) {
	t.Parallel()
	eip, plain := newDriver(nil, nodeA), newDriver(nil, nodeA)
	eip.caps.Unbound = "it is charged for"
	nobody := controller.AddressState{Known: true}
	held := controller.AddressState{Known: true, Seen: providers.Assignment{Target: target(nodeA)}}
	for _, tt := range []struct {
		name     string
		drivers  []providers.Provider
		seen     []controller.AddressState
		expected string
	}{
		{"held", []providers.Provider{eip}, []controller.AddressState{held}, ""},
		{"not read yet", []providers.Provider{eip}, []controller.AddressState{{}}, ""},
		{"no read at all", []providers.Provider{eip}, nil, ""},
		{"held by nobody", []providers.Provider{eip}, []controller.AddressState{nobody}, "; it is charged for"},
		{"two of them", []providers.Provider{eip, eip}, []controller.AddressState{nobody, nobody}, "; it is charged for"},
		{"one that costs nothing", []providers.Provider{plain}, []controller.AddressState{nobody}, ""},
	} {
		g := &group{provider: tt.drivers, state: controller.State{Addresses: tt.seen}}
		if got := g.unboundRemark(); got != tt.expected {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.expected)
		}
	}
}
