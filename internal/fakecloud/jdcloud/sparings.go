// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import "github.com/fipctl/fipctl/internal/fakecloud/face"

// sparings are what answers of the API have been seen to leave out. Of the service vpc they
// are few: its samples have the empty ids of a free EIP, a sanityCheck of 0 and empty lists.
var sparings = []face.Sparing{
	{
		On: on("describeInstance"), Member: "result.instance.**", If: face.Blank, Does: face.LeftOut,
		Known: "describeInstance, sample of 2021: neither ag, faultDomain, secondaryIps nor secondaryNetworkInterfaces; describeInstances: a primaryIp without EIP has neither elasticIpId nor elasticIpAddress",
	},
	{
		On: on("describeInstance"), Member: "result.instance.primaryNetworkInterface.networkInterface.sanityCheck", Does: face.LeftOut,
		Known: "describeInstance, page of 2021: the member is deprecated, and the sample has none",
	},
	{
		On: on("describeRouteTable"), Member: "result.routeTable", Does: face.Listed,
		Known: "describeRouteTable, sample of 2021: a list routeTables with the one that was asked for",
	},
	{
		On: on("describeRouteTable"), Member: "result.routeTable", Does: face.Renamed("routeTables"),
		Known: "the same sample",
	},
	{
		On: on("describeRouteTable"), Member: "result.routeTables.*.routeTableRules.*.origin", Does: face.Renamed("routeType"),
		Known: "describeRouteTable, page of 2021: its list of members says routeType, its sample and the SDK origin",
	},
	{
		On: on("describeNetworkInterfaces"), Member: "result.networkInterfaces.*.secondaryIps", If: face.Blank, Does: face.Null,
		Known: "the sample of a native container of 2018, whose interface is the same object; describeRouteTable has null for empty lists, too (subnetIds, routePropagations)",
	},
	{
		On: on("describeNetworkInterfaces"), Member: "result.networkInterfaces.*.secondaryCidrs", If: face.Blank, Does: face.LeftOut,
		Known: "the same sample has none",
	},
	{
		On: on("describeElasticIp"), Member: "result.elasticIp.status", Does: face.LeftOut,
		Known: "describeElasticIp, page and sample of 2021: neither status nor state",
	},
	{On: on("describeElasticIp"), Member: "result.elasticIp.state", Does: face.LeftOut, Known: "the same"},
	{
		On: on("describeElasticIps"), Member: "result.elasticIps", If: face.Blank, Does: face.Null,
		Known: "describeRouteTable, sample of 2021: null for an empty list (subnetIds, routePropagations)",
	},
	{
		On: on("describeElasticIps"), Member: "result.elasticIps.*.status", Does: face.LeftOut,
		Known: "describeElasticIps, page and sample of 2021: neither status nor state",
	},
	{On: on("describeElasticIps"), Member: "result.elasticIps.*.state", Does: face.LeftOut, Known: "the same"},
}

func on(operation string) face.Match { return face.Match{Action: operation} }

// metadataSparings are the same of the metadata service: none, since its answers are single
// values and lists of names, and what a machine does not have is not found.
var metadataSparings []face.Sparing
