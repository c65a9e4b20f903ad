// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// node is one machine with its daemon. The daemon may be down, paused or dead for
// good; the service behind it has a life of its own.
type node struct {
	id      int
	name    string
	addr    netip.Addr // by the file
	private netip.Addr // of the machine, as the cloud tells it
	target  providers.Target

	machine   *election.Machine // nil: the daemon is down
	life      int               // grows with every start; what an earlier life asked for is dropped
	session   uint64
	clock     clock // all of this machine's, which go alike
	paused    bool
	stopped   bool // and its clocks with it
	pausedAt  election.Instant
	pausedOwn election.Instant // the same on its own clock
	wokeAt    election.Instant // of the world: when it last went on; 0: it has run all the while
	waiting   []*packet        // datagrams in the socket of a daemon that does not run
	held      []func()         // other facts that wait for it
	dead      bool             // for good
	leaving   bool
	restart   bool
	leaveBy   election.Instant
	alarm     election.Instant // of the world: when time alone concerns this node
	received  election.Received

	started   election.Instant // on its own clock: when its daemon last did
	addresses map[[2]int]bool  // that its machine has, by group and number

	netlinkSlow  int              // how many faults make its kernel slow
	netlinkUntil election.Instant // on its own clock: when the last step that was slow is over

	hostDown  bool // the whole machine is down, its service too
	serviceOK []bool
	wrongKey  bool
	mute      int // how many faults let no question pass through the addresses, from it or to it
	badToken  bool
	metadata  bool // its metadata service answers
	known     bool // it has answered in this life
	drained   []bool
	digests   []uint32 // of its file, by group
	lacks     []bool   // its file does not have the group
	loaded    []bool   // the file that its daemon has read does
	readOnly  int      // how many faults make the cloud refuse its writes
	refused   []bool   // it knows so, by group
	file      file     // what it says besides

	budget  controller.Budget // of reads that nobody waits for
	readsAt election.Instant  // local: when an owner read may be due; 0: not by time alone
	hands   []hand
	seen    shadow
}

// hand is what the node's controller does for one group.
type hand struct {
	group      int
	policy     controller.Policy
	state      controller.State
	busy       bool
	announcing bool // it is busy with the preparing of an announcement
	watch      controller.Watch
	wish       election.Wish
	until      election.Instant // local: when time alone changes the decision
	waiting    election.Reason  // why the controller waits
	write      *write           // under way
	track      []int64          // accepted operation of each address; 0: none
	targets    []providers.Target
}

// config returns the configuration of a node.
func (w *world) config(n *node) election.Config {
	cfg := election.Config{
		Cluster: "sim", Node: n.name, Address: n.addr, Session: n.session, Interval: w.opts.interval,
	}
	for _, p := range w.nodes {
		if p != n {
			cfg.Peers = append(cfg.Peers, election.Peer{Name: p.name, Address: p.addr})
		}
	}
	for i, g := range w.opts.groups {
		if n.lacks[i] {
			continue
		}
		gc := w.groups[i].config
		gc.Drained, gc.Digest = n.drained[i], n.digests[i]
		gc.HandOverNotAnswering = g.handOver
		cfg.Groups = append(cfg.Groups, gc)
	}
	n.file.change(&cfg)
	return cfg
}

// start boots a node's daemon.
func (w *world) start(n *node) {
	if n.dead || n.hostDown || n.machine != nil {
		return
	}
	n.life++
	n.started = w.local(n)
	w.checks.allow(-1)
	n.session = w.chance.Uint64() | 1
	n.leaving, n.restart, n.known = false, false, false
	n.hands = make([]hand, len(w.opts.groups))
	for i := range n.hands {
		n.hands[i] = w.newHand(n, i)
	}
	n.budget, n.readsAt = controller.NewBudget(w.opts.callsPerHour, w.opts.nodes), 0
	n.seen = newShadow(w, n)
	for i, lacks := range n.lacks {
		n.loaded[i], n.refused[i] = !lacks, false
	}
	m, err := election.New(w.config(n), w.local(n))
	if err != nil {
		panic(fmt.Sprintf("seed %d: %v", w.opts.seed, err))
	}
	n.machine = m
	w.trace(n, "starts, session %x", n.session)
	w.identify(n)
	life := n.life
	for i := range n.hands {
		w.after(w.chance.between(0, 500*time.Millisecond), func() {
			w.fact(n, life, func() { w.tellHealth(n, i) })
		})
	}
	w.rearm(n)
}

func (w *world) newHand(n *node, i int) hand {
	g := &w.groups[i]
	h := hand{group: i, policy: g.policy, track: make([]int64, len(g.addresses)), targets: make([]providers.Target, len(g.addresses))}
	for k := range h.targets {
		h.targets[k] = n.target
	}
	return h
}

