// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// havip reads who holds a HAVIP. No call moves one: the guest announces it by
// gratuitous ARP, and the VPC follows ("HAVIP overview").
type havip struct{ machines }

var (
	_ providers.Provider    = (*havip)(nil)
	_ providers.BatchReader = (*havip)(nil)
	_ providers.Recogniser  = (*havip)(nil)
	_ providers.Inspector   = (*havip)(nil)
	_ providers.Preflighter = (*havip)(nil)
	_ providers.Placer      = (*havip)(nil)
)

// Capabilities implements providers.Provider.
func (*havip) Capabilities() providers.Capabilities { return capabilities[providers.KindHAVIP] }

func checkHAVIP(op string, a providers.Address) error {
	return checkAddress(op, a, providers.KindHAVIP, "havip-", "a HAVIP")
}

// Owner implements providers.Provider.
func (p *havip) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	return p.reader().owner(ctx, a)
}

// Owners implements providers.BatchReader with one call for 100 HAVIPs.
func (p *havip) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	return p.reader().owners(ctx, as)
}

// PrivateAddresses implements providers.Recogniser, with one read a minute.
func (p *havip) PrivateAddresses(ctx context.Context, a providers.Address, owner providers.Target) []netip.Addr {
	return p.cloud.addressesOf(ctx, "recognise the owner of "+a.String(), owner.Instance)
}

func (p *havip) reader() reader[*vpc.HaVip] {
	return reader[*vpc.HaVip]{p.cloud, checkHAVIP, p.describe, ownerOfHAVIP}
}

// describe reads HAVIPs by id: "DescribeHaVips".
func (p *havip) describe(ctx context.Context, op string, ids []string) (found[*vpc.HaVip], error) {
	req := vpc.NewDescribeHaVipsRequest()
	req.HaVipIds, req.Limit = pointers(ids...), pointer[uint64](idsMax)
	resp := vpc.NewDescribeHaVipsResponse()
	id, err := p.cloud.send(ctx, op, req, resp)
	if err != nil {
		return found[*vpc.HaVip]{}, err
	}
	if resp.Response == nil || resp.Response.HaVipSet == nil {
		return found[*vpc.HaVip]{}, unreadable(op, id, missing("HaVipSet"))
	}
	return index(op, id, "HaVipSet.HaVipId", resp.Response.HaVipSet, func(h *vpc.HaVip) *string { return h.HaVipId })
}

// ownerOfHAVIP is a HAVIP in the words of the contract. Its association set says who
// may announce it and nothing about who holds it.
func ownerOfHAVIP(op, requestID string, a providers.Address, h *vpc.HaVip) (providers.Assignment, error) {
	bad := func(err error) (providers.Assignment, error) {
		return providers.Assignment{}, unreadable(op, requestID, err)
	}
	ip, err := parseIP("Vip", text(h.Vip))
	if err != nil {
		return bad(err)
	}
	if ip != a.IP {
		return providers.Assignment{}, refuse(op, providers.Invalid, "id: %s is the HAVIP %s; correct the id or the ip", a.ID, ip)
	}
	var out providers.Assignment
	if bound := text(h.AddressIp); bound != "" {
		following, err := parseIP("AddressIp", bound)
		if err != nil {
			return bad(err)
		}
		out.Following = []netip.Addr{following}
	}
	instance, eni, state := cloudhttp.Clean(text(h.InstanceId)), cloudhttp.Clean(text(h.NetworkInterfaceId)), text(h.State)
	unbound := state == "UNBIND" || state == "UNBOUND" // the model has one, the samples the other
	switch {
	case unbound && (instance != "" || eni != ""): // which of them holds is not documented
		return bad(wrong("State", "%s, and %s is named", cloudhttp.Quote(state), providers.Target{Instance: instance, Interface: eni}))
	case instance != "":
		out.Target.Instance = instance
	case eni != "" && h.InstanceId == nil: // "" is no machine
		return bad(wrong("InstanceId", "missing, and %s is named", eni))
	case eni != "":
		out.Target.Interface = eni // of no machine
	case h.InstanceId == nil && h.NetworkInterfaceId == nil && state == "":
		return bad(missing("InstanceId, NetworkInterfaceId and State"))
	case !unbound:
		return bad(wrong("State", "%s, and nobody is named", cloudhttp.Quote(state)))
	}
	return out, nil
}

