// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADropletHasTheAddressByWhichEachPeerKnowsIt(t *testing.T) {
	t.Parallel()
	p := &plan{prefix: [3]byte{127, 83, 20}, daemon: portDaemon, web: portWeb}
	for i := range nodeNames {
		want := []netip.Addr{p.addressSeen(i, i).Addr()}
		for j := range nodeNames {
			if j != i {
				want = append(want, p.addressSeen(j, i).Addr())
			}
		}
		if diff := cmp.Diff(want, privateOf(p, i, len(nodeNames)), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("node %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestInstancesHaveNames(t *testing.T) {
	t.Parallel()
	for instance, want := range map[string]string{dropletOf(0): "lb-a", dropletOf(1): "lb-b", foreignID: foreign, "": ""} {
		if got := instanceName(instance); got != want {
			t.Errorf("instance %q is called %q, want %q", instance, got, want)
		}
	}
}
