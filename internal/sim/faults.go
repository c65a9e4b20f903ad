// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Fault is a kind of fault.
type Fault int

// The kinds. A one-way cut hits one direction of one link; a partition cuts every
// link between two sets of nodes; a blind partition every link.
const (
	Loss Fault = iota
	Duplication
	Reordering
	DelayTail
	Replay
	OneWayCut
	Partition
	BlindPartition
	Crash
	HostDown
	Restart
	NeverHeard
	Pause
	PauseClocks
	Starvation
	WallStep
	ClockDrift
	NetlinkSlow
	APISlow
	APIThrottled
	ReadsThrottled
	APIError
	APIBlackHole
	APIHangs
	ReplyLost
	WriteLate
	StaleRead
	ReplicaAlternates
	ReplicaOld
	AsyncFails
	HandMoves
	HandUnbinds
	BadCredentials
	WrongKey
	MetadataOutage
	ServiceFails
	OrderAssign
	OrderHandTo
	OrderDrain
	ConfigDiffers
	ProbeBlocked
	ProbeHairpins
	ProbeAstray
	WritesRefused
	faultKinds
)

var faultNames = [faultKinds]string{
	"loss", "duplication", "reordering", "delay-tail", "replay", "one-way-cut", "partition", "blind-partition",
	"crash", "host-down", "restart", "never-heard", "pause", "pause-clocks", "starvation", "wall-step", "clock-drift", "netlink-slow",
	"api-slow", "api-throttled", "reads-throttled", "api-error", "api-black-hole", "api-hangs", "reply-lost", "write-late", "stale-read", "replica-alternates", "replica-old", "async-fails",
	"hand-moves", "hand-unbinds", "bad-credentials", "wrong-key", "metadata-outage", "service-fails",
	"order-assign", "order-hand-to", "order-drain", "config-differs", "probe-blocked", "probe-hairpins", "probe-astray", "writes-refused",
}

// String returns the kind as lower-case words with hyphens.
func (f Fault) String() string { return faultNames[f] }

// Faults returns every kind.
func Faults() []Fault {
	all := make([]Fault, faultKinds)
	for i := range all {
		all[i] = Fault(i)
	}
	return all
}

// faultState is which faults are on, and which have come.
type faultState struct {
	on    [faultKinds]int
	came  [faultKinds]int
	last  [faultKinds]election.Instant // when one came last; 0: never
	hits  [faultKinds]int              // of kinds that only open a window, how often it was used
	pairs [faultKinds][faultKinds]bool
	ends  map[int]func() // of faults that are on, to end them early
	next  int
}

func (s *faultState) hit(f Fault) { s.hits[f]++ }

// scheduleFaults plans the faults of the first phase.
func (w *world) scheduleFaults() {
	w.faults.ends = map[int]func(){}
	for range w.opts.faultTimes {
		f := w.opts.faults[w.chance.IntN(len(w.opts.faults))]
		w.after(w.chance.between(0, w.opts.safety), func() { w.begin(f) })
	}
	for _, f := range w.opts.faults {
		w.replays = w.replays || f == Replay
	}
}

// pairWindow is how soon after one another two faults that do not last meet: what the
// first set off, such as a claim, is then still under way.
const pairWindow = 3 * time.Second

// begin starts one fault, if the phase is still on, and plans its end.
func (w *world) begin(f Fault) {
	if w.phase != safetyPhase {
		return
	}
	w.faults.came[f]++
	w.faults.last[f] = w.now
	for g, on := range w.faults.on {
		if last := w.faults.last[g]; on > 0 || last != 0 && w.now.Sub(last) < pairWindow {
			w.faults.pairs[f][g], w.faults.pairs[g][f] = true, true
		}
	}
	end := w.play(f)
	if end == nil {
		return
	}
	w.faults.on[f]++
	w.faults.next++
	id := w.faults.next
	w.trace(nil, "%s begins", f)
	w.faults.ends[id] = func() {
		delete(w.faults.ends, id)
		w.faults.on[f]--
		w.trace(nil, "%s ends", f)
		end()
	}
	w.after(w.lasts(), func() {
		if over := w.faults.ends[id]; over != nil {
			over()
		}
	})
}

// lasts draws how long a fault lasts: mostly a few seconds or intervals, sometimes
// long enough for every timer to end.
func (w *world) lasts() time.Duration {
	if w.chance.one(0.1) {
		return w.chance.between(20*time.Second, 2*time.Minute)
	}
	return w.chance.between(100*time.Millisecond, max(12*time.Second, 6*w.opts.interval))
}

