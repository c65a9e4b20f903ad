// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

// subnetDocument is a subnet ("Subnet" of the vpc service).
type subnetDocument struct {
	SubnetID         string `json:"subnetId"`
	SubnetName       string `json:"subnetName"`
	VPCID            string `json:"vpcId"`
	AddressPrefix    string `json:"addressPrefix"`
	AvailableIPCount int    `json:"availableIpCount"`
	Description      string `json:"description"`
	RouteTableID     string `json:"routeTableId"`
	SubnetType       string `json:"subnetType"`
	AZ               string `json:"az"` // filled for edge subnets only
	CreatedTime      string `json:"createdTime"`
}

func (a *api) describeSubnet(r *request) reply {
	s := a.world.subnet(r.id)
	if s == nil || s.Region != r.region {
		return notFound()
	}
	return reply{result: map[string]any{"subnet": s.document()}}
}

func (a *api) describeSubnets(r *request) reply {
	f, bad := r.filters("subnetIds", "subnetNames", "vpcId")
	if bad != nil {
		return *bad
	}
	var docs []subnetDocument
	for _, s := range a.world.subnets {
		if s.Region == r.region && f.allow("subnetIds", s.ID) && f.allow("subnetNames", s.ID) && f.allow("vpcId", s.VPC) {
			docs = append(docs, s.document())
		}
	}
	return list(r, "subnets", docs)
}

func (s *Subnet) document() subnetDocument {
	return subnetDocument{
		SubnetID: s.ID, SubnetName: s.ID, VPCID: s.VPC, AddressPrefix: s.Range.String(), AvailableIPCount: 200,
		RouteTableID: s.Table, SubnetType: "standard", CreatedTime: createdTime,
	}
}

// describeQuota tells the limit of secondary IPs of an interface; other types are not
// served. The shape of the result is assumed.
func (a *api) describeQuota(r *request) reply {
	kind, parent := r.Query.Get("type"), r.Query.Get("parentResourceId")
	if kind != "secondaryIp" {
		return invalid("Request parameter type is '%s', expected one of [secondaryIp]", kind)
	}
	if a.nic(r, parent) == nil {
		return notFound()
	}
	return reply{result: map[string]any{"quota": map[string]any{
		"type": kind, "parentResourceId": parent,
		"maxLimit": a.options.SecondaryIPsMax, "count": len(a.secondaries(r.view, parent)),
	}}}
}
