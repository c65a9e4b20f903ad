// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	readSubnet = "GET /subnets/subnet-web"
	listNICs   = "GET /networkInterfaces/"
	nicsQuery  = listNICs + "?filters.1.name=subnetId&filters.1.values.1=subnet-web&pageNumber=%d&pageSize=100"
)

var subnetWeb = script{readSubnet: {file: "subnet"}, listNICs: {file: "network_interfaces"}}

func private(ip string) providers.Address {
	a := webPrivate
	a.IP = netip.MustParseAddr(ip)
	return a
}

func TestOwnerOfAPrivateIP(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ip   string
		want providers.Assignment
	}{
		{"10.0.4.99", providers.Assignment{Target: only(providers.KindPrivateIP, nodeA), PrivateAddresses: addrs("10.0.4.20")}},
		{"10.0.4.98", providers.Assignment{}},
		{"10.0.4.31", providers.Assignment{Target: providers.Target{Instance: "alb-1"}, PrivateAddresses: addrs("10.0.4.30")}},
		{"10.0.4.41", providers.Assignment{Target: providers.Target{Interface: "port-d"}, PrivateAddresses: addrs("10.0.4.40")}},
	}
	for _, tt := range tests {
		t.Run(tt.ip, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, subnetWeb)
			got, err := c.provider(t, providers.KindPrivateIP).Owner(t.Context(), private(tt.ip))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, compareIP); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{fmt.Sprintf(nicsQuery, 1), readSubnet}, sorted(seen.seen())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAnInterfaceWithoutSecondaryAddressesHoldsNone: left out and null are as good as the
// empty list, and the other interfaces of the subnet are read as ever.
func TestAnInterfaceWithoutSecondaryAddressesHoldsNone(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{"left out": "", "null": `,"secondaryIps":null,"secondaryCidrs":null`, "empty": `,"secondaryIps":[]`} {
		list := result(`{"networkInterfaces":[{"networkInterfaceId":"router-port","instanceType":"N/A","instanceId":"router-1","primaryIp":{"privateIpAddress":"10.0.4.1"}` + field + `},
			{"networkInterfaceId":"port-a","instanceType":"compute","instanceId":"i-a","primaryIp":{"privateIpAddress":"10.0.4.20"},"secondaryIps":[{"privateIpAddress":"10.0.4.99"}]}],"totalCount":2}`)
		for ip, want := range map[string]providers.Target{"10.0.4.99": only(providers.KindPrivateIP, nodeA), "10.0.4.98": {}} {
			c, _ := start(t, subnetWeb.with(script{listNICs: list}))
			if got, err := c.provider(t, providers.KindPrivateIP).Owner(t.Context(), private(ip)); err != nil || got.Target != want {
				t.Errorf("%s: %s: got %+v, %v; want %v", name, ip, got, err, want)
			}
		}
	}
}

func TestAPrivateIPThatCannotMoveIsRefused(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"10.0.4.21":  `invalid: ip: 10.0.4.21 is the primary address of interface port-b ("i-b"), which cannot move; use a free address of the subnet`,
		"10.0.4.130": "invalid: ip: 10.0.4.130 is in the range 10.0.4.128/28 of interface port-b, which moves as a whole; use a single address",
		"10.0.5.99":  "invalid: ip: 10.0.5.99 is not in subnet-web, which is 10.0.4.0/24; correct ip or subnet",
	} {
		t.Run(ip, func(t *testing.T) {
			t.Parallel()
			c, _ := start(t, subnetWeb)
			p := c.provider(t, providers.KindPrivateIP)
			got, err := p.Owner(t.Context(), private(ip))
			if err == nil || err.Error() != "read owner of "+ip+": "+want || !got.Target.IsZero() {
				t.Errorf("got  %+v, %v\nwant %s", got, err, want)
			}
			err = p.(providers.Preflighter).Preflight(t.Context(), private(ip), only(providers.KindPrivateIP, nodeA))
			if err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("preflight: %v", err)
			}
		})
	}
}

