// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// group is the election of one group on this node.
type group struct {
	cfg    GroupConfig
	own    uint8       // this node's configured priority
	top    bool        // no node has a higher one; of equal ones, the highest address counts
	peers  []peerGroup // what each peer last said of the group, indexed like Machine.peers
	role   Role
	since  Instant // of the role
	reason Reason  // of the role
	held   Reason  // what the group waits for
	giveUp bool    // the next adverts carry priority 0

	// What this node can do.
	health     Health
	lastFailed bool // a check of this node failed the last time
	known      bool // credentials and own target
	denied     bool // the cloud refuses its writes
	drained    bool
	leaving    bool    // the daemon is being stopped
	returnAt   Instant // end of the delay after a fault
	returnWait time.Duration
	faultAt    Instant
	canClaimAt Instant // end of a delay after a failed claim
	claimDelay time.Duration
	apiLost    bool

	// The silence of the owner.
	activeDownAt   Instant // the active-down timer of RFC 9568
	owningAt       Instant // last accepted owning advert of another node
	incumbentSince Instant // first fresh read in this silence that row 10 held on
	rankUntil      Instant // end of the rank wait; never: not begun
	wordAt         Instant // since when the owner says itself that it cannot lead; never: it does not
	wordsFrom      Instant // before this no such word counts

	// What the cloud says.
	read      ownerRead
	lastNamed Owner     // by the last read that named a target
	namedAt   Instant   // when that read began
	latches   []Instant // per peer: since when latched
	unboundAt Instant   // first read of ours that showed it unbound
	stoppedAt Instant   // the cloud's last word that the owner's machine is stopped or gone
	failedAt  Instant   // end of the last of the calls that failed
	failingAt Instant   // start of the first of the calls that all failed since
	newsAt    Instant   // last new fact: reads are fast for a while
	missingAt Instant   // since when a peer is missing or a latch holds
	lookedAt  Instant   // when the last read ended, whatever came of it
	lookAt    Instant   // something happened then that only a read begun later can show
	waits     bool      // a decision waits for a read
	seenOurs  bool      // some read named a node of the cluster
	moved     movedRead
	flappedAt Instant             // when this node resumed last after it had been displaced
	retaken   [retakesMax]Instant // when this node took again what it had lost, newest first
	keptSince Instant             // since when every read of this active node says that the address is here; never: it does not
	contended bool
	step      OwnershipStep // what the last read made this active node do

	claim claim
	plan  plan
	probe probeState
}

// peerGroup is what a peer last said of a group.
type peerGroup struct {
	GroupAdvert
	relay       []Relay // owned copy
	sequence    uint64  // of the last advert that said it, within the peer's session
	at          Instant // when it was accepted
	twoWayAt    Instant // when the last one was that proved that the peer hears this node
	oneWayAt    Instant // when the last one was that did not; never once one did again
	echoedAt    Instant // when the newest of our adverts left that it echoed
	goodbye     bool
	restartAt   Instant                // last advert that announced a restart
	starts      [crashSessions]Instant // when its last sessions were accepted that were not announced by one that led; newest first
	failedClaim bool                   // gave up a claim since this node's own claim began
	missingAt   Instant                // since when it is suspicious or latched, as the reads were planned
	unsaidAt    Instant                // the address was read on it, and it has not spoken since
	ledAt       Instant                // its last word is that it leads, said then and two-way; never: it is not
	answered    uint64                 // id of its last request that was answered
	namedAt     Instant                // the first read that named it
	takenAt     Instant                // when a read first showed the address there that was elsewhere before
	stoppedAt   Instant                // the cloud's last word that its machine is stopped or gone
	toldOfAt    Instant                // when another node heard it, as it said first, or it first answered the probe
}

// ownerRead is the last successful owner read.
type ownerRead struct {
	Owner
	partial bool
	same    bool // as when the claim began, but for what this node won
	stopped bool
	version string
	began   Instant
	ended   Instant
	took    time.Duration // the slowest of its calls
}

// movedRead is a first read of something that a second one must confirm.
type movedRead struct {
	owner   Owner
	version string
	at      Instant
}

