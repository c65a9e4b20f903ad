// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/internal/fakecloud"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

// idField is what the lists call the id of an element.
var idField = map[string]string{
	"AddressSet": "AddressId", "HaVipSet": "HaVipId", "NetworkInterfaceSet": "NetworkInterfaceId",
	"RouteTableSet": "RouteTableId", "SubnetSet": "SubnetId", "VpcSet": "VpcId", "InstanceSet": "InstanceId",
	"InstanceStatusSet": "InstanceId", "DisasterRecoverGroupSet": "DisasterRecoverGroupId",
}

// listed returns the ids of the elements in an answer, and the total.
func (r response) listed() string {
	body, _ := r.body.(map[string]any)
	for name := range body {
		field := idField[name]
		if field == "" {
			continue
		}
		var ids []string
		for i := 0; r.at(name, i) != nil; i++ {
			ids = append(ids, r.at(name, i, field).(string))
		}
		return fmt.Sprint(ids, " of ", r.at("TotalCount"))
	}
	return r.code()
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	filters := func(nameValue ...string) string {
		var all []string
		for i := 0; i < len(nameValue); i += 2 {
			values := strings.ReplaceAll(nameValue[i+1], ",", `","`)
			all = append(all, `{"Name":"`+nameValue[i]+`","Values":["`+values+`"]}`)
		}
		return `{"Filters":[` + strings.Join(all, ",") + `]}`
	}
	const eips, enis, instances, havips, tables = "DescribeAddresses", "DescribeNetworkInterfaces",
		"DescribeInstances", "DescribeHaVips", "DescribeRouteTables"
	for _, tt := range []struct{ action, body, want string }{
		{eips, `{}`, "[eip-aaaaaaaa eip-ffffffff] of 2"},
		{eips, `{"Limit":1}`, "[eip-aaaaaaaa] of 2"},
		{eips, `{"Limit":1,"Offset":1}`, "[eip-ffffffff] of 2"},
		{eips, `{"Offset":7}`, "[] of 2"},
		{eips, `{"Limit":101}`, "InvalidParameterValue.Range"},
		{eips, `{"Limit":"1"}`, "InvalidParameter"},
		{eips, `{"AddressIds":["eip-ffffffff","eip-00000000"]}`, "[eip-ffffffff] of 1"},
		{eips, `{"AddressIds":["ins-aaaaaaaa"]}`, "InvalidParameterValue.AddressIdMalformed"},
		{eips, filters("address-ip", "203.0.113.11"), "[eip-ffffffff] of 1"},
		{eips, filters("instance-id", "ins-aaaaaaaa,ins-bbbbbbbb"), "[eip-aaaaaaaa] of 1"},
		{eips, filters("private-ip-address", "10.0.4.20"), "[eip-aaaaaaaa] of 1"},
		{eips, filters("network-interface-id", "eni-aaaaaaaa"), "[eip-aaaaaaaa] of 1"},
		{eips, filters("address-status", "UNBIND", "is-arrears", "FALSE"), "[eip-ffffffff] of 1"},
		{eips, filters("address-status", "UNBIND", "instance-type", "CVM"), "[] of 0"},
		{eips, filters("colour", "red"), "InvalidParameter.InvalidFilter"},
		{eips, `{"AddressIds":["eip-ffffffff"],"Filters":[{"Name":"address-ip","Values":["203.0.113.11"]}]}`, "InvalidParameter.Coexist"},
		{enis, filters("attachment.instance-id", "ins-bbbbbbbb"), "[eni-bbbbbbbb] of 1"},
		{enis, filters("address-ip", "0.4.2"), "[] of 0"},
		{enis, filters("address-ip", ".4.20"), "[eni-aaaaaaaa] of 1"},
		{enis, filters("address-ip", ".4.20", "ip-exact-match", "true"), "[] of 0"},
		{enis, filters("address-ip", "10.0.4.60", "ip-exact-match", "true"), "[eni-aaaaaaaa] of 1"},
		{enis, filters("address-ip", ".4.20,10.0.4.21"), "[eni-bbbbbbbb] of 1"},
		{enis, filters("subnet-id", "subnet-other", "is-primary", "true"), "[eni-cccccccc] of 1"},
		{enis, filters("colour", "red"), "InvalidParameter.FilterInvalidKey"},
		{enis, `{"NetworkInterfaceIds":["ins-aaaaaaaa"]}`, "InvalidParameterValue.Malformed"},
		{havips, filters("vip", "10.0.4.99", "check-associate", "FALSE"), "[havip-11111111] of 1"},
		{havips, filters("address-ip", "203.0.113.11"), "[] of 0"},
		{havips, filters("havip-association.instance-id", "ins-aaaaaaaa"), "[] of 0"},
		{havips, `{"HaVipIds":["havip-00000000"]}`, "[] of 0"},
		{havips, `{"HaVipIds":["eip-aaaaaaaa"]}`, "InvalidParameterValue.Malformed"},
		{tables, `{"Limit":"1","Offset":"1"}`, "[rtb-22222222] of 2"},
		{tables, `{"Limit":1}`, "InvalidParameter"},
		{tables, `{"Limit":"one"}`, "InvalidParameterValue.Range"},
		{tables, filters("vpc-id", "vpc-00000000"), "[] of 0"},
		{instances, filters("private-ip-address", "10.0.4.21"), "[ins-bbbbbbbb] of 1"},
		{instances, filters("zone", "ap-guangzhou-4"), "[ins-cccccccc] of 1"},
		{instances, `{"InstanceIds":["eni-aaaaaaaa"]}`, "InvalidInstanceId.Malformed"},
		{instances, filters("colour", "red"), "InvalidFilter"},
		{"DescribeSubnets", filters("cidr-block", "10.0.5.0/24"), "[subnet-other] of 1"},
		{"DescribeVpcs", filters("vpc-id", "vpc-fipctl01"), "[vpc-fipctl01] of 1"},
		{"DescribeDisasterRecoverGroups", `{"Name":"ps-11111111"}`, "[ps-11111111] of 1"},
		{"DescribeDisasterRecoverGroups", `{"Name":"other"}`, "[] of 0"},
	} {
		if got := w.call(tt.action, tt.body).listed(); got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.action, tt.body, got, tt.want)
		}
	}
}

func TestWhatTheAPITellsOfMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{BindDelay: -1})
	w.tc.ChangeMachine("ins-bbbbbbbb", func(m *faketencent.Machine) {
		m.StopCharging, m.Partition, m.HostID = true, 2, "host-11111111"
	})
	w.tc.SetRole("ins-bbbbbbbb", faketencent.Role{Name: "fipctl"})
	b := func(path ...any) any {
		r := w.call("DescribeInstances", `{"InstanceIds":["ins-bbbbbbbb"]}`)
		return r.at(append([]any{"InstanceSet", 0}, path...)...)
	}
	for _, step := range []struct {
		do   func()
		path []any
		want any
	}{
		{func() {}, []any{"InstanceState"}, "RUNNING"},
		{func() {}, []any{"Placement", "HostId"}, "host-11111111"},
		{func() {}, []any{"PartitionNumber"}, 2.0},
		{func() {}, []any{"DisasterRecoverGroupIds", 0}, "ps-11111111"},
		{func() {}, []any{"CamRoleName"}, "fipctl"},
		{func() {}, []any{"PrivateIpAddresses", 0}, "10.0.4.21"},
		{func() {}, []any{"PublicIpAddresses", 0}, nil},
		{func() { w.call("AssociateAddress", bindFree) }, []any{"PublicIpAddresses", 0}, "203.0.113.11"},
		{func() { w.must(w.model.SetState("ins-bbbbbbbb", providers.InstanceStopped)) }, []any{"InstanceState"}, "STOPPED"},
		{func() {}, []any{"StopChargingMode"}, "STOP_CHARGING"},
		{func() { w.tc.ChangeMachine("ins-bbbbbbbb", func(m *faketencent.Machine) { m.Status = "SHUTDOWN" }) }, []any{"InstanceState"}, "SHUTDOWN"},
		{func() { w.must(w.model.SetState("ins-bbbbbbbb", providers.InstanceGone)) }, nil, nil},
	} {
		step.do()
		if got := b(step.path...); got != step.want {
			t.Errorf("%v: got %v, want %v", step.path, got, step.want)
		}
	}
	r := w.call("DescribeDisasterRecoverGroups", "{}")
	if r.at("DisasterRecoverGroupSet", 0, "CurrentNum") != 1.0 {
		t.Errorf("the group without it: got %s", r.raw)
	}
}

