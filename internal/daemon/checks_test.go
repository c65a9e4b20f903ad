// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/pkg/providers"
)

// anchorProbe asks the service at the anchor IP, which takes a while to answer.
type anchorProbe struct{ health.Probe }

func (p anchorProbe) Ask(ctx context.Context, v health.Values) (string, error) {
	if _, err := health.Expand("{anchor}:80", v); err != nil {
		return "", err
	}
	select {
	case <-time.After(400 * time.Millisecond):
	case <-ctx.Done():
	}
	return p.Probe.Ask(ctx, v)
}

// anchoredChecks makes the node's check one of the anchor IP, which a metadata service
// tells that takes its time, and far between.
func anchoredChecks(slow time.Duration, anchor netip.Addr) func(*node, *Options, *parts) {
	return func(n *node, o *Options, _ *parts) {
		n.meta.slow, n.meta.id.Anchor = slow, anchor
		c := &o.Config.Groups[0].Checks[0]
		c.Probe, c.Interval = anchorProbe{c.Probe}, 30*time.Second
	}
}

var anchorIP = netip.MustParseAddr("10.19.0.5")

// TestAPlainRestartMovesNothingHoweverLongTheIntervalOfAChecks: the first run comes before
// metadata has answered, and the next by the rhythm after every peer's patience.
func TestAPlainRestartMovesNothingHoweverLongTheIntervalOfAChecks(t *testing.T) {
	for _, slow := range []time.Duration{0, 20 * time.Millisecond, 4 * time.Second, 8 * time.Second} {
		t.Run(slow.String(), func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				checks := anchoredChecks(slow, anchorIP)
				a, b := w.start(nodeA, checks), w.start(nodeB, checks)
				w.eventually("the owner leads", a.bound)
				w.pass(time.Minute)
				a.signals <- syscall.SIGUSR1
				w.must(a.wait())
				w.pass(time.Second)
				a = w.start(nodeA, checks)
				began := time.Now()
				w.eventually("the owner leads again", a.bound)
				if took := time.Since(began); took > slow+time.Second { // of virtual time
					t.Errorf("the owner was back %v after its start, and the metadata after %v", took, slow)
				}
				w.pass(time.Minute)
				if b.role() != "backup" {
					t.Errorf("the standby is %s", b.role())
				}
				w.wantMoves(0, 0)
				if log := a.log.lines(slog.LevelWarn); strings.Contains(log, "cannot tell") {
					t.Errorf("waiting for metadata was told as a check that cannot tell:\n%s", log)
				}
			})
		})
	}
}

// TestNobodyLeadsBeforeACheckThatNeedsTheAnchorHasRun has the failure show only once the
// check can be run: the node must not have led until then.
func TestNobodyLeadsBeforeACheckThatNeedsTheAnchorHasRun(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		checks := anchoredChecks(4*time.Second, anchorIP)
		a := w.start(nodeA, func(n *node, o *Options, p *parts) {
			checks(n, o, p)
			n.check.set(errors.New("status 503"))
		})
		w.eventually("the check has run", func() bool { return a.role() == "fault" })
		w.pass(time.Minute)
		if a.log.has("to=active") {
			t.Error("the node led before its check had run")
		}
		w.wantMoves(0, 0)
	})
}

func TestNodesThatCannotTellHaveALeaderAndSayThatTheyCannot(t *testing.T) {
	unsure := fmt.Errorf("connect to db:1: permission denied: %w", health.ErrInconclusive)
	mute := func(n *node, _ *Options, _ *parts) { n.check.set(unsure) }
	for name, holder := range map[string]providers.Target{"held": target(nodeB), "unbound": {}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, holder, func(w *world) {
				a, b := w.start(nodeA, mute), w.start(nodeB, mute)
				w.eventually("somebody owns it", func() bool { return a.bound() || b.bound() })
				w.pass(time.Minute)
				if !holder.IsZero() {
					w.wantMoves(0, 0)
				}
				for _, n := range w.nodes {
					want := "check service cannot tell: connect to db:1: permission denied: cannot tell; " +
						"it never told since the start, so this node leads only if it did or nobody else can"
					if got := n.text(condCheckInconclusive); got != want {
						t.Errorf("%s says %q, want %q", n.name, got, want)
					}
					if log := n.log.lines(slog.LevelWarn); strings.Count(log, "check cannot tell") != 1 {
						t.Errorf("%s logs:\n%s", n.name, log)
					}
					rec := httptest.NewRecorder()
					n.metrics.Handler(n.standing).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
					if want := "fipctl_checks_inconclusive{group=\"web\"} 1\n"; !strings.Contains(rec.Body.String(), want) {
						t.Errorf("%s does not count it", n.name)
					}
				}
				b.check.set(nil)
				a.check.set(nil)
				w.eventually("it is over", func() bool {
					return a.text(condCheckInconclusive) == "" && b.text(condCheckInconclusive) == ""
				})
			})
		})
	}
}