// claim is what an active node knows of its own claim.
type claim struct {
	term        Term
	highest     Term // newest seen anywhere
	from        Owner
	version     string  // of the binding that it began from; empty where the cloud has none
	unseenAt    Instant // when reads worked again after they had failed for so long that its announcement may have come and gone
	boundFrom   Instant // a read that says me makes this node bound if it began then or later
	saidMe      bool
	taken       bool   // part of what it won was taken away again
	lost        bool   // somebody else has what it had, and no write to take it again was accepted
	lostVersion string // of the binding by which it was lost
	ordered     bool   // by an operator: a foreign owner does not stop it
	byOffer     bool   // agreed with the old owner, and not bound yet
	fault       bool   // begun because the owner is in fault
	wrote       bool   // some write has left
	progressAt  Instant
	detached    bool // our own detach was acknowledged in this term, or had no answer

	sentAt    Instant // the write under way left; never: none
	sentUntil Instant // when it counts as over without an answer or a read-back
	overAt    Instant // answer, or deadline, of the last write: an owner read that began before it says nothing
	ackedAt   Instant // last acknowledged write
	tookAt    Instant // the same, if it brings the address here, and no failure of it is known
}

// plan is what is under way between two nodes by agreement.
type plan struct {
	nextID uint64

	request   Request // ours, to the active node
	requestAt Instant
	ordered   bool // an operator assigned the group to this node
	forced    bool
	orderedAt Instant
	until     Instant // when whoever gave the order no longer waits for it; never: not known
	preemptAt Instant // when to ask for preemption; never: no ground to

	handover  Handover // ours, to a successor
	handUntil Instant
	handSeen  bool // the successor was seen active
	then      Role // what this node becomes when the handover is complete
	draining  bool
	placing   bool   // the handover follows an operator's order: its result is sticky
	ended     Reason // how the last handover ended

	offerFrom   int // index+1 of the peer whose handover names this node
	offerID     uint64
	offerUntil  Instant
	offerSticky bool
	declined    int // index+1 of the peer whose offer this node gave up
	declinedID  uint64

	sticky bool

	notAnsweringAt Instant // when this node last handed over because nothing answered
}

// priority returns the effective priority: configured plus what the checks say. A node
// whose checks never told has the lowest, so that it asks nobody for the role and comes
// after all others; but not while it leads, or it would be asked for the role instead.
func (m *Machine) priority(g *group) uint8 {
	if g.health.Untold && g.role != Active {
		return PriorityMin
	}
	p := int(g.own) + g.health.PriorityDelta
	return uint8(min(max(p, int(PriorityMin)), int(PriorityMax)))
}

// canClaim reports whether credentials and target are known and no delay runs.
func (m *Machine) canClaim(g *group) bool {
	return g.known && !g.apiLost && !m.before(g.canClaimAt) && !m.leavesIt(g)
}

// leavesIt reports whether this node leaves the group to others, since the cloud refuses its
// writes: while one of them could lead that is not refused itself, or two such nodes would
// each wait for the other. Where the cloud names this node already, no write is needed.
func (m *Machine) leavesIt(g *group) bool {
	if !g.denied || g.role == Active || m.readNamesMe(g) || m.lacks(guardDenied) {
		return false
	}
	for i := range m.peers {
		if m.standbyRefusal(g, i) == ReasonNone && !g.peers[i].Flags.Has(FlagDenied) {
			return true
		}
	}
	return false
}

// eligible reports whether this node may lead the group now.
func (m *Machine) eligible(g *group) bool {
	return g.health.Known && g.health.Healthy && !m.before(g.returnAt) && !g.drained && !g.leaving &&
		!m.recovering() && m.canClaim(g)
}

// activeDown is the Active_Down_Interval towards a peer.
func (m *Machine) activeDown(g *group, p *peer) time.Duration {
	return ActiveDown(m.priority(g), p.interval)
}

// ownActiveDown is the Active_Down_Interval where no peer's interval is meant.
func (m *Machine) ownActiveDown(g *group) time.Duration {
	return ActiveDown(m.priority(g), m.cfg.Interval)
}

