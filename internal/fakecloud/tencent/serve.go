// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"net/http"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/fakecloud/face"
)

// version is the only one of the services served here.
const version = "2017-03-12"

// account is the number of the account that everything belongs to.
const account = "100000000001"

// request is an authenticated and permitted call.
type request struct {
	*face.Call
	region string
}

type handler func(*api, *request) (document, *failure)

// action is one of the API. Its permission names the service and the resource as
// the access policies do. EIPs count as resources of cvm there: refusals that are
// published are of the form "cvm:AllocateAddresses" on "qcs::cvm:...:eip/*".
type action struct {
	service    string
	permission string
	resource   string
	write      bool
	handle     handler
}

var actions = map[string]action{
	"AssociateAddress":           {"vpc", "cvm", "eip", true, (*api).associateAddress},
	"DisassociateAddress":        {"vpc", "cvm", "eip", true, (*api).disassociateAddress},
	"DescribeAddresses":          {"vpc", "cvm", "eip", false, (*api).describeAddresses},
	"DescribeTaskResult":         {"vpc", "vpc", "task", false, (*api).describeTaskResult},
	"DescribeVpcTaskResult":      {"vpc", "vpc", "task", false, (*api).describeVpcTaskResult},
	"DescribeHaVips":             {"vpc", "vpc", "havip", false, (*api).describeHaVips},
	"HaVipAssociateAddressIp":    {"vpc", "vpc", "havip", true, (*api).haVipAssociateAddressIP},
	"HaVipDisassociateAddressIp": {"vpc", "vpc", "havip", true, (*api).haVipDisassociateAddressIP},
	"AssociateHaVipInstance":     {"vpc", "vpc", "havip", true, (*api).associateHaVipInstance},
	"DisassociateHaVipInstance":  {"vpc", "vpc", "havip", true, (*api).disassociateHaVipInstance},
	"DescribeNetworkInterfaces":  {"vpc", "vpc", "eni", false, (*api).describeNetworkInterfaces},
	"MigratePrivateIpAddress":    {"vpc", "vpc", "eni", true, (*api).migratePrivateIPAddress},
	"AssignPrivateIpAddresses":   {"vpc", "vpc", "eni", true, (*api).assignPrivateIPAddresses},
	"UnassignPrivateIpAddresses": {"vpc", "vpc", "eni", true, (*api).unassignPrivateIPAddresses},
	"DescribeRouteTables":        {"vpc", "vpc", "rtb", false, (*api).describeRouteTables},
	"ReplaceRoutes":              {"vpc", "vpc", "rtb", true, (*api).replaceRoutes},
	"DescribeSubnets":            {"vpc", "vpc", "subnet", false, (*api).describeSubnets},
	"DescribeVpcs":               {"vpc", "vpc", "vpc", false, (*api).describeVpcs},

	"DescribeInstances":             {"cvm", "cvm", "instance", false, (*api).describeInstances},
	"DescribeInstancesStatus":       {"cvm", "cvm", "instance", false, (*api).describeInstancesStatus},
	"DescribeDisasterRecoverGroups": {"cvm", "cvm", "ps", false, (*api).describeDisasterRecoverGroups},
}

// regions are all that the services know. Resources are seen in their own only.
var regions = []string{
	"ap-bangkok", "ap-beijing", "ap-chengdu", "ap-chongqing", "ap-guangzhou", "ap-hongkong",
	"ap-jakarta", "ap-mumbai", "ap-nanjing", "ap-seoul", "ap-shanghai", "ap-shanghai-fsi",
	"ap-shenzhen-fsi", "ap-singapore", "ap-tokyo", "eu-frankfurt", "na-ashburn",
	"na-siliconvalley", "na-toronto", "sa-saopaulo",
}

// Action names what c asks for.
func (a *api) Action(c *face.Call) (name string, write bool) {
	name = c.Header.Get("X-TC-Action")
	if known, ok := actions[name]; ok {
		return name, known.write
	}
	return name, !strings.HasPrefix(name, "Describe")
}

// Serve answers a call: protocol, then signature, then what the headers name, then
// permission, then rate limit, then the action itself.
func (a *api) Serve(c *face.Call) face.Answer {
	if c.Path != "/" {
		return page(http.StatusNotFound)
	}
	result, f := a.serve(c)
	answer := encode(c, result, f)
	// A client whose clock is off can tell by how much.
	answer.Header.Set("Date", a.serviceNow().UTC().Format(http.TimeFormat))
	return answer
}

func (a *api) serve(c *face.Call) (document, *failure) {
	if c.Method != http.MethodPost {
		return nil, fail("UnsupportedProtocol", "Only POST is served here.")
	}
	cred, s, f := a.authenticate(c)
	if f != nil {
		return nil, f
	}
	act, f := named(c, s.service)
	if f != nil {
		return nil, f
	}
	r := &request{c, c.Header.Get("X-TC-Region")}
	switch {
	case r.region == "":
		return nil, fail("MissingParameter", "The request is missing the header X-TC-Region.")
	case !slices.Contains(regions, r.region) && r.region != a.settings().Region:
		return nil, fail("UnsupportedRegion", "The region %q is not supported.", r.region)
	case !cred.may(c.Action):
		return nil, unauthorized(r, act)
	case !a.admit(c.Action):
		return nil, a.throttled(c.Action)
	}
	return act.handle(a, r)
}

// named returns the action that the headers name, of the service that the signature
// is for.
func named(c *face.Call, service string) (action, *failure) {
	act, known := actions[c.Action]
	switch v := c.Header.Get("X-TC-Version"); {
	case service != "vpc" && service != "cvm":
		return act, fail("NoSuchProduct", "The product %q does not exist.", service)
	case c.Action == "":
		return act, fail("MissingParameter", "The request is missing the header X-TC-Action.")
	case v == "":
		return act, fail("MissingParameter", "The request is missing the header X-TC-Version.")
	case v != version:
		return act, fail("NoSuchVersion", "The version %q does not exist.", v)
	case !known || act.service != service:
		return act, fail("InvalidAction", "The action %q of %s does not exist.", c.Action, service)
	}
	return act, nil
}

// unauthorized has the form in which the access management refuses.
func unauthorized(r *request, act action) *failure {
	return fail("UnauthorizedOperation",
		"[request id:%s]you are not authorized to perform operation (%s:%s)\n"+
			"resource (qcs::%s:%s:uin/%s:%s/*) has no permission\n",
		r.RequestID, act.permission, r.Action, act.permission, r.region, account, act.resource)
}
