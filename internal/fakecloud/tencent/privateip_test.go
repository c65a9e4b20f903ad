// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

// ips lists the addresses of an interface with their states, the primary one first.
func (w *world) ips(eni string) string {
	w.t.Helper()
	r := w.call("DescribeNetworkInterfaces", `{"NetworkInterfaceIds":["`+eni+`"]}`)
	var all []string
	for i := 0; ; i++ {
		ip, ok := r.at("NetworkInterfaceSet", 0, "PrivateIpAddressSet", i, "PrivateIpAddress").(string)
		if !ok {
			return strings.Join(all, " ")
		}
		state, _ := r.at("NetworkInterfaceSet", 0, "PrivateIpAddressSet", i, "State").(string)
		all = append(all, ip+" "+state)
	}
}

func assign(eni string, ips ...string) string {
	specs := []string{}
	for _, ip := range ips {
		specs = append(specs, `{"PrivateIpAddress":"`+ip+`"}`)
	}
	return `{"NetworkInterfaceId":"` + eni + `","PrivateIpAddresses":[` + strings.Join(specs, ",") + `]}`
}

func TestWritesAboutPrivateIPsThatAreRefused(t *testing.T) {
	t.Parallel()
	const move, on, off = "MigratePrivateIpAddress", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"
	of := func(ip, from, to string) string {
		return strings.Replace(migrate(from, to), private.String(), ip, 1)
	}
	migrating := func(w *world) { w.call(move, migrate("eni-aaaaaaaa", "eni-bbbbbbbb")) }
	many := strings.Split(strings.Repeat("10.0.4.70 ", 11), " ")[:11]
	for _, tt := range []struct {
		name, action, body string
		before             func(*world)
		want               string
	}{
		{"no source", move, `{"DestinationNetworkInterfaceId":"eni-bbbbbbbb","PrivateIpAddress":"10.0.4.60"}`, nil, "MissingParameter"},
		{"a machine for an interface", move, migrate("eni-aaaaaaaa", "ins-bbbbbbbb"), nil, "InvalidParameterValue.Malformed"},
		{"an unknown interface", move, migrate("eni-aaaaaaaa", "eni-00000000"), nil, "ResourceNotFound"},
		{"an interface of a machine that is gone", move, migrate("eni-aaaaaaaa", "eni-bbbbbbbb"),
			func(w *world) { w.must(w.model.SetState("ins-bbbbbbbb", providers.InstanceGone)) }, "ResourceNotFound"},
		{"an address that is none", move, of("10.0.4", "eni-aaaaaaaa", "eni-bbbbbbbb"), nil, "InvalidParameterValue.Malformed"},
		{"a primary address", move, of("10.0.4.20", "eni-aaaaaaaa", "eni-bbbbbbbb"), nil, "UnauthorizedOperation.PrimaryIp"},
		{"an interface in another subnet", move, migrate("eni-aaaaaaaa", "eni-cccccccc"), nil, "UnsupportedOperation"},
		{"to where it is", move, migrate("eni-aaaaaaaa", "eni-aaaaaaaa"), nil, "UnsupportedOperation"},
		{"from where it is not", move, migrate("eni-bbbbbbbb", "eni-aaaaaaaa"), nil, "UnauthorizedOperation.AttachmentNotFound"},
		{"an address nobody has", move, of("10.0.4.61", "eni-aaaaaaaa", "eni-bbbbbbbb"), nil, "UnauthorizedOperation.AttachmentNotFound"},
		{"a HAVIP", move, of("10.0.4.99", "eni-aaaaaaaa", "eni-bbbbbbbb"), nil, "UnauthorizedOperation.AttachmentNotFound"},
		{"one that is migrating", move, migrate("eni-aaaaaaaa", "eni-bbbbbbbb"), migrating, "UnsupportedOperation.MutexOperationTaskRunning"},
		{"assigning no address", on, `{"NetworkInterfaceId":"eni-bbbbbbbb"}`, nil, "MissingParameter"},
		{"assigning to nothing", on, `{}`, nil, "MissingParameter"},
		{"an address in use", on, assign("eni-bbbbbbbb", "10.0.4.60"), nil, "ResourceInUse"},
		{"a primary address in use", on, assign("eni-bbbbbbbb", "10.0.4.20"), nil, "ResourceInUse"},
		{"a HAVIP in use", on, assign("eni-bbbbbbbb", "10.0.4.99"), nil, "ResourceInUse"},
		{"an address outside the subnet", on, assign("eni-bbbbbbbb", "10.0.5.60"), nil, "InvalidParameterValue.Range"},
		{"an address twice", on, assign("eni-bbbbbbbb", "10.0.4.61", "10.0.4.61"), nil, "InvalidParameterValue.DuplicatePara"},
		{"too many", on, assign("eni-bbbbbbbb", many...), nil, "InvalidParameterValue.LimitExceeded"},
		{"as the primary", on, `{"NetworkInterfaceId":"eni-bbbbbbbb","PrivateIpAddresses":[{"PrivateIpAddress":"10.0.4.61","Primary":true}]}`,
			nil, "InvalidParameterValue.Malformed"},
		{"any address", on, `{"NetworkInterfaceId":"eni-bbbbbbbb","SecondaryPrivateIpAddressCount":1}`, nil, "UnsupportedOperation"},
		{"assigning one that migrates", on, assign("eni-bbbbbbbb", "10.0.4.60"), migrating, "UnsupportedOperation.MutexOperationTaskRunning"},
		{"unassigning one that migrates", off, assign("eni-aaaaaaaa", "10.0.4.60"), migrating, "UnsupportedOperation.MutexOperationTaskRunning"},
		{"unassigning what is elsewhere", off, assign("eni-bbbbbbbb", "10.0.4.60"), nil, "UnsupportedOperation.AttachmentNotFound"},
		{"unassigning what nobody has", off, assign("eni-aaaaaaaa", "10.0.4.61"), nil, "UnsupportedOperation.AttachmentNotFound"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, faketencent.Options{MigrateDelay: time.Second})
			if tt.before != nil {
				tt.before(w)
			}
			before := w.model.Holder(private)
			w.wantCode(tt.name, w.call(tt.action, tt.body), tt.want)
			w.wantHolder(private, before)
		})
	}
}

func TestAPrivateIPIsTakenAndGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{MigrateDelay: time.Second})
	w.must(w.tc.AddEIP(faketencent.EIP{
		ID: "eip-11111111", IP: netip.MustParseAddr("203.0.113.1"),
		Holder: providers.Target{Instance: "ins-aaaaaaaa", PrivateIP: private},
	}))
	r := w.call("DescribeNetworkInterfaces", `{"NetworkInterfaceIds":["eni-aaaaaaaa"]}`)
	if got := r.at("NetworkInterfaceSet", 0, "PrivateIpAddressSet", 1, "AddressId"); got != "eip-11111111" {
		t.Errorf("its EIP: got %v", got)
	}
	wantIPs := func(a, b string) {
		t.Helper()
		if gotA, gotB := w.ips("eni-aaaaaaaa"), w.ips("eni-bbbbbbbb"); gotA != a || gotB != b {
			t.Errorf("got %s and %s, want %s and %s", gotA, gotB, a, b)
		}
	}
	const primaryA, primaryB = "10.0.4.20 AVAILABLE", "10.0.4.21 AVAILABLE"
	wantIPs(primaryA+" 10.0.4.60 AVAILABLE", primaryB)
	w.wantCode("take", w.call("UnassignPrivateIpAddresses", assign("eni-aaaaaaaa", "10.0.4.60")), "")
	wantIPs(primaryA+" 10.0.4.60 DELETING", primaryB)
	w.advance(time.Second)
	wantIPs(primaryA, primaryB)
	if got := w.eipIs("eip-11111111"); got != "UNBIND/////" {
		t.Errorf("its EIP afterwards: got %s", got)
	}
	r = w.call("AssignPrivateIpAddresses", assign("eni-bbbbbbbb", "10.0.4.60", "10.0.4.61"))
	if r.at("PrivateIpAddressSet", 1, "State") != "PENDING" {
		t.Errorf("give: got %s", r.raw)
	}
	wantIPs(primaryA, primaryB+" 10.0.4.60 PENDING 10.0.4.61 PENDING")
	task := `{"TaskId":"` + r.at("RequestId").(string) + `"}`
	for _, want := range []string{"RUNNING", "SUCCESS"} {
		if got := w.call("DescribeVpcTaskResult", task).at("Status"); got != want {
			t.Errorf("task: got %v, want %s", got, want)
		}
		w.advance(time.Second)
	}
	wantIPs(primaryA, primaryB+" 10.0.4.60 AVAILABLE 10.0.4.61 AVAILABLE")
	w.wantHolder(private, providers.Target{Instance: "ins-bbbbbbbb", Interface: "eni-bbbbbbbb"})
}

func TestAPrivateIPGoesToAnInterfaceOnNoMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.must(w.tc.AddENI(faketencent.ENI{ID: "eni-dddddddd", IP: netip.MustParseAddr("10.0.4.80")}))
	w.wantCode("there", w.call("MigratePrivateIpAddress", migrate("eni-aaaaaaaa", "eni-dddddddd")), "")
	w.wantHolder(private, providers.Target{Interface: "eni-dddddddd"})
	w.wantCode("and back", w.call("MigratePrivateIpAddress", migrate("eni-dddddddd", "eni-bbbbbbbb")), "")
	w.wantHolder(private, providers.Target{Instance: "ins-bbbbbbbb", Interface: "eni-bbbbbbbb"})
}
