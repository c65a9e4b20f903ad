// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// priorityDefault is the documented priority of a rule; lower wins.
const priorityDefault = 100

// The next hops of rules that the model knows, and the origins of rules.
const (
	hopInstance  = "instance"
	hopLocal     = "local" // the network's own range, which the rule does not tell
	hopInterface = "elastic_network_interface"

	originStatic     = "static"
	originPropagated = "propagated"
)

// Route is a rule of a route table for one address, held in the model: its next hop
// is the holder, and there is no such rule while nobody holds it.
type Route struct {
	Table  string // id; a new one is made as needed
	RuleID string // empty: made by counting
	IP     netip.Addr
	Holder providers.Target // zero: nobody

	NextHopType string // of a holder that is neither a machine nor an interface: natgw, havip ...
	Priority    int    // zero: 100
	Propagated  bool   // learnt by the table and not to be changed
	VPC         string // of a new table; empty: one that all share
	Region      string // the same; empty: the server's
}

// Rule is any other rule of a route table. The model does not know it.
type Rule struct {
	Table                string
	RuleID               string // empty: made by counting
	Prefix               netip.Prefix
	NextHopType, NextHop string
	Priority             int // zero: 100
	Propagated           bool
}

// table is a route table with its rules, in the order in which they came.
type table struct {
	id, vpc, region string
	rules           []*rule
}

// rule is a Route (IP is valid) or a Rule.
type rule struct {
	id         string
	ip         netip.Addr   // of a route that the model knows
	prefix     netip.Prefix // of it or of the rule
	hopType    string       // for a route only where the holder does not tell
	hop        string       // of a rule
	priority   int
	propagated bool
}

func (w *world) table(id string) *table {
	return byID(w.tables, func(t *table) string { return t.id }, id)
}

// AddRoute adds t to the model, and its table if that is new. The address must be new
// in the table.
func (s *Server) AddRoute(t Route) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	if t.Table == "" || !t.IP.IsValid() {
		return fmt.Errorf("add route to %s: table %q or address is missing", t.IP, t.Table)
	}
	tb := s.api.tableFor(t.Table, t.VPC, t.Region)
	if err := s.api.admit(t.Holder, tb.region); err != nil {
		return err
	}
	return s.api.addRoute(tb, t)
}

func (a *api) addRoute(tb *table, t Route) error {
	if err := a.model.AddAddress(fakecloud.Address{IP: t.IP, Table: tb.id, Region: tb.region, Holder: t.Holder}); err != nil {
		return err
	}
	tb.rules = append(tb.rules, &rule{
		id: a.ruleID(t.RuleID), ip: t.IP, prefix: netip.PrefixFrom(t.IP, t.IP.BitLen()), hopType: t.NextHopType,
		priority: cmp.Or(t.Priority, priorityDefault), propagated: t.Propagated,
	})
	return nil
}

// AddRule adds u, and its table if that is new.
func (s *Server) AddRule(u Rule) error {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	if u.Table == "" || !u.Prefix.IsValid() {
		return fmt.Errorf("add rule for %s: table %q or prefix is missing", u.Prefix, u.Table)
	}
	s.api.addRule(s.api.tableFor(u.Table, "", ""), u)
	return nil
}

func (a *api) addRule(tb *table, u Rule) {
	tb.rules = append(tb.rules, &rule{
		id: a.ruleID(u.RuleID), prefix: u.Prefix, hopType: u.NextHopType, hop: u.NextHop,
		priority: cmp.Or(u.Priority, priorityDefault), propagated: u.Propagated,
	})
}

// tableFor returns the table, made with the rule that each has for its own VPC if it
// is new: the words "local" are in the vendor's sample, the range is not.
func (a *api) tableFor(id, vpc, region string) *table {
	tb := a.world.table(id)
	if tb == nil {
		tb = &table{id: id, vpc: cmp.Or(vpc, vpcDefault), region: cmp.Or(region, a.options.Region)}
		a.addRule(tb, Rule{NextHopType: hopLocal, NextHop: hopLocal, Priority: 1})
		a.world.tables = append(a.world.tables, tb)
	}
	return tb
}

func (a *api) ruleID(given string) string {
	if given != "" {
		return given
	}
	a.world.lastRule++
	return fmt.Sprintf("rt-0fipctl%03d", a.world.lastRule)
}

