// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// netlinkTakes is how long a kernel may take whose configuration lock is held.
const netlinkTakes = time.Second

// slow makes one kind of call of a machine's kernel take its time from now on, whatever
// becomes of the context. The channel is closed when the first has begun.
func (s *segment) slow(name, call string) (begun chan struct{}) {
	begun = make(chan struct{})
	first := true
	s.machines[name].OnCall(func(c string) {
		if c != call {
			return
		}
		if first {
			close(begun)
		}
		first = false
		time.Sleep(netlinkTakes)
	})
	return begun
}

// wait waits until something has begun.
func (w *world) wait(what string, begun chan struct{}) {
	w.Helper()
	w.eventually(what, func() bool {
		select {
		case <-begun:
			return true
		default:
			return false
		}
	})
}

// takeFrames returns who sent frames since it was last asked.
func (s *segment) takeFrames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.frames = nil }()
	return s.frames
}

// TestNoFrameLeavesAfterTheRoleIsLost is invariant 1 on a machine whose kernel takes a
// second for whatever comes before the frames.
func TestNoFrameLeavesAfterTheRoleIsLost(t *testing.T) {
	for _, call := range []string{"InterfaceByAddress", "AddHost", "Announce"} {
		t.Run(call, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				s, a, b := announcing(w)
				w.pass(7 * time.Second)
				w.wait("a refresh is under way", s.slow(nodeA, call))
				s.takeFrames()
				a.drain(status.DrainRequest{Force: true})
				w.pass(10 * time.Second)
				if heard := s.takeFrames(); slices.Contains(heard, nodeA) {
					t.Errorf("heard of %v after the role was lost", heard)
				}
				if !b.bound() || s.has(nodeA) {
					t.Errorf("the successor owns it: %v; the other machine has it: %v", b.bound(), s.has(nodeA))
				}
			})
		})
	}
}

// TestAnAnnouncementEndsBetweenItsFrames: the first frame is slow to leave, and the role
// is lost meanwhile. One frame moves an address, so it counts.
func TestAnAnnouncementEndsBetweenItsFrames(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, _ := announcing(w)
		w.pass(7 * time.Second)
		begun := make(chan struct{})
		var once bool
		s.machines[nodeA].OnAnnounce(func(f netif.Frame) error {
			if !once {
				once = true
				close(begun)
				time.Sleep(netlinkTakes)
			}
			return s.hear(nodeA, f)
		})
		w.wait("a frame is leaving", begun)
		s.takeFrames()
		a.check.set(denied("ask"))
		w.pass(10 * time.Second)
		heard := slices.DeleteFunc(s.takeFrames(), func(name string) bool { return name != nodeA })
		if len(heard) != 1 {
			t.Errorf("%d frames left", len(heard))
		}
		const want = `level=INFO msg="announcement stopped" group=web address=203.0.113.10 interface=eth0 frames=1`
		if !a.log.has(want) {
			t.Errorf("it does not say %s:\n%s", want, a.log.lines(0))
		}
		if text := a.text(condGuestAddress); text != "" {
			t.Errorf("what was withheld is told as an error: %s", text)
		}
	})
}

// lateInterfaces put an address where it belongs although the context has ended
// meanwhile, as a kernel does that has the request already.
type lateInterfaces struct {
	netif.Interfaces

	mu    sync.Mutex
	begun chan struct{} // closed when a call has begun; nil: not late yet
	late  bool          // one has
	added bool          // and the kernel has done it
	tried int           // how often a call began with a context that had not ended
}

// from makes calls late from now on.
func (l *lateInterfaces) from(begun chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = begun
}

// done reports whether the kernel has done what it was late with.
func (l *lateInterfaces) done() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.added
}

// tries returns how often it was tried since it was last asked.
func (l *lateInterfaces) tries() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.tried = 0 }()
	return l.tried
}

// begin reports whether a call is late.
func (l *lateInterfaces) begin(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() == nil {
		l.tried++
	}
	if l.begun != nil && !l.late {
		l.late = true
		close(l.begun)
	}
	return l.begun != nil
}

func (l *lateInterfaces) AddHost(ctx context.Context, addr netip.Addr, iface string) (bool, error) {
	if !l.begin(ctx) {
		return l.Interfaces.AddHost(ctx, addr, iface)
	}
	time.Sleep(netlinkTakes)
	added, err := l.Interfaces.AddHost(context.WithoutCancel(ctx), addr, iface)
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.added = true
	return added, context.Cause(ctx)
}

// announcingLate is a pair of which the owner, whose kernel can be made late, leads and has
// its first refresh behind it.
func announcingLate(w *world) (s *segment, late *lateInterfaces, a, b *node) {
	w.Helper()
	s = newSegment(w)
	late = &lateInterfaces{Interfaces: s.machines[nodeA]}
	a = w.start(nodeA, func(n *node, o *Options, p *parts) { s.join(n, o, p); p.ifaces = late })
	b = w.start(nodeB, s.join)
	w.eventually("the owner leads and its machine has the address", func() bool { return a.bound() && s.has(nodeA) })
	w.pass(7 * time.Second)
	return s, late, a, b
}

