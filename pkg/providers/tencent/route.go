// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// route changes the next hop of one route to a single address, in one table. The
// destination lies outside the VPC's range, or the route could not exist.
type route struct{ machines }

var (
	_ providers.Provider    = (*route)(nil)
	_ providers.BatchReader = (*route)(nil)
	_ providers.Inspector   = (*route)(nil)
	_ providers.Preflighter = (*route)(nil)
	_ providers.Placer      = (*route)(nil)
)

// toMachine is the type of a next hop that is a machine, named by a private address.
const toMachine = "NORMAL_CVM"

// Capabilities implements providers.Provider.
func (*route) Capabilities() providers.Capabilities { return capabilities[providers.KindRoute] }

func checkRoute(op string, a providers.Address) error {
	return checkAddress(op, a, providers.KindRoute, "rtb-", "the route table")
}

func (p *route) reader() reader[*vpc.RouteTable] {
	translate := func(op, requestID string, a providers.Address, table *vpc.RouteTable) (providers.Assignment, error) {
		out, err := ownerOfRoute(op, requestID, a, table)
		if err == nil {
			p.cloud.rememberHop(a, nextHop{out.Target.PrivateIP, cloudhttp.Clean(text(table.VpcId))})
		}
		return out, err
	}
	return reader[*vpc.RouteTable]{p.cloud, checkRoute, p.describe, translate}
}

// nextHop is a private address and the network whose route leads to it.
type nextHop struct {
	ip      netip.Addr
	network string // empty: not told
}

// rememberHop notes where a route leads. There are as many as there are routes in the
// configuration.
func (c *Cloud) rememberHop(a providers.Address, hop nextHop) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hops[a] = hop
}

// networkOf returns the network of a machine that only an address names: the one of the
// routes that led there when they were last read. Empty: none does, or those of several.
func (c *Cloud) networkOf(t providers.Target) (network string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, hop := range c.hops {
		switch {
		case hop.ip != t.PrivateIP || !hop.ip.IsValid():
		case hop.network == "" || network != "" && hop.network != network:
			return ""
		default:
			network = hop.network
		}
	}
	return network
}

// Owner implements providers.Provider. A route has a next hop always: one that is not
// in the table is NotFound.
func (p *route) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	return p.reader().owner(ctx, a)
}

// Owners implements providers.BatchReader with one call for 100 tables.
func (p *route) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	return p.reader().owners(ctx, as)
}

// describe reads route tables by id: "DescribeRouteTables", whose limit is text.
func (p *route) describe(ctx context.Context, op string, ids []string) (found[*vpc.RouteTable], error) {
	req := vpc.NewDescribeRouteTablesRequest()
	req.RouteTableIds, req.Limit, req.NeedRouterInfo = pointers(ids...), pointer(strconv.Itoa(idsMax)), pointer(true)
	resp := vpc.NewDescribeRouteTablesResponse()
	id, err := p.cloud.send(ctx, op, req, resp)
	if err != nil {
		return found[*vpc.RouteTable]{}, err
	}
	if resp.Response == nil || resp.Response.RouteTableSet == nil {
		return found[*vpc.RouteTable]{}, unreadable(op, id, missing("RouteTableSet"))
	}
	return index(op, id, "RouteTableSet.RouteTableId", resp.Response.RouteTableSet, func(t *vpc.RouteTable) *string { return t.RouteTableId })
}

// ownerOfRoute finds the route in its table. The version carries the route's id to
// the write, and changes with the next hop.
func ownerOfRoute(op, requestID string, a providers.Address, table *vpc.RouteTable) (providers.Assignment, error) {
	r, err := routeTo(op, requestID, a, table)
	if err != nil {
		return providers.Assignment{}, err
	}
	id, err := routeID(r)
	if err != nil {
		return providers.Assignment{}, unreadable(op, requestID, err)
	}
	hop := cloudhttp.Clean(text(r.GatewayId))
	out := providers.Assignment{Version: id + "@" + hop}
	switch typ := cloudhttp.Clean(text(r.GatewayType)); {
	case typ == "" || hop == "":
		return providers.Assignment{}, unreadable(op, requestID, missing("GatewayType or GatewayId"))
	case typ == toMachine:
		if out.Target.PrivateIP, err = parseIP("GatewayId", hop); err != nil {
			return providers.Assignment{}, unreadable(op, requestID, err)
		}
		out.PrivateAddresses = []netip.Addr{out.Target.PrivateIP}
	default:
		out.Target.Instance = strings.ToLower(typ) + ":" + hop
	}
	return out, nil
}

