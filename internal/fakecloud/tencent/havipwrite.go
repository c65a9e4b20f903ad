// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// rangeMax is how many members a drift range has at most.
const rangeMax = 10

// eipOnHAVIP returns the EIP that is bound to the HAVIP.
func (a *api) eipOnHAVIP(v fakecloud.View, id string) (EIP, bool) {
	for _, e := range a.eips(func(EIP) bool { return true }) {
		if addr, err := v.Address(e.IP); err == nil && addr.Holder.Instance == id {
			return e, true
		}
	}
	return EIP{}, false
}

// havipFor returns the HAVIP that a write names.
func (a *api) havipFor(r *request, id string) (HAVIP, *failure) {
	if f := required("HaVipId", id); f != nil {
		return HAVIP{}, f
	}
	h, ok := get(a, a.things.havips, id)
	switch {
	case !isID(id, "havip-"):
		return h, malformed("HaVipId", id)
	case !ok || a.regionOf(h) != r.region:
		return h, notFound("HAVIP", id)
	}
	return h, nil
}

// haVipAssociateAddressIP binds an EIP to a HAVIP, whose holder it then follows.
func (a *api) haVipAssociateAddressIP(r *request) (document, *failure) {
	var in struct{ HaVipId, AddressIp string }
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	h, f := a.havipFor(r, in.HaVipId)
	if f != nil {
		return nil, f
	}
	ip, _ := netip.ParseAddr(in.AddressIp) // an invalid one is no EIP's
	e, ok := a.eipAt(ip)
	now := a.model.View(0)
	switch {
	case in.AddressIp == "":
		return nil, required("AddressIp", "")
	case !ip.IsValid():
		return nil, malformed("AddressIp", in.AddressIp)
	case !ok || e.Region != r.region:
		return nil, notFound("EIP", in.AddressIp)
	case a.eipOf(now, providers.Target{Instance: h.ID}) != "":
		return nil, fail("UnsupportedOperation.BindEIP", "The HAVIP %s has an EIP.", h.ID)
	}
	return a.bindToHAVIP(r, fakecloud.Request{Verb: fakecloud.Attach, IP: ip, To: providers.Target{Instance: h.ID}})
}

// haVipDisassociateAddressIP unbinds the EIP of a HAVIP.
func (a *api) haVipDisassociateAddressIP(r *request) (document, *failure) {
	var in struct{ HaVipId string }
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	h, f := a.havipFor(r, in.HaVipId)
	if f != nil {
		return nil, f
	}
	e, ok := a.eipOnHAVIP(a.model.View(0), h.ID)
	if !ok {
		return nil, fail("UnsupportedOperation.UnbindEIP", "The HAVIP %s has no EIP.", h.ID)
	}
	return a.bindToHAVIP(r, fakecloud.Request{Verb: fakecloud.Detach, IP: e.IP, From: providers.Target{Instance: h.ID}})
}

// bindToHAVIP submits the write as a task of the second system.
func (a *api) bindToHAVIP(r *request, w fakecloud.Request) (document, *failure) {
	w.Delay = a.settings().BindDelay
	op, err := a.submit(r, w)
	switch {
	case errors.Is(err, fakecloud.AddressPending):
		return nil, mutex(w.IP.String())
	case err != nil:
		return nil, fail("UnsupportedOperation", "The status of %s does not permit this.", w.IP)
	}
	a.remember(r, op.ID)
	return document{}, nil
}

// rangeRequest are the parameters of both writes about drift ranges.
type rangeRequest struct{ HaVipAssociationSet []association }

// associateHaVipInstance adds members to drift ranges.
func (a *api) associateHaVipInstance(r *request) (document, *failure) {
	in, f := a.rangeRequest(r)
	if f != nil {
		return nil, f
	}
	for _, m := range in.HaVipAssociationSet {
		h, _ := get(a, a.things.havips, m.HaVipId) // checked above
		switch {
		case slices.Contains(h.Range, m.InstanceId):
			return nil, fail("InvalidParameterValue.DuplicatedHaVipAssociations", "%s is in the range of %s.", m.InstanceId, h.ID)
		case len(h.Range) > 0 && memberType(h.Range[0]) != m.InstanceType:
			return nil, fail("InvalidParameterValue.ParameterMismatch", "The range of %s has members of another type.", h.ID)
		case len(h.Range) == rangeMax:
			return nil, fail("LimitExceeded", "The range of %s is full.", h.ID)
		}
	}
	for _, m := range in.HaVipAssociationSet {
		a.changeHAVIP(m.HaVipId, func(h *HAVIP) { h.Range = append(slices.Clone(h.Range), m.InstanceId) })
		r.note(0, "add "+m.InstanceId+" to the drift range of "+m.HaVipId)
	}
	return document{}, nil
}

// disassociateHaVipInstance removes members from drift ranges.
func (a *api) disassociateHaVipInstance(r *request) (document, *failure) {
	in, f := a.rangeRequest(r)
	if f != nil {
		return nil, f
	}
	for _, m := range in.HaVipAssociationSet {
		if h, _ := get(a, a.things.havips, m.HaVipId); !slices.Contains(h.Range, m.InstanceId) {
			return nil, notFound("association", m.InstanceId)
		}
	}
	for _, m := range in.HaVipAssociationSet {
		a.changeHAVIP(m.HaVipId, func(h *HAVIP) {
			h.Range = slices.DeleteFunc(slices.Clone(h.Range), func(id string) bool { return id == m.InstanceId })
		})
		r.note(0, "remove "+m.InstanceId+" from the drift range of "+m.HaVipId)
	}
	return document{}, nil
}

// rangeRequest decodes and checks what both have in common.
func (a *api) rangeRequest(r *request) (rangeRequest, *failure) {
	var in rangeRequest
	if f := decode(r, &in); f != nil {
		return in, f
	}
	now := a.model.View(0)
	switch set := in.HaVipAssociationSet; {
	case len(set) == 0:
		return in, required("HaVipAssociationSet", "")
	case len(set) > rangeMax:
		return in, fail("LimitExceeded", "There are more than %d associations.", rangeMax)
	}
	seen := map[association]bool{}
	for i, m := range in.HaVipAssociationSet {
		if f := required("HaVipId", m.HaVipId, "InstanceId", m.InstanceId); f != nil {
			return in, f
		}
		m.InstanceType = or(m.InstanceType, "CVM")
		in.HaVipAssociationSet[i] = m
		if _, f := a.havipFor(r, m.HaVipId); f != nil {
			return in, f
		}
		_, machine := a.machine(now, m.InstanceId)
		_, eni := a.eni(now, r.region, m.InstanceId)
		switch {
		case m.InstanceType != memberType(m.InstanceId):
			return in, fail("InvalidParameterValue.ParameterMismatch", "%s is no %s.", m.InstanceId, m.InstanceType)
		case !machine && !eni:
			return in, notFound("instance", m.InstanceId)
		case seen[m]:
			return in, fail("InvalidParameterValue.Duplicate", "%s is named twice.", m.InstanceId)
		}
		seen[m] = true
	}
	return in, nil
}

// beijing spells an instant as the services do that name no zone.
func beijing(t time.Time) string {
	return t.In(time.FixedZone("CST", 8*60*60)).Format(time.DateTime)
}
