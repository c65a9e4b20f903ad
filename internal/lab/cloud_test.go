// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// memoryCloud is a cloud that nobody can reach.
func memoryCloud(t *testing.T, o offer) *cloud {
	t.Helper()
	return memoryCloudAt(t, o, loopbackOf(o))
}

// loopbackOf is a ground that nothing listens on.
func loopbackOf(o offer) *loopback {
	return &loopback{plan: &plan{prefix: [3]byte{127, 83, 20}, daemon: portDaemon, web: portWeb}, six: o.six}
}

func memoryCloudAt(t *testing.T, o offer, at layout) *cloud {
	t.Helper()
	c, err := openCloud(o, at, clusterOptions{settings: settings{nodes: len(nodeNames)}, holder: ownerNode})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAMachineHasTheAddressByWhichEachPeerKnowsIt(t *testing.T) {
	t.Parallel()
	p := &plan{prefix: [3]byte{127, 83, 20}, daemon: portDaemon, web: portWeb}
	for i := range nodeNames {
		want := []netip.Addr{p.seen(i, i).Addr()}
		for j := range nodeNames {
			if j != i {
				want = append(want, p.seen(j, i).Addr())
			}
		}
		if diff := cmp.Diff(want, privateOf(p, i, len(nodeNames)), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("node %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestHoldersHaveNames(t *testing.T) {
	t.Parallel()
	for _, o := range offers() {
		c := memoryCloud(t, o)
		for want, target := range map[string]providers.Target{
			"lb-a": c.vendor.target(0), "lb-b": c.vendor.target(1), o.stranger(): c.vendor.stranger(),
			"": {}, "something": {Instance: "something"},
		} {
			if got := c.nameOf(target); got != want {
				t.Errorf("%s: %s is called %q, want %q", o.name(), target, got, want)
			}
		}
	}
}

func TestTheCloudSaysWhoHoldsTheAddress(t *testing.T) {
	t.Parallel()
	for _, o := range offers() {
		c := memoryCloud(t, o)
		if c.holder() != ownerNode || c.delivers() != ownerNode || c.owner() != "lb-a" || c.moves() != 0 || c.writes() != 0 {
			t.Errorf("%s at first: %d, %q", o.name(), c.holder(), c.owner())
		}
		if err := c.place(standbyNode); err != nil {
			t.Fatal(err)
		}
		if c.holder() != standbyNode || c.delivers() != standbyNode || c.owner() != "lb-b" || c.moves() != 1 {
			t.Errorf("%s after a move: %d, %q, %d moves", o.name(), c.holder(), c.owner(), c.moves())
		}
		for _, s := range c.vendor.slots() {
			if err := c.model.PlaceIn(s, providers.Target{}); err != nil {
				t.Fatal(err)
			}
		}
		if c.holder() != -1 || c.delivers() != -1 || c.owner() != "" {
			t.Errorf("%s held by nobody: %d, %q", o.name(), c.holder(), c.owner())
		}
	}
}

// A route in several tables can be on its way: clients are where the first table says,
// and nobody has the whole.
func TestWhatIsInSeveralTablesIsHeldByWhoeverHasThemAll(t *testing.T) {
	t.Parallel()
	c := memoryCloud(t, digitalOceanOffers()[0])
	v := twoTables{c.vendor}
	c.vendor = v
	second := v.slots()[1]
	if err := c.model.AddAddress(fakecloud.Address{IP: second.IP, Table: second.Table, Region: doRegion, Holder: v.target(standbyNode)}); err != nil {
		t.Fatal(err)
	}
	if c.delivers() != ownerNode || c.holder() != -1 || c.owner() != "lb-a, in rtb-2 by lb-b" {
		t.Errorf("half moved: clients at %d, held by %d, %q", c.delivers(), c.holder(), c.owner())
	}
	if err := c.place(standbyNode); err != nil {
		t.Fatal(err)
	}
	if c.delivers() != standbyNode || c.holder() != standbyNode || c.owner() != "lb-b" {
		t.Errorf("moved: clients at %d, held by %d, %q", c.delivers(), c.holder(), c.owner())
	}
}

// twoTables has the address in a route table as well.
type twoTables struct{ vendor }

func (v twoTables) slots() []fakecloud.Slot {
	first := v.vendor.slots()[0]
	return []fakecloud.Slot{first, {IP: first.IP, Table: "rtb-2"}}
}

func TestTheCloudIsBusyFromTheCallToItsEffect(t *testing.T) {
	t.Parallel()
	c := memoryCloud(t, digitalOceanOffers()[0])
	now := time.Now()
	c.model = fakecloud.New(fakecloud.Options{Now: func() time.Time { return now }})
	instance := fakecloud.Instance{ID: dropletOf(0), Region: doRegion}
	if err := c.model.AddInstance(instance); err != nil {
		t.Fatal(err)
	}
	if err := c.model.AddAddress(fakecloud.Address{IP: c.clientSlot().IP, Region: doRegion}); err != nil {
		t.Fatal(err)
	}
	begun := now
	read, write := c.model.Arrive(fakecloud.Entry{Node: "lb-a"}), c.model.Arrive(fakecloud.Entry{Node: "lb-b", Write: true})
	now = now.Add(100 * time.Millisecond)
	op, err := c.model.Submit(fakecloud.Request{IP: c.clientSlot().IP, To: c.vendor.target(0), Delay: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c.model.Answer(read, fakecloud.Entry{Node: "lb-a"})
	c.model.Answer(write, fakecloud.Entry{Node: "lb-b", Operation: op.ID})
	now = now.Add(2 * time.Second)
	want := []span{{"lb-a", begun, begun.Add(100 * time.Millisecond)}, {"lb-b", begun, begun.Add(1100 * time.Millisecond)}}
	if diff := cmp.Diff(want, c.busy(), cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
