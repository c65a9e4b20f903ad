// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/google/go-cmp/cmp"
)

// reload sends SIGHUP and lets it take effect.
func (n *node) reloadNow() {
	n.signals <- syscall.SIGHUP
	n.w.pass(time.Second)
}

// edit replaces a part of the node's file.
func (n *node) edit(old, replacement string) {
	n.w.Helper()
	raw, err := os.ReadFile(n.opts.Config.Path)
	n.w.must(err)
	if !strings.Contains(string(raw), old) {
		n.w.Fatalf("the file has no %q", old)
	}
	n.w.must(os.WriteFile(n.opts.Config.Path, []byte(strings.Replace(string(raw), old, replacement, 1)), 0o600))
}

func TestAReloadMovesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		before := map[string]string{nodeA: a.summary(), nodeB: b.summary()}
		for _, n := range []*node{a, b, a} {
			n.reloadNow()
			if !n.log.has(`msg="configuration reloaded"`) {
				t.Fatalf("%s did not reload", n.name)
			}
		}
		w.pass(time.Minute)
		if diff := cmp.Diff(before, map[string]string{nodeA: a.summary(), nodeB: b.summary()}); diff != "" {
			t.Errorf("state (-before +after):\n%s", diff)
		}
		w.wantMoves(0, 0)
	})
}

// summary is what a reload must leave alone.
func (n *node) summary() string {
	s := n.state()
	return fmt.Sprint(s.Role, s.Term, s.Reason, s.Since, s.Addresses[0].Owner, s.Addresses[0].Bound, s.Nodes[0].CanClaim, s.Nodes[1].CanClaim)
}

func TestAReloadForgetsNothingInBetween(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.pair()
		w.pass(5 * time.Second)
		a.cloud.blackHole(true) // no new read comes to its aid
		before := a.summary()
		a.reloadNow()
		if after := a.summary(); after != before {
			t.Errorf("before %s\nafter  %s", before, after)
		}
	})
}

func TestAnAddressIsReadAtOnceWhereItsProviderIsAnotherOne(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(a *node)
		reads  int
	}{
		"nothing changes":  {func(*node) {}, 0},
		"a section does":   {(*node).otherSection, 1},
		"another key does": {func(a *node) { a.edit("vrid: 51", "vrid: 52") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, _ := w.pair()
				w.pass(5 * time.Second)
				_, before := a.cloud.count()
				tt.change(a)
				a.signals <- syscall.SIGHUP
				w.pass(2 * callTime)
				if _, after := a.cloud.count(); after != before+tt.reads {
					t.Errorf("%d reads", after-before)
				}
			})
		})
	}
}

// TestAReloadInTheMiddleOfAWrite: the outcome of the write is still learnt, and no
// second one leaves while it may run.
func TestAReloadInTheMiddleOfAWrite(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.crash()
		w.eventually("the write has left", func() bool { return w.writes() == 1 })
		b.reloadNow()
		w.eventually("the standby owns the address", b.bound)
		w.pass(30 * time.Second)
		w.wantMoves(1, 1)
	})
}

func TestAReloadWhileAWriteIsOnItsWay(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.crash()
		w.eventually("the standby leads", func() bool { return b.role() == "active" })
		b.signals <- syscall.SIGHUP
		w.eventually("the standby owns the address", b.bound)
		w.pass(30 * time.Second)
		if got := w.cloud.Moves(floating); got != 1 {
			t.Errorf("%d moves", got)
		}
		if got := w.writes(); got != 1 {
			t.Errorf("%d writes", got)
		}
	})
}

func TestAReloadThatIsRefusedChangesNothingAndSaysWhy(t *testing.T) {
	edit := func(old, replacement string) func(w *world, path string) {
		return func(w *world, path string) {
			raw, err := os.ReadFile(path)
			w.must(err)
			if !strings.Contains(string(raw), old) {
				w.Fatalf("the file has no %q", old)
			}
			w.must(os.WriteFile(path, []byte(strings.Replace(string(raw), old, replacement, 1)), 0o600))
		}
	}
	tests := []struct {
		name string
		edit func(w *world, path string)
		open error // of the drivers
		want string
	}{
		{"the file is gone", func(w *world, path string) { w.must(os.Remove(path)) }, nil,
			"read configuration again: FILE: cannot be read: no such file or directory; name the file with --config"},
		{"the file has a mistake", edit("vrid: 51\n", "vrid: 510\n    claim_timeout: 1s\n"), nil,
			"read configuration again: FILE:10: groups[0].vrid: 510 is outside 1 to 255; use a number that no other group has; FILE:11: groups[0].claim_timeout: 1s is outside 3s to 10m; use 15s"},
		{"the change takes a restart", edit("cluster: {id: web,", "cluster: {id: shop,"), nil,
			"apply configuration: FILE: cluster.id: changes from web to shop, which takes a restart; restart fipctl, or undo the change"},
		{"the drivers cannot be made", func(*world, string) {}, errors.New("set up provider digitalocean: no token"),
			"apply configuration: set up provider digitalocean: no token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				opened := 0
				a := w.start(nodeA, func(n *node, _ *Options, p *parts) {
					p.clouds = func(cfg *config.Config) (*clouds, error) {
						if opened++; opened > 1 && tt.open != nil {
							return nil, tt.open
						}
						return n.clouds(cfg)
					}
				})
				w.eventually("the node leads", a.bound)
				before, path := a.summary(), a.opts.Config.Path
				tt.edit(w, path)
				a.reloadNow()
				want := "the last reload changed nothing: " + strings.ReplaceAll(tt.want, "FILE", path)
				if got := a.text(condReloadFailed); got != want {
					t.Errorf("condition:\ngot  %s\nwant %s", got, want)
				}
				if after := a.summary(); after != before {
					t.Errorf("before %s\nafter  %s", before, after)
				}
				tt.open = nil
				w.write(nodeA, "")
				a.reloadNow()
				if got := a.text(condReloadFailed); got != "" {
					t.Errorf("after a good reload: %s", got)
				}
			})
		})
	}
}

