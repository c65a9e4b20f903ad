// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"fmt"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Violation is a rule that a history broke.
type Violation struct {
	Seed    uint64
	Checker string
	At      time.Duration // since the beginning of the history
	Text    string
	Last    []string // the last events before it
}

// History is what became of one seed.
type History struct {
	Seed       uint64
	Steps      int64         // of all machines
	Virtual    time.Duration // that passed
	Faults     [faultKinds]int
	Pairs      [faultKinds][faultKinds]bool // of kinds that overlapped
	Moves      int                          // by writes of nodes
	LateMoves  int                          // of them by writes that their senders had given up
	Writes     int
	Converged  time.Duration // how long that took in the second phase
	Budget     time.Duration // that it had
	Assisted   bool          // an operator had to do what only an operator may
	Drills     []string
	Violations []Violation
}

// Play plays the history of a seed. Every event is told to trace, if that is not nil.
func Play(seed uint64, trace func(string)) History { return newWorld(seed).live(trace) }

func (w *world) live(trace func(string)) History {
	if trace != nil {
		w.tracing = trace
		w.trace(nil, "%s", w.describe())
	}
	h := History{Seed: w.opts.seed}
	w.phase = safetyPhase
	for _, n := range w.nodes {
		w.after(w.chance.between(0, time.Second), func() { w.start(n) })
	}
	w.scheduleFaults()
	for gi := range w.opts.rollouts {
		w.layFiles(gi)
	}
	w.after(0, func() { w.checks.twoActives(w) })
	w.after(0, func() { w.checks.leftovers(w) })
	if w.opts.userProbe {
		for gi := range w.groups {
			w.after(time.Second, func() { w.askService(gi) })
		}
	}
	w.run(w.opts.safety, nil)
	if w.checks.fatal == 0 {
		w.converge(&h)
	}
	if w.checks.fatal == 0 {
		w.drill(&h)
	}
	w.sum(&h)
	return h
}

func (w *world) sum(h *History) {
	h.Steps, h.Virtual = w.steps, w.now.Sub(election.Instant(time.Hour))
	h.Faults, h.Pairs = w.faults.came, w.faults.pairs
	h.Moves, h.LateMoves, h.Writes = w.checks.moves, w.checks.lateN, w.checks.writeN
	h.Violations = w.checks.found
}

func (w *world) describe() string {
	text := fmt.Sprintf("seed %d: %d nodes, adverts each %v, calls of up to %v each way, probes %v, user probe %v, %d faults of %v in %v, groups in a datagram %d; files say %v, copies %v, rollouts %v", w.opts.seed,
		w.opts.nodes, w.opts.interval, w.opts.apiLatency, w.opts.probes, w.opts.userProbe, w.opts.faultTimes, w.opts.faults, w.opts.safety, w.opts.records, w.opts.files, w.opts.copies, w.opts.rollouts)
	for i, g := range w.opts.groups {
		text += fmt.Sprintf("; g%d %s, %d addresses, unlisted %v, preempt %v, reclaim %v, equal %v, retry %v, settle %v, late %v",
			i+1, g.kind, g.addresses, g.unlisted, g.preempt, g.reclaim, g.equal, g.displacedRetry, g.settle, g.late)
	}
	return text
}

// converge ends the faults for the nodes that survive; the others die. Every group
// must then be bound to an elected, healthy node within the budget, and stay so
// (invariants 4 and 5).
func (w *world) converge(h *History) {
	w.endFaults()
	w.phase = livenessPhase
	dead := w.chance.Perm(len(w.nodes))[w.opts.survivors:]
	for _, i := range dead {
		w.die(w.nodes[i])
	}
	for _, n := range w.nodes {
		if n.dead {
			continue
		}
		for gi := range w.groups {
			w.resume(n, gi)
			w.fact(n, n.life, func() { w.step(n, election.CancelOrder{Group: w.groups[gi].name}) })
		}
		w.start(n)
	}
	w.rollOutToTheLiving()
	h.Budget = w.budget()
	w.trace(nil, "faults are over; %d of %d nodes live on", w.opts.survivors, len(w.nodes))
	began := w.now
	if !w.run(h.Budget, w.converged) && w.checks.fatal == 0 {
		h.Assisted = true
		w.assignWhatWaits()
		if !w.run(h.Budget, w.converged) && w.checks.fatal == 0 {
			w.checks.broken(w, checkConvergence, "after %v without faults: %s", w.now.Sub(began), w.state())
			return
		}
	}
	h.Converged = w.now.Sub(began)
	// What was under way when the faults ended may still come, and must be repaired.
	w.run(writeLateMax, nil)
	if w.checks.fatal > 0 || w.run(h.Budget, w.converged) || w.checks.fatal > 0 {
		return
	}
	w.assignWhatWaits()
	if !w.run(h.Budget, w.converged) && w.checks.fatal == 0 {
		w.checks.broken(w, checkRepair, "was converged, and is not any more: %s", w.state())
	}
}

const writeLateMax = 35 * time.Second

// die ends a node for good, and the cloud may know.
func (w *world) die(n *node) {
	w.trace(n, "dies")
	w.crash(n)
	n.dead, n.hostDown, n.addresses = true, true, nil
	if w.chance.one(0.5) {
		w.must(w.model.SetState(n.target.Instance, providers.InstanceStopped))
	}
}

