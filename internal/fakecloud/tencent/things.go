// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// createdAt is when everything was created; clients decode it and do not care.
const (
	createdAt   = "2026-01-01 00:00:00"
	createdAtTZ = "2026-01-01T00:00:00Z"
)

// things are what exists besides who holds what, which only the model knows. Values
// are replaced, never modified. Maps are by id; private IPs by the address, routes by
// slot.
type things struct {
	vpcs     map[string]VPC
	subnets  map[string]Subnet
	groups   map[string]Group
	machines map[string]Machine
	enis     map[string]ENI
	eips     map[string]EIP
	havips   map[string]HAVIP
	privates map[netip.Addr]PrivateIP
	tables   map[string]Table
	routes   map[fakecloud.Slot]Route
}

func newThings(o Options) things {
	return things{
		vpcs:     map[string]VPC{o.VPC: {ID: o.VPC, Range: o.VPCRange, Region: o.Region}},
		subnets:  map[string]Subnet{o.Subnet: {ID: o.Subnet, VPC: o.VPC, Range: o.SubnetRange, Zone: o.Zone, Region: o.Region}},
		groups:   map[string]Group{},
		machines: map[string]Machine{},
		enis:     map[string]ENI{},
		eips:     map[string]EIP{},
		havips:   map[string]HAVIP{},
		privates: map[netip.Addr]PrivateIP{},
		tables:   map[string]Table{},
		routes:   map[fakecloud.Slot]Route{},
	}
}

// get returns the thing with that key.
func get[K comparable, T any](a *api, m map[K]T, key K) (T, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, ok := m[key]
	return v, ok
}

// list returns all things that are wanted, in the order of order.
func list[K comparable, T any](a *api, m map[K]T, order func(T) string, wanted func(T) bool) []T {
	a.mu.Lock()
	all := slices.Collect(maps.Values(m))
	a.mu.Unlock()
	all = slices.DeleteFunc(all, func(v T) bool { return !wanted(v) })
	slices.SortFunc(all, func(x, y T) int { return cmp.Compare(order(x), order(y)) })
	return all
}

// put adds or replaces a thing.
func put[K comparable, T any](a *api, m map[K]T, key K, v T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m[key] = v
}

// stranger makes sure that the model knows what holds an address without being a
// machine: a load balancer, a NAT gateway, a HAVIP, an interface on no machine.
func (a *api) stranger(id, region string) error {
	if _, err := a.model.View(0).Instance(id); err == nil {
		return nil
	}
	return a.model.AddInstance(fakecloud.Instance{ID: id, Name: id, Region: region})
}

// strangers does that for a holder, unless it is a machine.
func (a *api) strangers(t providers.Target, region string) error {
	switch {
	case t.Instance != "" && !isID(t.Instance, "ins-"):
		return a.stranger(t.Instance, region)
	case t.Instance == "" && t.Interface != "":
		return a.stranger(t.Interface, region)
	}
	return nil
}

// number64 is a number that only depends on the text.
func number64(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// madeID is an id made from what it stands for.
func madeID(prefix, from string) string { return fmt.Sprintf("%s%08x", prefix, uint32(number64(from))) }
