// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/fakecloud"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestWritesAboutEIPsThatAreRefused(t *testing.T) {
	t.Parallel()
	const on, off = "AssociateAddress", "DisassociateAddress"
	toB := func(id string) string { return `{"AddressId":"` + id + `","InstanceId":"ins-bbbbbbbb"}` }
	alter := func(change func(*faketencent.EIP)) func(*world) {
		return func(w *world) { w.tc.ChangeEIP("eip-ffffffff", change) }
	}
	stop := func(w *world) { w.must(w.model.SetState("ins-bbbbbbbb", providers.InstanceStopped)) }
	tests := []struct {
		name, action, body string
		before             func(*world)
		want               string
	}{
		{"no address", on, `{"InstanceId":"ins-bbbbbbbb"}`, nil, "MissingParameter"},
		{"an id of another kind", on, toB("havip-11111111"), nil, "InvalidParameterValue.AddressIdMalformed"},
		{"an address nobody has", on, toB("eip-00000000"), nil, "InvalidAddressId.NotFound"},
		{"an address that is bound", on, toB("eip-aaaaaaaa"), nil, "UnsupportedOperation.AddressStatusNotPermit"},
		{"to where it is already", on, `{"AddressId":"eip-aaaaaaaa","InstanceId":"ins-aaaaaaaa"}`, nil, "UnsupportedOperation.AddressStatusNotPermit"},
		{"an address that is being bound", on, toB("eip-ffffffff"), func(w *world) { w.call(on, toB("eip-ffffffff")) }, "OperationDenied.MutexTaskRunning"},
		{"an address in arrears", on, toB("eip-ffffffff"), alter(func(e *faketencent.EIP) { e.Arrears = true }), "OperationDenied.AddressInArrears"},
		{"a blocked address", on, toB("eip-ffffffff"), alter(func(e *faketencent.EIP) { e.Blocked = true }), "InvalidAddressId.Blocked"},
		{"both forms", on, `{"AddressId":"eip-ffffffff","InstanceId":"ins-bbbbbbbb","NetworkInterfaceId":"eni-bbbbbbbb"}`, nil, "InvalidParameterConflict"},
		{"no form", on, `{"AddressId":"eip-ffffffff"}`, nil, "InvalidParameterValue.MissingAssociateEntity"},
		{"an interface without its address", on, `{"AddressId":"eip-ffffffff","NetworkInterfaceId":"eni-bbbbbbbb"}`, nil, "MissingParameter"},
		{"an address on another interface", on, `{"AddressId":"eip-ffffffff","NetworkInterfaceId":"eni-bbbbbbbb","PrivateIpAddress":"10.0.4.60"}`,
			nil, "InvalidNetworkInterfaceId.NotFound"},
		{"an interface nobody has", on, `{"AddressId":"eip-ffffffff","NetworkInterfaceId":"eni-00000000","PrivateIpAddress":"10.0.4.60"}`,
			nil, "InvalidParameterValue.NetworkInterfaceNotFound"},
		{"a machine nobody has", on, `{"AddressId":"eip-ffffffff","InstanceId":"ins-00000000"}`, nil, "InvalidInstanceId.NotFound"},
		{"a machine that is gone", on, toB("eip-ffffffff"), func(w *world) { w.must(w.model.SetState("ins-bbbbbbbb", providers.InstanceGone)) },
			"InvalidInstanceId.NotFound"},
		{"a machine with another EIP", on, `{"AddressId":"eip-ffffffff","InstanceId":"ins-aaaaaaaa"}`, nil, "InvalidInstanceId.AlreadyBindEip"},
		{"an address with another EIP", on, `{"AddressId":"eip-ffffffff","NetworkInterfaceId":"eni-aaaaaaaa","PrivateIpAddress":"10.0.4.20"}`,
			nil, "InvalidPrivateIpAddress.AlreadyBindEip"},
		{"a machine that another EIP is being bound to", on, toB("eip-eeeeeeee"), func(w *world) {
			w.must(w.tc.AddEIP(faketencent.EIP{ID: "eip-eeeeeeee", IP: eipFree.Next()}))
			w.call(on, toB("eip-ffffffff"))
		}, "InvalidInstanceId.AlreadyBindEip"},
		{"a machine that is stopped", on, toB("eip-ffffffff"), stop, ""},
		{"a machine that is stopped and not charged", on, toB("eip-ffffffff"), func(w *world) {
			stop(w)
			w.tc.ChangeMachine("ins-bbbbbbbb", func(m *faketencent.Machine) { m.StopCharging = true })
		}, "UnsupportedOperation.InstanceStatusNotPermit"},
		{"one of that kind while it runs", on, toB("eip-ffffffff"), func(w *world) {
			w.tc.ChangeMachine("ins-bbbbbbbb", func(m *faketencent.Machine) { m.StopCharging = true })
		}, ""},
		{"a machine with an ordinary public address", on, `{"AddressId":"eip-ffffffff","InstanceId":"ins-dddddddd"}`, func(w *world) {
			w.must(w.tc.AddMachine(faketencent.Machine{Instance: fakecloud.Instance{
				ID: "ins-dddddddd", Public: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
			}}))
		}, "InvalidParameterValue.InstanceHasWanIP"},
		{"unbinding what is not bound", off, `{"AddressId":"eip-ffffffff"}`, nil, "UnsupportedOperation.AddressStatusNotPermit"},
		{"unbinding twice", off, unbindA, func(w *world) { w.call(off, unbindA) }, "OperationDenied.MutexTaskRunning"},
		{"unbinding a NAT gateway's", off, `{"AddressId":"eip-ffffffff"}`, func(w *world) {
			w.must(w.model.AddInstance(fakecloud.Instance{ID: "nat-11111111"}))
			w.must(w.model.Place(eipFree, providers.Target{Instance: "nat-11111111"}))
		}, "InvalidInstance.NotSupported"},
		{"unbinding nothing", off, `{}`, nil, "MissingParameter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, faketencent.Options{})
			if tt.before != nil {
				tt.before(w)
			}
			before := w.model.View(0).Addresses()
			w.wantCode(tt.name, w.call(tt.action, tt.body), tt.want)
			if after := w.model.View(0).Addresses(); tt.want != "" && !cmp.Equal(before, after, equateAddr) {
				t.Errorf("a refused write changed something:\n%s", cmp.Diff(before, after, equateAddr))
			}
		})
	}
}

