// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

// Role is the result of the election on one node.
type Role uint8

// The roles. Initialize, Backup and Active are those of RFC 9568 section 6.4;
// Fault and Drained are nodes that take no part. The numbers are on the wire.
const (
	Initialize Role = iota // not started, or leaving: says goodbye
	Backup                 // waits for the active node to fall silent
	Active                 // elected
	Fault                  // its own checks say that the service is broken
	Drained                // an operator keeps it out
)

var roleNames = [...]string{"initialize", "backup", "active", "fault", "drained"}

// Roles returns every role, for tables and metric labels.
func Roles() []Role { return []Role{Initialize, Backup, Active, Fault, Drained} }

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return int(r) < len(roleNames) }

// String returns the role as one lower-case word.
func (r Role) String() string {
	if !r.Valid() {
		return "unknown"
	}
	return roleNames[r]
}

// The limits of a priority (RFC 9568 section 5.2.4). 255, the "address owner",
// does not exist here: nobody owns a floating IP by birth.
const (
	PriorityMin     uint8 = 1
	PriorityDefault uint8 = 100
	PriorityMax     uint8 = 254
	priorityLeaving uint8 = 0 // "I give up now"
)

// Term is the number of a claim. It orders only nodes in contact and is
// volatile on purpose.
type Term struct {
	Number uint64
	Node   string
}

// TermMax is the highest number of a term that is said or taken in: half of the range that
// the wire has for numbers. Claims count on from at most half of that, termHeard, so that no
// peer can bring a node to where it cannot say its next term.
const (
	TermMax   = 1<<47 - 1
	termHeard = TermMax / 2
)

// Less reports whether t is older than u. Node names break the tie of two nodes
// that chose the same number, so two different nodes never hold equal terms.
func (t Term) Less(u Term) bool {
	if t.Number != u.Number {
		return t.Number < u.Number
	}
	return t.Node < u.Node
}