func TestAReloadOfADaemonThatIsStoppingIsRefused(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.pair()
		w.pass(5 * time.Second)
		a.signals <- syscall.SIGTERM
		a.signals <- syscall.SIGHUP
		if err := a.wait(); err != nil {
			t.Errorf("end: %v", err)
		}
		if !a.log.has("reload refused") || a.log.has("configuration reloaded") {
			t.Error("it was reloaded")
		}
		w.wantMoves(1, 1)
	})
}

func TestAnotherAddressAfterAReloadStartsWithoutKnowledge(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, nil)
		w.eventually("the node leads", a.bound)
		path := a.opts.Config.Path
		raw, err := os.ReadFile(path)
		w.must(err)
		w.must(os.WriteFile(path, []byte(strings.Replace(string(raw), "203.0.113.10", "203.0.113.11", 1)), 0o600))
		a.reloadNow()
		w.pass(time.Second) // it was read again
		s := a.state().Addresses[0]
		if s.Bound || s.Owner.State != status.OwnerUnknown || !strings.HasSuffix(s.ReadError, ": the address does not exist") {
			t.Errorf("what is said of an address that does not exist: %+v", s)
		}
	})
}

// TestAReloadOfAChangedFileMovesNothing, on one node after the other: in between their
// files differ.
func TestAReloadOfAChangedFileMovesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		for _, n := range []*node{a, b} {
			raw, err := os.ReadFile(n.opts.Config.Path)
			w.must(err)
			changed := strings.Replace(string(raw), "priority: {lb-a: 110, lb-b: 100}", "priority: {lb-a: 90, lb-b: 200}\n    claim_timeout: 20s", 1)
			if changed == string(raw) {
				t.Fatal("nothing is changed")
			}
			w.must(os.WriteFile(n.opts.Config.Path, []byte(changed), 0o600))
			n.reloadNow()
			if !n.log.has(`msg="configuration reloaded"`) {
				t.Fatalf("%s did not reload: %s", n.name, n.text(condReloadFailed))
			}
			w.pass(20 * time.Second)
		}
		w.pass(time.Minute)
		if !a.bound() || b.role() != "backup" {
			t.Errorf("roles %s and %s", a.role(), b.role())
		}
		w.wantMoves(0, 0)
	})
}

// TestTheCallsAnHourAreThoseOfTheFile, and the kinds in use share them.
func TestTheCallsAnHourAreThoseOfTheFile(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.build(nodeA, func(_ *node, o *Options, _ *parts) { o.Config.Providers[0].CallsPerHour = 900 })
		cs, cfg := a.engine.clouds, a.engine.cfg
		c := reservedIPs(cs)
		if want := controller.NewBudget(900, 2); c.budget != want {
			t.Errorf("the budget is %+v", c.budget)
		}
		cs.byKind[kindOf{"digitalocean", "another"}] = &cloud{kindOf: kindOf{"digitalocean", "another"}, driver: a.cloud}
		if got := cs.callsPerHour(cfg, c); got != 450 {
			t.Errorf("one of two kinds has %d", got)
		}
	})
}

func TestAReloadSaysWhatIsHardlyMeant(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.pair()
		w.must(os.Chmod(a.opts.Config.Path, 0o666))
		if a.log.has("can be changed by others") {
			t.Fatal("it was said before")
		}
		a.reloadNow()
		for _, words := range []string{`msg="configuration reloaded"`, "level=WARN msg=configuration", "can be changed by others"} {
			if !a.log.has(words) {
				t.Errorf("the log has no %s", words)
			}
		}
	})
}

