// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// Reason is the named cause of a transition, a refusal or a retry. The same word
// stands in the log, the metric label, the status, the history and the test
// scripts; docs/operations.md says what each means and what to do. The list is
// append-only: the numbers are on the wire.
type Reason uint8

// The reasons, in the order of the places that give them.
const (
	ReasonNone Reason = iota // no reason yet

	// Roles that follow from this node itself.
	ReasonStarted        // the daemon started
	ReasonStopping       // the daemon is being stopped and has given the group up
	ReasonRestarting     // the daemon is about to come back; nothing moves
	ReasonCheckFailed    // a check of this node failed
	ReasonCheckRecovered // the checks pass again and the return delay is over
	ReasonReturnDelay    // the checks pass again; the node waits before it takes part
	ReasonDrained        // an operator keeps this node out
	ReasonResumed        // an operator lets this node take part again
	ReasonOwnStall       // this node did not run for a while, or cannot tell, and checks what it missed
	ReasonReloaded       // the configuration was read again

	// Rows of the takeover table (5.3).
	ReasonNotEligible      // this node may not lead now
	ReasonClaimInProgress  // another node advertises that it is active
	ReasonOwnerUnreadable  // no recent answer from the cloud about the owner
	ReasonIsolated         // neither the cloud, nor metadata, nor any peer is heard
	ReasonForeignOwner     // a running target outside the cluster holds the address
	ReasonOwnerGoodbye     // the owner said goodbye
	ReasonOwnerStopped     // the cloud says that the owner's instance is stopped or gone
	ReasonOwnerFault       // the owner says that its checks fail
	ReasonOwnerDrained     // the owner says that it is drained
	ReasonOwnerCannotClaim // the owner says that it cannot lead
	ReasonPeerLinkBroken   // the owner is silent here, but a probe or another peer says that it serves
	ReasonServiceAnswers   // the owner is silent, but the service behind the address answers
	ReasonOwnerRestarting  // the owner announced that its daemon restarts
	ReasonOneWayLink       // the owner is heard, but does not hear this node
	ReasonAuthMismatch     // datagrams arrive from the owner whose signature is wrong
	ReasonSessionPending   // the owner is heard under a session not yet accepted
	ReasonIncumbentAlive   // the owner is heard and healthy, it should resume by itself
	ReasonDisplaced        // another node took the address while it could not be heard
	ReasonOwnerSilent      // the owner fell silent and nothing speaks for it
	ReasonUnbound          // nobody holds the address
	ReasonRankWait         // a standby with a better rank goes first
	ReasonUnboundWait      // a move by another node may be between its two calls
	ReasonResumedBound     // the cloud says that the address is already here

	// Two active nodes in contact (5.5): which rule this node lost by.
	ReasonYieldSuccessor // the other node is the successor of a handover
	ReasonYieldWrite     // the other node has a cloud write under way
	ReasonYieldOwner     // the newer owner read names the other node
	ReasonYieldTerm      // the other node's term is higher
	ReasonYieldPriority  // the other node's priority is higher
	ReasonYieldAddress   // the other node's address is higher

	// Planned moves (5.6).
	ReasonAssigned        // an operator moved the group here
	ReasonPreempted       // this node has the higher priority and preemption is on
	ReasonHandedOver      // the successor holds the address
	ReasonHandoverFailed  // the successor gave up; the old owner goes on
	ReasonHandoverExpired // the handover took longer than agreed
	ReasonNoSuccessor     // no other node may lead now
	ReasonSticky          // placed by an operator: preemption leaves it alone

	// What an active node reads (5.8) and how claims end (5.9).
	ReasonMovedByHand  // somebody moved the address to another node; the group follows
	ReasonReclaimed    // the address was taken away and is taken back
	ReasonContended    // the address was taken away too often; an operator must decide
	ReasonClaimFailed  // the cloud did not give the address to this node
	ReasonAPILost      // every call to the cloud fails and another node reads a newer owner
	ReasonNotAnswering // bound here, but nothing answers through the address

	// Why a peer is no successor.
	ReasonUnhealthy      // its checks fail
	ReasonNotHeard       // no advert from it in time
	ReasonCannotClaim    // credentials or its own target unknown, or a delay after a failure is running
	ReasonRecovering     // it stalled a moment ago
	ReasonUnknownNode    // no such node is configured
	ReasonConfigMismatch // its configuration of the group differs
	ReasonMoveInProgress // another planned move is under way
	ReasonCrashLoop      // its daemon keeps restarting

	// Why the write gate stayed shut (invariant 1).
	ReasonNotActive       // the node is not active in this group
	ReasonStaleTerm       // a newer claim than this node's is known
	ReasonReadMissing     // the owner has not been read
	ReasonReadTooEarly    // the owner read began before the last sign of the previous owner or of this node's own write
	ReasonReadTooOld      // the owner read is too old
	ReasonReadTooSlow     // the owner read took longer than one attempt may
	ReasonWritePending    // the outcome of this node's last write is not known yet
	ReasonAddressPending  // the cloud is still working on the address
	ReasonHandoverRunning // the group is being handed to another node
	ReasonBackingOff      // waits before the next attempt
	ReasonStandbyBusy     // the cloud would refuse a move to this node just now

	// Why a datagram was refused (RFC 9568 section 7.1 in our form), in the order of the checks.
	ReasonBadVersion    // not a datagram of this protocol version
	ReasonMalformed     // cut short, too long or not well formed
	ReasonWrongCluster  // from another cluster
	ReasonUnknownSender // from a node that is not configured
	ReasonWrongReceiver // meant for another node
	ReasonUnknownKey    // signed with a key this node does not have
	ReasonBadSignature  // the signature does not fit
	ReasonStaleSession  // of a session that is not accepted
	ReasonReplayed      // not newer than the last one accepted
	ReasonUnknownGroup  // names a VRID that is not configured here
	ReasonRateLimited   // more of them than are answered

	// Added later; see the places that use them.
	ReasonSuccessor       // the active node named this node as its successor
	ReasonTakenBack       // the address sits with a node that may not lead and is taken back
	ReasonPeerHeard       // the peer is heard again
	ReasonDisplacedRetry  // the time after which a displaced node tries again is over
	ReasonConfirming      // waits for a second read that agrees
	ReasonReadAwaited     // an owner read is all that is missing
	ReasonWriteDenied     // the cloud refuses its writes, and another node could lead
	ReasonStarting        // its checks have not answered since its daemon started
	ReasonOwnerNeverHeard // the owner has not been heard since this daemon started: silence says little of it
	ReasonUnknownThere    // the node is heard, and its file does not have the group
)

