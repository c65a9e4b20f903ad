// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/listing"
)

// privateIP moves secondary private IPs between the interfaces of a subnet. There is no
// filter by address: the holder is found among all interfaces of the subnet.
type privateIP struct{ *client }

var (
	_ providers.Provider    = (*privateIP)(nil)
	_ providers.BatchReader = (*privateIP)(nil)
	_ providers.Inspector   = (*privateIP)(nil)
	_ providers.Preflighter = (*privateIP)(nil)
	_ providers.Placer      = (*privateIP)(nil)
)

// Capabilities implements providers.Provider.
func (*privateIP) Capabilities() providers.Capabilities {
	return Capabilities(providers.KindPrivateIP)
}

// Owner implements providers.Provider with one read per 100 interfaces in the subnet,
// and beside them one of the subnet itself each minute. An address that is the primary one of
// some interface is Invalid: it belongs to that machine and cannot move.
func (p *privateIP) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	if err := checkAddress(op, providers.KindPrivateIP, a); err != nil {
		return providers.Assignment{}, err
	}
	var r providers.Reading
	p.holders(ctx, op, []providers.Address{a}, []*providers.Reading{&r})
	return r.Assignment, r.Err
}

// Owners implements providers.BatchReader: the addresses of one subnet are found in one
// list of its interfaces, and several subnets are listed side by side.
func (p *privateIP) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	type listed struct {
		as       []providers.Address
		readings []*providers.Reading
	}
	subnets := map[string]*listed{}
	readings := make([]providers.Reading, len(as))
	var calls []func()
	for i, a := range as {
		r := &readings[i]
		if r.Err = checkAddress("read owner of "+a.String(), providers.KindPrivateIP, a); r.Err != nil {
			continue
		}
		of := subnets[a.ID]
		if of == nil {
			of = &listed{}
			subnets[a.ID] = of
			calls = append(calls, func() { p.holders(ctx, "list interfaces of "+a.ID, of.as, of.readings) })
		}
		of.as, of.readings = append(of.as, a), append(of.readings, r)
	}
	listing.Together(calls...)
	return readings
}

// holders reads who holds each of the addresses, which are of one subnet. One that nobody
// holds in a list of several pages may have moved from a page not yet read to one that was,
// so the list is read again.
func (p *privateIP) holders(ctx context.Context, op string, as []providers.Address, readings []*providers.Reading) {
	var (
		subnet            = as[0].ID
		within            netip.Prefix
		l                 nicList
		failed, noListing error
	)
	listing.Together(
		func() { within, failed = p.within(ctx, op, subnet) },
		func() { l, noListing = p.list(ctx, op, subnet) },
	)
	var free []int
	for i, a := range as {
		op, r := "read owner of "+a.String(), readings[i]
		if r.Err = outside(op, within, a); r.Err != nil {
			continue
		}
		if r.Err = noListing; r.Err == nil {
			r.Assignment, r.Err = l.find(op, a.IP)
		}
		switch held := !r.Assignment.Target.IsZero(); {
		case failed != nil && (!held && r.Err == nil || providers.KindOf(failed) == providers.NotFound):
			r.Assignment, r.Err = providers.Assignment{}, failed
		case !held && r.Err == nil && l.pages > 1:
			free = append(free, i)
		}
	}
	if len(free) == 0 {
		return
	}
	l, noListing = p.list(ctx, op, subnet)
	for _, i := range free {
		if readings[i].Err = noListing; noListing == nil {
			readings[i].Assignment, readings[i].Err = l.find("read owner of "+as[i].String(), as[i].IP)
		}
	}
}

// Assign implements providers.Provider: "assignSecondaryIps". The default of force is to
// take the address from whoever holds it, so it is always sent: true only if a holder was
// seen, which the write gate has judged; else the call fails when a rival was faster.
func (p *privateIP) Assign(ctx context.Context, a providers.Address, to providers.Target, seen providers.Assignment) (providers.Result, error) {
	op := fmt.Sprintf("assign %s to %s", a, to)
	if err := checkAddress(op, providers.KindPrivateIP, a); err != nil {
		return providers.Result{}, err
	}
	if err := checkTarget(op, providers.KindPrivateIP, to); err != nil {
		return providers.Result{}, err
	}
	force := !seen.Target.IsZero()
	if force {
		if err := canTakeFrom(op, seen.Target); err != nil {
			return providers.Result{}, err
		}
	}
	return p.post(ctx, op, call{
		service: "vpc", operation: "assignSecondaryIps",
		path: "/networkInterfaces/" + to.Interface + ":assignSecondaryIps",
		body: map[string]any{"force": force, "secondaryIps": []string{a.IP.String()}},
	})
}

// Preflight implements providers.Preflighter with the reads of Owner.
func (p *privateIP) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	op := fmt.Sprintf("check assignment of %s to %s", a, t)
	if err := p.inSubnet(ctx, op, a); err != nil {
		return err
	}
	if err := checkTarget(op, providers.KindPrivateIP, t); err != nil {
		return err
	}
	l, err := p.list(ctx, op, a.ID)
	if err != nil {
		return err
	}
	seen, err := l.find(op, a.IP)
	if err != nil {
		return err
	}
	n, ok := l.byID[t.Interface]
	switch {
	case !ok:
		return refuse(op, providers.Invalid, "interface %s is not in %s; the address can only be on an interface of its subnet, so correct subnet or use another address", t.Interface, a.ID)
	case n.InstanceID != t.Instance:
		return refuse(op, providers.Invalid, "interface %s belongs to %s, not to %s", t.Interface, cloudhttp.Quote(n.InstanceID), t.Instance)
	case seen.Target.IsZero() || seen.Target == t:
		return nil
	}
	return canTakeFrom(op, seen.Target)
}

// inSubnet refuses an address that cannot be in its subnet, and a subnet that does not
// exist.
func (p *privateIP) inSubnet(ctx context.Context, op string, a providers.Address) error {
	if err := checkAddress(op, providers.KindPrivateIP, a); err != nil {
		return err
	}
	known, err := p.within(ctx, op, a.ID)
	if err != nil {
		return err
	}
	return outside(op, known, a)
}

// within returns the range of a subnet; NotFound where there is no such subnet, of which a
// list is empty and no error. Where that cannot be asked, for want of a permission or of such
// a call, the range is invalid: it is left to the cloud, which refuses the address when it is
// assigned.
func (p *privateIP) within(ctx context.Context, op, subnet string) (netip.Prefix, error) {
	known, ok := p.facts.get(subnet, p.now())
	if ok {
		return known, nil
	}
	var doc subnetResult
	err := p.get(ctx, op, call{service: "vpc", operation: "describeSubnet", path: "/subnets/" + subnet}, &doc)
	switch kind := providers.KindOf(err); {
	case err != nil && kind != providers.Denied && kind != providers.Invalid:
		return netip.Prefix{}, err
	case err == nil:
		known = doc.prefix
	}
	p.facts.put(subnet, known, p.now())
	return known, nil
}

// outside refuses an address that is not in the range of its subnet.
func outside(op string, within netip.Prefix, a providers.Address) error {
	if within.IsValid() && !within.Contains(a.IP) {
		return refuse(op, providers.Invalid, "ip: %s is not in %s, which is %s; correct ip or subnet", a.IP, a.ID, within)
	}
	return nil
}
