// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providers

import (
	"net/netip"
	"strings"
)

// Address is a floating IP as the configuration names it.
type Address struct {
	Provider string     // name of the driver
	Kind     string     // the kind within the provider, such as "reserved-ip"
	IP       netip.Addr // the floating IP itself, canonical and without zone
	// ID is the cloud's id that belongs to the address, where the kind needs one
	// to find it: of the EIP or HAVIP itself, of the subnet of a secondary private
	// IP, of the route table that holds a route. The same route in two tables is
	// two addresses, each with a write of its own. Empty where the IP suffices.
	ID string
}

// String returns the IP, and where that does not tell two addresses apart, the ID:
// "172.16.0.9 in rtb-1a2b3c4d".
func (a Address) String() string {
	if a.Kind == KindRoute && a.ID != "" {
		return a.IP.String() + " in " + a.ID
	}
	return a.IP.String()
}

// The kinds that several clouds have. A driver may add its own.
const (
	KindEIP       = "eip"        // a public address that the cloud translates to a private one
	KindHAVIP     = "havip"      // a private address that moves by announcement
	KindPrivateIP = "private-ip" // a secondary private address of a network interface
	KindRoute     = "route"      // a destination outside the VPC's range, in route tables
)

// Target is where an address can be bound. Drivers use the fields that mean
// something to them and leave the rest zero; two targets are the same if they
// are equal.
type Target struct {
	Instance  string     // the cloud's id of the machine
	Interface string     // the cloud's id of the network interface
	PrivateIP netip.Addr // the private address on that interface
}

// ParseTarget is the inverse of String for what is known of a whole machine: an id of
// the machine, then one of its interface if that is known, then its private address.
// It returns the zero Target for anything else.
func ParseTarget(s string) Target {
	var t Target
	for i, part := range strings.Split(s, "/") {
		ip, err := netip.ParseAddr(part)
		switch {
		case err == nil && i > 0 && !t.PrivateIP.IsValid():
			t.PrivateIP = ip
		case err != nil && part != "" && i == 0:
			t.Instance = part
		case err != nil && part != "" && i == 1:
			t.Interface = part
		default:
			return Target{}
		}
	}
	return t
}

// Contradicts reports whether t and u cannot be the same machine. Either may know only a
// part of it: the instance is always one.
func (t Target) Contradicts(u Target) bool {
	return t.Instance != u.Instance ||
		t.Interface != "" && u.Interface != "" && t.Interface != u.Interface ||
		t.PrivateIP.IsValid() && u.PrivateIP.IsValid() && t.PrivateIP != u.PrivateIP
}

// TargetParts says which fields of a Target name a machine for one kind of address.
type TargetParts uint8

// The parts.
const (
	PartInstance TargetParts = 1 << iota
	PartInterface
	PartPrivateIP
)

// Only returns the machine t as addresses of a kind with these parts are bound to it:
// the other fields are empty. It is the zero Target if t lacks one of the parts.
func (t Target) Only(parts TargetParts) Target {
	var out Target
	if parts&PartInstance != 0 {
		out.Instance = t.Instance
	}
	if parts&PartInterface != 0 {
		out.Interface = t.Interface
	}
	if parts&PartPrivateIP != 0 {
		out.PrivateIP = t.PrivateIP
	}
	missing := parts&PartInstance != 0 && out.Instance == "" ||
		parts&PartInterface != 0 && out.Interface == "" ||
		parts&PartPrivateIP != 0 && !out.PrivateIP.IsValid()
	if missing {
		return Target{}
	}
	return out
}

// PartOf reports whether t names no machine, but the interface or the private address of
// own: what an answer would name that leaves out the machine of an address that is on own.
func (t Target) PartOf(own Target) bool {
	return t.Instance == "" && own.Instance != "" &&
		(t.Interface != "" && t.Interface == own.Interface || t.PrivateIP.IsValid() && t.PrivateIP == own.PrivateIP)
}

// IsZero reports whether t names nothing.
func (t Target) IsZero() bool { return t == Target{} }

// String returns the parts that are set, separated by slashes.
func (t Target) String() string {
	var parts []string
	for _, p := range []string{t.Instance, t.Interface} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if t.PrivateIP.IsValid() {
		parts = append(parts, t.PrivateIP.String())
	}
	return strings.Join(parts, "/")
}

// Assignment is the cloud's answer to the question who holds an address.
type Assignment struct {
	Target           Target       // the owner; zero: held by nobody
	PrivateAddresses []netip.Addr // what the answer tells of the owner's private addresses, to recognise a node by (Recogniser)
	Pending          bool         // an operation on the address is under way; a new write would be refused
	Version          string       // changes with every binding, where the cloud offers such a token
	// Following are other addresses that move with this one by themselves, such as
	// the EIP bound to a HAVIP. They are only shown.
	Following []netip.Addr
}
