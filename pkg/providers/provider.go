// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providers

import (
	"context"
	"net/netip"
	"time"
)

// Provider reads and moves addresses of one kind of one cloud. Implementations are
// safe for concurrent use.
type Provider interface {
	// Capabilities describes the provider. It does no I/O and always returns
	// the same value.
	Capabilities() Capabilities

	// Owner asks the cloud who holds the address now. It reads and never
	// repairs. A zero Assignment.Target means that the cloud answered and nobody
	// holds the address; a missing or malformed field is an error, never a zero
	// value taken for the truth. Reads may be repeated within ctx.
	//
	// Errors are of type *Error. NotFound means that the address itself does
	// not exist (or is not visible to these credentials).
	Owner(ctx context.Context, a Address) (Assignment, error)

	// Assign makes exactly one write: one step from what was seen towards the
	// address being held by to. Where the cloud moves in one call that is the
	// move; elsewhere it detaches the holder in seen or, when seen names
	// nobody, attaches. It does not read first and returns as soon as the API
	// has accepted the request; whether the address moved is learnt by Owner.
	//
	// Where the move is an announcement by the guest (MovesWithoutAPI) nothing is
	// written: Assign only reads whether to holds the address now, and is a Conflict
	// if it does not.
	//
	// A request that may have reached the API and whose outcome is unknown
	// (lost reply, 5xx, deadline) is Ambiguous. A request that never left is
	// Transient or Canceled. Losing a race where the API offers a conditional
	// form is Conflict. Assign never releases an address from, or attaches it
	// to, anything but seen.Target and to.
	Assign(ctx context.Context, a Address, to Target, seen Assignment) (Result, error)
}

// Releaser is implemented by providers that can unbind an address. Release makes
// exactly one write and leaves the address alone if from no longer holds it, as
// far as the API can express that.
type Releaser interface {
	Release(ctx context.Context, a Address, from Target) (Result, error)
}

// Batcher is implemented by providers that move the addresses of one group in
// one call. The rules of Assign hold for the whole call.
type Batcher interface {
	AssignAll(ctx context.Context, as []Address, to Target, seen []Assignment) ([]Result, error)
}

// BatchReader is implemented by providers that can read the owners of many
// addresses in fewer calls than one each, as from a list. Owners returns one
// reading for each address, in their order and also when an address is named
// twice; an empty slice costs nothing. Every rule of Owner holds for each reading:
// nothing is written or repaired, nothing is remembered, a missing field is an error
// and never nobody. An address that the answers do not speak of is NotFound, and only
// where they were complete.
//
// Each reading fails by itself, with an *Error: what one answer does not tell of one
// address says nothing about the others, and a call that fails gives its error to
// every address that it was made for. The calls are made one after another and end
// with ctx; what has been read by then is returned. Where all addresses are alike in
// what the API needs to list them, reading them takes one call while they fit one
// answer; how many it takes beyond that is bounded by their number and by a limit
// that the driver states. Implementations are safe for concurrent use.
type BatchReader interface {
	Owners(ctx context.Context, as []Address) []Reading
}

// Reading is what was read of one address: the Assignment, if Err is nil.
type Reading struct {
	Assignment Assignment
	Err        error
}

// Recogniser is implemented by providers whose owner reads leave out
// Assignment.PrivateAddresses because the answer does not have them. PrivateAddresses
// makes one call at most and returns the primary private addresses of the machine that
// a read has shown as the owner of a, to recognise a node by; nothing if they cannot be
// learnt, which says nothing about who holds the address. What was learnt, and that it
// could not be, is remembered in memory for a while. It ends with ctx.
type Recogniser interface {
	PrivateAddresses(ctx context.Context, a Address, owner Target) []netip.Addr
}

// Inspector is implemented by providers that can tell whether a target's
// machine runs. The target names the instance alone, or is that of an owner which the same
// driver has read: without a read, what has no instance may be InstanceUnknown. An answer
// that does not clearly say stopped or gone is InstanceUnknown or InstanceRunning.
type Inspector interface {
	InstanceState(ctx context.Context, t Target) (InstanceState, error)
}

// Preflighter is implemented by providers that can tell, read-only, whether an
// Assign of a to t would be refused: Busy for something that passes by itself,
// Invalid for something an operator must change, nil when nothing speaks
// against it.
type Preflighter interface {
	Preflight(ctx context.Context, a Address, t Target) error
}

