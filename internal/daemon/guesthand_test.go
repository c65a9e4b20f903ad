// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// absence takes the address off a machine as a hand does, and returns for how long the
// machine is without it.
func (w *world) absence(m *netif.Memory, iface string) time.Duration {
	w.Helper()
	if !m.TakeOff(floating, iface) {
		w.Fatal("it is not there")
	}
	return w.away(m, iface)
}

// away returns how long it takes until a machine has the address.
func (w *world) away(m *netif.Memory, iface string) time.Duration {
	w.Helper()
	began := time.Now()
	for range 40_000 {
		synctest.Wait()
		if on, err := m.Placed(context.Background(), floating); slices.Contains(on, iface) || err != nil {
			w.must(err)
			return time.Since(began)
		}
		w.pass(time.Millisecond)
	}
	w.Fatal("it never comes back")
	return 0
}

// configured makes a node's address one that the machine must have.
func configured(n *node, _ *Options, _ *parts) { n.cloud.caps.Guest4 = providers.GuestAddress }

// configuredPair starts both nodes, of which the first holds an address that its machine
// must have; change may alter it.
func configuredPair(w *world, change func(*parts)) (a *node) {
	w.Helper()
	a = w.start(nodeA, func(n *node, o *Options, p *parts) {
		configured(n, o, p)
		if change != nil {
			change(p)
		}
	})
	w.start(nodeB, configured)
	w.eventually("the owner leads and its machine has the address", func() bool {
		on, _ := a.ifaces.Placed(context.Background(), floating)
		return a.bound() && slices.Contains(on, netif.Loopback)
	})
	return a
}

const putBackLine = `level=WARN msg="address was removed by somebody, put back" group=web address=203.0.113.10 interface=%s times=%d`

// TestAPutBackThatAReloadOvertookIsToldAndCounted, once.
func TestAPutBackThatAReloadOvertookIsToldAndCounted(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		e.learn(g, controller.Observation{}) // of one address
		g.state.Addresses[0].Placed, g.sides[0].iface = true, "lo"
		a.reloadOtherSection()
		before := e.groups[0].state
		e.guestDone(g, guestResult{job: guestJob{step: controller.Add}, iface: "lo", added: true, state: controller.GuestPresent, ended: e.clock.now()})
		if line := fmt.Sprintf(putBackLine, "lo", 1); !a.log.has(line) || e.groups[0].sides[0].times != 1 {
			t.Errorf("it does not say: %s", line)
		}
		if diff := cmp.Diff(before, e.groups[0].state, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("the group in its place believes a step of another (-before +after):\n%s", diff)
		}
	})
}

func TestWhatAHandTakesOffIsBackAtOnce(t *testing.T) {
	t.Run("an address that the machine must have", func(t *testing.T) {
		inWorld(t, target(nodeA), func(w *world) {
			a := configuredPair(w, nil)
			for n := 1; n <= backsCondition; n++ {
				if a.text(condAddressRemoved) != "" {
					t.Errorf("a condition after %d times", n-1)
				}
				if gap := w.absence(a.ifaces, netif.Loopback); gap != 0 {
					t.Errorf("it is away for %s", gap)
				}
				if line := fmt.Sprintf(putBackLine, "lo", n); !a.log.has(line) {
					t.Errorf("it does not say: %s", line)
				}
				w.pass(time.Minute)
			}
			want := "203.0.113.10 was removed from lo by somebody 3 times within ten minutes, and put back; " +
				"keep whatever manages the interface from doing so: KeepConfiguration=static for systemd-networkd, unmanaged-devices=interface-name:lo for NetworkManager"
			if got := a.text(condAddressRemoved); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			w.pass(7 * time.Minute)
			if got := a.text(condAddressRemoved); got != "" {
				t.Errorf("ten minutes after the first: %s", got)
			}
		})
	})
	t.Run("an announced one is announced anew too", func(t *testing.T) {
		inWorld(t, target(nodeA), func(w *world) {
			s, a, _ := announcing(w)
			w.pass(7 * time.Second)
			s.take()
			w.eventually("it has just been announced", func() bool { return len(s.take()) > 0 })
			if gap := w.absence(s.machines[nodeA], "eth0"); gap != 0 {
				t.Errorf("it is away for %s", gap)
			}
			w.pass(100 * time.Millisecond) // for the read that the gate wants
			if heard := s.take(); !slices.Equal(heard, []string{nodeA}) {
				t.Errorf("announced by %v", heard)
			}
			if line := fmt.Sprintf(putBackLine, "eth0", 1); !a.log.has(line) {
				t.Errorf("it does not say: %s", line)
			}
		})
	})
	t.Run("after events were lost", func(t *testing.T) {
		inWorld(t, target(nodeA), func(w *world) {
			a := configuredPair(w, nil)
			a.ifaces.Deafen(true)
			a.ifaces.TakeOff(floating, netif.Loopback)
			w.pass(5 * time.Second)
			a.ifaces.Deafen(false)
			if gap := w.away(a.ifaces, netif.Loopback); gap != 0 {
				t.Errorf("it is away for %s", gap)
			}
		})
	})
}

