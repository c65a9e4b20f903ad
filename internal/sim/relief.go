// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"fmt"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// relievable reports whether a node whose service fails must be relieved although the API
// is away: by the word of all peers, who must live, and one of whom can lead.
func (w *world) relievable(gi int) bool {
	from, able := w.leader(gi), false
	if from == nil || w.groups[gi].kind != announce {
		return false
	}
	for _, n := range w.nodes {
		if n.machine == nil || !n.loaded[gi] {
			return false
		}
		stranger := n.seen.groups[gi].read.Owner.Kind == election.OwnerForeign // and no read will show it gone
		able = able || n != from && !stranger && from.machine.Refusals(w.groups[gi].name)[n.name] == election.ReasonNone
	}
	return able
}

// drillRelief lets the service of an announced group fail while the API gives no answer:
// the peers' word is enough for another node to lead it, to have its addresses and to
// announce them (section 5.10).
func (w *world) drillRelief(h *History, gi int) {
	h.Drills = append(h.Drills, "relief")
	from := w.leader(gi)
	for i := range w.api {
		w.api[i].on[APIBlackHole-APISlow]++
	}
	w.trace(nil, "the API gives no answer any more")
	w.run(w.chance.between(5*time.Second, 30*time.Second), nil)
	if w.checks.fatal > 0 || !w.relievable(gi) || w.leader(gi) != from {
		return
	}
	q := &quietWatch{group: gi, announced: map[int]*node{}}
	w.checks.quiet = q
	w.trace(from, "%s: its service fails", w.groups[gi].name)
	w.service(from, gi, false)
	relieved := func() bool { return w.unrelieved(q, from) == "" }
	within := 30*time.Second + 4*election.ActiveDown(election.PriorityMin, w.opts.interval)
	if !w.run(within, relieved) && w.checks.fatal == 0 {
		w.checks.broken(w, checkAnnounced, "%v after the service of %s failed, with no answer of the API: %s", within, from.name, w.unrelieved(q, from))
	}
	w.checks.quiet = nil
}

// unrelieved says what another node lacks to have taken over from one whose service
// failed; empty when nothing.
func (w *world) unrelieved(q *quietWatch, from *node) string {
	name, to := w.groups[q.group].name, w.leader(q.group)
	if to == nil || to == from {
		return "no other node leads " + name
	}
	for k, a := range w.groups[q.group].addresses {
		if !to.configured(q.group, k) || q.announced[k] != to {
			return fmt.Sprintf("%s leads %s, its machine has %v: %v, and it has announced it: %v", to.name, name, a.IP, to.configured(q.group, k), q.announced[k] == to)
		}
	}
	return ""
}