var reasonWords = [...]string{
	ReasonNone:             "",
	ReasonStarted:          "started",
	ReasonStopping:         "stopping",
	ReasonRestarting:       "restarting",
	ReasonCheckFailed:      "check-failed",
	ReasonCheckRecovered:   "check-recovered",
	ReasonReturnDelay:      "return-delay",
	ReasonDrained:          "drained",
	ReasonResumed:          "resumed",
	ReasonOwnStall:         "own-stall",
	ReasonReloaded:         "reloaded",
	ReasonNotEligible:      "not-eligible",
	ReasonClaimInProgress:  "claim-in-progress",
	ReasonOwnerUnreadable:  "owner-unreadable",
	ReasonIsolated:         "isolated",
	ReasonForeignOwner:     "foreign-owner",
	ReasonOwnerGoodbye:     "owner-goodbye",
	ReasonOwnerStopped:     "owner-stopped",
	ReasonOwnerFault:       "owner-fault",
	ReasonOwnerDrained:     "owner-drained",
	ReasonOwnerCannotClaim: "owner-cannot-claim",
	ReasonPeerLinkBroken:   "peer-link-broken",
	ReasonServiceAnswers:   "service-answers",
	ReasonOwnerRestarting:  "owner-restarting",
	ReasonOneWayLink:       "one-way-link",
	ReasonAuthMismatch:     "auth-mismatch",
	ReasonSessionPending:   "session-pending",
	ReasonIncumbentAlive:   "incumbent-alive",
	ReasonDisplaced:        "displaced",
	ReasonOwnerSilent:      "owner-silent",
	ReasonUnbound:          "unbound",
	ReasonRankWait:         "rank-wait",
	ReasonUnboundWait:      "unbound-wait",
	ReasonResumedBound:     "resumed-bound",
	ReasonYieldSuccessor:   "yield-successor",
	ReasonYieldWrite:       "yield-write",
	ReasonYieldOwner:       "yield-owner",
	ReasonYieldTerm:        "yield-term",
	ReasonYieldPriority:    "yield-priority",
	ReasonYieldAddress:     "yield-address",
	ReasonAssigned:         "assigned",
	ReasonPreempted:        "preempted",
	ReasonHandedOver:       "handed-over",
	ReasonHandoverFailed:   "handover-failed",
	ReasonHandoverExpired:  "handover-expired",
	ReasonNoSuccessor:      "no-successor",
	ReasonSticky:           "sticky",
	ReasonMovedByHand:      "moved-by-hand",
	ReasonReclaimed:        "reclaimed",
	ReasonContended:        "contended",
	ReasonClaimFailed:      "claim-failed",
	ReasonAPILost:          "api-lost",
	ReasonNotAnswering:     "not-answering",
	ReasonUnhealthy:        "unhealthy",
	ReasonNotHeard:         "not-heard",
	ReasonCannotClaim:      "cannot-claim",
	ReasonRecovering:       "recovering",
	ReasonUnknownNode:      "unknown-node",
	ReasonConfigMismatch:   "config-mismatch",
	ReasonMoveInProgress:   "move-in-progress",
	ReasonCrashLoop:        "crash-loop",
	ReasonNotActive:        "not-active",
	ReasonStaleTerm:        "stale-term",
	ReasonReadMissing:      "read-missing",
	ReasonReadTooEarly:     "read-too-early",
	ReasonReadTooOld:       "read-too-old",
	ReasonReadTooSlow:      "read-too-slow",
	ReasonWritePending:     "write-pending",
	ReasonAddressPending:   "address-pending",
	ReasonHandoverRunning:  "handover-running",
	ReasonBackingOff:       "backing-off",
	ReasonStandbyBusy:      "standby-busy",
	ReasonBadVersion:       "bad-version",
	ReasonMalformed:        "malformed",
	ReasonWrongCluster:     "wrong-cluster",
	ReasonUnknownSender:    "unknown-sender",
	ReasonWrongReceiver:    "wrong-receiver",
	ReasonUnknownKey:       "unknown-key",
	ReasonBadSignature:     "bad-signature",
	ReasonStaleSession:     "stale-session",
	ReasonReplayed:         "replayed",
	ReasonUnknownGroup:     "unknown-group",
	ReasonRateLimited:      "rate-limited",
	ReasonSuccessor:        "successor",
	ReasonTakenBack:        "taken-back",
	ReasonConfirming:       "confirming",
	ReasonReadAwaited:      "read-awaited",
	ReasonWriteDenied:      "write-denied",
	ReasonPeerHeard:        "peer-heard",
	ReasonDisplacedRetry:   "displaced-retry",
	ReasonStarting:         "starting",
	ReasonOwnerNeverHeard:  "owner-never-heard",
	ReasonUnknownThere:     "group-unknown-there",
}