// TestForceIsSentAndOnlyWhereAHolderWasSeen: the API's default takes the address from
// whoever holds it.
func TestForceIsSentAndOnlyWhereAHolderWasSeen(t *testing.T) {
	t.Parallel()
	const assign = "POST /networkInterfaces/port-b:assignSecondaryIps"
	to := only(providers.KindPrivateIP, nodeB)
	for _, tc := range []struct {
		name string
		seen providers.Target
		want string
	}{
		{"held", only(providers.KindPrivateIP, nodeA), assign + ` {"force":true,"secondaryIps":["10.0.4.99"]}`},
		{"held by an interface that is attached to nothing", providers.Target{Interface: "port-d"}, assign + ` {"force":true,"secondaryIps":["10.0.4.99"]}`},
		{"held by nobody", providers.Target{}, assign + ` {"force":false,"secondaryIps":["10.0.4.99"]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, script{assign: accepted})
			got, err := c.provider(t, providers.KindPrivateIP).Assign(t.Context(), webPrivate, to, providers.Assignment{Target: tc.seen})
			if err != nil || got != (providers.Result{RequestID: "req-1"}) {
				t.Errorf("got %+v, %v", got, err)
			}
			if diff := cmp.Diff([]string{tc.want}, seen.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("held by a load balancer", func(t *testing.T) {
		t.Parallel()
		c, seen := start(t, nil)
		_, err := c.provider(t, providers.KindPrivateIP).Assign(t.Context(), webPrivate, to, providers.Assignment{Target: providers.Target{Instance: "alb-1"}})
		if kindWord(err) != "invalid" || len(seen.seen()) != 0 {
			t.Errorf("got %v", err)
		}
	})
}

// TestASubnetIsReadBesideItsListAndBesideOthers: after each other, calls of half the time that
// an attempt may take would leave no time for the last.
func TestASubnetIsReadBesideItsListAndBesideOthers(t *testing.T) {
	t.Parallel()
	one, other := private("10.0.4.98"), private("10.0.4.98")
	other.ID = "subnet-db"
	c, seen := start(t, subnetWeb.with(script{
		"GET /subnets/subnet-db": {file: "subnet"},
		listNICs:                 result(`{"networkInterfaces":[],"totalCount":0}`), // true of both
	}))
	seen.together, seen.came = 4, make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i, got := range c.provider(t, providers.KindPrivateIP).(providers.BatchReader).Owners(ctx, []providers.Address{one, other}) {
		if got.Err != nil || !got.Assignment.Target.IsZero() {
			t.Errorf("%d: got %+v", i, got)
		}
	}
}

// TestAnAddressThatIsSeenNeedsNoWordOfItsSubnet: a list of a subnet that does not exist is
// empty, and that is all the question is for.
func TestAnAddressThatIsSeenNeedsNoWordOfItsSubnet(t *testing.T) {
	t.Parallel()
	c, _ := start(t, subnetWeb.with(script{readSubnet: failure(500, "INTERNAL", "try again")}))
	got := ownersOf(t, c, providers.KindPrivateIP, webPrivate, private("10.0.4.98"))
	if got[0].Err != nil || got[0].Assignment.Target != only(providers.KindPrivateIP, nodeA) {
		t.Errorf("held: got %+v", got[0])
	}
	if kindWord(got[1].Err) != "transient" {
		t.Errorf("with nobody: got %+v", got[1])
	}
}

// TestNoReleaseOfAPrivateIP: unassignSecondaryIps can destroy an EIP, and nothing needs it.
func TestNoReleaseOfAPrivateIP(t *testing.T) {
	t.Parallel()
	c, _ := start(t, nil)
	if _, ok := c.provider(t, providers.KindPrivateIP).(providers.Releaser); ok {
		t.Error("a private IP can be released")
	}
}

func TestTheRangeOfASubnetIsReadOnceAMinute(t *testing.T) {
	t.Parallel()
	at := now
	c, seen := start(t, subnetWeb)
	c.client.now = func() time.Time { return at }
	p := c.provider(t, providers.KindPrivateIP)
	for _, step := range []struct {
		after time.Duration
		reads int
	}{{0, 2}, {59 * time.Second, 1}, {time.Second, 2}, {0, 1}, {-time.Second, 2}} {
		at = at.Add(step.after)
		if _, err := p.Owner(t.Context(), webPrivate); err != nil {
			t.Fatal(err)
		}
		if got := len(seen.seen()); got != step.reads {
			t.Errorf("%v later: %d reads, want %d", step.after, got, step.reads)
		}
	}
}

// page is a list of n interfaces from the given number on, of which one may have ip.
func page(total, from, n int, ip map[int]string) canned {
	var docs []string
	for i := from; i < from+n; i++ {
		secondary := ""
		if ip[i] != "" {
			secondary = fmt.Sprintf(`{"privateIpAddress":%q}`, ip[i])
		}
		docs = append(docs, fmt.Sprintf(`{"networkInterfaceId":"port-%d","instanceType":"compute","instanceId":"i-%d","primaryIp":{"privateIpAddress":"10.0.%d.%d"},"secondaryIps":[%s]}`,
			i, i, 5+i/200, 1+i%200, secondary))
	}
	return result(fmt.Sprintf(`{"networkInterfaces":[%s],"totalCount":%d}`, strings.Join(docs, ","), total))
}

func TestInterfacesArePagedByTheirCount(t *testing.T) {
	t.Parallel()
	none := map[int]string{}
	holds := func(i int) map[int]string { return map[int]string{i: "10.0.4.99"} }
	for _, tc := range []struct {
		name   string
		pages  []canned
		holder string
		kind   string
		asked  int
	}{
		{"on the last of three pages", []canned{page(250, 0, 100, none), page(250, 100, 100, none), page(250, 200, 50, holds(249))}, "i-249", "", 3},
		{"on the first, and the others are read to be sure", []canned{page(150, 0, 100, holds(3)), page(150, 100, 50, none)}, "i-3", "", 2},
		{"exactly one page", []canned{page(100, 0, 100, none)}, "", "", 1},
		{"nowhere on two pages, which is looked at twice", []canned{page(150, 0, 100, none), page(150, 100, 50, none), page(150, 0, 100, none), page(150, 100, 50, none)}, "", "", 4},
		{"it moved from a page not yet read to one that was", []canned{page(150, 0, 100, none), page(150, 100, 50, none), page(150, 0, 100, holds(7)), page(150, 100, 50, none)}, "i-7", "", 4},
		{"on two interfaces", []canned{page(150, 0, 100, holds(7)), page(150, 100, 50, holds(120))}, "", "transient", 2},
		{"one was removed while pages were turned", []canned{page(150, 0, 100, none), page(150, 101, 49, none), page(150, 101, 49, none)}, "", "transient", 3},
		{"one is there twice and another is not", []canned{page(150, 0, 100, none), page(150, 99, 50, none)}, "", "transient", 2},
		{"the last page is empty", []canned{page(150, 0, 100, none), page(150, 100, 0, none)}, "", "transient", 2},
		{"no end", []canned{page(5000, 0, 100, none)}, "", "unsupported", pagesMax},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			pages := tc.pages[0]
			pages.then = tc.pages[1:]
			c, seen := start(t, subnetWeb.with(script{listNICs: pages}))
			got, err := c.provider(t, providers.KindPrivateIP).Owner(t.Context(), webPrivate)
			if kindWord(err) != tc.kind || got.Target.Instance != tc.holder {
				t.Errorf("got %+v, %v; want %q, kind %q", got.Target, err, tc.holder, tc.kind)
			}
			if asked := len(seen.seen()) - 1; asked != tc.asked { // one is about the subnet
				t.Errorf("%d pages were asked for, want %d", asked, tc.asked)
			}
		})
	}
}

// TestAFreePrivateIPInALargeSubnetIsLookedForTwice: it may have moved between two pages.
func TestAFreePrivateIPInALargeSubnetIsLookedForTwice(t *testing.T) {
	t.Parallel()
	first, second := page(150, 0, 100, nil), page(150, 100, 50, nil)
	pages := first
	pages.then = []canned{second, page(150, 0, 100, map[int]string{7: "10.0.4.99"}), second}
	c, _ := start(t, subnetWeb.with(script{listNICs: pages}))
	if got := ownersOf(t, c, providers.KindPrivateIP, webPrivate)[0]; got.Err != nil || got.Assignment.Target.Instance != "i-7" {
		t.Errorf("got %+v", got)
	}
}

func TestPrivateIPsOfASubnetAreReadFromOneList(t *testing.T) {
	t.Parallel()
	other := private("10.0.4.98")
	other.ID = "subnet-none"
	c, seen := start(t, subnetWeb.with(script{"GET /subnets/subnet-none": failure(404, "NOT_FOUND", "Resource not found")}))
	got := ownersOf(t, c, providers.KindPrivateIP, webPrivate, private("10.0.4.98"), private("10.0.4.21"), other, webPrivate)
	for i, want := range []struct{ instance, kind string }{{"i-a", ""}, {"", ""}, {"", "invalid"}, {"", "not-found"}, {"i-a", ""}} {
		if got[i].Assignment.Target.Instance != want.instance || kindWord(got[i].Err) != want.kind {
			t.Errorf("%d: got %+v, want %+v", i, got[i], want)
		}
	}
	list := fmt.Sprintf(nicsQuery, 1)
	want := []string{list, strings.Replace(list, "subnet-web", "subnet-none", 1), "GET /subnets/subnet-none", readSubnet}
	if diff := cmp.Diff(sorted(want), sorted(seen.seen())); diff != "" {
		t.Error(diff)
	}
}

// TestASubnetThatCannotBeReadIsLeftToTheCloud: whether an address fits its subnet is a
// help to an operator and no part of who holds it.
func TestASubnetThatCannotBeReadIsLeftToTheCloud(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]canned{
		"no permission": failure(403, "HTTP_FORBIDDEN", "api is disabled"),
		"no such call":  failure(404, "NOT_FOUND", "no route and no API found with those values"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, seen := start(t, subnetWeb.with(script{readSubnet: answer}))
			for range 2 {
				got, err := c.provider(t, providers.KindPrivateIP).Owner(t.Context(), webPrivate)
				if err != nil || got.Target != only(providers.KindPrivateIP, nodeA) {
					t.Errorf("got %+v, %v", got, err)
				}
			}
			list := fmt.Sprintf(nicsQuery, 1)
			if diff := cmp.Diff([]string{list, list, readSubnet}, sorted(seen.seen())); diff != "" {
				t.Error(diff)
			}
		})
	}
	c, _ := start(t, subnetWeb.with(script{readSubnet: failure(404, "NOT_FOUND", "Resource not found")}))
	if got, err := c.provider(t, providers.KindPrivateIP).Owner(t.Context(), webPrivate); providers.KindOf(err) != providers.NotFound {
		t.Errorf("a subnet that does not exist: got %+v, %v", got, err)
	}
}
