// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

var (
	start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	fip   = netip.MustParseAddr("203.0.113.10")
	fip2  = netip.MustParseAddr("203.0.113.11")
	fip6  = netip.MustParseAddr("2001:db8::42")
	a     = providers.Target{Instance: "a"}
	b     = providers.Target{Instance: "b"}
	none  = providers.Target{}

	equateAddr = cmpopts.EquateComparable(netip.Addr{})
)

// clock is set by hand. It starts at start.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// newCloud has two running instances a and b in nyc3, one in ams3, one stopped,
// and three addresses in nyc3, the first held by a.
func newCloud(t *testing.T) (*fakecloud.Model, *clock) {
	t.Helper()
	c := &clock{t: start}
	m := fakecloud.New(fakecloud.Options{Now: c.Now, Rules: fakecloud.Rules{
		MaxPerInstance4: 1, SerializeInstances: true, NeedsRunning: true,
	}})
	for _, i := range []fakecloud.Instance{
		{ID: "a", Region: "nyc3"}, {ID: "b", Region: "nyc3"}, {ID: "far", Region: "ams3"},
		{ID: "off", Region: "nyc3", State: providers.InstanceStopped},
		{ID: "gone", Region: "nyc3", State: providers.InstanceGone},
	} {
		must(t, m.AddInstance(i))
	}
	must(t, m.AddAddress(fakecloud.Address{IP: fip, Region: "nyc3", Holder: a}))
	must(t, m.AddAddress(fakecloud.Address{IP: fip2, Region: "nyc3"}))
	must(t, m.AddAddress(fakecloud.Address{IP: fip6, Region: "nyc3"}))
	return m, c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// submit fails the test unless the write is accepted.
func submit(t *testing.T, m *fakecloud.Model, r fakecloud.Request) fakecloud.Operation {
	t.Helper()
	op, err := m.Submit(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Verb, r.IP, err)
	}
	return op
}

func wantHolder(t *testing.T, m *fakecloud.Model, ip netip.Addr, want providers.Target) {
	t.Helper()
	if got := m.Holder(ip); got != want {
		t.Errorf("holder of %s: got %q, want %q", ip, got, want)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	move := func(ip netip.Addr, to string) fakecloud.Request {
		return fakecloud.Request{Verb: fakecloud.Move, IP: ip, To: providers.Target{Instance: to}}
	}
	attach := fakecloud.Request{Verb: fakecloud.Attach, IP: fip, To: b}
	detach := func(ip netip.Addr, from providers.Target) fakecloud.Request {
		return fakecloud.Request{Verb: fakecloud.Detach, IP: ip, From: from}
	}
	slowMove := move(fip, "b")
	slowMove.Delay = time.Second
	event := func(m *fakecloud.Model) { _, _ = m.StartEvent("b", "snapshot", time.Minute) }
	pending := func(m *fakecloud.Model) { _, _ = m.Submit(slowMove) }

	tests := []struct {
		name   string
		before func(*fakecloud.Model)
		write  fakecloud.Request
		want   error
	}{
		{"a move between instances of the region is accepted", nil, move(fip, "b"), nil},
		{"an address nobody has is unknown", nil, move(netip.MustParseAddr("192.0.2.1"), "b"), fakecloud.UnknownAddress},
		{"an instance nobody has is unknown", nil, move(fip, "nobody"), fakecloud.UnknownInstance},
		{"a destroyed instance is unknown", nil, move(fip, "gone"), fakecloud.UnknownInstance},
		{"the zero target is no instance", nil, fakecloud.Request{IP: fip}, fakecloud.UnknownInstance},
		{"an address with a pending operation takes no other", pending, move(fip, "a"), fakecloud.AddressPending},
		{"nor can it be detached meanwhile", pending, detach(fip, none), fakecloud.AddressPending},
		{"an instance with a pending event takes no address", event, move(fip, "b"), fakecloud.InstancePending},
		{"an operation on another address keeps its target busy too", pending, move(fip2, "b"), fakecloud.InstancePending},
		{"a move to the holder is refused", nil, move(fip, "a"), fakecloud.AlreadyHolder},
		{"an attach takes nothing from a holder", nil, attach, fakecloud.Held},
		{"another region is out of reach", nil, move(fip, "far"), fakecloud.OtherRegion},
		{"a stopped instance is refused", nil, move(fip, "off"), fakecloud.InstanceNotRunning},
		{"an instance holds one address of a family", nil, move(fip2, "a"), fakecloud.InstanceFull},
		{"the other family has its own limit", nil, move(fip6, "a"), nil},
		{"what nobody holds cannot be detached", nil, detach(fip2, none), fakecloud.NotHeld},
		{"a detach names the holder or fails", nil, detach(fip, b), fakecloud.NotHolder},
		{"a detach that names the holder is accepted", nil, detach(fip, a), nil},
		{"a detach that names nobody takes any holder", nil, detach(fip, none), nil},
		{"a move that names the holder is accepted", nil, fakecloud.Request{IP: fip, From: a, To: b}, nil},
		{"a move that names another than the holder is refused", nil, fakecloud.Request{IP: fip, From: b, To: b}, fakecloud.NotHolder},
		{"an event is no write", nil, fakecloud.Request{Verb: fakecloud.Event, IP: fip, To: b}, fakecloud.BadVerb},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := newCloud(t)
			if tt.before != nil {
				tt.before(m)
			}
			before := m.View(0).Addresses()
			_, err := m.Submit(tt.write)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if after := m.View(0).Addresses(); err != nil && !cmp.Equal(before, after, equateAddr) {
				t.Errorf("a refused write changed something:\n%s", cmp.Diff(before, after, equateAddr))
			}
		})
	}
}

