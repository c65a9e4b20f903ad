// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// Event is a fact that may change what the machine does.
type Event interface{ isEvent() }

// Tick says that time has passed: the instant of Deadline has come.
type Tick struct{}

// Received is a datagram that passed every check of package wire: the right
// version, cluster and receiver, from a configured peer, well signed. The machine
// copies what it keeps.
type Received struct{ Advert *Advert }

// ReceivedElsewhere is the same of a datagram that did not come from the peer's configured
// address. That limits how it is answered while its session is not accepted, nothing else.
type ReceivedElsewhere struct{ Advert *Advert }

// BadlySigned is a datagram from the address of a configured peer whose key or
// signature does not fit. It changes no role; while such datagrams keep arriving
// they hold back a takeover by silence.
type BadlySigned struct{ Peer string }

// OtherVersion is a datagram from the address of a configured peer that may be one of another
// version of this protocol. It counts for what a badly signed one does.
type OtherVersion struct{ Peer string }

// OwnerRead is the end of an owner read of a group, whoever wished for it.
type OwnerRead struct {
	Group string
	Began Instant // when the request was sent
	Ended Instant // when the answer came or the attempt was given up
	// Took is how long the slowest of its calls took, where it consists of several side by
	// side: each of them is judged by itself. Zero: the time from Began to Ended.
	Took    time.Duration
	Failed  bool // no usable answer: the rest is zero
	Again   bool // it was told before, and is now that it is known better who is who
	Owner   Owner
	Partial bool // Owner does not hold all the addresses of the group
	// How the read compares with the claim of a node that leads, where a group has
	// several addresses: Unchanged when every one is here, with nobody, or where it was
	// when the claim began; Taken when one that this node won is held by somebody else.
	Unchanged, Taken bool

	Stopped bool   // the cloud says that the owner's instance is stopped or gone
	Version string // the provider's token of this binding; empty where it has none
}

// took returns how long the slowest call of the read took.
func (r OwnerRead) took() time.Duration {
	if r.Took == 0 {
		return r.Ended.Sub(r.Began)
	}
	return r.Took
}

// InstanceRead is what the cloud says about the machine of the owner that the last
// owner read named, or of a peer that may be in the middle of a move. It comes apart from the
// owner read and never holds one up. Stopped counts for 20 s, and only until that node is
// heard again.
type InstanceRead struct {
	Group   string
	Owner   Owner   // whose machine was asked about
	Began   Instant // when the request was sent
	Stopped bool    // powered off or gone; false also where the cloud did not say
}

// ClocksDisagree says that one clock of this machine ran ahead of another by By
// since the last look: the wall clock of the boot clock, or the boot clock of the
// monotonic one. A hypervisor that pauses a machine may stop one of them and correct
// it later.
type ClocksDisagree struct{ By time.Duration }

// Health is what this node's checks of a group say. Known is false until every
// check has been asked once. Untold is true while one of them never told: the node may
// lead, as the last in line, and takes nothing from a node that leads.
type Health struct {
	Group         string
	Known         bool
	Healthy       bool
	Untold        bool
	PriorityDelta int // added to the configured priority, the sum clamped to 1-254
}

// LastCheck says whether a check of this node, one that can put it in fault, failed the last
// time. That is no fault yet.
type LastCheck struct {
	Group  string
	Failed bool
}

// Identity says whether this node can claim a group: credentials are there and
// its own target is known at every provider of the group.
//
// Denied says that the cloud has refused a write of this node for its credentials, and that
// nothing has shown since that it would not again: such a node leaves the group to others
// while any of them could lead.
type Identity struct {
	Group  string
	Known  bool
	Denied bool
}

// OwnTargets is what this node is called by its providers, told to the peers so
// that they can recognise it as an owner.
type OwnTargets struct{ Targets []NodeTarget }

// WriteSent says that a cloud write of a group is leaving.
type WriteSent struct{ Group string }

// WriteOutcome is how a cloud write ended as far as the caller can tell.
type WriteOutcome uint8

// The outcomes of a write.
const (
	WriteAccepted  WriteOutcome = iota // the API took it
	WriteRefused                       // certainly without effect; may pass by itself
	WriteHopeless                      // certainly without effect; an operator must act
	WriteAmbiguous                     // it may have taken effect
)

// WriteDone is the answer to a cloud write, or the end of its deadline.
type WriteDone struct {
	Group   string
	Outcome WriteOutcome
	Detach  bool // it was the detaching half of a two-call move
	More    bool // the move is asynchronous: it may run until MoveTimeout
}

