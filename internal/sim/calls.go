// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"slices"
	"strconv"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// apiState is what is wrong with the cloud's API for one node.
type apiState struct {
	on                      [AsyncFails - APISlow]int // how many faults of each kind; they may overlap
	slowBy, lateBy, staleBy time.Duration
	alternateBy, oldBy      time.Duration // how old one of two replicas is, and the only one
	turned                  bool          // it answered last
}

// is reports whether a fault of a kind is on.
func (s *apiState) is(f Fault) bool { return s.on[f-APISlow] > 0 }

// outcome of one call as its sender sees it.
type answer struct {
	after time.Duration // from leaving to the answer, or to giving up
	reach time.Duration // from leaving until the API looks at it; negative: never
	ok    bool
	kind  providers.Kind // where not ok
	retry time.Duration
}

// call draws how one call fares. A write may take effect although its sender hears
// otherwise.
func (w *world) call(n *node, writes bool) answer {
	s := &w.api[n.id]
	out, back := w.oneWay(), w.oneWay()
	if s.is(APISlow) {
		out += w.chance.between(0, s.slowBy)
		back += w.chance.between(0, s.slowBy)
	}
	a := answer{after: out + back, reach: out, ok: true}
	none := answer{after: w.lasting(n, election.AttemptTimeout), reach: -1, kind: providers.Transient}
	if writes {
		none.kind = providers.Ambiguous
	}
	switch {
	case n.badToken, writes && n.readOnly > 0:
		a = answer{after: a.after, reach: -1, kind: providers.Denied}
	case s.is(APIBlackHole):
		return none
	case s.is(APIHangs) && w.chance.one(0.4):
		w.faults.hit(APIHangs)
		if w.chance.one(0.5) {
			return none
		}
		return unheard(none, a.reach)
	case s.is(APIThrottled) && w.chance.one(0.8):
		a = answer{after: a.after, reach: -1, kind: providers.Throttled, retry: w.chance.between(0, 10*time.Second)}
	case !writes && s.is(ReadsThrottled) && w.chance.one(0.9):
		w.faults.hit(ReadsThrottled)
		a = answer{after: a.after, reach: -1, kind: providers.Throttled, retry: w.chance.between(0, 10*time.Second)}
	case s.is(APIError) && w.chance.one(0.8):
		a.ok, a.kind = false, none.kind
		if w.chance.one(0.5) {
			a.reach = -1
		}
	case writes && s.is(ReplyLost) && w.chance.one(0.7):
		w.faults.hit(ReplyLost)
		return unheard(none, a.reach)
	case writes && s.is(WriteLate) && w.chance.one(0.7):
		w.faults.hit(WriteLate)
		return unheard(none, w.chance.between(election.AttemptTimeout, s.lateBy))
	}
	if a.after >= none.after { // whatever it says, nobody hears it
		return unheard(none, a.reach)
	}
	return a
}

// oneWay draws how long a request is on its way, or its answer, while nothing is wrong.
func (w *world) oneWay() time.Duration {
	d := w.chance.between(w.opts.apiLatency-w.opts.apiJitter, w.opts.apiLatency)
	if !w.opts.steady && w.chance.one(apiTail) {
		d += w.chance.between(0, apiTailMax)
	}
	return d
}

// unheard is a call that reaches the API and whose sender has no answer.
func unheard(none answer, reach time.Duration) answer {
	none.reach = reach
	return none
}

// ownersRead is one read of owners on its way: of all the groups that one call lists,
// or of one group by a call for each of its addresses, side by side.
type ownersRead struct {
	groups []int
	calls  []answer
	ended  []election.Instant       // when each was answered, by the node's clock; 0: not yet
	seen   [][]providers.Assignment // by group and address; each by the call that looked at it
}

// readCalls draws how the calls of a read of these groups fare. Each call has its own
// latency and its own deadline.
func (w *world) readCalls(n *node, groups []int) (reads []*ownersRead) {
	listed := &ownersRead{}
	for _, gi := range groups {
		if !w.opts.groups[gi].unlisted {
			listed.groups = append(listed.groups, gi)
			continue
		}
		r := &ownersRead{groups: []int{gi}}
		for range w.groups[gi].addresses {
			r.calls = append(r.calls, w.call(n, false))
		}
		reads = append(reads, r)
	}
	if listed.groups != nil {
		listed.calls = []answer{w.call(n, false)}
		reads = append(reads, listed)
	}
	for _, r := range reads {
		r.ended = make([]election.Instant, len(r.calls))
		for _, gi := range r.groups {
			r.seen = append(r.seen, make([]providers.Assignment, len(w.groups[gi].addresses)))
		}
	}
	return reads
}

