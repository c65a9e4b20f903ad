// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// probing is what is wrong with questions through the addresses.
type probing struct {
	blocked int // nothing passes
	hairpin int // a node that asks an address reaches itself
	astray  int // somebody answers, and not always the holder
}

// probe asks the daemon behind a group's first address who it is.
func (w *world) probe(n *node, gi int) {
	if !w.opts.probes || w.probing.blocked > 0 {
		return
	}
	h := w.nodeOf(w.model.Holder(w.groups[gi].addresses[0].IP))
	switch {
	case w.probing.hairpin > 0:
		h = n
	case w.probing.astray > 0 && w.chance.one(0.5):
		h = w.nodes[w.chance.IntN(len(w.nodes))]
	}
	if h == nil || h.machine == nil || h.paused || h.wrongKey != n.wrongKey || h != n && h.mute+n.mute > 0 {
		return
	}
	life, asked := n.life, w.local(n)
	ev := election.ProbeAnswered{Group: w.groups[gi].name, Node: h.name, Asked: asked, Unknown: !h.loaded[gi]}
	if h.loaded[gi] {
		s := w.statusOf(h, gi)
		ev.Role, ev.Healthy = s.Role, s.Healthy
	}
	w.after(w.chance.between(2*linkDelayMin, 2*linkDelayMax), func() {
		w.fact(n, life, func() {
			w.step(n, ev)
		})
	})
}

// askService lets the nodes that do not hold an address ask the service behind it,
// again and again.
func (w *world) askService(gi int) {
	const every = 2 * time.Second
	holder := w.nodeOf(w.model.Holder(w.groups[gi].addresses[0].IP))
	ok := holder != nil && !holder.hostDown && holder.serviceOK[gi] && w.probing.blocked == 0
	for _, n := range w.nodes {
		if n.machine == nil || n == holder || n.machine.Role(w.groups[gi].name) == election.Active {
			continue
		}
		life := n.life
		w.fact(n, life, func() { w.step(n, election.ServiceProbed{Group: w.groups[gi].name, OK: ok}) })
	}
	w.after(every, func() { w.askService(gi) })
}
