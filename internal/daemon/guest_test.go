// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// segment is what the announcing machines of a world share: their interfaces, which
// outlive the daemons, and who announced what.
type segment struct {
	w        *world
	machines map[string]*netif.Memory

	mu     sync.Mutex
	heard  []string // "lb-a", in the order of the announcements
	frames []string // the same of each frame
	deaf   bool     // the cloud takes no notice
}

// announceDelay is how long the cloud takes to notice.
const announceDelay = 300 * time.Millisecond

func newSegment(w *world) *segment {
	s := &segment{w: w, machines: map[string]*netif.Memory{}}
	for name, at := range privates {
		m := netif.NewMemory(netif.Link{Name: netif.Loopback}, netif.Link{
			Name: "eth0", MAC: "02:00:5e:10:00:0" + name[len(name)-1:], Prefixes: []netip.Prefix{netip.PrefixFrom(at.Addr(), 24)},
		})
		m.OnAnnounce(func(f netif.Frame) error { return s.hear(name, f) })
		s.machines[name] = m
	}
	return s
}

func (s *segment) hear(name string, f netif.Frame) error {
	addr, iface := f.Addr, f.Iface
	s.mu.Lock()
	if s.frames = append(s.frames, name); !f.Reply {
		s.heard = append(s.heard, name)
	}
	deaf := s.deaf
	s.mu.Unlock()
	if iface != "eth0" {
		return errors.New("announced on " + iface)
	}
	if deaf || s.w.cloud.Holder(addr) == target(name) {
		return nil
	}
	_, err := s.w.cloud.Submit(fakecloud.Request{Verb: fakecloud.Move, IP: addr, To: target(name), Node: name, Delay: announceDelay})
	time.AfterFunc(announceDelay, func() { s.w.cloud.Holder(addr) })
	return ignoreRefusal(err)
}

// ignoreRefusal forgets that an earlier announcement has not taken effect yet.
func ignoreRefusal(err error) error {
	var r fakecloud.Refusal
	if errors.As(err, &r) {
		return nil
	}
	return err
}

// join makes a node's address one that moves by announcement.
func (s *segment) join(n *node, _ *Options, p *parts) {
	n.cloud.caps.Guest4, n.cloud.caps.MovesWithoutAPI, n.cloud.caps.AtomicMove = providers.GuestAnnounce, true, false
	n.cloud.caps.SettleTime = 0
	n.meta.id.Target.PrivateIP = privates[n.name].Addr()
	n.ifaces = s.machines[n.name]
	p.ifaces = n.ifaces
}

// has reports on which interfaces of a machine the address is.
func (s *segment) has(name string) bool {
	on, err := s.machines[name].Placed(context.Background(), floating)
	s.w.must(err)
	return slices.Contains(on, "eth0")
}

// take returns who announced since it was last asked.
func (s *segment) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.heard = nil }()
	return s.heard
}

func (s *segment) setDeaf(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = yes
}

// announcing starts both nodes, the first of which holds the address.
func announcing(w *world) (s *segment, a, b *node) {
	s = newSegment(w)
	a, b = w.start(nodeA, s.join), w.start(nodeB, s.join)
	w.eventually("the owner leads and its machine has the address", func() bool { return a.bound() && s.has(nodeA) })
	return s, a, b
}

// TestAMachineWhoseCloudTellsNoPrivateAddressHasItsOwn: where the file alone says what it is
// called, that may be the id of the machine and no more. The interface is that of the address
// which the machine has to have.
func TestAMachineWhoseCloudTellsNoPrivateAddressHasItsOwn(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s := newSegment(w)
		bare := func(n *node, o *Options, p *parts) {
			s.join(n, o, p)
			n.meta.id.Target.PrivateIP = netip.Addr{}
		}
		a, b := w.start(nodeA, bare), w.start(nodeB, bare)
		w.eventually("the owner leads and its machine has the address", func() bool { return a.bound() && s.has(nodeA) })
		a.crash()
		w.eventually("the standby owns the address", func() bool { return b.bound() && s.has(nodeB) })
	})
}

