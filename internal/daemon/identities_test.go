// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// shows reports whether a node shows a condition of that code with these words.
func (n *node) shows(code, words string) bool {
	s := n.Snapshot()
	for _, c := range slices.Concat(s.Conditions, s.Groups[0].Conditions) {
		if c.Code == code && strings.Contains(c.Text, words) {
			return true
		}
	}
	return false
}

// The second machine runs the first one's file. Either of those who know better suffices:
// the metadata service, and the kernel.
func TestAMachineWithTheFileOfAnotherMovesNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*node)
		words  string
	}{
		{"the metadata service knows better", func(n *node) { n.addresses.set(privates[nodeA].Addr(), nil) },
			"203.0.113.10 is held by 1001, which has the private address 10.0.4.20 of lb-a, and that is 1002 by this machine's metadata service: does it run the file of another? Correct node, or --node"},
		{"the kernel knows better", func(n *node) { n.meta.id.Target = target(nodeA) },
			"no interface of this machine has 10.0.4.20, the address of lb-a, as which it runs: it has that of lb-b; set node: lb-b, or run with --node lb-b; it does not lead before"},
		{"both know better", func(*node) {}, "203.0.113.10 is held by 1001, which has the private address 10.0.4.20 of lb-a, and that is 1002 by this machine's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a, b := w.pair()
				w.pass(5 * time.Second)
				w.must(b.stop())
				w.called = map[string]string{nodeB: nodeA}
				wrong := w.start(nodeB, func(n *node, _ *Options, _ *parts) { tt.change(n) })
				w.pass(time.Minute)
				w.wantMoves(0, 0)
				if wrong.role() == "active" || !a.bound() {
					t.Errorf("it is %s, and the owner is %s", wrong.role(), a.role())
				}
				if !wrong.shows(condIdentityConflict, tt.words) {
					t.Errorf("it does not say %q, but %q", tt.words, wrong.text(condIdentityConflict))
				}
			})
		})
	}
}

// copyOf adds a machine with the private address of a node and returns it.
func (w *world) copyOf(node string) providers.Target {
	w.Helper()
	made := providers.Target{Instance: "1003"}
	w.must(w.cloud.AddInstance(fakecloud.Instance{ID: made.Instance, Region: "fra1", Private: []netip.Addr{privates[node].Addr()}}))
	return made
}

func TestACopyOfAMachineIsAStranger(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		w.must(w.cloud.Place(floating, w.copyOf(nodeA)))
		const words = "203.0.113.10 is held by 1003, which has the private address 10.0.4.20 of lb-a, and that is 1001"
		w.eventually("both say so", func() bool {
			return b.shows(condIdentityConflict, words+": a copy of this machine?") && a.shows(condIdentityConflict, words+" by this machine's metadata service")
		})
		w.pass(time.Minute)
		w.wantMoves(0, 1)
		if o := b.state().Addresses[0].Owner; o.Node != "" || o.State != "foreign" {
			t.Errorf("the status calls the owner %+v", o)
		}
		w.must(w.cloud.Place(floating, target(nodeA)))
		w.eventually("that is over", func() bool {
			return !slices.Contains(a.codes(), condIdentityConflict) && !slices.Contains(b.codes(), condIdentityConflict)
		})
	})
}

// A machine that was made anew keeps its private address, and what holds the address is
// known once its daemon is heard.
func TestAMachineThatWasMadeAnewIsKnownByItsDaemon(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, b := w.pair()
		w.pass(5 * time.Second)
		a.crash()
		made := w.copyOf(nodeA)
		w.must(w.cloud.Place(floating, made))
		w.eventually("it is a stranger", func() bool { return b.shows(condIdentityConflict, "1003") })
		again := w.start(nodeA, func(n *node, _ *Options, _ *parts) { n.meta.id.Target = made })
		w.eventually("it owns the address", func() bool { return again.bound() && b.state().Addresses[0].Owner.Node == nodeA })
		w.wantMoves(0, 1)
		w.eventually("that is over", func() bool { return !slices.Contains(b.codes(), condIdentityConflict) })
	})
}

// Until its metadata service has answered, a machine is known by its private address alone,
// as its copy is; what it read then is judged again before it may lead.
func TestWhatWasReadBeforeANodeKnewItselfIsJudgedAgain(t *testing.T) {
	for _, slow := range []time.Duration{100 * time.Millisecond, 1100 * time.Millisecond, 2 * time.Second} {
		t.Run(slow.String(), func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				w.must(w.cloud.Place(floating, w.copyOf(nodeB)))
				b := w.start(nodeB, func(n *node, _ *Options, _ *parts) { n.meta.slow = slow })
				w.pass(time.Minute)
				w.wantMoves(0, 1)
				if b.log.has("to=active") || !b.shows(condIdentityConflict, "1003, which has the private address 10.0.4.21 of lb-b, and that is 1002") {
					t.Errorf("it is %s: %q", b.role(), b.text(condIdentityConflict))
				}
			})
		})
	}
}

