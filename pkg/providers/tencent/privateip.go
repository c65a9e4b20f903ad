// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"

	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// privateIP moves secondary private addresses between network interfaces of one
// subnet. A write names the interface that it takes the address from.
type privateIP struct{ machines }

var (
	_ providers.Provider    = (*privateIP)(nil)
	_ providers.Inspector   = (*privateIP)(nil)
	_ providers.Preflighter = (*privateIP)(nil)
	_ providers.Tracker     = (*privateIP)(nil)
	_ providers.Placer      = (*privateIP)(nil)
)

// Capabilities implements providers.Provider.
func (*privateIP) Capabilities() providers.Capabilities { return capabilities[providers.KindPrivateIP] }

func checkPrivateIP(op string, a providers.Address) error {
	return checkAddress(op, a, providers.KindPrivateIP, "subnet-", "the subnet of the address")
}

// Owner implements providers.Provider with one read, or two if nobody holds the
// address: then the subnet is read as well, since an address that is not in it, or a
// subnet that does not exist, is no unbound address.
func (p *privateIP) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	held, err := p.read(ctx, op, a)
	if err != nil {
		return providers.Assignment{}, err
	}
	return held.assignment(), nil
}

// holding is an entry of an interface's list of addresses.
type holding struct {
	eni     *vpc.NetworkInterface // nil: nobody holds the address
	entry   *vpc.PrivateIpAddressSpecification
	pending bool
}

func (h holding) assignment() providers.Assignment {
	if h.eni == nil {
		return providers.Assignment{}
	}
	return providers.Assignment{
		Target:           providers.Target{Instance: holderOf(h.eni), Interface: cloudhttp.Clean(text(h.eni.NetworkInterfaceId))},
		PrivateAddresses: primaryAddresses(h.eni),
		Pending:          h.pending,
	}
}

// holderOf names what an interface is attached to. What is no machine (Business eks) is
// never taken for one, nor for nothing.
func holderOf(n *vpc.NetworkInterface) string {
	instance, business := cloudhttp.Clean(attachedTo(n)), cloudhttp.Clean(text(n.Business))
	if business != "" && !strings.EqualFold(business, "cvm") && (instance == "" || isID(instance, "ins-")) {
		return strings.TrimSpace(business + " " + instance)
	}
	return instance
}

// canTakeFrom refuses to take an address off what is no machine (invariant 13). An interface
// that is attached to nothing is nobody's service.
func canTakeFrom(op string, from providers.Target) error {
	if from.Instance == "" || isID(from.Instance, "ins-") {
		return nil
	}
	return refuse(op, providers.Invalid, "the address is held by %s, which is no machine; take it off by hand", cloudhttp.Quote(from.String()))
}

// read looks for the interface that has the address. While it migrates it may be on
// two, of which the one where it is available counts.
func (p *privateIP) read(ctx context.Context, op string, a providers.Address) (out holding, err error) {
	if err := checkPrivateIP(op, a); err != nil {
		return out, err
	}
	// One value of address-ip alone would match the ends of addresses.
	enis, err := p.cloud.describeInterfaces(ctx, op,
		filter("subnet-id", a.ID), filter("address-ip", a.IP.String()), filter("ip-exact-match", "true"))
	if err != nil {
		return out, err
	}
	for _, n := range enis {
		entry, err := entryOf(n, a.IP)
		switch {
		case err != nil:
			return holding{}, unreadable(op, "", err)
		case entry == nil:
			continue
		case n.Attachment != nil && n.Attachment.InstanceId == nil: // "" is no machine
			return holding{}, unreadable(op, "", missing("Attachment.InstanceId"))
		case value(entry.Primary):
			return holding{}, refuse(op, providers.Invalid, "%s is the primary address of %s; only a secondary one can move", a.IP, text(n.NetworkInterfaceId))
		}
		available := text(entry.State) == "AVAILABLE"
		pending := !available || out.pending || out.eni != nil
		if out.eni == nil || available {
			out.eni, out.entry = n, entry
		}
		out.pending = pending
	}
	if out.eni == nil {
		return out, p.inSubnet(ctx, op, a)
	}
	return out, nil
}

// entryOf returns the entry of an address in an interface's list; nil if there is none.
// Every interface has a primary address, so a list without any does not tell.
func entryOf(n *vpc.NetworkInterface, ip netip.Addr) (*vpc.PrivateIpAddressSpecification, error) {
	if len(n.PrivateIpAddressSet) == 0 {
		return nil, missing("PrivateIpAddressSet")
	}
	for _, s := range n.PrivateIpAddressSet {
		if s == nil || s.PrivateIpAddress == nil {
			return nil, missing("PrivateIpAddressSet.PrivateIpAddress")
		}
		got, err := parseIP("PrivateIpAddressSet.PrivateIpAddress", *s.PrivateIpAddress)
		switch {
		case err != nil:
			return nil, err
		case got != ip:
			continue
		}
		if s.Primary == nil || s.State == nil {
			return nil, missing("PrivateIpAddressSet.Primary or State")
		}
		return s, nil
	}
	return nil, nil
}

