// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

const providerName = "sim"

// epoch is the wall-clock time of instant zero. Any would do.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is one history under way.
type world struct {
	opts      options
	chance    chance
	now       election.Instant
	queue     queue
	nodes     []*node
	groups    []group
	links     [][]link
	spare     []*packet
	replays   bool
	attacker  attacker
	elsewhere bool // the datagram in hand comes from him
	model     *fakecloud.Model
	strangers []providers.Target
	api       []apiState // per node
	probing   probing
	faults    faultState
	checks    checks
	phase     phase
	steps     int64
	trusting  bool // set by one test: nodes take datagrams that do not verify
	keeping   bool // set by one test: machines keep the addresses that they are to lose
	tracing   func(string)
}

// group is what all nodes know of a group of addresses.
type group struct {
	name      string
	config    election.GroupConfig
	policy    controller.Policy
	addresses []providers.Address
	kind      moveKind
}

// phase is how far a history has come.
type phase int

const (
	safetyPhase phase = iota
	livenessPhase
	drillPhase
)

// newWorld builds the cluster of a seed. No daemon runs yet; the first node's
// machine holds every address.
func newWorld(seed uint64) *world {
	c := newChance(seed)
	return worldOf(draw(seed, c), c)
}

// worldOf builds the cluster of these options.
func worldOf(o options, c chance) *world {
	w := &world{opts: o, chance: c, now: election.Instant(time.Hour), attacker: attacker{chance: newChance(^o.seed)}}
	w.model = fakecloud.New(fakecloud.Options{
		Now:   func() time.Time { return epoch.Add(time.Duration(w.now)) },
		Rules: fakecloud.Rules{SerializeInstances: w.opts.serialize}, JournalMax: 16,
	})
	for i := range w.opts.nodes {
		w.addNode(i)
	}
	for i := range 2 {
		id := fmt.Sprintf("i-stranger%d", i)
		w.must(w.model.AddInstance(fakecloud.Instance{ID: id, Name: id, Region: "r", Private: w.privateOf(i)}))
		w.strangers = append(w.strangers, providers.Target{Instance: id})
	}
	for i := range w.opts.groups {
		w.addGroup(i)
	}
	w.links = make([][]link, len(w.nodes))
	for i := range w.links {
		w.links[i] = make([]link, len(w.nodes))
	}
	w.api = make([]apiState, len(w.nodes))
	w.model.OnChange(w.holderChanged)
	w.checks = newChecks(w)
	for _, fast := range w.opts.clocks {
		w.checks.drift = max(w.checks.drift, fast, -fast)
	}
	return w
}

func (w *world) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("seed %d: %v", w.opts.seed, err))
	}
}

func (w *world) addNode(i int) {
	n := &node{
		id: i, name: string(rune('a' + i)), addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
		private: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
		target:  providers.Target{Instance: fmt.Sprintf("i-%c", 'a'+i)}, metadata: true,
		serviceOK: make([]bool, len(w.opts.groups)), drained: make([]bool, len(w.opts.groups)),
		digests: make([]uint32, len(w.opts.groups)), lacks: make([]bool, len(w.opts.groups)),
		loaded: make([]bool, len(w.opts.groups)), refused: make([]bool, len(w.opts.groups)),
	}
	for k := range n.serviceOK {
		n.serviceOK[k], n.loaded[k], n.digests[k] = true, true, 7
	}
	n.clock = clock{shows: w.now, since: w.now}
	if i < len(w.opts.clocks) {
		n.clock.fast, n.clock.usual = w.opts.clocks[i], w.opts.clocks[i]
	}
	w.nodes = append(w.nodes, n)
	w.must(w.model.AddInstance(fakecloud.Instance{
		ID: n.target.Instance, Name: n.name, Region: "r", Private: []netip.Addr{n.private},
	}))
}

// groupsInNet is how many groups have their addresses in one network of 256.
const groupsInNet = 25

func (w *world) addGroup(i int) {
	o := w.opts.groups[i]
	g := group{name: fmt.Sprintf("g%d", i+1), kind: o.kind}
	g.config = election.GroupConfig{
		Name: g.name, VRID: uint8(i + 1), Digest: 7, Priorities: map[string]uint8{}, Preempt: o.preempt,
		PreemptDelay: election.PreemptDelayDefault, DisplacedRetry: o.displacedRetry,
		ClaimTimeout: election.ClaimTimeoutDefault, MoveTimeout: moveTimeout, SettleTime: o.settle,
		AtomicMove: o.kind.atomic(), NeedsAPI: o.kind != announce,
	}
	if o.reclaim {
		g.config.OnMoved = election.ReclaimMoved
	}
	for k, n := range w.nodes {
		g.config.Priorities[n.name] = uint8(120 - 5*k)
		if o.equal {
			g.config.Priorities[n.name] = election.PriorityDefault
		}
	}
	g.policy.PatienceMax = election.ClaimTimeoutDefault
	for k := range o.addresses {
		a := providers.Address{Provider: providerName, Kind: o.kind.String(), IP: netip.AddrFrom4([4]byte{203, byte(i / groupsInNet), 113, byte(10*(i%groupsInNet) + k + 1)})}
		g.addresses = append(g.addresses, a)
		policy := controller.AddressPolicy{Address: a, MoveTimeout: moveTimeout, SettleTime: o.settle, LateTime: o.late, Asynchronous: o.kind.later()}
		if o.kind == announce {
			policy.Guest = providers.GuestAnnounce
		}
		g.policy.Addresses = append(g.policy.Addresses, policy)
		w.must(w.model.AddAddress(fakecloud.Address{IP: a.IP, Region: "r", Holder: w.nodes[0].target}))
	}
	w.groups = append(w.groups, g)
}