// endFaults ends every fault that is on, in the order of their beginning.
func (w *world) endFaults() {
	for id := 1; id <= w.faults.next; id++ {
		if end := w.faults.ends[id]; end != nil {
			end()
		}
	}
}

func (w *world) anyNode() *node { return w.nodes[w.chance.IntN(len(w.nodes))] }

func (w *world) anyLink() *link {
	i := w.chance.IntN(len(w.nodes))
	j := w.chance.IntN(len(w.nodes) - 1)
	if j >= i {
		j++
	}
	return &w.links[i][j]
}

// play makes one fault happen and returns how to end it; nil where it ends itself.
func (w *world) play(f Fault) (end func()) {
	switch {
	case f <= BlindPartition:
		return w.playNetwork(f)
	case f <= NetlinkSlow:
		return w.playNode(f)
	case f <= AsyncFails:
		return w.playAPI(f)
	default:
		return w.playHands(f)
	}
}

func (w *world) playNetwork(f Fault) func() {
	l := w.anyLink()
	switch f {
	case Loss:
		if w.opts.records > 0 && w.opts.records < len(w.groups) && w.chance.one(0.4) {
			l.part = 1 + w.chance.IntN(len(w.groups))
			return func() { l.part = 0 }
		}
		l.loss = 0.05 + 0.85*w.chance.Float64()
		return func() { l.loss = 0 }
	case Duplication:
		l.duplicate = 0.3
		return func() { l.duplicate = 0 }
	case Reordering:
		l.reorder = 0.5
		return func() { l.reorder = 0 }
	case DelayTail:
		l.tail = 0.3
		return func() { l.tail = 0 }
	case Replay:
		w.replay(l)
		return nil
	case OneWayCut:
		return w.cutAll(func(i, j int) bool { return &w.links[i][j] == l })
	case Partition:
		side := 1 + w.chance.IntN(1<<len(w.nodes)-2)
		return w.cutAll(func(i, j int) bool { return side>>i&1 != side>>j&1 })
	default:
		return w.cutAll(func(i, j int) bool { return true })
	}
}

// cutAll cuts every link between nodes that apart names, and lets the checkers know.
func (w *world) cutAll(apart func(i, j int) bool) (end func()) {
	var cut []*link
	for i := range w.links {
		for j := range w.links[i] {
			if i != j && apart(i, j) {
				w.links[i][j].cut++
				cut = append(cut, &w.links[i][j])
			}
		}
	}
	w.checks.partitioned(w)
	return func() {
		for _, l := range cut {
			l.cut--
		}
		w.checks.partitioned(w)
	}
}

func (w *world) playNode(f Fault) func() {
	n := w.anyNode()
	switch f {
	case Crash:
		w.crash(n)
		if w.chance.one(0.6) { // the unit starts it again at once
			w.after(w.chance.between(100*time.Millisecond, 400*time.Millisecond), func() { w.start(n) })
			return nil
		}
		return func() { w.start(n) }
	case HostDown:
		return w.hostDown(n)
	case Restart:
		w.leave(n, w.chance.one(0.6), w.chance.between(100*time.Millisecond, 8*time.Second))
		return nil
	case NeverHeard:
		return w.neverHear(n)
	case Pause, PauseClocks:
		w.pause(n, f == PauseClocks)
		life := n.life
		return func() {
			if n.life == life {
				w.wake(n)
			}
		}
	case Starvation:
		return w.starve(n)
	case ClockDrift:
		return w.drift(n)
	case NetlinkSlow:
		n.netlinkSlow++
		return func() { n.netlinkSlow-- }
	default: // WallStep
		by := w.chance.between(-time.Minute, time.Minute)
		if by > 0 {
			w.fact(n, n.life, func() { w.step(n, election.ClocksDisagree{By: by}) })
		}
		return nil
	}
}

// hostDown takes a whole machine away, as when its host dies; the cloud may come to
// know of it.
func (w *world) hostDown(n *node) func() {
	if n.hostDown || n.dead {
		return func() {}
	}
	w.crash(n)
	n.hostDown, n.addresses = true, nil
	if w.chance.one(0.5) {
		w.after(w.chance.between(0, 10*time.Second), func() {
			if n.hostDown {
				w.must(w.model.SetState(n.target.Instance, providers.InstanceStopped))
			}
		})
	}
	return func() {
		n.hostDown = false
		w.must(w.model.SetState(n.target.Instance, providers.InstanceRunning))
		w.start(n)
	}
}

// starve gives a node the processor only now and then.
func (w *world) starve(n *node) func() {
	over := false
	var again func()
	again = func() {
		if over {
			return
		}
		w.pause(n, false)
		life := n.life
		w.after(w.chance.between(10*time.Millisecond, w.opts.interval+500*time.Millisecond), func() {
			if n.life == life {
				w.wake(n)
			}
			w.after(w.chance.between(time.Millisecond, 50*time.Millisecond), again)
		})
	}
	again()
	return func() { over = true }
}

