// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/health"
)

// otherSection changes the section of the provider in the node's file, and back the next time.
func (n *node) otherSection() {
	n.w.Helper()
	n.w.must(os.WriteFile(filepath.Join(n.w.dir, "token2"), []byte("another-token\n"), 0o600))
	raw, err := os.ReadFile(n.opts.Config.Path)
	n.w.must(err)
	if strings.Contains(string(raw), "/token2}") {
		n.edit("/token2}", "/token}")
	} else {
		n.edit("/token}", "/token2}")
	}
}

// reloadOtherSection does that and reloads, of a daemon that does not run.
func (n *node) reloadOtherSection() {
	n.w.Helper()
	n.otherSection()
	r, err := n.engine.prepare(context.Background(), n.opts, n.parts.clouds)
	n.w.must(err)
	n.engine.reloaded(r)
	n.opts.Config = r.cfg
}

// changes are what a file may be changed by again and again, each two reloads being the same.
var changes = map[string]func(n *node, i int){
	"nothing": func(*node, int) {},
	"a priority": func(n *node, i int) {
		n.edit(fmt.Sprint("lb-b: ", 100+i%2), fmt.Sprint("lb-b: ", 101-i%2))
	},
	"a check": func(n *node, i int) {
		n.checks = slices.Clone(n.checks)
		n.checks[0].Fall = 1 + i%2
	},
	"another group": func(n *node, i int) {
		const before = "providers:\n"
		more := "  - {name: api, vrid: 61, addresses: [{provider: digitalocean, kind: reserved-ip, ip: \"2001:db8::61\"}]}\n"
		if i%2 == 0 {
			n.edit(before, more+before)
		} else {
			n.edit(more, "")
		}
	},
}

// TestWhatDidNotChangeSurvivesAReload: drivers, groups, and all that runs for them.
func TestWhatDidNotChangeSurvivesAReload(t *testing.T) {
	for name, tt := range map[string]struct {
		change      func(n *node)
		cloud, also bool // survive: the driver and the group; and its check
	}{
		"nothing changes":        {func(*node) {}, true, true},
		"a priority does":        {func(n *node) { changes["a priority"](n, 0) }, true, true},
		"a check does":           {func(n *node) { n.checks[0].Interval *= 2 }, true, false},
		"there is another group": {func(n *node) { changes["another group"](n, 0) }, true, true},
		"a section does":         {(*node).otherSection, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, _ := w.settled()
				cloud, g, before := reservedIPs(a.engine.clouds), a.engine.groups[0], maps.Clone(a.running)
				checker := g.checkers[0]
				tt.change(a)
				a.reloadNow()
				w.pass(2 * time.Second)
				now := a.engine.groups[0]
				if got := reservedIPs(a.engine.clouds) == cloud; got != tt.cloud {
					t.Errorf("the driver survives: %v", got)
				}
				if got := now == g; got != tt.cloud {
					t.Errorf("the group survives: %v", got)
				}
				if got := now.checkers[0] == checker; got != tt.also {
					t.Errorf("its check survives: %v", got)
				}
				for _, tk := range []task{g.runner, g.guest, worker{cloud.asides, 0}} {
					if _, runs := a.running[tk]; runs != tt.cloud {
						t.Errorf("%s still runs: %v", tk, runs)
					}
				}
				if _, ran := before[checker]; !ran || a.running[now.checkers[0]] == nil {
					t.Error("a check does not run")
				}
				w.wantMoves(0, 0)
			})
		})
	}
}

// TestAReloadGivesUpNoCall: a takeover at a slow cloud takes as long with reloads as without.
func TestAReloadGivesUpNoCall(t *testing.T) {
	t.Parallel()
	takeover := func(t *testing.T, change func(n *node, i int)) (took time.Duration) {
		inWorldNow(t, target(nodeA), func(w *world) {
			a, b := w.settled()
			a.cloud.slow(2500 * time.Millisecond)
			b.cloud.slow(2500 * time.Millisecond)
			w.pass(30 * time.Second)
			a.crash()
			died := time.Now()
			for i := 0; !b.bound() && time.Since(died) < time.Minute; i++ {
				if change != nil {
					change(b, i)
					b.signals <- syscall.SIGHUP
				}
				w.pass(900 * time.Millisecond)
			}
			took = time.Since(died)
			w.wantMoves(1, 1)
		})
		return took
	}
	want := takeover(t, nil)
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			if got := takeover(t, change); got > want {
				t.Errorf("it takes %s, without reloads %s", got, want)
			}
		})
	}
}

