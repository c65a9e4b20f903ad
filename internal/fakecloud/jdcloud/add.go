// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Machine is a virtual machine with its primary network interface. Only the id is
// needed; the first private address is that interface's primary IP.
type Machine struct {
	fakecloud.Instance

	Interface     string       // id of the primary interface; empty: "port-" and the rest of the id
	MAC           string       // empty: made from the id
	VPC, Subnet   string       // empty: ones that all share
	Range         netip.Prefix // of a subnet that is not there yet; zero: the /24 around the address
	AZ            string       // empty: the region's "a"
	FaultDomain   string       // within Group and AZ, such as "2"
	Group         string       // id of the availability group; empty: none
	DedicatedHost string       // id; empty: none
	SanityCheck   bool         // the interface forwards only what is its own: no routes lead to it

	status string // in place of its own; see SetStatus
}

// Interface is a network interface besides the primary ones of machines.
type Interface struct {
	ID           string
	Instance     string // what it is attached to; empty: to nothing
	InstanceType string // what Instance is: compute, lb, container, pod
	PrimaryIP    netip.Addr
	MAC          string // empty: made from the id
	Subnet       string // empty: one that all share
	SanityCheck  bool
	Region       string // empty: the server's

	deviceIndex int // 1: primary of a machine, more: secondary, 0: not attached
}

// Subnet is a range of private addresses.
type Subnet struct {
	ID     string
	VPC    string // empty: one that all share
	Range  netip.Prefix
	Table  string // id of its route table
	Region string // empty: the server's
}

// Group is an availability group.
type Group struct {
	ID, Name      string
	PlacementType string // fd (also when empty), switch or host
	Region        string // empty: the server's
}

// AddMachine adds m to the model and its primary interface. The ids must be new.
func (s *Server) AddMachine(m Machine) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	w := &s.api.world
	m.Region = cmp.Or(m.Region, s.api.options.Region)
	m.Name = cmp.Or(m.Name, m.ID)
	m.Interface = cmp.Or(m.Interface, derive("port", m.ID))
	m.MAC = cmp.Or(m.MAC, mac(m.ID))
	m.VPC = cmp.Or(m.VPC, vpcDefault)
	m.Subnet = cmp.Or(m.Subnet, subnetDefault)
	m.AZ = cmp.Or(m.AZ, m.Region+"a")
	if len(m.Private) == 0 {
		m.Private = []netip.Addr{s.api.freeAddress(m.Subnet)}
	}
	if !m.Range.IsValid() {
		m.Range = netip.PrefixFrom(m.Private[0], 24).Masked()
	}
	if w.nic(m.Interface) != nil {
		return fmt.Errorf("add machine %s: interface %s exists already", m.ID, m.Interface)
	}
	if err := s.api.model.AddInstance(m.Instance); err != nil {
		return err
	}
	if w.subnet(m.Subnet) == nil {
		w.subnets = append(w.subnets, &Subnet{ID: m.Subnet, VPC: m.VPC, Range: m.Range, Region: m.Region})
	}
	w.machines = append(w.machines, &m)
	w.interfaces = append(w.interfaces, &Interface{
		ID: m.Interface, Instance: m.ID, InstanceType: "compute", PrimaryIP: m.Private[0], MAC: m.MAC,
		Subnet: m.Subnet, SanityCheck: m.SanityCheck, Region: m.Region, deviceIndex: 1,
	})
	return nil
}

// freeAddress returns an address that no interface in the subnet has as its primary
// one; the first few belong to the gateway and the like.
func (a *api) freeAddress(subnet string) netip.Addr {
	first := netip.MustParseAddr("10.0.1.0")
	if s := a.world.subnet(subnet); s != nil {
		first = s.Range.Masked().Addr()
	}
	ip := first.Next().Next().Next()
	for a.primaryOf(ip) != nil {
		ip = ip.Next()
	}
	return ip
}

// primaryOf returns the interface whose primary IP it is, or nil.
func (a *api) primaryOf(ip netip.Addr) *Interface {
	for _, n := range a.world.interfaces {
		if n.PrimaryIP == ip && !gone(a.model.View(0), n.Instance) {
			return n
		}
	}
	return nil
}

// AddInterface adds n, attached to n.Instance. Its id must be new.
func (s *Server) AddInterface(n Interface) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	w := &s.api.world
	if n.ID == "" || w.nic(n.ID) != nil {
		return fmt.Errorf("add interface %q: the id is empty or exists already", n.ID)
	}
	n.Region = cmp.Or(n.Region, s.api.options.Region)
	n.MAC = cmp.Or(n.MAC, mac(n.ID))
	n.Subnet = cmp.Or(n.Subnet, subnetDefault)
	if n.Instance != "" {
		n.deviceIndex = 1
		n.InstanceType = cmp.Or(n.InstanceType, "compute")
	}
	for _, other := range w.interfaces {
		if n.Instance != "" && other.Instance == n.Instance {
			n.deviceIndex++
		}
	}
	w.interfaces = append(w.interfaces, &n)
	return s.api.admit(providers.Target{Instance: n.Instance, Interface: n.ID}, n.Region)
}

// AddSubnet adds n. Its id must be new.
func (s *Server) AddSubnet(n Subnet) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	if n.ID == "" || !n.Range.IsValid() || s.api.world.subnet(n.ID) != nil {
		return fmt.Errorf("add subnet %q: id or range is missing, or the id exists already", n.ID)
	}
	n.VPC = cmp.Or(n.VPC, vpcDefault)
	n.Region = cmp.Or(n.Region, s.api.options.Region)
	s.api.world.subnets = append(s.api.world.subnets, &n)
	return nil
}

// AddGroup adds g. Its id must be new; machines name it whether it is there or not.
func (s *Server) AddGroup(g Group) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	if g.ID == "" || s.api.world.group(g.ID) != nil {
		return fmt.Errorf("add availability group %q: the id is empty or exists already", g.ID)
	}
	g.Name = cmp.Or(g.Name, g.ID)
	g.PlacementType = cmp.Or(g.PlacementType, "fd")
	g.Region = cmp.Or(g.Region, s.api.options.Region)
	s.api.world.groups = append(s.api.world.groups, &g)
	return nil
}
