// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// EIP is a public address that the cloud translates to a private one.
type EIP struct {
	ID     string // eip-xxxxxxxx; empty: one made from the IP
	Name   string
	IP     netip.Addr
	Region string // empty: that of the options
	// Holder is who holds it from the start: a machine with the private address
	// (none: its primary one), an interface on no machine with one, or anything else
	// by its id as the instance: lb-xxxxxxxx, nat-xxxxxxxx, havip-xxxxxxxx.
	Holder         providers.Target
	CascadeRelease bool // vanishes when it is unbound
	Arrears        bool // cannot be bound
	Blocked        bool // the same, for another reason
	// InstanceType is what the API says of its holder; empty: what the id says.
	InstanceType string
}

// AddEIP adds an EIP to the model and to the API.
func (s *Server) AddEIP(e EIP) error {
	a := s.api
	e.ID = or(e.ID, madeID("eip-", e.IP.String()))
	e.Region = or(e.Region, a.settings().Region)
	if !isID(e.ID, "eip-") {
		return fmt.Errorf("add EIP %q: the id must be eip-xxxxxxxx", e.ID)
	}
	if m, ok := get(a, a.things.machines, e.Holder.Instance); ok && !e.Holder.PrivateIP.IsValid() {
		e.Holder.PrivateIP = m.Private[0]
	}
	if err := a.strangers(e.Holder, e.Region); err != nil {
		return err
	}
	if err := a.model.AddAddress(fakecloud.Address{IP: e.IP, Region: e.Region, Holder: e.Holder}); err != nil {
		return err
	}
	put(a, a.things.eips, e.ID, e)
	return nil
}

// ChangeEIP changes what the API tells of an EIP besides its holder. It panics for
// one that was not added.
func (s *Server) ChangeEIP(id string, change func(*EIP)) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	e, ok := s.api.things.eips[id]
	if !ok {
		panic(fmt.Sprintf("faketencent: change EIP %s: it was not added", id))
	}
	change(&e)
	s.api.things.eips[id] = e
}

// eipAt returns the EIP of that address.
func (a *api) eipAt(ip netip.Addr) (EIP, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.things.eips {
		if e.IP == ip {
			return e, true
		}
	}
	return EIP{}, false
}

