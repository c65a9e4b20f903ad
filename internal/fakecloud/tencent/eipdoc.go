// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"net/netip"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// The values of AddressStatus here. CREATING and OFFLINING do not occur.
const (
	binding   = "BINDING"
	bound     = "BIND"
	boundENI  = "BIND_ENI" // to an interface on no machine
	unbinding = "UNBINDING"
	unbound   = "UNBIND"
)

// eipState is how an EIP is: its status, and who holds it, gets it or loses it.
type eipState struct {
	status   string
	changing bool
	holder   providers.Target
	released bool // it vanished when it was unbound
}

func stateOf(v fakecloud.View, e EIP) eipState {
	addr, err := v.Address(e.IP)
	if err != nil {
		return eipState{released: true}
	}
	st := eipState{status: bound, holder: addr.Holder}
	op, err := v.Operation(addr.Pending)
	switch {
	case addr.Pending != 0 && err == nil && op.Verb == fakecloud.Detach:
		st.status, st.changing, st.holder = unbinding, true, op.From
	case addr.Pending != 0 && err == nil:
		st.status, st.changing, st.holder = binding, true, op.To
	case addr.Holder.IsZero():
		st.status, st.released = unbound, e.CascadeRelease
	case addr.Holder.Instance == "":
		st.status = boundENI
	}
	return st
}

// eipOf returns the id of the EIP that the target has, gets or loses; empty: none.
func (a *api) eipOf(v fakecloud.View, t providers.Target) string {
	for _, e := range a.eips(func(EIP) bool { return true }) {
		if st := stateOf(v, e); st.holder == t && !t.IsZero() {
			return e.ID
		}
	}
	return ""
}

func (a *api) eips(wanted func(EIP) bool) []EIP {
	return list(a, a.things.eips, func(e EIP) string { return e.ID }, wanted)
}

// addressDocument is an "Address" in the data types. What is null cannot be told from
// what is absent by most clients.
type addressDocument struct {
	AddressId               string
	AddressName             string
	AddressStatus           string
	AddressIp               string
	InstanceId              *string
	NetworkInterfaceId      *string
	PrivateAddressIp        *string
	CreatedTime             string
	IsArrears               bool
	IsBlocked               bool
	IsEipDirectConnection   bool
	AddressType             string
	CascadeRelease          bool
	EipAlgType              map[string]bool
	InternetServiceProvider string
	LocalBgp                bool
	Bandwidth               int
	InternetChargeType      string
	TagSet                  []document
	DeadlineDate            *string
	InstanceType            *string
	Egress                  string
	BandwidthPackageId      string
	UnVpcId                 string
}

func (a *api) describeAddresses(r *request) (document, *failure) {
	var in struct {
		AddressIds []string
		intList
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	v := a.view()
	docs := []addressDocument{}
	for _, e := range a.eips(func(e EIP) bool { return e.Region == r.region }) {
		if st := stateOf(v, e); !st.released {
			docs = append(docs, a.addressDocument(v, e, st))
		}
	}
	s := in.selection(in.AddressIds, "eip-", "InvalidParameterValue.AddressIdMalformed", "InvalidParameter.InvalidFilter")
	docs, total, f := choose(s, docs, addressField)
	return document{"TotalCount": total, "AddressSet": docs}, f
}

func addressField(d addressDocument, name string) ([]string, bool) {
	switch name {
	case "id", "address-id":
		return []string{d.AddressId}, true
	case "address-name":
		return []string{d.AddressName}, true
	case "address-ip":
		return []string{d.AddressIp}, true
	case "address-status":
		return []string{d.AddressStatus}, true
	case "instance-id":
		return some(d.InstanceId), true
	case "network-interface-id":
		return some(d.NetworkInterfaceId), true
	case "private-ip-address":
		return some(d.PrivateAddressIp), true
	case "instance-type":
		return some(d.InstanceType), true
	case "is-arrears":
		return []string{flag(d.IsArrears)}, true
	case "address-type":
		return []string{d.AddressType}, true
	case "address-isp":
		return []string{d.InternetServiceProvider}, true
	}
	return nil, false
}

func (a *api) addressDocument(v fakecloud.View, e EIP, st eipState) addressDocument {
	d := addressDocument{
		AddressId: e.ID, AddressName: e.Name, AddressStatus: st.status, AddressIp: e.IP.String(),
		CreatedTime: createdAtTZ, IsArrears: e.Arrears, IsBlocked: e.Blocked, AddressType: "EIP",
		CascadeRelease: e.CascadeRelease, EipAlgType: map[string]bool{"Ftp": true, "Sip": true},
		InternetServiceProvider: "BGP", Bandwidth: 10, InternetChargeType: "TRAFFIC_POSTPAID_BY_HOUR",
		TagSet: []document{}, Egress: "center_egress1",
	}
	holder := st.holder
	if holder.IsZero() && a.settings().Dialect.StaleInstance {
		holder = lastHolder(v, e.IP)
	}
	if holder.IsZero() {
		return d
	}
	d.InstanceType = optional(or(e.InstanceType, a.instanceType(holder)))
	d.InstanceId = optional(holder.Instance)
	d.NetworkInterfaceId = optional(holder.Interface)
	if holder.PrivateIP.IsValid() {
		d.PrivateAddressIp = optional(holder.PrivateIP.String())
		if id := a.interfaceOf(v, e.Region, holder.Instance, holder.PrivateIP); id != "" {
			d.NetworkInterfaceId = &id
		}
	}
	return d
}

// lastHolder returns from whom the EIP was unbound last.
func lastHolder(v fakecloud.View, ip netip.Addr) providers.Target {
	for _, op := range v.AddressOperations(ip) {
		if op.Verb == fakecloud.Detach && op.Status == fakecloud.Completed {
			return op.From
		}
	}
	return providers.Target{}
}

// interfaceOf returns the id of the machine's interface that has the address.
func (a *api) interfaceOf(v fakecloud.View, region, instance string, ip netip.Addr) string {
	for _, e := range a.interfaces(v, region) {
		if e.Instance == instance && a.holds(v, e, ip) {
			return e.ID
		}
	}
	return ""
}

// instanceType is what the API calls the holder of an EIP. One on an address that is
// not a machine's primary one belongs to the interface.
func (a *api) instanceType(t providers.Target) string {
	if m, ok := get(a, a.things.machines, t.Instance); ok && m.Private[0] == t.PrivateIP {
		return "CVM"
	}
	kind, _, _ := strings.Cut(t.Instance, "-")
	return or(map[string]string{"lb": "CLB", "nat": "NAT", "havip": "HAVIP"}[kind], "ENI")
}

// optional is null for an empty text.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// some returns the text, unless it is null.
func some(text *string) []string {
	if text == nil {
		return nil
	}
	return []string{*text}
}
