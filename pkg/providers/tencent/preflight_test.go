// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"strings"
	"testing"

	"github.com/fipctl/fipctl/pkg/providers"
)

// instancesOf is the machine of testdata with some text replaced.
func instancesOf(t *testing.T, oldnew ...string) canned {
	c := document(t, "instances")
	c.body = strings.NewReplacer(oldnew...).Replace(c.body)
	return c
}

// preflight is one case: what is changed in a script that speaks for the assignment.
type preflight struct {
	name       string
	change     script
	kind, text string
}

// run checks that a kind says of a machine what each case wants, and writes nothing.
func run(t *testing.T, a providers.Address, good script, cases []preflight) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, good.with(tc.change))
			err := provider(t, c, a.Kind).(providers.Preflighter).Preflight(t.Context(), a, as(a.Kind, instanceA))
			want(t, err, tc.kind, tc.text)
			if w := r.writes(); len(w) != 0 {
				t.Errorf("a check wrote: %s", w)
			}
		})
	}
}

func TestPreflightOfAHAVIP(t *testing.T) {
	t.Parallel()
	good := script{"DescribeHaVips": havipOf(t), "DescribeNetworkInterfaces": interfacesOf(t)}
	ranged := func(member string) script {
		return script{"DescribeHaVips": havipOf(t, `"HaVipAssociationSet":[{"HaVipId":"havip-72alakye","InstanceId":"ins-ymk3eje8","InstanceType":"CVM"},`,
			`"HaVipAssociationSet":[{"HaVipId":"havip-72alakye","InstanceId":"`+member+`","InstanceType":"X"},`)}
	}
	sparse := func(more string) canned {
		return ok(`"HaVipSet":[{"HaVipId":"havip-72alakye","Vip":"10.4.6.15","SubnetId":"subnet-qq51iwr4","NetworkInterfaceId":"","InstanceId":"","AddressIp":"","State":"UNBOUND"` + more + `}]`)
	}
	run(t, havip1, good, []preflight{
		{"nothing speaks against it", nil, "", ""},
		{"the interface is in the drift range", ranged("eni-f1xjkw1b"), "", ""},
		{"outside the drift range", ranged("ins-other123"), "invalid", "ins-ymk3eje8 is outside the drift range of havip-72alakye (ins-other123, ins-3nqpdn3i); add it there, or turn the range off"},
		{"a drift range that is not enforced", script{"DescribeHaVips": havipOf(t, `"CheckAssociate":true`, `"CheckAssociate":false`, "ins-ymk3eje8\",\"InstanceType", "ins-other123\",\"InstanceType")}, "", ""},
		{"an empty drift range", script{"DescribeHaVips": ok(`"HaVipSet":[{"HaVipId":"havip-72alakye","Vip":"10.4.6.15","SubnetId":"subnet-qq51iwr4","State":"UNBIND","CheckAssociate":true,"HaVipAssociationSet":[]}]`)}, "invalid", "(which is empty)"},
		{"interfaces without a subnet", script{"DescribeNetworkInterfaces": interfacesOf(t, `"SubnetId":"subnet-qq51iwr4",`, "")}, "transient", "NetworkInterfaceSet.SubnetId: missing"},
		{"another subnet", script{"DescribeNetworkInterfaces": interfacesOf(t, "subnet-qq51iwr4", "subnet-other")}, "invalid", "havip-72alakye is in subnet-qq51iwr4, and ins-ymk3eje8 in subnet-other; a HAVIP is announced within its subnet only"},
		{"as in the vendor's samples, no word on a drift range", script{"DescribeHaVips": sparse("")}, "", ""},
		{"the same with null", script{"DescribeHaVips": sparse(`,"CheckAssociate":null,"HaVipAssociationSet":null`)}, "", ""},
		{"no word on the check, and an empty range", script{"DescribeHaVips": sparse(`,"HaVipAssociationSet":[]`)}, "", ""},
		{"no word on the check, and a range that has the machine", script{"DescribeHaVips": havipOf(t, `"CheckAssociate":true,`, "")}, "", ""},
		{"no word on the check, and a range that lacks the machine", script{"DescribeHaVips": sparse(`,"HaVipAssociationSet":[{"InstanceId":"ins-other123"}]`)}, "transient", "CheckAssociate: missing, and ins-ymk3eje8 is outside the drift range of havip-72alakye (ins-other123); whether that counts is not told"},
		{"a check against a range that is not told", script{"DescribeHaVips": sparse(`,"CheckAssociate":true,"HaVipAssociationSet":null`)}, "transient", "HaVipAssociationSet: missing, and CheckAssociate is true; whether ins-ymk3eje8 is in the drift range of havip-72alakye is not told"},
		{"no check, and a range that is not told", script{"DescribeHaVips": sparse(`,"CheckAssociate":false`)}, "", ""},
		{"a member of the drift range that is null, beside the machine", script{"DescribeHaVips": havipOf(t, `"HaVipAssociationSet":[`, `"HaVipAssociationSet":[null,`)}, "", ""},
		{"a member of the drift range that is null", script{"DescribeHaVips": havipOf(t, `"HaVipAssociationSet":[`, `"HaVipAssociationSet":[null,`, `"ins-ymk3eje8","InstanceType`, `"ins-other123","InstanceType`)}, "transient", "HaVipAssociationSet.InstanceId: missing"},
		{"a member of the drift range without an id", script{"DescribeHaVips": sparse(`,"CheckAssociate":true,"HaVipAssociationSet":[{"InstanceId":null}]`)}, "transient", "HaVipAssociationSet.InstanceId: missing"},
		{"no subnet", script{"DescribeHaVips": havipOf(t, `"SubnetId":"subnet-qq51iwr4",`, "")}, "transient", "SubnetId: missing"},
		{"an unknown HAVIP", script{"DescribeHaVips": ok(`"HaVipSet":[]`)}, "not-found", "havip-72alakye does not exist"},
		{"an unknown machine", script{"DescribeNetworkInterfaces": ok(`"NetworkInterfaceSet":[]`)}, "not-found", "ins-ymk3eje8 does not exist"},
		{"interfaces may not be read", script{"DescribeNetworkInterfaces": refused("UnauthorizedOperation", "no")}, "denied", "may not vpc:DescribeNetworkInterfaces"},
	})
}

