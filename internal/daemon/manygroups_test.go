// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// groupsAll is how many groups one daemon can have: as many as there are VRIDs.
const groupsAll = 255

// manyGroups makes a daemon with as many groups as there can be, each with an address of its
// own that lb-a has.
func (w *world) manyGroups(name string) *node {
	w.Helper()
	return w.start(name, func(_ *node, o *Options, _ *parts) {
		first := o.Config.Groups[0]
		for vrid := 1; vrid <= groupsAll; vrid++ {
			if g := first; vrid != int(first.VRID) {
				g.Name, g.VRID, g.Checks = fmt.Sprint("web", vrid), uint8(vrid), nil
				g.Addresses = []providers.Address{first.Addresses[0]}
				g.Addresses[0].IP = manyAddress(vrid)
				o.Config.Groups = append(o.Config.Groups, g)
			}
		}
	})
}

func manyAddress(vrid int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 114, byte(vrid)}) }

// leads returns how many groups a node leads, bound.
func (n *node) leads() (count int) {
	for _, g := range n.Snapshot().Groups {
		if g.Role == "active" && g.Addresses[0].Bound {
			count++
		}
	}
	return count
}

// TestTwoHundredAndFiftyFiveGroups are led, heard in parts and taken over by one daemon.
func TestTwoHundredAndFiftyFiveGroups(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		for vrid := 1; vrid <= groupsAll; vrid++ {
			w.must(w.cloud.AddAddress(fakecloud.Address{IP: manyAddress(vrid), Region: "fra1", Holder: target(nodeA)}))
		}
		a, b := w.manyGroups(nodeA), w.manyGroups(nodeB)
		w.eventually("one node leads all", func() bool { return a.leads() == groupsAll })
		w.pass(5 * time.Second)
		for _, g := range b.Snapshot().Groups {
			if g.Role != "backup" || g.Nodes[0].Role != "active" || len(g.Conditions) > 0 {
				t.Fatalf("%s is %s and hears %+v; %+v", g.Name, g.Role, g.Nodes[0], g.Conditions)
			}
		}
		w.wantMoves(0, 0)
		a.crash()
		w.within(10*time.Second, "the other node leads all", func() bool { return b.leads() == groupsAll })
		w.wantMoves(groupsAll, 1)
	})
}