func TestAnAnnouncedAddressMovesWithoutACloudWrite(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, b := announcing(w)
		if s.has(nodeB) {
			t.Error("the standby's machine has it too")
		}
		a.crash()
		s.take()
		w.eventually("the standby owns the address", b.bound)
		if !s.has(nodeB) || slices.Contains(s.take(), nodeA) {
			t.Error("it is not on the new owner's machine, or the dead node announced")
		}
		for _, want := range []string{`msg="address announced" group=web address=203.0.113.10 interface=eth0`, `msg="address bound" group=web`} {
			if !strings.Contains(b.log.lines(slog.LevelDebug), want) {
				t.Errorf("not logged: %s", want)
			}
		}
		if w.writes() != 0 {
			t.Errorf("%d cloud writes", w.writes())
		}
		if !s.has(nodeA) {
			t.Fatal("a killed daemon took the address off")
		}
		w.start(nodeA, s.join)
		w.eventually("the restarted node takes off what its earlier process left", func() bool { return !s.has(nodeA) })
		if slices.Contains(s.take(), nodeA) || !s.has(nodeB) {
			t.Error("the restarted node announced, or the owner lost the address")
		}
	})
}

func TestAnOwnerRefreshesWhatTheNetworkKnows(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, b := announcing(w)
		w.pass(10 * time.Second)
		s.take()
		reads := func() int { _, n := a.cloud.count(); return n }
		before := reads()
		w.pass(time.Minute)
		heard := s.take()
		if len(heard) < 11 || len(heard) > 13 || slices.Contains(heard, nodeB) {
			t.Errorf("announcements in a minute: %v", heard)
		}
		if n := reads() - before; n < 11 || n > 14 {
			t.Errorf("%d owner reads in a minute", n)
		}
		a.cloud.blackHole(true)
		w.pass(10 * time.Second)
		s.take()
		w.pass(time.Minute)
		if heard := s.take(); len(heard) < 5 {
			t.Errorf("without the cloud, with the peer: %v", heard)
		}
		b.crash()
		w.pass(10 * time.Second)
		s.take()
		w.pass(time.Minute)
		if heard := s.take(); len(heard) != 0 {
			t.Errorf("without the cloud, without the peer: %v", heard)
		}
		if !a.bound() || !s.has(nodeA) {
			t.Error("it gave the address up")
		}
		a.cloud.blackHole(false)
		w.eventually("it announces again when the cloud is back", func() bool { return len(s.take()) > 0 })
	})
}

func TestALeaverStopsAnnouncingFirstAndKeepsTheAddressUntilTheSuccessorIsSeen(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, b := announcing(w)
		w.pass(7 * time.Second)
		s.setDeaf(true)
		s.take()
		done := make(chan struct{})
		go func() { defer close(done); a.assign(status.AssignRequest{To: nodeB}) }()
		w.eventually("the successor announces", func() bool { return slices.Contains(s.take(), nodeB) })
		w.pass(8 * time.Second)
		if heard := s.take(); slices.Contains(heard, nodeA) || !slices.Contains(heard, nodeB) {
			t.Errorf("announced while it hands over: %v", heard)
		}
		if !s.has(nodeA) {
			t.Error("the leaver took the address off before the successor was seen to hold it")
		}
		s.setDeaf(false)
		w.eventually("the successor owns it, and the leaver's machine does not have it", func() bool {
			return b.bound() && !s.has(nodeA)
		})
		<-done
	})
}

func TestAStopLeavesNoAnnouncedAddressBehindAndARestartKeepsIt(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, b := announcing(w)
		removals := 0
		machine := s.machines[nodeA]
		counting := &countingInterfaces{Interfaces: machine, removed: &removals}
		a.signals <- syscall.SIGUSR1
		w.must(a.wait())
		a = w.start(nodeA, func(n *node, o *Options, p *parts) { s.join(n, o, p); p.ifaces = counting })
		w.eventually("the restarted owner leads again", a.bound)
		w.pass(5 * time.Second)
		if removals != 0 || !s.has(nodeA) {
			t.Errorf("the address was taken off %d times by a restart", removals)
		}
		w.must(a.stop())
		if s.has(nodeA) {
			t.Error("the stopped node's machine still has the address")
		}
		w.eventually("the successor owns it", b.bound)
	})
}

