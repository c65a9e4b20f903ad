// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package status

import (
	"net/netip"
	"time"
)

// SnapshotVersion is the version of the JSON form. Fields are only added; a
// field that changes its meaning takes a new version.
const SnapshotVersion = 1

// The sources of a snapshot.
const (
	SourceDaemon = "daemon" // everything the running daemon knows
	SourceCloud  = "cloud"  // owner reads only; roles are unknown
)

// Snapshot is what one node knows at one moment. All times are UTC.
type Snapshot struct {
	Version       int         `json:"version"`
	Cluster       string      `json:"cluster"`
	Node          string      `json:"node"`
	At            time.Time   `json:"at"`     // when it was asked for; every age counts from here
	Source        string      `json:"source"` // SourceDaemon or SourceCloud
	VersionString string      `json:"version_string,omitempty"`
	PID           int         `json:"pid,omitempty"`
	Started       time.Time   `json:"started,omitzero"`
	Groups        []Group     `json:"groups"`
	Conditions    []Condition `json:"conditions,omitempty"` // of the daemon as a whole
	Placements    []Placement `json:"placements,omitempty"` // of the peers, as far as the clouds tell
}

// Placement says whether this node and another can fail together.
type Placement struct {
	Provider   string `json:"provider"`
	Node       string `json:"node"`
	Separation string `json:"separation"` // "apart", "together" or "unknown"
	Text       string `json:"text"`       // why
}

// Group is one group as this node sees it.
type Group struct {
	Name       string      `json:"name"`
	VRID       uint8       `json:"vrid"`
	Role       string      `json:"role"` // of this node: a word of election.Role, or "unknown"
	Term       Term        `json:"term"` // the newest claim this node knows
	Reason     string      `json:"reason"`
	ReasonText string      `json:"reason_text,omitempty"`
	Since      time.Time   `json:"since,omitzero"` // when this node took the role
	Sticky     bool        `json:"sticky"`
	Drained    bool        `json:"drained,omitempty"`  // an operator keeps this node out
	Waiting    *Waiting    `json:"waiting,omitempty"`  // what must happen before this node acts
	Handover   *Handover   `json:"handover,omitempty"` // a planned move under way
	Addresses  []Address   `json:"addresses"`
	Nodes      []Node      `json:"nodes"`
	Conditions []Condition `json:"conditions"`
}

// Term is the number of a claim and the node that made it. The zero Term means
// that no claim is known.
type Term struct {
	Number uint64 `json:"number"`
	Node   string `json:"node,omitempty"`
}

// Waiting names what holds this node back, and until when if that is known.
type Waiting struct {
	Reason string    `json:"reason"`
	Text   string    `json:"text"`
	Until  time.Time `json:"until,omitzero"`
	Read   *Read     `json:"read,omitempty"` // where an owner read is what it waits for
}

// Read is an owner read that is waited for.
type Read struct {
	Needs time.Time `json:"needs,omitzero"` // one that began then or later
	Since time.Time `json:"since,omitzero"` // when the one under way began; zero: none is
	// Barred is until when the provider asked for none; zero: it did not.
	Barred time.Time `json:"barred,omitzero"`
}

// Handover is a planned move under way.
type Handover struct {
	From  string    `json:"from"`
	To    string    `json:"to"`
	Until time.Time `json:"until,omitzero"` // when From takes the group back
}

// Address is one floating IP and what the cloud last said about it.
type Address struct {
	Provider   string     `json:"provider"`
	Kind       string     `json:"kind"`
	IP         netip.Addr `json:"ip"`
	ID         string     `json:"id,omitempty"` // the cloud's id of it, of its subnet or of its route table
	Owner      Owner      `json:"owner"`
	VerifiedAt time.Time  `json:"verified_at,omitzero"`  // start of the owner read that Owner comes from
	Pending    bool       `json:"pending,omitempty"`     // the cloud is working on the address
	Bound      bool       `json:"bound"`                 // the cloud says that it is on this node
	Answering  *bool      `json:"answering"`             // a probe through it reached this node; null: unknown
	AnsweredBy string     `json:"answered_by,omitempty"` // the node that last answered the probe
	ReadError  string     `json:"read_error,omitempty"`  // why the newest owner read failed; Owner is then older

	Following []netip.Addr `json:"following,omitempty"` // other addresses that move with it by themselves
}

// OwnerState says what is known of an owner.
type OwnerState string

// The owner states, in the words of the adverts.
const (
	OwnerUnknown OwnerState = "unknown" // never read
	OwnerNode    OwnerState = "node"    // a node of the cluster
	OwnerNone    OwnerState = "none"    // nobody holds the address
	OwnerForeign OwnerState = "foreign" // a target outside the cluster
)

// Owner is who holds an address according to the cloud.
type Owner struct {
	Node   string     `json:"node"`   // set for OwnerNode only
	Target string     `json:"target"` // the cloud's id of the owner
	State  OwnerState `json:"state"`
}

// Node is one node of the cluster in one group, as this node sees it. For a node
// that is not heard the values are the last ones heard.
type Node struct {
	Name            string        `json:"name"`
	Self            bool          `json:"self,omitempty"`
	Role            string        `json:"role"`
	Priority        int           `json:"priority"`
	Healthy         bool          `json:"healthy"`
	CanClaim        bool          `json:"can_claim"`
	Elected         bool          `json:"elected"`
	Bound           bool          `json:"bound"`
	BoundUnknown    bool          `json:"bound_unknown,omitempty"`   // an address could not be read, so Bound says nothing
	Answering       *bool         `json:"answering"`                 // null: unknown
	LastAdvertAgeMS *int64        `json:"last_advert_age_ms"`        // null: this node itself, or never heard
	Fresh           bool          `json:"fresh"`                     // heard both ways in time; true for this node itself
	Reason          string        `json:"reason,omitempty"`          // of its last transition, as it advertises it
	Ineligible      string        `json:"ineligible,omitempty"`      // the reason why it could not lead now; empty: it could
	IneligibleText  string        `json:"ineligible_text,omitempty"` // the same for people
	Checks          []HealthCheck `json:"checks,omitempty"`          // known for this node itself only
}

// HealthCheck is the state of one health check of this node.
type HealthCheck struct {
	Name    string `json:"name"`
	Healthy bool   `json:"healthy"` // by what it last told; false if it never did
	// Inconclusive is true if the last run could not tell; the text says why.
	Inconclusive bool      `json:"inconclusive,omitempty"`
	Text         string    `json:"text"`
	Since        time.Time `json:"since,omitzero"`
}

// Severity says how much a condition matters.
type Severity string

// The severities.
const (
	SeverityInfo     Severity = "info"     // worth knowing; nothing to do
	SeverityWarning  Severity = "warning"  // serves, but something needs an operator
	SeverityCritical Severity = "critical" // does not serve, or will not survive the next fault
)

// Condition is something an operator should know.
type Condition struct {
	Code     string    `json:"code"`
	Severity Severity  `json:"severity"`
	Text     string    `json:"text"` // what is the matter and what to do
	Since    time.Time `json:"since,omitzero"`
}
