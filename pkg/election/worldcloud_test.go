// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// worldCloud is the cloud that holds the one address of a world.
type worldCloud struct {
	owner     Owner
	stopped   map[string]bool // instances that the cloud says are stopped
	down      bool
	downFor   map[string]bool // nodes that cannot reach it
	refuseFor map[string]bool // nodes whose writes are refused for good
	readDelay time.Duration
	moveDelay time.Duration // how long an accepted move takes
	loseReply bool          // the next write is applied, but its answer is lost
	writes    int
	moves     int
}

// worldHand is a node's stand-in for the controller: what it read and wrote.
type worldHand struct {
	read      OwnerRead
	writing   int // number of the write under way; 0: none
	writes    int
	retryAt   Instant
	failures  int     // writes in a row without effect
	waitUntil Instant // an accepted write may run until then without being seen
	reads     int
	reader    wishReader
	lookAt    Instant // when it begins the next read; never: not by time alone
}

func (w *world) unreachable(n *worldNode) bool { return w.cloud.down || w.cloud.downFor[n.name] }

// startRead reads the owner: what the cloud says when the answer leaves it.
func (w *world) startRead(n *worldNode) {
	life, began := n.life, w.now
	n.hand.reads++
	n.hand.reader.begin(began)
	w.after(w.cloud.readDelay, func() {
		if n.life != life {
			return
		}
		ev := OwnerRead{Group: "web", Began: began, Ended: w.now, Failed: true}
		if !w.unreachable(n) {
			ev.Failed, ev.Owner = false, w.cloud.owner
			ev.Stopped = w.cloud.stopped[ev.Owner.Node]
			n.hand.read = ev
		}
		if !ev.Failed && (ev.Owner == (Owner{OwnerNode, n.name}) || !w.group.AtomicMove && ev.Owner.Kind == OwnerNone) {
			n.hand.waitUntil = never
		}
		n.hand.reader.end(ev)
		w.step(n, ev)
	})
}

// planRead begins the read that the machine wishes for if it is due.
func (w *world) planRead(n *worldNode) {
	if n.m == nil || n.paused {
		return
	}
	n.hand.lookAt = n.hand.reader.due(w.now, n.m.Wish("web"), w.cloud.readDelay)
	if n.hand.lookAt != never && n.hand.lookAt <= w.now {
		w.startRead(n)
		n.hand.lookAt = n.hand.reader.due(w.now, n.m.Wish("web"), w.cloud.readDelay)
	}
}

// probe asks the owner through the floating IP.
func (w *world) probe(n *worldNode) {
	life, asked := n.life, w.now
	o := w.nodes[w.cloud.owner.Node]
	if !w.probes || o == nil || o.m == nil || o.paused {
		return
	}
	s := o.m.Status().Groups[0]
	ev := ProbeAnswered{Group: "web", Node: o.name, Asked: asked, Role: s.Role, Healthy: s.Healthy}
	w.after(2*worldLinkDelay, func() {
		if n.life == life {
			w.step(n, ev)
		}
	})
}

// gateOpen is the write gate of invariant 1 as the controller has it.
func (w *world) gateOpen(n *worldNode) bool {
	p, r := n.m.Permit("web"), n.hand.read
	return p.Role == Active && p.Eligible && p.Hold == ReasonNone && !p.Handover && !p.Term.Less(p.Newest) && !r.Failed &&
		r.Began > p.Since && r.Began > p.Own && r.Ended.Sub(r.Began) <= AttemptTimeout && w.now.Sub(r.Ended) <= p.MaxAge
}

// control makes one write whenever the gate is open and the last one is over.
func (w *world) control(n *worldNode) {
	h := &n.hand
	if n.m == nil || h.writing != 0 || w.now < h.retryAt || w.now < h.waitUntil ||
		h.read.Owner == (Owner{OwnerNode, n.name}) || !w.gateOpen(n) {
		return
	}
	w.checkWrite(n)
	to := Owner{OwnerNode, n.name}
	if !w.group.AtomicMove && h.read.Owner.Kind != OwnerNone {
		to = Owner{Kind: OwnerNone}
	}
	h.writes++
	h.writing = h.writes
	w.cloud.writes++
	w.say("%s writes: %s -> %s", n.name, ownerWord(h.read.Owner), ownerWord(to))
	life, id, seen := n.life, h.writing, h.read.Owner
	w.after(w.cloud.readDelay, func() { w.answerWrite(n, life, id, seen, to) })
	w.step(n, WriteSent{Group: "web"})
}

// answerWrite is the cloud's side of a write, and its answer. In two calls the
// second attaches only what nobody holds.
func (w *world) answerWrite(n *worldNode, life, id int, seen, to Owner) {
	done := WriteDone{Group: "web", Outcome: WriteAccepted, Detach: to.Kind == OwnerNone, More: w.cloud.moveDelay > 0}
	switch {
	case w.unreachable(n), !w.group.AtomicMove && w.cloud.owner != seen:
		done.Outcome = WriteRefused
	case w.cloud.refuseFor[n.name]:
		done.Outcome = WriteHopeless
	default:
		if w.cloud.loseReply {
			w.cloud.loseReply = false
			done.Outcome = WriteAmbiguous
		}
		w.after(w.cloud.moveDelay, func() { w.move(to) })
	}
	if n.life == life && n.hand.writing == id {
		w.endWrite(n, done)
	}
}

// endWrite tells the node how its write ended, and reads back.
func (w *world) endWrite(n *worldNode, done WriteDone) {
	n.hand.writing = 0
	n.hand.failures++
	if done.Outcome == WriteAccepted {
		n.hand.failures = 0
		n.hand.waitUntil = w.now.Add(w.group.MoveTimeout)
	} else {
		n.hand.retryAt = w.now.Add(min(250*time.Millisecond<<min(n.hand.failures-1, 6), 10*time.Second))
	}
	w.step(n, done)
	w.readBack(n, n.life, 100*time.Millisecond)
}

// readBack polls while an accepted write has not shown, in growing steps.
func (w *world) readBack(n *worldNode, life int, every time.Duration) {
	if n.life != life || n.m == nil || w.now >= n.hand.waitUntil || n.m.Role("web") != Active {
		return
	}
	w.after(every, func() {
		if n.life == life && w.now < n.hand.waitUntil {
			w.startRead(n)
			w.readBack(n, life, min(2*every, time.Second))
		}
	})
}

// cancelWrite gives up the write under way. The cloud may apply it all the same.
func (w *world) cancelWrite(n *worldNode) {
	n.hand.waitUntil = never
	if n.hand.writing == 0 {
		return
	}
	n.hand.writing = 0
	life := n.life
	w.after(0, func() {
		if n.life == life {
			w.step(n, WriteDone{Group: "web", Outcome: WriteAmbiguous})
		}
	})
}

func (w *world) move(to Owner) {
	if w.cloud.owner == to {
		return
	}
	w.cloud.owner = to
	w.cloud.moves++
	w.say("cloud: owner is %s", ownerWord(to))
}

func ownerWord(o Owner) string {
	switch o.Kind {
	case OwnerNode:
		return o.Node
	case OwnerNone:
		return "nobody"
	case OwnerForeign:
		return "foreign"
	default:
		return "unknown"
	}
}