// TestAnotherVRIDIsTheSameGroup: its role goes on, and so does what is known of it, whoever
// has read the new file, and whoever dies meanwhile.
func TestAnotherVRIDIsTheSameGroup(t *testing.T) {
	for name, tt := range map[string]struct{ first, dies string }{
		"on the owner first":                {nodeA, ""},
		"on the standby first":              {nodeB, ""},
		"on the owner and the standby dies": {nodeA, nodeB},
		"on the owner which dies":           {nodeA, nodeA},
		"on the standby and the owner dies": {nodeB, nodeA},
		"on the standby which dies":         {nodeB, nodeB},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := w.pair()
				w.pass(5 * time.Second)
				nodes := map[string]*node{nodeA: a, nodeB: b}
				other := func(n *node) {
					before := n.state()
					n.edit("vrid: 51", "vrid: 52")
					n.reloadNow()
					if now := n.state(); now.Role != before.Role || now.Since != before.Since {
						t.Errorf("%s was %s since %s and is %s since %s", n.name, before.Role, before.Since, now.Role, now.Since)
					}
				}
				other(nodes[tt.first])
				w.pass(20 * time.Second)
				if tt.dies == "" {
					for _, n := range nodes {
						if n.name != tt.first {
							other(n)
						}
					}
					w.pass(20 * time.Second)
					w.wantMoves(0, 0)
				} else {
					nodes[tt.dies].crash()
					delete(nodes, tt.dies)
				}
				moves := 0
				if tt.dies == nodeA {
					moves = 1
				}
				w.within(10*time.Second, "the address is served", func() bool {
					return slices.ContainsFunc(slices.Collect(maps.Values(nodes)), (*node).bound)
				})
				w.wantMoves(moves, moves)
			})
		})
	}
}

// TestAReloadKeepsAGroupThatThisNodeLeads until it is drained here.
func TestAReloadKeepsAGroupThatThisNodeLeads(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.settled()
		before, path := a.summary(), w.otherGroup(nodeA, true)
		a.reloadNow()
		w.pass(10 * time.Second)
		want := "the last reload changed nothing: apply configuration: " + path + ": groups: web is missing, and this node leads it; put it back, or run " +
			`"fipctl drain web" (with --force if no other node is to take it, which leaves its addresses where they are) and reload again`
		if got := a.text(condReloadFailed); got != want {
			t.Errorf("condition:\ngot  %s\nwant %s", got, want)
		}
		if after := a.summary(); after != before {
			t.Errorf("before %s\nafter  %s", before, after)
		}
		w.wantMoves(0, 0)
		a.drain(status.DrainRequest{})
		w.eventually("the other leads", b.bound)
		a.reloadNow()
		w.pass(10 * time.Second)
		if got := a.state().Name; got != "other" {
			t.Errorf("its group is %s", got)
		}
		if !a.log.has(`msg="group removed" group=web role=drained addresses=203.0.113.10 owner=lb-b`) {
			t.Errorf("it logs:\n%s", a.log.lines(slog.LevelInfo))
		}
		w.wantMoves(1, 1)
	})
}

// TestAFileThatIsHalfWrittenIsReadAgain: what counts is there a second later.
func TestAFileThatIsHalfWrittenIsReadAgain(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, _ := w.settled()
		w.otherGroup(nodeA, true)
		a.signals <- syscall.SIGHUP
		w.pass(500 * time.Millisecond)
		w.otherGroup(nodeA, false)
		w.pass(5 * time.Second)
		if got := a.text(condReloadFailed); got != "" || !a.log.has(`msg="configuration reloaded"`) {
			t.Errorf("it did not reload: %s", got)
		}
		w.wantMoves(0, 0)
	})
}

// TestANodeThatLeavesReadsNothingAgain: a stop waits for no file.
func TestANodeThatLeavesReadsNothingAgain(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b := w.settled()
		w.otherGroup(nodeB, true)
		b.signals <- syscall.SIGHUP
		w.pass(100 * time.Millisecond)
		w.must(b.stop())
		if b.log.has("a task did not end") || b.log.has("reload failed") {
			t.Errorf("it logs:\n%s", b.log.lines(slog.LevelInfo))
		}
	})
}

// TestANodeThatIsHeardStaysInTheFileOfTheLeader: it would take over.
func TestANodeThatIsHeardStaysInTheFileOfTheLeader(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.start(nodeA, allKeys), w.start(nodeB, allKeys)
		w.eventually("the owner leads", a.bound)
		w.pass(5 * time.Second)
		a.reloadWith(nodeB, "lb-c")
		w.pass(10 * time.Second)
		want := "the last reload changed nothing: apply configuration: " + a.opts.Config.Path + ": nodes: lb-b is missing, and it is heard: " +
			"it would hear nothing any more and take over; put it back, or stop its daemon first"
		if got := a.text(condReloadFailed); got != want {
			t.Errorf("condition:\ngot  %s\nwant %s", got, want)
		}
		w.must(b.stop())
		w.pass(5 * time.Second)
		a.reloadNow()
		if got := a.text(condReloadFailed); got != "" || a.Snapshot().Groups[0].Nodes[1].Name != "lb-c" {
			t.Errorf("without it: %s", got)
		}
		w.wantMoves(0, 0)
	})
}

func TestAReloadSetsTheLevelOfTheLog(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		level := &slog.LevelVar{}
		a := w.start(nodeA, func(_ *node, o *Options, _ *parts) { o.LogLevel = level })
		a.edit("\nnodes:\n", "\nlog: {level: debug}\nnodes:\n")
		a.reloadNow()
		if level.Level() != slog.LevelDebug {
			t.Errorf("it is %s", level)
		}
	})
}