var reasonTexts = [...]string{
	ReasonNone:             "no reason yet",
	ReasonStarted:          "the daemon started",
	ReasonStopping:         "the daemon is being stopped and has given the group up",
	ReasonRestarting:       "the daemon is about to come back; nothing moves",
	ReasonCheckFailed:      "a check of this node failed",
	ReasonCheckRecovered:   "the checks pass again and the return delay is over",
	ReasonReturnDelay:      "the checks pass again; the node waits before it takes part",
	ReasonDrained:          "an operator keeps this node out",
	ReasonResumed:          "an operator lets this node take part again",
	ReasonOwnStall:         "this node did not run for a while, or cannot tell, and checks what it missed",
	ReasonReloaded:         "the configuration was read again",
	ReasonNotEligible:      "this node may not lead now",
	ReasonClaimInProgress:  "another node advertises that it is active",
	ReasonOwnerUnreadable:  "no recent answer from the cloud about the owner",
	ReasonIsolated:         "neither the cloud, nor metadata, nor any peer is heard",
	ReasonForeignOwner:     "a running target outside the cluster holds the address",
	ReasonOwnerGoodbye:     "the owner said goodbye",
	ReasonOwnerStopped:     "the cloud says that the owner's instance is stopped or gone",
	ReasonOwnerFault:       "the owner says that its checks fail",
	ReasonOwnerDrained:     "the owner says that it is drained",
	ReasonOwnerCannotClaim: "the owner says that it cannot lead",
	ReasonPeerLinkBroken:   "the owner is silent here, but a probe or another peer says that it serves",
	ReasonServiceAnswers:   "the owner is silent, but the service behind the address answers",
	ReasonOwnerRestarting:  "the owner announced that its daemon restarts",
	ReasonOneWayLink:       "the owner is heard, but does not hear this node",
	ReasonAuthMismatch:     "datagrams arrive from the owner whose signature is wrong",
	ReasonSessionPending:   "the owner is heard under a session not yet accepted",
	ReasonIncumbentAlive:   "the owner is heard and healthy, it should resume by itself",
	ReasonDisplaced:        "another node took the address while it could not be heard",
	ReasonOwnerSilent:      "the owner fell silent and nothing speaks for it",
	ReasonUnbound:          "nobody holds the address",
	ReasonRankWait:         "a standby with a better rank goes first",
	ReasonUnboundWait:      "a move by another node may be between its two calls",
	ReasonResumedBound:     "the cloud says that the address is already here",
	ReasonYieldSuccessor:   "the other node is the successor of a handover",
	ReasonYieldWrite:       "the other node has a cloud write under way",
	ReasonYieldOwner:       "the newer owner read names the other node",
	ReasonYieldTerm:        "the other node's term is higher",
	ReasonYieldPriority:    "the other node's priority is higher",
	ReasonYieldAddress:     "the other node's address is higher",
	ReasonAssigned:         "an operator moved the group here",
	ReasonPreempted:        "this node has the higher priority and preemption is on",
	ReasonHandedOver:       "the successor holds the address",
	ReasonHandoverFailed:   "the successor gave up; the old owner goes on",
	ReasonHandoverExpired:  "the handover took longer than agreed",
	ReasonNoSuccessor:      "no other node may lead now",
	ReasonSticky:           "placed by an operator: preemption leaves it alone",
	ReasonMovedByHand:      "somebody moved the address to another node; the group follows",
	ReasonReclaimed:        "the address was taken away and is taken back",
	ReasonContended:        "the address was taken away too often; an operator must decide",
	ReasonClaimFailed:      "the cloud did not give the address to this node",
	ReasonAPILost:          "every call to the cloud fails and another node reads a newer owner",
	ReasonNotAnswering:     "bound here, but nothing answers through the address",
	ReasonUnhealthy:        "its checks fail",
	ReasonNotHeard:         "no advert from it in time",
	ReasonCannotClaim:      "credentials or its own target unknown, or a delay after a failure is running",
	ReasonRecovering:       "it stalled a moment ago",
	ReasonUnknownNode:      "no such node is configured",
	ReasonConfigMismatch:   "its configuration of the group differs",
	ReasonMoveInProgress:   "another planned move is under way",
	ReasonCrashLoop:        "its daemon keeps restarting",
	ReasonNotActive:        "the node is not active in this group",
	ReasonStaleTerm:        "a newer claim than this node's is known",
	ReasonReadMissing:      "the owner has not been read",
	ReasonReadTooEarly:     "the owner read began before the last sign of the previous owner or of this node's own write",
	ReasonReadTooOld:       "the owner read is too old",
	ReasonReadTooSlow:      "the owner read took longer than one attempt may",
	ReasonWritePending:     "the outcome of this node's last write is not known yet",
	ReasonAddressPending:   "the cloud is still working on the address",
	ReasonHandoverRunning:  "the group is being handed to another node",
	ReasonBackingOff:       "waits before the next attempt",
	ReasonStandbyBusy:      "the cloud would refuse a move to this node just now",
	ReasonBadVersion:       "not a datagram of this protocol version",
	ReasonMalformed:        "cut short, too long or not well formed",
	ReasonWrongCluster:     "from another cluster",
	ReasonUnknownSender:    "from a node that is not configured",
	ReasonWrongReceiver:    "meant for another node",
	ReasonUnknownKey:       "signed with a key this node does not have",
	ReasonBadSignature:     "the signature does not fit",
	ReasonStaleSession:     "of a session that is not accepted",
	ReasonReplayed:         "not newer than the last one accepted",
	ReasonUnknownGroup:     "names a VRID that is not configured here",
	ReasonRateLimited:      "more of them than are answered",
	ReasonSuccessor:        "the active node named this node as its successor",
	ReasonTakenBack:        "the address sits with a node that may not lead and is taken back",
	ReasonConfirming:       "waits for a second read that agrees",
	ReasonReadAwaited:      "an answer of the cloud about the owner is all that is missing",
	ReasonWriteDenied:      "the cloud refused its last write for its credentials, and another node could lead",
	ReasonPeerHeard:        "the peer is heard again",
	ReasonDisplacedRetry:   "the time after which a displaced node tries again is over",
	ReasonStarting:         "its checks have not answered since its daemon started",
	ReasonOwnerNeverHeard:  "the owner has not been heard once since this daemon started, and may be well",
	ReasonUnknownThere:     "the node is heard, and its file does not have the group; give both nodes the same file and reload",
}

// Reasons returns every reason but ReasonNone, for tables and metric labels.
func Reasons() []Reason {
	rs := make([]Reason, 0, len(reasonWords)-1)
	for i := range reasonWords {
		if Reason(i) != ReasonNone {
			rs = append(rs, Reason(i))
		}
	}
	return rs
}

// String returns the reason as lower-case words with hyphens, and the empty
// string for ReasonNone. A number of a later version is "unknown-reason".
func (r Reason) String() string {
	if int(r) >= len(reasonWords) {
		return "unknown-reason"
	}
	return reasonWords[r]
}

// Text returns the reason as one plain sentence part, for people.
func (r Reason) Text() string {
	if int(r) >= len(reasonTexts) {
		return "a reason of a later version"
	}
	return reasonTexts[r]
}
