// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// routesMax is how many routes one call replaces at most here.
const routesMax = 100

// routeRequest is a "Route" in a request. What only answers have is allowed, for
// clients that send back what they read.
type routeRequest struct {
	DestinationCidrBlock, DestinationIpv6CidrBlock string
	GatewayType, GatewayId                         string
	RouteId                                        uint64
	RouteItemId, RouteDescription                  string
	Enabled, PublishedToVbc                        *bool
	RouteType, RouteTableId, CreatedTime           string
}

// replacement is one route that a call changes.
type replacement struct {
	route Route
	to    providers.Target
	in    routeRequest
}

// replaceRoutes changes where routes of one table lead, at once and whoever they led
// to: the service has no conditional form. All are checked before any is changed.
func (a *api) replaceRoutes(r *request) (document, *failure) {
	var in struct {
		RouteTableId string
		Routes       []routeRequest
	}
	if f := decode(r, &in); f != nil {
		return nil, f
	}
	t, ok := get(a, a.things.tables, in.RouteTableId)
	switch {
	case in.RouteTableId == "":
		return nil, required("RouteTableId", "")
	case len(in.Routes) == 0:
		return nil, required("Routes", "")
	case !isID(in.RouteTableId, "rtb-"):
		return nil, malformed("RouteTableId", in.RouteTableId)
	case !ok || t.Region != r.region:
		return nil, notFound("route table", in.RouteTableId)
	case len(in.Routes) > routesMax:
		return nil, fail("LimitExceeded", "There are more than %d routes.", routesMax)
	}
	var todo []replacement
	for _, want := range in.Routes {
		one, f := a.replacement(r, t, want)
		if f != nil {
			return nil, f
		}
		if slices.ContainsFunc(todo, func(o replacement) bool { return o.route.ID == one.route.ID }) {
			return nil, fail("InvalidParameterValue.Duplicate", "The route %s is named twice.", one.route.ID)
		}
		todo = append(todo, one)
	}
	return a.replace(r, todo)
}

func (a *api) replace(r *request, todo []replacement) (document, *failure) {
	before, after := []routeDocument{}, []routeDocument{}
	for _, one := range todo {
		d, _ := one.route.document(a.model.View(0)) // checked already
		before = append(before, d)
		op, err := a.submit(r, fakecloud.Request{Verb: fakecloud.Move, IP: one.route.IP, Table: one.route.Table, To: one.to})
		switch {
		case errors.Is(err, fakecloud.AlreadyHolder): // it leads there already
		case err != nil, op.Status == fakecloud.Errored:
			return nil, fail("InternalError", "The route %s was not changed.", one.route.ID)
		}
		if one.in.RouteDescription != "" {
			one.route.Description = one.in.RouteDescription
			put(a, a.things.routes, fakecloud.Slot{IP: one.route.IP, Table: one.route.Table}, one.route)
		}
		d, _ = one.route.document(a.model.View(0))
		after = append(after, d)
	}
	return document{"OldRouteSet": before, "NewRouteSet": after}, nil
}

// replacement checks one route of the request.
func (a *api) replacement(r *request, t Table, in routeRequest) (replacement, *failure) {
	destination := or(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock)
	if f := required("DestinationCidrBlock", destination, "GatewayType", in.GatewayType, "GatewayId", in.GatewayId); f != nil {
		return replacement{}, f
	}
	prefix, err := netip.ParsePrefix(destination)
	if err != nil {
		return replacement{}, malformed("DestinationCidrBlock", destination)
	}
	if v, _ := get(a, a.things.vpcs, t.VPC); v.Range.Overlaps(prefix) {
		return replacement{}, fail("InvalidParameterValue.VpcCidrConflict", "%s is inside the range %s of %s.", prefix, v.Range, v.ID)
	}
	i := slices.IndexFunc(a.routesOf(t.ID), func(rt Route) bool {
		return in.RouteItemId != "" && rt.ID == in.RouteItemId || in.RouteItemId == "" && in.RouteId != 0 && rt.Number == in.RouteId
	})
	if i < 0 {
		return replacement{}, fail("UnsupportedOperation.RecordNotExists", "The route does not exist in %s.", t.ID)
	}
	rt := a.routesOf(t.ID)[i]
	_, there := rt.document(a.model.View(0))
	switch {
	case !there:
		return replacement{}, fail("UnsupportedOperation.RecordNotExists", "The route %s does not exist in %s.", rt.ID, t.ID)
	case rt.Type != "USER":
		return replacement{}, fail("UnsupportedOperation.SystemRoute", "The route %s is not the user's.", rt.ID)
	case destination != rt.destination():
		return replacement{}, fail("UnsupportedOperation", "The destination of %s cannot become %s here.", rt.ID, destination)
	}
	to, f := a.nextHop(r, t, in)
	return replacement{rt, to, in}, f
}

// nextHop returns what a route is to lead to.
func (a *api) nextHop(r *request, t Table, in routeRequest) (providers.Target, *failure) {
	now := a.model.View(0)
	if in.GatewayType != "NORMAL_CVM" {
		to := providers.Target{Instance: in.GatewayId}
		kind, _ := gateway(to)
		if _, err := now.Instance(in.GatewayId); err != nil || kind != in.GatewayType || kind == "INS" {
			return to, notFound("gateway", in.GatewayId)
		}
		return to, nil
	}
	ip, err := netip.ParseAddr(in.GatewayId)
	if err != nil {
		return providers.Target{}, malformed("GatewayId", in.GatewayId)
	}
	for _, m := range a.machines(now, r.region) {
		if m.VPC == t.VPC && slices.Contains(m.Private, ip) {
			return providers.Target{PrivateIP: ip}, nil
		}
	}
	return providers.Target{}, notFound("next hop", in.GatewayId)
}