// The documents of route tables ("RouteTable", "RouteTableRule" of the vpc service).
type (
	tableDocument struct {
		RouteTableID    string         `json:"routeTableId"`
		RouteTableName  string         `json:"routeTableName"`
		RouteTableType  string         `json:"routeTableType"`
		Description     string         `json:"description"`
		VPCID           string         `json:"vpcId"`
		RouteTableRules []ruleDocument `json:"routeTableRules"`
		SubnetIDs       []string       `json:"subnetIds"`
		CreatedTime     string         `json:"createdTime"`
	}
	ruleDocument struct {
		RuleID            string `json:"ruleId"`
		Priority          int    `json:"priority"`
		NextHopType       string `json:"nextHopType"`
		NextHopID         string `json:"nextHopId"`
		AddressPrefixType string `json:"addressPrefixType"`
		AddressPrefix     string `json:"addressPrefix"`
		Origin            string `json:"origin"`
		Description       string `json:"description"`
	}
)

func (a *api) describeRouteTable(r *request) reply {
	tb := a.table(r, r.id)
	if tb == nil {
		return notFound()
	}
	return reply{result: map[string]any{"routeTable": a.tableDocument(r, tb)}}
}

func (a *api) describeRouteTables(r *request) reply {
	f, bad := r.filters("routeTableIds", "routeTableNames", "vpcId")
	if bad != nil {
		return *bad
	}
	var docs []tableDocument
	for _, tb := range a.world.tables {
		if a.table(r, tb.id) != nil && f.allow("routeTableIds", tb.id) && f.allow("routeTableNames", tb.id) && f.allow("vpcId", tb.vpc) {
			docs = append(docs, a.tableDocument(r, tb))
		}
	}
	return list(r, "routeTables", docs)
}

func (a *api) describeRouteTableRules(r *request) reply {
	tb := a.table(r, r.id)
	f, bad := r.filters("ruleIds", "origins", "nextHopTypes", "addressPrefix", "nextHopId")
	switch {
	case tb == nil:
		return notFound()
	case bad != nil:
		return *bad
	}
	var docs []ruleDocument
	for _, d := range a.ruleDocuments(r, tb) {
		if f.allow("ruleIds", d.RuleID) && f.allow("origins", d.Origin) && f.allow("nextHopTypes", d.NextHopType) &&
			f.allow("addressPrefix", d.AddressPrefix) && f.allow("nextHopId", d.NextHopID) {
			docs = append(docs, d)
		}
	}
	return list(r, "routeTableRules", docs)
}

// table returns the route table, unless the region has no such one.
func (a *api) table(r *request, id string) *table {
	tb := a.world.table(id)
	if tb == nil || tb.region != r.region {
		return nil
	}
	return tb
}

func (a *api) tableDocument(r *request, tb *table) tableDocument {
	d := tableDocument{
		RouteTableID: tb.id, RouteTableName: tb.id, RouteTableType: "custom", VPCID: tb.vpc,
		RouteTableRules: a.ruleDocuments(r, tb), SubnetIDs: []string{}, CreatedTime: createdTime,
	}
	for _, n := range a.world.subnets {
		if n.Table == tb.id {
			d.SubnetIDs = append(d.SubnetIDs, n.ID)
		}
	}
	return d
}

// ruleDocuments lists the rules that there are: a route has one while it is held.
func (a *api) ruleDocuments(r *request, tb *table) []ruleDocument {
	docs := []ruleDocument{}
	for _, u := range tb.rules {
		d := ruleDocument{
			RuleID: u.id, Priority: u.priority, NextHopType: u.hopType, NextHopID: u.hop,
			AddressPrefixType: "CIDR", AddressPrefix: u.prefix.String(), Origin: originStatic,
		}
		if u.propagated {
			d.Origin = originPropagated
		}
		if u.hopType == hopLocal {
			d.AddressPrefix = hopLocal
		}
		if u.ip.IsValid() {
			at := a.hop(r, tb, u)
			if at.IsZero() {
				continue
			}
			d.NextHopType, d.NextHopID = a.hopType(u, at), cmp.Or(at.Instance, at.Interface)
		}
		docs = append(docs, d)
	}
	return docs
}

// hop returns the holder of a route that the model knows.
func (a *api) hop(r *request, tb *table, u *rule) providers.Target {
	addr, _ := r.view.AddressIn(fakecloud.Slot{IP: u.ip, Table: tb.id}) // every route is in the model
	return addr.Holder
}

func (a *api) hopType(u *rule, at providers.Target) string {
	switch {
	case a.world.machine(at.Instance) != nil:
		return hopInstance
	case at.Interface != "":
		return hopInterface
	default:
		return u.hopType
	}
}