// fresh reports whether an accepted two-way record of the group from the peer is younger
// than active-down and was no goodbye. What it says of other groups counts for nothing:
// the part of this one may be lost each time. The opposite is silent.
func (m *Machine) fresh(g *group, i int) bool {
	return !g.peers[i].goodbye && m.within(g.peers[i].twoWayAt, m.activeDown(g, m.peers[i]))
}

// standbyRefusal says why a peer may not lead the group now, or ReasonNone.
func (m *Machine) standbyRefusal(g *group, i int) Reason {
	pg := &g.peers[i]
	switch {
	case !m.fresh(g, i):
		switch {
		case m.within(pg.oneWayAt, m.activeDown(g, m.peers[i])):
			return ReasonOneWayLink
		case m.heardWithout(g, i):
			return ReasonUnknownThere
		}
		return ReasonNotHeard
	case pg.Digest != g.cfg.Digest:
		return ReasonConfigMismatch
	case pg.Role == Drained || pg.Flags.Has(FlagDraining):
		return ReasonDrained
	case pg.Role == Initialize && !pg.Flags.Has(FlagHealthy): // no check of it has failed
		if !pg.Flags.Has(FlagCanClaim) {
			return ReasonCannotClaim
		}
		return ReasonStarting
	case pg.Role == Fault || !pg.Flags.Has(FlagHealthy):
		return ReasonUnhealthy
	case pg.Flags.Has(FlagRecovering):
		return ReasonRecovering
	case !pg.Flags.Has(FlagCanClaim) && pg.Flags.Has(FlagDenied):
		return ReasonWriteDenied
	case !pg.Flags.Has(FlagCanClaim):
		return ReasonCannotClaim
	case m.crashLooping(g, i):
		return ReasonCrashLoop
	default:
		return ReasonNone
	}
}

// successorExists reports whether some peer could lead now and has not failed to
// claim since this claim began.
func (m *Machine) successorExists(g *group) bool {
	for i := range m.peers {
		if m.standbyRefusal(g, i) == ReasonNone && !g.peers[i].failedClaim {
			return true
		}
	}
	return false
}

// bestSuccessor returns the index of the peer that should take over, or -1:
// highest priority, then highest address.
func (m *Machine) bestSuccessor(g *group) int {
	best := -1
	for i := range m.peers {
		if m.standbyRefusal(g, i) != ReasonNone {
			continue
		}
		if best < 0 || m.ranksAbove(g, i, best) {
			best = i
		}
	}
	return best
}

func (m *Machine) ranksAbove(g *group, i, j int) bool {
	if a, b := g.peers[i].Priority, g.peers[j].Priority; a != b {
		return a > b
	}
	return m.peers[i].Address.Compare(m.peers[j].Address) > 0
}

// rank counts the fresh eligible backups that go before this node.
func (m *Machine) rank(g *group) int {
	rank := 0
	for i := range m.peers {
		if m.standbyRefusal(g, i) != ReasonNone || g.peers[i].Role != Backup {
			continue
		}
		own, theirs := m.priority(g), g.peers[i].Priority
		if theirs > own || theirs == own && m.peers[i].Address.Compare(m.cfg.Address) > 0 {
			rank++
		}
	}
	return rank
}

// activePeer returns the index of a fresh peer that advertises active, is not
// recovering and hands nothing to this node, or -1.
func (m *Machine) activePeer(g *group) int {
	for i := range m.peers {
		pg := &g.peers[i]
		if pg.Role == Active && !pg.Flags.Has(FlagRecovering) && !m.offers(g, i) && m.fresh(g, i) {
			return i
		}
	}
	return -1
}

// offers reports whether peer i is handing the group to this node.
func (m *Machine) offers(g *group, i int) bool {
	return g.plan.offerFrom == i+1 && m.before(g.plan.offerUntil)
}

// rankConfigured works out what the configured priorities say of this node.
func (m *Machine) rankConfigured(g *group) {
	g.own, g.top = g.cfg.priority(m.cfg.Node), true
	for _, p := range m.peers {
		theirs := g.cfg.priority(p.Name)
		if theirs > g.own || theirs == g.own && p.Address.Compare(m.cfg.Address) > 0 {
			g.top = false
		}
	}
}
