// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// watched is what one call of Watch reports.
type watched struct {
	*testing.T
	events chan Event
	stop   context.CancelFunc
	ended  chan error
}

// watch watches a machine until the test ends.
func watch(t *testing.T, m machine) *watched {
	t.Helper()
	return watchWith(t, m, m.Watch)
}

// watchWith does so by a function that is Watch.
func watchWith(t *testing.T, m machine, by func(context.Context, func(Event)) error) *watched {
	t.Helper()
	w := &watched{T: t, events: make(chan Event), ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go m.beside(func() {
		w.ended <- by(ctx, func(e Event) {
			select {
			case w.events <- e:
			case <-ctx.Done():
			}
		})
		close(w.ended)
	})
	t.Cleanup(func() { stop(); <-w.ended })
	return w
}

// end returns how the watching ends when it is told to.
func (w *watched) end() error {
	w.stop()
	return <-w.ended
}

// want waits for events, in their order, and passes over those that are not of them and
// about other interfaces or addresses than the contract's.
func (w *watched) want(events ...string) {
	w.Helper()
	for _, want := range events {
		if got := w.next(); got != want {
			w.Fatalf("got %q, want %q", got, want)
		}
	}
}

// until waits for an event, whatever comes before.
func (w *watched) until(event string) {
	w.Helper()
	for w.next() != event {
	}
}

// next returns the next event that the contract speaks of.
func (w *watched) next() string {
	w.Helper()
	for {
		select {
		case e := <-w.events:
			if text := inWords(e); text != "" {
				return text
			}
		case err := <-w.ended:
			w.Fatalf("it has ended: %v", err)
		case <-time.After(10 * time.Second):
			w.Fatal("nothing is told")
		}
	}
}

// inWords returns an event in a few words; empty: the contract does not speak of it.
func inWords(e Event) string {
	words := []string{e.Iface, e.Kind.String(), e.Why}
	switch e.Kind {
	case EventRemoved, EventAdded:
		if a := e.Addr.String(); a != float4 && a != float6 {
			return ""
		}
		words = append(words, e.Addr.String())
	case EventUp, EventDown:
		if e.Iface != "eth0" && e.Iface != Loopback {
			return ""
		}
		if slices.Contains(e.Addrs, netip.MustParseAddr(foreignWide4)) {
			words = append(words, foreignWide4)
		}
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func TestWhoWatchesAMachineInMemoryIsToldOfALoss(t *testing.T) {
	t.Parallel()
	m := NewMemory(Link{Name: "eth0"})
	w := watch(t, machineOf(m, func() Interfaces { return m }))
	w.want("anew", "eth0 up")
	m.Deafen(true)
	add(t, m, float4, "eth0")
	m.SetLink("eth0", false)
	m.Deafen(false)
	w.want("anew", "eth0 down set down")
	add(t, m, float6, "eth0")
	w.want("eth0 added 2001:db8:f::7")
	for range earMax + 2 { // one may be in the hands of report
		add(t, m, float6, "eth0")
		m.TakeOff(netip.MustParseAddr(float6), "eth0")
	}
	w.until("anew")
}

func TestARemoteWatchEndsWithTheOtherSide(t *testing.T) {
	t.Parallel()
	m := NewMemory(Link{Name: "eth0"})
	server := httptest.NewServer(Machines{"lb-a": m})
	w := watch(t, machineOf(m, func() Interfaces { return newRemote(t, server.URL, "lb-a") }))
	w.want("anew", "eth0 up")
	server.CloseClientConnections()
	if err := <-w.ended; err == nil || !strings.HasPrefix(err.Error(), "watch interfaces: ") {
		t.Errorf("it ends with %v", err)
	}
	server.Close()
	other := httptest.NewServer(Machines{})
	t.Cleanup(other.Close)
	err := newRemote(t, other.URL, "lb-a").Watch(t.Context(), func(Event) { t.Error("an event") })
	wantError(t, err, "watch interfaces: answer 404 Not Found")
}

func TestALinkWatchTellsChangesOnly(t *testing.T) {
	t.Parallel()
	var got []string
	w := &linkWatch{known: map[int]linkState{}, report: func(e Event) { got = append(got, fmt.Sprint(e.Iface, " ", e.Kind, " ", e.Why)) }}
	none := func(int) []netip.Addr { return nil }
	w.anew(map[int]linkState{3: {"eth1", WhySetDown}, 2: {"eth0", ""}}, none)
	w.set(2, linkState{"eth0", ""}, nil)
	w.set(2, linkState{"eth0", WhyNoCarrier}, nil)
	w.set(2, linkState{"eth0", WhyNoCarrier}, nil)
	w.set(2, linkState{"wan0", WhyNoCarrier}, nil) // it was renamed
	w.gone(3)
	w.gone(3)
	w.anew(map[int]linkState{4: {"eth2", ""}}, none)
	want := []string{
		" anew ", "eth0 up ", "eth1 down set down", "eth0 down no carrier", "wan0 down no carrier", "eth1 down gone",
		" anew ", "wan0 down gone", "eth2 up ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