func TestANodeWaitsForItsAddressAndKeepsTheRoleWithoutIt(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, func(n *node, _ *Options, _ *parts) { n.addresses.set(netip.Addr{}, nil) })
		w.pass(20 * time.Second)
		if a.role() == "active" || !a.shows(condIdentityConflict, "no interface of this machine has 10.0.4.20, the address of lb-a, as which it runs: correct node") {
			t.Errorf("it is %s: %q", a.role(), a.text(condIdentityConflict))
		}
		a.addresses.set(privates[nodeA].Addr(), nil)
		w.within(3*time.Second, "it owns the address", a.bound)
		w.eventually("that is over", func() bool { return !slices.Contains(a.codes(), condIdentityConflict) })
		w.start(nodeB, nil) // who could lead
		w.pass(5 * time.Second)
		a.addresses.set(netip.Addr{}, nil)
		w.within(addressReview+time.Second, "the loss is told", func() bool {
			return a.shows(condIdentityConflict, "no interface of this machine has 10.0.4.20 any more")
		})
		w.pass(time.Minute)
		if !a.bound() || a.state().Reason != "resumed-bound" || !a.state().Nodes[0].CanClaim {
			t.Errorf("it is %s (%s), can claim: %v", a.role(), a.state().Reason, a.state().Nodes[0].CanClaim)
		}
		w.wantMoves(0, 0)
		w.must(w.cloud.Place(floating, providers.Target{}))
		w.eventually("it binds the address again", func() bool { return w.writes() == 1 && a.bound() })
	})
}

func TestAKernelThatCannotBeAskedKeepsNobodyBackForLong(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.start(nodeA, func(n *node, _ *Options, _ *parts) { n.addresses.set(netip.Addr{}, errors.New("not permitted")) })
		if w.pass(addressRetry); a.role() == "active" {
			t.Error("one question without an answer counts")
		}
		w.eventually("it owns the address", a.bound)
		if !a.shows(condIdentityConflict, "whether this machine is lb-a cannot be told: not permitted") {
			t.Errorf("it says %q", a.text(condIdentityConflict))
		}
	})
}

// What a node says of itself beats the file, which is told on both nodes.
func TestWhatAFileSaysWronglyOfANodeIsToldOnBoth(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		wrong := func(_ *node, o *Options, _ *parts) {
			o.Config.Nodes[0].Targets = map[string]string{"digitalocean": "1009"}
			o.Config.Nodes[1].Targets = map[string]string{"digitalocean": "1001"}
		}
		a, b := w.start(nodeA, wrong), w.start(nodeB, wrong)
		w.eventually("the owner is known by what it says", func() bool {
			return a.bound() && b.state().Addresses[0].Owner.Node == nodeA
		})
		const file = " 1001, nodes[].target.digitalocean of lb-a says 1009: the former counts; correct the file, or the name: it says that of lb-b"
		w.eventually("both say so", func() bool {
			return a.shows(condIdentityConflict, "the metadata service says that this node is"+file) && b.shows(condIdentityConflict, "lb-a says that it is"+file)
		})
		w.pass(time.Minute)
		w.wantMoves(0, 0)
	})
}

func TestANodeInAnotherRegionMovesNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		b := w.start(nodeB, func(n *node, o *Options, _ *parts) {
			o.Config.Providers[0].Region = "ams3"
			n.meta.id = metadata.Identity{Target: target(nodeB), Region: "fra1"}
		})
		w.pass(time.Minute)
		w.wantMoves(0, 0)
		if !b.shows(condIdentityConflict, "the metadata service says that this machine is in region fra1, providers.digitalocean.region says ams3") {
			t.Errorf("it says %q", b.text(condIdentityConflict))
		}
	})
}

// TestAnAddressThatStaysWhereItIsCostsNothing: each look of the election at its groups asks
// for as many random numbers, and the kernel is asked for this node's address for ever.
func TestAnAddressThatStaysWhereItIsCostsNothing(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		n := w.build(nodeA, nil)
		looks := 0
		n.engine.jitter = func() float64 { looks++; return 0 }
		here := ownAddress{asked: true, addr: n.engine.cfg.OwnAddress(), local: true}
		gone, untold := here, here
		gone.local = false
		untold.local, untold.err = false, errors.New("the kernel does not say")
		for _, tt := range []struct {
			name  string
			own   ownAddress
			looks bool
		}{
			{"first", here, true}, {"again", here, false}, {"gone", gone, true}, {"gone still", gone, false},
			{"not to be told", untold, true}, {"here, which is the same to the election", here, false},
		} {
			looks = 0
			if n.located(tt.own); looks > 0 != tt.looks {
				t.Errorf("%s: %d looks", tt.name, looks)
			}
			if n.engine.own != tt.own {
				t.Errorf("%s: it keeps %+v", tt.name, n.engine.own)
			}
		}
	})
}

// TestWhereThereIsNoMetadataServiceNothingIsSaidOfItsWord.
func TestWhereThereIsNoMetadataServiceNothingIsSaidOfItsWord(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		n := w.build(nodeA, nil)
		n.known()
		e := n.engine
		address := e.groups[0].cfg.Addresses[0]
		text := func() string {
			return e.copyText(e.groups[0], address, providers.Assignment{Target: stranger}, e.named()[:1])
		}
		untold := func() string {
			e.clouds.presences["digitalocean"].err = errors.New("no answer")
			for _, f := range e.daemonConditions() {
				if f.key.code == condMetadata {
					return f.text
				}
			}
			return ""
		}
		if !strings.Contains(text(), "that is 1001 by this machine's metadata service: ") || !strings.HasPrefix(untold(), "the metadata service does not say") {
			t.Errorf("with one: %s; %s", text(), untold())
		}
		e.cfg.Providers[0].MetadataEndpoint = registry.NoMetadata
		if !strings.Contains(text(), "that is 1001 by nodes[].target: ") || !strings.HasPrefix(untold(), "the file does not say") {
			t.Errorf("without one: %s; %s", text(), untold())
		}
	})
}
