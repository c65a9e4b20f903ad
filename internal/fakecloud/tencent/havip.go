// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// HAVIP is a private address of a subnet that moves by announcement.
type HAVIP struct {
	ID     string // havip-xxxxxxxx; empty: one made from the IP
	Name   string
	IP     netip.Addr
	Subnet string // empty: that of the options
	// Holder is the machine that holds it from the start, by Instance alone.
	Holder providers.Target
	// CheckAssociate enforces the drift range.
	CheckAssociate bool
	// Range is the drift range: ids of machines, or of interfaces.
	Range []string
	// EIP is the public address bound to it, added if there is none yet.
	EIP      netip.Addr
	Business string // which service uses it
	added    time.Time
}

// AddHAVIP adds a HAVIP to the model and to the API. The model also gets an instance
// with its id, for what is bound to it.
func (s *Server) AddHAVIP(h HAVIP) error {
	a := s.api
	h.ID, h.Subnet = or(h.ID, madeID("havip-", h.IP.String())), or(h.Subnet, a.settings().Subnet)
	n, ok := get(a, a.things.subnets, h.Subnet)
	switch {
	case !isID(h.ID, "havip-"):
		return fmt.Errorf("add HAVIP %q: the id must be havip-xxxxxxxx", h.ID)
	case !ok || !n.Range.Contains(h.IP):
		return fmt.Errorf("add HAVIP %s: %s is not in the subnet %s", h.ID, h.IP, h.Subnet)
	}
	h.Range = slices.Clone(h.Range)
	if err := a.model.AddAddress(fakecloud.Address{IP: h.IP, Region: n.Region, Holder: h.Holder}); err != nil {
		return err
	}
	if err := a.stranger(h.ID, n.Region); err != nil {
		return err
	}
	addr, _ := a.model.View(0).Address(h.IP) // just added
	h.added = addr.Since
	put(a, a.things.havips, h.ID, h)
	if !h.EIP.IsValid() {
		return nil
	}
	if _, ok := a.eipAt(h.EIP); ok {
		return a.model.Place(h.EIP, providers.Target{Instance: h.ID})
	}
	return s.AddEIP(EIP{IP: h.EIP, Region: n.Region, Holder: providers.Target{Instance: h.ID}})
}

// SetRange replaces the drift range of a HAVIP and says whether it is enforced. It
// panics for one that was not added.
func (s *Server) SetRange(id string, enforced bool, members ...string) {
	s.api.changeHAVIP(id, func(h *HAVIP) { h.CheckAssociate, h.Range = enforced, slices.Clone(members) })
}

func (a *api) changeHAVIP(id string, change func(*HAVIP)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h, ok := a.things.havips[id]
	if !ok {
		panic(fmt.Sprintf("faketencent: change HAVIP %s: it was not added", id))
	}
	change(&h)
	a.things.havips[id] = h
}

// Announce is a gratuitous ARP for vip from a machine or one of its interfaces: the
// only thing that moves a HAVIP. It takes effect after the DriftDelay; of several the
// last wins. It reports whether the fabric listens: it silently ignores what is no
// HAVIP, a sender in another subnet or outside an enforced drift range, and one that
// does not run.
func (s *Server) Announce(instanceOrENI string, vip netip.Addr) bool {
	a := s.api
	now := a.model.View(0)
	h, ok := a.havipAt(vip)
	if !ok {
		return false
	}
	sender, ok := a.sender(now, h, instanceOrENI)
	if !ok || h.CheckAssociate && !slices.Contains(h.Range, sender.ID) && !slices.Contains(h.Range, sender.Instance) {
		return false
	}
	delay, m := a.settings().DriftDelay, a.machineOf(sender)
	// A repeated announcement of the holder is refused as no change, unheard.
	a.model.SubmitAt(a.model.Now().Add(delay), fakecloud.Request{
		Verb: fakecloud.Move, IP: vip, To: providers.Target{Instance: sender.Instance}, Node: m.Name,
	})
	return true
}

func (a *api) machineOf(e ENI) Machine {
	m, _ := get(a, a.things.machines, e.Instance)
	return m
}

// sender returns the running machine's interface in the HAVIP's subnet.
func (a *api) sender(now fakecloud.View, h HAVIP, instanceOrENI string) (ENI, bool) {
	for _, e := range a.interfaces(now, a.regionOf(h)) {
		if e.Subnet != h.Subnet || e.Instance == "" || e.ID != instanceOrENI && e.Instance != instanceOrENI {
			continue
		}
		m, ok := a.machine(now, e.Instance)
		return e, ok && m.State == providers.InstanceRunning
	}
	return ENI{}, false
}

