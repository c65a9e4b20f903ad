// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// The samples below are those that the vendor's command line carries
// (TencentCloud/tencentcloud-cli, tccli/examples) and its pages of the same name show.
// That models.go marks a member "omitempty" says nothing: it marks all of them.
var (
	havips     = answersOf("DescribeHaVips", "HaVipSet.*.")
	eips       = answersOf("DescribeAddresses", "AddressSet.*.")
	routes     = answersOf("DescribeRouteTables", "RouteTableSet.*.RouteSet.*.")
	interfaces = answersOf("DescribeNetworkInterfaces", "NetworkInterfaceSet.*.")
	computers  = answersOf("DescribeInstances", "InstanceSet.*.")
	groups     = answersOf("DescribeDisasterRecoverGroups", "DisasterRecoverGroupSet.*.")
)

// sparings are what answers of the API have been seen to leave out, beside what is null
// in full ones too: the holder of an unbound EIP, the attachment of a loose interface.
var sparings = []face.Sparing{
	havips("CheckAssociate", nil, face.LeftOut, "every sample of DescribeHaVips and of CreateHaVip; the model says it may be null"),
	havips("HaVipAssociationSet", face.Blank, face.LeftOut, "the same"),
	havips("State", is("UNBIND"), says("UNBOUND"), "every sample of DescribeHaVips"),

	eips("NetworkInterfaceId", nil, ofMachine, "the sample of a bound EIP, DescribeAddresses of 2017 to 2020"),
	eips("PrivateAddressIp", nil, ofMachine, "the same"),
	eips("CascadeRelease", face.Blank, face.LeftOut, "the same"),
	eips("AddressStatus", is("BIND"), says("BINDED"), "the same, though the model has BIND"),
	eips("IsArrears", face.Blank, face.LeftOut, "no sample lacks it; the model does not promise it"),
	eips("IsBlocked", face.Blank, face.LeftOut, "no sample lacks it; the model does not promise it"),
	answersOf("DisassociateAddress", "")("TaskId", nil, face.Null, "terraform-provider-tencentcloud takes null for done"),

	routes("RouteType", is("USER"), face.LeftOut, "both samples of DescribeRouteTables"),
	routes("Enabled", is(true), face.LeftOut, "both samples of DescribeRouteTables"),
	routes("RouteItemId", nil, face.LeftOut, "the sample of DescribeRouteTables before 2021"),
	routes("DestinationCidrBlock", face.Blank, face.LeftOut, "the IPv6 route in the sample of DescribeRouteTables"),

	interfaces("PrivateIpAddressSet.*.AddressId", face.Blank, face.LeftOut, "the first sample of DescribeNetworkInterfaces"),

	computers("PublicIpAddresses", face.Blank, face.Null, "recorded answers of DescribeInstances for machines without a public address"),
	computers("Placement.HostId", face.Blank, face.Null, "every sample of DescribeInstances"),
	computers("DisasterRecoverGroupIds", nil, face.LeftOut, "every sample of DescribeInstances"),
	computers("PartitionNumber", face.Blank, face.LeftOut, "every sample of DescribeInstances"),
	groups("Strategy", is("SPREAD"), face.LeftOut, "the sample of DescribeDisasterRecoverGroups"),
}

// metadataSparings are the same of the metadata service: none. It answers plain text,
// with 404 for what there is not, but for the credential of a role, which every sample
// and client has with all its members.
var metadataSparings []face.Sparing

// answersOf returns what makes the sparings of one action.
func answersOf(action, below string) func(member string, when func(any) bool, does face.Sparer, known string) face.Sparing {
	return func(member string, when func(any) bool, does face.Sparer, known string) face.Sparing {
		return face.Sparing{On: face.Match{Action: action}, Member: "Response." + below + member, If: when, Does: does, Known: known}
	}
}

// is selects one value, says puts another in its place.
func is(wanted any) func(any) bool { return func(v any) bool { return v == wanted } }

func says(text string) face.Sparer {
	return func(object map[string]any, name string) { object[name] = text }
}

// ofMachine leaves null where the EIP is a machine's, which alone is named then.
func ofMachine(object map[string]any, name string) {
	if id, _ := object["InstanceId"].(string); strings.HasPrefix(id, "ins-") {
		object[name] = nil
	}
}