// TestAReloadASecondKeepsToTheBudget, whatever changes; and what changes nothing of the
// cloud costs nothing.
func TestAReloadASecondKeepsToTheBudget(t *testing.T) {
	t.Parallel()
	const long = 5 * time.Minute
	count := func(t *testing.T, change func(n *node, i int)) (reads int) {
		inWorldNow(t, target(nodeA), func(w *world) {
			a, b := w.settled()
			w.pass(time.Minute)
			a.cloud.resetCounts()
			b.cloud.resetCounts()
			for i := range int(long / time.Second) {
				if change != nil {
					change(a, i)
					a.signals <- syscall.SIGHUP
				}
				w.pass(time.Second)
			}
			if a.log.has("reload failed") {
				t.Errorf("it logs:\n%s", a.log.lines(0))
			}
			w.wantMoves(0, 0)
			reads = a.cloud.times("owner")
		})
		return reads
	}
	quiet := count(t, nil)
	most := maps.Clone(changes)
	delete(most, "another group") // which is read like at a start: at once
	most["the section"] = func(n *node, _ int) { n.otherSection() }
	b := controller.NewBudget(5000, 2)
	bound := 0
	for b.Take(1, controller.SpendOwner, 1) {
		bound++
	}
	bound += int(long / b.Ready(1, controller.SpendOwner, 1).Sub(1))
	for name, change := range most {
		t.Run(name, func(t *testing.T) {
			got, want := count(t, change), bound
			if name == "nothing" || name == "a priority" || name == "a check" {
				want = quiet + 1
			}
			if got > want {
				t.Errorf("%d reads in %s, want %d at most; without reloads %d", got, long, want, quiet)
			}
		})
	}
}

// slowProbe answers after a while.
type slowProbe struct {
	*probe
	takes time.Duration
}

func (p slowProbe) Ask(ctx context.Context, v health.Values) (string, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(p.takes):
		return p.probe.Ask(ctx, v)
	}
}

// TestReloadsHideNoFailingCheck that takes longer than the time between two of them.
func TestReloadsHideNoFailingCheck(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		slow := func(n *node, o *Options, _ *parts) {
			n.checks[0].Probe, n.checks[0].Interval, n.checks[0].Timeout = slowProbe{n.check, 1500 * time.Millisecond}, 3*time.Second, 2*time.Second
			o.Config.Groups[0].Checks = n.checks
		}
		a, b := w.start(nodeA, slow), w.start(nodeB, slow)
		w.eventually("the owner leads", a.bound)
		w.pass(10 * time.Second)
		a.check.set(errors.New("status 503"))
		for i := range 10 {
			changes["a priority"](a, i)
			a.reloadNow()
		}
		if a.role() != "fault" || !b.bound() {
			t.Errorf("the owner is %s, the standby %s", a.role(), b.role())
		}
	})
}

// TestABudgetOutlivesItsProvider: one that the file names again has spent what it has spent.
func TestABudgetOutlivesItsProvider(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.build(nodeA, nil)
		e, key := a.engine, kindOf{"digitalocean", "reserved-ip"}
		at := e.clock.now()
		for reservedIPs(e.clouds).budget.Take(at, controller.SpendOwner, 1) {
			continue
		}
		none, again := newClouds(), newClouds()
		none.keep(e.clouds)
		again.byKind[key] = &cloud{kindOf: key, budget: controller.NewBudget(5000, 2)}
		again.keep(none)
		if again.byKind[key].budget.Take(at, controller.SpendOwner, 1) {
			t.Error("the budget is full again")
		}
	})
}

// TestAPoolThatIsTooSmallServesOut: reads under way end in it, and it ends with the next reload.
func TestAPoolThatIsTooSmallServesOut(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.settled()
		cloud := reservedIPs(a.engine.clouds)
		first := cloud.reads
		w.must(a.engine.call(context.Background(), func() { first.begin(true) }))
		for i, want := range []bool{true, true, false} {
			changes["another group"](a, i)
			a.reloadNow()
			w.pass(2 * time.Second)
			if _, runs := a.running[worker{first, 0}]; runs != want {
				t.Errorf("after %d reloads the first pool runs: %v", i+1, runs)
			}
			if i == 1 {
				w.must(a.engine.call(context.Background(), func() { first.ended(true) }))
			}
		}
		if cloud.reads.workers != perAddress*2 {
			t.Errorf("%d reads at once for two addresses", cloud.reads.workers)
		}
	})
}