// Tracker is implemented by asynchronous providers whose accepted operations
// can be asked about. It only serves to learn of a failure early: an operation
// that cannot be queried is OperationUnknown with a nil error, and the owner
// read alone decides whether the address moved.
type Tracker interface {
	Operation(ctx context.Context, a Address, r Result) (OperationState, error)
}

// Placer is implemented by providers that can tell where the machine of a target
// runs, for the question whether two nodes can fail together. The target is as for
// Inspector.
type Placer interface {
	Placement(ctx context.Context, t Target) (Placement, error)
}

// Result is what the API said when it accepted a write.
type Result struct {
	RequestID string // the cloud's id of the request, for support and logs; may be empty
	Operation string // the cloud's id of the asynchronous operation; empty when there is none
}

// InstanceState is what the cloud says about a target's machine.
type InstanceState int

// The states of an instance.
const (
	InstanceUnknown InstanceState = iota // no answer that can be relied on
	InstanceRunning                      // runs, starts or stops: may still act
	InstanceStopped                      // powered off: cannot act
	InstanceGone                         // no longer exists
)

// String returns the state as one lower-case word.
func (s InstanceState) String() string {
	switch s {
	case InstanceRunning:
		return "running"
	case InstanceStopped:
		return "stopped"
	case InstanceGone:
		return "gone"
	default:
		return "unknown"
	}
}

// OperationState is what the cloud says about an accepted operation.
type OperationState int

// The states of an operation.
const (
	OperationUnknown OperationState = iota // cannot be queried
	OperationPending                       // accepted, still running
	OperationDone                          // finished; the owner read still decides
	OperationFailed                        // finished without effect
)

// GuestStep is what the operating system of the new owner must do.
type GuestStep int

// The guest steps.
const (
	GuestNone     GuestStep = iota // nothing; the fabric delivers to an address the guest has
	GuestAddress                   // configure the address as a host route on an interface
	GuestAnnounce                  // configure the address and announce it by ARP or NDP
)

// Capabilities describes how a kind of address behaves, independent of any one
// address.
type Capabilities struct {
	// Target are the parts of a machine's identity by which this kind names it. The
	// targets of Owner have these and no others; what Owner finds that cannot be put
	// so (an address bound to a load balancer) has what names it all the same.
	Target TargetParts
	// AtomicMove reports whether one write moves an address from its holder to
	// another target (make before break). Otherwise a move is a detach and an
	// attach.
	AtomicMove bool
	// Asynchronous reports whether an accepted write takes effect later.
	Asynchronous bool
	// MovesWithoutAPI reports whether the move is an announcement by the guest
	// (havip, l2): the API is then only read.
	MovesWithoutAPI bool
	// Guest4 and Guest6 are the guest steps for addresses of each family.
	Guest4, Guest6 GuestStep
	// IPv4 and IPv6 report which families the provider can move.
	IPv4, IPv6 bool
	// SettleTime is how long reads may still show the previous owner after an
	// acknowledged write. Zero: reads are consistent.
	SettleTime time.Duration
	// LateTime4 and LateTime6 say, for each family, how long after a write without an
	// answer was given up reads have to go on showing the address where it was, with
	// nothing pending, before the write is repeated: where repeating it too early does no
	// harm, less than SettleTime. It is for writes that attach or move in one call, never
	// for one that detaches. Zero: SettleTime.
	LateTime4, LateTime6 time.Duration
	// MoveTimeout is how long an accepted move may take before it counts as
	// failed. Always positive.
	MoveTimeout time.Duration
	// MinInterval is the least time between two reads of one address that the
	// provider's rate limits bear.
	MinInterval time.Duration
	// CallsPerHour is how many calls an hour the provider's rate limit bears, for
	// all nodes that share the credentials together. Zero: no limit known.
	CallsPerHour int
	// MaxPerTarget4 and MaxPerTarget6 limit how many addresses of each family
	// one target can hold. Zero: no limit known.
	MaxPerTarget4, MaxPerTarget6 int
	// Unbound is what an operator should know while nobody holds an address of this
	// kind, such as that it costs money meanwhile. One sentence without a full stop;
	// may be empty.
	Unbound string
}
