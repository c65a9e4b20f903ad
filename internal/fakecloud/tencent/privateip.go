// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// assignMax is how many addresses one call assigns or unassigns at most.
const assignMax = 10

// PrivateIP is a secondary private address of a network interface.
type PrivateIP struct {
	IP     netip.Addr
	Subnet string // empty: that of the options
	Region string // set by AddPrivateIP
	// Holder is the interface that has it from the start, with its machine: either
	// implies the other, of a machine its primary one.
	Holder providers.Target
}

// AddPrivateIP adds an address to the model and to the API. Without a holder it is
// one that can be assigned.
func (s *Server) AddPrivateIP(p PrivateIP) error {
	a := s.api
	p.Subnet = or(p.Subnet, a.settings().Subnet)
	n, ok := get(a, a.things.subnets, p.Subnet)
	if !ok || !n.Range.Contains(p.IP) {
		return fmt.Errorf("add private IP %s: it is not in the subnet %s", p.IP, p.Subnet)
	}
	p.Region = n.Region
	if m, ok := get(a, a.things.machines, p.Holder.Instance); ok && p.Holder.Interface == "" {
		p.Holder.Interface = m.ENI
	}
	if e, ok := get(a, a.things.enis, p.Holder.Interface); ok {
		p.Holder.Instance = e.Instance
	}
	if err := a.strangers(p.Holder, p.Region); err != nil {
		return err
	}
	if err := a.model.AddAddress(fakecloud.Address{IP: p.IP, Region: p.Region, Holder: p.Holder}); err != nil {
		return err
	}
	put(a, a.things.privates, p.IP, p)
	return nil
}

// migratePrivateIPAddress moves an address between two interfaces of a subnet.
func (a *api) migratePrivateIPAddress(r *request) (document, *failure) {
	var in struct{ SourceNetworkInterfaceId, DestinationNetworkInterfaceId, PrivateIpAddress string }
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	if f := required("SourceNetworkInterfaceId", in.SourceNetworkInterfaceId,
		"DestinationNetworkInterfaceId", in.DestinationNetworkInterfaceId, "PrivateIpAddress", in.PrivateIpAddress); f != nil {
		return nil, f
	}
	now := a.model.View(0)
	from, f := a.eniFor(r, now, in.SourceNetworkInterfaceId)
	if f != nil {
		return nil, f
	}
	to, f := a.eniFor(r, now, in.DestinationNetworkInterfaceId)
	if f != nil {
		return nil, f
	}
	ip, err := netip.ParseAddr(in.PrivateIpAddress)
	addr, unknown := now.Address(ip)
	_, private := get(a, a.things.privates, ip)
	switch {
	case err != nil:
		return nil, malformed("PrivateIpAddress", in.PrivateIpAddress)
	case ip == from.IP:
		return nil, fail(a.settings().Dialect.PrimaryIP, "%s is the primary address of %s.", ip, from.ID)
	case from.Subnet != to.Subnet || from.ID == to.ID:
		return nil, fail("UnsupportedOperation", "%s and %s are not two interfaces of one subnet.", from.ID, to.ID)
	case unknown != nil || !private:
		return nil, notAttached(ip, from)
	case addr.Pending != 0 && !r.late():
		return nil, mutex(ip.String())
	case addr.Holder != from.target() && !r.late():
		return nil, notAttached(ip, from)
	}
	op, err := a.submit(r, fakecloud.Request{
		Verb: fakecloud.Move, IP: ip, From: from.target(), To: to.target(), Delay: a.settings().MigrateDelay,
	})
	switch {
	case errors.Is(err, fakecloud.AddressPending):
		return nil, mutex(ip.String())
	case err != nil:
		return nil, notAttached(ip, from)
	}
	a.remember(r, op.ID)
	return document{}, nil
}

// notAttached is not about permissions, whatever its name says.
func notAttached(ip netip.Addr, e ENI) *failure {
	return fail("UnauthorizedOperation.AttachmentNotFound", "%s is not on %s.", ip, e.ID)
}

func (a *api) eniFor(r *request, now fakecloud.View, id string) (ENI, *failure) {
	if !isID(id, "eni-") {
		return ENI{}, malformed("NetworkInterfaceId", id)
	}
	e, ok := a.eni(now, r.region, id)
	if !ok {
		return ENI{}, notFound("network interface", id)
	}
	return e, nil
}

// addressRequest is a "PrivateIpAddressSpecification" in a request.
type addressRequest struct {
	PrivateIpAddress, Description, QosLevel string
	PublicIpAddress, AddressId, State       string
	Primary, IsWanIpBlocked                 bool
}

// addressesRequest are the parameters of both writes that follow. Addresses must be
// named; that the service chooses them is not served.
type addressesRequest struct {
	NetworkInterfaceId, InstanceId, QosLevel, ClientToken string
	PrivateIpAddresses                                    []addressRequest
	SecondaryPrivateIpAddressCount                        int
}