// Resolve returns who holds ip now, and where that is a HAVIP who holds that one:
// the end that traffic reaches.
func (s *Server) Resolve(ip netip.Addr) providers.Target {
	t := s.api.model.Holder(ip)
	if h, ok := get(s.api, s.api.things.havips, t.Instance); ok {
		return s.api.model.Holder(h.IP)
	}
	return t
}

func (a *api) havipAt(ip netip.Addr) (HAVIP, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.things.havips {
		if h.IP == ip {
			return h, true
		}
	}
	return HAVIP{}, false
}

func (a *api) regionOf(h HAVIP) string {
	n, _ := get(a, a.things.subnets, h.Subnet)
	return n.Region
}

// havipDocument is a "HaVip" in the data types.
type havipDocument struct {
	HaVipId             string
	HaVipName           string
	Vip                 string
	VpcId               string
	SubnetId            string
	NetworkInterfaceId  string
	InstanceId          string
	AddressIp           string
	State               string
	CreatedTime         string
	Business            string
	HaVipAssociationSet []association
	CheckAssociate      bool
	CdcId               string
	FlushedTime         string
	TagSet              []document
}

// association is one member of a drift range.
type association struct {
	HaVipId      string
	InstanceId   string
	InstanceType string
}

func (a *api) describeHaVips(r *request) (document, *failure) {
	var in struct {
		HaVipIds []string
		intList
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	v, d := a.view(), a.settings().Dialect
	if r.Fault.Done {
		d.Unbound = "UNBOUND"
	}
	docs := []havipDocument{}
	for _, h := range list(a, a.things.havips, func(h HAVIP) string { return h.ID },
		func(HAVIP) bool { return true }) {
		if a.regionOf(h) == r.region {
			docs = append(docs, a.havipDocument(v, h, d.Unbound))
		}
	}
	s := in.selection(in.HaVipIds, "havip-", "InvalidParameterValue.Malformed", "InvalidParameter.FilterInvalidKey")
	docs, total, f := choose(s, docs, havipField)
	if f == nil && d.UnknownHAVIP && total < len(in.HaVipIds) {
		return nil, notFound("HAVIP", strings.Join(in.HaVipIds, ", "))
	}
	return document{"TotalCount": total, "HaVipSet": docs}, f
}

func havipField(d havipDocument, name string) ([]string, bool) {
	switch name {
	case "id", "havip-id":
		return []string{d.HaVipId}, true
	case "havip-name":
		return []string{d.HaVipName}, true
	case "vpc-id":
		return []string{d.VpcId}, true
	case "subnet-id":
		return []string{d.SubnetId}, true
	case "vip":
		return []string{d.Vip}, true
	case "address-ip":
		return []string{d.AddressIp}, true
	case "check-associate":
		return []string{flag(d.CheckAssociate)}, true
	case "havip-association.instance-id", "havip-association.instance-type":
		var values []string
		for _, m := range d.HaVipAssociationSet {
			if name == "havip-association.instance-id" {
				values = append(values, m.InstanceId)
			} else {
				values = append(values, m.InstanceType)
			}
		}
		return values, true
	}
	return nil, false
}

func (a *api) havipDocument(v fakecloud.View, h HAVIP, unheld string) havipDocument {
	n, _ := get(a, a.things.subnets, h.Subnet)
	d := havipDocument{
		HaVipId: h.ID, HaVipName: h.Name, Vip: h.IP.String(), VpcId: n.VPC, SubnetId: h.Subnet, State: unheld,
		CreatedTime: createdAt, Business: h.Business, CheckAssociate: h.CheckAssociate,
		HaVipAssociationSet: []association{}, FlushedTime: "0000-00-00 00:00:00", TagSet: []document{},
	}
	for _, id := range h.Range {
		d.HaVipAssociationSet = append(d.HaVipAssociationSet, association{h.ID, id, memberType(id)})
	}
	addr, _ := v.Address(h.IP) // addresses are never forgotten
	if !addr.Since.Equal(h.added) || addr.Holder != h.Holder {
		d.FlushedTime = beijing(addr.Since)
	}
	if e, ok := a.eipOnHAVIP(v, h.ID); ok {
		d.AddressIp = e.IP.String()
	}
	if addr.Holder.IsZero() {
		return d
	}
	d.State, d.InstanceId = "AVAILABLE", addr.Holder.Instance
	for _, e := range a.interfaces(v, n.Region) {
		if e.Instance == d.InstanceId && e.Subnet == h.Subnet {
			d.NetworkInterfaceId = e.ID
			break
		}
	}
	return d
}

// memberType is what a drift range calls a member.
func memberType(id string) string {
	if strings.HasPrefix(id, "eni-") {
		return "ENI"
	}
	return "CVM"
}