// countingInterfaces counts what is taken off.
type countingInterfaces struct {
	netif.Interfaces
	removed *int
}

func (c *countingInterfaces) RemoveHost(ctx context.Context, addr netip.Addr, iface string) error {
	*c.removed++
	return c.Interfaces.RemoveHost(ctx, addr, iface)
}

func TestANodeThatCannotAnnounceGivesTheClaimAway(t *testing.T) {
	inWorld(t, providers.Target{}, func(w *world) {
		s := newSegment(w)
		s.machines[nodeA].OnAnnounce(func(netif.Frame) error { return errors.New("no buffer space available") })
		a, b := w.start(nodeA, s.join), w.start(nodeB, s.join)
		began := time.Now()
		w.eventually("the node that can owns the address", b.bound)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v: the claim was tried on until its time was over", took)
		}
		if s.has(nodeA) {
			t.Error("the other one's machine has it")
		}
		if !a.log.has("announce 203.0.113.10 on eth0: no buffer space available") {
			t.Error("it does not say why")
		}
	})
}

func TestAnAnnouncementThatFailsIsACondition(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s := newSegment(w)
		a := w.start(nodeA, s.join)
		w.eventually("it owns the address", a.bound)
		s.machines[nodeA].DenyAnnounce(errors.New("operation not permitted; run as root or with CAP_NET_RAW"))
		w.eventually("the condition appears", func() bool { return a.text(condGuestAddress) != "" })
		want := "an address of this machine could not be changed or announced: announce 203.0.113.10 on eth0: operation not permitted; run as root or with CAP_NET_RAW"
		for range 80 { // it does not come and go with the address, which can be added
			if got := a.text(condGuestAddress); got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			w.pass(500 * time.Millisecond)
		}
		if n := strings.Count(a.log.lines(slog.LevelDebug), "change guest address"); n != 1 {
			t.Errorf("it is logged %d times", n)
		}
		s.machines[nodeA].DenyAnnounce(nil)
		w.eventually("and goes", func() bool { return a.text(condGuestAddress) == "" })
	})
}

func TestADaemonThatCannotAnnounceDoesNotStart(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s := newSegment(w)
		w.build(nodeA, func(n *node, o *Options, p *parts) {
			s.machines[nodeA].DenyAnnounce(errors.New("open packet socket: operation not permitted; run as root or with CAP_NET_RAW"))
			p.ifaces = s.machines[nodeA]
			if _, err := assemble(*o, *p); err != nil {
				t.Errorf("where nothing is announced: %v", err)
			}
			s.join(n, o, p)
			_, err := assemble(*o, *p)
			want := "group web: announce 203.0.113.10: open packet socket: operation not permitted; run as root or with CAP_NET_RAW"
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			s.machines[nodeA].DenyAnnounce(nil)
		})
	})
}

func TestAnAnnouncementIsAMoveInOneStepThatNeedsNoAPI(t *testing.T) {
	t.Parallel()
	d := newDriver(nil, nodeA)
	d.caps.AtomicMove, d.caps.MovesWithoutAPI = false, true
	if g := electionGroup(&config.Config{}, config.Group{}, []providers.Provider{d}, false); !g.AtomicMove || g.NeedsAPI {
		t.Errorf("got %+v", g)
	}
}

