// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"fmt"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// Preflight implements providers.Preflighter with two reads, and a third if the private
// IP seems to have another EIP. What it does not find may still be refused. What it finds
// would be, but for an EIP that is down or in arrears: that might move, and then serve
// nobody. The daemon shows either and still claims the address.
func (p *eip) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	op := fmt.Sprintf("check assignment of %s to %s", a, t)
	if err := checkAddress(op, providers.KindEIP, a); err != nil {
		return err
	}
	if err := checkTarget(op, providers.KindEIP, t); err != nil {
		return err
	}
	e, err := p.elasticIP(ctx, op, a)
	if err != nil {
		return err
	}
	m, err := p.machine(ctx, op, t.Instance)
	if err != nil {
		return err
	}
	address, err := fits(op, e, m, t)
	if err != nil || e.target() == t {
		return err // already there: no move that could be refused
	}
	if err := p.holdsAnother(ctx, op, a, t, address.EIP); err != nil {
		return err
	}
	if !e.free() {
		if err := canTakeFrom(op, e.target()); err != nil {
			return err
		}
	}
	if e.State == stateProcessing {
		return refuse(op, providers.Busy, "the EIP is being changed (PROCESSING)")
	}
	return m.ready(op)
}

// fits compares what the EIP needs with what the machine is, and returns the private
// address that the EIP would be mapped to.
func fits(op string, e elasticIP, m machine, t providers.Target) (nicAddress, error) {
	n, ok := m.nic(t.Interface)
	if !ok {
		return nicAddress{}, refuse(op, providers.Invalid, "interface %s is not attached to %s", t.Interface, t.Instance)
	}
	address, ok := n.address(t.PrivateIP)
	switch {
	case !ok:
		return nicAddress{}, refuse(op, providers.Invalid, "interface %s does not have the private address %s", t.Interface, t.PrivateIP)
	case e.Zone != "" && m.Zone != "" && e.Zone != m.Zone:
		return nicAddress{}, refuse(op, providers.Invalid, "the EIP belongs to zone %s, the instance to %s; use an EIP that belongs to no zone", e.Zone, m.Zone)
	case e.Charge.Status != "" && e.Charge.Status != chargeNormal:
		return nicAddress{}, refuse(op, providers.Invalid, "the EIP's chargeStatus is %s; settle the account", cloudhttp.Quote(e.Charge.Status))
	case e.State == stateDown:
		return nicAddress{}, refuse(op, providers.Invalid, "the EIP's state is DOWN; enable it")
	}
	return address, nil
}

// holdsAnother refuses a private address that another EIP is mapped to. What the machine
// says of it is a hint and no proof, since another service says who holds an EIP; so that
// EIP is asked.
func (p *eip) holdsAnother(ctx context.Context, op string, a providers.Address, t providers.Target, other string) error {
	if other == a.ID || !isID(prefixEIP, other) {
		return nil
	}
	var doc elasticIPResult
	err := p.get(ctx, op, call{service: "vpc", operation: "describeElasticIp", path: "/elasticIps/" + other}, &doc)
	switch {
	case providers.KindOf(err) == providers.NotFound:
		return nil
	case err != nil:
		return err
	case doc.ElasticIP.target() == t:
		return refuse(op, providers.Invalid, "the private address %s has another EIP, %s (%s); unbind that one", t.PrivateIP, other, doc.ElasticIP.ip)
	}
	return nil
}