func TestWhatAnAddThatWasGivenUpHasLeftGoesAtOnce(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, late, a, _ := announcingLate(w)
		begun := make(chan struct{})
		late.from(begun)
		s.machines[nodeA].TakeOff(floating, "eth0")
		w.wait("it is being added again", begun)
		a.check.set(denied("ask"))
		w.eventually("the kernel has added it", func() bool { return late.done() })
		if a.role() == election.Active.String() {
			t.Fatal("it still leads")
		}
		w.pass(50 * time.Millisecond)
		if s.has(nodeA) {
			t.Error("the machine of a node that does not lead keeps it")
		}
		if a.log.has("change guest address") {
			t.Errorf("what was given up is told as an error:\n%s", a.log.lines(0))
		}
	})
}

// TestTheLossOfTheRoleEndsAnAdd: nothing is put on the machine any more that would have to
// be taken off.
func TestTheLossOfTheRoleEndsAnAdd(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, late, a, _ := announcingLate(w)
		w.wait("a refresh is under way", s.slow(nodeA, "InterfaceByAddress"))
		a.check.set(denied("ask"))
		w.pass(netlinkTakes / 2)
		late.tries()
		w.pass(10 * time.Second)
		if n := late.tries(); a.role() == election.Active.String() || n != 0 {
			t.Errorf("as %s it put the address on its machine %d times", a.role(), n)
		}
	})
}

// TestAStopWaitsForWhatMayHaveBeenPutOn: the step that puts the address on is given up
// when the successor is seen, and the kernel does it all the same.
func TestAStopWaitsForWhatMayHaveBeenPutOn(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, late, a, b := announcingLate(w)
		begun := make(chan struct{})
		late.from(begun)
		w.wait("it is being added again", begun)
		s.slow(nodeA, "Placed")
		w.must(a.stop())
		if !late.done() || !b.bound() || s.has(nodeA) {
			t.Errorf("the kernel has added it: %v; the successor owns it: %v; the stopped node's machine has it: %v", late.done(), b.bound(), s.has(nodeA))
		}
	})
}

// TestAnAnnouncementThatWasPermittedAndGivenUpIsNoWrite: the election was told that it
// leaves.
func TestAnAnnouncementThatWasPermittedAndGivenUpIsNoWrite(t *testing.T) {
	inWorld(t, providers.Target{}, func(w *world) {
		a, g, intent := w.stage()
		intent.announced = true
		if why := a.engine.permit(g, intent); why != election.ReasonNone {
			t.Fatalf("with nothing in the way: %s", why)
		}
		w.pass(100 * time.Millisecond)
		now := a.engine.clock.now()
		leaves := a.engine.machine.Permit("web").Own
		if why := a.engine.permit(g, intent); why != election.ReasonNone || a.engine.machine.Permit("web").Own != leaves || leaves <= now {
			t.Errorf("before the second frame: %s; over at %v, and at %v before", why, a.engine.machine.Permit("web").Own, leaves)
		}
		a.engine.guestDone(g, guestResult{job: guestJob{step: controller.Announce, write: intent}, givenUp: true, state: controller.GuestPresent})
		if own := a.engine.machine.Permit("web").Own; own != now {
			t.Errorf("it is over at %v, want %v", own, now)
		}
	})
}

// TestCancelEndsWhatPutsAnAddressOnAndNothingElse looks at the worker alone, with a step
// that waits and with one that is under way.
func TestCancelEndsWhatPutsAnAddressOnAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			m := netif.NewMemory(netif.Link{Name: "eth0", MAC: "02:00:5e:10:00:01", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.4.20/24")}})
			m.OnCall(func(string) { time.Sleep(netlinkTakes / 2) })
			results := make(chan guestResult, 1)
			w := newGuestWorker("web", m, func() election.Instant { return 1 }, func(r guestResult) { results <- r })
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error)
			defer func() { stop(); <-ended }()
			if !early {
				go func() { ended <- w.Run(ctx) }()
			}
			step := func(s controller.Step) guestResult {
				job := guestJob{ip: floating, step: s, place: guestPlace{primary: privates[nodeA].Addr()}}
				job.permit = func() election.Reason { t.Error("a permit is asked"); return election.ReasonNone }
				if !w.submit(job) {
					t.Fatal("busy")
				}
				if !early {
					time.Sleep(netlinkTakes / 4)
				}
				w.Cancel()
				if early {
					early = false
					go func() { ended <- w.Run(ctx) }()
				}
				return <-results
			}
			for _, s := range []controller.Step{controller.Announce, controller.Add} {
				if r := step(s); !r.givenUp || r.err != nil || r.frames != 0 || r.state != controller.GuestUnknown {
					t.Errorf("%s: %+v", s, r)
				}
			}
			if _, err := m.AddHost(t.Context(), floating, "eth0"); err != nil {
				t.Fatal(err)
			}
			if r := step(controller.Remove); r.givenUp || r.err != nil || r.state != controller.GuestAbsent {
				t.Errorf("a removal: %+v", r)
			}
			if names, err := m.Placed(t.Context(), floating); len(names) != 0 || err != nil {
				t.Errorf("it is still on %s, %v", strings.Join(names, ", "), err)
			}
		})
	}
}
