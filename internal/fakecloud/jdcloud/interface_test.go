// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestTheDocumentsOfAMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	mac, _ := w.get(nicA).at("result", "networkInterface", "macAddress").(string)
	wantJSON(t, "interface", w.get(nicA).at("result"), `{"networkInterface": {
		"networkInterfaceId": "port-a", "networkInterfaceName": "port-a", "azType": "standard", "az": "", "role": "Primary",
		"macAddress": "`+mac+`", "vpcId": "vpc-0fipctl0aa", "subnetId": "subnet-0fipctl0a",
		"networkSecurityGroupIds": ["sg-0fipctl0aa"], "sanityCheck": 0,
		"primaryIp": {"privateIpAddress": "10.0.4.20", "elasticIpId": "fip-held", "elasticIpAddress": "203.0.113.10", "subnetId": "subnet-0fipctl0a"},
		"secondaryIps": [{"privateIpAddress": "10.0.4.99", "elasticIpId": "", "elasticIpAddress": "", "subnetId": "subnet-0fipctl0a"}],
		"secondaryCidrs": [], "instanceType": "compute", "instanceId": "i-a", "deviceIndex": 1, "description": "",
		"attachmentStatus": "attached", "networkInterfaceStatus": "enabled", "createdTime": "2026-01-01T00:00:00Z"}}`)
	wantJSON(t, "instance", w.get(base+"instances/i-a").at("result"), `{"instance": {
		"instanceId": "i-a", "instanceName": "i-a", "hostname": "i-a", "instanceType": "g.n3.medium",
		"vpcId": "vpc-0fipctl0aa", "subnetId": "subnet-0fipctl0a", "privateIpAddress": "10.0.4.20",
		"elasticIpId": "fip-held", "elasticIpAddress": "203.0.113.10", "status": "running", "description": "",
		"imageId": "img-0fipctl0aa", "launchTime": "2026-01-01 00:00:00", "az": "cn-north-1c",
		"ag": {"id": "ag-one", "name": "web"}, "faultDomain": "1", "dedicatedHostId": "", "tags": [],
		"primaryNetworkInterface": {"deviceIndex": 1, "autoDelete": true, "networkInterface": {
			"networkInterfaceId": "port-a", "macAddress": "`+mac+`", "vpcId": "vpc-0fipctl0aa", "subnetId": "subnet-0fipctl0a",
			"securityGroups": [{"groupId": "sg-0fipctl0aa", "groupName": "default"}], "sanityCheck": 0,
			"primaryIp": {"privateIpAddress": "10.0.4.20", "elasticIpId": "fip-held", "elasticIpAddress": "203.0.113.10", "subnetId": "subnet-0fipctl0a"},
			"secondaryIps": [{"privateIpAddress": "10.0.4.99", "elasticIpId": "", "elasticIpAddress": "", "subnetId": "subnet-0fipctl0a"}],
			"ipv6Addresses": []}},
		"secondaryNetworkInterfaces": []}}`)
	wantJSON(t, "group", w.get(base+"availabilityGroups/ag-one").at("result"), `{"ag": {
		"id": "ag-one", "name": "web", "description": "", "azs": ["cn-north-1c"], "agType": "vm",
		"createTime": "2026-01-01T00:00:00Z", "count": 2, "autoScaling": false, "configurationType": "loose", "placementType": "fd",
		"instances": [
			{"instanceId": "i-a", "instanceName": "i-a", "status": "running", "agStatus": "active", "isManaged": false, "az": "cn-north-1c"},
			{"instanceId": "i-b", "instanceName": "i-b", "status": "running", "agStatus": "active", "isManaged": false, "az": "cn-north-1c"}]}}`)
	wantJSON(t, "subnet", w.get(base+"subnets/subnet-0fipctl0a").at("result"), `{"subnet": {
		"subnetId": "subnet-0fipctl0a", "subnetName": "subnet-0fipctl0a", "vpcId": "vpc-0fipctl0aa", "addressPrefix": "10.0.4.0/24",
		"availableIpCount": 200, "description": "", "routeTableId": "", "subnetType": "standard", "az": "",
		"createdTime": "2026-01-01T00:00:00Z"}}`)
}

func TestAMachineHasSensibleValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{Region: "cn-east-2"})
	var bare fakejd.Machine
	bare.ID = "i-bare"
	w.must(w.jd.AddMachine(bare))
	r := w.callAs("ak-a", "GET", "/v1/regions/cn-east-2/instances/i-bare", "")
	wantFailure(t, r, 401, "ACCESS_ERROR", "sign result is not same [gw]") // the signer's region
	s, req := w.signer("ak-a", "/instances"), w.request("GET", "/v1/regions/cn-east-2/instances/i-bare", "")
	s.region = "cn-east-2"
	s.sign(req, "")
	r = w.do(req)
	i := func(key string) any { return r.at("result", "instance", key) }
	got := []any{i("instanceName"), i("az"), i("privateIpAddress"), i("ag"), i("faultDomain"), r.at("result", "instance", "primaryNetworkInterface", "networkInterface", "networkInterfaceId")}
	if diff := cmp.Diff([]any{"i-bare", "cn-east-2a", "10.0.4.3", nil, "", "port-bare"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	bare.ID = "i-second"
	w.must(w.jd.AddMachine(bare))
	if got := w.jd.Identity("i-second").PrivateIP; got != ip("10.0.4.4") {
		t.Errorf("the next machine has %s", got)
	}
	if got, want := w.jd.Identity("i-bare"), (providers.Target{Instance: "i-bare", Interface: "port-bare", PrivateIP: ip("10.0.4.3")}); got != want {
		t.Errorf("identity: got %s, want %s", got, want)
	}
	if got := w.jd.Identity("i-x"); got.Only(byEIP) != (providers.Target{}) {
		t.Errorf("identity of an unknown machine: got %s", got)
	}
}

func TestAMachineThatStopsOrGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.model.SetState("i-a", providers.InstanceStopped))
	if got := w.get(base+"instances/i-a").at("result", "instance", "status"); got != "stopped" {
		t.Errorf("status: got %v", got)
	}
	if got := w.get(eip).at("result", "elasticIp", "instanceId"); got != "i-a" {
		t.Errorf("holder of the EIP: got %v", got)
	}
	w.must(w.model.SetState("i-a", providers.InstanceGone))
	wantFailure(t, w.get(base+"instances/i-a"), 404, "NOT_FOUND", "Instance 'i-a' not found")
	wantFailure(t, w.get(nicA), 404, "NOT_FOUND", "Resource not found")
	if diff := cmp.Diff([]any{"i-b"}, w.get(base+"availabilityGroups/ag-one").each("instanceId", "result", "ag", "instances")); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if got := w.get(eip).at("result", "elasticIp", "instanceId"); got != "" {
		t.Errorf("holder of the EIP: got %v", got)
	}
}

func TestListsOfTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.AddSubnet(fakejd.Subnet{ID: "subnet-two", VPC: "vpc-two", Range: netip.MustParsePrefix("10.0.9.0/24"), Table: "rtb-one"}))
	w.must(w.jd.AddInterface(fakejd.Interface{ID: "port-b2", Instance: "i-b", PrimaryIP: ip("10.0.9.31"), Subnet: "subnet-two"}))
	w.must(w.jd.AddGroup(fakejd.Group{ID: "ag-two", PlacementType: "host"}))
	w.must(w.jd.AddGroup(fakejd.Group{ID: "ag-far", Region: "cn-south-1"}))
	w.must(w.model.SetState("i-b", providers.InstanceStopped))
	tests := []struct {
		path, key, list string
		want            []any
	}{
		{"instances", "instanceId", "instances", []any{"i-a", "i-b"}},
		{"instances" + query("instanceId", "i-b"), "instanceId", "instances", []any{"i-b"}},
		{"instances" + query("privateIpAddress", "10.0.4.2"), "instanceId", "instances", []any{"i-a", "i-b"}},
		{"instances" + query("privateIpAddress", "4.21"), "instanceId", "instances", []any{"i-b"}},
		{"instances" + query("faultDomain", "1", "agId", "ag-one"), "instanceId", "instances", []any{"i-a"}},
		{"instances" + query("status", "stopped"), "instanceId", "instances", []any{"i-b"}},
		{"instances" + query("elasticIpAddress", "203.0.113.10"), "instanceId", "instances", []any{"i-a"}},
		{"instances" + query("networkInterfaceId", "port-b"), "instanceId", "instances", []any{"i-b"}},
		{"instances" + query("az", "cn-north-1a"), "instanceId", "instances", nil},
		{"instanceStatus", "status", "instanceStatuses", []any{"running", "stopped"}},
		{"instanceStatus" + query("instanceId", "i-b"), "instanceId", "instanceStatuses", []any{"i-b"}},
		{"networkInterfaces/", "networkInterfaceId", "networkInterfaces", []any{"port-a", "port-b", "port-b2"}},
		{"networkInterfaces/" + query("subnetId", "subnet-two"), "networkInterfaceId", "networkInterfaces", []any{"port-b2"}},
		{"networkInterfaces/" + query("subnetId", "subnet-x"), "networkInterfaceId", "networkInterfaces", nil},
		{"networkInterfaces/" + query("role", "Primary"), "networkInterfaceId", "networkInterfaces", []any{"port-a", "port-b"}},
		{"networkInterfaces/" + query("vpcId", "vpc-two"), "networkInterfaceId", "networkInterfaces", []any{"port-b2"}},
		{"networkInterfaces/" + query("networkInterfaceIds", "port-a,port-b2"), "networkInterfaceId", "networkInterfaces", []any{"port-a", "port-b2"}},
		{"subnets/", "subnetId", "subnets", []any{"subnet-0fipctl0a", "subnet-two"}},
		{"subnets/" + query("vpcId", "vpc-two"), "subnetId", "subnets", []any{"subnet-two"}},
		{"routeTables/" + query("routeTableIds", "rtb-one"), "routeTableId", "routeTables", []any{"rtb-one"}},
		{"routeTables/" + query("vpcId", "vpc-two"), "routeTableId", "routeTables", nil},
		{"availabilityGroups", "id", "ags", []any{"ag-one", "ag-two"}},
		{"availabilityGroups" + query("placementType", "host"), "id", "ags", []any{"ag-two"}},
		{"availabilityGroups" + query("agName", "web"), "id", "ags", []any{"ag-one"}},
	}
	for _, tt := range tests {
		r := w.get(base + tt.path)
		if diff := cmp.Diff(tt.want, r.each(tt.key, "result", tt.list)); diff != "" || r.status != 200 {
			t.Errorf("%s: %d (-want +got):\n%s", tt.path, r.status, diff)
		}
	}
	wantJSON(t, "network", w.get(base+"vpcs/vpc-two").at("result"), `{"vpc": {
		"vpcId": "vpc-two", "vpcName": "vpc-two", "addressPrefix": "", "description": "", "aclIds": [], "routeTableIds": [],
		"subnets": [{"subnetId": "subnet-two", "subnetName": "subnet-two", "vpcId": "vpc-two", "addressPrefix": "10.0.9.0/24",
			"availableIpCount": 200, "description": "", "routeTableId": "rtb-one", "subnetType": "standard", "az": "",
			"createdTime": "2026-01-01T00:00:00Z"}],
		"createdTime": "2026-01-01T00:00:00Z"}}`)
	if got := w.get(base+"vpcs/vpc-0fipctl0aa").at("result", "vpc", "addressPrefix"); got != "10.0.0.0/16" {
		t.Errorf("the shared network has the range %v", got)
	}
	if got := w.get(base + "vpcs/vpc-three").status; got != 404 {
		t.Errorf("an unknown network: %d", got)
	}
	if got := w.get(base+"routeTables/rtb-one").at("result", "routeTable", "subnetIds", 0); got != "subnet-two" {
		t.Errorf("subnet of the table: got %v", got)
	}
	nics := w.get(base+"instances/i-b").at("result", "instance", "secondaryNetworkInterfaces", 0)
	if got := (response{body: nics}).at("networkInterface", "networkInterfaceId"); got != "port-b2" {
		t.Errorf("secondary interface: got %v", got)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	for i := range 23 { // 25 with the machines'
		w.must(w.jd.AddInterface(fakejd.Interface{ID: fmt.Sprint("port-", i), PrimaryIP: netip.AddrFrom4([4]byte{10, 0, 4, byte(100 + i)})}))
	}
	tests := []struct {
		query       string
		count       int
		first, last any
	}{
		{"", 20, "port-a", "port-17"},
		{query("pageNumber", "2"), 5, "port-18", "port-22"},
		{query("pageNumber", "2", "pageSize", "10"), 10, "port-8", "port-17"},
		{query("pageNumber", "9", "pageSize", "10"), 5, "port-18", "port-22"}, // the last page
		{query("pageSize", "100"), 25, "port-a", "port-22"},
		{query("pageNumber", "7", "subnetId", "subnet-x"), 0, nil, nil},
	}
	for _, tt := range tests {
		r := w.get(base + "networkInterfaces/" + tt.query)
		ids := r.each("networkInterfaceId", "result", "networkInterfaces")
		got := []any{len(ids), nil, nil}
		if len(ids) > 0 {
			got[1], got[2] = ids[0], ids[len(ids)-1]
		}
		if diff := cmp.Diff([]any{tt.count, tt.first, tt.last}, got); diff != "" {
			t.Errorf("%s: count, first, last (-want +got):\n%s", tt.query, diff)
		}
		if r.at("result", "networkInterfaces") == nil {
			t.Errorf("%s: the list is null", tt.query)
		}
	}
	for _, tt := range []struct{ query, text string }{
		{query("pageSize", "9"), "Request parameter pageSize is '9', expected one of [10..100]"},
		{query("pageSize", "101"), "Request parameter pageSize is '101', expected one of [10..100]"},
		{query("pageSize", "x"), "Request parameter pageSize is 'x', expected one of [10..100]"},
		{query("pageNumber", "0"), "Request parameter pageNumber is '0', expected one of [1..]"},
		{query("instanceId", "i-a"), "Request parameter filters.1 is 'instanceId ', expected one of [networkInterfaceIds networkInterfaceNames vpcId subnetId role azType azs]"},
		{query("subnetId", "x") + "&filters.1.operator=like", "Request parameter filters.1 is 'subnetId like', expected one of [networkInterfaceIds networkInterfaceNames vpcId subnetId role azType azs]"},
	} {
		wantFailure(t, w.get(base+"networkInterfaces/"+tt.query), 400, "INVALID_ARGUMENT", tt.text)
	}
}

func TestAMachineCanBeBeingChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.SetStatus("i-b", "resizing"))
	if got := w.get(base+"instances/i-b").at("result", "instance", "status"); got != "resizing" {
		t.Errorf("status: got %v", got)
	}
	wantFailure(t, w.post(bind, bindFree), 400, "FAILED_PRECONDITION", "Invalid instance status 'resizing'")
	w.must(w.jd.SetStatus("i-b", ""))
	if got := w.get(base+"instances/i-b").at("result", "instance", "status"); got != "running" {
		t.Errorf("status: got %v", got)
	}
	wantDone(t, w.post(bind, bindFree))
	if err := w.jd.SetStatus("i-x", "resizing"); err == nil {
		t.Error("an unknown machine has a status")
	}
}

func TestAnInterfaceThatIsOnNoMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{ProcessingDelay: -1})
	w.must(w.jd.AddInterface(fakejd.Interface{ID: "port-loose", PrimaryIP: ip("10.0.4.40")}))
	w.must(w.jd.AddPrivateIP(fakejd.PrivateIP{IP: ip("10.0.4.98"), Holder: providers.Target{Interface: "port-loose"}}))
	const path = base + "networkInterfaces/port-loose"
	wantDone(t, w.post(path+":assignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`))
	wantDone(t, w.post(path+":associateElasticIp", bindFree))
	r := w.get(path)
	nic := func(key string) any { return r.at("result", "networkInterface", key) }
	got := []any{nic("instanceId"), nic("instanceType"), nic("deviceIndex"), nic("attachmentStatus"), r.at("result", "networkInterface", "primaryIp", "elasticIpId")}
	if diff := cmp.Diff([]any{"", "", 0.0, "detached", "fip-free"}, got); diff != "" {
		t.Errorf("interface (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"10.0.4.99", "10.0.4.98"}, r.each("privateIpAddress", "result", "networkInterface", "secondaryIps")); diff != "" {
		t.Errorf("secondary IPs (-want +got):\n%s", diff)
	}
	if got, want := w.model.Holder(ip("203.0.113.11")), (providers.Target{Interface: "port-loose", PrivateIP: ip("10.0.4.40")}); got != want {
		t.Errorf("holder of the EIP: got %s, want %s", got, want)
	}
	if got := w.get(base+"elasticIps/"+query("status", "ASSOCIATED")).each("elasticIpId", "result", "elasticIps"); len(got) != 2 {
		t.Errorf("associated: got %v", got)
	}
	for _, list := range []string{"instances", "instanceStatus"} {
		if n := w.get(base+list).at("result", "totalCount"); n != 2.0 {
			t.Errorf("%s: %v of them, want the two machines", list, n)
		}
	}
}
