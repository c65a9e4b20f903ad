// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"fmt"
	"slices"
)

// worldSeen is what the checks follow of one life of a node, from outside of its
// machine.
type worldSeen struct {
	session  uint64
	role     Role    // by the Changed actions so far
	owningAt Instant // last owning advert of another node that counted
	sequence map[string]uint64
	steps    int
}

// check looks at one step: roles change only through Changed, actions are well
// formed, and the deadline lies ahead.
func (w *world) check(n *worldNode, ev Event, actions []Action) {
	n.seen.steps++
	if r, ok := ev.(Received); ok {
		w.noteOwning(n, r.Advert, actions)
	}
	for _, a := range actions {
		w.checkAction(n, a)
	}
	if n.m.Role("web") != n.seen.role {
		w.broken(n, "role is %v, but the last Changed said %v", n.m.Role("web"), n.seen.role)
	}
	if d := n.m.Deadline(); d != never && d <= w.now {
		w.broken(n, "deadline %v is not after %v, after %T", d, w.now, ev)
	}
}

func (w *world) checkAction(n *worldNode, a Action) {
	switch a.Kind {
	case Send:
		w.checkAdvert(n, a)
	case Changed:
		if a.From != n.seen.role || a.To == a.From || a.Reason == ReasonNone || a.Group != "web" {
			w.broken(n, "changed %v -> %v (%v) in %q, was %v", a.From, a.To, a.Reason, a.Group, n.seen.role)
		}
		n.seen.role = a.To
	case Latched, Unlatched, Refused:
		if a.Peer == "" || a.Reason == ReasonNone {
			w.broken(n, "action %d without peer or reason", a.Kind)
		}
	case Noted:
		if a.Reason == ReasonNone {
			w.broken(n, "note without reason")
		}
	case SendProbe, CheckNow, Cancel, Held:
		if a.Group != "web" {
			w.broken(n, "action %d names group %q", a.Kind, a.Group)
		}
	default:
		w.broken(n, "unknown action %d", a.Kind)
	}
}

func (w *world) checkAdvert(n *worldNode, a Action) {
	if n.seen.sequence == nil {
		n.seen.sequence = map[string]uint64{}
	}
	ad := a.Advert
	if ad.From != n.name || ad.To != a.Peer || ad.Session != n.seen.session || ad.Sequence <= n.seen.sequence[a.Peer] {
		w.broken(n, "advert from %q to %q, session %d, sequence %d", ad.From, ad.To, ad.Session, ad.Sequence)
	}
	n.seen.sequence[a.Peer] = ad.Sequence
	for _, g := range ad.Groups {
		if g.Role == Active && g.Flags.Has(FlagRecovering) {
			w.broken(n, "advertises active while recovering")
		}
		if g.Role == Active && g.Priority == priorityLeaving {
			w.broken(n, "advertises active with priority 0")
		}
		if g.Handover.To != "" && g.Role != Active {
			w.broken(n, "hands over as %v", g.Role)
		}
	}
}

// noteOwning follows the last advert in which another node held on to the
// address, in a second way: from the outside.
func (w *world) noteOwning(n *worldNode, a *Advert, actions []Action) {
	if slices.ContainsFunc(actions, func(a Action) bool { return a.Kind == Refused }) {
		return
	}
	i := n.m.peerIndex(a.From)
	g := a.Groups[0]
	if n.m.groups[0].peers[i].twoWayAt == w.now && g.Role == Active && g.Handover.To != n.name && !n.m.crashLooping(n.m.groups[0], i) {
		n.seen.owningAt = w.now
	}
}

// checkWrite is invariant 1 once more, from outside of the machine.
func (w *world) checkWrite(n *worldNode) {
	r := n.hand.read
	if n.seen.role != Active || r.Failed || r.Began <= n.seen.owningAt || w.now.Sub(r.Ended) > ReadAgeMax(w.interval) {
		w.broken(n, "writes as %v on a read from %v to %v; the owner was heard at %v", n.seen.role, r.Began, r.Ended, n.seen.owningAt)
	}
	if !n.healthy || n.paused {
		w.broken(n, "writes though healthy is %v and paused %v", n.healthy, n.paused)
	}
}

func (w *world) broken(n *worldNode, format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf("%s at %v: ", n.name, w.now)+fmt.Sprintf(format, args...))
}