// TestAnAnnouncementAsksTheGateWhenItLeaves is invariants 1 and 7 at the last moment:
// the address may have been added by then, and goes again.
func TestAnAnnouncementAsksTheGateWhenItLeaves(t *testing.T) {
	inWorld(t, providers.Target{}, func(w *world) {
		a, g, intent := w.stage()
		intent.announced = true
		if why := a.engine.permit(g, intent); why != election.ReasonNone {
			t.Errorf("with nothing in the way: %s", why)
		}
		w.pass(10 * time.Second) // the node does not run
		if why := a.engine.permit(g, intent); why != election.ReasonNotActive {
			t.Errorf("after a stall: %s", why)
		}
	})
	t.Run("worker", func(t *testing.T) {
		t.Parallel()
		m := netif.NewMemory(netif.Link{Name: "eth0", MAC: "02:00:5e:10:00:01", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.4.20/24")}})
		m.OnAnnounce(func(netif.Frame) error { t.Error("announced without a permit"); return nil })
		w := newGuestWorker("web", m, func() election.Instant { return 1 }, nil)
		job := guestJob{ip: floating, step: controller.Announce, place: guestPlace{primary: privates[nodeA].Addr()}}
		job.permit = func() election.Reason { return election.ReasonNotActive }
		r := w.do(t.Context(), job)
		if r.refused != election.ReasonNotActive || r.state != controller.GuestPresent || r.err != nil {
			t.Errorf("got %+v", r)
		}
		job.place = guestPlace{}
		want := "add 203.0.113.10: the primary private address of this machine, which tells the interface, is not known"
		if r := w.do(t.Context(), job); r.err == nil || r.err.Error() != want {
			t.Errorf("without the primary address: %v", r.err)
		}
	})
}

func TestWhereAnAddressBelongs(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.build(nodeA, nil)
		e, g := a.engine, a.engine.groups[0]
		primary, own := netip.MustParseAddr("10.0.4.77"), netip.MustParseAddr("10.0.4.78")
		e.cfg.Listen = netip.AddrPortFrom(own, 7112) // which something translates to
		for _, tt := range []struct {
			name  string
			kind  string
			guest providers.GuestStep
			known bool
			want  guestPlace
		}{
			{"a routed address is on loopback", providers.KindRoute, providers.GuestAddress, true, guestPlace{loopback: true}},
			{"an announced one on the interface of the primary address", providers.KindHAVIP, providers.GuestAnnounce, true, guestPlace{primary: primary}},
			{"a private one too", providers.KindPrivateIP, providers.GuestAddress, true, guestPlace{primary: primary}},
			{"of a machine of which the cloud tells none", providers.KindPrivateIP, providers.GuestAddress, true, guestPlace{primary: own}},
			{"which may not be known yet", providers.KindPrivateIP, providers.GuestAddress, false, guestPlace{}},
		} {
			c := reservedIPs(e.clouds)
			delete(e.clouds.byKind, c.kindOf)
			c.kind, c.at.known = tt.kind, tt.known
			if c.at.identity.Target.PrivateIP = primary; tt.want.primary == own {
				c.at.identity.Target.PrivateIP = netip.Addr{}
			}
			g.cfg.Addresses[0].Kind, g.policy.Addresses[0].Guest = tt.kind, tt.guest
			e.clouds.byKind[c.kindOf] = c
			if got := e.place(g, 0); got != tt.want {
				t.Errorf("%s: %+v", tt.name, got)
			}
			delete(e.clouds.byKind, c.kindOf)
			c.kind = "reserved-ip"
			e.clouds.byKind[c.kindOf] = c
		}
	})
}

func TestGuestStepsGoToTheKernelUnlessALabPlaysIt(t *testing.T) {
	t.Parallel()
	log := &journal{}
	o := Options{Config: &config.Config{Node: nodeA}, Log: slog.New(slog.NewTextHandler(log, nil))}
	if ifaces, err := openInterfaces(o); ifaces != (netif.Kernel{}) || err != nil {
		t.Errorf("by default: %T, %v", ifaces, err)
	}
	if log.lines(slog.LevelDebug) != "" {
		t.Errorf("logged: %s", log.lines(slog.LevelDebug))
	}
	o.GuestEndpoint = "http://127.0.0.1:8080"
	if ifaces, err := openInterfaces(o); err != nil {
		t.Error(err)
	} else if _, ok := ifaces.(*netif.Remote); !ok {
		t.Errorf("with an endpoint: %T", ifaces)
	}
	if !log.has(`level=WARN msg="guest steps go to an endpoint and not to the kernel" endpoint=http://127.0.0.1:8080`) {
		t.Errorf("it does not say so: %s", log.lines(slog.LevelDebug))
	}
	o.GuestEndpoint = "127.0.0.1:8080"
	want := `guest endpoint "127.0.0.1:8080": give an URL such as http://127.0.0.1:8080`
	if _, err := openInterfaces(o); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