// after plans something.
func (w *world) after(d time.Duration, do func()) {
	w.queue.push(happening{at: w.now.Add(d), do: do})
}

// run lets d of virtual time pass, or less if done says so; done is asked about once
// a second of virtual time.
func (w *world) run(d time.Duration, done func() bool) bool {
	end := w.now.Add(d)
	look := w.now
	for w.checks.fatal == 0 {
		if done != nil && w.now >= look {
			if done() {
				return true
			}
			look = w.now.Add(time.Second)
		}
		at, n := end, (*node)(nil)
		for _, m := range w.nodes {
			if m.alarm != 0 && m.alarm <= at {
				at, n = m.alarm, m
			}
		}
		if len(w.queue.items) > 0 && w.queue.items[0].at <= at {
			h := w.queue.pop()
			w.now = max(w.now, h.at)
			if h.packet != nil {
				w.arrive(h.packet)
				continue
			}
			h.do()
			continue
		}
		w.now = max(w.now, at)
		if n == nil {
			break
		}
		w.wakeUp(n)
	}
	return done != nil && done()
}

// wakeUp lets time act on a node.
func (w *world) wakeUp(n *node) {
	now := w.local(n)
	if d := n.machine.Deadline(); d != 0 && now >= d {
		w.step(n, election.Tick{})
	}
	for i := range n.hands {
		if h := &n.hands[i]; h.until != 0 && now >= h.until {
			h.until = 0
			w.decide(n, h)
		}
	}
	w.turn(n)
}

// rearm sets when time alone concerns a node next.
func (w *world) rearm(n *node) {
	n.alarm = 0
	if n.machine == nil || n.paused {
		return
	}
	next := n.machine.Deadline()
	for i := range n.hands {
		if h := &n.hands[i]; h.until != 0 && !h.busy && (next == 0 || h.until < next) {
			next = h.until
		}
	}
	if n.readsAt != 0 && (next == 0 || n.readsAt < next) {
		next = n.readsAt
	}
	if n.leaving && (next == 0 || n.leaveBy < next) {
		next = n.leaveBy
	}
	if next != 0 {
		n.alarm = max(n.clock.when(next), w.now)
	}
}

// turn ends what a node does at an instant: reads that were asked for leave
// together, and the alarm is set.
func (w *world) turn(n *node) {
	if n.machine == nil {
		n.alarm = 0
		return
	}
	if w.departIfLeft(n) {
		return
	}
	w.startReads(n)
	w.rearm(n)
}

// step gives a node's machine one event, carries out what it wants, and lets the
// controllers look at the result.
func (w *world) step(n *node, ev election.Event) {
	if n.machine == nil {
		return
	}
	w.steps++
	actions := n.machine.Step(w.local(n), ev)
	w.checks.stepped(w, n, ev, actions)
	w.carryOut(n, actions)
}

// stepDatagram is step for a datagram; again says that it has been delivered before.
func (w *world) stepDatagram(n *node, p *packet, again bool) {
	if n.machine == nil {
		return
	}
	w.steps++
	ev := election.Event(n.received)
	if w.elsewhere {
		ev = election.ReceivedElsewhere(n.received)
	}
	actions := n.machine.Step(w.local(n), ev)
	w.checks.datagram(w, n, p, again, actions)
	w.checks.stepped(w, n, n.received, actions)
	w.carryOut(n, actions)
	w.turn(n)
}

func (w *world) carryOut(n *node, actions []election.Action) {
	for i := range actions {
		a := &actions[i]
		switch a.Kind {
		case election.Send:
			w.send(n, int(a.Peer[0]-'a'), a.Advert)
		case election.SendProbe:
			w.probe(n, w.groupIndex(a.Group))
		case election.CheckNow:
			w.checkNow(n, w.groupIndex(a.Group))
		case election.Cancel:
			if h := w.handOf(n, a.Group); h != nil && h.write != nil {
				w.cancel(n, h)
			}
		case election.Changed:
			w.trace(n, "%s: %s -> %s (%s), term %d", a.Group, a.From, a.To, a.Reason, a.Term.Number)
			if a.To == election.Drained {
				n.drained[w.groupIndex(a.Group)] = true
			}
		case election.Held:
			if a.Reason != election.ReasonNone {
				w.trace(n, "%s: holds, %s", a.Group, a.Reason)
			}
		case election.Latched, election.Unlatched, election.Noted:
			w.trace(n, "%s: %s %s %s", a.Group, [...]string{"latches", "unlatches", "", "notes"}[a.Kind-election.Latched], a.Peer, a.Reason)
		}
	}
	if n.machine != nil && n.machine.Unmoved() {
		return
	}
	for i := range n.hands {
		if n.machine != nil {
			w.decide(n, &n.hands[i])
		}
	}
}

func (w *world) groupIndex(name string) int {
	number := 0
	for _, digit := range name[1:] {
		number = 10*number + int(digit-'0')
	}
	return number - 1
}

func (w *world) handOf(n *node, name string) *hand {
	if name == "" {
		return nil
	}
	return &n.hands[w.groupIndex(name)]
}

// nodeOf returns the node that a target belongs to, or nil.
func (w *world) nodeOf(t providers.Target) *node {
	for _, n := range w.nodes {
		if n.target == t {
			return n
		}
	}
	return nil
}

// lastKept is how many events a report of a broken rule ends with.
const lastKept = 60

func (w *world) trace(n *node, format string, args ...any) {
	if w.tracing == nil {
		return
	}
	who := "world"
	if n != nil {
		who = n.name
	}
	w.tracing(fmt.Sprintf("%12.6f  %-5s  %s", time.Duration(w.now-election.Instant(time.Hour)).Seconds(), who, fmt.Sprintf(format, args...)))
}
