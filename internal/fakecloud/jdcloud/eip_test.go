// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fakejd "github.com/fipctl/fipctl/internal/fakecloud/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestTheDocumentOfAnEIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	wantJSON(t, "held", w.get(eip).at("result"), `{"elasticIp": {"elasticIpId": "fip-held", "elasticIpName": "fip-held",
		"elasticIpAddress": "203.0.113.10", "bandwidthMbps": 5, "provider": "bgp", "privateIpAddress": "10.0.4.20",
		"networkInterfaceId": "port-a", "instanceId": "i-a", "instanceType": "compute", "az": "", "ipType": "standard",
		"status": "ASSOCIATED", "state": "UP", "createdTime": "2026-01-01T00:00:00Z",
		"charge": {"chargeMode": "postpaid_by_duration", "chargeStatus": "normal"}, "tags": []}}`)
	w.must(w.jd.AddEIP(fakejd.EIP{
		IP: ip("203.0.113.20"), Holder: providers.Target{Instance: "lb-1"}, InstanceType: "lb",
		AZ: "cn-north-1a", ChargeStatus: "arrear", Down: true, Edge: true,
	}))
	r := w.get(base + "elasticIps/fip-cb007114")
	wantJSON(t, "of a load balancer", r.at("result"), `{"elasticIp": {"elasticIpId": "fip-cb007114", "elasticIpName": "fip-cb007114",
		"elasticIpAddress": "203.0.113.20", "bandwidthMbps": 5, "provider": "bgp", "privateIpAddress": "",
		"networkInterfaceId": "", "instanceId": "lb-1", "instanceType": "lb", "az": "cn-north-1a", "ipType": "edge",
		"status": "ASSOCIATED", "state": "DOWN", "createdTime": "2026-01-01T00:00:00Z",
		"charge": {"chargeMode": "postpaid_by_duration", "chargeStatus": "arrear"}, "tags": []}}`)
	wantFailure(t, w.get(base+"instances/lb-1"), 404, "NOT_FOUND", "Instance 'lb-1' not found")
}

func TestAnEIPCanLackItsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{EIPsWithoutState: true})
	m, _ := w.get(eip).at("result", "elasticIp").(map[string]any)
	for _, key := range []string{"status", "state"} {
		if v, there := m[key]; there {
			t.Errorf("%s: got %v, want none", key, v)
		}
	}
}

func TestEIPCallsThatAreRefused(t *testing.T) {
	t.Parallel()
	const (
		word  = "FAILED_PRECONDITION"
		not   = "Elastic ip isn't associated to this instance's primary network interface"
		inUse = "ElasticIp 203.0.113.10 already in use"
		byVM  = "instances/"
		byVPC = "networkInterfaces/"
	)
	other := func(w *world) { // a second interface of i-b, in use
		w.must(w.jd.AddInterface(fakejd.Interface{ID: "port-b2", Instance: "i-b", PrimaryIP: ip("10.0.4.31")}))
		w.must(w.model.Place(ip("203.0.113.11"), providers.Target{Instance: "i-b", Interface: "port-b2", PrivateIP: ip("10.0.4.31")}))
	}
	zoned := func(w *world) {
		w.must(w.jd.AddEIP(fakejd.EIP{ID: "fip-zone", IP: ip("203.0.113.12"), AZ: "cn-north-1a"}))
	}
	gone := func(w *world) { w.must(w.model.SetState("i-b", providers.InstanceGone)) }
	busy := func(w *world) { _, err := w.model.StartEvent("i-b", "snapshot", time.Minute); w.must(err) }
	tests := []struct {
		name       string
		before     func(*world)
		path, body string
		status     int
		word, text string
	}{
		{"bind to the holder (vm)", nil, byVM + "i-a:associateElasticIp", `{"elasticIpId":"fip-held"}`, 400, word, inUse},
		{"bind to another (vm)", nil, byVM + "i-b:associateElasticIp", `{"elasticIpId":"fip-held"}`, 400, word, inUse},
		{"bind to another (vpc)", nil, byVPC + "port-b:associateElasticIp", `{"elasticIpId":"fip-held"}`, 400, word, inUse},
		{"bind where another EIP is", nil, byVPC + "port-a:associateElasticIp", `{"elasticIpId":"fip-free"}`, 400, word, "NetworkInterface already in use"},
		{"bind in another zone", zoned, byVPC + "port-b:associateElasticIp", `{"elasticIpId":"fip-zone"}`, 400, word, "The instance and elasticIp 'fip-zone' are in different azs"},
		{"bind to a busy machine", busy, byVPC + "port-b:associateElasticIp", `{"elasticIpId":"fip-free"}`, 400, word, "Conflict with underlay task 'associate'"},
		{"bind to an address that another has", nil, byVPC + "port-b:associateElasticIp", `{"elasticIpId":"fip-free","privateIpAddress":"10.0.4.99"}`, 400, "INVALID_ARGUMENT", "Request parameter privateIpAddress is '10.0.4.99', expected one of the addresses of port-b"},
		{"bind to what is no address", nil, byVPC + "port-b:associateElasticIp", `{"elasticIpId":"fip-free","privateIpAddress":"x"}`, 400, "INVALID_ARGUMENT", "Request parameter privateIpAddress is 'x', expected one of [IP address]"},
		{"bind an unknown EIP (vm)", nil, byVM + "i-b:associateElasticIp", `{"elasticIpId":"fip-x"}`, 404, "NOT_FOUND", "ElasticIpId fip-x not found"},
		{"bind an unknown EIP (vpc)", nil, byVPC + "port-b:associateElasticIp", `{"elasticIpAddress":"203.0.113.99"}`, 404, "NOT_FOUND", "Resource not found"},
		{"bind to an unknown machine", nil, byVM + "i-x:associateElasticIp", `{"elasticIpId":"fip-free"}`, 404, "NOT_FOUND", "Instance 'i-x' not found"},
		{"bind to an unknown interface", nil, byVPC + "port-x:associateElasticIp", `{"elasticIpId":"fip-free"}`, 404, "NOT_FOUND", "Resource not found"},
		{"bind to a deleted machine (vm)", gone, byVM + "i-b:associateElasticIp", `{"elasticIpId":"fip-free"}`, 404, "NOT_FOUND", "Instance 'i-b' not found"},
		{"bind to a deleted machine (vpc)", gone, byVPC + "port-b:associateElasticIp", `{"elasticIpId":"fip-free"}`, 404, "NOT_FOUND", "Resource not found"},
		{"unbind from another (vm)", nil, byVM + "i-b:disassociateElasticIp", `{"elasticIpId":"fip-held"}`, 400, word, not},
		{"unbind from another (vpc)", nil, byVPC + "port-b:disassociateElasticIp", `{"elasticIpId":"fip-held"}`, 400, word, not},
		{"unbind what is free", nil, byVPC + "port-b:disassociateElasticIp", `{"elasticIpId":"fip-free"}`, 400, word, not},
		{"unbind from a secondary interface (vm)", other, byVM + "i-b:disassociateElasticIp", `{"elasticIpId":"fip-free"}`, 400, word, not},
		{"a body that is none", nil, byVPC + "port-b:associateElasticIp", `x`, 400, "INVALID_ARGUMENT", "Request body is not valid JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{})
			if tt.before != nil {
				tt.before(w)
			}
			before := [2]providers.Target{w.model.Holder(ip("203.0.113.10")), w.model.Holder(ip("203.0.113.11"))}
			wantFailure(t, w.post(base+tt.path, tt.body), tt.status, tt.word, tt.text)
			w.advance(time.Hour)
			after := [2]providers.Target{w.model.Holder(ip("203.0.113.10")), w.model.Holder(ip("203.0.113.11"))}
			if before != after {
				t.Errorf("holders: got %v, want %v", after, before)
			}
		})
	}
}

func TestEIPCallsThatAreAccepted(t *testing.T) {
	t.Parallel()
	second := func(w *world) {
		w.must(w.jd.AddInterface(fakejd.Interface{ID: "port-b2", Instance: "i-b", PrimaryIP: ip("10.0.4.31")}))
	}
	secondary := func(w *world) {
		w.must(w.model.Place(ip("10.0.4.99"), w.target("i-b", byPrivate)))
	}
	target := func(nic, private string) providers.Target {
		return providers.Target{Instance: "i-b", Interface: nic, PrivateIP: ip(private)}
	}
	tests := []struct {
		name       string
		before     func(*world)
		path, body string
		want       providers.Target // of 203.0.113.11
	}{
		{"to a machine", nil, "instances/i-b:associateElasticIp", `{"elasticIpId":"fip-free"}`, target("port-b", "10.0.4.21")},
		{"to an interface", nil, "networkInterfaces/port-b:associateElasticIp", `{"elasticIpId":"fip-free"}`, target("port-b", "10.0.4.21")},
		{"to its secondary interface", second, "networkInterfaces/port-b2:associateElasticIp", `{"elasticIpId":"fip-free"}`, target("port-b2", "10.0.4.31")},
		{"to a secondary address", secondary, "networkInterfaces/port-b:associateElasticIp", `{"elasticIpId":"fip-free","privateIpAddress":"10.0.4.99"}`, target("port-b", "10.0.4.99")},
		{"with the path repeated and nulls", nil, "networkInterfaces/port-b:associateElasticIp",
			`{"regionId":"cn-north-1","networkInterfaceId":"port-b","elasticIpId":"fip-free","elasticIpAddress":null,"privateIpAddress":null}`, target("port-b", "10.0.4.21")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{ProcessingDelay: -1})
			if tt.before != nil {
				tt.before(w)
			}
			wantDone(t, w.post(base+tt.path, tt.body))
			if got := w.model.Holder(ip("203.0.113.11")); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := w.get(free).at("result", "elasticIp", "privateIpAddress"); got != tt.want.PrivateIP.String() {
				t.Errorf("the document has private address %v", got)
			}
		})
	}
}

func TestTheProcessingTimeCanBeChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{ProcessingDelay: 4 * time.Second})
	w.post(nicB+":associateElasticIp", `{"elasticIpId":"fip-free"}`)
	w.advance(4*time.Second - 1)
	w.wantHolder("203.0.113.11", "", byEIP)
	w.advance(1)
	w.wantHolder("203.0.113.11", "i-b", byEIP)
	w.jd.SetProcessingDelay(0)
	w.post(nicB+":disassociateElasticIp", `{"elasticIpId":"fip-free"}`)
	w.wantHolder("203.0.113.11", "", byEIP)
}

func TestListsOfEIPs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.AddEIP(fakejd.EIP{ID: "fip-edge", IP: ip("203.0.113.12"), Edge: true, AZ: "cn-north-1a"}))
	w.must(w.jd.AddEIP(fakejd.EIP{ID: "fip-far", IP: ip("203.0.113.13"), Region: "cn-south-1"}))
	tests := []struct {
		query string
		want  []any
	}{
		{"", []any{"fip-held", "fip-free"}},
		{query("ipType", "all"), []any{"fip-held", "fip-free", "fip-edge"}},
		{query("ipType", "edge"), []any{"fip-edge"}},
		{query("elasticIpIds", "fip-free,fip-x"), []any{"fip-free"}},
		{query("elasticIpIds", "fip-x"), nil},
		{query("elasticIpIds", "fip-edge"), nil},
		{query("elasticIpAddress", "203.0.113.10"), []any{"fip-held"}},
		{query("status", "ASSOCIATED"), []any{"fip-held"}},
		{query("status", "NOT_ASSOCIATED"), []any{"fip-free"}},
		{query("status", "ALL"), []any{"fip-held", "fip-free"}},
		{query("azs", "cn-north-1a", "ipType", "all"), []any{"fip-edge"}},
	}
	for _, tt := range tests {
		r := w.get(base + "elasticIps/" + tt.query)
		if diff := cmp.Diff(tt.want, r.each("elasticIpId", "result", "elasticIps")); diff != "" || r.status != 200 {
			t.Errorf("%s: %d (-want +got):\n%s", tt.query, r.status, diff)
		}
		if got := r.at("result", "totalCount"); got != float64(len(tt.want)) {
			t.Errorf("%s: totalCount %v", tt.query, got)
		}
	}
	wantFailure(t, w.get(base+"elasticIps/fip-far"), 404, "NOT_FOUND", "Resource not found")
}

func TestWhatCannotBeAdded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	errs := map[string]error{
		"a second EIP of one id":       w.jd.AddEIP(fakejd.EIP{ID: "fip-held", IP: ip("203.0.113.99")}),
		"a second EIP of one address":  w.jd.AddEIP(fakejd.EIP{ID: "fip-x", IP: ip("203.0.113.10")}),
		"a second machine of one id":   w.jd.AddMachine(fakejd.Machine{Instance: machine("i-a", "10.0.4.30", "").Instance, Interface: "port-x"}),
		"a second interface of one id": w.jd.AddMachine(fakejd.Machine{Instance: machine("i-x", "10.0.4.30", "").Instance, Interface: "port-a"}),
		"an interface without an id":   w.jd.AddInterface(fakejd.Interface{}),
		"a private IP outside":         w.jd.AddPrivateIP(fakejd.PrivateIP{IP: ip("10.9.9.9")}),
		"a private IP outside of its":  w.jd.AddPrivateIP(fakejd.PrivateIP{IP: ip("10.9.9.9"), Subnet: "subnet-0fipctl0a"}),
		"a second private IP":          w.jd.AddPrivateIP(fakejd.PrivateIP{IP: ip("10.0.4.99")}),
		"a route without a table":      w.jd.AddRoute(fakejd.Route{IP: ip("172.16.0.9")}),
		"a second route in one table":  w.jd.AddRoute(fakejd.Route{Table: "rtb-one", IP: ip("172.16.0.9")}),
		"a rule without a prefix":      w.jd.AddRule(fakejd.Rule{Table: "rtb-one"}),
		"a second subnet of one id":    w.jd.AddSubnet(fakejd.Subnet{ID: "subnet-0fipctl0a", Range: netip.MustParsePrefix("10.1.0.0/24")}),
		"a subnet without a range":     w.jd.AddSubnet(fakejd.Subnet{ID: "subnet-x"}),
		"a second group of one id":     w.jd.AddGroup(fakejd.Group{ID: "ag-one"}),
		"a group without an id":        w.jd.AddGroup(fakejd.Group{}),
	}
	for what, err := range errs {
		if err == nil {
			t.Errorf("%s was added", what)
		}
	}
}