func TestRulesOfOtherClouds(t *testing.T) {
	t.Parallel()
	t.Run("without rules an instance may hold many, be stopped and be busy", func(t *testing.T) {
		m, _ := newCloud(t)
		m.SetRules(fakecloud.Rules{})
		_, err := m.StartEvent("off", "resize", time.Minute)
		must(t, err)
		off := providers.Target{Instance: "off"}
		submit(t, m, fakecloud.Request{IP: fip, To: off})
		submit(t, m, fakecloud.Request{IP: fip2, To: off})
		wantHolder(t, m, fip, off)
		wantHolder(t, m, fip2, off)
	})
	t.Run("a limit of IPv6 is its own", func(t *testing.T) {
		m, _ := newCloud(t)
		m.SetRules(fakecloud.Rules{MaxPerInstance6: 1})
		other := netip.MustParseAddr("2001:db8::43")
		must(t, m.AddAddress(fakecloud.Address{IP: other, Region: "nyc3", Holder: a}))
		_, err := m.Submit(fakecloud.Request{IP: fip6, To: a})
		if err != fakecloud.InstanceFull {
			t.Errorf("got %v, want %v", err, fakecloud.InstanceFull)
		}
	})
	t.Run("two targets on one instance are different holders", func(t *testing.T) {
		m, _ := newCloud(t)
		m.SetRules(fakecloud.Rules{})
		eni := providers.Target{Instance: "a", Interface: "eni-1", PrivateIP: netip.MustParseAddr("10.0.0.5")}
		submit(t, m, fakecloud.Request{Verb: fakecloud.Detach, IP: fip, From: a})
		submit(t, m, fakecloud.Request{Verb: fakecloud.Attach, IP: fip, To: eni})
		wantHolder(t, m, fip, eni)
		if got := m.Moves(fip); got != 1 {
			t.Errorf("moves: got %d, want 1", got)
		}
	})
}