// callsOf returns how many calls a read of these groups takes.
func (w *world) callsOf(groups []int) (calls int) {
	listed := 0
	for _, gi := range groups {
		if w.opts.groups[gi].unlisted {
			calls += len(w.groups[gi].addresses)
		} else {
			listed = 1
		}
	}
	return calls + listed
}

// fares returns how the read as a whole does: it is over when the last call is, and it
// failed if one did, of which it gives the kind.
func (r *ownersRead) fares() answer {
	whole := answer{ok: true}
	for _, c := range r.calls {
		whole.after = max(whole.after, c.after)
		if whole.ok && !c.ok {
			whole.ok, whole.kind = false, c.kind
		}
	}
	return whole
}

// startRead lets the calls of a read leave. Where it takes several, each that is answered
// before the last is told to the controller.
func (w *world) startRead(n *node, r *ownersRead, began election.Instant) {
	life := n.life
	whole := r.fares()
	for i, c := range r.calls {
		if !whole.ok {
			continue
		}
		w.after(c.reach, func() { w.look(n, r, i) })
		if len(r.calls) > 1 {
			w.after(c.after, func() { w.fact(n, life, func() { w.readPart(n, r, i, began) }) })
		}
	}
	w.after(whole.after, func() {
		w.fact(n, life, func() {
			if !whole.ok {
				w.readFailed(n, r.groups, began, whole.kind)
				return
			}
			w.readDone(n, r, began)
		})
	})
}

// readPart tells the controller what one of the calls of a read said of its address.
func (w *world) readPart(n *node, r *ownersRead, call int, began election.Instant) {
	h := &n.hands[r.groups[0]]
	r.ended[call] = w.local(n)
	if slices.Contains(r.ended, 0) { // else the whole follows
		fact := r.fact(0, began, r.ended[call])
		fact.Part = true
		w.learn(n, h, controller.Observation{Read: &fact})
		w.decideIf(n, h)
	}
}

// fact is what the controller is told of one group of a read. Ended is for those of its
// addresses that no call of its own was made for.
func (r *ownersRead) fact(i int, began, ended election.Instant) controller.ReadFact {
	f := controller.ReadFact{Ended: ended, Readings: make([]controller.Reading, len(r.seen[i]))}
	for k := range f.Readings {
		f.Readings[k] = controller.Reading{Began: began, Ended: ended, Seen: r.seen[i][k]}
		if len(r.calls) > 1 {
			f.Readings[k].Ended = r.ended[k]
		}
	}
	return f
}

// look answers one call of a read with the state of the model, or with that of a moment
// ago.
func (w *world) look(n *node, r *ownersRead, call int) {
	view := w.model.View(w.replica(n))
	for i, gi := range r.groups {
		for k := range r.seen[i] {
			if k == call || !w.opts.groups[gi].unlisted {
				r.seen[i][k] = w.assignment(view, gi, k)
			}
		}
	}
}

// replica returns how old the state is from which the next call of a node is answered.
func (w *world) replica(n *node) (lag time.Duration) {
	s := &w.api[n.id]
	switch {
	case s.is(ReplicaOld):
		w.faults.hit(ReplicaOld)
		lag = s.oldBy
	case s.is(ReplicaAlternates):
		if s.turned = !s.turned; s.turned {
			w.faults.hit(ReplicaAlternates)
			lag = s.alternateBy
		}
	case s.is(StaleRead) && w.chance.one(0.7):
		w.faults.hit(StaleRead)
		lag = w.chance.between(0, s.staleBy)
	}
	if lag > 0 {
		w.checks.unknowable()
	}
	return lag
}

// assignment is what the cloud says of one address.
func (w *world) assignment(view fakecloud.View, gi, k int) providers.Assignment {
	at, err := view.Address(w.groups[gi].addresses[k].IP)
	w.must(err)
	a := providers.Assignment{Target: at.Holder, Pending: at.Pending != 0}
	if w.opts.groups[gi].version {
		a.Version = strconv.FormatInt(at.Since.UnixNano(), 36)
	}
	if owner, err := view.Instance(at.Holder.Instance); err == nil {
		a.PrivateAddresses = owner.Private
	}
	return a
}
