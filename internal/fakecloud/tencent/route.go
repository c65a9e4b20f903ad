// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Table is a route table.
type Table struct {
	ID      string // rtb-xxxxxxxx
	Name    string
	VPC     string // empty: that of the options
	Main    bool
	Subnets []string // that are associated with it
	Region  string   // set by AddTable
}

// Route is one route of a table, to a single address.
type Route struct {
	Table string // added if it does not exist
	IP    netip.Addr
	// Holder is the machine that it leads to, by Instance or by PrivateIP, of which
	// the model keeps the latter; or anything else by its id as the instance:
	// havip-xxxxxxxx, nat-xxxxxxxx.
	Holder      providers.Target
	ID          string // rti-xxxxxxxx; empty: one made from table and address
	Number      uint64 // RouteId; zero: one made from the same
	Type        string // empty: USER; others cannot be changed
	Description string
	Disabled    bool
}

// AddTable adds a route table, or replaces one.
func (s *Server) AddTable(t Table) error {
	t.VPC = or(t.VPC, s.api.settings().VPC)
	v, ok := get(s.api, s.api.things.vpcs, t.VPC)
	if !isID(t.ID, "rtb-") || !ok {
		return fmt.Errorf("add route table %q: the id must be rtb-xxxxxxxx, and the VPC %s exist", t.ID, t.VPC)
	}
	t.Name, t.Region, t.Subnets = or(t.Name, t.ID), v.Region, slices.Clone(t.Subnets)
	put(s.api, s.api.things.tables, t.ID, t)
	return nil
}

// AddRoute adds a route to the model and to the API. Its destination must be outside
// the range of the VPC.
func (s *Server) AddRoute(rt Route) error {
	a := s.api
	if _, ok := get(a, a.things.tables, rt.Table); !ok {
		if err := s.AddTable(Table{ID: rt.Table}); err != nil {
			return err
		}
	}
	t, _ := get(a, a.things.tables, rt.Table)
	if v, _ := get(a, a.things.vpcs, t.VPC); v.Range.Contains(rt.IP) {
		return fmt.Errorf("add route to %s: it is inside the range %s of %s", rt.IP, v.Range, v.ID)
	}
	slot := fakecloud.Slot{IP: rt.IP, Table: rt.Table}
	rt.ID, rt.Number = or(rt.ID, madeID("rti-", slot.String())), or(rt.Number, number64(slot.String())>>40)
	rt.Type = or(rt.Type, "USER")
	if m, ok := get(a, a.things.machines, rt.Holder.Instance); ok {
		rt.Holder = providers.Target{PrivateIP: m.Private[0]}
	}
	if err := a.strangers(rt.Holder, t.Region); err != nil {
		return err
	}
	if err := a.model.AddAddress(fakecloud.Address{
		IP: rt.IP, Table: rt.Table, Region: t.Region, Holder: rt.Holder,
	}); err != nil {
		return err
	}
	put(a, a.things.routes, slot, rt)
	return nil
}

// tableOf returns the id of the subnet's route table: its own, or the main one.
func (a *api) tableOf(n Subnet) string {
	main := ""
	for _, t := range a.tables(func(t Table) bool { return t.VPC == n.VPC }) {
		switch {
		case slices.Contains(t.Subnets, n.ID):
			return t.ID
		case t.Main:
			main = t.ID
		}
	}
	return main
}

func (a *api) tables(wanted func(Table) bool) []Table {
	return list(a, a.things.tables, func(t Table) string { return t.ID }, wanted)
}

// routeDocument is a "Route" in the data types.
type routeDocument struct {
	DestinationCidrBlock     string
	DestinationIpv6CidrBlock string
	GatewayType              string
	GatewayId                string
	RouteId                  uint64
	RouteItemId              string
	RouteDescription         string
	Enabled                  bool
	RouteType                string
	RouteTableId             string
	PublishedToVbc           bool
	CreatedTime              string
}

// routeDocument returns the document of a route as it is in v, and false where it
// leads nowhere, which means that it is not in the table.
func (rt Route) document(v fakecloud.View) (routeDocument, bool) {
	addr, err := v.AddressIn(fakecloud.Slot{IP: rt.IP, Table: rt.Table})
	if err != nil || addr.Holder.IsZero() {
		return routeDocument{}, false
	}
	d := routeDocument{
		RouteId: rt.Number, RouteItemId: rt.ID, RouteDescription: rt.Description, Enabled: !rt.Disabled,
		RouteType: rt.Type, RouteTableId: rt.Table, CreatedTime: createdAt,
	}
	d.GatewayType, d.GatewayId = gateway(addr.Holder)
	if rt.IP.Is6() {
		d.RouteId, d.DestinationIpv6CidrBlock = 0, rt.destination()
	} else {
		d.DestinationCidrBlock = rt.destination()
	}
	return d, true
}

func (rt Route) destination() string { return netip.PrefixFrom(rt.IP, rt.IP.BitLen()).String() }

// gateway spells what a route leads to: a machine by its private address.
func gateway(t providers.Target) (kind, id string) {
	if t.Instance == "" {
		return "NORMAL_CVM", t.PrivateIP.String()
	}
	prefix, _, _ := strings.Cut(t.Instance, "-")
	return strings.ToUpper(prefix), t.Instance
}

func (a *api) routesOf(table string) []Route {
	return list(a, a.things.routes, func(rt Route) string { return rt.IP.String() },
		func(rt Route) bool { return rt.Table == table })
}

func (a *api) describeRouteTables(r *request) (document, *failure) {
	var in struct {
		RouteTableIds  []string
		NeedRouterInfo *bool
		stringList
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	all := a.tables(func(t Table) bool { return t.Region == r.region })
	page, total, f := choose(in.selection(in.RouteTableIds, "rtb-"), all, func(t Table, name string) ([]string, bool) {
		switch name {
		case "id", "route-table-id":
			return []string{t.ID}, true
		case "route-table-name":
			return []string{t.Name}, true
		case "vpc-id":
			return []string{t.VPC}, true
		case "association.main":
			return []string{strings.ToLower(flag(t.Main))}, true
		}
		return nil, false
	})
	v := a.view()
	docs := []document{}
	for _, t := range page {
		docs = append(docs, a.tableDocument(v, t, in.NeedRouterInfo == nil || *in.NeedRouterInfo))
	}
	return document{"TotalCount": total, "RouteTableSet": docs}, f
}

func (a *api) tableDocument(v fakecloud.View, t Table, withRoutes bool) document {
	routes := []routeDocument{}
	for _, rt := range a.routesOf(t.ID) {
		if d, ok := rt.document(v); ok && withRoutes {
			routes = append(routes, d)
		}
	}
	subnets := []document{}
	for _, id := range t.Subnets {
		subnets = append(subnets, document{"SubnetId": id, "RouteTableId": t.ID})
	}
	return document{
		"RouteTableId": t.ID, "RouteTableName": t.Name, "VpcId": t.VPC, "Main": t.Main, "AssociationSet": subnets,
		"RouteSet": routes, "CreatedTime": createdAt, "TagSet": []document{}, "LocalCidrForCcn": []document{},
	}
}