func TestACheckThatCannotTellAnyMoreKeepsWhatItTold(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.check.set(health.ErrInconclusive)
		w.pass(time.Minute)
		if !a.bound() {
			t.Errorf("the owner is %s", a.role())
		}
		w.wantMoves(0, 0)
		if got := a.text(condCheckInconclusive); got != "check service cannot tell: cannot tell; what it told before stands: passing" {
			t.Errorf("it says %q", got)
		}
		a.check.set(errors.New("status 503"))
		w.eventually("the standby owns it", b.bound)
		a.check.set(health.ErrInconclusive)
		w.pass(time.Minute)
		if a.role() != "fault" {
			t.Errorf("a node whose check failed and cannot tell any more is %s", a.role())
		}
	})
}

// TestAMachineWithoutAnAnchorStillLeads: the metadata service has answered, and a check
// that needs more than it says cannot tell.
func TestAMachineWithoutAnAnchorStillLeads(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		checks := anchoredChecks(time.Second, netip.Addr{})
		a, b := w.start(nodeA, checks), w.start(nodeB, checks)
		w.eventually("the owner leads", a.bound)
		w.pass(30 * time.Second)
		if b.role() != "backup" || !strings.Contains(a.text(condCheckInconclusive), "{anchor} has no value") {
			t.Errorf("the other is %s, and the owner says %q", b.role(), a.text(condCheckInconclusive))
		}
		w.wantMoves(0, 0)
	})
}

// patient gives the node's check `fall: 3`, in the file of every reload too.
func patient(n *node, o *Options, p *parts) {
	checks := o.Config.Groups[0].Checks
	checks[0].Fall = 3
	p.clouds = func(cfg *config.Config) (*clouds, error) {
		cfg.Groups[0].Checks = checks
		return n.clouds(cfg)
	}
}

func TestAReloadKeepsTheCountOfAnUnchangedCheck(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.start(nodeA, patient), w.start(nodeB, nil)
		w.eventually("the owner leads", a.bound)
		w.pass(5 * time.Second)
		told := strings.Count(a.log.lines(slog.LevelInfo), "check changed")
		for range 5 { // one failure after each reload
			a.check.set(errors.New("status 503"))
			a.reloadNow()
			a.check.set(nil)
			w.pass(2 * time.Second)
		}
		if !a.bound() {
			t.Errorf("the owner is %s", a.role())
		}
		w.wantMoves(0, 0)
		if now := strings.Count(a.log.lines(slog.LevelInfo), "check changed"); now != told {
			t.Errorf("it logs:\n%s", a.log.lines(slog.LevelInfo))
		}
		a.check.set(errors.New("status 503"))
		w.pass(1500 * time.Millisecond) // of 3 s that it takes
		a.reloadNow()
		w.within(3*time.Second, "the standby owns it", b.bound)
	})
}

// TestOneFailureRightAfterARestartIsNoFailover: the owner is not out before fall failures.
func TestOneFailureRightAfterARestartIsNoFailover(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.start(nodeA, patient), w.start(nodeB, nil)
		w.eventually("the owner leads", a.bound)
		w.pass(time.Minute)
		a.signals <- syscall.SIGUSR1
		w.must(a.wait())
		a = w.start(nodeA, func(n *node, o *Options, p *parts) {
			patient(n, o, p)
			n.check.set(errors.New("status 503"))
		})
		w.pass(500 * time.Millisecond)
		if a.role() != "initialize" {
			t.Errorf("after one failure it is %s", a.role())
		}
		a.check.set(nil)
		w.within(3*time.Second, "the owner leads again", a.bound)
		w.pass(time.Minute)
		w.wantMoves(0, 0)
		if b.log.has("to=active") || a.log.has("to=fault") {
			t.Error("one failure was a failover")
		}
	})
}