func (a *api) addressesFor(r *request, now fakecloud.View) (ENI, []netip.Addr, *failure) {
	var in addressesRequest
	if f := decode(r, &in); f != nil {
		return ENI{}, nil, f
	}
	if f := required("NetworkInterfaceId", in.NetworkInterfaceId); f != nil {
		return ENI{}, nil, f
	}
	e, f := a.eniFor(r, now, in.NetworkInterfaceId)
	switch n := len(in.PrivateIpAddresses); {
	case f != nil:
		return e, nil, f
	case in.SecondaryPrivateIpAddressCount > 0:
		return e, nil, fail("UnsupportedOperation", "Addresses are not chosen here: name them.")
	case n == 0:
		return e, nil, required("PrivateIpAddresses", "")
	case n > assignMax:
		return e, nil, fail("InvalidParameterValue.LimitExceeded", "There are more than %d addresses.", assignMax)
	}
	var ips []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, p := range in.PrivateIpAddresses {
		ip, err := netip.ParseAddr(p.PrivateIpAddress)
		switch {
		case err != nil || p.Primary:
			return e, nil, malformed("PrivateIpAddress", p.PrivateIpAddress)
		case seen[ip]:
			return e, nil, fail("InvalidParameterValue.DuplicatePara", "%s is named twice.", ip)
		}
		seen[ip] = true
		ips = append(ips, ip)
	}
	return e, ips, nil
}

// assignPrivateIPAddresses gives free addresses of its subnet to an interface.
func (a *api) assignPrivateIPAddresses(r *request) (document, *failure) {
	now := a.model.View(0)
	e, ips, f := a.addressesFor(r, now)
	if f != nil {
		return nil, f
	}
	for _, ip := range ips {
		if f := a.mayAssign(r, now, e, ip); f != nil {
			return nil, f
		}
	}
	var ids []int64
	docs := []ipDocument{}
	for _, ip := range ips {
		op, err := a.submit(r, fakecloud.Request{
			Verb: fakecloud.Attach, IP: ip, To: e.target(), Delay: a.settings().MigrateDelay,
		})
		if err != nil {
			return nil, fail("ResourceInUse", "The address %s is in use.", ip)
		}
		ids = append(ids, op.ID)
		docs = append(docs, ipDocument{PrivateIpAddress: ip.String(), State: "PENDING", QosLevel: "DEFAULT"})
	}
	a.remember(r, ids...)
	return document{"PrivateIpAddressSet": docs}, nil
}

// mayAssign reports why the address cannot be given to the interface. One that is
// free and unknown becomes known.
func (a *api) mayAssign(r *request, now fakecloud.View, e ENI, ip netip.Addr) *failure {
	n, _ := get(a, a.things.subnets, e.Subnet)
	addr, unknown := now.Address(ip)
	_, private := get(a, a.things.privates, ip)
	switch {
	case !n.Range.Contains(ip):
		return fail("InvalidParameterValue.Range", "%s is not in the subnet of %s.", ip, e.ID)
	case unknown == nil && private && addr.Pending != 0:
		return mutex(ip.String())
	case unknown == nil && (!private || !addr.Holder.IsZero()), a.isPrimary(now, r.region, ip):
		return fail("ResourceInUse", "The address %s is in use.", ip)
	case unknown != nil:
		// Whoever adds it at the same time is as good.
		_ = a.model.AddAddress(fakecloud.Address{IP: ip, Region: n.Region})
		put(a, a.things.privates, ip, PrivateIP{IP: ip, Subnet: n.ID, Region: n.Region})
	}
	return nil
}

func (a *api) isPrimary(v fakecloud.View, region string, ip netip.Addr) bool {
	for _, e := range a.interfaces(v, region) {
		if e.IP == ip {
			return true
		}
	}
	return false
}

// unassignPrivateIPAddresses takes addresses from an interface, and their EIPs with
// them.
func (a *api) unassignPrivateIPAddresses(r *request) (document, *failure) {
	now := a.model.View(0)
	e, ips, f := a.addressesFor(r, now)
	if f != nil {
		return nil, f
	}
	for _, ip := range ips {
		addr, unknown := now.Address(ip)
		_, private := get(a, a.things.privates, ip)
		switch {
		case unknown == nil && private && addr.Pending != 0:
			return nil, mutex(ip.String())
		case unknown != nil || !private || addr.Holder != e.target():
			return nil, fail("UnsupportedOperation.AttachmentNotFound", "%s is not on %s.", ip, e.ID)
		}
	}
	var ids []int64
	for _, ip := range ips {
		op, err := a.submit(r, fakecloud.Request{
			Verb: fakecloud.Detach, IP: ip, From: e.target(), Delay: a.settings().MigrateDelay,
		})
		if err != nil {
			return nil, fail("UnsupportedOperation.AttachmentNotFound", "%s is not on %s.", ip, e.ID)
		}
		ids = append(ids, op.ID)
		a.dropEIP(r, now, e, ip)
	}
	a.remember(r, ids...)
	return document{}, nil
}

// dropEIP unbinds the EIP of an address that leaves its interface.
func (a *api) dropEIP(r *request, now fakecloud.View, e ENI, ip netip.Addr) {
	holder := providers.Target{Instance: e.Instance, PrivateIP: ip}
	if e.Instance == "" {
		holder.Interface = e.ID
	}
	if public, ok := get(a, a.things.eips, a.eipOf(now, holder)); ok {
		// One that has a task under way keeps it.
		_, _ = a.submit(r, fakecloud.Request{
			Verb: fakecloud.Detach, IP: public.IP, From: holder, Delay: a.settings().BindDelay,
		})
	}
}
