// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

func TestAWriteIsOneDocumentedRequest(t *testing.T) {
	t.Parallel()
	task := ok(`"TaskId":"50121411"`)
	for _, tc := range []struct {
		name    string
		address providers.Address
		seen    providers.Assignment
		action  string
		answer  canned
		body    string
		want    providers.Result
	}{
		{"an EIP is bound", eip1, providers.Assignment{}, "AssociateAddress", task,
			`{"AddressId":"eip-ek0cdz1g","InstanceId":"ins-3nqpdn3i"}`, providers.Result{RequestID: "req-1", Operation: "50121411"}},
		{"an EIP is unbound from the holder", eip1, providers.Assignment{Target: as(providers.KindEIP, instanceA)}, "DisassociateAddress", task,
			`{"AddressId":"eip-ek0cdz1g"}`, providers.Result{RequestID: "req-1", Operation: "50121411"}},
		{"an EIP is unbound from a loose interface", eip1, providers.Assignment{Target: providers.Target{Interface: "eni-f1xjkw1b", PrivateIP: ip("10.4.6.20")}}, "DisassociateAddress", task,
			`{"AddressId":"eip-ek0cdz1g"}`, providers.Result{RequestID: "req-1", Operation: "50121411"}},
		{"the task of an unbind may be null", eip1, providers.Assignment{Target: as(providers.KindEIP, instanceA)}, "DisassociateAddress", ok(`"TaskId":null`),
			`{"AddressId":"eip-ek0cdz1g"}`, providers.Result{RequestID: "req-1"}},
		{"a private IP migrates from the interface that was seen", private1, providers.Assignment{Target: as(providers.KindPrivateIP, instanceA)}, "MigratePrivateIpAddress", ok(""),
			`{"SourceNetworkInterfaceId":"eni-f1xjkw1b","DestinationNetworkInterfaceId":"eni-g0n2axhd","PrivateIpAddress":"10.4.6.60"}`, providers.Result{RequestID: "req-1", Operation: "req-1"}},
		{"a private IP of nobody is assigned", private1, providers.Assignment{}, "AssignPrivateIpAddresses", ok(`"PrivateIpAddressSet":[]`),
			`{"NetworkInterfaceId":"eni-g0n2axhd","PrivateIpAddresses":[{"PrivateIpAddress":"10.4.6.60","Primary":false}]}`, providers.Result{RequestID: "req-1", Operation: "req-1"}},
		{"a route is replaced by its id", route1, providers.Assignment{Target: as(providers.KindRoute, instanceA), Version: "rti-araogi5t@10.4.6.20"}, "ReplaceRoutes", ok(`"NewRouteSet":[]`),
			`{"RouteTableId":"rtb-afg8md3c","Routes":[{"DestinationCidrBlock":"172.16.0.9/32","GatewayType":"NORMAL_CVM","GatewayId":"10.4.6.21","RouteItemId":"rti-araogi5t"}]}`, providers.Result{RequestID: "req-1"}},
		{"a route is replaced by its number where it has no id", route1, providers.Assignment{Target: as(providers.KindRoute, instanceA), Version: "811146@10.4.6.20"}, "ReplaceRoutes", ok(`"NewRouteSet":[]`),
			`{"RouteTableId":"rtb-afg8md3c","Routes":[{"DestinationCidrBlock":"172.16.0.9/32","GatewayType":"NORMAL_CVM","GatewayId":"10.4.6.21","RouteId":811146}]}`, providers.Result{RequestID: "req-1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, script{tc.action: tc.answer})
			got, err := provider(t, c, tc.address.Kind).Assign(t.Context(), tc.address, as(tc.address.Kind, instanceB), tc.seen)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{tc.action + " " + tc.body}, r.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAReleaseOfAnEIPIsAnUnbind(t *testing.T) {
	t.Parallel()
	c, r := start(t, script{"DisassociateAddress": ok(`"TaskId":"1"`)})
	p := provider(t, c, providers.KindEIP).(providers.Releaser)
	if got, err := p.Release(t.Context(), eip1, as(providers.KindEIP, instanceA)); err != nil || got.Operation != "1" {
		t.Errorf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{`DisassociateAddress {"AddressId":"eip-ek0cdz1g"}`}, r.seen()); diff != "" {
		t.Error(diff)
	}
}

// TestNoEIPIsTakenOffItsOwnMachine, when the answer names its interface or its private address alone.
func TestNoEIPIsTakenOffItsOwnMachine(t *testing.T) {
	t.Parallel()
	c, r := start(t, script{"DisassociateAddress": ok(`"TaskId":"1"`)})
	own := as(providers.KindEIP, instanceA)
	seen := providers.Assignment{Target: providers.Target{Interface: "eni-f1xjkw1b", PrivateIP: own.PrivateIP}}
	_, err := provider(t, c, providers.KindEIP).Assign(t.Context(), eip1, own, seen)
	want(t, err, "conflict", "it is not taken off its own machine")
	if got := r.seen(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
}

func TestWhatCannotBeRightIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	with := func(a providers.Address, change func(*providers.Address)) providers.Address {
		change(&a)
		return a
	}
	id := func(s string) func(*providers.Address) { return func(a *providers.Address) { a.ID = s } }
	b := func(kind string) providers.Target { return as(kind, instanceB) }
	held := func(t providers.Target) providers.Assignment {
		return providers.Assignment{Target: t, Version: "rti-1@x"}
	}
	for _, tc := range []struct {
		name, kind string
		address    providers.Address
		to         providers.Target
		seen       providers.Assignment
		want, text string
	}{
		{"another kind", providers.KindEIP, havip1, b(providers.KindEIP), providers.Assignment{}, "unsupported", `kind "havip"; this provider is for eip`},
		{"no address", providers.KindEIP, with(eip1, func(a *providers.Address) { a.IP = ip("::1") }), b(providers.KindEIP), providers.Assignment{}, "invalid", "not a plain IPv4 address"},
		{"an EIP without an id", providers.KindEIP, with(eip1, id("")), b(providers.KindEIP), providers.Assignment{}, "invalid", "id: missing; the kind eip needs that of an EIP, eip-..."},
		{"an EIP's id where a HAVIP's belongs", providers.KindHAVIP, with(havip1, id("eip-ek0cdz1g")), b(providers.KindHAVIP), providers.Assignment{}, "invalid", `id: "eip-ek0cdz1g" is not that of a HAVIP, which begins with havip-`},
		{"a HAVIP's id where an EIP's belongs", providers.KindEIP, with(eip1, id("havip-72alakye")), b(providers.KindEIP), providers.Assignment{}, "invalid", `id: "havip-72alakye" is not that of an EIP, which begins with eip-`},
		{"an interface where a subnet belongs", providers.KindPrivateIP, with(private1, id("eni-f1xjkw1b")), b(providers.KindPrivateIP), providers.Assignment{}, "invalid", `is not that of the subnet of the address, which begins with subnet-`},
		{"a route item where a table belongs", providers.KindRoute, with(route1, id("rti-araogi5t")), b(providers.KindRoute), providers.Assignment{}, "invalid", `is not that of the route table, which begins with rtb-`},
		{"an id with something behind it", providers.KindEIP, with(eip1, id("eip-1 or more")), b(providers.KindEIP), providers.Assignment{}, "invalid", "id:"},
		{"no target", providers.KindEIP, eip1, providers.Target{}, providers.Assignment{}, "invalid", "is not a machine (ins-...) and its private address"},
		{"a target of another kind", providers.KindEIP, eip1, b(providers.KindPrivateIP), providers.Assignment{}, "invalid", `target "ins-3nqpdn3i/eni-g0n2axhd" is not`},
		{"a target with too much", providers.KindPrivateIP, private1, instanceB, providers.Assignment{}, "invalid", "is not a machine (ins-...) and its interface (eni-...)"},
		{"a load balancer as target", providers.KindHAVIP, havip1, providers.Target{Instance: "lb-12345678"}, providers.Assignment{}, "invalid", "is not a machine (ins-...)"},
		{"an EIP of a NAT gateway", providers.KindEIP, eip1, b(providers.KindEIP), held(providers.Target{Instance: "nat-12345678"}), "invalid", "bound to nat-12345678, which is no machine; unbind it there"},
		{"an EIP of a load balancer", providers.KindEIP, eip1, b(providers.KindEIP), held(providers.Target{Instance: "lb-12345678", PrivateIP: ip("10.4.6.9")}), "invalid", "bound to lb-12345678/10.4.6.9, which is no machine"},
		{"a private IP of something without an interface", providers.KindPrivateIP, private1, b(providers.KindPrivateIP), held(providers.Target{Instance: "ins-ymk3eje8"}), "invalid", "names no interface"},
		{"a private IP of a container", providers.KindPrivateIP, private1, b(providers.KindPrivateIP), held(providers.Target{Instance: "eks-ymk3eje8", Interface: "eni-f1xjkw1b"}), "invalid", "which is no machine; take it off by hand"},
		{"a private IP that is there", providers.KindPrivateIP, private1, b(providers.KindPrivateIP), held(b(providers.KindPrivateIP)), "conflict", "is on eni-g0n2axhd already"},
		{"a route to something else", providers.KindRoute, route1, b(providers.KindRoute), held(providers.Target{Instance: "nat:nat-12345678"}), "invalid", "the next hop is nat:nat-12345678, which is no machine"},
		{"a route that was not read", providers.KindRoute, route1, b(providers.KindRoute), providers.Assignment{}, "invalid", "carries no id of a route"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, r := start(t, script{})
			_, err := provider(t, c, tc.kind).Assign(t.Context(), tc.address, tc.to, tc.seen)
			want(t, err, tc.want, tc.text)
			if n := len(r.seen()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestARequestIsSignedForTheGivenTime compares with the signature of the reference
// vector, which was made by another implementation. The SDK reads the clock itself;
// what is sent has the time that was injected.
func TestARequestIsSignedForTheGivenTime(t *testing.T) {
	t.Parallel()
	var got http.Header
	var host string
	rt := roundTrip(func(req *http.Request) (*http.Response, error) {
		got, host = req.Header.Clone(), req.URL.Scheme+"://"+req.Host
		return nil, http.ErrHandlerTimeout
	})
	c, err := New(Config{
		HTTP:   cloudhttp.New(cloudhttp.Config{Transport: rt}),
		Region: func(context.Context) (string, error) { return "ap-guangzhou", nil },
		Now:    func() time.Time { return time.Unix(1700000000, 0) },
		Credentials: func(context.Context) (Credential, error) {
			return Credential{ID: "AKIDEXAMPLE", Key: cloudhttp.NewSecret("SKEXAMPLE"), Token: cloudhttp.NewSecret("TOKEN")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	to := providers.Target{Instance: "ins-1bmpb9tu", PrivateIP: ip("10.0.0.1")}
	if _, err := provider(t, c, providers.KindEIP).Assign(t.Context(), eip1, to, providers.Assignment{}); err == nil {
		t.Fatal("no error")
	}
	headers := map[string]string{}
	for _, name := range []string{"Authorization", "Content-Type", "X-Tc-Action", "X-Tc-Version", "X-Tc-Region", "X-Tc-Timestamp", "X-Tc-Token", "X-Tc-Language"} {
		headers[name] = got.Get(name)
	}
	if diff := cmp.Diff(map[string]string{
		"Authorization": "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2023-11-14/vpc/tc3_request, SignedHeaders=content-type;host, " +
			"Signature=1167660a1ec087597fd9a789211e9730ff7e68d8861f36ad0b5040716e7f0680",
		"Content-Type": "application/json", "X-Tc-Action": "AssociateAddress", "X-Tc-Version": "2017-03-12",
		"X-Tc-Region": "ap-guangzhou", "X-Tc-Timestamp": "1700000000", "X-Tc-Token": "TOKEN", "X-Tc-Language": "en-US",
	}, headers); diff != "" {
		t.Error(diff)
	}
	if host != "https://vpc.tencentcloudapi.com" {
		t.Errorf("sent to %s", host)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Endpoint: "ftp://x"})
	for _, text := range []string{"HTTP client: missing", "source of credentials: missing", "source of the region: missing", `endpoint: "ftp://x" is not a URL`} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q in it", err, text)
		}
	}
	for endpoint, text := range map[string]string{
		"https://u:hunter2@vpc.tencentcloudapi.com": "credentials are not allowed",
		"https://vpc.tencentcloudapi.com/v3":        "give scheme and host only",
		"vpc.tencentcloudapi.com":                   "is not a URL",
		"http://[::1":                               "not a URL",
	} {
		if _, err := newProfile(endpoint); err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", endpoint, err)
		}
	}
	for endpoint, host := range map[string]string{"": "", "https://vpc.internal.tencentcloudapi.com/": "vpc.internal.tencentcloudapi.com", "http://127.0.0.1:80": "127.0.0.1:80"} {
		p, err := newProfile(endpoint)
		if err != nil || p.HttpProfile.Endpoint != host || !p.DisableRegionBreaker || p.NetworkFailureMaxRetries != 0 || p.RateLimitExceededMaxRetries != 0 || p.HttpProfile.ReqTimeout != 0 {
			t.Errorf("%s: got %+v, %v", endpoint, p, err)
		}
	}
}

func TestThereAreFourKinds(t *testing.T) {
	t.Parallel()
	c, _ := start(t, script{})
	for _, kind := range Kinds() {
		if diff := cmp.Diff(Capabilities(kind), provider(t, c, kind).Capabilities()); diff != "" {
			t.Errorf("%s:\n%s", kind, diff)
		}
	}
	if _, ok := c.Kind("reserved-ip"); ok || Capabilities("reserved-ip").MoveTimeout != 0 {
		t.Error("another kind is known")
	}
}

// TestAnEIPThatMustStayIsReadAndNotDetached: it would be lost, or could not be bound again.
func TestAnEIPThatMustStayIsReadAndNotDetached(t *testing.T) {
	t.Parallel()
	for field, text := range map[string]string{"CascadeRelease": "CascadeRelease", "IsArrears": "in arrears", "IsBlocked": "blocked"} {
		c, r := start(t, script{"DescribeAddresses": eipOf("BIND", onA+`,"`+field+`":true`)})
		p := provider(t, c, providers.KindEIP)
		seen, err := p.Owner(t.Context(), eip1)
		if err != nil || seen.Target != as(providers.KindEIP, instanceA) {
			t.Fatalf("%s: the owner is %s, %v", field, seen.Target, err)
		}
		_, err = p.Assign(t.Context(), eip1, as(providers.KindEIP, instanceB), seen)
		want(t, err, "invalid", text)
		_, err = p.(providers.Releaser).Release(t.Context(), eip1, seen.Target)
		want(t, err, "invalid", text)
		want(t, p.(providers.Preflighter).Preflight(t.Context(), eip1, as(providers.KindEIP, instanceB)), "invalid", text)
		if w := r.writes(); len(w) != 0 {
			t.Errorf("%s: wrote %s", field, w)
		}
	}
}
