// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providertest

import (
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// Harness is a small world made for one case: a cloud with one address that nobody
// holds (or Traits.Occupant) and three running machines that could. It ends with the
// test.
type Harness interface {
	// Provider returns a new driver for this cloud, each time it is called.
	Provider() providers.Provider
	// Address returns the address; UnknownAddress one the cloud does not have.
	Address() providers.Address
	UnknownAddress() providers.Address
	// Targets returns two machines, Rival the third; UnknownTarget one that does not
	// exist but has a well-formed name.
	Targets() (a, b providers.Target)
	Rival() providers.Target
	UnknownTarget() providers.Target
	// Traits says what is particular to this cloud.
	Traits() Traits

	// Owner returns who really holds the address; zero: nobody.
	Owner() providers.Target
	// Place binds the address at once, as a hand in the console; zero unbinds, which
	// is not asked where there is an Occupant.
	Place(t providers.Target)
	// SetState makes the machine run, stop or vanish. It reports whether the fake
	// can do that.
	SetState(t providers.Target, s providers.InstanceState) bool
	// MakeBusy makes the cloud refuse writes that concern t until something
	// passes. It reports whether this cloud knows such a thing.
	MakeBusy(t providers.Target) bool
	// Settle lets every accepted operation, and every announcement, take effect.
	Settle()
	// FreezeReads makes reads show what is true now, whatever happens until Settle. It
	// reports whether the fake can do that.
	FreezeReads() bool

	// Calls returns how many requests have arrived so far. A repeated one counts
	// each time.
	Calls() Calls
	// Inject makes calls of one direction fail until Clear or the end of the test. It
	// reports whether the fake can do that. Clear need not undo Unreachable and Denied.
	Inject(on Direction, f Fault) bool
	Clear()
	// Secrets returns what must never be seen, such as the token in use.
	Secrets() []string
}

// Traits are the differences between clouds that a driver's capabilities do not tell.
// The zero value fits a cloud without any of them.
type Traits struct {
	// Occupant holds the address at first, where there is no address that nobody
	// holds: a route has a next hop. It is none of the machines.
	Occupant providers.Target
	// NamesHolder says that a write that takes the address off its holder names the
	// holder, and is refused if another has it by then.
	NamesHolder bool
	// NoRetryAfter says that the cloud does not tell how long to wait when it throttles.
	NoRetryAfter bool
	// AnonymousServerErrors says that an answer 5xx has no request id.
	AnonymousServerErrors bool
	// GoneIsUnknown says that the cloud does not tell a machine that is gone from one
	// that it does not show.
	GoneIsUnknown bool
}

// Announcer is implemented by the harnesses of kinds that a guest moves by announcing
// them (MovesWithoutAPI). Announce takes effect at Settle.
type Announcer interface {
	Announce(t providers.Target)
}

// Throttler is implemented by the harnesses of clouds that throttle in more than one
// way. Throttlings names them; Throttle makes the calls of one direction be throttled
// in this way, instead of the way before.
type Throttler interface {
	Throttlings() []string
	Throttle(on Direction, way string)
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
	Throttled                     // rate limit, with the hint to wait RetryAfterHint if the cloud has such
	Denied                        // credentials refused
	EmptyBody                     // success without a body; applied
	HTMLBody                      // success with a page; applied
	TruncatedBody                 // success with half a document; applied
	CutWithin                     // success, and the connection ends within the body; applied
	DoubledMember                 // success in which a member is there twice, then with null, each time another one; applied
	MarkedBody                    // nothing is wrong, and the body begins with a byte order mark
	SpacedBody                    // nothing is wrong, and the body is full of white space
	GzippedBody                   // nothing is wrong, and the body is compressed
	BodyInPieces                  // nothing is wrong, and the body comes in small chunks
	OperationFails                // accepted, then ends without effect
)

// RetryAfterHint is the wait that Throttled asks for. It is longer than any
// repetition of reads inside a driver may take.
const RetryAfterHint = 29 * time.Second

var faultNames = [...]string{
	Unreachable: "unreachable", CutBefore: "cut-before", CutAfter: "cut-after", ServerError: "server-error",
	ServerErrorAfter: "server-error-after", Hang: "hang", Throttled: "throttled", Denied: "denied",
	EmptyBody: "empty-body", HTMLBody: "html-body", TruncatedBody: "truncated-body",
	CutWithin: "cut-within", DoubledMember: "doubled-member", MarkedBody: "marked-body", SpacedBody: "spaced-body",
	GzippedBody: "gzipped-body", BodyInPieces: "body-in-pieces", OperationFails: "operation-fails",
}

// String returns the fault as lower-case words with hyphens.
func (f Fault) String() string { return faultNames[f] }

// applied reports whether a write with this fault takes effect.
func (f Fault) applied() bool {
	switch f {
	case CutAfter, ServerErrorAfter, EmptyBody, HTMLBody, TruncatedBody, CutWithin, DoubledMember:
		return true
	}
	return f.harmless()
}

// harmless reports whether an answer with this fault says all that one without it says.
func (f Fault) harmless() bool {
	return f == MarkedBody || f == SpacedBody || f == GzippedBody || f == BodyInPieces
}