func TestPreflightOfAnEIP(t *testing.T) {
	t.Parallel()
	// The one answer serves two questions: about the EIP, and about those of the machine.
	with := func(c canned) script { return script{"DescribeAddresses": c} }
	two := ok(`"AddressSet":[{"AddressId":"eip-ek0cdz1g","AddressIp":"203.0.113.10","AddressStatus":"UNBIND"},` +
		`{"AddressId":"eip-zzzzzzzz","AddressIp":"203.0.113.77","AddressStatus":"BIND","InstanceId":"ins-ymk3eje8","PrivateAddressIp":"10.4.6.20"}]`)
	byMachine := ok(`"AddressSet":[{"AddressId":"eip-ek0cdz1g","AddressIp":"203.0.113.10","AddressStatus":"UNBIND"},` +
		`{"AddressId":"eip-zzzzzzzz","AddressIp":"203.0.113.77","AddressStatus":"BIND","InstanceId":"ins-ymk3eje8","PrivateAddressIp":null}]`)
	secondary := ok(`"AddressSet":[{"AddressId":"eip-ek0cdz1g","AddressIp":"203.0.113.10","AddressStatus":"UNBIND"},` +
		`{"AddressId":"eip-zzzzzzzz","AddressIp":"203.0.113.77","AddressStatus":"BIND","InstanceId":"ins-ymk3eje8","PrivateAddressIp":"10.4.6.33"}]`)
	public := func(ips string) canned {
		return instancesOf(t, `"PublicIpAddresses":null`, `"PublicIpAddresses":[`+ips+`]`)
	}
	run(t, eip1, script{"DescribeAddresses": eipOf("UNBIND", unbound), "DescribeInstances": instancesOf(t)}, []preflight{
		{"nothing speaks against it", nil, "", ""},
		{"it is there, whatever the machine is like", with(eipOf("BIND", onA)).with(script{"DescribeInstances": instancesOf(t, "RUNNING", "STOPPED")}), "", ""},
		{"another machine has it", with(eipOf("BIND", strings.ReplaceAll(onA, "ins-ymk3eje8", "ins-3nqpdn3i"))), "", ""},
		{"being bound", with(eipOf("BINDING", nothing)), "busy", "task under way (BINDING)"},
		{"a NAT gateway has it", with(eipOf("BIND", `,"InstanceId":"nat-12345678","InstanceType":"NAT"`)), "invalid", "bound to nat-12345678, which is no machine; unbind it there"},
		{"would vanish when unbound", with(eipOf("BIND", cascades)), "invalid", "CascadeRelease"},
		{"would vanish when unbound, and is", with(eipOf("UNBIND", `,"CascadeRelease":true`)), "invalid", "CascadeRelease"},
		{"in arrears", with(eipOf("UNBIND", `,"IsArrears":true`)), "invalid", "in arrears"},
		{"blocked", with(eipOf("UNBIND", `,"IsBlocked":true`)), "invalid", "blocked"},
		{"unknown", with(ok(`"AddressSet":[]`)), "not-found", "eip-ek0cdz1g does not exist"},
		{"the machine is unknown", script{"DescribeInstances": ok(`"InstanceSet":[]`)}, "not-found", "ins-ymk3eje8 does not exist"},
		{"the machine is stopped", script{"DescribeInstances": instancesOf(t, "RUNNING", "STOPPED")}, "invalid", "the machine is STOPPED; it must run"},
		{"not the primary address", script{"DescribeInstances": instancesOf(t, "10.4.6.20", "10.4.6.9")}, "invalid", "10.4.6.20 is not the primary private address of ins-ymk3eje8, which is 10.4.6.9"},
		{"no addresses", script{"DescribeInstances": instancesOf(t, `["10.4.6.20"]`, "[]")}, "transient", "PrivateIpAddresses: missing"},
		{"another EIP is there", with(two), "invalid", "the machine's primary address has another EIP, eip-zzzzzzzz (203.0.113.77); unbind that first"},
		{"another EIP was bound by the machine's id", with(byMachine), "invalid", "the machine's primary address has another EIP, eip-zzzzzzzz (203.0.113.77); unbind that first"},
		{"another EIP is there, in the words of older samples", with(canned{body: strings.ReplaceAll(byMachine.body, `"BIND"`, `"BINDED"`)}), "invalid", "the machine's primary address has another EIP, eip-zzzzzzzz (203.0.113.77); unbind that first"},
		{"another EIP is on a secondary address", with(secondary), "", ""},
		{"an ordinary public address", script{"DescribeInstances": public(`"198.51.100.7"`)}, "invalid", "the ordinary public IP 198.51.100.7; return that first"},
		{"public addresses that are EIPs", with(secondary).with(script{"DescribeInstances": public(`"203.0.113.77","203.0.113.10"`)}), "", ""},
		{"machines may not be read", script{"DescribeInstances": refused("UnauthorizedOperation", "no")}, "denied", "may not cvm:DescribeInstances"},
	})
}

