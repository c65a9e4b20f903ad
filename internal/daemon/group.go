// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// group is what the engine keeps for one group beside the election.
type group struct {
	node     string // this node's name
	cfg      config.Group
	policy   controller.Policy
	provider []providers.Provider // of each address
	runner   *controller.Runner
	guest    *guestWorker

	state         controller.State
	watch         controller.Watch // of the owner reads
	wish          election.Wish    // what the controller wants of the next one
	news          election.Instant // and the engine: one that begins then or later,
	renewed       election.Instant // or keeps to the budget, since the configuration changed then
	busy          bool             // a write or a guest step is under way
	writing       bool             // and it is a write,
	wroteAt       election.Instant // that left then,
	adding        bool             // or a guest step that puts an address on this machine
	announcing    *writeIntent     // it is this announcement; nil: none
	gone          bool             // a reload replaced it: what still comes back is dropped,
	heir          *group           // but for writes, which go to the group in its place; may be nil
	preflightAt   election.Instant // when the next preflight is due
	preflightedAt election.Instant // when the last one began; 0: none yet
	preflighting  bool             // one is under way
	until         election.Instant // when time alone changes the controller's decision
	waiting       election.Reason  // why the controller waits

	checkers   []*health.Runner
	lastFailed bool // a check failed the last time
	checks     []health.Standing
	results    map[string]health.Result // the last one of each check
	checkAt    map[string]time.Time     // since when it says that
	verdict    health.Verdict
	tracks     []tracked      // the accepted move of each address
	owner      election.Owner // by the last complete read
	readErr    []error        // of the last read, per address
	denied     bool           // the cloud turns our credentials down
	refusal    error          // why the cloud would refuse a move here, by the last preflight
	guestErr   error          // of the last guest step
	sides      []guestSide    // each address on this machine
	unplugged  bool           // what its announcements would leave by carries nothing
	guestMute  bool           // it is of an announcement: that the address can be added is no answer
	claimErr   error          // the last failed write since the address was here
	doubt      doubt          // whether it failed
	refusedBy  error          // the write that the cloud refused for our credentials; nil: none, or that is over
	mark       markState
	probed     map[[16]byte]election.Instant // questions under way, by nonce

	phases  phases
	service serviceState
}

// doubt is about a write without an answer: it may have taken effect.
type doubt struct{ since, until election.Instant }

// phases measures one failover on this node.
type phases struct {
	claimed  election.Instant // became active
	from     election.Owner   // who held the addresses then, by the last read
	sent     election.Instant // the write or the announcement left
	detached election.Instant // nobody holds an address that moves in two calls
	bound    election.Instant
	answered bool
}

// newPolicy derives the controller's policy from the capabilities.
func newPolicy(g config.Group, ps []providers.Provider) controller.Policy {
	pol := controller.Policy{PatienceMax: g.ClaimTimeout}
	for i, a := range g.Addresses {
		caps := ps[i].Capabilities()
		guest, late := caps.Guest4, caps.LateTime4
		if a.IP.Is6() {
			guest, late = caps.Guest6, caps.LateTime6
		}
		pol.Addresses = append(pol.Addresses, controller.AddressPolicy{
			Address: a, Guest: guest, MoveTimeout: caps.MoveTimeout, SettleTime: caps.SettleTime, LateTime: late,
			Asynchronous: caps.Asynchronous, CanRelease: canRelease(a, ps[i]),
		})
	}
	return pol
}

// canRelease reports whether a move that comes to nothing is worth a release. Only
// moves of IPv6 addresses were ever reported to do that although the cloud moves in
// one call (see docs/providers); elsewhere a release is an outage more.
func canRelease(a providers.Address, p providers.Provider) bool {
	_, able := p.(providers.Releaser)
	return able && a.IP.Is6() && p.Capabilities().AtomicMove
}

// unfit reports whether the cloud said that an address which moves by announcement
// would not move here. A write that is refused makes a claim fail by itself; an
// announcement is ignored in silence, so such a node must not lead.
func (g *group) unfit() bool {
	announced := slices.ContainsFunc(g.provider, func(p providers.Provider) bool { return p.Capabilities().MovesWithoutAPI })
	return announced && providers.KindOf(g.refusal) == providers.Invalid
}

// electionGroup derives what the election needs to know of a group of cfg.
func electionGroup(cfg *config.Config, g config.Group, ps []providers.Provider, drained bool) election.GroupConfig {
	eg := election.GroupConfig{
		Name: g.Name, VRID: g.VRID, Digest: cfg.GroupDigest(g), Priorities: g.Priority,
		Preempt: g.Preempt, PreemptDelay: g.PreemptDelay, OnMoved: g.OnMoved, DisplacedRetry: g.DisplacedRetry,
		ClaimTimeout: g.ClaimTimeout, Drained: drained, AtomicMove: true,
		HandOverNotAnswering: g.OnNotAnswering == config.HandOver,
	}
	for _, p := range ps {
		caps := p.Capabilities()
		eg.AtomicMove = eg.AtomicMove && !takesTwoCalls(caps)
		eg.NeedsAPI = eg.NeedsAPI || !caps.MovesWithoutAPI
		eg.MoveTimeout = max(eg.MoveTimeout, caps.MoveTimeout)
		eg.SettleTime = max(eg.SettleTime, caps.SettleTime)
	}
	return eg
}

// detaches reports whether a write takes address i off its holder and binds it
// nowhere: a release, or the first half of a move in two calls.
func (g *group) detaches(j controller.Job) bool {
	atomic := g.provider[j.Address].Capabilities().AtomicMove
	return j.Release || !atomic && !j.Seen.Target.IsZero()
}

// asynchronous reports whether an accepted write of address i takes effect later.
func (g *group) asynchronous(i int) bool { return g.provider[i].Capabilities().Asynchronous }
