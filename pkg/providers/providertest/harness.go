// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// Harness is a small world made for one case: a cloud with one address that
// nobody holds and two running machines that could. It ends with the test.
type Harness interface {
	// Provider returns a new driver for this cloud, each time it is called.
	Provider() providers.Provider
	// Address returns the address; UnknownAddress one the cloud does not have.
	Address() providers.Address
	UnknownAddress() providers.Address
	// Targets returns the two machines; UnknownTarget one that does not exist but
	// has a well-formed name.
	Targets() (a, b providers.Target)
	UnknownTarget() providers.Target

	// Owner returns who really holds the address; zero: nobody.
	Owner() providers.Target
	// Place binds the address at once, as a hand in the console; zero unbinds.
	Place(t providers.Target)
	// SetState makes the machine run, stop or vanish. It reports whether the fake
	// can do that.
	SetState(t providers.Target, s providers.InstanceState) bool
	// MakeBusy makes the cloud refuse writes that concern t until something
	// passes. It reports whether this cloud knows such a thing.
	MakeBusy(t providers.Target) bool
	// Settle lets every accepted operation take effect.
	Settle()

	// Calls returns how many requests have arrived so far. A repeated one counts
	// each time.
	Calls() Calls
	// Inject makes calls of one direction fail until the end of the test. It
	// reports whether the fake can do that.
	Inject(on Direction, f Fault) bool
	// Secrets returns what must never be seen, such as the token in use.
	Secrets() []string
}

// Calls counts requests that arrived at the cloud.
type Calls struct{ Reads, Writes int }

// Direction says which calls a fault concerns.
type Direction int

// The directions.
const (
	Reads Direction = iota
	Writes
)

// String returns the direction as a word.
func (d Direction) String() string { return [...]string{"reads", "writes"}[d] }

// Fault is a way in which a call goes wrong.
type Fault int

// The faults. "Applied" ones take effect in the cloud all the same.
const (
	Unreachable      Fault = iota // no connection: nothing ever leaves
	CutBefore                     // connection cut, not applied
	CutAfter                      // applied, then the connection is cut
	ServerError                   // 5xx, not applied
	ServerErrorAfter              // applied, then 5xx
	Hang                          // no answer until the caller gives up, not applied
	Throttled                     // rate limit, with the hint to wait RetryAfterHint
	Denied                        // credentials refused
	EmptyBody                     // success without a body; applied
	HTMLBody                      // success with a page; applied
	TruncatedBody                 // success with half a document; applied
	OperationFails                // accepted, then ends without effect
)

// RetryAfterHint is the wait that Throttled asks for. It is longer than any
// repetition of reads inside a driver may take.
const RetryAfterHint = 29 * time.Second

var faultNames = [...]string{
	Unreachable: "unreachable", CutBefore: "cut-before", CutAfter: "cut-after", ServerError: "server-error",
	ServerErrorAfter: "server-error-after", Hang: "hang", Throttled: "throttled", Denied: "denied",
	EmptyBody: "empty-body", HTMLBody: "html-body", TruncatedBody: "truncated-body", OperationFails: "operation-fails",
}

// String returns the fault as lower-case words with hyphens.
func (f Fault) String() string { return faultNames[f] }

// applied reports whether a write with this fault takes effect.
func (f Fault) applied() bool {
	switch f {
	case CutAfter, ServerErrorAfter, EmptyBody, HTMLBody, TruncatedBody:
		return true
	}
	return false
}