func TestPreflightOfAPrivateIP(t *testing.T) {
	t.Parallel()
	subnet := ok(`"SubnetSet":[{"SubnetId":"subnet-qq51iwr4","CidrBlock":"10.4.6.0/24"}]`)
	// The one answer serves two questions: who has the address, and what the target is.
	run(t, private1, script{"DescribeNetworkInterfaces": interfacesOf(t), "DescribeSubnets": subnet}, []preflight{
		{"it is there", nil, "", ""},
		{"nobody has it", script{"DescribeNetworkInterfaces": interfacesOf(t, "10.4.6.60", "10.4.6.61")}, "", ""},
		{"outside the subnet", script{"DescribeNetworkInterfaces": interfacesOf(t, "10.4.6.60", "10.4.6.61"), "DescribeSubnets": ok(`"SubnetSet":[{"SubnetId":"subnet-qq51iwr4","CidrBlock":"10.4.5.0/24"}]`)}, "invalid", "ip: 10.4.6.60 is outside 10.4.5.0/24"},
		{"another subnet", script{"DescribeNetworkInterfaces": interfacesOf(t, "subnet-qq51iwr4", "subnet-other")}, "invalid", "eni-f1xjkw1b is in subnet-other, and the address in subnet-qq51iwr4"},
		{"of another machine", script{"DescribeNetworkInterfaces": interfacesOf(t, "ins-ymk3eje8", "ins-3nqpdn3i")}, "invalid", "eni-f1xjkw1b is attached to ins-3nqpdn3i, not to ins-ymk3eje8"},
		{"of no machine", script{"DescribeNetworkInterfaces": interfacesOf(t, "ins-ymk3eje8", "")}, "invalid", "is attached to no machine"},
		{"primary", script{"DescribeNetworkInterfaces": interfacesOf(t, `"10.4.6.60","Primary":false`, `"10.4.6.60","Primary":true`)}, "invalid", "primary address"},
		{"the interface is unknown", script{"DescribeNetworkInterfaces": ok(`"NetworkInterfaceSet":[]`)}, "not-found", "eni-f1xjkw1b does not exist"},
	})
	held := holding{}
	eni, err := decodeInterface(t, interfacesOf(t))
	if err != nil {
		t.Fatal(err)
	}
	held.eni, held.entry = eni, eni.PrivateIpAddressSet[1]
	to := as(providers.KindPrivateIP, instanceB)
	target, _ := decodeInterface(t, interfacesOf(t, "eni-f1xjkw1b", "eni-g0n2axhd", "ins-ymk3eje8", "ins-3nqpdn3i"))
	want(t, movable("check", private1, to, held, target), "", "")
	held.eni, _ = decodeInterface(t, interfacesOf(t, "ins-ymk3eje8", "lhins-ymk3eje8"))
	want(t, movable("check", private1, to, held, target), "invalid", `"lhins-ymk3eje8/eni-f1xjkw1b", which is no machine`)
	held.eni, held.pending = eni, true
	want(t, movable("check", private1, to, held, target), "busy", "the address is being moved (AVAILABLE)")
	held.entry.AddressId = pointer("eip-ek0cdz1g")
	want(t, movable("check", private1, to, held, target), "invalid", "eip-ek0cdz1g is bound to 10.4.6.60, and whether it follows is not documented")
	held.entry.AddressId, held.entry.PublicIpAddress = nil, pointer("203.0.113.10")
	want(t, movable("check", private1, to, held, target), "invalid", "203.0.113.10 is bound to 10.4.6.60")
	target.SubnetId = nil
	want(t, movable("check", private1, to, held, target), "transient", "SubnetId: missing")
}

