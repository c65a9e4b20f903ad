// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

// eipOf is an EIP in an answer: its status, and more fields.
func eipOf(status, more string) canned {
	return ok(fmt.Sprintf(`"TotalCount":1,"AddressSet":[{"AddressId":"eip-ek0cdz1g","AddressIp":"203.0.113.10","AddressStatus":%q%s}]`, status, more))
}

const (
	onA      = `,"InstanceId":"ins-ymk3eje8","NetworkInterfaceId":"eni-f1xjkw1b","PrivateAddressIp":"10.4.6.20","InstanceType":"CVM"`
	unbound  = `,"InstanceId":null,"NetworkInterfaceId":null,"PrivateAddressIp":null`
	loose    = `,"NetworkInterfaceId":"eni-f1xjkw1b","PrivateAddressIp":"10.4.6.20","InstanceType":"CVM"`
	nothing  = ""
	cascades = onA + `,"CascadeRelease":true`
)

func TestOwnerOfAnEIP(t *testing.T) {
	t.Parallel()
	a := providers.Assignment{Target: as(providers.KindEIP, instanceA), PrivateAddresses: addrs("10.4.6.20")}
	pending := func(a providers.Assignment) providers.Assignment { a.Pending = true; return a }
	for _, tc := range []struct {
		name   string
		answer canned
		want   providers.Assignment
		kind   string
		text   string
	}{
		{"bound", eipOf("BIND", onA), a, "", ""},
		{"bound, in the words of older samples", eipOf("BINDED", onA), a, "", ""},
		{"unbound", eipOf("UNBIND", unbound), providers.Assignment{}, "", ""},
		{"unbound, with the last machine still in it", eipOf("UNBIND", onA), providers.Assignment{}, "", ""},
		{"being bound", eipOf("BINDING", onA), pending(providers.Assignment{}), "", ""},
		{"being unbound", eipOf("UNBINDING", onA), pending(a), "", ""},
		{"being created", eipOf("CREATING", nothing), pending(providers.Assignment{}), "", ""},
		{"bound to an interface on no machine", eipOf("BIND_ENI", `,"InstanceId":"","NetworkInterfaceId":"eni-f1xjkw1b","PrivateAddressIp":"10.4.6.20","InstanceType":"ENI"`),
			providers.Assignment{Target: providers.Target{Interface: "eni-f1xjkw1b", PrivateIP: ip("10.4.6.20")}, PrivateAddresses: addrs("10.4.6.20")}, "", ""},
		{"being unbound from such an interface", eipOf("UNBINDING", `,"InstanceId":"","NetworkInterfaceId":"eni-f1xjkw1b"`),
			pending(providers.Assignment{Target: providers.Target{Interface: "eni-f1xjkw1b"}}), "", ""},
		{"bound to a machine that is not told", eipOf("BIND", loose), providers.Assignment{}, "transient",
			"InstanceId: missing, but the EIP is BIND to eni-f1xjkw1b/10.4.6.20; one on an interface of no machine is BIND_ENI"},
		{"bound to a machine whose id is empty", eipOf("BINDED", `,"InstanceId":"","NetworkInterfaceId":"eni-f1xjkw1b"`), providers.Assignment{}, "transient",
			"InstanceId: missing, but the EIP is BINDED to eni-f1xjkw1b; "},
		{"bound to an address alone", eipOf("BIND_ENI", `,"PrivateAddressIp":"10.4.6.20"`), providers.Assignment{}, "transient", "InstanceId and NetworkInterfaceId: missing"},
		{"bound, and unbound in other letters", eipOf("BIND", onA+`,"addressStatus":"UNBIND"`), a, "", ""},
		{"bound to a NAT gateway", eipOf("BIND", `,"InstanceId":"nat-12345678","InstanceType":"NAT"`),
			providers.Assignment{Target: providers.Target{Instance: "nat-12345678"}}, "", ""},
		{"bound to a HAVIP", eipOf("BIND", `,"InstanceId":"havip-72alakye","PrivateAddressIp":"10.4.6.15","InstanceType":"HAVIP"`),
			providers.Assignment{Target: providers.Target{Instance: "havip-72alakye", PrivateIP: ip("10.4.6.15")}, PrivateAddresses: addrs("10.4.6.15")}, "", ""},
		{"being released", eipOf("OFFLINING", nothing), providers.Assignment{}, "not-found", "being released"},
		{"would vanish when unbound", eipOf("BIND", cascades), a, "", ""},
		{"in arrears", eipOf("BIND", onA+`,"IsArrears":true`), a, "", ""},
		{"blocked", eipOf("BIND", onA+`,"IsBlocked":true`), a, "", ""},
		{"in arrears and unbound", eipOf("UNBIND", `,"IsArrears":true`), providers.Assignment{}, "", ""},
		{"another address", ok(`"AddressSet":[{"AddressId":"eip-ek0cdz1g","AddressIp":"203.0.113.11","AddressStatus":"UNBIND"}]`),
			providers.Assignment{}, "invalid", "id: eip-ek0cdz1g is the EIP 203.0.113.11; correct the id or the ip"},
		{"unknown", ok(`"TotalCount":0,"AddressSet":[]`), providers.Assignment{}, "not-found", "eip-ek0cdz1g does not exist in ap-guangzhou, or this credential may not see it; check the id and the region"},
		{"not the one that was asked for", ok(`"AddressSet":[{"AddressId":"eip-other","AddressIp":"203.0.113.10","AddressStatus":"UNBIND"}]`), providers.Assignment{}, "not-found", ""},
		{"no list", ok(`"TotalCount":1`), providers.Assignment{}, "transient", "AddressSet: missing"},
		{"a list that is null", ok(`"AddressSet":null`), providers.Assignment{}, "transient", "AddressSet: missing"},
		{"an entry that is null", ok(`"AddressSet":[null]`), providers.Assignment{}, "transient", "AddressSet.AddressId: missing"},
		{"an entry without an id", ok(`"AddressSet":[{"AddressIp":"203.0.113.10","AddressStatus":"UNBIND"}]`), providers.Assignment{}, "transient", "AddressSet.AddressId: missing"},
		{"in the list twice", canned{body: strings.Replace(eipOf("UNBIND", unbound).body, `"AddressSet":[`, `"AddressSet":[{"AddressId":"eip-ek0cdz1g","AddressIp":"203.0.113.10","AddressStatus":"BIND"`+onA+`},`, 1)}, providers.Assignment{}, "transient", `"eip-ek0cdz1g" is in the list twice`},
		{"no address", ok(`"AddressSet":[{"AddressId":"eip-ek0cdz1g","AddressStatus":"UNBIND"}]`), providers.Assignment{}, "transient", "AddressIp"},
		{"no status", eipOf("", onA), providers.Assignment{}, "transient", `AddressStatus: "" is not known`},
		{"a status of later days", eipOf("FROZEN", onA), providers.Assignment{}, "transient", `AddressStatus: "FROZEN" is not known`},
		{"bound to nothing", eipOf("BIND", unbound), providers.Assignment{}, "transient", "InstanceId and NetworkInterfaceId: missing"},
		{"another type than documented", ok(`"AddressSet":"none"`), providers.Assignment{}, "transient", "Response.AddressSet: string, which is not the documented type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, script{"DescribeAddresses": tc.answer})
			got, err := provider(t, c, providers.KindEIP).Owner(t.Context(), eip1)
			want(t, err, tc.kind, tc.text)
			if diff := cmp.Diff(tc.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{`DescribeAddresses {"AddressIds":["eip-ek0cdz1g"],"Limit":100}`}, r.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAnEIPOnAMachineIsOnItsPrimaryAddress: an answer may name the machine alone.
func TestAnEIPOnAMachineIsOnItsPrimaryAddress(t *testing.T) {
	t.Parallel()
	alone := eipOf("BIND", `,"InstanceId":"ins-ymk3eje8","NetworkInterfaceId":null,"PrivateAddressIp":null`)
	machine := func(more string) canned {
		return ok(`"InstanceSet":[{"InstanceId":"ins-ymk3eje8","InstanceState":"RUNNING"` + more + `}]`)
	}
	for _, tc := range []struct {
		name     string
		machine  canned
		kind     string
		text     string
		machines int // reads of the machine for two of the EIP
	}{
		{"told by the machine", machine(`,"PrivateIpAddresses":["10.4.6.20"]`), "", "", 1},
		{"a machine without addresses", machine(""), "transient", "InstanceSet.PrivateIpAddresses: missing", 2},
		{"a machine that is not told", ok(`"InstanceSet":[]`), "transient", "0 machines are ins-ymk3eje8", 2},
		{"a machine that may not be read", refused("UnauthorizedOperation", "no"), "denied", "cvm:DescribeInstances", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, script{"DescribeAddresses": alone, "DescribeInstances": tc.machine})
			for range 2 {
				got, err := provider(t, c, providers.KindEIP).Owner(t.Context(), eip1)
				want(t, err, tc.kind, tc.text)
				held := providers.Assignment{Target: as(providers.KindEIP, instanceA), PrivateAddresses: addrs("10.4.6.20")}
				if err != nil {
					held = providers.Assignment{}
				}
				if diff := cmp.Diff(held, got, compareIP); diff != "" {
					t.Error(diff)
				}
			}
			asked := 0
			for _, line := range r.seen() {
				if strings.HasPrefix(line, "DescribeInstances ") {
					asked++
				}
			}
			if asked != tc.machines {
				t.Errorf("the machine was read %d times, want %d", asked, tc.machines)
			}
		})
	}
}

// havipOf is the HAVIP of testdata with some text replaced.
func havipOf(t *testing.T, oldnew ...string) canned {
	c := document(t, "havip")
	c.body = strings.NewReplacer(oldnew...).Replace(c.body)
	return c
}

func TestOwnerOfAHAVIP(t *testing.T) {
	t.Parallel()
	const noOwner = `"NetworkInterfaceId":"","InstanceId":""`
	const owner = `"NetworkInterfaceId":"eni-f1xjkw1b","InstanceId":"ins-ymk3eje8"`
	a := providers.Assignment{Target: as(providers.KindHAVIP, instanceA)}
	follows := a
	follows.Following = addrs("203.0.113.10")
	for _, tc := range []struct {
		name   string
		answer canned
		want   providers.Assignment
		kind   string
		text   string
	}{
		{"held", havipOf(t), a, "", ""},
		{"held, with an EIP that follows", havipOf(t, `"AddressIp":""`, `"AddressIp":"203.0.113.10"`), follows, "", ""},
		{"UNBIND", havipOf(t, owner, noOwner, "AVAILABLE", "UNBIND"), providers.Assignment{}, "", ""},
		{"UNBOUND", havipOf(t, owner, noOwner, "AVAILABLE", "UNBOUND"), providers.Assignment{}, "", ""},
		{"held by an interface on no machine", havipOf(t, `"InstanceId":"ins-ymk3eje8",`+"\n", `"InstanceId":"",`+"\n"),
			providers.Assignment{Target: providers.Target{Interface: "eni-f1xjkw1b"}}, "", ""},
		{"held by a machine that is not told", havipOf(t, `"InstanceId":"ins-ymk3eje8",`+"\n", "\n"), providers.Assignment{}, "transient", "InstanceId: missing, and eni-f1xjkw1b is named"},
		{"held by a machine that is null", havipOf(t, `"InstanceId":"ins-ymk3eje8"`, `"InstanceId":null`), providers.Assignment{}, "transient", "InstanceId: missing, and eni-f1xjkw1b is named"},
		{"UNBOUND, and without holders", havipOf(t, owner+`,`, "", `"State":"AVAILABLE"`, `"State":"UNBOUND"`), providers.Assignment{}, "", ""},
		{"UNBOUND, and held by a machine", havipOf(t, `"State":"AVAILABLE"`, `"State":"UNBOUND"`), providers.Assignment{}, "transient", `State: "UNBOUND", and ins-ymk3eje8/eni-f1xjkw1b is named`},
		{"UNBIND, and held by an interface", havipOf(t, `"InstanceId":"ins-ymk3eje8",`+"\n", "\n", `"State":"AVAILABLE"`, `"State":"UNBIND"`), providers.Assignment{}, "transient", `State: "UNBIND", and eni-f1xjkw1b is named`},
		{"available, and held by nobody", havipOf(t, owner, noOwner), providers.Assignment{}, "transient", "and nobody is named"},
		{"another address", havipOf(t, "10.4.6.15", "10.4.6.16"), providers.Assignment{}, "invalid", "is the HAVIP 10.4.6.16"},
		{"unknown: an empty list", ok(`"HaVipSet":[]`), providers.Assignment{}, "not-found", "havip-72alakye does not exist in ap-guangzhou"},
		{"unknown: a refusal", refused("ResourceNotFound", "no"), providers.Assignment{}, "not-found", "no"},
		{"no list", ok(""), providers.Assignment{}, "transient", "HaVipSet: missing"},
		{"nothing but an id", ok(`"HaVipSet":[{"HaVipId":"havip-72alakye","Vip":"10.4.6.15"}]`), providers.Assignment{}, "transient", "missing"},
		{"an address that is none", havipOf(t, `"Vip":"10.4.6.15"`, `"Vip":"x"`), providers.Assignment{}, "transient", `Vip: "x" is not an IP address`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := start(t, script{"DescribeHaVips": tc.answer, "DescribeNetworkInterfaces": document(t, "interfaces")})
			got, err := provider(t, c, providers.KindHAVIP).Owner(t.Context(), havip1)
			want(t, err, tc.kind, tc.text)
			if diff := cmp.Diff(tc.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// interfacesOf is the interface of testdata with some text replaced.
func interfacesOf(t *testing.T, oldnew ...string) canned {
	c := document(t, "interfaces")
	c.body = strings.NewReplacer(oldnew...).Replace(c.body)
	return c
}

func TestOwnerOfAPrivateIP(t *testing.T) {
	t.Parallel()
	const entry = `"PrivateIpAddress":"10.4.6.60","Primary":false,"State":"AVAILABLE"`
	state := func(s string) canned { return interfacesOf(t, entry, strings.Replace(entry, "AVAILABLE", s, 1)) }
	a := providers.Assignment{Target: as(providers.KindPrivateIP, instanceA), PrivateAddresses: addrs("10.4.6.20")}
	pending := a
	pending.Pending = true
	foreign := func(instance string) providers.Assignment {
		return providers.Assignment{Target: providers.Target{Instance: instance, Interface: "eni-f1xjkw1b"}, PrivateAddresses: addrs("10.4.6.20")}
	}
	loose := foreign("")
	none, subnet := ok(`"NetworkInterfaceSet":[]`), ok(`"SubnetSet":[{"SubnetId":"subnet-qq51iwr4","CidrBlock":"10.4.6.0/24"}]`)
	migrating := interfacesOf(t, `"RequestId"`, `"x":0,"RequestId"`,
		`"NetworkInterfaceSet":[`, `"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-g0n2axhd","PrivateIpAddressSet":[{`+strings.Replace(entry, "AVAILABLE", "MIGRATING", 1)+`}]},`)
	twice := interfacesOf(t, `"NetworkInterfaceSet":[`, `"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-g0n2axhd","PrivateIpAddressSet":[{`+entry+`}]},`)
	for _, tc := range []struct {
		name   string
		answer canned
		subnet canned
		want   providers.Assignment
		kind   string
		text   string
	}{
		{"held", interfacesOf(t), subnet, a, "", ""},
		{"arriving", state("PENDING"), subnet, pending, "", ""},
		{"migrating", state("MIGRATING"), subnet, pending, "", ""},
		{"leaving", state("DELETING"), subnet, pending, "", ""},
		{"migrating, and on two interfaces", migrating, subnet, pending, "", ""},
		{"available on two interfaces", twice, subnet, pending, "", ""},
		{"an empty list beside a count", ok(`"NetworkInterfaceSet":[],"TotalCount":1`), subnet, providers.Assignment{}, "transient", "NetworkInterfaceSet: 0 of TotalCount 1"},
		{"an address that is empty", interfacesOf(t, `"PrivateIpAddress":"10.4.6.60"`, `"PrivateIpAddress":""`), subnet, providers.Assignment{}, "transient", `PrivateIpAddressSet.PrivateIpAddress: "" is not an IP address`},
		{"on an interface of no machine", interfacesOf(t, `"Attachment":{"InstanceId":"ins-ymk3eje8",`, `"Attachment":{"InstanceId":"",`), subnet, loose, "", ""},
		{"on an interface without a list of addresses", interfacesOf(t, `"PrivateIpAddressSet":[`, `"PrivateIpAddressSet":null,"x":[`), subnet, providers.Assignment{}, "transient", "PrivateIpAddressSet: missing"},
		{"on an interface with an empty list of addresses", interfacesOf(t, `"PrivateIpAddressSet":[`, `"PrivateIpAddressSet":[],"x":[`), subnet, providers.Assignment{}, "transient", "PrivateIpAddressSet: missing"},
		{"on an interface whose attachment names no machine", interfacesOf(t, `"Attachment":{"InstanceId":"ins-ymk3eje8",`, `"Attachment":{`), subnet, providers.Assignment{}, "transient", "Attachment.InstanceId: missing"},
		{"on an interface without an attachment", interfacesOf(t, `"Attachment":{`, `"Attachment":null,"x":{`), subnet, loose, "", ""},
		{"on an interface of a container", interfacesOf(t, `"InstanceId":"ins-ymk3eje8"`, `"InstanceId":"eks-ymk3eje8"`), subnet, foreign("eks-ymk3eje8"), "", ""},
		{"of one that has the id of a machine", interfacesOf(t, `"EniType":1`, `"Business":"eks"`), subnet, foreign("eks ins-ymk3eje8"), "", ""},
		{"of one that is not told", interfacesOf(t, `"Attachment":{`, `"Business":"eks","x":{`), subnet, foreign("eks"), "", ""},
		{"on an interface of a machine, in as many words", interfacesOf(t, `"EniType":1`, `"Business":"cvm"`), subnet, a, "", ""},
		{"held by nobody", none, subnet, providers.Assignment{}, "", ""},
		{"only the end of it fits", interfacesOf(t, "10.4.6.60", "110.4.6.60"), subnet, providers.Assignment{}, "", ""},
		{"outside the subnet", none, ok(`"SubnetSet":[{"SubnetId":"subnet-qq51iwr4","CidrBlock":"10.4.5.0/24"}]`), providers.Assignment{}, "invalid", "ip: 10.4.6.60 is outside 10.4.5.0/24, the range of subnet-qq51iwr4"},
		{"of a subnet that does not exist", none, ok(`"SubnetSet":[]`), providers.Assignment{}, "not-found", "subnet-qq51iwr4 does not exist in ap-guangzhou"},
		{"of a subnet that does not exist, refused", none, refused("ResourceNotFound", "no"), providers.Assignment{}, "not-found", ""},
		{"of a subnet that may not be read", none, refused("UnauthorizedOperation", "no"), providers.Assignment{}, "", ""},
		{"of a subnet where no such call is", none, refused("InvalidAction", "no"), providers.Assignment{}, "", ""},
		{"of a subnet without a range", none, ok(`"SubnetSet":[{"SubnetId":"subnet-qq51iwr4"}]`), providers.Assignment{}, "transient", "CidrBlock"},
		{"no list of subnets", none, ok(""), providers.Assignment{}, "transient", "SubnetSet: missing"},
		{"primary", interfacesOf(t, entry, strings.Replace(entry, "false", "true", 1)), subnet, providers.Assignment{}, "invalid", "10.4.6.60 is the primary address of eni-f1xjkw1b; only a secondary one can move"},
		{"no list", ok(""), subnet, providers.Assignment{}, "transient", "NetworkInterfaceSet: missing"},
		{"no word on whether it is primary", interfacesOf(t, entry, `"PrivateIpAddress":"10.4.6.60","State":"AVAILABLE"`), subnet, providers.Assignment{}, "transient", "Primary or State: missing"},
		{"no state", interfacesOf(t, entry, `"PrivateIpAddress":"10.4.6.60","Primary":false`), subnet, providers.Assignment{}, "transient", "Primary or State: missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, script{"DescribeNetworkInterfaces": tc.answer, "DescribeSubnets": tc.subnet})
			got, err := provider(t, c, providers.KindPrivateIP).Owner(t.Context(), private1)
			want(t, err, tc.kind, tc.text)
			if diff := cmp.Diff(tc.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
			// A single value of address-ip alone matches the ends of addresses.
			if line := `DescribeNetworkInterfaces {"Filters":[{"Name":"subnet-id","Values":["subnet-qq51iwr4"]},{"Name":"address-ip","Values":["10.4.6.60"]},{"Name":"ip-exact-match","Values":["true"]}],"Limit":100}`; r.seen()[0] != line {
				t.Errorf("asked %s", r.seen()[0])
			}
		})
	}
}

// tableOf is the route table of testdata with some text replaced.
func tableOf(t *testing.T, oldnew ...string) canned {
	c := document(t, "route_table")
	c.body = strings.NewReplacer(oldnew...).Replace(c.body)
	return c
}

func TestOwnerOfARoute(t *testing.T) {
	t.Parallel()
	const hop = `"GatewayType":"NORMAL_CVM","GatewayId":"10.4.6.20"`
	for _, tc := range []struct {
		name   string
		answer canned
		want   providers.Assignment
		kind   string
		text   string
	}{
		{"to a machine", tableOf(t), providers.Assignment{Target: as(providers.KindRoute, instanceA), PrivateAddresses: addrs("10.4.6.20"), Version: "rti-araogi5t@10.4.6.20"}, "", ""},
		{"of an older table", tableOf(t, `"RouteItemId":"rti-araogi5t",`, ""), providers.Assignment{Target: as(providers.KindRoute, instanceA), PrivateAddresses: addrs("10.4.6.20"), Version: "811146@10.4.6.20"}, "", ""},
		{"to a HAVIP", tableOf(t, hop, `"GatewayType":"HAVIP","GatewayId":"havip-72alakye"`), providers.Assignment{Target: providers.Target{Instance: "havip:havip-72alakye"}, Version: "rti-araogi5t@havip-72alakye"}, "", ""},
		{"not in the table", tableOf(t, "172.16.0.9/32", "172.16.0.0/24"), providers.Assignment{}, "not-found", "rtb-afg8md3c has no route to 172.16.0.9/32; create it"},
		{"in the table twice", tableOf(t, "10.4.0.0/16", "172.16.0.9/32"), providers.Assignment{}, "invalid", "has several routes to 172.16.0.9/32"},
		{"of no type, as in the vendor's samples", tableOf(t, `"RouteType":"USER",`, ""), providers.Assignment{Target: as(providers.KindRoute, instanceA), PrivateAddresses: addrs("10.4.6.20"), Version: "rti-araogi5t@10.4.6.20"}, "", ""},
		{"beside one that names no destination", tableOf(t, `"DestinationCidrBlock":"10.4.0.0/16",`, ""), providers.Assignment{}, "transient", "RouteSet.DestinationCidrBlock: missing"},
		{"beside one of IPv6", tableOf(t, `"DestinationCidrBlock":"10.4.0.0/16",`, `"DestinationIpv6CidrBlock":"2402:4e00:1000:810b::/64",`), providers.Assignment{Target: as(providers.KindRoute, instanceA), PrivateAddresses: addrs("10.4.6.20"), Version: "rti-araogi5t@10.4.6.20"}, "", ""},
		{"not one of the user's", tableOf(t, "USER", "CCN"), providers.Assignment{}, "invalid", `of type "CCN"; only USER routes can be changed`},
		{"an unknown table", ok(`"RouteTableSet":[]`), providers.Assignment{}, "not-found", "rtb-afg8md3c does not exist in ap-guangzhou"},
		{"no list of tables", ok(""), providers.Assignment{}, "transient", "RouteTableSet: missing"},
		{"no list of routes", ok(`"RouteTableSet":[{"RouteTableId":"rtb-afg8md3c"}]`), providers.Assignment{}, "transient", "RouteSet: missing"},
		{"no id", tableOf(t, `"RouteItemId":"rti-araogi5t","RouteId":811146,`, ""), providers.Assignment{}, "transient", "RouteItemId: missing"},
		{"no next hop", tableOf(t, hop, `"GatewayType":"NORMAL_CVM"`), providers.Assignment{}, "transient", "GatewayType or GatewayId: missing"},
		{"a machine as next hop by its id", tableOf(t, `"GatewayId":"10.4.6.20"`, `"GatewayId":"ins-ymk3eje8"`), providers.Assignment{}, "transient", "GatewayId"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, script{"DescribeRouteTables": tc.answer})
			got, err := provider(t, c, providers.KindRoute).Owner(t.Context(), route1)
			want(t, err, tc.kind, tc.text)
			if diff := cmp.Diff(tc.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{`DescribeRouteTables {"RouteTableIds":["rtb-afg8md3c"],"Limit":"100","NeedRouterInfo":true}`}, r.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABatchOfMoreThanAHundredTakesMoreCalls(t *testing.T) {
	t.Parallel()
	c, r := start(t, script{"DescribeAddresses": ok(`"AddressSet":[]`)})
	var all []providers.Address
	for i := range 205 {
		a := eip1
		a.ID = fmt.Sprintf("eip-%08d", i%195) // ten of them twice
		a.IP = netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
		all = append(all, a)
	}
	got := provider(t, c, providers.KindEIP).(providers.BatchReader).Owners(t.Context(), all)
	for i := range got {
		want(t, got[i].Err, "not-found", all[i].ID)
	}
	if n := len(r.seen()); n != 2 {
		t.Errorf("%d calls for 195 ids, want 2", n)
	}
}

func TestABatchThatOneIDSpoilsIsReadOneByOne(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ResourceNotFound", "InvalidParameterValue.Malformed"} {
		c, r := start(t, script{"DescribeHaVips": refused(code, "no")})
		other := havip1
		other.ID = "havip-99999999"
		got := provider(t, c, providers.KindHAVIP).(providers.BatchReader).Owners(t.Context(), []providers.Address{havip1, other})
		if len(got) != 2 || got[0].Err == nil || got[1].Err == nil {
			t.Errorf("got %+v", got)
		}
		if n := len(r.seen()); n != 3 {
			t.Errorf("%s: %d calls, want one for both and one for each", code, n)
		}
	}
}

// TestABatchOfWhichAPolicyAllowsSome: one EIP that may not be read does not hide the others.
func TestABatchOfWhichAPolicyAllowsSome(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code  string
		calls int
		first string // the kind of the one that is allowed
	}{
		{"UnauthorizedOperation", 3, ""},
		{"AuthFailure.UnauthorizedOperation", 3, ""},
		{"AuthFailure.SignatureFailure", 1, "denied"}, // the credential is refused, whatever is asked
	} {
		var calls atomic.Int64
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			body, _ := io.ReadAll(r.Body)
			answer := eipOf("BIND", onA)
			if strings.Contains(string(body), "eip-99999999") {
				answer = refused(tc.code, "no")
			}
			_, _ = io.WriteString(w, answer.body)
		}))
		c, _ := startWith(t, nil, func(cfg *Config) { cfg.Endpoint = srv.URL })
		other := eip1
		other.ID = "eip-99999999"
		got := provider(t, c, providers.KindEIP).(providers.BatchReader).Owners(t.Context(), []providers.Address{eip1, other})
		srv.Close()
		want(t, got[0].Err, tc.first, "")
		want(t, got[1].Err, "denied", "")
		if tc.first == "" && got[0].Assignment.Target != as(providers.KindEIP, instanceA) {
			t.Errorf("%s: the owner is %s", tc.code, got[0].Assignment.Target)
		}
		if int(calls.Load()) != tc.calls {
			t.Errorf("%s: %d calls, want %d", tc.code, calls.Load(), tc.calls)
		}
	}
}
