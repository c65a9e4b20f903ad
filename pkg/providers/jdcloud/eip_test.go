// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

const readEIP = "GET /elasticIps/fip-svj6u4mw6t"

// eipWith is an EIP with these fields besides its id and address.
func eipWith(fields string) canned {
	return result(`{"elasticIp":{"elasticIpId":"fip-svj6u4mw6t","elasticIpAddress":"114.67.178.43",` + fields + `}}`)
}

func TestOwnerOfAnEIP(t *testing.T) {
	t.Parallel()
	const free = `"privateIpAddress":"","networkInterfaceId":"","instanceId":"","instanceType":"",`
	const held = `"privateIpAddress":"10.0.4.20","networkInterfaceId":"port-a","instanceId":"i-a","instanceType":"compute",`
	tests := []struct {
		name   string
		answer canned
		want   providers.Assignment
	}{
		{"held", canned{file: "elastic_ip_held"}, providers.Assignment{Target: nodeA, PrivateAddresses: addrs("10.0.4.20")}},
		{"held by nobody", canned{file: "elastic_ip_free"}, providers.Assignment{}},
		{"held, in an older answer", eipWith(strings.TrimSuffix(held, ",")), providers.Assignment{Target: nodeA, PrivateAddresses: addrs("10.0.4.20")}},
		{"held by nobody, in an older answer", eipWith(strings.TrimSuffix(free, ",")), providers.Assignment{}},
		{"held by nobody, by its status alone", eipWith(`"status":"NOT_ASSOCIATED"`), providers.Assignment{}},
		{"held by nobody, with null for ids", eipWith(`"privateIpAddress":null,"networkInterfaceId":null,"instanceId":"","status":"NOT_ASSOCIATED"`), providers.Assignment{}},
		{"being attached", eipWith(free + `"status":"NOT_ASSOCIATED","state":"PROCESSING"`), providers.Assignment{Pending: true}},
		{"being attached, called associated", eipWith(free + `"status":"ASSOCIATED","state":"PROCESSING"`), providers.Assignment{Pending: true}},
		{"being detached", eipWith(held + `"status":"ASSOCIATED","state":"PROCESSING"`),
			providers.Assignment{Target: nodeA, PrivateAddresses: addrs("10.0.4.20"), Pending: true}},
		{"down", eipWith(held + `"state":"DOWN"`), providers.Assignment{Target: nodeA, PrivateAddresses: addrs("10.0.4.20")}},
		{"the ids decide, not the status", eipWith(held + `"status":"NOT_ASSOCIATED","state":"UP"`), providers.Assignment{Target: nodeA, PrivateAddresses: addrs("10.0.4.20")}},
		{"on an interface that is attached to nothing", eipWith(`"privateIpAddress":"10.0.4.40","networkInterfaceId":"port-d","instanceId":"","instanceType":""`),
			providers.Assignment{Target: providers.Target{Interface: "port-d", PrivateIP: addrs("10.0.4.40")[0]}, PrivateAddresses: addrs("10.0.4.40")}},
		{"held by a load balancer", eipWith(`"privateIpAddress":"10.0.4.30","networkInterfaceId":"port-lb","instanceId":"alb-1","instanceType":"lb"`),
			providers.Assignment{Target: providers.Target{Instance: "alb-1"}, PrivateAddresses: addrs("10.0.4.30")}},
		{"held by a NAT gateway", eipWith(`"privateIpAddress":"","networkInterfaceId":"","instanceId":"natgw-1","instanceType":"natgw"`),
			providers.Assignment{Target: providers.Target{Instance: "natgw-1"}}},
		{"held by a container that has the id of a machine", eipWith(`"privateIpAddress":"10.0.4.20","networkInterfaceId":"port-a","instanceId":"i-a","instanceType":"container"`),
			providers.Assignment{Target: providers.Target{Instance: "container i-a"}, PrivateAddresses: addrs("10.0.4.20")}},
		{"held by what has unprintable ids", eipWith(`"privateIpAddress":"10.0.4.20","networkInterfaceId":"port-a\u001b[31m","instanceId":"i-a\ni-b","instanceType":"compute"`),
			providers.Assignment{Target: providers.Target{Instance: "i-a i-b", Interface: "port-a [31m", PrivateIP: addrs("10.0.4.20")[0]}, PrivateAddresses: addrs("10.0.4.20")}},
		{"held by what has no id", eipWith(`"privateIpAddress":"10.0.4.30","networkInterfaceId":"port-x","instanceId":"","instanceType":"havip"`),
			providers.Assignment{Target: providers.Target{Instance: "havip"}, PrivateAddresses: addrs("10.0.4.30")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, script{readEIP: tt.answer})
			got, err := c.provider(t, providers.KindEIP).Owner(t.Context(), webEIP)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{readEIP}, seen.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAnEIPMovesInTwoCalls shows what is sent for each of them.
func TestAnEIPMovesInTwoCalls(t *testing.T) {
	t.Parallel()
	const (
		detach = "POST /networkInterfaces/port-a:disassociateElasticIp"
		attach = "POST /networkInterfaces/port-b:associateElasticIp"
	)
	detached := providers.Target{Interface: "port-a", PrivateIP: nodeA.PrivateIP}
	for _, tc := range []struct {
		name string
		seen providers.Target
		want string
	}{
		{"the interface that was seen is detached", nodeA, detach + ` {"elasticIpId":"fip-svj6u4mw6t"}`},
		{"so is one that is attached to nothing", detached, detach + ` {"elasticIpId":"fip-svj6u4mw6t"}`},
		{"with nobody seen the target is attached", providers.Target{}, attach + ` {"elasticIpId":"fip-svj6u4mw6t","privateIpAddress":"10.0.4.21"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, script{detach: accepted, attach: accepted})
			got, err := c.provider(t, providers.KindEIP).Assign(t.Context(), webEIP, nodeB, providers.Assignment{Target: tc.seen})
			if err != nil || got != (providers.Result{RequestID: "req-1"}) {
				t.Errorf("got %+v, %v", got, err)
			}
			if diff := cmp.Diff([]string{tc.want}, seen.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a release is the first of them", func(t *testing.T) {
		t.Parallel()
		c, seen := start(t, script{detach: accepted})
		if _, err := c.provider(t, providers.KindEIP).(providers.Releaser).Release(t.Context(), webEIP, nodeA); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{detach + ` {"elasticIpId":"fip-svj6u4mw6t"}`}, seen.seen()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestTheTwoRealRefusalsAreDecidedByReading has the bodies of the vendor's own article.
// The first of them was answered for an EIP that was bound to that very machine.
func TestTheTwoRealRefusalsAreDecidedByReading(t *testing.T) {
	t.Parallel()
	c, _ := start(t, script{
		"POST /networkInterfaces/port-b:associateElasticIp":    {status: 400, file: "error_already_in_use"},
		"POST /networkInterfaces/port-a:disassociateElasticIp": {status: 400, file: "error_not_associated"},
	})
	p := c.provider(t, providers.KindEIP)
	want := &providers.Error{
		Provider: Name, Op: "assign 114.67.178.43 to i-b/port-b/10.0.4.21", Kind: providers.Conflict,
		Code: "400 FAILED_PRECONDITION", RequestID: "bqjkc2f5b286209ebe6629016a3d90da",
		Err: textError("ElasticIp 114.67.95.123 already in use"),
	}
	_, err := p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{})
	check(t, err, want)
	want.Err = textError("Elastic ip isn't associated to this instance's primary network interface")
	_, err = p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{Target: nodeA})
	check(t, err, want)
	want.Op = "release 114.67.178.43 from i-a/port-a/10.0.4.20"
	_, err = p.(providers.Releaser).Release(t.Context(), webEIP, nodeA)
	check(t, err, want)
}

type textError string

func (e textError) Error() string { return string(e) }

func TestAnEIPOfWhatIsNoMachineIsNotTaken(t *testing.T) {
	t.Parallel()
	for name, holder := range map[string]providers.Target{
		"load balancer":        {Instance: "alb-1"},
		"its interface is not": {Instance: "alb-1", Interface: "port-lb"},
		"type":                 {Instance: "natgw"},
		"a machine of which the interface is not known": {Instance: "i-a"},
		"no interface id": {Instance: "i-a", Interface: "eni-a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, nil)
			p := c.provider(t, providers.KindEIP)
			_, err := p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{Target: holder})
			if kindWord(err) != "invalid" || !strings.Contains(err.Error(), "unbind it by hand") {
				t.Errorf("got %v", err)
			}
			_, err = p.(providers.Releaser).Release(t.Context(), webEIP, holder)
			if kindWord(err) != "invalid" {
				t.Errorf("release: got %v", err)
			}
			if n := len(seen.seen()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestNoEIPIsTakenOffItsOwnMachine, when the answer names its interface or its private address alone.
func TestNoEIPIsTakenOffItsOwnMachine(t *testing.T) {
	t.Parallel()
	for _, holder := range []providers.Target{
		{Interface: nodeA.Interface, PrivateIP: nodeA.PrivateIP}, {Interface: nodeA.Interface}, {Interface: "port-x", PrivateIP: nodeA.PrivateIP},
	} {
		c, seen := start(t, script{
			"POST /networkInterfaces/port-a:disassociateElasticIp": accepted, "POST /networkInterfaces/port-x:disassociateElasticIp": accepted,
		})
		_, err := c.provider(t, providers.KindEIP).Assign(t.Context(), webEIP, nodeA, providers.Assignment{Target: holder})
		if kindWord(err) != "conflict" || !strings.Contains(err.Error(), "it is not taken off its own machine") || len(seen.seen()) != 0 {
			t.Errorf("%v: got %v after %v", holder, err, seen.seen())
		}
	}
}

func TestAHolderThatIsGoneIsNoAlarm(t *testing.T) {
	t.Parallel()
	c, _ := start(t, script{
		"POST /networkInterfaces/port-a:disassociateElasticIp": failure(404, "NOT_FOUND", "Resource not found"),
		"POST /networkInterfaces/port-b:associateElasticIp":    failure(404, "NOT_FOUND", "Resource not found"),
	})
	p := c.provider(t, providers.KindEIP)
	if _, err := p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{Target: nodeA}); kindWord(err) != "conflict" {
		t.Errorf("detach: got %v", err)
	}
	if _, err := p.Assign(t.Context(), webEIP, nodeB, providers.Assignment{}); kindWord(err) != "not-found" {
		t.Errorf("attach: got %v", err)
	}
}