func TestANodeThatStartsWithADeadServiceIsInFaultAfterFallFailures(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, func(n *node, o *Options, p *parts) {
			patient(n, o, p)
			n.check.set(errors.New("status 503"))
		})
		w.pass(1500 * time.Millisecond)
		if a.role() != "initialize" {
			t.Errorf("after two failures it is %s", a.role())
		}
		w.pass(time.Second)
		if a.role() != "fault" || a.log.has("to=active") {
			t.Errorf("after three failures it is %s", a.role())
		}
	})
}

func TestARelapseWithinTheReturnDelayIsTheReason(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		for range 2 {
			b.check.set(errors.New("status 503"))
			w.pass(2 * time.Second)
			if s := b.state(); s.Role != "fault" || s.Reason != "check-failed" {
				t.Errorf("while its check fails it is %s because %s", s.Role, s.Reason)
			}
			b.check.set(nil)
			w.pass(2 * time.Second)
			if s := b.state(); s.Role != "fault" || s.Reason != "return-delay" {
				t.Errorf("while its check passes again it is %s because %s", s.Role, s.Reason)
			}
		}
		if !a.bound() {
			t.Errorf("the owner is %s", a.role())
		}
	})
}

// TestACheckThatHasNotAnsweredHasNotFailed: a standby whose check waits for metadata, and one
// whose check has failed less than `fall` times.
func TestACheckThatHasNotAnsweredHasNotFailed(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		b := w.start(nodeB, func(n *node, o *Options, p *parts) {
			anchoredChecks(0, anchorIP)(n, o, p)
			n.meta.set(errors.New("no route to host"))
		})
		why := func(want string) {
			t.Helper()
			w.pass(1500 * time.Millisecond)
			for _, n := range []*node{a, b} {
				if got := n.state().Nodes[1].Ineligible; got != want {
					t.Errorf("to %s the standby is %q, want %q", n.name, got, want)
				}
			}
		}
		why("cannot-claim")
		w.must(b.stop())
		b = w.start(nodeB, func(n *node, o *Options, p *parts) {
			patient(n, o, p)
			n.check.set(errors.New("status 503"))
		})
		why("starting")
		why("unhealthy")
	})
}

func TestACheckThatTellsAgainHasNotChanged(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, func(n *node, o *Options, _ *parts) {
			o.Config.Groups[0].Checks[0].Rise = 3
			n.check.set(errors.New("exit status 1"))
		})
		w.pass(1500 * time.Millisecond)
		a.check.set(health.ErrInconclusive)
		w.pass(time.Second)
		a.check.set(nil) // once of three times
		w.pass(time.Second)
		if log := a.log.lines(slog.LevelWarn); strings.Count(log, "check changed") != 1 || !a.log.has("check tells again") {
			t.Errorf("it logs:\n%s", log)
		}
	})
}

// TestACheckThatCannotTellIsNoLastFailure: the check that failed last is not one that cannot tell.
func TestACheckThatCannotTellIsNoLastFailure(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, func(n *node, _ *Options, _ *parts) { n.check.set(health.ErrInconclusive) })
		w.pass(5 * time.Second)
		failed := true
		w.must(a.engine.call(context.Background(), func() { failed = a.engine.groups[0].lastFailed }))
		if failed {
			t.Error("a check that cannot tell counts as one that failed last")
		}
	})
}

func TestAReloadKeepsWhatAnUnchangedCheckTold(t *testing.T) {
	t.Parallel()
	check := func(name string, argv ...string) health.Check {
		return health.Check{Name: name, Probe: health.Exec{Argv: argv}}
	}
	o := &group{results: map[string]health.Result{}, cfg: config.Group{Checks: []health.Check{check("a", "x", "1"), check("b", "y"), check("c", "z")}}}
	o.checks = newStandings(o.cfg.Checks)
	for i := range o.checks {
		o.checks[i].State = health.Failing
	}
	g := &group{cfg: config.Group{Checks: []health.Check{check("c", "z"), check("a", "x", "2"), check("d", "y")}}}
	g.checks = newStandings(g.cfg.Checks)
	g.inheritChecks(o)
	for i, want := range []health.State{health.Failing, health.Unknown, health.Unknown} {
		if got := g.checks[i].State; got != want {
			t.Errorf("check %s is %v, want %v", g.checks[i].Check, got, want)
		}
	}
}
