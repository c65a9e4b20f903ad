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
// one address in a cloud that answers after a fixed delay. worldcloud_test.go has
// the cloud and the stand-in for the controller, worldcheck_test.go what must hold
// in every step of every test.
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

	tellRefused bool
	sessions    uint64
	badly       map[string]bool     // "a>b": its datagrams arrive with a wrong signature
	kept        map[string][]Advert // the last datagrams of each link, for replays
	drop        func() bool         // loses a datagram; nil: never
	wrong       []string            // broken rules, see worldcheck_test.go
}

type worldNode struct {
	name    string
	addr    netip.Addr
	m       *Machine
	life    int // grows at every start: events of an earlier life are dropped
	healthy bool
	untold  bool // its check could not tell and never did
	known   bool // credentials and own target
	paused  bool
	waking  bool
	held    []func()
	hand    worldHand
	seen    worldSeen
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
		badly: map[string]bool{}, kept: map[string][]Advert{},
		cloud: worldCloud{readDelay: 20 * time.Millisecond, moveDelay: 100 * time.Millisecond,
			downFor: map[string]bool{}, refuseFor: map[string]bool{}, stopped: map[string]bool{}},
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
			at = min(at, max(next.next(), w.now))
		}
		if len(w.queue) > 0 && w.queue[0].at <= at {
			e := heap.Pop(&w.queue).(worldEvent)
			w.now = max(w.now, e.at)
			e.do()
			continue
		}
		if next == nil || next.next() > end {
			w.now = end
			return
		}
		w.now = max(w.now, next.next())
		if next.hand.lookAt != never && next.hand.lookAt <= w.now {
			w.startRead(next)
			w.planRead(next)
			continue
		}
		w.step(next, Tick{})
	}
}

func (w *world) nextNode() *worldNode {
	var next *worldNode
	for _, name := range w.names {
		n := w.nodes[name]
		if n.m == nil || n.paused || n.next() == never {
			continue
		}
		if next == nil || n.next() < next.next() {
			next = n
		}
	}
	return next
}

// next returns when time alone concerns the node: its machine, or a read that it wishes for.
func (n *worldNode) next() Instant { return earliest(n.m.Deadline(), n.hand.lookAt) }

// step gives a node an event and carries out what it answers.
func (w *world) step(n *worldNode, ev Event) {
	if n.m == nil {
		return
	}
	if n.paused {
		n.held = append(n.held, func() { w.step(n, ev) })
		return
	}
	actions := n.m.Step(w.now, ev)
	w.check(n, ev, actions)
	for _, a := range actions {
		w.carryOut(n, a)
	}
	if !n.waking {
		w.control(n)
	}
	w.planRead(n)
}

func (w *world) carryOut(n *worldNode, a Action) {
	switch a.Kind {
	case Send:
		w.deliver(n.name, a.Peer, *a.Advert)
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
	case Refused:
		if w.tellRefused {
			w.say("%s refuses a datagram of %s: %s", n.name, a.Peer, a.Reason)
		}
	case Cancel:
		w.cancelWrite(n)
	}
}

// deliver copies an advert to the other side of a link.
func (w *world) deliver(from, to string, a Advert) {
	a.Groups = append([]GroupAdvert(nil), a.Groups...)
	for i := range a.Groups {
		a.Groups[i].Relay = append([]Relay(nil), a.Groups[i].Relay...)
	}
	a.Targets = append([]NodeTarget(nil), a.Targets...)
	link := from + ">" + to
	w.kept[link] = append(w.kept[link], a)
	if extra := len(w.kept[link]) - 100; extra > 0 {
		w.kept[link] = w.kept[link][extra:]
	}
	if w.cut[link] || w.drop != nil && w.drop() {
		return
	}
	if w.badly[link] {
		w.hand(to, BadlySigned{Peer: from})
		return
	}
	w.hand(to, Received{&a})
}

// hand brings an event to a node after the delay of a link.
func (w *world) hand(to string, ev Event) {
	n := w.nodes[to]
	life := n.life
	w.after(worldLinkDelay, func() {
		if n.life == life {
			w.step(n, ev)
		}
	})
}

// config returns the configuration of a node as it is set up now.
func (w *world) config(name string) Config {
	n := w.nodes[name]
	cfg := Config{Cluster: "test", Node: name, Address: n.addr, Session: n.seen.session, Interval: w.interval}
	for _, other := range w.names {
		if other != name {
			cfg.Peers = append(cfg.Peers, Peer{other, w.nodes[other].addr})
		}
	}
	cfg.Groups = []GroupConfig{w.group}
	return cfg
}

// start boots a node with a new session.
func (w *world) start(name string) {
	n := w.nodes[name]
	w.sessions++
	n.life++
	n.hand = worldHand{read: OwnerRead{Failed: true}}
	n.seen = worldSeen{session: w.sessions}
	m, err := New(w.config(name), w.now)
	if err != nil {
		panic(err)
	}
	n.m = m
	w.step(n, Identity{Group: "web", Known: n.known})
	w.step(n, OwnTargets{Targets: []NodeTarget{{"fake", name}}})
	w.step(n, Health{Group: "web", Known: true, Healthy: n.healthy, Untold: n.untold})
}

func (w *world) crash(name string) {
	n := w.nodes[name]
	n.m, n.paused, n.held = nil, false, nil
	n.life++
}

// wake lets a paused node go on: it reads the datagrams that waited before it
// writes anything (invariant 7).
func (w *world) wake(name string) {
	n := w.nodes[name]
	n.paused, n.waking = false, true
	held := n.held
	n.held = nil
	for _, f := range held {
		f()
	}
	n.waking = false
	w.step(n, Tick{})
}

// quietWorld returns a world whose later nodes have higher priorities, and that tells nothing.
func quietWorld(names ...string) *world {
	w := newWorld()
	w.quiet = true
	for i, name := range names {
		w.addNode(name, uint8(100+i))
	}
	w.cloud.owner = Owner{OwnerNode, names[0]}
	return w
}

func (w *world) addNode(name string, priority uint8) {
	w.names = append(w.names, name)
	w.group.Priorities[name] = priority
	addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(len(w.names))})
	w.nodes[name] = &worldNode{name: name, healthy: true, known: true, addr: addr}
}

// quietConfig returns a valid configuration of a node with one peer.
func quietConfig(node string) Config {
	w := quietWorld("a", "b")
	w.nodes[node].seen.session = 1
	return w.config(node)
}