// TestANetworkManagerThatBeginsAnew takes off everything, the address by which the interface
// is found too, and puts back what it knows.
func TestANetworkManagerThatBeginsAnew(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, _ := announcing(w)
		w.pass(7 * time.Second)
		m, primary := s.machines[nodeA], netip.PrefixFrom(privates[nodeA].Addr(), 24)
		m.TakeOff(primary.Addr(), "eth0")
		m.TakeOff(floating, "eth0")
		w.pass(300 * time.Millisecond)
		if want := "find interface with address 10.0.4.20: none has it"; s.has(nodeA) || !strings.Contains(a.text(condGuestAddress), want) {
			t.Errorf("without the primary address: %s", a.text(condGuestAddress))
		}
		m.PutOn(primary, "eth0")
		if gap := w.away(m, "eth0"); gap != 0 {
			t.Errorf("it is away for another %s", gap)
		}
		w.pass(time.Second)
		if line := fmt.Sprintf(putBackLine, "eth0", 1); !a.log.has(line) || a.text(condGuestAddress) != "" {
			t.Errorf("conditions %v; does it say so: %s", a.codes(), line)
		}
	})
}

// afterAdd calls a hook when an address is on and the step is not over.
type afterAdd struct {
	netif.Interfaces
	hook atomic.Pointer[func()]
}

func (l *afterAdd) AddHost(ctx context.Context, addr netip.Addr, iface string) (bool, error) {
	added, err := l.Interfaces.AddHost(ctx, addr, iface)
	if hook := l.hook.Load(); hook != nil {
		(*hook)()
	}
	return added, err
}

// TestAHandThatIsFasterThanAStep: the address goes while the step that put it back has not
// told so yet. What it ends with is from before.
func TestAHandThatIsFasterThanAStep(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		late := &afterAdd{}
		a := configuredPair(w, func(p *parts) { late.Interfaces, p.ifaces = p.ifaces, late })
		hands := 2
		hook := func() {
			if hands--; hands > 0 {
				a.ifaces.TakeOff(floating, netif.Loopback)
				time.Sleep(10 * time.Millisecond)
			}
		}
		late.hook.Store(&hook)
		if gap := w.absence(a.ifaces, netif.Loopback); gap > 20*time.Millisecond {
			t.Errorf("it is away for %s", gap)
		}
	})
}

func TestWhatTheNodeTakesOffItselfIsNoRemoval(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, b := announcing(w)
		for range backsCondition + 1 {
			for _, n := range []*node{b, a} {
				n.assign(status.AssignRequest{})
				w.eventually("it owns the address, alone", func() bool { return n.bound() && s.has(n.name) && !(s.has(nodeA) && s.has(nodeB)) })
			}
		}
		w.pass(time.Minute)
		for _, n := range []*node{a, b} {
			if n.log.has("removed by somebody") || n.text(condAddressRemoved) != "" {
				t.Errorf("%s took it for a removal:\n%s", n.name, n.log.lines(slog.LevelWarn))
			}
		}
	})
}

// aside reports whether a condition says that the address is off, and for how long yet.
func aside(text string) bool {
	return regexp.MustCompile(`, and is off now: it is put back in [1-5] s, since it was removed so often; keep`).MatchString(text)
}

// TestAFightOverAnAddressOnTheMachine plays a program that takes the address off as soon as
// it is there.
func TestAFightOverAnAddressOnTheMachine(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := configuredPair(w, nil)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error)
		taken, off := 0, 0
		go func() {
			ended <- a.ifaces.Watch(ctx, func(e netif.Event) {
				if e.Kind == netif.EventAdded {
					taken++
					a.ifaces.TakeOff(e.Addr, e.Iface)
				}
			})
		}()
		synctest.Wait() // until it watches
		a.ifaces.TakeOff(floating, netif.Loopback)
		for range 60 {
			w.pass(time.Second)
			if on, _ := a.ifaces.Placed(context.Background(), floating); len(on) == 0 && aside(a.text(condAddressRemoved)) {
				off++
			}
		}
		stop()
		w.must(<-ended)
		if taken < 15 || taken > 20 {
			t.Errorf("it was put back %d times in a minute", taken)
		}
		if off < 45 {
			t.Errorf("in %d of 60 seconds it is said that it is off and when it is put back: %s", off, a.text(condAddressRemoved))
		}
		if n := strings.Count(a.log.lines(slog.LevelWarn), "removed by somebody"); n != backsLogged {
			t.Errorf("it is told %d times", n)
		}
		if gap := w.away(a.ifaces, netif.Loopback); gap > 5*time.Second || a.text(condAddressRemoved) == "" {
			t.Errorf("after the fight it is away for %s; conditions %v", gap, a.codes())
		}
		w.pass(time.Second)
		if got := a.text(condAddressRemoved); aside(got) || !strings.Contains(got, "times within ten minutes, and put back; keep") {
			t.Errorf("it is back: %s", got)
		}
	})
}

