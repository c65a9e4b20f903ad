// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"fmt"
	"net/netip"
	"strconv"
)

// VPC is a private network.
type VPC struct {
	ID     string
	Range  netip.Prefix
	Region string // empty: that of the options
}

// Subnet is a part of a VPC in one zone.
type Subnet struct {
	ID     string
	VPC    string // empty: that of the options
	Range  netip.Prefix
	Zone   string // empty: that of the options
	Region string // empty: that of the options
}

// AddVPC adds a VPC, or replaces one.
func (s *Server) AddVPC(v VPC) error {
	if !isID(v.ID, "vpc-") || !v.Range.IsValid() {
		return fmt.Errorf("add VPC %q: the id must be vpc-xxxxxxxx and the range given", v.ID)
	}
	v.Region = or(v.Region, s.api.settings().Region)
	put(s.api, s.api.things.vpcs, v.ID, v)
	return nil
}

// AddSubnet adds a subnet, or replaces one. Its VPC must exist.
func (s *Server) AddSubnet(n Subnet) error {
	o := s.api.settings()
	n.VPC, n.Zone = or(n.VPC, o.VPC), or(n.Zone, o.Zone)
	v, ok := get(s.api, s.api.things.vpcs, n.VPC)
	switch {
	case !ok:
		return fmt.Errorf("add subnet %s: the VPC %s does not exist", n.ID, n.VPC)
	case !isID(n.ID, "subnet-") || !n.Range.IsValid() || !v.Range.Contains(n.Range.Addr()):
		return fmt.Errorf("add subnet %q: the id must be subnet-xxxxxxxx and the range within %s", n.ID, v.Range)
	}
	n.Region = or(n.Region, v.Region)
	put(s.api, s.api.things.subnets, n.ID, n)
	return nil
}

// stringList are the parameters of the lists that have numbers as strings.
type stringList struct {
	Filters       []filter
	Offset, Limit *string
}

func (l stringList) selection(ids []string, prefix string) selection {
	return selection{
		ids: ids, prefix: prefix, malformed: "InvalidParameterValue.Malformed",
		filters: l.Filters, invalidFilter: "InvalidParameter.FilterInvalidKey",
		offset: digits(l.Offset, 0), limit: digits(l.Limit, limitDefault),
	}
}

func (a *api) describeVpcs(r *request) (document, *failure) {
	var in struct {
		VpcIds []string
		stringList
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	all := list(a, a.things.vpcs, func(v VPC) string { return v.ID }, func(v VPC) bool { return v.Region == r.region })
	page, total, f := choose(in.selection(in.VpcIds, "vpc-"), all, func(v VPC, name string) ([]string, bool) {
		switch name {
		case "id", "vpc-id":
			return []string{v.ID}, true
		case "cidr-block":
			return []string{v.Range.String()}, true
		}
		return nil, false
	})
	docs := []document{}
	for _, v := range page {
		docs = append(docs, document{
			"VpcId": v.ID, "VpcName": v.ID, "CidrBlock": v.Range.String(), "IsDefault": false,
			"EnableMulticast": false, "CreatedTime": createdAt, "DnsServerSet": []string{"183.60.83.19", "183.60.82.98"},
			"DomainName": "", "DhcpOptionsId": "", "EnableDhcp": true, "Ipv6CidrBlock": "",
			"TagSet": []document{}, "AssistantCidrSet": []document{},
		})
	}
	return document{"TotalCount": total, "VpcSet": docs}, f
}

func (a *api) describeSubnets(r *request) (document, *failure) {
	var in struct {
		SubnetIds []string
		stringList
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	all := list(a, a.things.subnets, func(n Subnet) string { return n.ID }, func(n Subnet) bool { return n.Region == r.region })
	page, total, f := choose(in.selection(in.SubnetIds, "subnet-"), all, func(n Subnet, name string) ([]string, bool) {
		switch name {
		case "id", "subnet-id":
			return []string{n.ID}, true
		case "vpc-id":
			return []string{n.VPC}, true
		case "cidr-block":
			return []string{n.Range.String()}, true
		case "zone":
			return []string{n.Zone}, true
		}
		return nil, false
	})
	docs := []document{}
	for _, n := range page {
		size := 1<<(n.Range.Addr().BitLen()-n.Range.Bits()) - 3
		docs = append(docs, document{
			"VpcId": n.VPC, "SubnetId": n.ID, "SubnetName": n.ID, "CidrBlock": n.Range.String(), "IsDefault": false,
			"EnableBroadcast": false, "Zone": n.Zone, "RouteTableId": a.tableOf(n), "CreatedTime": createdAt,
			"AvailableIpAddressCount": size, "TotalIpAddressCount": size, "Ipv6CidrBlock": "", "NetworkAclId": "",
			"IsRemoteVpcSnat": false, "TagSet": []document{}, "CdcId": "", "IsCdcSubnet": 0,
		})
	}
	return document{"TotalCount": total, "SubnetSet": docs}, f
}

// intList are the parameters of the lists that have numbers as numbers.
type intList struct {
	Filters       []filter
	Offset, Limit *int
}

func (l intList) selection(ids []string, prefix, malformed, invalidFilter string) selection {
	return selection{
		ids: ids, prefix: prefix, malformed: malformed,
		filters: l.Filters, invalidFilter: invalidFilter,
		offset: number(l.Offset, 0), limit: number(l.Limit, limitDefault),
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
