// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/pkg/providers"
)

func TestTheStateOfAMachine(t *testing.T) {
	t.Parallel()
	const unknown, running, stopped, gone = providers.InstanceUnknown, providers.InstanceRunning, providers.InstanceStopped, providers.InstanceGone
	status := func(word string) canned {
		return result(`{"instance":{"instanceId":"i-a","status":"` + word + `"}}`)
	}
	for _, tc := range []struct {
		name   string
		answer canned
		want   providers.InstanceState
		kind   string
	}{
		{"running", canned{file: "instance"}, running, ""},
		{"pending", status("pending"), running, ""},
		{"starting", status("starting"), running, ""},
		{"stopping may still act", status("stopping"), running, ""},
		{"rebooting", status("rebooting"), running, ""},
		{"rebuilding", status("rebuilding"), running, ""},
		{"resizing", status("resizing"), running, ""},
		{"deleting may still act", status("deleting"), running, ""},
		{"stopped", status("stopped"), stopped, ""},
		{"terminated", status("terminated"), gone, ""},
		{"error", status("error"), unknown, ""},
		{"a word that is not documented", status("Stopped"), unknown, ""},
		{"the service does not know it", failure(404, "NOT_FOUND", "Instance 'i-a' not found"), gone, ""},
		{"the gateway knows no such path", failure(404, "NOT_FOUND", "no route and no API found with those values"), unknown, "invalid"},
		{"a 404 of somebody else", canned{status: 404, body: "<html>not found</html>"}, unknown, "transient"},
		{"no permission", failure(403, "HTTP_FORBIDDEN", "api is disabled"), unknown, "denied"},
		{"another machine's", result(`{"instance":{"instanceId":"i-b","status":"stopped"}}`), unknown, "transient"},
		{"no status", result(`{"instance":{"instanceId":"i-a"}}`), unknown, "transient"},
		{"no id", result(`{"instance":{"status":"stopped"}}`), unknown, "transient"},
		{"no instance", result(`{}`), unknown, "transient"},
		{"null", result(`null`), unknown, "transient"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := start(t, script{readA: tc.answer})
			for _, kind := range Kinds() {
				got, err := c.provider(t, kind).(providers.Inspector).InstanceState(t.Context(), only(kind, nodeA))
				if got != tc.want || kindWord(err) != tc.kind {
					t.Errorf("%s: got %v, %v; want %v, kind %q", kind, got, err, tc.want, tc.kind)
				}
			}
		})
	}
}

// TestWhatIsNoInstanceIsNeverGone: the service of machines does not know a load
// balancer, and to say that it is gone would let its address be taken.
func TestWhatIsNoInstanceIsNeverGone(t *testing.T) {
	t.Parallel()
	c, seen := start(t, nil)
	for _, target := range []providers.Target{{Instance: "alb-1"}, {Instance: "natgw natgw-1"}, {Instance: "i-a/x"}, {Interface: "port-d"}, {}} {
		got, err := c.provider(t, providers.KindEIP).(providers.Inspector).InstanceState(t.Context(), target)
		if got != providers.InstanceUnknown || err != nil {
			t.Errorf("%v: got %v, %v", target, got, err)
		}
	}
	if n := len(seen.seen()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestWhereAMachineRuns(t *testing.T) {
	t.Parallel()
	const readGroup = "GET /availabilityGroups/ag-abcd1234ef"
	in := providers.Placement{Zone: "cn-north-1c", Group: "ag-abcd1234ef", Partition: "2"}
	spread, dedicated, alone := in, in, providers.Placement{Zone: "cn-north-1c", Partition: "2"}
	spread.Spread, dedicated.Host = true, "host-1"
	group := func(placement string) canned {
		return result(`{"ag":{"id":"ag-abcd1234ef","placementType":"` + placement + `"}}`)
	}
	for _, tc := range []struct {
		name   string
		change script
		want   providers.Placement
		kind   string
	}{
		{"in fault domains", script{readGroup: {file: "group"}}, in, ""},
		{"on different hosts", script{readGroup: group("host")}, spread, ""},
		{"behind different switches", script{readGroup: group("switch")}, spread, ""},
		{"on a dedicated host", script{readGroup: {file: "group"}, readA: instanceWith(t, `"dedicatedHostId":""`, `"dedicatedHostId":"host-1"`)}, dedicated, ""},
		{"in no group", script{readA: instanceWith(t, `"ag":{"id":"ag-abcd1234ef","name":"web"}`, `"ag":null`)}, alone, ""},
		{"in a group that may not be read", script{readGroup: failure(403, "HTTP_FORBIDDEN", "api is disabled")}, in, ""},
		{"in a group that is gone", script{readGroup: failure(404, "NOT_FOUND", "Resource not found")}, in, ""},
		{"in a group that cannot be read", script{readGroup: canned{body: `{"requestId":"req-1"}`}}, providers.Placement{}, "transient"},
		{"in a group without an answer", script{readGroup: result(`{}`)}, providers.Placement{}, "transient"},
		{"nowhere", script{readA: failure(404, "NOT_FOUND", "Instance 'i-a' not found")}, providers.Placement{}, "not-found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := start(t, script{readA: {file: "instance"}}.with(tc.change))
			got, err := c.provider(t, providers.KindRoute).(providers.Placer).Placement(t.Context(), only(providers.KindRoute, nodeA))
			if kindWord(err) != tc.kind {
				t.Errorf("got %v, want kind %q", err, tc.kind)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	c, _ := start(t, nil)
	if _, err := c.provider(t, providers.KindEIP).(providers.Placer).Placement(t.Context(), providers.Target{Instance: "alb-1"}); kindWord(err) != "invalid" {
		t.Errorf("a load balancer: %v", err)
	}
}
