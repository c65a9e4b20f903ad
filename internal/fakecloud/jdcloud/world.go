// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// What all that is added without such a thing shares.
const (
	vpcDefault    = "vpc-0fipctl0aa"
	subnetDefault = "subnet-0fipctl0a"
	createdTime   = "2026-01-01T00:00:00Z"
)

// world is what the face knows of the cloud beyond the model, in the order in which
// it was added. Nothing is ever removed: what is gone is found out by asking the
// model.
type world struct {
	machines   []*Machine
	interfaces []*Interface
	subnets    []*Subnet
	eips       []*EIP
	privates   []*PrivateIP
	tables     []*table
	groups     []*Group
	lastRule   int
}

// byID returns the element with the id, or nil.
func byID[T any](all []*T, id func(*T) string, want string) *T {
	for _, e := range all {
		if id(e) == want {
			return e
		}
	}
	return nil
}

func (w *world) machine(id string) *Machine {
	return byID(w.machines, func(m *Machine) string { return m.ID }, id)
}

func (w *world) nic(id string) *Interface {
	return byID(w.interfaces, func(n *Interface) string { return n.ID }, id)
}

func (w *world) subnet(id string) *Subnet {
	return byID(w.subnets, func(s *Subnet) string { return s.ID }, id)
}

func (w *world) eip(id string) *EIP {
	return byID(w.eips, func(e *EIP) string { return e.ID }, id)
}

func (w *world) group(id string) *Group {
	return byID(w.groups, func(g *Group) string { return g.ID }, id)
}

// Identity returns everything by which addresses can be bound to a machine; a kind
// uses a part of it. It is zero for an unknown machine.
func (s *Server) Identity(instance string) providers.Target {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	return s.api.complete(providers.Target{Instance: instance})
}

// complete fills in the primary interface of a machine and the primary address of an
// interface where t does not name them. What is no machine stays as it is.
func (a *api) complete(t providers.Target) providers.Target {
	m := a.world.machine(t.Instance)
	if m != nil && t.Interface == "" {
		t.Interface = m.Interface
	}
	if n := a.world.nic(t.Interface); n != nil && !t.PrivateIP.IsValid() {
		t.PrivateIP = n.PrimaryIP
	}
	return t
}

// admit makes sure that the model knows what holds an address: things that are no
// machines are instances there, too, but not in the vm service. An interface that is
// attached to nothing has an instance of its name.
func (a *api) admit(holder providers.Target, region string) error {
	id := cmp.Or(holder.Instance, holder.Interface)
	if id == "" {
		return nil
	}
	if _, err := a.model.View(0).Instance(id); err == nil {
		return nil
	}
	return a.model.AddInstance(fakecloud.Instance{ID: id, Region: region})
}

// gone reports whether the instance no longer exists in a view. What the model does
// not know, such as "", is not gone.
func gone(v fakecloud.View, instance string) bool {
	i, err := v.Instance(instance)
	return err == nil && i.State == providers.InstanceGone
}

// derive returns an id of another kind for what belongs to id: "port-…" for "i-…".
func derive(prefix, id string) string {
	_, rest, ok := strings.Cut(id, "-")
	if !ok {
		rest = id
	}
	return prefix + "-" + rest
}

func mac(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id))
	n := h.Sum32()
	return fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", byte(n>>16), byte(n>>8), byte(n))
}

// text returns the address; "" for none.
func text(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}
