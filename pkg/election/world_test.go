// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"container/heap"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// world is a cluster on virtual time: real machines, links that can be cut, and
// one address in a cloud that answers after a fixed delay. Its stand-in for the
// controller writes whenever the permit and the last read allow it.
type world struct {
	now      Instant
	queue    worldQueue
	order    int
	nodes    map[string]*worldNode
	names    []string
	cut      map[string]bool // "a>b"
	cloud    worldCloud
	probes   bool // the signed probe reaches the owner
	interval time.Duration
	group    GroupConfig
	log      []string
	quiet    bool
	sessions uint64
}

type worldCloud struct {
	owner     Owner
	version   int
	down      bool
	downFor   map[string]bool // nodes that cannot reach it
	readDelay time.Duration
	moveDelay time.Duration // how long an accepted move takes
	loseReply bool          // the next write is applied, but its answer is lost
	refuse    bool          // writes are refused for good
	writes    int
	moves     int
}

type worldNode struct {
	name     string
	addr     netip.Addr
	m        *Machine
	life     int // grows at every start: events of an earlier life are dropped
	read     OwnerRead
	wrote    bool // a write is in flight
	drained  bool
	healthy  bool
	paused   bool
	held     []func()
	retryAt  Instant
	awaiting bool // accepted, not yet seen
}

type worldEvent struct {
	at    Instant
	order int
	do    func()
}
type worldQueue []worldEvent

func (q worldQueue) Len() int { return len(q) }
func (q worldQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q worldQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *worldQueue) Push(x any)   { *q = append(*q, x.(worldEvent)) }
func (q *worldQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

const worldLinkDelay = time.Millisecond

func newWorld() *world {
	return &world{
		now: Instant(time.Hour), nodes: map[string]*worldNode{}, cut: map[string]bool{}, interval: time.Second,
		cloud: worldCloud{readDelay: 20 * time.Millisecond, moveDelay: 100 * time.Millisecond, downFor: map[string]bool{}},
		group: GroupConfig{
			Name: "web", VRID: 51, Digest: 7, NeedsAPI: true, AtomicMove: true,
			PreemptDelay: PreemptDelayDefault, DisplacedRetry: DisplacedRetryDefault,
			ClaimTimeout: ClaimTimeoutDefault, MoveTimeout: time.Minute, Priorities: map[string]uint8{},
		},
	}
}

func (w *world) after(d time.Duration, f func()) {
	w.order++
	heap.Push(&w.queue, worldEvent{w.now.Add(d), w.order, f})
}

func (w *world) say(format string, args ...any) {
	if !w.quiet {
		w.log = append(w.log, fmt.Sprintf(format, args...))
	}
}

// run lets d of virtual time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		next := w.nextNode()
		at := end
		if next != nil {
			at = min(at, max(next.m.Deadline(), w.now))
		}
		if len(w.queue) > 0 && w.queue[0].at <= at {
			e := heap.Pop(&w.queue).(worldEvent)
			w.now = max(w.now, e.at)
			e.do()
			continue
		}
		if next == nil || next.m.Deadline() > end {
			w.now = end
			return
		}
		w.now = at
		w.step(next, Tick{})
	}
}

func (w *world) nextNode() *worldNode {
	var next *worldNode
	for _, name := range w.names {
		n := w.nodes[name]
		if n.m == nil || n.paused || n.m.Deadline() == never {
			continue
		}
		if next == nil || n.m.Deadline() < next.m.Deadline() {
			next = n
		}
	}
	return next
}

// step gives a node an event and carries out what it answers.
func (w *world) step(n *worldNode, ev Event) {
	if n.m == nil {
		return
	}
	if n.paused {
		n.held = append(n.held, func() { w.step(n, ev) })
		return
	}
	for _, a := range n.m.Step(w.now, ev) {
		w.carryOut(n, a)
	}
	if n.m != nil {
		w.control(n)
	}
}