// identify asks the metadata service who the node is, until it answers.
func (w *world) identify(n *node) {
	life := n.life
	w.after(w.chance.between(2*time.Millisecond, 50*time.Millisecond), func() {
		w.fact(n, life, func() {
			if !n.metadata {
				w.step(n, election.WayOut{Open: n.known})
				w.after(2*time.Second, func() {
					w.fact(n, life, func() { w.identify(n) })
				})
				return
			}
			n.known = true
			for i := range n.hands {
				if w.judgeAgain(n, &n.hands[i]); n.machine == nil {
					return
				}
			}
			w.step(n, election.WayOut{Open: true})
			w.step(n, election.OwnTargets{Targets: []election.NodeTarget{{Provider: providerName, Target: n.target.String()}}})
			w.tellIdentity(n)
		})
	})
}

// tellIdentity says whether the node could claim: who it is, and credentials that
// the cloud has not turned down.
func (w *world) tellIdentity(n *node) {
	for i := range n.hands {
		w.step(n, election.Identity{Group: w.groups[i].name, Known: n.known && !n.seen.denied, Denied: n.refused[i]})
	}
}

func (w *world) tellHealth(n *node, i int) {
	w.step(n, election.LastCheck{Group: w.groups[i].name, Failed: !n.serviceOK[i]})
	if n.machine == nil {
		return
	}
	w.step(n, election.Health{Group: w.groups[i].name, Known: true, Healthy: n.serviceOK[i]})
}

// checkNow runs the checks of a group once more, beside their rhythm.
func (w *world) checkNow(n *node, i int) {
	life := n.life
	w.after(w.chance.between(time.Millisecond, 300*time.Millisecond), func() {
		w.fact(n, life, func() {
			w.step(n, election.LastCheck{Group: w.groups[i].name, Failed: !n.serviceOK[i]})
		})
	})
}

// fact brings something to a node that belongs to one of its lives, now or when it
// runs again.
func (w *world) fact(n *node, life int, do func()) {
	switch {
	case n.life != life || n.machine == nil:
	case n.paused:
		n.held = append(n.held, func() { w.fact(n, life, do) })
	default:
		do()
		w.turn(n)
	}
}

// crash ends a daemon without a word.
func (w *world) crash(n *node) {
	if n.machine == nil {
		return
	}
	w.trace(n, "crashes")
	w.endLife(n)
}

func (w *world) endLife(n *node) {
	n.machine = nil
	n.life++
	n.alarm = 0
	n.resume()
	for _, p := range n.waiting {
		w.drop(p)
	}
	n.waiting, n.held = n.waiting[:0], nil
}

// pause stops a node from running, with or without its clocks.
func (w *world) pause(n *node, clocks bool) {
	if n.machine == nil || n.paused {
		return
	}
	w.trace(n, "is paused")
	n.pausedOwn = w.local(n)
	n.paused, n.stopped, n.pausedAt, n.alarm = true, clocks, w.now, 0
}

func (n *node) resume() { n.paused, n.stopped = false, false }

// wake lets a paused node go on. Datagrams that waited come first: a write that is
// about to leave looks at them before it does (invariant 7).
func (w *world) wake(n *node) {
	if !n.paused {
		return
	}
	paused := w.now.Sub(n.pausedAt)
	if n.stopped {
		n.clock.goesOn(w.now, n.pausedOwn, n.clock.fast)
		n.clock.stoodAt = w.now
	} else {
		paused = w.local(n).Sub(n.pausedOwn)
	}
	w.trace(n, "runs again after %v", paused)
	n.wokeAt = w.now
	n.seen.woke(w, n, paused, n.stopped)
	n.resume()
	waiting := n.waiting
	n.waiting = nil
	for _, p := range waiting {
		if n.machine != nil {
			w.receive(n, p)
		}
		w.drop(p)
	}
	held := n.held
	n.held = nil
	for _, do := range held {
		do()
	}
	if n.machine != nil {
		w.step(n, election.Tick{})
		w.turn(n)
	}
}

// leave begins the end of a daemon: a stop hands over, a restart only says so.
func (w *world) leave(n *node, restart bool, downFor time.Duration) {
	if n.machine == nil || n.leaving || n.paused {
		return
	}
	w.trace(n, "is told to leave, restart %v", restart)
	n.leaving, n.restart = true, restart
	n.leaveBy = w.local(n)
	if !restart {
		n.leaveBy = n.leaveBy.Add(election.ClaimTimeoutDefault + moveTimeout + 2*w.opts.interval)
	}
	life := n.life
	n.seen.left = func() {
		w.endLife(n)
		w.after(downFor, func() {
			if n.life == life+1 {
				w.start(n)
			}
		})
	}
	w.step(n, election.Leave{Restart: restart})
	w.turn(n)
}

// departIfLeft ends a daemon that has nothing left to hand over.
func (w *world) departIfLeft(n *node) bool {
	if !n.leaving || !n.restart && w.local(n) < n.leaveBy && !n.machine.Status().Left {
		return false
	}
	w.step(n, election.Depart{})
	w.trace(n, "has left")
	n.seen.left()
	return true
}
