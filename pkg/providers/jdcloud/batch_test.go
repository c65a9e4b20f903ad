// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

// listed is an EIP in a list, free or held by node A.
func listed(id, ip string, held bool) string {
	fields := `"privateIpAddress":"","networkInterfaceId":"","instanceId":"","instanceType":"","status":"NOT_ASSOCIATED","state":"UP"`
	if held {
		fields = `"privateIpAddress":"10.0.4.20","networkInterfaceId":"port-a","instanceId":"i-a","instanceType":"compute","status":"ASSOCIATED","state":"UP"`
	}
	return fmt.Sprintf(`{"elasticIpId":%q,"elasticIpAddress":%q,%s}`, id, ip, fields)
}

func anEIP(id, ip string) providers.Address {
	return providers.Address{Provider: Name, Kind: providers.KindEIP, ID: id, IP: netip.MustParseAddr(ip)}
}

func ownersOf(t *testing.T, c *Cloud, kind string, as ...providers.Address) []providers.Reading {
	t.Helper()
	got := c.provider(t, kind).(providers.BatchReader).Owners(t.Context(), as)
	if len(got) != len(as) {
		t.Fatalf("%d readings of %d addresses", len(got), len(as))
	}
	return got
}

func TestManyEIPsAreReadInOneCall(t *testing.T) {
	t.Parallel()
	list := "[" + listed("fip-1", "203.0.113.1", true) + "," + listed("fip-2", "203.0.113.2", false) + "]"
	c, seen := start(t, script{"GET /elasticIps/": result(`{"elasticIps":` + list + `,"totalCount":2}`)})
	one, two := anEIP("fip-1", "203.0.113.1"), anEIP("fip-2", "203.0.113.2")
	got := ownersOf(t, c, providers.KindEIP, one, two, one)
	held := providers.Reading{Assignment: providers.Assignment{Target: nodeA, PrivateAddresses: addrs("10.0.4.20")}}
	if diff := cmp.Diff([]providers.Reading{held, {}, held}, got, compareIP); diff != "" {
		t.Error(diff)
	}
	want := []string{"GET /elasticIps/?filters.1.name=elasticIpIds&filters.1.values.1=fip-1&filters.1.values.2=fip-2" +
		"&filters.2.name=ipType&filters.2.values.1=all&pageNumber=1&pageSize=100"}
	if diff := cmp.Diff(want, seen.seen()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAListDoesNotTellIsReadByItself(t *testing.T) {
	t.Parallel()
	one, two := listed("fip-1", "203.0.113.1", true), listed("fip-2", "203.0.113.2", false)
	alone := script{
		"GET /elasticIps/fip-1": result(`{"elasticIp":` + one + `}`),
		"GET /elasticIps/fip-2": failure(404, "NOT_FOUND", "ElasticIpId fip-2 not found"),
	}
	for name, list := range map[string]string{
		"none":                       "",
		"null in place of none":      "null",
		"one of them":                one,
		"one twice, alike":           one + "," + two + "," + two,
		"one twice, not alike":       one + "," + two + "," + listed("fip-2", "203.0.113.2", true),
		"one that cannot be read":    one + `,{"elasticIpId":"fip-2","elasticIpAddress":"203.0.113.2"}`,
		"one without an address":     one + `,{"elasticIpId":"fip-2"}`,
		"readable and unreadable":    one + "," + two + `,{"elasticIpId":"fip-2"}`,
		"unreadable and readable":    one + `,{"elasticIpId":"fip-2"},` + two,
		"an entry without anything":  one + `,{}`,
		"others that were not asked": one + "," + listed("fip-3", "203.0.113.3", true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := start(t, alone.with(script{"GET /elasticIps/": result(strings.Replace(`{"elasticIps":[`+list+`],"totalCount":0}`, "[null]", "null", 1))}))
			got := ownersOf(t, c, providers.KindEIP, anEIP("fip-1", "203.0.113.1"), anEIP("fip-2", "203.0.113.2"))
			if got[0].Err != nil || got[0].Assignment.Target != nodeA {
				t.Errorf("the first: %+v", got[0])
			}
			if kindWord(got[1].Err) != "not-found" {
				t.Errorf("the second: %+v", got[1])
			}
		})
	}
}

func TestEachReadingOfABatchFailsByItself(t *testing.T) {
	t.Parallel()
	list := "[" + listed("fip-1", "203.0.113.1", true) + "," + listed("fip-2", "203.0.113.2", false) + "]"
	c, seen := start(t, script{"GET /elasticIps/": result(`{"elasticIps":` + list + `}`)})
	got := ownersOf(t, c, providers.KindEIP,
		anEIP("fip-1", "203.0.113.1"), anEIP("fip-2", "203.0.113.9"), anEIP("eip-2", "203.0.113.2"), webRoute)
	want := []string{"", "invalid", "invalid", "unsupported"}
	for i, r := range got {
		if kindWord(r.Err) != want[i] || (want[i] == "") == r.Assignment.Target.IsZero() {
			t.Errorf("%d: %+v, want kind %q", i, r, want[i])
		}
	}
	if n := len(seen.seen()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestALargeBatchIsMadeInPagesThatFailByThemselves(t *testing.T) {
	t.Parallel()
	c, seen := start(t, script{"GET /elasticIps/": failure(400, "INVALID_ARGUMENT", "no")})
	var as []providers.Address
	for i := range 250 {
		as = append(as, anEIP(fmt.Sprintf("fip-%d", i), fmt.Sprintf("203.0.113.%d", i)))
	}
	for _, r := range ownersOf(t, c, providers.KindEIP, as...) {
		if kindWord(r.Err) != "invalid" || !strings.HasPrefix(r.Err.Error(), "list ") {
			t.Fatalf("got %+v", r)
		}
	}
	var sizes []int
	for _, line := range seen.seen() {
		_, query, _ := strings.Cut(line, "?")
		values, _ := url.ParseQuery(query)
		n := 0
		for values.Has(fmt.Sprintf("filters.1.values.%d", n+1)) {
			n++
		}
		sizes = append(sizes, n)
	}
	if diff := cmp.Diff([]int{100, 100, 50}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestAListThatIsNoneGivesNoOwner(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"elasticIps":null}`, `{"elasticIps":null,"totalCount":2}`, `{"elasticIps":{}}`} {
		c, seen := start(t, script{"GET /elasticIps/": result(body)})
		for _, r := range ownersOf(t, c, providers.KindEIP, anEIP("fip-1", "203.0.113.1"), anEIP("fip-2", "203.0.113.2")) {
			if kindWord(r.Err) != "transient" {
				t.Errorf("%s: got %+v", body, r)
			}
		}
		if n := len(seen.seen()); n != 1 {
			t.Errorf("%s: %d requests", body, n)
		}
	}
}

func TestAKeyThatMayNotListReadsEachByItself(t *testing.T) {
	t.Parallel()
	c, seen := start(t, script{
		"GET /elasticIps/":      failure(403, "HTTP_FORBIDDEN", "api is disabled"),
		"GET /elasticIps/fip-1": result(`{"elasticIp":` + listed("fip-1", "203.0.113.1", true) + `}`),
		"GET /elasticIps/fip-2": failure(403, "HTTP_FORBIDDEN", "api is disabled"),
	})
	got := ownersOf(t, c, providers.KindEIP, anEIP("fip-1", "203.0.113.1"), anEIP("fip-2", "203.0.113.2"))
	if got[0].Err != nil || got[0].Assignment.Target != nodeA || kindWord(got[1].Err) != "denied" {
		t.Errorf("got %+v", got)
	}
	if n := len(seen.seen()); n != 3 {
		t.Errorf("%d requests", n)
	}
}

func TestASingleEIPIsReadByItself(t *testing.T) {
	t.Parallel()
	c, seen := start(t, script{readEIP: {file: "elastic_ip_held"}})
	for _, r := range ownersOf(t, c, providers.KindEIP, webEIP, webEIP) {
		if r.Err != nil || r.Assignment.Target != nodeA {
			t.Errorf("got %+v", r)
		}
	}
	if n := len(seen.seen()); n != 2 {
		t.Errorf("%d requests", n)
	}
}
