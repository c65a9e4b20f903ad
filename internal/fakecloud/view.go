// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// View answers reads with the state of one instant.
type View struct {
	m  *Model
	at time.Time
}

// View returns the cloud as it was lag ago: zero reads the truth, anything more
// is a stale read. Reads before an object existed show its first state.
func (m *Model) View(lag time.Duration) View {
	defer m.leave()
	return View{m, m.enter().Add(-max(lag, 0))}
}

// Address returns the address, or [UnknownAddress].
func (v View) Address(ip netip.Addr) (Address, error) { return v.AddressIn(Slot{IP: ip}) }

// AddressIn is Address for one of a route table.
func (v View) AddressIn(at Slot) (Address, error) {
	v.m.enter()
	defer v.m.leave()
	rec := v.m.addresses[at]
	if rec == nil {
		return Address{}, UnknownAddress
	}
	return rec.at(v.at), nil
}

// Addresses returns all addresses, in order of the IP and the route table.
func (v View) Addresses() []Address {
	v.m.enter()
	defer v.m.leave()
	var as []Address
	for _, at := range v.m.sortedSlots() {
		as = append(as, v.m.addresses[at].at(v.at))
	}
	return as
}

// Held returns the addresses that the instance held, in the order of Addresses.
func (v View) Held(instance string) []Address {
	return slices.DeleteFunc(v.Addresses(), func(a Address) bool { return a.Holder.Instance != instance })
}

// Instance returns the instance, also a destroyed one, or [UnknownInstance].
func (v View) Instance(id string) (Instance, error) {
	v.m.enter()
	defer v.m.leave()
	rec := v.m.instances[id]
	if rec == nil {
		return Instance{}, UnknownInstance
	}
	i := rec.at(v.at)
	i.Private, i.Public, i.Tags = slices.Clone(i.Private), slices.Clone(i.Public), slices.Clone(i.Tags)
	return i, nil
}

// Instances returns the ids of all instances there are or were, sorted.
func (v View) Instances() []string {
	v.m.enter()
	defer v.m.leave()
	return slices.Sorted(maps.Keys(v.m.instances))
}

// Operation returns the operation, or [UnknownOperation] if the cloud had not
// accepted it, or has forgotten it.
func (v View) Operation(id int64) (Operation, error) {
	v.m.enter()
	defer v.m.leave()
	op := v.m.operations[id]
	if op == nil || op.Started.After(v.at) {
		return Operation{}, UnknownOperation
	}
	return v.asOf(op), nil
}

// AddressOperations returns the operations of ip in all its slots, newest first.
func (v View) AddressOperations(ip netip.Addr) []Operation {
	return v.list(func(op *operation) bool { return op.Verb != Event && op.IP == ip })
}

// InstanceOperations returns what kept or keeps the instance busy, newest first.
func (v View) InstanceOperations(id string) []Operation {
	return v.list(func(op *operation) bool { return op.Instance == id })
}

func (v View) list(wanted func(*operation) bool) []Operation {
	v.m.enter()
	defer v.m.leave()
	var ops []Operation
	for _, op := range v.m.operations {
		if wanted(op) && !op.Started.After(v.at) {
			ops = append(ops, v.asOf(op))
		}
	}
	slices.SortFunc(ops, func(a, b Operation) int { return int(b.ID - a.ID) })
	return ops
}

// asOf returns op as it was at the view's instant.
func (v View) asOf(op *operation) Operation {
	o := op.Operation
	if o.Finished.After(v.at) {
		o.Status = Pending
	}
	return o
}
