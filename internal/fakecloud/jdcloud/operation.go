// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// operation is something the API can be asked for. Its pattern is the path below the
// region, with {} for an id.
type operation struct {
	service, name, method, pattern string
	handle                         func(*api, *request) reply
}

// request is an authenticated call of a known operation.
type request struct {
	*face.Call
	region string
	id     string         // what stands for {} in the path
	view   fakecloud.View // the cloud as reads see it
}

// operations are what is served. Collections of the vpc service end with a slash, of
// the others they do not.
var operations = []operation{
	{"vm", "describeInstance", "GET", "instances/{}", (*api).describeInstance},
	{"vm", "describeInstances", "GET", "instances", (*api).describeInstances},
	{"vm", "describeInstanceStatus", "GET", "instanceStatus", (*api).describeInstanceStatus},
	{"vm", "associateElasticIp", "POST", "instances/{}:associateElasticIp", (*api).associateToInstance},
	{"vm", "disassociateElasticIp", "POST", "instances/{}:disassociateElasticIp", (*api).disassociateFromInstance},

	{"vpc", "describeElasticIp", "GET", "elasticIps/{}", (*api).describeElasticIP},
	{"vpc", "describeElasticIps", "GET", "elasticIps/", (*api).describeElasticIPs},
	{"vpc", "associateElasticIp", "POST", "networkInterfaces/{}:associateElasticIp", (*api).associateToInterface},
	{"vpc", "disassociateElasticIp", "POST", "networkInterfaces/{}:disassociateElasticIp", (*api).disassociateFromInterface},
	{"vpc", "describeNetworkInterface", "GET", "networkInterfaces/{}", (*api).describeInterface},
	{"vpc", "describeNetworkInterfaces", "GET", "networkInterfaces/", (*api).describeInterfaces},
	{"vpc", "assignSecondaryIps", "POST", "networkInterfaces/{}:assignSecondaryIps", (*api).assignSecondaryIPs},
	{"vpc", "unassignSecondaryIps", "POST", "networkInterfaces/{}:unassignSecondaryIps", (*api).unassignSecondaryIPs},
	{"vpc", "describeVpc", "GET", "vpcs/{}", (*api).describeVPC},
	{"vpc", "describeSubnet", "GET", "subnets/{}", (*api).describeSubnet},
	{"vpc", "describeSubnets", "GET", "subnets/", (*api).describeSubnets},
	{"vpc", "describeQuota", "GET", "quotas/", (*api).describeQuota},
	{"vpc", "describeRouteTable", "GET", "routeTables/{}", (*api).describeRouteTable},
	{"vpc", "describeRouteTables", "GET", "routeTables/", (*api).describeRouteTables},
	{"vpc", "describeRouteTableRules", "GET", "routeTables/{}/routeTableRules", (*api).describeRouteTableRules},
	{"vpc", "addRouteTableRules", "POST", "routeTables/{}:addRouteTableRules", (*api).addRouteTableRules},
	{"vpc", "modifyRouteTableRules", "POST", "routeTables/{}:modifyRouteTableRules", (*api).modifyRouteTableRules},
	{"vpc", "removeRouteTableRules", "POST", "routeTables/{}:removeRouteTableRules", (*api).removeRouteTableRules},

	{"ag", "describeAg", "GET", "availabilityGroups/{}", (*api).describeAg},
	{"ag", "describeAgs", "GET", "availabilityGroups", (*api).describeAgs},
}

// regions are those that exist besides the configured one (JD Cloud's SDK, README).
var regions = []string{"cn-north-1", "cn-south-1", "cn-east-1", "cn-east-2"}

// Action names the operation that a call asks for, by the vendor's operation id;
// empty for what is not served.
func (a *api) Action(c *face.Call) (name string, write bool) {
	write = c.Method != http.MethodGet && c.Method != http.MethodHead
	if op, _ := a.find(c); op != nil {
		return op.name, write
	}
	return "", write
}

// Serve answers a call: path, then credentials, then rate limit, then permission.
func (a *api) Serve(c *face.Call) face.Answer {
	op, r := a.find(c)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.encode(c, a.answer(op, r))
}

func (a *api) answer(op *operation, r *request) reply {
	if op == nil || !serves(r.Host, op.service, r.region) {
		return noRoute()
	}
	cred, refusal := a.authenticate(r.Call, op.service, r.region)
	if refusal != "" {
		return fail("ACCESS_ERROR", refusal)
	}
	if role := a.limits.count(a.model.Now(), a.options, cred.AccessKey, op); role != "" {
		return fail("HTTP_RATE_LIMIT_EXCEEDED", "minute rate limit exceeded, role:"+role)
	}
	if !cred.may(op) {
		return fail("HTTP_FORBIDDEN", "")
	}
	r.view = a.model.View(a.options.ReadLag)
	return op.handle(a, r)
}

// find returns the operation that the call's method and path ask for, or nil.
func (a *api) find(c *face.Call) (*operation, *request) {
	rest, ok := strings.CutPrefix(c.Path, a.options.PathPrefix+"/v1/regions/")
	region, resource, _ := strings.Cut(rest, "/")
	if !ok || region != a.options.Region && !slices.Contains(regions, region) {
		return nil, &request{Call: c}
	}
	for i := range operations {
		op := &operations[i]
		if id, ok := a.matches(op.pattern, resource); ok && op.method == c.Method {
			return op, &request{Call: c, region: region, id: id}
		}
	}
	return nil, &request{Call: c}
}

// matches compares a path with a pattern and returns the id in it. An id has neither
// slash nor colon.
func (a *api) matches(pattern, path string) (id string, ok bool) {
	if a.options.SlashOptional {
		pattern, path = strings.TrimSuffix(pattern, "/"), strings.TrimSuffix(path, "/")
	}
	before, after, hasID := strings.Cut(pattern, "{}")
	if !hasID {
		return "", path == pattern
	}
	id, ok = strings.CutPrefix(path, before)
	if ok {
		id, ok = strings.CutSuffix(id, after)
	}
	return id, ok && id != "" && !strings.ContainsAny(id, "/:")
}

// serves reports whether a host has a service of a region. Of JD Cloud's own names
// those of one service have no other, and "openapi.internal" and "www" have all;
// everything else is an address of this fake, which has all too.
func serves(host, service, region string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	name, ok := strings.CutSuffix(strings.ToLower(host), ".jdcloud-api.com")
	return !ok || name == service || name == service+".internal."+region ||
		name == "www" || name == "openapi.internal."+region
}

// decode reads the body into v. Unknown members and the path's parameters, which JD
// Cloud's own clients repeat there, are ignored, and null is as good as absent.
func (r *request) decode(v any) *reply {
	if err := json.Unmarshal(r.Body, v); err != nil {
		re := invalid("Request body is not valid JSON")
		return &re
	}
	return nil
}
