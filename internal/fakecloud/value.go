// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// Instance is a machine that addresses can be bound to.
type Instance struct {
	ID      string                  // the cloud's id; equals Target.Instance
	Name    string                  // the host name
	Region  string                  // addresses bind only within their region
	State   providers.InstanceState // zero means running when the instance is added
	Private []netip.Addr            // private addresses, in the cloud's order
	Public  []netip.Addr            // its own public addresses, not the floating ones
	Tags    []string
	Pending bool // an event or an operation keeps it busy (set by the model)
}

// Slot is where a floating IP is: everywhere there is one of each, but a route may be
// in several tables, and each has a holder of its own.
type Slot struct {
	IP    netip.Addr
	Table string // the route table; empty for what is no route
}

// String returns the IP, and the table if there is one.
func (s Slot) String() string {
	if s.Table == "" {
		return s.IP.String()
	}
	return s.IP.String() + " in " + s.Table
}

func (s Slot) compare(o Slot) int {
	return cmp.Or(s.IP.Compare(o.IP), cmp.Compare(s.Table, o.Table))
}

// Address is a floating IP and who holds it.
type Address struct {
	IP           netip.Addr
	Table        string // the route table, for an address that is a route
	Region       string
	Holder       providers.Target // zero: held by nobody
	BringYourOwn bool             // from the customer's own prefix: its operations cannot be queried
	Pending      int64            // the operation under way; zero: none (set by the model)
	Since        time.Time        // when the holder last changed (set by the model)
}

// Verb is what a write asks for. Clouds that move in one call use Move; the
// others Detach, then Attach.
type Verb int

// The verbs.
const (
	Move   Verb = iota // bind to To, if From holds the address; a zero From: whoever does
	Attach             // bind to To if nobody holds the address
	Detach             // unbind from From; a zero From means from whoever holds it
	Event              // something else that keeps an instance busy; not for Submit
)

// String returns the verb as a lower-case word.
func (v Verb) String() string {
	switch v {
	case Move:
		return "move"
	case Attach:
		return "attach"
	case Detach:
		return "detach"
	default:
		return "event"
	}
}

// Request is one write.
type Request struct {
	Verb     Verb
	IP       netip.Addr
	Table    string // the route table, for an address that is a route
	From, To providers.Target
	Node     string        // who asked; for the records only
	Delay    time.Duration // from acceptance until it takes effect; zero: at once
	Fail     bool          // accepted, but ends without effect
}

// OperationStatus is how far an operation has come.
type OperationStatus int

// The statuses of an operation.
const (
	Pending   OperationStatus = iota // accepted, not yet in effect
	Completed                        // took effect
	Errored                          // ended without effect
)

// Operation is an accepted write, or an event of an instance.
type Operation struct {
	ID       int64
	Verb     Verb
	Name     string // what an event is about, such as "snapshot"
	IP       netip.Addr
	Table    string // the route table, for an address that is a route
	From, To providers.Target
	Instance string // the instance kept busy meanwhile
	Node     string
	Status   OperationStatus
	Started  time.Time
	Finished time.Time // when it ends or ended
}

func (a Address) slot() Slot { return Slot{a.IP, a.Table} }

func (o Operation) slot() Slot { return Slot{o.IP, o.Table} }

// Refusal is the error of a write that the rules do not allow. Nothing changed.
type Refusal string

// The refusals.
const (
	UnknownAddress     Refusal = "the address does not exist"
	UnknownInstance    Refusal = "the instance does not exist"
	UnknownOperation   Refusal = "the operation does not exist"
	OtherRegion        Refusal = "the address is in another region"
	AddressPending     Refusal = "the address has a pending operation"
	InstancePending    Refusal = "the instance has a pending event"
	AlreadyHolder      Refusal = "the target already holds the address"
	Held               Refusal = "another target holds the address"
	NotHolder          Refusal = "another target than the named one holds the address"
	NotHeld            Refusal = "nobody holds the address"
	InstanceFull       Refusal = "the instance holds as many addresses as it may"
	InstanceNotRunning Refusal = "the instance is not running"
	BadVerb            Refusal = "the verb cannot be submitted"
)

// Error returns the sentence.
func (r Refusal) Error() string { return string(r) }

// Rules are the limits in which clouds differ.
type Rules struct {
	MaxPerInstance4    int  // addresses of IPv4 one instance may hold; zero: no limit
	MaxPerInstance6    int  // the same for IPv6
	SerializeInstances bool // an instance with a pending event refuses bindings
	NeedsRunning       bool // a stopped instance refuses bindings
}
