// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"maps"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// file is what a node's file says otherwise than the options of the history: in the drill of
// the reloads, and else nothing.
type file struct {
	other    []bool // by group: it has another VRID; nil: none has
	mirrored bool   // the node with the highest priority has the lowest
	faster   bool   // adverts come twice as often
	more     bool   // there is a group that concerns nobody
	digest   uint32 // of all that
}

// othersFrom is how far the other VRID of a group is from its first, and moreVRID is that of
// the group that concerns nobody.
const (
	othersFrom = 100
	moreVRID   = 250
)

// groupOf returns the number of the group that a VRID means; too many: none.
func groupOf(vrid uint8) int { return (int(vrid) - 1) % othersFrom }

// vrid returns the VRID of a group.
func (f *file) vrid(gi int) uint8 {
	if f.other != nil && f.other[gi] {
		return uint8(gi + 1 + othersFrom)
	}
	return uint8(gi + 1)
}

// change makes a configuration say what the file says.
func (f *file) change(cfg *election.Config) {
	if f.faster {
		cfg.Interval /= 2
	}
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		g.VRID, g.Digest = f.vrid(groupOf(g.VRID)), g.Digest+f.digest
		if f.mirrored {
			g.Priorities = maps.Clone(g.Priorities)
			for node, p := range g.Priorities {
				g.Priorities[node] = election.PriorityMax + election.PriorityMin - p
			}
		}
	}
	if f.more {
		more := cfg.Groups[0]
		more.Name, more.VRID = "more", moreVRID
		cfg.Groups = append(cfg.Groups, more)
	}
}

// reloadDrills is the part of the drills that are reloads.
const (
	reloadDrills = 0.15
	reloadSalt   = 0x5e10ad
)

// drillReload gives the nodes other files several times, one node after the other in any
// order, some at once and some much later: nothing moves, and nobody begins anew.
func (w *world) drillReload(h *History, gi int, c chance) {
	h.Drills = append(h.Drills, "reload")
	n, q := w.leader(gi), &quietWatch{group: gi}
	w.checks.quiet = q
	f, anew := file{}, ""
	for range 2 + c.IntN(3) {
		f.digest += 8
		switch c.weighted(4, 2, 2, 2) {
		case 0:
			f.other = append(make([]bool, 0, len(w.groups)), f.other...)
			f.other = f.other[:len(w.groups)]
			f.other[gi] = !f.other[gi]
		case 1:
			f.mirrored = !f.mirrored
		case 2:
			f.faster = !f.faster
		default:
			f.more = !f.more
		}
		for _, i := range c.Perm(len(w.nodes)) {
			to := w.nodes[i]
			w.trace(to, "has another file, VRID %d, mirrored %v, faster %v, more %v", f.vrid(gi), f.mirrored, f.faster, f.more)
			to.file = f
			w.fact(to, to.life, func() { w.step(to, election.Reload{Config: w.config(to)}) })
			w.run(c.between(0, time.Second), nil)
			if c.one(0.3) {
				w.run(c.between(0, 30*time.Second), nil)
			}
			if to.machine != nil && to.loaded[gi] && to.machine.Role(w.groups[gi].name) == election.Initialize {
				anew = to.name
			}
		}
	}
	w.run(30*time.Second+4*election.ActiveDown(election.PriorityMax, w.opts.interval), nil)
	w.checks.quiet = nil
	if w.checks.fatal == 0 && (q.writes > 0 || q.moves > 0 || q.gaps > 0 || anew != "" || w.leader(gi) != n || w.lacks(gi) != "") {
		w.checks.broken(w, checkReload, "among reloads of all nodes: %d writes, %d moves and %d gaps of %s, which %s led; begun anew: %q; %s",
			q.writes, q.moves, q.gaps, w.groups[gi].name, n.name, anew, w.lacks(gi))
	}
	for _, to := range w.nodes { // what the other drills expect goes by the options of the history
		to.file = file{}
		w.fact(to, to.life, func() { w.step(to, election.Reload{Config: w.config(to)}) })
	}
	w.run(30*time.Second, nil)
}