func (w *world) carryOut(n *worldNode, a Action) {
	switch a.Kind {
	case Send:
		w.deliver(n.name, a.Peer, *a.Advert)
	case ReadOwner:
		w.startRead(n)
	case SendProbe:
		w.probe(n)
	case Changed:
		w.say("%s %s -> %s (%s)", n.name, a.From, a.To, a.Reason)
	case Held:
		if a.Reason != ReasonNone {
			w.say("%s holds: %s", n.name, a.Reason)
		}
	case Latched, Unlatched:
		w.say("%s %s %s (%s)", n.name, map[ActionKind]string{Latched: "latches", Unlatched: "unlatches"}[a.Kind], a.Peer, a.Reason)
	case Noted:
		w.say("%s notes: %s", n.name, strings.TrimSpace(a.Reason.String()+" "+a.Peer))
	case Cancel:
		n.wrote = false
	}
}

// deliver copies an advert to the other side of a link.
func (w *world) deliver(from, to string, a Advert) {
	a.Groups = append([]GroupAdvert(nil), a.Groups...)
	for i := range a.Groups {
		a.Groups[i].Relay = append([]Relay(nil), a.Groups[i].Relay...)
	}
	a.Targets = append([]NodeTarget(nil), a.Targets...)
	if w.cut[from+">"+to] {
		return
	}
	life := w.nodes[to].life
	w.after(worldLinkDelay, func() {
		if n := w.nodes[to]; n.life == life {
			w.step(n, Received{&a})
		}
	})
}

func (w *world) unreachable(n *worldNode) bool { return w.cloud.down || w.cloud.downFor[n.name] }

func (w *world) startRead(n *worldNode) {
	life, began := n.life, w.now
	w.after(w.cloud.readDelay, func() {
		if n.life != life {
			return
		}
		ev := OwnerRead{Group: "web", Began: began, Ended: w.now, Failed: true}
		if !w.unreachable(n) {
			ev.Failed, ev.Owner = false, w.cloud.owner
			n.read = ev
		}
		w.step(n, ev)
	})
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

// control is the stand-in for the controller: one write whenever the gate is open.
func (w *world) control(n *worldNode) {
	p := n.m.Permit("web")
	open := p.Role == Active && p.Eligible && p.Hold == ReasonNone && !p.Handover && !p.Term.Less(p.Newest) &&
		n.read.Began > p.Since && n.read.Began > p.Own && w.now.Sub(n.read.Ended) <= p.MaxAge && !n.read.Failed
	if !open || n.wrote || n.read.Owner == (Owner{OwnerNode, n.name}) || w.now < n.retryAt {
		return
	}
	n.wrote = true
	n.retryAt = w.now.Add(time.Second)
	w.cloud.writes++
	w.say("%s writes: %s -> %s", n.name, ownerWord(n.read.Owner), n.name)
	for _, a := range n.m.Step(w.now, WriteSent{Group: "web"}) {
		w.carryOut(n, a)
	}
	life := n.life
	w.after(w.cloud.readDelay, func() { w.answerWrite(n, life) })
}

func (w *world) answerWrite(n *worldNode, life int) {
	done := WriteDone{Group: "web", Outcome: WriteAccepted, More: true}
	switch {
	case w.unreachable(n):
		done.Outcome = WriteRefused
	case w.cloud.refuse:
		done.Outcome = WriteHopeless
	default:
		if w.cloud.loseReply {
			w.cloud.loseReply = false
			done.Outcome = WriteAmbiguous
		}
		w.after(w.cloud.moveDelay, func() { w.move(Owner{OwnerNode, n.name}) })
	}
	if n.life == life {
		n.wrote = false
		w.step(n, done)
	}
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

// start boots a node with a new session.
func (w *world) start(name string) {
	n := w.nodes[name]
	w.sessions++
	n.life++
	n.wrote, n.read = false, OwnerRead{Failed: true}
	cfg := Config{Cluster: "test", Node: name, Address: n.addr, Session: w.sessions, Interval: w.interval}
	for _, other := range w.names {
		if other != name {
			cfg.Peers = append(cfg.Peers, Peer{other, w.nodes[other].addr})
		}
	}
	gc := w.group
	gc.Drained = n.drained
	cfg.Groups = []GroupConfig{gc}
	m, err := New(cfg, w.now)
	if err != nil {
		panic(err)
	}
	n.m = m
	w.step(n, Identity{Group: "web", Known: true})
	w.step(n, OwnTargets{Targets: []NodeTarget{{"fake", name}}})
	w.step(n, Health{Group: "web", Known: true, Healthy: n.healthy})
}

func (w *world) crash(name string) {
	n := w.nodes[name]
	n.m, n.paused, n.held = nil, false, nil
	n.life++
}
