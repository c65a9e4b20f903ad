// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"testing"
	"time"
)

// TestNodesMixedUpInTheFileDoNotFightForEver: the two `address:` lines are exchanged, on both
// nodes. Neither hears the other, and each took the other's machine for its own: both said
// that all was well, and the address moved every 15 s without end.
func TestNodesMixedUpInTheFileDoNotFightForEver(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		swapped := func(_ *node, o *Options, _ *parts) {
			ns := o.Config.Nodes
			ns[0].Address, ns[1].Address = ns[1].Address, ns[0].Address
		}
		a := w.start(nodeA, swapped)
		w.pass(5 * time.Second)
		b := w.start(nodeB, swapped)
		w.pass(150 * time.Second)
		moves := w.cloud.Moves(floating)
		for _, n := range []*node{a, b} {
			if n.text(condIdentityConflict) == "" {
				t.Errorf("%s does not say what is the matter: %v", n.name, n.codes())
			}
		}
		w.pass(20 * time.Minute)
		if more := w.cloud.Moves(floating) - moves; more > 0 {
			t.Errorf("%d moves after that", more)
		}
	})
}