func TestBadSetUpIsOneClearError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	ip := netip.MustParseAddr
	for _, tt := range []struct {
		err  error
		want string
	}{
		{w.tc.AddMachine(faketencent.Machine{Instance: fakecloud.Instance{ID: "1001"}}), `add machine "1001": the id must be ins-xxxxxxxx`},
		{w.tc.AddMachine(faketencent.Machine{Instance: fakecloud.Instance{ID: "ins-aaaaaaaa"}}), "add instance ins-aaaaaaaa: it exists already"},
		{w.tc.AddMachine(faketencent.Machine{Instance: fakecloud.Instance{ID: "ins-dddddddd"}, Subnet: "subnet-none"}),
			"add machine ins-dddddddd: the subnet subnet-none does not exist"},
		{w.tc.AddMachine(faketencent.Machine{Instance: fakecloud.Instance{ID: "ins-dddddddd"}, VPC: "vpc-other"}),
			"add machine ins-dddddddd: its subnet subnet-fipctl01 is in vpc-fipctl01, not in vpc-other"},
		{w.tc.AddMachine(faketencent.Machine{Instance: fakecloud.Instance{ID: "ins-dddddddd", Private: []netip.Addr{ip("10.0.5.1")}}}),
			"add machine ins-dddddddd: its address 10.0.5.1 is not in 10.0.4.0/24 of subnet subnet-fipctl01"},
		{w.tc.AddMachine(faketencent.Machine{Instance: fakecloud.Instance{ID: "ins-dddddddd", Region: "ap-tokyo"}}),
			"add machine ins-dddddddd: its subnet subnet-fipctl01 is in ap-guangzhou, not in ap-tokyo"},
		{w.tc.AddENI(faketencent.ENI{ID: "eni-dddddddd", IP: ip("10.0.4.90"), Instance: "ins-dddddddd"}),
			"add interface eni-dddddddd: the machine ins-dddddddd does not exist"},
		{w.tc.AddENI(faketencent.ENI{ID: "eni-dddddddd", IP: ip("10.0.5.90")}),
			`add interface "eni-dddddddd": the id must be eni-xxxxxxxx and 10.0.5.90 in a subnet`},
		{w.tc.AddEIP(faketencent.EIP{ID: "203.0.113.9", IP: ip("203.0.113.9")}), `add EIP "203.0.113.9": the id must be eip-xxxxxxxx`},
		{w.tc.AddEIP(faketencent.EIP{IP: eipA}), "add address 203.0.113.10: it exists already"},
		{w.tc.AddHAVIP(faketencent.HAVIP{ID: "havip-22222222", IP: ip("10.0.5.99")}), "add HAVIP havip-22222222: 10.0.5.99 is not in the subnet subnet-fipctl01"},
		{w.tc.AddPrivateIP(faketencent.PrivateIP{IP: ip("10.0.5.99")}), "add private IP 10.0.5.99: it is not in the subnet subnet-fipctl01"},
		{w.tc.AddRoute(faketencent.Route{Table: "rtb-11111111", IP: ip("10.0.9.9")}),
			"add route to 10.0.9.9: it is inside the range 10.0.0.0/16 of vpc-fipctl01"},
		{w.tc.AddRoute(faketencent.Route{Table: "main", IP: routed}), `add route table "main": the id must be rtb-xxxxxxxx, and the VPC vpc-fipctl01 exist`},
		{w.tc.AddSubnet(faketencent.Subnet{ID: "subnet-far", Range: netip.MustParsePrefix("10.1.0.0/24")}),
			`add subnet "subnet-far": the id must be subnet-xxxxxxxx and the range within 10.0.0.0/16`},
		{w.tc.AddSubnet(faketencent.Subnet{ID: "subnet-far", VPC: "vpc-none"}), "add subnet subnet-far: the VPC vpc-none does not exist"},
		{w.tc.AddVPC(faketencent.VPC{ID: "vpc-x"}), `add VPC "vpc-x": the id must be vpc-xxxxxxxx and the range given`},
		{w.tc.AddGroup(faketencent.Group{ID: "g"}), `add group "g": the id must be ps-xxxxxxxx`},
	} {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("got %v, want %s", tt.err, tt.want)
		}
	}
}
