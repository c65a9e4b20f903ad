// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// The prefixes of the vendor's ids. An id of another kind is refused before anything
// is sent, and nothing else of an id is put into a path.
const (
	prefixEIP       = "fip-"
	prefixSubnet    = "subnet-"
	prefixTable     = "rtb-"
	prefixInstance  = "i-"
	prefixInterface = "port-"
	prefixVPC       = "vpc-"
)

var (
	idForm     = regexp.MustCompile(`^[a-z]+-[A-Za-z0-9_-]{1,64}$`)
	regionForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)
)

func isID(prefix, id string) bool { return strings.HasPrefix(id, prefix) && idForm.MatchString(id) }

func isRegion(id string) bool { return regionForm.MatchString(id) }

// needs says what an address of each kind is found by, and which field of the
// configuration has it.
var needs = map[string]struct{ field, prefix, what string }{
	providers.KindEIP:       {"id", prefixEIP, "the EIP"},
	providers.KindPrivateIP: {"subnet", prefixSubnet, "the subnet that the address is in"},
	providers.KindRoute:     {"tables", prefixTable, "a route table that has the route"},
}

// checkAddress refuses what a provider cannot move before anything is sent.
func checkAddress(op, kind string, a providers.Address) error {
	need := needs[kind]
	switch {
	case a.Kind != kind:
		return refuse(op, providers.Unsupported, "kind %q; this is the provider of %s", a.Kind, kind)
	case !a.IP.Is4():
		return refuse(op, providers.Invalid, "%q is not an IPv4 address; JD Cloud can move no other", a.IP)
	case a.ID == "":
		return refuse(op, providers.Invalid, "%s: missing; give the id of %s, which begins with %s", need.field, need.what, need.prefix)
	case !isID(need.prefix, a.ID):
		return refuse(op, providers.Invalid, "%s: %s is not the id of %s, which begins with %s", need.field, cloudhttp.Quote(a.ID), need.what, need.prefix)
	}
	return nil
}

// checkTarget refuses a target that names something else than the parts of a machine
// that the kind uses: it would not come back as the same target from an owner read.
func checkTarget(op, kind string, t providers.Target) error {
	parts := Capabilities(kind).Target
	ok := t.Only(parts) == t &&
		(parts&providers.PartInstance == 0 || isID(prefixInstance, t.Instance)) &&
		(parts&providers.PartInterface == 0 || isID(prefixInterface, t.Interface)) &&
		(parts&providers.PartPrivateIP == 0 || t.PrivateIP.Is4())
	if !ok {
		return refuse(op, providers.Invalid, "target %q is not a machine with %s", t, partNames(parts))
	}
	return nil
}

// partNames lists the ids that a target of these parts has.
func partNames(parts providers.TargetParts) string {
	var names []string
	for _, p := range []struct {
		part providers.TargetParts
		name string
	}{
		{providers.PartInstance, "an instance id (i-...)"},
		{providers.PartInterface, "an interface id (port-...)"},
		{providers.PartPrivateIP, "a private IPv4 address"},
	} {
		if parts&p.part != 0 {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, " and ")
}

// canTakeFrom refuses to take an address off what is no machine: a load balancer, a
// NAT gateway, a container (invariant 13). An interface that is attached to nothing is
// nobody's service.
func canTakeFrom(op string, from providers.Target) error {
	if isID(prefixInterface, from.Interface) && (from.Instance == "" || isID(prefixInstance, from.Instance)) {
		return nil
	}
	return refuse(op, providers.Invalid, "it is held by %s, which is not an instance; fipctl takes addresses of instances only, so unbind it by hand", cloudhttp.Quote(from.String()))
}

// holder names what holds an address, by the ids that an answer has for it. What is no
// compute instance is named by its id, or its type, alone and is so never taken for a
// machine.
func holder(instanceType, instance, nic string, private netip.Addr) providers.Target {
	instanceType, instance, nic = cloudhttp.Clean(instanceType), cloudhttp.Clean(instance), cloudhttp.Clean(nic)
	if isMachine(instanceType) {
		return providers.Target{Instance: instance, Interface: nic, PrivateIP: private}
	}
	if instance == "" || isID(prefixInstance, instance) {
		instance = fmt.Sprintf("%s %s", instanceType, instance)
	}
	return providers.Target{Instance: strings.TrimSpace(instance)}
}

// isMachine reports whether an instance type is that of a machine. Of an interface that
// is attached to nothing it is empty. Others are lb, container, pod, natgw, havip and redis.
func isMachine(instanceType string) bool {
	return instanceType == "" || instanceType == "compute"
}
