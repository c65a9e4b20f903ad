// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

// playAPI opens a window in which calls of one node, or of all, go wrong.
func (w *world) playAPI(f Fault) func() {
	which := w.nodes
	if w.chance.one(0.6) {
		which = []*node{w.anyNode()}
	}
	if f == AsyncFails {
		return func() {}
	}
	for _, n := range which {
		s := &w.api[n.id]
		s.on[f-APISlow]++
		s.slowBy = w.chance.between(100*time.Millisecond, 4*time.Second)
		s.lateBy = w.chance.between(4*time.Second, 30*time.Second)
		s.staleBy = w.chance.between(time.Second, 10*time.Second)
		s.alternateBy = w.chance.between(time.Second, 30*time.Second)
		s.oldBy = w.chance.between(10*time.Second, fakecloud.LookBack)
	}
	return func() {
		for _, n := range which {
			w.api[n.id].on[f-APISlow]--
		}
	}
}
