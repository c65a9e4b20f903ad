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

func TestSecondaryIPCallsThatAreRefused(t *testing.T) {
	t.Parallel()
	const assign, unassign = ":assignSecondaryIps", ":unassignSecondaryIps"
	wide := func(w *world) {
		w.must(w.jd.AddSubnet(fakejd.Subnet{ID: "subnet-other", Range: netip.MustParsePrefix("10.0.9.0/24")}))
	}
	tests := []struct {
		name       string
		options    fakejd.Options
		before     func(*world)
		path, body string
		status     int
		word, text string
	}{
		{"taken from another without force", fakejd.Options{}, nil, nicB + assign, `{"force":false,"secondaryIps":["10.0.4.99"]}`, 400, "FAILED_PRECONDITION", "IP 10.0.4.99 already in use"},
		{"one free and one taken without force", fakejd.Options{}, nil, nicB + assign, `{"force":false,"secondaryIps":["10.0.4.98","10.0.4.99"]}`, 400, "FAILED_PRECONDITION", "IP 10.0.4.99 already in use"},
		{"outside the subnet", fakejd.Options{}, nil, nicB + assign, `{"force":true,"secondaryIps":["10.0.5.99"]}`, 400, "INVALID_ARGUMENT", "Request parameter secondaryIps is '10.0.5.99', expected one of [10.0.4.0/24]"},
		{"outside the named subnet", fakejd.Options{}, wide, nicB + assign, `{"secondaryIps":["10.0.4.99"],"secondaryIpSubnetId":"subnet-other"}`, 400, "INVALID_ARGUMENT", "Request parameter secondaryIps is '10.0.4.99', expected one of [10.0.9.0/24]"},
		{"of an unknown subnet", fakejd.Options{}, nil, nicB + assign, `{"secondaryIps":["10.0.4.99"],"secondaryIpSubnetId":"subnet-x"}`, 404, "NOT_FOUND", "Resource not found"},
		{"a primary IP", fakejd.Options{}, nil, nicB + assign, `{"force":true,"secondaryIps":["10.0.4.20"]}`, 400, "INVALID_ARGUMENT", "Request parameter secondaryIps is '10.0.4.20', which is a primary IP"},
		{"to an unknown interface", fakejd.Options{}, nil, base + "networkInterfaces/port-x" + assign, `{"secondaryIps":["10.0.4.99"]}`, 404, "NOT_FOUND", "Resource not found"},
		{"what is no address", fakejd.Options{}, nil, nicB + assign, `{"secondaryIps":["x"]}`, 400, "INVALID_ARGUMENT", "Request parameter secondaryIps is 'x', expected one of [IP addresses]"},
		{"nothing", fakejd.Options{}, nil, nicB + assign, `{}`, 400, "INVALID_ARGUMENT", "Request parameter secondaryIps is '[]', expected one of [IP addresses]"},
		{"any", fakejd.Options{}, nil, nicB + assign, `{"secondaryIpCount":1}`, 400, "INVALID_ARGUMENT", "Request parameter secondaryIps is '[]', expected one of [IP addresses]"},
		{"a named and any other", fakejd.Options{}, nil, nicB + assign, `{"secondaryIps":["10.0.4.98"],"secondaryIpCount":1}`, 400, "INVALID_ARGUMENT", "Request parameter secondaryIps is '[10.0.4.98]', expected one of [IP addresses]"},
		{"no JSON", fakejd.Options{}, nil, nicB + assign, `x`, 400, "INVALID_ARGUMENT", "Request body is not valid JSON"},
		{"its own, if that fails", fakejd.Options{AssignMineFails: true}, nil, nicA + assign, `{"secondaryIps":["10.0.4.99"]}`, 400, "FAILED_PRECONDITION", "IP 10.0.4.99 already in use"},
		{"more than the quota", fakejd.Options{SecondaryIPsMax: 1}, nil, nicA + assign, `{"secondaryIps":["10.0.4.98"]}`, 429, "QUOTA_EXCEEDED", "Quota exceeded"},
		{"unassigned from another", fakejd.Options{}, nil, nicB + unassign, `{"secondaryIps":["10.0.4.99"]}`, 400, "FAILED_PRECONDITION", "IP 10.0.4.99 is not assigned to port-b"},
		{"unassigned from another, told apart", fakejd.Options{UnassignAbsentIs404: true}, nil, nicB + unassign, `{"secondaryIps":["10.0.4.99"]}`, 404, "NOT_FOUND", "Resource not found"},
		{"one of two unassigned", fakejd.Options{}, nil, nicA + unassign, `{"secondaryIps":["10.0.4.99","10.0.4.98"]}`, 400, "FAILED_PRECONDITION", "IP 10.0.4.98 is not assigned to port-a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.options)
			if tt.before != nil {
				tt.before(w)
			}
			wantFailure(t, w.post(tt.path, tt.body), tt.status, tt.word, tt.text)
			w.wantHolder("10.0.4.99", "i-a", byPrivate)
			if got := w.get(nicB).at("result", "networkInterface", "secondaryIps", 0); got != nil {
				t.Errorf("port-b got %v", got)
			}
		})
	}
}

func TestSecondaryIPsAreGivenAndTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{SecondaryIPsMax: 2})
	steps := []struct {
		path, body   string
		wantA, wantB []any
	}{
		{nicA + ":assignSecondaryIps", `{"force":true,"secondaryIps":["10.0.4.99"]}`, []any{"10.0.4.99"}, nil}, // has it
		{nicA + ":assignSecondaryIps", `{"force":false,"secondaryIps":["10.0.4.99","10.0.4.98"]}`, []any{"10.0.4.99", "10.0.4.98"}, nil},
		{nicB + ":assignSecondaryIps", `{"force":true,"secondaryIps":["10.0.4.98"]}`, []any{"10.0.4.99"}, []any{"10.0.4.98"}},
		{nicA + ":unassignSecondaryIps", `{"secondaryIps":["10.0.4.99"]}`, nil, []any{"10.0.4.98"}},
		{nicB + ":assignSecondaryIps", `{"force":false,"secondaryIps":["10.0.4.99"]}`, nil, []any{"10.0.4.99", "10.0.4.98"}},
	}
	for i, s := range steps {
		wantDone(t, w.post(s.path, s.body))
		a := w.get(nicA).each("privateIpAddress", "result", "networkInterface", "secondaryIps")
		b := w.get(nicB).each("privateIpAddress", "result", "networkInterface", "secondaryIps")
		if diff := cmp.Diff([2][]any{s.wantA, s.wantB}, [2][]any{a, b}); diff != "" {
			t.Errorf("after step %d, at a and b (-want +got):\n%s", i, diff)
		}
	}
	wantJSON(t, "quota", w.get(base+"quotas/?type=secondaryIp&parentResourceId=port-b").at("result"),
		`{"quota": {"type": "secondaryIp", "parentResourceId": "port-b", "maxLimit": 2, "count": 2}}`)
	wantFailure(t, w.get(base+"quotas/?type=secondaryIp&parentResourceId=port-x"), 404, "NOT_FOUND", "Resource not found")
	wantFailure(t, w.get(base+"quotas/?type=haVip&parentResourceId=port-b"), 400, "INVALID_ARGUMENT",
		"Request parameter type is 'haVip', expected one of [secondaryIp]")
}

func TestUnassigningCanDestroyAnEIP(t *testing.T) {
	t.Parallel()
	for _, destroy := range []bool{false, true} {
		t.Run(fmt.Sprint(destroy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakejd.Options{})
			at := w.target("i-a", byEIP)
			at.PrivateIP = ip("10.0.4.99")
			w.must(w.model.Place(ip("203.0.113.11"), at))
			wantDone(t, w.post(nicA+":unassignSecondaryIps", fmt.Sprintf(`{"secondaryIps":["10.0.4.99"],"deleteElasticIp":%v}`, destroy)))
			want := map[bool]int{false: 200, true: 404}[destroy]
			if r := w.get(free); r.status != want {
				t.Errorf("the EIP: got %d %v, want %d", r.status, r.body, want)
			}
			w.wantHolder("10.0.4.99", "", byPrivate)
		})
	}
}

func TestAnIPCanBeHeldByWhatIsNoMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakejd.Options{})
	w.must(w.jd.AddInterface(fakejd.Interface{ID: "port-lb", Instance: "lb-1", InstanceType: "lb", PrimaryIP: ip("10.0.4.40")}))
	w.must(w.jd.AddPrivateIP(fakejd.PrivateIP{IP: ip("10.0.4.98"), Holder: providers.Target{Instance: "lb-1", Interface: "port-lb"}}))
	r := w.get(base + "networkInterfaces/port-lb")
	nic := func(key string) any { return r.at("result", "networkInterface", key) }
	if nic("instanceType") != "lb" || nic("instanceId") != "lb-1" || nic("role") != "Primary" {
		t.Errorf("got %v", r.body)
	}
	if got := r.at("result", "networkInterface", "secondaryIps", 0, "privateIpAddress"); got != "10.0.4.98" {
		t.Errorf("secondary IP: got %v", got)
	}
}
