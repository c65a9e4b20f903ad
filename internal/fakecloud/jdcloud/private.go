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

// PrivateIP is a secondary private IP, held by an interface or, in the model, by
// nobody: then it is a free address of its subnet. Others of the subnet become known
// when they are assigned.
type PrivateIP struct {
	IP     netip.Addr
	Subnet string           // empty: the one whose range it is in
	Holder providers.Target // zero: nobody; a machine without more means its primary interface
}

// AddPrivateIP adds p to the model. The address must be new and in a known subnet.
func (s *Server) AddPrivateIP(p PrivateIP) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	for _, n := range s.api.world.subnets {
		if p.Subnet == "" && n.Range.Contains(p.IP) {
			p.Subnet = n.ID
		}
	}
	p.Holder = s.api.complete(p.Holder)
	p.Holder.PrivateIP = netip.Addr{} // the address is no part of itself
	return s.api.addPrivateIP(p)
}

func (a *api) addPrivateIP(p PrivateIP) error {
	n := a.world.subnet(p.Subnet)
	if n == nil || !n.Range.Contains(p.IP) {
		return fmt.Errorf("add private IP %s: it is not in subnet %q", p.IP, p.Subnet)
	}
	if err := a.admit(p.Holder, n.Region); err != nil {
		return err
	}
	if err := a.model.AddAddress(fakecloud.Address{IP: p.IP, Region: n.Region, Holder: p.Holder}); err != nil {
		return err
	}
	a.world.privates = append(a.world.privates, &p)
	return nil
}

// secondaries returns the secondary private IPs of an interface.
func (a *api) secondaries(v fakecloud.View, nic string) (held []*PrivateIP) {
	for _, p := range a.world.privates {
		if holder(v, p.IP).Interface == nic {
			held = append(held, p)
		}
	}
	return held
}

// secondaryRequest is the body of assignSecondaryIps and unassignSecondaryIps.
type secondaryRequest struct {
	Force             *bool    `json:"force"`
	SecondaryIPs      []string `json:"secondaryIps"`
	SecondaryIPCount  int      `json:"secondaryIpCount"`
	SecondaryIPMask   int      `json:"secondaryIpMaskLen"`
	SecondaryIPSubnet string   `json:"secondaryIpSubnetId"`
	SecondaryCIDRs    []string `json:"secondaryCidrs"`
	DeleteElasticIP   bool     `json:"deleteElasticIp"`
}

// interfaceAndIPs finds what both calls name. Changes see the truth. Automatic
// allocation and the prefix form are not served.
func (a *api) interfaceAndIPs(r *request) (n *Interface, ips []netip.Addr, body secondaryRequest, bad *reply) {
	refuse := func(re reply) (*Interface, []netip.Addr, secondaryRequest, *reply) { return nil, nil, body, &re }
	r.view = a.model.View(0)
	if bad = r.decode(&body); bad != nil {
		return refuse(*bad)
	}
	if n = a.nic(r, r.id); n == nil {
		return refuse(notFound())
	}
	if len(body.SecondaryIPs) == 0 || body.SecondaryIPCount != 0 || body.SecondaryIPMask != 0 || len(body.SecondaryCIDRs) > 0 {
		return refuse(invalid("Request parameter secondaryIps is '%v', expected one of [IP addresses]", body.SecondaryIPs))
	}
	for _, s := range body.SecondaryIPs {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return refuse(invalid("Request parameter secondaryIps is '%s', expected one of [IP addresses]", s))
		}
		ips = append(ips, ip)
	}
	return n, ips, body, nil
}

// assignSecondaryIPs gives addresses to an interface, all or none. With force, which
// is the default, it takes them from other interfaces.
func (a *api) assignSecondaryIPs(r *request) reply {
	n, ips, body, bad := a.interfaceAndIPs(r)
	if bad != nil {
		return *bad
	}
	force := body.Force == nil || *body.Force
	subnet := a.world.subnet(cmp.Or(body.SecondaryIPSubnet, n.Subnet))
	if subnet == nil {
		return notFound()
	}
	adds := 0
	for _, ip := range ips {
		at := holder(r.view, ip)
		switch {
		case !subnet.Range.Contains(ip):
			return invalid("Request parameter secondaryIps is '%s', expected one of [%s]", ip, subnet.Range)
		case a.primaryOf(ip) != nil:
			return invalid("Request parameter secondaryIps is '%s', which is a primary IP", ip)
		case r.Fault.Late > 0: // the rest is judged when it arrives
		case at.Interface == n.ID && a.options.AssignMineFails:
			return precondition("IP %s already in use", ip)
		case at.Interface == n.ID:
			continue
		case !at.IsZero() && !force:
			return precondition("IP %s already in use", ip)
		}
		adds++
	}
	if len(a.secondaries(r.view, n.ID))+adds > a.options.SecondaryIPsMax {
		return fail("QUOTA_EXCEEDED", "")
	}
	for _, ip := range ips {
		if re := a.assign(r, n, subnet, ip, force); re.err != nil {
			return re
		}
	}
	return reply{}
}

func (a *api) assign(r *request, n *Interface, subnet *Subnet, ip netip.Addr, force bool) reply {
	verb := fakecloud.Attach
	if force {
		verb = fakecloud.Move
	}
	if _, err := r.view.Address(ip); err != nil {
		if err := a.addPrivateIP(PrivateIP{IP: ip, Subnet: subnet.ID}); err != nil {
			return invalid("%v", err)
		}
	}
	switch a.submit(r, fakecloud.Request{
		Verb: verb, IP: ip, To: providers.Target{Instance: n.Instance, Interface: n.ID},
	}) {
	case "", fakecloud.AlreadyHolder:
		return reply{}
	case fakecloud.Held:
		return precondition("IP %s already in use", ip)
	default:
		return notFound()
	}
}

// unassignSecondaryIPs takes addresses from an interface, all or none.
func (a *api) unassignSecondaryIPs(r *request) reply {
	n, ips, body, bad := a.interfaceAndIPs(r)
	if bad != nil {
		return *bad
	}
	from := providers.Target{Instance: n.Instance, Interface: n.ID}
	for _, ip := range ips {
		switch {
		case holder(r.view, ip) == from || r.Fault.Late > 0:
		case a.options.UnassignAbsentIs404:
			return notFound()
		default:
			return precondition("IP %s is not assigned to %s", ip, n.ID)
		}
	}
	for _, ip := range ips {
		if body.DeleteElasticIP {
			a.deleteEIP(r, n, ip)
		}
		a.submit(r, fakecloud.Request{Verb: fakecloud.Detach, IP: ip, From: from})
	}
	return reply{}
}

// deleteEIP destroys the EIP that maps to the address, if there is one.
func (a *api) deleteEIP(r *request, n *Interface, ip netip.Addr) {
	e := a.world.eip(a.ipDocument(r, n, ip.String()).ElasticIPID)
	if e == nil {
		return
	}
	e.deleted = true
	if err := a.model.Place(e.IP, providers.Target{}); err != nil {
		panic(fmt.Sprintf("delete EIP %s: %v", e.ID, err)) // every EIP is in the model
	}
	r.note("EIP %s deleted", e.ID)
}