func TestAnOperationTakesEffectAtItsInstant(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	op := submit(t, m, fakecloud.Request{Verb: fakecloud.Move, IP: fip, To: b, Delay: 2 * time.Second, Node: "lb-b"})
	want := fakecloud.Operation{
		ID: op.ID, Verb: fakecloud.Move, IP: fip, From: a, To: b, Instance: "b", Node: "lb-b",
		Started: start, Finished: start.Add(2 * time.Second),
	}
	if diff := cmp.Diff(want, op, equateAddr); diff != "" {
		t.Errorf("accepted operation (-want +got):\n%s", diff)
	}
	wantHolder(t, m, fip, a)
	if next, ok := m.Next(); !ok || !next.Equal(want.Finished) {
		t.Errorf("next change: got %v %v, want %v", next, ok, want.Finished)
	}
	c.advance(2*time.Second - time.Nanosecond)
	wantHolder(t, m, fip, a)
	c.advance(time.Nanosecond)
	wantHolder(t, m, fip, b)

	c.advance(time.Hour)
	want.Status = fakecloud.Completed
	got, err := m.View(0).Operation(op.ID)
	if diff := cmp.Diff(want, got, equateAddr); err != nil || diff != "" {
		t.Errorf("ended operation: %v (-want +got):\n%s", err, diff)
	}
	wantChange := []fakecloud.Change{{
		At: start.Add(2 * time.Second), IP: fip, From: a, To: b, Moved: true, Node: "lb-b", Operation: op.ID,
	}}
	if diff := cmp.Diff(wantChange, m.Changes(), equateAddr); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if next, ok := m.Next(); ok {
		t.Errorf("next change: got %v, want none", next)
	}
}

func TestPendingIsShownAndEnds(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	op := submit(t, m, fakecloud.Request{IP: fip, To: b, Delay: time.Second})
	for _, want := range []struct {
		address  int64
		instance bool
	}{{op.ID, true}, {0, false}} {
		addr, err := m.View(0).Address(fip)
		must(t, err)
		i, err := m.View(0).Instance("b")
		must(t, err)
		if addr.Pending != want.address || i.Pending != want.instance {
			t.Errorf("pending: got %d and %v, want %d and %v", addr.Pending, i.Pending, want.address, want.instance)
		}
		c.advance(time.Second)
	}
}

func TestAnEventKeepsAnInstanceBusyUntilItEnds(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	id, err := m.StartEvent("b", "snapshot", time.Minute)
	must(t, err)
	_, err = m.StartEvent("b", "resize", 2*time.Minute)
	must(t, err)
	for _, want := range []error{fakecloud.InstancePending, fakecloud.InstancePending, nil} {
		_, err := m.Submit(fakecloud.Request{IP: fip, To: b})
		if !errors.Is(err, want) {
			t.Errorf("%s after the start: got %v, want %v", m.Now().Sub(start), err, want)
		}
		c.advance(time.Minute)
	}
	op, err := m.View(0).Operation(id)
	if err != nil || op.Status != fakecloud.Completed || op.Name != "snapshot" {
		t.Errorf("event: got %+v, %v", op, err)
	}
	if _, err := m.StartEvent("nobody", "snapshot", 0); !errors.Is(err, fakecloud.UnknownInstance) {
		t.Errorf("event of an unknown instance: got %v", err)
	}
}

