// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

// vpcRange is the range of the VPC that all share; others have none, which is allowed.
const vpcRange = "10.0.0.0/16"

// vpcDocument is a VPC ("Vpc" of the vpc service).
type vpcDocument struct {
	VPCID         string           `json:"vpcId"`
	VPCName       string           `json:"vpcName"`
	AddressPrefix string           `json:"addressPrefix"`
	Description   string           `json:"description"`
	ACLIDs        []string         `json:"aclIds"`
	RouteTableIDs []string         `json:"routeTableIds"`
	Subnets       []subnetDocument `json:"subnets"`
	CreatedTime   string           `json:"createdTime"`
}

func (a *api) describeVPC(r *request) reply {
	d := vpcDocument{
		VPCID: r.id, VPCName: r.id, ACLIDs: []string{}, RouteTableIDs: []string{}, Subnets: []subnetDocument{}, CreatedTime: createdTime,
	}
	for _, tb := range a.world.tables {
		if tb.vpc == r.id && tb.region == r.region {
			d.RouteTableIDs = append(d.RouteTableIDs, tb.id)
		}
	}
	for _, s := range a.world.subnets {
		if s.VPC == r.id && s.Region == r.region {
			d.Subnets = append(d.Subnets, s.document())
		}
	}
	switch {
	case r.id == vpcDefault && r.region == a.options.Region:
		d.AddressPrefix = vpcRange
	case len(d.RouteTableIDs)+len(d.Subnets) == 0:
		return notFound()
	}
	return reply{result: map[string]any{"vpc": d}}
}
