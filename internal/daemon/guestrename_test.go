// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/netif"
)

// TestAnInterfaceUnderAnotherName: what a hand takes off it is back at once, told and
// counted, as on one that keeps its name.
func TestAnInterfaceUnderAnotherName(t *testing.T) {
	line := fmt.Sprintf(putBackLine, "ens5", 1)
	t.Run("renamed while it is up", func(t *testing.T) {
		inWorld(t, target(nodeA), func(w *world) {
			s, a, _ := announcing(w)
			w.pass(7 * time.Second)
			m := s.machines[nodeA]
			m.Rename("eth0", "ens5")
			w.pass(time.Second)
			if a.log.has("removed by somebody") || a.text(condAddressRemoved) != "" {
				t.Error("a new name is taken for a removal")
			}
			for n := 1; n <= backsCondition; n++ {
				if gap := w.absence(m, "ens5"); gap != 0 {
					t.Errorf("it is away for %s", gap)
				}
				w.pass(time.Minute)
			}
			if want := "203.0.113.10 was removed from ens5 by somebody 3 times"; !a.log.has(line) || !strings.HasPrefix(a.text(condAddressRemoved), want) {
				t.Errorf("condition %q, want %q; does it say so: %s", a.text(condAddressRemoved), want, line)
			}
		})
	})
	t.Run("the hand is as fast as the name", func(t *testing.T) {
		inWorld(t, target(nodeA), func(w *world) {
			s, a, _ := announcing(w)
			w.pass(7 * time.Second)
			m, e := s.machines[nodeA], a.engine
			w.must(e.call(context.Background(), func() { // which has heard nothing of the name
				if e.doubtOf(e.groups[0], 0, netif.Event{Kind: netif.EventRemoved, Iface: "ens5", Addr: floating}, false) == nil {
					t.Error("that the address has gone is no reason to look")
				}
			}))
			m.Rename("eth0", "ens5")
			if gap := w.absence(m, "ens5"); gap != 0 || !a.log.has(line) {
				t.Errorf("it is away for %s; does it say so: %s", gap, line)
			}
		})
	})
	t.Run("gone and there again", func(t *testing.T) {
		inWorld(t, target(nodeA), func(w *world) {
			s, a, _ := announcing(w)
			w.pass(7 * time.Second)
			m := s.machines[nodeA]
			m.Unplug("eth0")
			w.pass(time.Second)
			m.Plug(netif.Link{Name: "ens5", MAC: "02:00:00:00:00:14", Prefixes: []netip.Prefix{netip.PrefixFrom(privates[nodeA].Addr(), 24)}})
			if gap := w.away(m, "ens5"); gap != 0 {
				t.Errorf("it is away for another %s", gap)
			}
			w.pass(time.Second)
			if !a.log.has(line) || a.text(condLinkDown) != "" {
				t.Errorf("conditions %v; does it say so: %s", a.codes(), line)
			}
		})
	})
	t.Run("another that goes down has the old name", func(t *testing.T) {
		inWorld(t, target(nodeA), func(w *world) {
			s, a, _ := announcing(w)
			w.pass(7 * time.Second)
			m := s.machines[nodeA]
			m.Rename("eth0", "ens5")
			m.Plug(netif.Link{Name: "eth0"})
			m.SetLink("eth0", false)
			w.pass(time.Second)
			if got := a.text(condLinkDown); got != "" {
				t.Error(got)
			}
		})
	})
}

// TestAnAddressThatBelongsOnAnotherInterfaceNowWasNotRemoved: the machine's primary address
// has moved, and nobody took anything off.
func TestAnAddressThatBelongsOnAnotherInterfaceNowWasNotRemoved(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		s, a, _ := announcing(w)
		w.pass(7 * time.Second)
		m, primary := s.machines[nodeA], netip.PrefixFrom(privates[nodeA].Addr(), 24)
		m.Plug(netif.Link{Name: "eth1", MAC: "02:00:00:00:00:15"})
		m.TakeOff(primary.Addr(), "eth0")
		m.PutOn(primary, "eth1")
		w.pass(time.Minute)
		if on, err := m.Placed(context.Background(), floating); len(on) != 2 || err != nil || a.log.has("removed by somebody") {
			t.Errorf("it is on %v, %v; told as a removal: %v", on, err, a.log.has("removed by somebody"))
		}
	})
}