// associateAddress binds an EIP that nobody holds.
func (a *api) associateAddress(r *request) (document, *failure) {
	var in struct {
		AddressId, InstanceId, NetworkInterfaceId, PrivateIpAddress, InstanceRegion string
		EipDirectConnection                                                         bool
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	now := a.model.View(0)
	e, st, f := a.eipFor(r, now, in.AddressId)
	if f != nil {
		return nil, f
	}
	to, f := a.bindTarget(r, now, in.InstanceId, in.NetworkInterfaceId, in.PrivateIpAddress)
	if f != nil {
		return nil, f
	}
	d := a.settings().Dialect
	switch {
	case e.Blocked:
		return nil, fail("InvalidAddressId.Blocked", "The address %s is blocked.", e.ID)
	case e.Arrears:
		return nil, fail("OperationDenied.AddressInArrears", "The address %s is in arrears.", e.ID)
	case st.changing && !r.late():
		return nil, fail(d.Mutex, "Another task of %s is running.", e.ID)
	case st.status != unbound && !r.late():
		return nil, fail(d.AssociateStatus, "The status %s of %s does not permit this.", st.status, e.ID)
	}
	if f := a.mayHold(now, to, in.InstanceId != ""); f != nil {
		return nil, f
	}
	op, err := a.submit(r, fakecloud.Request{
		Verb: fakecloud.Attach, IP: e.IP, To: to, Delay: a.settings().BindDelay,
	})
	if err != nil {
		return nil, a.refuseEIP(e, err, d.AssociateStatus)
	}
	return document{"TaskId": decimal(op.ID)}, nil
}

// disassociateAddress unbinds an EIP from whoever holds it.
func (a *api) disassociateAddress(r *request) (document, *failure) {
	var in struct {
		AddressId                string
		ReallocateNormalPublicIp bool
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	e, st, f := a.eipFor(r, a.model.View(0), in.AddressId)
	d := a.settings().Dialect
	switch {
	case f != nil:
		return nil, f
	case st.changing && !r.late():
		return nil, fail(d.Mutex, "Another task of %s is running.", e.ID)
	case st.status == unbound && !r.late():
		return nil, fail(d.DisassociateStatus, "The status %s of %s does not permit this.", st.status, e.ID)
	case strings.HasPrefix(st.holder.Instance, "nat-"):
		return nil, fail("InvalidInstance.NotSupported", "The instance %s does not support this.", st.holder.Instance)
	}
	op, err := a.submit(r, fakecloud.Request{Verb: fakecloud.Detach, IP: e.IP, Delay: a.settings().BindDelay})
	if err != nil {
		return nil, a.refuseEIP(e, err, d.DisassociateStatus)
	}
	if d.NullTaskID || r.Fault.Done {
		return document{"TaskId": nil}, nil
	}
	return document{"TaskId": decimal(op.ID)}, nil
}

// eipFor returns the EIP that a write names, and how it is.
func (a *api) eipFor(r *request, now fakecloud.View, id string) (EIP, eipState, *failure) {
	if f := required("AddressId", id); f != nil {
		return EIP{}, eipState{}, f
	}
	if !isID(id, "eip-") {
		return EIP{}, eipState{}, fail("InvalidParameterValue.AddressIdMalformed", "The address id %q is malformed.", id)
	}
	e, ok := get(a, a.things.eips, id)
	st := stateOf(now, e)
	if !ok || e.Region != r.region || st.released {
		return e, st, fail("InvalidAddressId.NotFound", "The address %s does not exist.", id)
	}
	return e, st, nil
}

// bindTarget returns what an EIP is to be bound to: an instance, or an address on an
// interface.
func (a *api) bindTarget(r *request, now fakecloud.View, instance, eni, ip string) (providers.Target, *failure) {
	switch {
	case instance != "" && (eni != "" || ip != ""):
		return providers.Target{}, fail("InvalidParameterConflict",
			"InstanceId excludes NetworkInterfaceId and PrivateIpAddress.")
	case instance == "" && eni == "" && ip == "":
		return providers.Target{}, fail("InvalidParameterValue.MissingAssociateEntity",
			"Name an instance, or an interface and its address.")
	case instance == "":
		if f := required("NetworkInterfaceId", eni, "PrivateIpAddress", ip); f != nil {
			return providers.Target{}, f
		}
		return a.bindInterface(r, now, eni, ip)
	}
	if m, ok := a.machine(now, instance); ok && m.Region == r.region {
		return providers.Target{Instance: m.ID, PrivateIP: m.Private[0]}, nil
	}
	if i, err := now.Instance(instance); err == nil && strings.HasPrefix(instance, "lb-") && i.Region == r.region {
		return providers.Target{Instance: instance}, nil
	}
	return providers.Target{}, fail("InvalidInstanceId.NotFound", "The instance %q does not exist.", instance)
}

func (a *api) bindInterface(r *request, now fakecloud.View, eni, ip string) (providers.Target, *failure) {
	e, ok := a.eni(now, r.region, eni)
	addr, err := netip.ParseAddr(ip)
	switch {
	case !ok:
		return providers.Target{}, fail("InvalidParameterValue.NetworkInterfaceNotFound",
			"The interface %q does not exist.", eni)
	case err != nil || !a.holds(now, e, addr):
		return providers.Target{}, fail("InvalidNetworkInterfaceId.NotFound", "The address %q is not on %s.", ip, eni)
	case e.Instance == "":
		return providers.Target{Interface: e.ID, PrivateIP: addr}, nil
	}
	return providers.Target{Instance: e.Instance, PrivateIP: addr}, nil
}

// mayHold reports why the target can take no EIP now, as far as it is about the
// target.
func (a *api) mayHold(now fakecloud.View, to providers.Target, byInstance bool) *failure {
	m, _ := a.machine(now, to.Instance)
	primary := len(m.Private) > 0 && m.Private[0] == to.PrivateIP
	switch other := a.eipOf(now, to); {
	case m.StopCharging && m.State == providers.InstanceStopped:
		return fail("UnsupportedOperation.InstanceStatusNotPermit", "The instance %s is stopped and not charged.", m.ID)
	case primary && len(m.Public) > 0:
		return fail("InvalidParameterValue.InstanceHasWanIP", "The instance %s has an ordinary public address.", m.ID)
	case other != "" && byInstance:
		return fail("InvalidInstanceId.AlreadyBindEip", "The instance %s has the EIP %s.", to.Instance, other)
	case other != "":
		return fail("InvalidPrivateIpAddress.AlreadyBindEip", "The address %s has the EIP %s.", to.PrivateIP, other)
	}
	return nil
}

// refuseEIP translates what only the model can tell, between a check here and the
// write: somebody was faster.
func (a *api) refuseEIP(e EIP, err error, status string) *failure {
	switch {
	case errors.Is(err, fakecloud.AddressPending):
		return fail(a.settings().Dialect.Mutex, "Another task of %s is running.", e.ID)
	case errors.Is(err, fakecloud.UnknownInstance), errors.Is(err, fakecloud.OtherRegion):
		return fail("InvalidInstanceId.NotFound", "The instance does not exist.")
	}
	return fail(status, "The status of %s does not permit this.", e.ID)
}
