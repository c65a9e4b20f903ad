// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"context"
	"time"
)

// Code is the exit code of the command line and the outcome of an operation.
type Code int

// The codes. Scripts depend on the numbers.
const (
	CodeDone        Code = 0 // done, or nothing was left to do
	CodeFailed      Code = 1 // tried and failed
	CodeUsage       Code = 2 // the command line is wrong
	CodeConfig      Code = 3 // the configuration is invalid, as opposed to unread
	CodeRefused     Code = 4 // refused for safety; nothing was changed
	CodeUnreachable Code = 5 // the daemon is not reachable
)

// Backend is the daemon behind the socket. Implementations are safe for
// concurrent use. An operation that is done shows in the next Snapshot; one that has
// failed does nothing afterwards, but for what its outcome says goes on.
type Backend interface {
	// Snapshot returns the newest state. It never blocks; the result shares
	// nothing that is changed later.
	Snapshot() Snapshot

	// Assign moves a group to a node. It returns when the cloud confirms that
	// the node owns every address, when the move is refused, or when r.Timeout
	// or ctx ends. A group that is already there is CodeDone. The end of ctx
	// ends the waiting; a move that the nodes have agreed on goes on.
	// A dry run reports what would happen and changes nothing.
	Assign(ctx context.Context, r AssignRequest, report func(Event)) Outcome

	// Drain keeps this node out of one group or of all, surviving restarts, and
	// hands over what it owns. Without an eligible successor it is CodeRefused
	// and changes nothing, unless r.Force: then the node is drained and the
	// binding stays. A node already drained is CodeDone.
	Drain(ctx context.Context, r DrainRequest, report func(Event)) Outcome

	// Resume lets this node take part again and clears sticky if this node leads the
	// group; otherwise the outcome says where it was placed by hand. A node that is
	// not drained is CodeDone.
	Resume(ctx context.Context, r ResumeRequest, report func(Event)) Outcome
}

// AssignRequest asks for a group to be moved.
type AssignRequest struct {
	Group   string        `json:"group"`
	To      string        `json:"to,omitempty"`         // empty: the node that is asked
	Timeout time.Duration `json:"timeout_ns,omitempty"` // 0: the daemon's own limit
	DryRun  bool          `json:"dry_run,omitempty"`
	Force   bool          `json:"force,omitempty"`
}

// DrainRequest asks this node to stay out.
type DrainRequest struct {
	Group   string        `json:"group,omitempty"` // empty: every group
	Timeout time.Duration `json:"timeout_ns,omitempty"`
	Force   bool          `json:"force,omitempty"`
}

// ResumeRequest asks this node to take part again.
type ResumeRequest struct {
	Group string `json:"group,omitempty"` // empty: every group
}

// EventKind names one step of an operation.
type EventKind string

// The steps, in the order in which a move goes through them. The last event of
// an operation is one of the final three and carries the code.
const (
	EventAsked     EventKind = "asked"     // the request reached the node that decides
	EventClaimed   EventKind = "claimed"   // the successor is active and claims
	EventBound     EventKind = "bound"     // the cloud says that the successor owns the address
	EventAnswering EventKind = "answering" // a probe through the address reached the successor
	EventDone      EventKind = "done"      // final: CodeDone
	EventRefused   EventKind = "refused"   // final: CodeRefused
	EventFailed    EventKind = "failed"    // final: any other code
)

// Event is one line of an operation's progress. The server sets At.
type Event struct {
	Event  EventKind    `json:"event"`
	At     time.Time    `json:"at,omitzero"`
	Group  string       `json:"group,omitempty"`
	Text   string       `json:"text"`             // one plain sentence part
	Reason string       `json:"reason,omitempty"` // a word of election.Reason
	Peers  []PeerReason `json:"peers,omitempty"`
	Code   *Code        `json:"code,omitempty"` // of the final event only
}

// PeerReason says why one node is no successor.
type PeerReason struct {
	Node   string `json:"node"`
	Reason string `json:"reason"`
	Text   string `json:"text,omitempty"`
}

// Outcome is the end of an operation. Text says what was done, or what was not
// and what to do about it.
type Outcome struct {
	Code   Code
	Group  string
	Text   string
	Reason string
	Peers  []PeerReason
}

// Event returns the final event of an operation that ended with o.
func (o Outcome) Event() Event {
	kind := EventFailed
	switch o.Code {
	case CodeDone:
		kind = EventDone
	case CodeRefused:
		kind = EventRefused
	}
	return Event{Event: kind, Group: o.Group, Text: o.Text, Reason: o.Reason, Peers: o.Peers, Code: &o.Code}
}
