// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

func TestASecondLabDrawingTheSameAddressesGetsOthers(t *testing.T) {
	t.Parallel()
	draw := func() *plan {
		p, err := pickPlan(rand.New(rand.NewPCG(7, 7)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	first, second := draw(), draw()
	if first.prefix == second.prefix && first.daemon == second.daemon {
		t.Errorf("both labs have %v and port %d", first.prefix, first.daemon)
	}
}

func TestAPlanWhoseWildcardPortIsTakenIsNotLocked(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken := netip.MustParseAddrPort(l.Addr().String()).Port()
	p := &plan{prefix: [3]byte{127, 77, 77}, daemon: 0, web: taken}
	if err := p.lock(); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("lock with port %d taken: %v", taken, err)
	}
	if len(p.locks) != 0 {
		t.Errorf("%d sockets stay open", len(p.locks))
	}
}

// A driver refuses a private IP outside its subnet, and a route to within it.
func TestTheSubnetHasTheNodesAndOnlyAnAddressThatBelongsToIt(t *testing.T) {
	t.Parallel()
	for _, o := range offers() {
		for _, at := range []layout{&plan{prefix: [3]byte{127, 1, 2}, daemon: 7112, web: 8080}, &namespaces{offer: o}} {
			subnet := at.subnetOf(o.kind)
			for i := range nodesMax + 1 {
				if !subnet.Contains(at.node(i)) {
					t.Errorf("%s: node %d at %s is outside %s", o.name(), i, at.node(i), subnet)
				}
			}
			inside := o.kind == providers.KindPrivateIP || o.kind == providers.KindHAVIP
			if got := subnet.Contains(at.floatingIP()); got != inside {
				t.Errorf("%s: %s in %s: %v", o.name(), at.floatingIP(), subnet, got)
			}
		}
	}
}

func TestEveryAddressOfAPlanIsDifferent(t *testing.T) {
	t.Parallel()
	p := &plan{prefix: [3]byte{127, 1, 2}, daemon: 7112, web: 8080}
	seen := map[netip.Addr]string{}
	add := func(name string, a netip.Addr) {
		if !a.IsLoopback() {
			t.Errorf("%s %s is no loopback address", name, a)
		}
		if other, ok := seen[a]; ok {
			t.Errorf("%s and %s are both %s", name, other, a)
		}
		seen[a] = name
	}
	add("floating IP", p.floatingIP())
	add("API", p.api().Addr())
	add("guests", p.guest().Addr())
	add("lock", p.host(hostLock))
	for i := range nodesMax {
		add("node", p.node(i))
		add("metadata", p.metadata(i).Addr())
		for j := range nodesMax {
			if i != j {
				add("stand-in", p.standIn(i, j).Addr())
			}
		}
	}
}
