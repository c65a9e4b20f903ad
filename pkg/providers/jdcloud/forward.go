// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// canForward refuses a machine that the route could lead to but not through, with one
// read of its primary interface: of the machine itself sanityCheck is deprecated, and the
// 0 that it has to be is left out there.
func (p *route) canForward(ctx context.Context, op string, t routeTable, m machine) error {
	if t.VPC != "" && m.VPC != "" && t.VPC != m.VPC {
		return refuse(op, providers.Invalid, "table %s is of %s, the instance in %s; they must be in the same network", t.ID, t.VPC, m.VPC)
	}
	if m.Primary == nil || m.Primary.NIC == nil || !isID(prefixInterface, m.Primary.NIC.ID) {
		return refuse(op, providers.Transient, "the API does not tell the instance's primary interface, which has sanityCheck")
	}
	id := m.Primary.NIC.ID
	var doc nicResult
	err := p.get(ctx, op, call{service: "vpc", operation: "describeNetworkInterface", path: "/networkInterfaces/" + id}, &doc)
	switch {
	case err != nil:
		return err
	case doc.NIC.ID != id:
		return refuse(op, providers.Transient, "networkInterface.networkInterfaceId: asked for %s, got %s", id, cloudhttp.Quote(doc.NIC.ID))
	case doc.checked:
		return refuse(op, providers.Invalid, "sanityCheck of interface %s is on, so the network drops what is not addressed to it; set sanityCheck to 0 (source/destination check off)", id)
	}
	return nil
}

// nicResult: "describeNetworkInterface".
type nicResult struct {
	NIC *struct {
		ID          string `json:"networkInterfaceId"`
		SanityCheck any    `json:"sanityCheck"` // 0 or 1; a service that shares the object prints false
	} `json:"networkInterface"`

	checked bool
}

// check reads sanityCheck. Left out, it is off: the services leave out what is zero, and
// nothing else.
func (r *nicResult) check() error {
	if r.NIC == nil {
		return missing("networkInterface")
	}
	switch r.NIC.SanityCheck {
	case nil, false, 0.0:
	case true, 1.0:
		r.checked = true
	default:
		return fmt.Errorf("networkInterface.sanityCheck: %s is neither 0 nor 1", cloudhttp.Quote(fmt.Sprint(r.NIC.SanityCheck)))
	}
	return nil
}

// inNetwork refuses an address of the network itself, with one read of the VPC an hour: the
// rule of the table for what is local has that word and no range. Where the VPC cannot be
// asked, for want of a permission or of such a call, it is left to the cloud, which takes
// the operator's rule or refuses it.
func (p *route) inNetwork(ctx context.Context, op string, t routeTable, a providers.Address) error {
	if !isID(prefixVPC, t.VPC) {
		return nil
	}
	key := t.VPC + " " + a.IP.String()
	inside, ok := p.ranges.get(key, p.now())
	if !ok {
		var doc vpcResult
		err := p.get(ctx, op, call{service: "vpc", operation: "describeVpc", path: "/vpcs/" + t.VPC}, &doc)
		switch kind := providers.KindOf(err); {
		case err != nil && (kind == providers.Denied || kind == providers.Invalid):
			return nil
		case err != nil:
			return err
		}
		inside = doc.around(a.IP)
		p.ranges.put(key, inside, p.now())
	}
	if inside.IsValid() {
		return refuse(op, providers.Invalid, "ip: %s is inside %s, the network's own range; a route needs an address outside of it", a.IP, inside)
	}
	return nil
}

// vpcResult: "describeVpc". A VPC may have no range of its own, only those of its subnets.
type vpcResult struct {
	VPC *struct {
		Prefix  string `json:"addressPrefix"`
		Subnets []struct {
			Prefix string `json:"addressPrefix"`
		} `json:"subnets"`
	} `json:"vpc"`
}

func (r *vpcResult) check() error {
	if r.VPC == nil {
		return missing("vpc")
	}
	return nil
}

// around returns the range that ip is in; invalid: none.
func (r *vpcResult) around(ip netip.Addr) netip.Prefix {
	texts := []string{r.VPC.Prefix}
	for _, s := range r.VPC.Subnets {
		texts = append(texts, s.Prefix)
	}
	for _, text := range texts {
		if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Contains(ip) {
			return prefix
		}
	}
	return netip.Prefix{}
}