func TestOperationsThatEndWithoutEffect(t *testing.T) {
	t.Parallel()
	move := fakecloud.Request{Verb: fakecloud.Move, IP: fip, To: b, Delay: time.Second}
	failing := move
	failing.Fail = true
	attach := fakecloud.Request{Verb: fakecloud.Attach, IP: fip2, To: b, Delay: time.Second}
	detach := fakecloud.Request{Verb: fakecloud.Detach, IP: fip, From: a, Delay: time.Second}
	tests := []struct {
		name      string
		write     fakecloud.Request
		meanwhile func(*fakecloud.Model) error
		status    fakecloud.OperationStatus
		holder    providers.Target
	}{
		{"one that was told to fail", failing, nil, fakecloud.Errored, a},
		{"a move to an instance destroyed meanwhile", move,
			func(m *fakecloud.Model) error { return m.SetState("b", providers.InstanceGone) }, fakecloud.Errored, a},
		{"an attach that a hand in the console forestalled", attach,
			func(m *fakecloud.Model) error { return m.Place(fip2, a) }, fakecloud.Errored, a},
		{"a detach of an address that a hand moved on", detach,
			func(m *fakecloud.Model) error { return m.Place(fip, b) }, fakecloud.Errored, b},
		{"but a move wins over a hand", move,
			func(m *fakecloud.Model) error { return m.Place(fip, none) }, fakecloud.Completed, b},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, c := newCloud(t)
			op := submit(t, m, tt.write)
			if tt.meanwhile != nil {
				must(t, tt.meanwhile(m))
			}
			c.advance(time.Second)
			wantHolder(t, m, tt.write.IP, tt.holder)
			got, err := m.View(0).Operation(op.ID)
			if err != nil || got.Status != tt.status {
				t.Errorf("status: got %v, %v, want %v", got.Status, err, tt.status)
			}
			if addr, _ := m.View(0).Address(tt.write.IP); addr.Pending != 0 {
				t.Errorf("the address stayed pending: %d", addr.Pending)
			}
		})
	}
}

func TestADestroyedInstanceLosesItsAddresses(t *testing.T) {
	t.Parallel()
	m, _ := newCloud(t)
	must(t, m.SetState("a", providers.InstanceStopped))
	wantHolder(t, m, fip, a)
	must(t, m.SetState("a", providers.InstanceGone))
	wantHolder(t, m, fip, none)
	if got := m.Moves(fip); got != 0 {
		t.Errorf("moves: got %d, want 0", got)
	}
}