// MoveFailed says that an accepted asynchronous move ended without effect.
type MoveFailed struct{ Group string }

// ProbeAnswered is a signed answer through the floating IP.
type ProbeAnswered struct {
	Group   string
	Node    string
	Asked   Instant // when the question was sent
	Unknown bool    // the group is none of those that the node answers for; the rest is zero then
	Role    Role
	Healthy bool
}

// ServiceProbed is the result of the user's own probe of the address.
type ServiceProbed struct {
	Group string
	OK    bool
}

// WayOut says whether anything outside answers: the metadata service or the API.
type WayOut struct{ Open bool }

// Voice says whether the adverts of this node can be built. A node that cannot say that it
// leads does not lead: that is a stall until it can.
type Voice struct{ OK bool }

// Assign asks for the group on this node (an operator's order). The answer shows
// in Status; what stands against it beforehand is told by Refusals.
type Assign struct {
	Group string
	Force bool    // the holds of the takeover table do not count
	Until Instant // an order that is still open then is withdrawn; 0: the machine's own time counts
}

// HandTo asks this node, being active, to hand the group to a peer (an
// operator's order).
type HandTo struct {
	Group string
	To    string
}

// Drain keeps this node out of a group until Resume.
type Drain struct {
	Group string
	Force bool // also when nobody can succeed: the binding stays
}

// ResumeNode lets this node take part again and undoes a placement by hand.
type ResumeNode struct{ Group string }

// CancelOrder withdraws an Assign, HandTo or Drain that has not been completed.
type CancelOrder struct{ Group string }

// Leave says that the daemon is about to exit. A stop hands over first and says
// goodbye; a restart announces itself and moves nothing. The machine is done when
// Status().Left is true or the caller's patience ends. A stop may follow a restart that was
// announced, also after Depart: then a goodbye takes the announcement back.
type Leave struct{ Restart bool }

// Depart is the last event: the machine says goodbye (or, for a restart, that it
// will be back) in a last datagram and does nothing afterwards.
type Depart struct{}

// Reload replaces the configuration without moving anything: groups keep their
// roles, new ones start, vanished ones are forgotten and leave their binding.
type Reload struct{ Config Config }

func (Tick) isEvent()              {}
func (Received) isEvent()          {}
func (ReceivedElsewhere) isEvent() {}
func (BadlySigned) isEvent()       {}
func (OtherVersion) isEvent()      {}
func (OwnerRead) isEvent()         {}
func (InstanceRead) isEvent()      {}
func (ClocksDisagree) isEvent()    {}
func (Health) isEvent()            {}
func (LastCheck) isEvent()         {}
func (Identity) isEvent()          {}
func (OwnTargets) isEvent()        {}
func (WriteSent) isEvent()         {}
func (WriteDone) isEvent()         {}
func (MoveFailed) isEvent()        {}
func (ProbeAnswered) isEvent()     {}
func (ServiceProbed) isEvent()     {}
func (WayOut) isEvent()            {}
func (Voice) isEvent()             {}
func (Assign) isEvent()            {}
func (HandTo) isEvent()            {}
func (Drain) isEvent()             {}
func (ResumeNode) isEvent()        {}
func (CancelOrder) isEvent()       {}
func (Leave) isEvent()             {}
func (Depart) isEvent()            {}
func (Reload) isEvent()            {}

// ActionKind says what an Action asks for and which of its fields count.
type ActionKind uint8

// The kinds of action.
const (
	// Send: give Advert to Peer, at once and without waiting.
	Send ActionKind = iota
	// SendProbe: ask through the addresses of Group who is there; answers come
	// back as ProbeAnswered, silence needs no event.
	SendProbe
	// CheckNow: run the checks of Group now, beside their rhythm, and tell with LastCheck
	// what comes of it.
	CheckNow
	// Cancel: give up whatever cloud write of Group is in flight.
	Cancel
	// Changed: the role of Group went From, To, for Reason, in Term.
	Changed
	// Held: what Group waits for is now Reason (ReasonNone: no longer waiting).
	Held
	// Latched and Unlatched: the group's latch on Peer, for Reason.
	Latched
	Unlatched
	// Refused: a datagram of Peer was refused for Reason.
	Refused
	// Noted: something an operator should find in the log: Reason, and Peer if
	// it concerns one.
	Noted
)

// Action is what the machine wants done. Which fields count depends on Kind.
type Action struct {
	Kind     ActionKind
	Group    string
	Peer     string
	Advert   *Advert
	From, To Role
	Term     Term
	Reason   Reason
}
