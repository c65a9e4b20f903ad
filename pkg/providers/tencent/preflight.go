// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"fmt"

	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// Preflight implements providers.Preflighter with one read, or three unless the
// target holds the EIP.
func (p *eip) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	op := fmt.Sprintf("check assignment of %s to %s", a, t)
	if err := checkTarget(op, t, p.Capabilities().Target); err != nil {
		return err
	}
	e, id, err := p.reader(ctx).one(ctx, op, a)
	if err != nil {
		return err
	}
	held, err := p.ownerOf(ctx, op, id, a, e)
	if err != nil {
		return err
	}
	if err := detachable(op, e); err != nil { // also of an unbound one
		return err
	}
	switch from := held.Target; {
	case from == t:
		return nil
	case held.Pending:
		return refuse(op, providers.Busy, "the EIP has a task under way (%s)", text(e.AddressStatus))
	case from.Instance != "" && !isID(from.Instance, "ins-"):
		return refuse(op, providers.Invalid, "the EIP is bound to %s, which is no machine; unbind it there", from)
	}
	return p.bindable(ctx, op, a, t)
}

// bindable reports why an EIP could not be bound to a machine.
func (p *eip) bindable(ctx context.Context, op string, a providers.Address, t providers.Target) error {
	found, err := p.instances(ctx, op, t, "")
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return p.cloud.absent(ctx, op, t.Instance, "")
	}
	i := found[0]
	primary, ok := i.primary()
	switch {
	case !ok:
		return unreadable(op, "", missing("PrivateIpAddresses"))
	case primary != t.PrivateIP:
		return refuse(op, providers.Invalid, "%s is not the primary private address of %s, which is %s; an EIP is bound to that", t.PrivateIP, t.Instance, primary)
	case stateOf(i.State) == providers.InstanceStopped:
		return refuse(op, providers.Invalid, "the machine is %s; it must run", i.State)
	}
	return p.unoccupied(ctx, op, a, i)
}

// unoccupied refuses a machine whose primary address has another EIP, or an ordinary
// public address: either has to go first.
func (p *eip) unoccupied(ctx context.Context, op string, a providers.Address, i instance) error {
	req := vpc.NewDescribeAddressesRequest()
	req.Filters, req.Limit = []*vpc.Filter{filter("instance-id", i.ID)}, pointer[int64](pageMax)
	on, err := p.list(ctx, op, req)
	if err != nil {
		return err
	}
	ordinary := map[string]bool{}
	for _, ip := range i.Public {
		ordinary[ip] = ip != a.IP.String()
	}
	for id, e := range on.byID {
		delete(ordinary, text(e.AddressIp))
		// Of an EIP that was bound by the machine's id the private address may be null.
		private := text(e.PrivateAddressIp)
		status := text(e.AddressStatus)
		held := (status == "BIND" || status == "BINDED") && (private == i.Private[0] || private == "")
		if id != a.ID && held {
			return refuse(op, providers.Invalid, "the machine's primary address has another EIP, %s (%s); unbind that first", id, text(e.AddressIp))
		}
	}
	for ip, other := range ordinary {
		if other {
			return refuse(op, providers.Invalid, "the machine has the ordinary public IP %s; return that first", cloudhttp.Clean(ip))
		}
	}
	return nil
}
