// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"net/netip"
	"slices"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// ruleSpec is a rule to add, or what to change of one.
type ruleSpec struct {
	RuleID        string `json:"ruleId"`
	NextHopType   string `json:"nextHopType"`
	NextHopID     string `json:"nextHopId"`
	AddressPrefix string `json:"addressPrefix"`
	Priority      int    `json:"priority"`
}

// ruleRequest is the body of the three calls that change rules.
type ruleRequest struct {
	Add     []ruleSpec `json:"routeTableRuleSpecs"`
	Modify  []ruleSpec `json:"modifyRouteTableRuleSpecs"`
	RuleIDs []string   `json:"ruleIds"`
}

// tableAndRules finds what all three name. Changes see the truth.
func (a *api) tableAndRules(r *request) (tb *table, body ruleRequest, bad *reply) {
	r.view = a.model.View(0)
	if bad = r.decode(&body); bad != nil {
		return nil, body, bad
	}
	if tb = a.table(r, r.id); tb == nil {
		re := notFound()
		return nil, body, &re
	}
	return tb, body, nil
}

// rule returns the rule with the id if there is one now.
func (a *api) rule(r *request, tb *table, id string) *rule {
	for _, u := range tb.rules {
		if u.id == id && (!u.ip.IsValid() || !a.hop(r, tb, u).IsZero()) {
			return u
		}
	}
	return nil
}

// modifyRouteTableRules changes rules in place, all or none.
func (a *api) modifyRouteTableRules(r *request) reply {
	tb, body, bad := a.tableAndRules(r)
	if bad != nil {
		return *bad
	}
	if len(body.Modify) == 0 {
		return invalid("Request parameter modifyRouteTableRuleSpecs is '', expected one of [rules]")
	}
	for _, spec := range body.Modify {
		if re := a.refuseModify(r, tb, spec); re.err != nil {
			return re
		}
	}
	for _, spec := range body.Modify {
		if re := a.modify(r, tb, a.rule(r, tb, spec.RuleID), spec); re.err != nil {
			return re
		}
	}
	return reply{}
}

// refuseModify returns what speaks against a change. To change the prefix of a route
// is not served: it would be another address.
func (a *api) refuseModify(r *request, tb *table, spec ruleSpec) reply {
	u := a.rule(r, tb, spec.RuleID)
	switch {
	case u == nil:
		return notFound()
	case u.propagated || u.hopType == hopLocal:
		return precondition("Rule %s cannot be modified", u.id)
	case spec.AddressPrefix != "" && spec.AddressPrefix != u.prefix.String():
		return invalid("Request parameter addressPrefix is '%s', expected one of [%s]", spec.AddressPrefix, u.prefix)
	case spec.NextHopID == "" && spec.NextHopType == "":
		return reply{}
	}
	return a.refuseHop(r, spec)
}

// refuseHop returns what speaks against a next hop.
func (a *api) refuseHop(r *request, spec ruleSpec) reply {
	n := a.nic(r, spec.NextHopID)
	switch {
	case spec.NextHopType == "" || spec.NextHopID == "":
		return invalid("Request parameter nextHopType is '%s' and nextHopId '%s', expected both", spec.NextHopType, spec.NextHopID)
	case spec.NextHopType == hopInstance && a.machine(r, spec.NextHopID) == nil, spec.NextHopType == hopInterface && n == nil:
		return notFound()
	case spec.NextHopType == hopInterface && n.deviceIndex == 1:
		return precondition("Network interface %s is a primary one", n.ID)
	}
	return reply{}
}

func (a *api) modify(r *request, tb *table, u *rule, spec ruleSpec) reply {
	if spec.Priority != 0 {
		u.priority = spec.Priority
	}
	switch {
	case spec.NextHopID == "":
		return reply{}
	case !u.ip.IsValid():
		u.hopType, u.hop = spec.NextHopType, spec.NextHopID
		return reply{}
	}
	return a.lead(r, tb, u, spec)
}

// lead makes the next hop of spec the holder of a route.
func (a *api) lead(r *request, tb *table, u *rule, spec ruleSpec) reply {
	to := providers.Target{Instance: spec.NextHopID}
	switch spec.NextHopType {
	case hopInstance:
	case hopInterface:
		to = providers.Target{Interface: spec.NextHopID}
	default:
		u.hopType = spec.NextHopType
	}
	if err := a.admit(to, tb.region); err != nil {
		return invalid("%v", err)
	}
	switch a.submit(r, fakecloud.Request{Verb: fakecloud.Move, IP: u.ip, Table: tb.id, To: to}) {
	case "", fakecloud.AlreadyHolder:
		return reply{}
	default:
		return notFound()
	}
}

// addRouteTableRules adds rules, all or none. A second rule of a prefix, with the
// same priority and another next hop, shares its traffic (ECMP); the model does not
// know it.
func (a *api) addRouteTableRules(r *request) reply {
	tb, body, bad := a.tableAndRules(r)
	if bad != nil {
		return *bad
	}
	if len(body.Add) == 0 {
		return invalid("Request parameter routeTableRuleSpecs is '', expected one of [rules]")
	}
	for _, spec := range body.Add {
		if _, err := netip.ParsePrefix(spec.AddressPrefix); err != nil {
			return invalid("Request parameter addressPrefix is '%s', expected one of [CIDR]", spec.AddressPrefix)
		}
		if re := a.refuseHop(r, spec); re.err != nil {
			return re
		}
	}
	for _, spec := range body.Add {
		if re := a.add(r, tb, spec); re.err != nil {
			return re
		}
	}
	return reply{}
}

func (a *api) add(r *request, tb *table, spec ruleSpec) reply {
	prefix := netip.MustParsePrefix(spec.AddressPrefix) // looked at before
	i := slices.IndexFunc(tb.rules, func(u *rule) bool { return u.ip.IsValid() && u.prefix == prefix })
	switch {
	case i < 0 && prefix.IsSingleIP():
		if err := a.addRoute(tb, Route{IP: prefix.Addr(), Priority: spec.Priority}); err != nil {
			return invalid("%v", err)
		}
		return a.lead(r, tb, tb.rules[len(tb.rules)-1], spec)
	case i < 0 || !a.hop(r, tb, tb.rules[i]).IsZero():
		a.addRule(tb, Rule{Prefix: prefix, NextHopType: spec.NextHopType, NextHop: spec.NextHopID, Priority: spec.Priority})
		r.note("rule for %s in %s added", prefix, tb.id)
		return reply{}
	}
	return a.lead(r, tb, tb.rules[i], spec)
}

// removeRouteTableRules removes rules, all or none.
func (a *api) removeRouteTableRules(r *request) reply {
	tb, body, bad := a.tableAndRules(r)
	if bad != nil {
		return *bad
	}
	for _, id := range body.RuleIDs {
		switch u := a.rule(r, tb, id); {
		case u == nil:
			return notFound()
		case u.propagated || u.hopType == hopLocal:
			return precondition("Rule %s cannot be removed", id)
		}
	}
	for _, id := range body.RuleIDs {
		u := a.rule(r, tb, id)
		if u.ip.IsValid() {
			a.submit(r, fakecloud.Request{Verb: fakecloud.Detach, IP: u.ip, Table: tb.id, From: a.hop(r, tb, u)})
			continue
		}
		tb.rules = slices.DeleteFunc(tb.rules, func(other *rule) bool { return other == u })
		r.note("rule for %s in %s removed", u.prefix, tb.id)
	}
	return reply{}
}
