// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// route moves a route of one address in one route table, by changing the next hop of
// its rule in place: adding a rule first would split the traffic between two hops. The
// id of the rule is the Version of what Owner saw.
type route struct{ *client }

var (
	_ providers.Provider    = (*route)(nil)
	_ providers.Inspector   = (*route)(nil)
	_ providers.Preflighter = (*route)(nil)
	_ providers.Placer      = (*route)(nil)
	_ providers.Recogniser  = (*route)(nil)
)

const (
	hopInstance = "instance"   // the type of the next hop that is a machine
	propagated  = "propagated" // the origin of a rule that nobody may change
)

// Capabilities implements providers.Provider.
func (*route) Capabilities() providers.Capabilities { return Capabilities(providers.KindRoute) }

// Owner implements providers.Provider with one read. A route that is not there is
// NotFound: it is an operator who lets a table have it, once.
func (p *route) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	if err := checkAddress(op, providers.KindRoute, a); err != nil {
		return providers.Assignment{}, err
	}
	t, err := p.table(ctx, op, a.ID)
	if err != nil {
		return providers.Assignment{}, err
	}
	r, err := t.rule(op, a)
	if providers.KindOf(err) == providers.NotFound {
		if inside := p.inNetwork(ctx, op, t, a); inside != nil {
			err = inside // no such rule is to be added
		}
	}
	if err != nil {
		return providers.Assignment{}, err
	}
	return providers.Assignment{Target: r.target(), Version: r.ID}, nil
}

// PrivateAddresses implements providers.Recogniser, with one read a minute.
func (p *route) PrivateAddresses(ctx context.Context, a providers.Address, owner providers.Target) []netip.Addr {
	if !isID(prefixInstance, owner.Instance) {
		return nil
	}
	return p.privateAddress(ctx, "recognise the owner of "+a.String(), owner.Instance)
}

// Assign implements providers.Provider: "modifyRouteTableRules" of the rule in seen. The
// API has no conditional form.
func (p *route) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	op := fmt.Sprintf("assign %s to %s", a, to)
	if err := checkAddress(op, providers.KindRoute, a); err != nil {
		return providers.Result{}, err
	}
	if err := checkTarget(op, providers.KindRoute, to); err != nil {
		return providers.Result{}, err
	}
	if err := canRerouteFrom(op, seen.Target); err != nil {
		return providers.Result{}, err
	}
	if seen.Version == "" {
		return providers.Result{}, refuse(op, providers.Invalid, "what was seen names no rule; read the owner first")
	}
	return p.post(ctx, op, call{
		service: "vpc", operation: "modifyRouteTableRules",
		path: "/routeTables/" + a.ID + ":modifyRouteTableRules",
		body: map[string]any{"modifyRouteTableRuleSpecs": []any{
			map[string]string{"ruleId": seen.Version, "nextHopType": hopInstance, "nextHopId": to.Instance},
		}},
	})
}

// canRerouteFrom refuses a next hop that is no machine.
func canRerouteFrom(op string, hop providers.Target) error {
	if hop.IsZero() || hop == (providers.Target{Instance: hop.Instance}) && isID(prefixInstance, hop.Instance) {
		return nil
	}
	return refuse(op, providers.Invalid, "the next hop is %s and not an instance; fipctl changes only routes to instances", cloudhttp.Quote(hop.String()))
}

// Preflight implements providers.Preflighter with three reads, and one of the VPC an hour.
func (p *route) Preflight(ctx context.Context, a providers.Address, to providers.Target) error {
	op := fmt.Sprintf("check assignment of %s to %s", a, to)
	if err := checkAddress(op, providers.KindRoute, a); err != nil {
		return err
	}
	if err := checkTarget(op, providers.KindRoute, to); err != nil {
		return err
	}
	t, err := p.table(ctx, op, a.ID)
	if err != nil {
		return err
	}
	if err := p.inNetwork(ctx, op, t, a); err != nil {
		return err
	}
	r, err := t.rule(op, a)
	if err != nil {
		return err
	}
	m, err := p.machine(ctx, op, to.Instance)
	if err != nil {
		return err
	}
	if err := p.canForward(ctx, op, t, m); err != nil {
		return err
	}
	return canRerouteFrom(op, r.target())
}

// table: "describeRouteTable", which has the rules in every sample; should an answer have
// none, "describeRouteTableRules" is asked.
func (p *route) table(ctx context.Context, op, id string) (routeTable, error) {
	var doc tableResult
	err := p.get(ctx, op, call{service: "vpc", operation: "describeRouteTable", path: "/routeTables/" + id}, &doc)
	switch {
	case err != nil:
		return routeTable{}, err
	case doc.Table.ID != id:
		return routeTable{}, refuse(op, providers.Transient, "routeTable.routeTableId: asked for %s, got %s", id, cloudhttp.Quote(doc.Table.ID))
	case doc.Table.Rules == nil:
		doc.Table.Rules, err = p.rules(ctx, op, id)
	}
	return *doc.Table, err
}

