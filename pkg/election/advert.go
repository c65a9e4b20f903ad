// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"time"
)

// Advert is what one node says to one peer: who it is, what it heard from that peer,
// and one record for each group. Package wire gives its bytes. It travels in as many
// signed datagrams as its groups need, its parts: each has all of it but some of the
// groups, and the same sequence, so a part is an Advert as well.
type Advert struct {
	Cluster     string
	From        string     // the sender's node name
	FromAddress netip.Addr // the address the sender says it has; decides ties
	To          string     // the receiver's node name
	Session     uint64     // drawn at random at every start
	Sequence    uint64     // grows by one with every advert of a session; starts at 1
	Uptime      time.Duration
	Interval    time.Duration // the sender's advert interval
	Echo        Mark          // last advert accepted from the receiver, whole or in part
	Hello       Mark          // newest that verified under a session not yet accepted
	Targets     []NodeTarget  // what the sender is called by each provider
	Total       uint8         // how many groups the sender has in all, those of the other parts included
	Groups      []GroupAdvert
}

// Mark names one datagram of a session. The zero Mark names none.
type Mark struct{ Session, Sequence uint64 }

// NodeTarget is the sender's own target at one provider, in the form that
// providers.Target.String gives.
type NodeTarget struct{ Provider, Target string }

// GroupAdvert is the state of one group on the sending node.
type GroupAdvert struct {
	VRID     uint8
	Digest   uint32 // of the group's configuration; a difference is reported
	Role     Role
	Priority uint8 // 0: gives up now (RFC 9568 section 5.2.4)
	Term     Term  // of the sender's own newest claim; Node is the zero string when it never claimed
	Flags    Flags
	Reason   Reason // of the last transition or refusal
	Request  Request
	Handover Handover
	Owner    OwnerReport
	Probe    ProbeReport
	Relay    []Relay // what the sender hears of the other peers
}

// Flags are the yes-or-no facts of a group.
type Flags uint16

// The flags. The numbers are on the wire.
const (
	FlagHealthy    Flags = 1 << iota // its checks pass
	FlagCanClaim                     // credentials and own target known, no delay running
	FlagClaiming                     // active and not yet bound
	FlagWriteSent                    // a cloud write may be under way
	FlagBound                        // its last owner read says that it is the owner
	FlagDraining                     // asked to leave, still serving
	FlagRestarting                   // its daemon is about to come back
	FlagRecovering                   // stalled a moment ago, checks what it missed
	FlagSticky                       // placed by hand: preemption leaves it alone
	FlagSuccessor                    // active, and named by a running handover of a node that it hears
	FlagDenied                       // the cloud refuses its writes
)

// Has reports whether every flag of g is set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// RequestKind is what a node asks of the active node.
type RequestKind uint8

// The requests.
const (
	RequestNone    RequestKind = iota
	RequestTake                // an operator wants the group here
	RequestPreempt             // this node has the higher priority
)

// Request asks the active node for a handover. The same request keeps its ID
// for as long as it stands.
type Request struct {
	Kind RequestKind
	ID   uint64
}

// Handover names the node to which the active node is handing the group. To is
// empty when there is none.
type Handover struct {
	To        string
	ID        uint64        // of the request it answers, or the sender's own count
	Remaining time.Duration // until the sender takes the group back
}

// OwnerKind says what is known of the owner.
type OwnerKind uint8

// The kinds of owner. The numbers are on the wire.
const (
	OwnerUnknown OwnerKind = iota // never read
	OwnerNode                     // a node of the cluster
	OwnerNone                     // nobody holds the address
	OwnerForeign                  // a target outside the cluster
)

// Owner is who holds a group's addresses according to the cloud. Node is set for
// OwnerNode only.
type Owner struct {
	Kind OwnerKind
	Node string
}

// OwnerReport is an owner read as it is told to peers: the owner, how long ago
// the read began, and for an unbound address how long ago a read first showed it
// so (0 when it is not unbound).
type OwnerReport struct {
	Owner
	Age        time.Duration
	UnboundAge time.Duration
}

// ProbeReport is who last answered the signed probe through the floating IP, and
// how long ago. AnsweredBy is empty when nobody did.
type ProbeReport struct {
	AnsweredBy string
	Age        time.Duration
}

// Relay is what a node hears of another peer, told to a third.
type Relay struct {
	Node    string
	Age     time.Duration // since its last accepted advert
	Role    Role
	Healthy bool
}