// playHands plays what people do, and what breaks on one node.
func (w *world) playHands(f Fault) func() {
	n, gi := w.anyNode(), w.chance.IntN(len(w.groups))
	g := &w.groups[gi]
	a := g.addresses[w.chance.IntN(len(g.addresses))]
	switch f {
	case HandMoves:
		to := w.anyNode().target
		if w.chance.one(0.2) {
			to = w.strangers[w.chance.IntN(len(w.strangers))]
		}
		w.byHand(gi)
		w.must(w.model.Place(a.IP, to))
		return nil
	case HandUnbinds:
		w.byHand(gi)
		w.must(w.model.Place(a.IP, providers.Target{}))
		return nil
	case BadCredentials:
		n.badToken = true
		return func() { n.badToken = false }
	case WrongKey:
		n.wrongKey = true
		return func() { n.wrongKey = false }
	case MetadataOutage:
		n.metadata = false
		return func() { n.metadata = true }
	case ServiceFails:
		w.service(n, gi, false)
		return func() { w.service(n, gi, true) }
	case OrderAssign, OrderHandTo, OrderDrain:
		return w.order(f, n, gi)
	case ConfigDiffers:
		w.reload(n, gi, 8)
		return func() { w.reload(n, gi, 7) }
	case ProbeBlocked:
		w.probing.blocked++
		return func() { w.probing.blocked-- }
	case ProbeHairpins:
		w.probing.hairpin++
		return func() { w.probing.hairpin-- }
	case ProbeAstray:
		w.probing.astray++
		return func() { w.probing.astray-- }
	default: // WritesRefused
		n.readOnly++
		return func() {
			if n.readOnly--; n.readOnly == 0 { // by other credentials
				w.fact(n, n.life, func() { w.pardon(n) })
			}
		}
	}
}

// reload gives a node's daemon a file in which a group has another digest.
func (w *world) reload(n *node, gi int, digest uint32) {
	n.digests[gi] = digest
	w.fact(n, n.life, func() { w.step(n, election.Reload{Config: w.config(n)}) })
}

// service breaks or mends the service of a group on a node; its checks notice.
func (w *world) service(n *node, gi int, ok bool) {
	n.serviceOK[gi] = ok
	life := n.life
	w.after(w.chance.between(0, 2*time.Second), func() {
		if n.serviceOK[gi] == ok {
			w.fact(n, life, func() { w.tellHealth(n, gi) })
		}
	})
}

// order gives a node's daemon an operator's order.
func (w *world) order(f Fault, n *node, gi int) func() {
	if n.machine == nil || n.paused || n.leaving {
		return nil
	}
	name, life := w.groups[gi].name, n.life
	switch f {
	case OrderAssign:
		if n.machine.OwnRefusal(name) != election.ReasonNone {
			return nil
		}
		force := w.chance.one(0.1)
		w.ordered(n, gi)
		w.trace(n, "%s: is told to take it, force %v", name, force)
		w.fact(n, life, func() { w.step(n, election.Assign{Group: name, Force: force}) })
		w.cancelLater(n, gi)
	case OrderHandTo:
		to := w.nodes[(n.id+1+w.chance.IntN(len(w.nodes)-1))%len(w.nodes)]
		w.ordered(n, gi)
		to.seen.orderedHere(gi)
		w.trace(n, "%s: is told to hand it to %s", name, to.name)
		w.fact(n, life, func() { w.step(n, election.HandTo{Group: name, To: to.name}) })
		w.cancelLater(n, gi)
	default:
		force := w.chance.one(0.2)
		w.ordered(n, gi)
		w.trace(n, "%s: is told to drain, force %v", name, force)
		w.fact(n, life, func() { w.step(n, election.Drain{Group: name, Force: force}) })
		return func() { w.resume(n, gi) }
	}
	return nil
}

// cancelLater withdraws an order after the patience of whoever gave it.
func (w *world) cancelLater(n *node, gi int) {
	life, name := n.life, w.groups[gi].name
	w.after(w.chance.between(5*time.Second, 90*time.Second), func() {
		w.fact(n, life, func() {
			if w.statusOf(n, gi).Handover.To == "" {
				w.step(n, election.CancelOrder{Group: name})
			}
		})
	})
}

// resume lets a drained node take part again.
func (w *world) resume(n *node, gi int) {
	n.drained[gi] = false
	w.fact(n, n.life, func() { w.step(n, election.ResumeNode{Group: w.groups[gi].name}) })
}