// rules: "describeRouteTableRules". Pages are turned by the count, as those of any list
// here.
func (p *route) rules(ctx context.Context, op, id string) (*[]routeRule, error) {
	all := []routeRule{}
	for page := 1; page <= pagesMax; page++ {
		var doc rulesResult
		query := url.Values{"pageNumber": {strconv.Itoa(page)}, "pageSize": {strconv.Itoa(pageMax)}}
		err := p.get(ctx, op, call{service: "vpc", operation: "describeRouteTableRules", path: "/routeTables/" + id + "/routeTableRules", query: query}, &doc)
		if err != nil {
			return nil, err
		}
		all = append(all, *doc.Rules...)
		if len(all) >= *doc.Total || len(*doc.Rules) == 0 {
			return &all, nil
		}
	}
	return nil, refuse(op, providers.Unsupported, "%s has more than %d rules, which is too many to look through for each read", id, pagesMax*pageMax)
}

// tableResult: the table, as documented, or in a list of one, as in the vendor's sample.
type tableResult struct {
	Table  *routeTable  `json:"routeTable"`
	Tables []routeTable `json:"routeTables"`
}

type rulesResult struct {
	Rules *[]routeRule `json:"routeTableRules"`
	Total *int         `json:"totalCount"`
}

func (r *rulesResult) check() error {
	switch {
	case r.Rules == nil:
		return missing("routeTableRules")
	case r.Total == nil:
		return missing("totalCount")
	}
	return checkRules("routeTableRules", *r.Rules)
}

// routeTable is a route table as the API shows it.
type routeTable struct {
	ID    string       `json:"routeTableId"`
	VPC   string       `json:"vpcId"`
	Rules *[]routeRule `json:"routeTableRules"`
}

// routeRule is one route. A prefix of the type PREFIXLIST is the id of a list.
type routeRule struct {
	ID      string  `json:"ruleId"`
	HopType string  `json:"nextHopType"`
	Hop     *string `json:"nextHopId"`
	Prefix  string  `json:"addressPrefix"`
	Origin  string  `json:"origin"`    // static, propagated
	Type    string  `json:"routeType"` // the same under its other name

	prefix netip.Prefix // invalid: not a range
}

func (r *tableResult) check() error {
	if r.Table == nil && len(r.Tables) == 1 {
		r.Table = &r.Tables[0]
	}
	switch {
	case r.Table == nil && len(r.Tables) > 1:
		return fmt.Errorf("routeTables: has %d, one was asked for", len(r.Tables))
	case r.Table == nil:
		return missing("routeTable")
	case r.Table.Rules == nil:
		return nil // they are asked for by another call
	}
	return checkRules("routeTable.routeTableRules", *r.Table.Rules)
}

// checkRules reads the rules found under a name.
func checkRules(under string, rules []routeRule) error {
	for i := range rules {
		rule := &rules[i]
		name := fmt.Sprintf("%s[%d]", under, i)
		switch {
		case rule.ID == "":
			return missing(name + ".ruleId")
		case rule.HopType == "":
			return missing(name + ".nextHopType")
		case rule.HopType == hopInstance && rule.Hop == nil:
			return missing(name + ".nextHopId")
		case rule.Prefix == "":
			return missing(name + ".addressPrefix")
		}
		rule.prefix, _ = netip.ParsePrefix(rule.Prefix) // the word local and the id of a list are none, and match nothing
	}
	return nil
}

// rule returns the one rule of t for a. Two of them share the traffic, or one hides the
// other: both are for an operator to undo.
func (t routeTable) rule(op string, a providers.Address) (routeRule, error) {
	want := netip.PrefixFrom(a.IP, 32)
	var found []routeRule
	for _, r := range *t.Rules {
		again := func(f routeRule) bool { return f.ID == r.ID } // pages shift
		if r.prefix == want && !slices.ContainsFunc(found, again) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0:
		return routeRule{}, refuse(op, providers.NotFound, "%s has no route for %s; add one once, with any node as its next hop", t.ID, want)
	case len(found) > 1:
		return routeRule{}, refuse(op, providers.Invalid, "%s has %d routes for %s (%s, %s), between which traffic is split; remove all but one", t.ID, len(found), want, found[0].ID, found[1].ID)
	case found[0].Origin == propagated || found[0].Type == propagated:
		return routeRule{}, refuse(op, providers.Invalid, "the route %s for %s in %s is propagated and cannot be changed; add a static one", found[0].ID, want, t.ID)
	case found[0].target().IsZero():
		return routeRule{}, refuse(op, providers.Transient, "nextHopId of the route %s for %s in %s: empty; a route to an instance names it", found[0].ID, want, t.ID)
	}
	return found[0], nil
}

// target returns what r leads to; zero: an instance that is not named, which is not nobody.
func (r routeRule) target() providers.Target {
	hop := ""
	if r.Hop != nil {
		hop = cloudhttp.Clean(*r.Hop)
	}
	switch {
	case r.HopType == hopInstance && (hop == "" || isID(prefixInstance, hop)):
		return providers.Target{Instance: hop}
	case r.HopType == "elastic_network_interface":
		return providers.Target{Interface: hop}
	default:
		return providers.Target{Instance: strings.TrimSpace(cloudhttp.Clean(r.HopType) + " " + hop)}
	}
}