// routeTo returns the one route of the table to the address. The vendor's samples of
// "DescribeRouteTables" lack RouteType: absent, it is taken for USER, and the cloud
// refuses to change a route of its own (UnsupportedOperation.SystemRoute). A route
// that names no destination may be the one that is looked for.
func routeTo(op, requestID string, a providers.Address, table *vpc.RouteTable) (*vpc.Route, error) {
	if table.RouteSet == nil {
		return nil, unreadable(op, requestID, missing("RouteSet"))
	}
	var got *vpc.Route
	for _, r := range table.RouteSet {
		if r == nil || text(r.DestinationCidrBlock) == "" && text(r.DestinationIpv6CidrBlock) == "" {
			return nil, unreadable(op, requestID, missing("RouteSet.DestinationCidrBlock"))
		}
		if text(r.DestinationCidrBlock) != destination(a) {
			continue
		}
		if got != nil {
			return nil, refuse(op, providers.Invalid, "%s has several routes to %s; leave one", a.ID, destination(a))
		}
		got = r
	}
	switch {
	case got == nil:
		return nil, refuse(op, providers.NotFound, "%s has no route to %s; create it with the private address of a node as next hop", a.ID, destination(a))
	case text(got.RouteType) != "" && *got.RouteType != "USER":
		return nil, refuse(op, providers.Invalid, "the route to %s in %s is of type %s; only USER routes can be changed", destination(a), a.ID, cloudhttp.Quote(text(got.RouteType)))
	}
	return got, nil
}

func destination(a providers.Address) string { return netip.PrefixFrom(a.IP, a.IP.BitLen()).String() }

// routeID returns the id of a route, preferably the newer one (rti-...).
func routeID(r *vpc.Route) (string, error) {
	switch {
	case isID(text(r.RouteItemId), "rti-"):
		return *r.RouteItemId, nil
	case value(r.RouteId) != 0:
		return strconv.FormatUint(*r.RouteId, 10), nil
	}
	return "", missing("RouteItemId")
}

// Assign implements providers.Provider: ReplaceRoutes of the route that seen is about.
// The API has no condition: the next hop is replaced, whatever it is by then.
func (p *route) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	op := fmt.Sprintf("assign %s to %s", a, to)
	if err := checkRoute(op, a); err != nil {
		return providers.Result{}, err
	}
	if err := checkTarget(op, to, p.Capabilities().Target); err != nil {
		return providers.Result{}, err
	}
	if seen.Target.Instance != "" {
		return providers.Result{}, refuse(op, providers.Invalid, "the next hop is %s, which is no machine; change it by hand", seen.Target)
	}
	change := &vpc.Route{DestinationCidrBlock: pointer(destination(a)), GatewayType: pointer(toMachine), GatewayId: pointer(to.PrivateIP.String())}
	id, _, _ := strings.Cut(seen.Version, "@")
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		change.RouteId = &n
	} else if isID(id, "rti-") {
		change.RouteItemId = &id
	} else {
		return providers.Result{}, refuse(op, providers.Invalid, "the assignment seen carries no id of a route (%q)", seen.Version)
	}
	req := vpc.NewReplaceRoutesRequest()
	req.RouteTableId, req.Routes = &a.ID, []*vpc.Route{change}
	request, err := p.cloud.send(ctx, op, req, vpc.NewReplaceRoutesResponse())
	if err != nil {
		return providers.Result{}, err
	}
	return providers.Result{RequestID: request}, nil
}

// Preflight implements providers.Preflighter with two reads.
func (p *route) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	op := fmt.Sprintf("check assignment of %s to %s", a, t)
	if err := checkTarget(op, t, p.Capabilities().Target); err != nil {
		return err
	}
	table, id, err := p.reader().one(ctx, op, a)
	if err != nil {
		return err
	}
	if _, err := ownerOfRoute(op, id, a, table); err != nil {
		return err
	}
	r, err := routeTo(op, id, a, table)
	switch {
	case err != nil:
		return err
	case text(r.GatewayType) != toMachine:
		return refuse(op, providers.Invalid, "the next hop is a %s; set it to the private address of a node first", cloudhttp.Quote(text(r.GatewayType)))
	case r.Enabled != nil && !*r.Enabled:
		return refuse(op, providers.Invalid, "the route to %s in %s is disabled; enable it", destination(a), a.ID)
	}
	if text(table.VpcId) == "" {
		return unreadable(op, id, missing("RouteTableSet.VpcId"))
	}
	return p.isNextHop(ctx, op, t, *table.VpcId)
}

// isNextHop refuses a private address that no machine of the table's VPC has. A
// credential that may not read machines leaves that unknown.
func (p *route) isNextHop(ctx context.Context, op string, t providers.Target, network string) error {
	found, err := p.instances(ctx, op, t, network)
	switch {
	case providers.KindOf(err) == providers.Denied:
		return nil
	case err != nil:
		return err
	case len(found) > 0:
		return nil
	}
	return refuse(op, providers.Invalid, "no machine of %s, the network of the route table, has the private address %s", network, t.PrivateIP)
}
