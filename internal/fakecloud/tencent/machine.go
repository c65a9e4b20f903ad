// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Machine is a CVM with its primary network interface. Only the id, which is
// ins-xxxxxxxx, is required.
type Machine struct {
	fakecloud.Instance // Private[0] is the primary address; none: one made from the id

	ENI    string // empty: eni- and what follows ins- in the id
	MAC    string // upper case; empty: one made from the id
	VPC    string // empty: that of the subnet
	Subnet string // empty: that of the options
	Zone   string // empty: that of the subnet
	Groups []string
	// Partition is the number of its partition, in a group that has them.
	Partition int
	HostID    string // dedicated hosts only
	// StopCharging makes it one that costs nothing while it is stopped, and that no
	// EIP can be bound to then.
	StopCharging bool
	// Status is the InstanceState that the API shows instead of what the model's
	// state says, such as REBOOTING.
	Status string
}

// ENI is a further network interface.
type ENI struct {
	ID       string
	MAC      string     // empty: one made from the id
	Instance string     // empty: on no machine
	Subnet   string     // empty: that of the options
	IP       netip.Addr // its primary address
	primary  bool
	index    int // of the device
}

// Group is a placement group.
type Group struct {
	ID         string // ps-xxxxxxxx
	Name       string
	Type       string // HOST (default), SW or RACK
	Affinity   int    // how many members may share one; zero: 1
	Strategy   string // SPREAD (default) or PARTITION
	Partitions int
	Region     string // empty: that of the options
}

// AddMachine adds a machine to the model and to the API. Subnet and VPC must exist;
// a group that does not is made, spreading over hosts.
func (s *Server) AddMachine(m Machine) error {
	a, o := s.api, s.api.settings()
	if !isID(m.ID, "ins-") {
		return fmt.Errorf("add machine %q: the id must be ins-xxxxxxxx", m.ID)
	}
	n, ok := get(a, a.things.subnets, or(m.Subnet, o.Subnet))
	switch {
	case !ok:
		return fmt.Errorf("add machine %s: the subnet %s does not exist", m.ID, m.Subnet)
	case m.VPC != "" && m.VPC != n.VPC:
		return fmt.Errorf("add machine %s: its subnet %s is in %s, not in %s", m.ID, n.ID, n.VPC, m.VPC)
	}
	m.Subnet, m.VPC, m.Zone, m.Region = n.ID, n.VPC, or(m.Zone, n.Zone), or(m.Region, n.Region)
	m.ENI = or(m.ENI, "eni-"+strings.TrimPrefix(m.ID, "ins-"))
	m.Name = or(m.Name, m.ID)
	if len(m.Private) == 0 {
		m.Private = []netip.Addr{madeIP(n.Range, m.ID)}
	}
	if m.Region != n.Region {
		return fmt.Errorf("add machine %s: its subnet %s is in %s, not in %s", m.ID, n.ID, n.Region, m.Region)
	}
	if !n.Range.Contains(m.Private[0]) {
		return fmt.Errorf("add machine %s: its address %s is not in %s of subnet %s", m.ID, m.Private[0], n.Range, n.ID)
	}
	if err := a.model.AddInstance(m.Instance); err != nil {
		return err
	}
	m.Private, m.Groups = slices.Clone(m.Private), slices.Clone(m.Groups)
	put(a, a.things.machines, m.ID, m)
	eni := ENI{ID: m.ENI, MAC: or(m.MAC, madeMAC(m.ENI)), Instance: m.ID, Subnet: n.ID, IP: m.Private[0], primary: true}
	put(a, a.things.enis, eni.ID, eni)
	for _, id := range m.Groups {
		if _, ok := get(a, a.things.groups, id); !ok {
			if err := s.AddGroup(Group{ID: id, Region: m.Region}); err != nil {
				return err
			}
		}
	}
	return nil
}

// ChangeMachine changes what the API tells of a machine besides its addresses and
// state. It panics for one that was not added.
func (s *Server) ChangeMachine(id string, change func(*Machine)) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	m, ok := s.api.things.machines[id]
	if !ok {
		panic(fmt.Sprintf("faketencent: change machine %s: it was not added", id))
	}
	change(&m)
	s.api.things.machines[id] = m
}