// unwatched cannot be watched.
type unwatched struct {
	netif.Interfaces
	err   error
	tries atomic.Int64
}

func (u *unwatched) Watch(context.Context, func(netif.Event)) error {
	u.tries.Add(1)
	return u.err
}

func TestWhereNothingCanBeWatchedTheReviewRemains(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		u := &unwatched{err: fmt.Errorf("watch interfaces: %w on plan9", errors.ErrUnsupported)}
		a := configuredPair(w, func(p *parts) { u.Interfaces, p.ifaces = p.ifaces, u })
		if gap := w.absence(a.ifaces, netif.Loopback); gap > 30*time.Second {
			t.Errorf("it is away for %s", gap)
		}
		if line := fmt.Sprintf(putBackLine, "lo", 1); !a.log.has(line) || u.tries.Load() != 1 {
			t.Errorf("watched %d times; does it say so: %s", u.tries.Load(), line)
		}
		if want := `level=INFO msg="interfaces are not watched" error="watch interfaces: unsupported operation on plan9"`; !a.log.has(want) {
			t.Errorf("it does not say: %s", want)
		}
	})
}

func TestAWatchThatFailsIsBegunAgain(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		u := &unwatched{err: errors.New("watch interfaces: too many open files")}
		a := configuredPair(w, func(p *parts) { u.Interfaces, p.ifaces = p.ifaces, u })
		u.tries.Store(0)
		w.pass(time.Minute)
		if n := u.tries.Load(); n < 11 || n > 13 {
			t.Errorf("tried %d times in a minute", n)
		}
		want := `level=WARN msg="interfaces are not watched; what others do to them is seen late" error="watch interfaces: too many open files" again_in=5s`
		if n := strings.Count(a.log.lines(slog.LevelWarn), want); n != 1 {
			t.Errorf("told %d times: %s", n, want)
		}
	})
}

func TestAnInterfaceThatGoesDownIsToldAtOnce(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, b := announcing(w)
		w.pass(7 * time.Second)
		s.machines[nodeA].SetLink("eth0", false)
		w.pass(2 * publishEvery)
		want := `interface eth0 is set down: what is sent to the group's addresses does not arrive here; another node takes over when it does not hear this one, or when this one's checks fail; "ip link set ... up", and find out who set it down`
		if got := a.text(condLinkDown); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.pass(time.Minute)
		if !a.bound() || !s.has(nodeA) || b.bound() {
			t.Errorf("the link alone moved the group: %s, %s", a.role(), b.role())
		}
		s.take()
		s.machines[nodeA].SetLink("eth0", true)
		w.pass(2 * publishEvery)
		if heard := s.take(); !slices.Equal(heard, []string{nodeA}) || a.text(condLinkDown) != "" || a.text(condGuestAddress) != "" {
			t.Errorf("after it is up again: announced by %v, conditions %v", heard, a.codes())
		}
	})
}

// TestAStandbyThatCouldNotAnnounceIsNone: its claim would be in vain (decision 28).
func TestAStandbyThatCouldNotAnnounceIsNone(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, b := announcing(w)
		s.machines[nodeB].SetLink("eth0", false)
		w.eventually("the owner knows that nobody stands by", func() bool { return strings.Contains(a.text(condNoStandby), "lb-b (cannot-claim)") })
		if want := "interface eth0 is set down: this node could not serve the group; "; !strings.HasPrefix(b.text(condLinkDown), want) {
			t.Errorf("got %q, want %q", b.text(condLinkDown), want)
		}
		a.crash()
		w.pass(30 * time.Second)
		if b.role() != election.Backup.String() {
			t.Errorf("it is %s", b.role())
		}
		s.machines[nodeB].SetLink("eth0", true)
		w.eventually("it leads once it can", b.bound)
	})
}

func TestALinkThatIsOfNoUseToAGroupIsNotTold(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, _ := announcing(w)
		e := a.engine
		w.must(e.call(context.Background(), func() {
			for range 3 {
				e.guestEvent(netif.Event{Kind: netif.EventDown, Iface: "veth7", Why: netif.WhyNoCarrier})
				e.guestEvent(netif.Event{Kind: netif.EventDown, Iface: "veth7", Why: netif.WhyGone})
			}
			if len(e.down) != 0 {
				t.Errorf("remembered: %v", e.down)
			}
		}))
		w.pass(time.Second)
		if a.text(condLinkDown) != "" || !s.has(nodeA) {
			t.Errorf("conditions %v", a.codes())
		}
	})
}
