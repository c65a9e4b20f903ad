// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestMovesCountTargetsThatReallyChanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		hands []providers.Target // the console places the address on each
		want  int
	}{
		{"nothing happened", nil, 0},
		{"to another target and back", []providers.Target{b, a}, 2},
		{"where it was", []providers.Target{a}, 0},
		{"unbound", []providers.Target{none}, 0},
		{"unbound and bound again where it was", []providers.Target{none, a}, 0},
		{"unbound and bound elsewhere is one move", []providers.Target{none, b}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := newCloud(t)
			for _, to := range tt.hands {
				must(t, m.Place(fip, to))
			}
			if got := m.Moves(fip); got != tt.want {
				t.Errorf("moves: got %d, want %d", got, tt.want)
			}
		})
	}
	t.Run("the first holder ever is a move", func(t *testing.T) {
		t.Parallel()
		m, _ := newCloud(t)
		must(t, m.Place(fip2, b))
		if got := m.Moves(fip2); got != 1 {
			t.Errorf("moves: got %d, want 1", got)
		}
	})
}

func TestStaleReadsShowThePast(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	op := submit(t, m, fakecloud.Request{IP: fip, To: b, Delay: 2 * time.Second})
	must(t, m.SetState("a", providers.InstanceStopped))
	c.advance(5 * time.Second)
	tests := []struct {
		lag     time.Duration
		holder  providers.Target
		pending int64
		status  fakecloud.OperationStatus
	}{
		{0, b, 0, fakecloud.Completed},
		{3 * time.Second, b, 0, fakecloud.Completed},
		{3*time.Second + 1, a, op.ID, fakecloud.Pending},
		{5 * time.Second, a, op.ID, fakecloud.Pending},
	}
	for _, tt := range tests {
		v := m.View(tt.lag)
		addr, err := v.Address(fip)
		must(t, err)
		got, err := v.Operation(op.ID)
		must(t, err)
		if addr.Holder != tt.holder || addr.Pending != tt.pending || got.Status != tt.status {
			t.Errorf("%v ago: got %q %d %d, want %q %d %d", tt.lag,
				addr.Holder, addr.Pending, got.Status, tt.holder, tt.pending, tt.status)
		}
		if held := v.Held(tt.holder.Instance); len(held) != 1 || held[0].IP != fip {
			t.Errorf("%v ago: %s held %v, want only %s", tt.lag, tt.holder, held, fip)
		}
	}
	if _, err := m.View(5*time.Second + 1).Operation(op.ID); !errors.Is(err, fakecloud.UnknownOperation) {
		t.Errorf("an operation that had not begun: got %v", err)
	}
	if i, _ := m.View(6 * time.Second).Instance("a"); i.State != providers.InstanceRunning {
		t.Errorf("before the first state: got %v, want the first", i.State)
	}
}

// TestABusyObjectIsKeptAsFarBackAsAReplicaMayBeOld: how often an address changes must
// not decide how old a read can be.
func TestABusyObjectIsKeptAsFarBackAsAReplicaMayBeOld(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	const changes, apart = 9000, 20 * time.Millisecond // twice as far back as is asked
	for i := range changes {
		c.advance(apart)
		must(t, m.Place(fip, []providers.Target{a, b}[i%2]))
	}
	for _, ago := range []time.Duration{apart, fakecloud.LookBack / 2, fakecloud.LookBack - apart, fakecloud.LookBack} {
		got, err := m.View(ago).Address(fip)
		must(t, err)
		if want := c.Now().Add(-ago); !got.Since.Equal(want) {
			t.Errorf("%v ago: held by %v since %v, want since %v", ago, got.Holder, got.Since, want)
		}
	}
}

