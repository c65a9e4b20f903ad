// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
)

// interfaceDocument is a "NetworkInterface" in the data types.
type interfaceDocument struct {
	NetworkInterfaceId          string
	NetworkInterfaceName        string
	NetworkInterfaceDescription string
	SubnetId                    string
	VpcId                       string
	GroupSet                    []string
	Primary                     bool
	MacAddress                  string
	State                       string
	NetworkInterfaceState       string
	PrivateIpAddressSet         []ipDocument
	Attachment                  *attachment
	Zone                        string
	CreatedTime                 string
	Ipv6AddressSet              []document
	TagSet                      []document
	EniType                     int
	Business                    string
	AttachType                  int
	QosLevel                    string
}

// ipDocument is a "PrivateIpAddressSpecification".
type ipDocument struct {
	PrivateIpAddress string
	Primary          bool
	PublicIpAddress  string
	AddressId        string
	Description      string
	IsWanIpBlocked   bool
	State            string
	QosLevel         string
}

type attachment struct {
	InstanceId        string
	DeviceIndex       int
	InstanceAccountId string
	AttachTime        string
}

func (a *api) describeNetworkInterfaces(r *request) (document, *failure) {
	var in struct {
		NetworkInterfaceIds []string
		intList
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	v := a.view()
	docs := []interfaceDocument{}
	for _, e := range a.interfaces(v, r.region) {
		docs = append(docs, a.interfaceDocument(v, e))
	}
	s := in.selection(in.NetworkInterfaceIds, "eni-", "InvalidParameterValue.Malformed", "InvalidParameter.FilterInvalidKey")
	exact := false
	for _, f := range s.filters {
		exact = exact || f.Name == "ip-exact-match" && len(f.Values) == 1 && f.Values[0] == "true"
	}
	for i, f := range s.filters {
		// A single address is compared with the end of each, unless told otherwise.
		if f.Name == "address-ip" && len(f.Values) == 1 && !exact {
			s.filters[i] = filter{"address-ip", endingWith(docs, f.Values[0])}
		}
	}
	docs, total, f := choose(s, docs, interfaceField)
	return document{"TotalCount": total, "NetworkInterfaceSet": docs}, f
}

// endingWith returns all addresses of the interfaces that end with the text.
func endingWith(docs []interfaceDocument, text string) []string {
	var ips []string
	for _, d := range docs {
		for _, ip := range d.PrivateIpAddressSet {
			if strings.HasSuffix(ip.PrivateIpAddress, text) {
				ips = append(ips, ip.PrivateIpAddress)
			}
		}
	}
	return ips
}

func interfaceField(d interfaceDocument, name string) ([]string, bool) {
	switch name {
	case "id", "network-interface-id":
		return []string{d.NetworkInterfaceId}, true
	case "network-interface-name":
		return []string{d.NetworkInterfaceName}, true
	case "vpc-id":
		return []string{d.VpcId}, true
	case "subnet-id":
		return []string{d.SubnetId}, true
	case "attachment.instance-id":
		if d.Attachment == nil {
			return nil, true
		}
		return []string{d.Attachment.InstanceId}, true
	case "is-primary":
		return []string{strconv.FormatBool(d.Primary)}, true
	case "eni-type":
		return []string{strconv.Itoa(d.EniType)}, true
	case "ip-exact-match":
		return []string{"true", "false"}, true
	case "address-ip":
		var ips []string
		for _, ip := range d.PrivateIpAddressSet {
			ips = append(ips, ip.PrivateIpAddress)
		}
		return ips, true
	}
	return nil, false
}

func (a *api) interfaceDocument(v fakecloud.View, e ENI) interfaceDocument {
	n, _ := get(a, a.things.subnets, e.Subnet)
	d := interfaceDocument{
		NetworkInterfaceId: e.ID, NetworkInterfaceName: e.ID, SubnetId: e.Subnet, VpcId: n.VPC, GroupSet: []string{},
		Primary: e.primary, MacAddress: e.MAC, State: "AVAILABLE", NetworkInterfaceState: "AVAILABLE",
		PrivateIpAddressSet: a.ipDocuments(v, e, n.Region), Zone: n.Zone, CreatedTime: createdAt,
		Ipv6AddressSet: []document{}, TagSet: []document{}, QosLevel: "DEFAULT",
	}
	if e.primary {
		d.EniType = 1
	}
	if e.Instance != "" {
		d.NetworkInterfaceState = "INUSE"
		d.Attachment = &attachment{e.Instance, e.index, account, createdAt}
	}
	return d
}

// ipDocuments lists the primary address and the others that are on the interface, or
// on their way to it or from it.
func (a *api) ipDocuments(v fakecloud.View, e ENI, region string) []ipDocument {
	docs := []ipDocument{a.ipDocument(v, e, e.IP, "AVAILABLE")}
	docs[0].Primary = true
	for _, p := range list(a, a.things.privates, func(p PrivateIP) string { return p.IP.String() },
		func(p PrivateIP) bool { return p.Region == region }) {
		if state := privateState(v, p, e); state != "" {
			docs = append(docs, a.ipDocument(v, e, p.IP, state))
		}
	}
	return docs
}

func (a *api) ipDocument(v fakecloud.View, e ENI, ip netip.Addr, state string) ipDocument {
	d := ipDocument{PrivateIpAddress: ip.String(), State: state, QosLevel: "DEFAULT"}
	for _, public := range a.eips(func(EIP) bool { return true }) {
		st := stateOf(v, public)
		sameMachine := st.holder.Instance == e.Instance && (e.Instance != "" || st.holder.Interface == e.ID)
		if st.status == bound || st.status == boundENI {
			if sameMachine && st.holder.PrivateIP == ip {
				d.PublicIpAddress, d.AddressId = public.IP.String(), public.ID
			}
		}
	}
	return d
}

// privateState is the State of a private IP on the interface; empty: it is not there.
func privateState(v fakecloud.View, p PrivateIP, e ENI) string {
	addr, err := v.Address(p.IP)
	if err != nil {
		return ""
	}
	op, err := v.Operation(addr.Pending)
	switch {
	case addr.Pending == 0 || err != nil:
		if addr.Holder == e.target() {
			return "AVAILABLE"
		}
	case op.Verb == fakecloud.Attach && op.To == e.target():
		return "PENDING"
	case op.Verb == fakecloud.Move && op.From == e.target():
		return "MIGRATING"
	case op.Verb == fakecloud.Detach && op.From == e.target():
		return "DELETING"
	}
	return ""
}