func TestPreflightOfARoute(t *testing.T) {
	t.Parallel()
	const hop = `"GatewayType":"NORMAL_CVM","GatewayId":"10.4.6.20"`
	const user = `"RouteType":"USER","Enabled":true`
	run(t, route1, script{"DescribeRouteTables": tableOf(t), "DescribeInstances": instancesOf(t)}, []preflight{
		{"nothing speaks against it", nil, "", ""},
		{"not in the table", script{"DescribeRouteTables": tableOf(t, "172.16.0.9/32", "172.16.0.8/32")}, "not-found", "has no route to 172.16.0.9/32; create it"},
		{"the next hop is something else", script{"DescribeRouteTables": tableOf(t, hop, `"GatewayType":"NAT","GatewayId":"nat-12345678"`)}, "invalid", `the next hop is a "NAT"; set it to the private address of a node first`},
		{"as in the vendor's samples, no type and no word on whether it is enabled", script{"DescribeRouteTables": tableOf(t, `,`+user, "")}, "", ""},
		{"disabled", script{"DescribeRouteTables": tableOf(t, user, `"RouteType":"USER","Enabled":false`)}, "invalid", "is disabled; enable it"},
		{"no machine has the address", script{"DescribeInstances": ok(`"InstanceSet":[]`)}, "invalid", "no machine of vpc-6v2ht8q5, the network of the route table, has the private address 10.4.6.20"},
		{"a machine of another network", script{"DescribeInstances": instancesOf(t, "vpc-6v2ht8q5", "vpc-other")}, "invalid", "no machine of vpc-6v2ht8q5"},
		{"a table of no network", script{"DescribeRouteTables": tableOf(t, `"VpcId":"vpc-6v2ht8q5",`, "")}, "transient", "RouteTableSet.VpcId: missing"},
		{"a machine of no network", script{"DescribeInstances": instancesOf(t, `"VpcId":"vpc-6v2ht8q5",`, "")}, "transient", "VirtualPrivateCloud.VpcId: missing"},
		{"machines may not be read", script{"DescribeInstances": refused("UnauthorizedOperation", "no")}, "", ""},
		{"machines cannot be read", script{"DescribeInstances": refused("InternalError", "no")}, "transient", ""},
	})
}

func TestPreflightOfABadTarget(t *testing.T) {
	t.Parallel()
	for _, a := range []providers.Address{havip1, eip1, private1, route1} {
		c, r := start(t, script{})
		err := provider(t, c, a.Kind).(providers.Preflighter).Preflight(t.Context(), a, providers.Target{Instance: "lb-12345678"})
		want(t, err, "invalid", "target")
		if len(r.seen()) != 0 {
			t.Errorf("%s: asked all the same", a.Kind)
		}
	}
}
