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
}

// String returns the IP.
func (a Address) String() string { return a.IP.String() }

// Target is where an address can be bound. Drivers use the fields that mean
// something to them and leave the rest zero; two targets are the same if they
// are equal.
type Target struct {
	Instance  string     // the cloud's id of the machine
	Interface string     // the cloud's id of the network interface
	PrivateIP netip.Addr // the private address on that interface
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
	PrivateAddresses []netip.Addr // what is known of the owner's private addresses, to recognise a node by
	Pending          bool         // an operation on the address is under way; a new write would be refused
	Version          string       // changes with every binding, where the cloud offers such a token
}