// Assign implements providers.Provider: it only reads whether to holds the address.
func (p *havip) Assign(ctx context.Context, a providers.Address, to providers.Target, _ providers.Assignment) (providers.Result, error) {
	op := fmt.Sprintf("assign %s to %s", a, to)
	if err := checkTarget(op, to, p.Capabilities().Target); err != nil {
		return providers.Result{}, err
	}
	h, id, err := p.reader().one(ctx, op, a)
	if err != nil {
		return providers.Result{}, err
	}
	got, err := ownerOfHAVIP(op, id, a, h)
	switch {
	case err != nil:
		return providers.Result{}, err
	case got.Target == to:
		return providers.Result{RequestID: id}, nil
	}
	holder := "nobody"
	if !got.Target.IsZero() {
		holder = got.Target.String()
	}
	e := refuse(op, providers.Conflict, "the cloud has not taken the announcement; the address is held by %s", holder)
	e.RequestID = id
	return providers.Result{}, e
}

// Preflight implements providers.Preflighter with two reads. An announcement from
// outside the drift range or from another subnet is ignored without a word.
func (p *havip) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	op := fmt.Sprintf("check assignment of %s to %s", a, t)
	if err := checkTarget(op, t, p.Capabilities().Target); err != nil {
		return err
	}
	h, id, err := p.reader().one(ctx, op, a)
	if err != nil {
		return err
	}
	if _, err := ownerOfHAVIP(op, id, a, h); err != nil {
		return err
	}
	enis, err := p.cloud.describeInterfaces(ctx, op, filter("attachment.instance-id", t.Instance))
	switch {
	case err != nil:
		return err
	case len(enis) == 0:
		return p.cloud.absent(ctx, op, t.Instance, "")
	}
	return announceable(op, h, t.Instance, enis)
}

// announceable reports why a machine's announcement of a HAVIP would be ignored.
func announceable(op string, h *vpc.HaVip, instance string, enis []*vpc.NetworkInterface) error {
	if text(h.SubnetId) == "" {
		return unreadable(op, "", missing("SubnetId"))
	}
	inSubnet := false
	var subnets []string
	for _, n := range enis {
		inSubnet = inSubnet || text(n.SubnetId) == *h.SubnetId
		subnets = append(subnets, text(n.SubnetId))
	}
	switch {
	case !inSubnet && slices.Contains(subnets, ""):
		return unreadable(op, "", missing("NetworkInterfaceSet.SubnetId"))
	case !inSubnet:
		return refuse(op, providers.Invalid, "%s is in %s, and %s in %s; a HAVIP is announced within its subnet only",
			text(h.HaVipId), *h.SubnetId, instance, strings.Join(subnets, ", "))
	}
	return inDriftRange(op, h, instance, enis)
}

// inDriftRange reports why the drift range would keep a machine from announcing. An
// answer without CheckAssociate, such as all of the vendor's samples, is of a HAVIP
// without the check, which is what "CreateHaVip" makes unless told otherwise. What does
// not tell whether the machine may announce is an error, and no refusal.
//
//	CheckAssociate  the range has it  lacks it   is empty   is absent
//	false           may               may        may        may
//	absent          may               not told   may        may
//	true            may               Invalid    Invalid    not told
func inDriftRange(op string, h *vpc.HaVip, instance string, enis []*vpc.NetworkInterface) error {
	var members []string
	for _, m := range h.HaVipAssociationSet {
		if m == nil || text(m.InstanceId) == "" {
			continue
		}
		member := cloudhttp.Clean(*m.InstanceId)
		members = append(members, member)
		if member == instance || slices.ContainsFunc(enis, func(n *vpc.NetworkInterface) bool { return member == text(n.NetworkInterfaceId) }) {
			return nil
		}
	}
	checked, id, in := h.CheckAssociate, text(h.HaVipId), strings.Join(members, ", ")
	switch size := len(h.HaVipAssociationSet); {
	case checked != nil && !*checked, checked == nil && size == 0:
		return nil
	case len(members) < size:
		return unreadable(op, "", missing("HaVipAssociationSet.InstanceId"))
	case checked == nil:
		return unreadable(op, "", wrong("CheckAssociate", "missing, and %s is outside the drift range of %s (%s); whether that counts is not told", instance, id, in))
	case h.HaVipAssociationSet == nil:
		return unreadable(op, "", wrong("HaVipAssociationSet", "missing, and CheckAssociate is true; whether %s is in the drift range of %s is not told", instance, id))
	case size == 0:
		in = "which is empty"
	}
	return refuse(op, providers.Invalid, "%s is outside the drift range of %s (%s); add it there, or turn the range off", instance, id, in)
}