func TestALateWriteIsJudgedWhenItArrives(t *testing.T) {
	t.Parallel()
	const late = 30 * time.Second
	t.Run("it moves the address although its sender gave up", func(t *testing.T) {
		t.Parallel()
		m, c := newCloud(t)
		id := m.SubmitAt(start.Add(late), fakecloud.Request{IP: fip, To: b, Delay: 2 * time.Second, Node: "lb-b"})
		if _, err := m.View(0).Operation(id); !errors.Is(err, fakecloud.UnknownOperation) {
			t.Errorf("before it arrives: got %v, want %v", err, fakecloud.UnknownOperation)
		}
		c.advance(late + time.Hour)
		wantHolder(t, m, fip, b)
		want := []fakecloud.Change{{
			At: start.Add(late + 2*time.Second), IP: fip, From: a, To: b, Moved: true, Node: "lb-b", Operation: id,
		}}
		if diff := cmp.Diff(want, m.Changes(), equateAddr); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
	t.Run("it is refused by what happened in between, and stays unknown", func(t *testing.T) {
		t.Parallel()
		m, c := newCloud(t)
		id := m.SubmitAt(start.Add(late), fakecloud.Request{Verb: fakecloud.Detach, IP: fip, From: a})
		must(t, m.Place(fip, b))
		c.advance(late)
		wantHolder(t, m, fip, b)
		if _, err := m.View(0).Operation(id); !errors.Is(err, fakecloud.UnknownOperation) {
			t.Errorf("got %v, want %v", err, fakecloud.UnknownOperation)
		}
	})
	t.Run("an instant in the past is now", func(t *testing.T) {
		t.Parallel()
		m, _ := newCloud(t)
		m.SubmitAt(start.Add(-time.Hour), fakecloud.Request{IP: fip, To: b})
		wantHolder(t, m, fip, b)
		if got := m.Changes()[0].At; !got.Equal(start) {
			t.Errorf("changed at %v, want %v", got, start)
		}
	})
}

func TestWhatIsDueAtOnceHappensInItsOwnOrder(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	m.SubmitAt(start.Add(3*time.Second), fakecloud.Request{IP: fip, To: a})
	m.SubmitAt(start.Add(time.Second), fakecloud.Request{IP: fip, To: b})
	m.SubmitAt(start.Add(3*time.Second), fakecloud.Request{Verb: fakecloud.Detach, IP: fip})
	c.advance(time.Hour)
	var got []string
	for _, ch := range m.Changes() {
		got = append(got, fmt.Sprintf("%s>%s at %s", ch.From, ch.To, ch.At.Sub(start)))
	}
	want := []string{"a>b at 1s", "b>a at 3s", "a> at 3s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestTheClockNeverGoesBackwards(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	c.advance(time.Minute)
	latest := m.Now()
	c.advance(-time.Hour)
	if got := m.Now(); !got.Equal(latest) {
		t.Errorf("got %v, want %v", got, latest)
	}
}

func TestARouteHasAHolderInEachTable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := fakecloud.New(fakecloud.Options{Now: func() time.Time { return now }})
	ip, a, b := netip.MustParseAddr("172.16.0.9"), providers.Target{Instance: "a"}, providers.Target{Instance: "b"}
	for _, id := range []string{"a", "b"} {
		if err := m.AddInstance(fakecloud.Instance{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"rtb-2", "rtb-1"} {
		if err := m.AddAddress(fakecloud.Address{IP: ip, Table: table, Holder: a}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Submit(fakecloud.Request{Verb: fakecloud.Move, IP: ip, Table: "rtb-2", To: b}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, address := range m.View(0).Addresses() {
		got = append(got, address.Table+" "+address.Holder.Instance)
	}
	if diff := cmp.Diff([]string{"rtb-1 a", "rtb-2 b"}, got); diff != "" {
		t.Error(diff)
	}
	if n := m.Moves(ip); n != 1 {
		t.Errorf("%d moves, want 1", n)
	}
	if _, err := m.Submit(fakecloud.Request{Verb: fakecloud.Move, IP: ip, To: b}); err != fakecloud.UnknownAddress {
		t.Errorf("a move outside the tables: %v", err)
	}
}

// A route names its machine by an address alone, and an interface may be on no
// machine: both have an instance all the same.
func TestAHolderCanBeNamedWithoutItsInstance(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	private := netip.MustParseAddr("10.0.0.9")
	for _, i := range []fakecloud.Instance{
		{ID: "eni-1", Region: "nyc3"}, {ID: "y", Region: "nyc3", Private: []netip.Addr{private}},
		{ID: "x", Region: "nyc3", Private: []netip.Addr{private}, State: providers.InstanceGone},
	} {
		must(t, m.AddInstance(i))
	}
	byAddress, byInterface := providers.Target{PrivateIP: private}, providers.Target{Interface: "eni-1", PrivateIP: private}
	route := netip.MustParseAddr("172.16.0.9")
	must(t, m.AddAddress(fakecloud.Address{IP: route, Table: "rtb-1", Region: "nyc3", Holder: byInterface}))
	at := fakecloud.Slot{IP: route, Table: "rtb-1"}

	op := submit(t, m, fakecloud.Request{IP: route, Table: "rtb-1", To: byAddress, Delay: time.Second})
	if busy, err := m.View(0).Instance("y"); op.Instance != "y" || err != nil || !busy.Pending {
		t.Errorf("busy meanwhile: got %q, %v, want y", op.Instance, busy)
	}
	c.advance(time.Second)
	if got := m.HolderIn(at); got != byAddress {
		t.Errorf("holder: got %s, want %s", got, byAddress)
	}
	must(t, m.PlaceIn(at, byInterface))
	must(t, m.PlaceIn(at, byAddress))
	must(t, m.SetState("y", providers.InstanceGone))
	if got := m.HolderIn(at); got != byAddress {
		t.Errorf("after the machine: got %s, want it to lead nowhere", got)
	}
	if err := m.PlaceIn(at, byAddress); !errors.Is(err, fakecloud.UnknownInstance) {
		t.Errorf("to a machine that is gone: got %v", err)
	}
}