// inSubnet refuses an address that cannot exist: "DescribeSubnets". A credential that
// may not read subnets leaves that to the cloud, which refuses the address when it is
// assigned.
func (p *privateIP) inSubnet(ctx context.Context, op string, a providers.Address) error {
	req := vpc.NewDescribeSubnetsRequest()
	req.SubnetIds = pointers(a.ID)
	resp := vpc.NewDescribeSubnetsResponse()
	id, err := p.cloud.send(ctx, op, req, resp)
	switch kind := providers.KindOf(err); {
	case err != nil && (kind == providers.Denied || kind == providers.Unsupported):
		return nil
	case err != nil:
		return err
	}
	if resp.Response == nil || resp.Response.SubnetSet == nil {
		return unreadable(op, id, missing("SubnetSet"))
	}
	for _, s := range resp.Response.SubnetSet {
		if s == nil || text(s.SubnetId) != a.ID {
			continue
		}
		block, err := netip.ParsePrefix(text(s.CidrBlock))
		switch {
		case err != nil:
			return unreadable(op, id, wrong("CidrBlock", "%s is not a range", cloudhttp.Quote(text(s.CidrBlock))))
		case !block.Contains(a.IP):
			return refuse(op, providers.Invalid, "ip: %s is outside %s, the range of %s", a.IP, block, a.ID)
		}
		return nil
	}
	return p.cloud.absent(ctx, op, a.ID, id)
}

// Assign implements providers.Provider: MigratePrivateIpAddress from the interface in
// seen, or AssignPrivateIpAddresses if seen names nobody.
func (p *privateIP) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	op := fmt.Sprintf("assign %s to %s", a, to)
	if err := checkPrivateIP(op, a); err != nil {
		return providers.Result{}, err
	}
	if err := checkTarget(op, to, p.Capabilities().Target); err != nil {
		return providers.Result{}, err
	}
	ip, from := a.IP.String(), seen.Target.Interface
	var id string
	var err error
	switch {
	case seen.Target.IsZero():
		req := vpc.NewAssignPrivateIpAddressesRequest()
		req.NetworkInterfaceId = &to.Interface
		req.PrivateIpAddresses = []*vpc.PrivateIpAddressSpecification{{PrivateIpAddress: &ip, Primary: pointer(false)}}
		id, err = p.cloud.send(ctx, op, req, vpc.NewAssignPrivateIpAddressesResponse())
	case !isID(from, "eni-"):
		return providers.Result{}, refuse(op, providers.Invalid, "the address is held by %s, which names no interface", seen.Target)
	case from == to.Interface:
		return providers.Result{}, refuse(op, providers.Conflict, "the address is on %s already", from)
	default:
		if err := canTakeFrom(op, seen.Target); err != nil {
			return providers.Result{}, err
		}
		req := vpc.NewMigratePrivateIpAddressRequest()
		req.SourceNetworkInterfaceId, req.DestinationNetworkInterfaceId, req.PrivateIpAddress = &from, &to.Interface, &ip
		id, err = p.cloud.send(ctx, op, req, vpc.NewMigratePrivateIpAddressResponse())
	}
	if err != nil {
		return providers.Result{}, err
	}
	// The task goes by the id of the request that began it.
	return providers.Result{RequestID: id, Operation: id}, nil
}

// Operation implements providers.Tracker: "DescribeVpcTaskResult".
func (p *privateIP) Operation(ctx context.Context, a providers.Address, r providers.Result) (providers.OperationState, error) {
	op := fmt.Sprintf("read task %s of %s", r.Operation, a)
	if r.Operation == "" {
		return providers.OperationUnknown, nil
	}
	req := vpc.NewDescribeVpcTaskResultRequest()
	req.TaskId = &r.Operation
	resp := vpc.NewDescribeVpcTaskResultResponse()
	if _, err := p.cloud.send(ctx, op, req, resp); err != nil || resp.Response == nil {
		return taskError(err)
	}
	return taskState(text(resp.Response.Status)), nil
}

// Preflight implements providers.Preflighter with two or three reads.
func (p *privateIP) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	op := fmt.Sprintf("check assignment of %s to %s", a, t)
	if err := checkTarget(op, t, p.Capabilities().Target); err != nil {
		return err
	}
	held, err := p.read(ctx, op, a)
	if err != nil {
		return err
	}
	enis, err := p.cloud.describeInterfaces(ctx, op, filter("network-interface-id", t.Interface))
	if err != nil {
		return err
	}
	if len(enis) != 1 || text(enis[0].NetworkInterfaceId) != t.Interface {
		return p.cloud.absent(ctx, op, t.Interface, "")
	}
	return movable(op, a, t, held, enis[0])
}

// movable reports why an address would not move to an interface.
func movable(op string, a providers.Address, t providers.Target, held holding, to *vpc.NetworkInterface) error {
	switch {
	case to.SubnetId == nil:
		return unreadable(op, "", missing("SubnetId"))
	case *to.SubnetId != a.ID:
		return refuse(op, providers.Invalid, "%s is in %s, and the address in %s; a private IP moves within its subnet only", t.Interface, *to.SubnetId, a.ID)
	case attachedTo(to) != t.Instance:
		return refuse(op, providers.Invalid, "%s is attached to %s, not to %s", t.Interface, attached(to), t.Instance)
	case held.eni == nil || held.assignment().Target == t:
		return nil
	case canTakeFrom(op, held.assignment().Target) != nil:
		return canTakeFrom(op, held.assignment().Target)
	case text(held.entry.AddressId) != "" || text(held.entry.PublicIpAddress) != "": // samples lack the id
		e := cmp.Or(text(held.entry.AddressId), text(held.entry.PublicIpAddress))
		return refuse(op, providers.Invalid, "%s is bound to %s, and whether it follows is not documented; unbind it", cloudhttp.Clean(e), a.IP)
	case held.pending:
		return refuse(op, providers.Busy, "the address is being moved (%s)", text(held.entry.State))
	}
	return nil
}

func attached(n *vpc.NetworkInterface) string {
	if id := attachedTo(n); id != "" {
		return id
	}
	return "no machine"
}
