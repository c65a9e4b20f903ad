// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// options are what a seed makes of a history before it begins.
type options struct {
	seed         uint64
	nodes        int
	interval     time.Duration
	groups       []groupOptions
	records      int     // how many groups travel in one datagram; 0: all
	faults       []Fault // the kinds that exist at all in this history
	probes       bool    // the signed probe passes through the addresses
	userProbe    bool    // the groups have a probe of the user's
	survivors    int     // how many nodes live on in the second phase
	faultTimes   int     // how many faults come
	safety       time.Duration
	apiLatency   time.Duration // of a call, each way, at most; but see apiTail
	apiJitter    time.Duration // by how much less it may be
	steady       bool          // no call takes longer than usual
	callsPerHour int           // that the cloud allows, all nodes together
	clocks       []int64       // how fast those of each node run, in millionths; see clock.go
	serialize    bool          // the cloud refuses a second operation on the same machine
	copies       bool          // the strangers are copies of machines, with their private addresses
	files        []fileSays    // what the files call each node; nil: nothing
	rollouts     []rollout     // how the files differ about each group; nil: not at all
}

// groupOptions are those of one group of addresses.
type groupOptions struct {
	kind           moveKind
	addresses      int
	preempt        bool
	reclaim        bool
	equal          bool // all nodes have the same priority
	displacedRetry time.Duration
	settle         time.Duration
	late           time.Duration // after which an unanswered write that shows nothing is repeated; 0: settle
	handOver       bool
	drift          time.Duration // until the cloud takes notice of an announcement
	version        bool          // reads carry a token that changes with every binding
	unlisted       bool          // no call lists its addresses: each is read by one of its own
}

// moveKind is how a cloud moves addresses of a kind.
type moveKind int

const (
	oneCall       moveKind = iota // one call, done when accepted
	oneCallLater                  // one call, done some time after it was accepted
	twoCalls                      // a detach and an attach
	twoCallsLater                 // the same, each done later
	announce                      // the guest announces; the API is only read
)

func (k moveKind) atomic() bool { return k != twoCalls && k != twoCallsLater }
func (k moveKind) later() bool  { return k == oneCallLater || k == twoCallsLater }

// String returns the kind as a few words with hyphens.
func (k moveKind) String() string {
	return [...]string{"one-call", "one-call-later", "two-calls", "two-calls-later", "announce"}[k]
}

const (
	moveTimeout  = time.Minute
	lateMin      = time.Second
	faultsFewest = 50
)

// The latencies of APIs, each way. Most are those of clouds on a good day. The slow ones
// end where a read of 2.8 s still succeeds, just below the deadline of an attempt; with
// a tail on top some do not.
const (
	latencyMin     = 5 * time.Millisecond
	latencyMax     = 150 * time.Millisecond
	slowLatencyMax = 1400 * time.Millisecond
	slowAPIs       = 0.3  // of all histories
	apiTail        = 0.02 // of all calls take up to apiTailMax longer, each way
	apiTailMax     = 400 * time.Millisecond
)

// manyGroups is the part of histories with tens of groups, which take their time, and
// groupsMost is how many a history has at most.
const (
	manyGroups = 0.02
	groupsMost = 32
)

// drawLatency draws the latency of a whole history.
func drawLatency(c chance) time.Duration {
	if c.one(slowAPIs) {
		return c.between(latencyMax, slowLatencyMax)
	}
	return c.between(latencyMin, latencyMax)
}

// draw makes the options of a seed.
func draw(seed uint64, c chance) options {
	o := options{
		seed:       seed,
		nodes:      2 + c.weighted(45, 30, 10, 6, 5, 4),
		interval:   []time.Duration{time.Second, 250 * time.Millisecond, 5 * time.Second, 100 * time.Millisecond}[c.weighted(70, 20, 6, 4)],
		probes:     c.one(0.7),
		userProbe:  c.one(0.25),
		faultTimes: faultsFewest + c.IntN(15),
		serialize:  c.one(0.2),
	}
	o.apiLatency = drawLatency(c)
	o.apiJitter = time.Duration(c.Float64() * float64(o.apiLatency/2))
	o.callsPerHour = []int{5000, 600}[c.weighted(70, 30)]
	o.clocks = drawClocks(c, o.nodes)
	o.survivors = 1 + c.IntN(o.nodes)
	if c.one(0.6) {
		o.survivors = o.nodes
	}
	for range 1 + c.weighted(60, 20, 8, 4, 3, 2, 2, 1) {
		o.groups = append(o.groups, drawGroup(c))
	}
	late := newChance(^seed) // of its own: what else a seed gives stays as it was
	for i := range o.groups {
		if g := &o.groups[i]; g.settle > lateMin && late.one(0.5) {
			g.late = late.between(lateMin, g.settle)
		}
	}
	if late.one(manyGroups) {
		for range 8 + late.IntN(groupsMost-8-7) {
			o.groups = append(o.groups, drawGroup(late))
		}
	}
	if late.one(0.5) {
		o.records = 1 + late.IntN(3)
	}
	drawIdentities(&o, newChance(seed^identitySalt)) // as above
	drawRollouts(&o, newChance(seed^rolloutSalt))
	// Faults come about every 2 to 6 s or 2 to 6 intervals, so that they overlap.
	pace := c.between(2*time.Second, 6*time.Second)
	o.safety = max(pace, min(2*o.interval, 6*time.Second)) * time.Duration(o.faultTimes)
	if o.interval < 250*time.Millisecond {
		o.safety /= 3
	}
	for _, f := range Faults() {
		luck := c
		if f > ProbeAstray {
			luck = late
		}
		if luck.one(0.55) {
			o.faults = append(o.faults, f)
		}
	}
	if len(o.faults) == 0 {
		o.faults = []Fault{Faults()[c.IntN(len(Faults()))]}
	}
	return o
}

func drawGroup(c chance) groupOptions {
	g := groupOptions{
		kind:           moveKind(c.weighted(22, 31, 13, 14, 20)),
		addresses:      1 + c.weighted(80, 15, 5),
		preempt:        c.one(0.3),
		reclaim:        c.one(0.3),
		equal:          c.one(0.2),
		displacedRetry: []time.Duration{election.DisplacedRetryDefault, 20 * time.Second, 0}[c.weighted(60, 30, 10)],
		handOver:       c.one(0.2),
	}
	g.version = c.one(0.3)
	g.unlisted = c.one(0.3)
	if c.one(0.4) {
		g.settle = c.between(time.Second, 12*time.Second)
	}
	if g.kind == announce {
		g.drift = c.between(0, time.Second)
	}
	return g
}
