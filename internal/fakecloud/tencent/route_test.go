// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
	faketencent "github.com/fipctl/fipctl/internal/fakecloud/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestRoutesThatAreNotReplaced(t *testing.T) {
	t.Parallel()
	const table = "rtb-11111111"
	for _, tt := range []struct {
		name     string
		from, to string // what of a good request is exchanged
		before   func(*world)
		want     string
	}{
		{"nothing is wrong", "", "", nil, ""},
		{"a table of another kind", table, "subnet-other", nil, "InvalidParameterValue.Malformed"},
		{"a table nobody has", table, "rtb-00000000", nil, "ResourceNotFound"},
		{"a route nobody has", `"rti-`, `"rti-0`, nil, "UnsupportedOperation.RecordNotExists"},
		{"a route without an id", `"RouteItemId"`, `"RouteDescription"`, nil, "UnsupportedOperation.RecordNotExists"},
		{"a route of another table", table, "rtb-22222222", nil, "UnsupportedOperation.RecordNotExists"},
		{"another destination", "172.16.0.9/32", "172.16.0.8/32", nil, "UnsupportedOperation"},
		{"a destination inside the VPC", "172.16.0.9/32", "10.0.9.9/32", nil, "InvalidParameterValue.VpcCidrConflict"},
		{"no destination", "172.16.0.9/32", "", nil, "MissingParameter"},
		{"a destination that is none", "172.16.0.9/32", "172.16.0.9", nil, "InvalidParameterValue.Malformed"},
		{"a gateway by its id", "10.0.4.21", "ins-bbbbbbbb", nil, "InvalidParameterValue.Malformed"},
		{"a gateway nobody has", "10.0.4.21", "10.0.4.77", nil, "ResourceNotFound"},
		{"a machine that is gone", "", "", func(w *world) { w.must(w.model.SetState("ins-bbbbbbbb", providers.InstanceGone)) }, "ResourceNotFound"},
		{"a gateway of another kind", "NORMAL_CVM", "HAVIP", nil, "ResourceNotFound"},
		{"no gateway", "10.0.4.21", "", nil, "MissingParameter"},
		{"a route that is gone", "", "", func(w *world) { w.must(w.model.PlaceIn(slot(table), providers.Target{})) }, "UnsupportedOperation.RecordNotExists"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, faketencent.Options{})
			body := replace(w, table, "10.0.4.21")
			if tt.from != "" {
				body = strings.Replace(body, tt.from, tt.to, 1)
			}
			if tt.before != nil {
				tt.before(w)
			}
			before := w.model.HolderIn(slot(table))
			w.wantCode(tt.name, w.call("ReplaceRoutes", body), tt.want)
			if after := w.model.HolderIn(slot(table)); tt.want != "" && after != before {
				t.Errorf("a refused write changed %s to %s", before, after)
			}
		})
	}
}

func TestARouteOfTheSystemStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.must(w.tc.AddRoute(faketencent.Route{
		Table: "rtb-33333333", IP: routed, Holder: providers.Target{Instance: "ins-aaaaaaaa"}, Type: "NETD",
	}))
	w.wantCode("replace", w.call("ReplaceRoutes", replace(w, "rtb-33333333", "10.0.4.21")), "UnsupportedOperation.SystemRoute")
}

func TestARouteIsReplacedInOneTableOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	body := replace(w, "rtb-11111111", "10.0.4.21")
	for range 2 { // again it changes nothing, and is accepted
		w.wantCode("replace", w.call("ReplaceRoutes", body), "")
	}
	if got := w.model.Moves(routed); got != 1 {
		t.Errorf("moves: got %d, want 1", got)
	}
	if got := w.model.HolderIn(slot("rtb-22222222")); got != (providers.Target{PrivateIP: onA.PrivateIP}) {
		t.Errorf("the other table leads to %s", got)
	}
	w.must(w.model.SetState("ins-bbbbbbbb", providers.InstanceGone))
	r := w.call("DescribeRouteTables", `{"RouteTableIds":["rtb-11111111"]}`)
	if got := r.at("RouteTableSet", 0, "RouteSet", 0, "GatewayId"); got != "10.0.4.21" {
		t.Errorf("when the machine is gone: got %v, want a route that leads nowhere", got)
	}
}

