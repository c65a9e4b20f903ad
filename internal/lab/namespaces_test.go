// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/netlab"
)

// inMemory is the ground of an offer without its network.
func inMemory(t *testing.T, o offer) *namespaces {
	t.Helper()
	g := &namespaces{offer: o}
	g.cloud = memoryCloudAt(t, o, g)
	return g
}

func TestPacketsGoByTheWordOfTheCloud(t *testing.T) {
	t.Parallel()
	for _, o := range offers() {
		g := inMemory(t, o)
		for _, holder := range []int{ownerNode, standbyNode, -1} {
			var err error
			switch {
			case holder == standbyNode:
				err = g.cloud.place(standbyNode)
			case holder < 0:
				for _, s := range g.cloud.vendor.slots() {
					err = g.cloud.model.PlaceIn(s, holderOf(g.cloud.vendor, heldByNobody))
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			checkBinding(t, g, holder)
		}
	}
}

// checkBinding compares what the fabric is told with who holds the address; -1: nobody.
func checkBinding(t *testing.T, g *namespaces, holder int) {
	t.Helper()
	name, ip := g.offer.name(), g.floatingIP()
	private, isPublic := g.Private(ip)
	node, ok := g.Holder(ip, netlab.Client)
	switch {
	case g.public() && (ok || isPublic != (holder >= 0) || holder >= 0 && private != g.node(holder)):
		t.Errorf("%s held by %d: delivered to %v (%v), translated to %s (%v)", name, holder, node, ok, private, isPublic)
	case !g.public() && (isPublic || ok != (holder >= 0) || ok && node != netlab.Station(holder)):
		t.Errorf("%s held by %d: delivered to %v (%v), translated to %s (%v)", name, holder, node, ok, private, isPublic)
	}
	for i := range nodeNames {
		if got, want := g.Owns(netlab.Station(i), ip), !g.public() && i == holder; got != want {
			t.Errorf("%s held by %d: node %d may send from it: %v", name, holder, i, got)
		}
		public, ok := g.Public(g.node(i))
		if ok != g.public() || ok && (public == ip) != (i == holder) {
			t.Errorf("%s held by %d: node %d is seen as %s (%v)", name, holder, i, public, ok)
		}
		if back, _ := g.Private(public); ok && back != g.node(i) {
			t.Errorf("%s held by %d: answers to %s reach %s and not node %d", name, holder, public, back, i)
		}
	}
}

func TestTheCloudHeedsAnnouncementsOfWhatMovesSo(t *testing.T) {
	t.Parallel()
	for _, o := range offers() {
		g := inMemory(t, o)
		heeded := g.Announced(standbyNode, g.floatingIP())
		if heeded != o.capabilities.MovesWithoutAPI || len(g.cloud.heard.taken()) != 1 {
			t.Errorf("%s: an announcement is heeded: %v", o.name(), heeded)
		}
		if _, due := g.cloud.model.Next(); due != heeded {
			t.Errorf("%s: the cloud is about to move the address: %v", o.name(), due)
		}
		if g.Announced(standbyNode, netip.MustParseAddr("10.0.4.77")) {
			t.Errorf("%s: an announcement of another address is heeded", o.name())
		}
	}
}

// The stand-ins play one story over real interfaces; the whole set is the lab's.
func TestTheLabPlaysAStoryInNamespaces(t *testing.T) {
	if err := netlab.Available(); err != nil {
		t.Skip(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	var out, people bytes.Buffer
	code := Run(t.Context(), Options{Scenarios: []string{"killed"}, Namespaces: true, JSON: true, Stdout: &out, Stderr: &people, Executable: os.Args[0]})
	var d struct{ Scenarios []documentScenario }
	if err := json.Unmarshal(out.Bytes(), &d); err != nil || code != exitDone {
		t.Fatalf("exit code %d, %v\n%s", code, err, people.String())
	}
	if s := d.Scenarios[0]; s.Moves != 1 || s.Writes != 1 || s.Failed == 0 || s.FirstAnswer == nil || time.Duration(*s.Outage) == 0 {
		t.Errorf("%s", out.Bytes())
	}
	nothingLeft(t)
}