// budget is how long convergence may take: every delay that a rule of the design may
// still be counting, one after the other. It is an upper bound, not an expectation.
func (w *world) budget() time.Duration {
	down := election.ActiveDown(election.PriorityMin, w.opts.interval)
	d := 4*down + // silence, skew, stepping back, row 10
		20*time.Second + // an announced restart
		election.NeverHeardFor +
		5*time.Minute + // the return delay after repeated faults
		time.Minute + // the delay after a claim that was refused
		2*(election.ClaimTimeoutDefault+moveTimeout) + // a handover, and a claim after it
		moveTimeout + // the wait for a rival between its two calls
		35*time.Second + // a write or a move that comes late
		30*time.Second // reads at the slow pace
	for _, g := range w.groups {
		d = max(d, d+g.config.DisplacedRetry)
	}
	return d
}

// converged reports whether every group is bound to one elected node that lives.
func (w *world) converged() bool {
	for gi := range w.groups {
		if w.lacks(gi) != "" {
			return false
		}
	}
	return true
}

// lacks says what a group lacks to be as it should be; empty when nothing.
func (w *world) lacks(gi int) string {
	g := &w.groups[gi]
	var leader *node
	for _, n := range w.nodes {
		if n.machine == nil || n.machine.Role(g.name) != election.Active {
			continue
		}
		if leader != nil {
			return fmt.Sprintf("%s is led by %s and %s", g.name, leader.name, n.name)
		}
		leader = n
	}
	if leader == nil {
		return g.name + " is led by nobody"
	}
	view := w.model.View(0)
	for _, a := range g.addresses {
		at, err := view.Address(a.IP)
		w.must(err)
		if at.Holder != leader.target || at.Pending != 0 {
			return fmt.Sprintf("%s is led by %s, and %v is held by %s", g.name, leader.name, a.IP, w.targetWord(at.Holder))
		}
	}
	if lacks := w.lacksOnMachines(gi, leader); lacks != "" {
		return lacks
	}
	if !leader.seen.namesMe(leader, gi) {
		return fmt.Sprintf("%s is led by %s, who does not know that it holds it", g.name, leader.name)
	}
	return ""
}

// lacksOnMachines says on which machine an announced address is missing, or too many.
func (w *world) lacksOnMachines(gi int, leader *node) string {
	if w.groups[gi].kind != announce {
		return ""
	}
	for k, a := range w.groups[gi].addresses {
		for _, n := range w.nodes {
			if n.machine != nil && n.configured(gi, k) != (n == leader) {
				return fmt.Sprintf("%s is led by %s, and the machine of %s has %v: %v", w.groups[gi].name, leader.name, n.name, a.IP, n != leader)
			}
		}
	}
	return ""
}

// state says of every group what it lacks, and what the nodes wait for.
func (w *world) state() string {
	text := ""
	for gi := range w.groups {
		lacks := w.lacks(gi)
		if lacks == "" {
			continue
		}
		text += lacks
		for _, n := range w.nodes {
			if n.machine != nil {
				s := w.statusOf(n, gi)
				text += fmt.Sprintf("; %s %s (%s) waits %q, %q refusal %q reads %s contended %v", n.name, s.Role, s.Reason, s.Held, n.hands[gi].waiting,
					n.machine.OwnRefusal(w.groups[gi].name), ownerWord(s.Owner), s.Contended)
			}
		}
		text += ". "
	}
	return text
}

// assignWhatWaits does what only an operator may: take an address from a stranger,
// end a contention, or a latch that lasts for ever.
func (w *world) assignWhatWaits() {
	for gi := range w.groups {
		if w.lacks(gi) == "" || !w.waitsForOperator(gi) {
			continue
		}
		for _, n := range w.nodes {
			if n.machine != nil && n.machine.OwnRefusal(w.groups[gi].name) == election.ReasonNone {
				w.trace(n, "%s: is told to take what waits for an operator", w.groups[gi].name)
				force := w.statusOf(n, gi).Held == election.ReasonUnknownThere // its service may answer
				w.fact(n, n.life, func() { w.step(n, election.Assign{Group: w.groups[gi].name, Force: force}) })
				break
			}
		}
	}
}

// waitsForOperator reports whether the design says that a group waits for one.
func (w *world) waitsForOperator(gi int) bool {
	for _, n := range w.nodes {
		if n.machine == nil {
			continue
		}
		s := w.statusOf(n, gi)
		latched := false
		for _, p := range s.Nodes {
			latched = latched || p.Latched
		}
		if s.Held == election.ReasonUnknownThere {
			return true // for the file, or for a word that the address need not be there
		}
		if s.Contended || s.Owner.Kind == election.OwnerForeign || latched && w.groups[gi].config.DisplacedRetry == 0 {
			return true
		}
	}
	return false
}

// quietWatch counts what happens to one group while nothing should.
type quietWatch struct {
	group         int
	writes, moves int
	gaps          int           // the address was held by nobody
	announced     map[int]*node // who announced each address last, where that is asked about
	unserved      int           // it reached a node that did not lead the group, or whose machine lacked it
}

func (q *quietWatch) wrote(_ *world, _ *node, gi int) {
	if q != nil && q.group == gi {
		q.writes++
	}
}

func (q *quietWatch) moved(w *world, gi int, ch fakecloud.Change) {
	if q == nil || q.group != gi {
		return
	}
	q.moves++
	if ch.To.IsZero() {
		q.gaps++
	} else if n := w.nodeOf(ch.To); n == nil || n.machine == nil || n.machine.Role(w.groups[gi].name) != election.Active {
		q.unserved++
	} else if k := int(ch.IP.As4()[3]-1) % 10; w.groups[gi].kind == announce && !n.configured(gi, k) {
		q.unserved++
	}
}

// configured looks at an address that comes to a machine or leaves it: whoever holds it
// must have it.
func (q *quietWatch) configured(w *world, n *node, gi, k int) {
	if q != nil && q.group == gi && !n.configured(gi, k) && w.model.Holder(w.groups[gi].addresses[k].IP) == n.target {
		q.gaps++
	}
}