func TestListsOfOperationsAreNewestFirst(t *testing.T) {
	t.Parallel()
	m, _ := newCloud(t)
	first := submit(t, m, fakecloud.Request{IP: fip, To: b})
	event, err := m.StartEvent("b", "snapshot", time.Minute)
	must(t, err)
	last := submit(t, m, fakecloud.Request{IP: fip, To: a})
	ids := func(ops []fakecloud.Operation) (ids []int64) {
		for _, op := range ops {
			ids = append(ids, op.ID)
		}
		return ids
	}
	v := m.View(0)
	if diff := cmp.Diff([]int64{last.ID, first.ID}, ids(v.AddressOperations(fip))); diff != "" {
		t.Errorf("of the address (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{event, first.ID}, ids(v.InstanceOperations("b"))); diff != "" {
		t.Errorf("of the instance (-want +got):\n%s", diff)
	}
}

func TestWatchersHearEveryChangeInOrder(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	var heard []string
	stop := m.OnChange(func(ch fakecloud.Change) {
		// A watcher may look at the model, and even change it.
		heard = append(heard, fmt.Sprintf("%s>%s at %s, now %s", ch.From, ch.To, ch.At.Sub(start), m.Holder(fip)))
		if ch.To == b {
			must(t, m.Place(fip, a))
		}
	})
	// The second watcher hears in the same order what the first one causes.
	var second []providers.Target
	m.OnChange(func(ch fakecloud.Change) { second = append(second, ch.To) })
	submit(t, m, fakecloud.Request{IP: fip, To: b, Delay: time.Second})
	if len(heard) != 0 {
		t.Errorf("heard before anything changed: %v", heard)
	}
	c.advance(3 * time.Second)
	m.Holder(fip)
	want := []string{"a>b at 1s, now b", "b>a at 3s, now a"}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]providers.Target{b, a}, second, equateAddr); diff != "" {
		t.Errorf("the second watcher heard (-want +got):\n%s", diff)
	}
	stop()
	must(t, m.Place(fip, none))
	if len(heard) != len(want) {
		t.Errorf("heard after stop: %v", heard[len(want):])
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	id := m.Arrive(fakecloud.Entry{Method: "POST", Path: "/x", Body: strings.Repeat("x", 1000), Write: true})
	op := submit(t, m, fakecloud.Request{IP: fip, To: b, Delay: 2 * time.Second})
	c.advance(time.Second)
	m.Answer(id, fakecloud.Entry{Node: "lb-b", Status: 201, Effect: "moved", Operation: op.ID, RequestID: "r", Fault: "slow"})
	open := m.Arrive(fakecloud.Entry{Method: "GET", Path: "/y"})
	want := []fakecloud.Entry{
		{
			ID: id, Node: "lb-b", Method: "POST", Path: "/x", Body: strings.Repeat("x", 256), Write: true, Status: 201,
			Fault: "slow", Effect: "moved", RequestID: "r", Operation: op.ID, Arrived: start, Answered: start.Add(time.Second),
		},
		{ID: open, Method: "GET", Path: "/y", Arrived: start.Add(time.Second)},
	}
	if diff := cmp.Diff(want, m.Journal()); diff != "" {
		t.Errorf("before the effect (-want +got):\n%s", diff)
	}
	c.advance(time.Hour)
	want[0].Applied = start.Add(2 * time.Second)
	if diff := cmp.Diff(want, m.Journal()); diff != "" {
		t.Errorf("after the effect (-want +got):\n%s", diff)
	}
}

func TestTheJournalDropsTheOldestEntries(t *testing.T) {
	t.Parallel()
	m := fakecloud.New(fakecloud.Options{Now: func() time.Time { return start }, JournalMax: 2})
	for range 3 {
		m.Arrive(fakecloud.Entry{})
	}
	m.Answer(1, fakecloud.Entry{Status: 200}) // dropped: must not land on another entry
	m.Answer(3, fakecloud.Entry{Status: 204})
	want := []fakecloud.Entry{{ID: 2, Arrived: start}, {ID: 3, Arrived: start, Answered: start, Status: 204}}
	if diff := cmp.Diff(want, m.Journal()); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestTheRecordsAreBounded(t *testing.T) {
	t.Parallel()
	m, c := newCloud(t)
	first := submit(t, m, fakecloud.Request{IP: fip, To: b})
	for range 5000 {
		c.advance(time.Second)
		to := a
		if m.Holder(fip) == a {
			to = b
		}
		submit(t, m, fakecloud.Request{IP: fip, To: to})
	}
	if _, err := m.View(0).Operation(first.ID); !errors.Is(err, fakecloud.UnknownOperation) {
		t.Errorf("the oldest operation: got %v, want it forgotten", err)
	}
	if addr, _ := m.View(5000 * time.Second).Address(fip); addr.Since.Before(start.Add(4000 * time.Second)) {
		t.Errorf("the oldest version kept is of %v, want a recent one", addr.Since)
	}
	if got := m.Moves(fip); got != 5001 {
		t.Errorf("moves: got %d, want 5001: the count is not bounded", got)
	}
}

func TestBadSetUpIsOneClearError(t *testing.T) {
	t.Parallel()
	m, _ := newCloud(t)
	tests := []struct {
		err  error
		want string
	}{
		{m.AddInstance(fakecloud.Instance{Name: "web"}), `add instance "web": the id is empty`},
		{m.AddInstance(fakecloud.Instance{ID: "a"}), "add instance a: it exists already"},
		{m.AddAddress(fakecloud.Address{}), "add address: the IP is missing"},
		{m.AddAddress(fakecloud.Address{IP: fip}), "add address 203.0.113.10: it exists already"},
		{m.AddAddress(fakecloud.Address{IP: netip.MustParseAddr("192.0.2.1"), Holder: providers.Target{Instance: "x"}}),
			"add address 192.0.2.1 held by x: the instance does not exist"},
		{m.SetState("x", providers.InstanceGone), "set state of instance x: the instance does not exist"},
		{m.Place(netip.MustParseAddr("192.0.2.1"), a), "place 192.0.2.1: the address does not exist"},
		{m.Place(fip, providers.Target{Instance: "x"}), "place 203.0.113.10 on x: the instance does not exist"},
	}
	for _, tt := range tests {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("got %v, want %s", tt.err, tt.want)
		}
	}
}

func TestConcurrentUseLosesNothing(t *testing.T) {
	t.Parallel()
	m, _ := newCloud(t)
	m.SetRules(fakecloud.Rules{})
	var mu sync.Mutex
	heard := 0
	m.OnChange(func(fakecloud.Change) { mu.Lock(); heard++; mu.Unlock() })
	var wg sync.WaitGroup
	for _, to := range []providers.Target{a, b, none} {
		wg.Go(func() {
			for range 200 {
				if err := m.Place(fip, to); err != nil {
					t.Error(err)
				}
				m.Holder(fip)
				m.View(0).Addresses()
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if got := len(m.Changes()); heard != got {
		t.Errorf("heard of %d changes, recorded %d", heard, got)
	}
}