func TestAnotherRegionHasOtherThings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	for action, list := range map[string]string{
		"DescribeAddresses": "AddressSet", "DescribeHaVips": "HaVipSet", "DescribeNetworkInterfaces": "NetworkInterfaceSet",
		"DescribeRouteTables": "RouteTableSet", "DescribeSubnets": "SubnetSet", "DescribeVpcs": "VpcSet",
		"DescribeInstances": "InstanceSet", "DescribeInstancesStatus": "InstanceStatusSet",
		"DescribeDisasterRecoverGroups": "DisasterRecoverGroupSet",
	} {
		here := w.call(action, "{}")
		there, err := w.send(call{action: action, region: "ap-shanghai"})
		w.must(err)
		if here.at(list, 0) == nil || here.at("TotalCount") == 0.0 {
			t.Errorf("%s here: got %s", action, here.raw)
		}
		if there.code() != "" || there.at("TotalCount") != 0.0 || there.at(list, 0) != nil {
			t.Errorf("%s there: got %s", action, there.raw)
		}
	}
	r, err := w.send(call{action: "DisassociateAddress", body: unbindA, region: "ap-shanghai"})
	w.must(err)
	w.wantCode("a write there", r, "InvalidAddressId.NotFound")
}

// eipIs describes an EIP in one line: status, instance, interface, address, type.
func (w *world) eipIs(id string) string {
	w.t.Helper()
	r := w.call("DescribeAddresses", `{"AddressIds":["`+id+`"]}`)
	line := ""
	for _, field := range []string{"AddressStatus", "InstanceId", "NetworkInterfaceId", "PrivateAddressIp", "InstanceType"} {
		text, _ := r.at("AddressSet", 0, field).(string)
		line += text + "/"
	}
	return line
}

func TestHowHoldersOfAnEIPAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{BindDelay: -1})
	w.must(w.tc.AddENI(faketencent.ENI{ID: "eni-dddddddd", IP: netip.MustParseAddr("10.0.4.80")}))
	w.must(w.tc.AddENI(faketencent.ENI{ID: "eni-eeeeeeee", IP: netip.MustParseAddr("10.0.4.81"), Instance: "ins-bbbbbbbb"}))
	w.must(w.tc.AddEIP(faketencent.EIP{ID: "eip-11111111", IP: netip.MustParseAddr("203.0.113.1"), Holder: providers.Target{Instance: "lb-11111111"}}))
	w.must(w.tc.AddEIP(faketencent.EIP{ID: "eip-22222222", IP: netip.MustParseAddr("203.0.113.2"), Holder: providers.Target{Instance: "nat-11111111"}}))
	w.must(w.tc.AddEIP(faketencent.EIP{ID: "eip-33333333", IP: netip.MustParseAddr("203.0.113.3"), Holder: providers.Target{Instance: "havip-11111111"}}))
	toInterface := func(eni, ip string) {
		w.wantCode("unbind", w.call("DisassociateAddress", unbindA), "")
		w.wantCode("bind to "+eni, w.call("AssociateAddress",
			`{"AddressId":"eip-aaaaaaaa","NetworkInterfaceId":"`+eni+`","PrivateIpAddress":"`+ip+`"}`), "")
	}
	for _, tt := range []struct {
		do       func()
		id, want string
	}{
		{func() {}, "eip-aaaaaaaa", "BIND/ins-aaaaaaaa/eni-aaaaaaaa/10.0.4.20/CVM/"},
		{func() {}, "eip-ffffffff", "UNBIND/////"},
		{func() {}, "eip-11111111", "BIND/lb-11111111///CLB/"},
		{func() {}, "eip-22222222", "BIND/nat-11111111///NAT/"},
		{func() {}, "eip-33333333", "BIND/havip-11111111///HAVIP/"},
		{func() { toInterface("eni-dddddddd", "10.0.4.80") }, "eip-aaaaaaaa", "BIND_ENI//eni-dddddddd/10.0.4.80/ENI/"},
		{func() { toInterface("eni-eeeeeeee", "10.0.4.81") }, "eip-aaaaaaaa", "BIND/ins-bbbbbbbb/eni-eeeeeeee/10.0.4.81/ENI/"},
		{func() { toInterface("eni-aaaaaaaa", "10.0.4.60") }, "eip-aaaaaaaa", "BIND/ins-aaaaaaaa/eni-aaaaaaaa/10.0.4.60/ENI/"},
		{func() { w.tc.ChangeEIP("eip-11111111", func(e *faketencent.EIP) { e.InstanceType = "WAF" }) }, "eip-11111111", "BIND/lb-11111111///WAF/"},
		{func() { w.call("DisassociateAddress", unbindA) }, "eip-aaaaaaaa", "UNBIND/////"},
		{func() { w.tc.SetDialect(faketencent.Dialect{StaleInstance: true}) }, "eip-aaaaaaaa", "UNBIND/ins-aaaaaaaa/eni-aaaaaaaa/10.0.4.60/ENI/"},
	} {
		tt.do()
		if got := w.eipIs(tt.id); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.id, got, tt.want)
		}
	}
}

func TestAnEIPCanVanishWhenItIsUnbound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.tc.ChangeEIP("eip-aaaaaaaa", func(e *faketencent.EIP) { e.CascadeRelease = true })
	w.wantCode("unbind", w.call("DisassociateAddress", unbindA), "")
	if got := w.eipIs("eip-aaaaaaaa"); got != "UNBINDING/ins-aaaaaaaa/eni-aaaaaaaa/10.0.4.20/CVM/" {
		t.Errorf("meanwhile: got %s", got)
	}
	w.advance(time.Second)
	if r := w.call("DescribeAddresses", `{"AddressIds":["eip-aaaaaaaa"]}`); r.at("TotalCount") != 0.0 {
		t.Errorf("then: got %s", r.raw)
	}
	w.wantCode("bind", w.call("AssociateAddress", `{"AddressId":"eip-aaaaaaaa","InstanceId":"ins-bbbbbbbb"}`), "InvalidAddressId.NotFound")
}

func TestWhatDialectsChoose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.tc.SetDialect(faketencent.Dialect{
		Mutex: "DesOperation.MutexTaskRunning", AssociateStatus: "InvalidAddressState",
		DisassociateStatus: "InvalidAddressIdStatus.NotPermit", PrimaryIP: "UnsupportedOperation.PrimaryIp",
		Unbound: "UNBOUND", NullTaskID: true, UnknownHAVIP: true,
	})
	w.wantCode("bind a bound one", w.call("AssociateAddress", `{"AddressId":"eip-aaaaaaaa","InstanceId":"ins-bbbbbbbb"}`), "InvalidAddressState")
	w.wantCode("unbind an unbound one", w.call("DisassociateAddress", `{"AddressId":"eip-ffffffff"}`), "InvalidAddressIdStatus.NotPermit")
	r := w.call("DisassociateAddress", unbindA)
	if id, there := r.body.(map[string]any)["TaskId"]; id != nil || !there {
		t.Errorf("unbind: got %s, want a TaskId of null", r.raw)
	}
	w.wantCode("unbind again", w.call("DisassociateAddress", unbindA), "DesOperation.MutexTaskRunning")
	w.wantCode("migrate the primary", w.call("MigratePrivateIpAddress", `{"SourceNetworkInterfaceId":"eni-aaaaaaaa",
		"DestinationNetworkInterfaceId":"eni-bbbbbbbb","PrivateIpAddress":"10.0.4.20"}`), "UnsupportedOperation.PrimaryIp")
	w.wantCode("an unknown HAVIP", w.call("DescribeHaVips", `{"HaVipIds":["havip-00000000"]}`), "ResourceNotFound")
	w.must(w.model.Place(vip, providers.Target{}))
	if got := w.call("DescribeHaVips", `{"HaVipIds":["havip-11111111"]}`).at("HaVipSet", 0, "State"); got != "UNBOUND" {
		t.Errorf("state: got %v", got)
	}
}