func TestARouteCanBeNamedByItsNumberAndLeadToAHAVIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	r := w.call("DescribeRouteTables", `{"RouteTableIds":["rtb-11111111"]}`)
	number := strconv.Itoa(int(r.at("RouteTableSet", 0, "RouteSet", 0, "RouteId").(float64)))
	body := `{"RouteTableId":"rtb-11111111","Routes":[{"RouteId":` + number +
		`,"DestinationCidrBlock":"172.16.0.9/32","GatewayType":"HAVIP","GatewayId":"havip-11111111","RouteDescription":"moved"}]}`
	r = w.call("ReplaceRoutes", body)
	w.wantCode("replace", r, "")
	if r.at("NewRouteSet", 0, "GatewayType") != "HAVIP" || r.at("NewRouteSet", 0, "RouteDescription") != "moved" ||
		r.at("OldRouteSet", 0, "GatewayId") != "10.0.4.20" {
		t.Errorf("got %s", r.raw)
	}
	if got := w.model.HolderIn(slot("rtb-11111111")); got != (providers.Target{Instance: "havip-11111111"}) {
		t.Errorf("it leads to %s", got)
	}
	twice := strings.Replace(body, `"Routes":[`, `"Routes":[`+body[strings.Index(body, "[")+1:len(body)-2]+",", 1)
	w.wantCode("one route twice", w.call("ReplaceRoutes", twice), "InvalidParameterValue.Duplicate")
}

func TestALateReplacementArrivesLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	body := replace(w, "rtb-11111111", "10.0.4.21")
	w.tc.Inject(face.Match{Action: "ReplaceRoutes"}, face.CutLate(10e9), 1)
	w.lose("ReplaceRoutes", body)
	for _, want := range []netip.Addr{onA.PrivateIP, onB.PrivateIP} {
		if got := w.model.HolderIn(slot("rtb-11111111")); got != (providers.Target{PrivateIP: want}) {
			t.Errorf("it leads to %s, want %s", got, want)
		}
		w.advance(10e9)
	}
}

func TestTablesSayWhichSubnetsUseThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, faketencent.Options{})
	w.must(w.tc.AddTable(faketencent.Table{ID: "rtb-33333333", Main: true}))
	w.must(w.tc.AddTable(faketencent.Table{ID: "rtb-44444444", Subnets: []string{"subnet-other"}}))
	r := w.call("DescribeSubnets", "{}")
	got := map[any]any{}
	for i := range 2 {
		got[r.at("SubnetSet", i, "SubnetId")] = r.at("SubnetSet", i, "RouteTableId")
	}
	if got["subnet-other"] != "rtb-44444444" || got["subnet-fipctl01"] != "rtb-33333333" {
		t.Errorf("got %v", got)
	}
	r = w.call("DescribeRouteTables", `{"Filters":[{"Name":"association.main","Values":["true"]}],"Limit":"5"}`)
	if r.at("TotalCount") != 1.0 || r.at("RouteTableSet", 0, "RouteTableId") != "rtb-33333333" {
		t.Errorf("the main one: got %s", r.raw)
	}
	r = w.call("DescribeRouteTables", `{"RouteTableIds":["rtb-44444444"]}`)
	if r.at("RouteTableSet", 0, "AssociationSet", 0, "SubnetId") != "subnet-other" {
		t.Errorf("its subnets: got %s", r.raw)
	}
	if _, err := w.model.View(0).AddressIn(slot("rtb-33333333")); err != fakecloud.UnknownAddress {
		t.Errorf("an empty table has a route: %v", err)
	}
}