// AddENI adds a network interface besides the primary ones.
func (s *Server) AddENI(e ENI) error {
	a, o := s.api, s.api.settings()
	n, ok := get(a, a.things.subnets, or(e.Subnet, o.Subnet))
	switch {
	case !isID(e.ID, "eni-") || !ok || !n.Range.Contains(e.IP):
		return fmt.Errorf("add interface %q: the id must be eni-xxxxxxxx and %s in a subnet", e.ID, e.IP)
	case e.Instance != "" && a.machineOf(e).ID == "":
		return fmt.Errorf("add interface %s: the machine %s does not exist", e.ID, e.Instance)
	case e.Instance == "":
		if err := a.stranger(e.ID, n.Region); err != nil {
			return err
		}
	}
	e.Subnet, e.MAC, e.index = n.ID, or(e.MAC, madeMAC(e.ID)), 1
	put(a, a.things.enis, e.ID, e)
	return nil
}

// AddGroup adds a placement group, or replaces one.
func (s *Server) AddGroup(g Group) error {
	if !isID(g.ID, "ps-") {
		return fmt.Errorf("add group %q: the id must be ps-xxxxxxxx", g.ID)
	}
	g.Name, g.Type, g.Strategy = or(g.Name, g.ID), or(g.Type, "HOST"), or(g.Strategy, "SPREAD")
	g.Affinity, g.Region = or(g.Affinity, 1), or(g.Region, s.api.settings().Region)
	put(s.api, s.api.things.groups, g.ID, g)
	return nil
}

// madeIP is an address in the upper half of a range, which leaves the lower for those
// that are given.
func madeIP(within netip.Prefix, from string) netip.Addr {
	ip := within.Masked().Addr().AsSlice()
	last := len(ip) - 1
	ip[last] = 128 | byte(number64(from)%120)
	made, _ := netip.AddrFromSlice(ip)
	return made
}

func madeMAC(from string) string {
	n := number64(from)
	return fmt.Sprintf("52:54:00:%02X:%02X:%02X", byte(n), byte(n>>8), byte(n>>16))
}

// machine returns the machine and its state, unless it is unknown or gone.
func (a *api) machine(v fakecloud.View, id string) (Machine, bool) {
	m, ok := get(a, a.things.machines, id)
	if !ok {
		return m, false
	}
	i, err := v.Instance(id)
	m.Instance = i
	return m, err == nil && i.State != providers.InstanceGone
}

// machines returns the machines of a region that are not gone, by id.
func (a *api) machines(v fakecloud.View, region string) []Machine {
	all := list(a, a.things.machines, func(m Machine) string { return m.ID }, func(m Machine) bool { return m.Region == region })
	alive := all[:0]
	for _, m := range all {
		if m, ok := a.machine(v, m.ID); ok {
			alive = append(alive, m)
		}
	}
	return alive
}

// interfaces returns the network interfaces of a region by id; those of a machine go
// with it.
func (a *api) interfaces(v fakecloud.View, region string) []ENI {
	all := list(a, a.things.enis, func(e ENI) string { return e.ID }, func(ENI) bool { return true })
	return slices.DeleteFunc(all, func(e ENI) bool {
		n, _ := get(a, a.things.subnets, e.Subnet)
		_, alive := a.machine(v, e.Instance)
		return n.Region != region || e.Instance != "" && !alive
	})
}

// eni returns the network interface of that id, under the same conditions.
func (a *api) eni(v fakecloud.View, region, id string) (ENI, bool) {
	for _, e := range a.interfaces(v, region) {
		if e.ID == id {
			return e, true
		}
	}
	return ENI{}, false
}

// holds reports whether the interface has the address, as its primary or as one that
// is not on its way.
func (a *api) holds(v fakecloud.View, e ENI, ip netip.Addr) bool {
	addr, err := v.Address(ip)
	_, private := get(a, a.things.privates, ip)
	return e.IP == ip || err == nil && private && addr.Pending == 0 && addr.Holder == e.target()
}

// target is what holds a private IP that is on the interface.
func (e ENI) target() providers.Target {
	return providers.Target{Instance: e.Instance, Interface: e.ID}
}
