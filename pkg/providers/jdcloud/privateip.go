// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"fmt"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
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
// and one of the subnet itself each minute. An address that is the primary one of some
// interface is Invalid: it belongs to that machine and cannot move.
func (p *privateIP) Owner(ctx context.Context, a providers.Address) (providers.Assignment, error) {
	op := "read owner of " + a.String()
	if err := p.inSubnet(ctx, op, a); err != nil {
		return providers.Assignment{}, err
	}
	l, err := p.list(ctx, op, a.ID)
	if err != nil {
		return providers.Assignment{}, err
	}
	got, err := l.find(op, a.IP)
	if err != nil || !got.Target.IsZero() || l.pages == 1 {
		return got, err
	}
	// The address may have moved from a page not yet read to one that was.
	if l, err = p.list(ctx, op, a.ID); err != nil {
		return providers.Assignment{}, err
	}
	return l.find(op, a.IP)
}

// Owners implements providers.BatchReader: the addresses of one subnet are found in one
// list of its interfaces. One that nobody holds in a list of several pages is read by
// itself.
func (p *privateIP) Owners(ctx context.Context, as []providers.Address) []providers.Reading {
	type listing struct {
		l   nicList
		err error
	}
	lists := map[string]listing{}
	readings := make([]providers.Reading, len(as))
	for i, a := range as {
		op, r := "read owner of "+a.String(), &readings[i]
		if r.Err = p.inSubnet(ctx, op, a); r.Err != nil {
			continue
		}
		of, ok := lists[a.ID]
		if !ok {
			of.l, of.err = p.list(ctx, "list interfaces of "+a.ID, a.ID)
			lists[a.ID] = of
		}
		if r.Err = of.err; r.Err != nil {
			continue
		}
		if r.Assignment, r.Err = of.l.find(op, a.IP); r.Err == nil && r.Assignment.Target.IsZero() && of.l.pages > 1 {
			r.Assignment, r.Err = p.Owner(ctx, a)
		}
	}
	return readings
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
// exist: a list with a filter for one is empty and no error. Where that cannot be asked,
// for want of a permission or of such a call, it is left to the cloud, which refuses the
// address when it is assigned.
func (p *privateIP) inSubnet(ctx context.Context, op string, a providers.Address) error {
	if err := checkAddress(op, providers.KindPrivateIP, a); err != nil {
		return err
	}
	known, ok := p.facts.get(a.ID, p.now())
	if !ok {
		var doc subnetResult
		err := p.get(ctx, op, call{service: "vpc", operation: "describeSubnet", path: "/subnets/" + a.ID}, &doc)
		switch kind := providers.KindOf(err); {
		case err != nil && kind != providers.Denied && kind != providers.Invalid:
			return err
		case err == nil:
			known = doc.prefix
		}
		p.facts.put(a.ID, known, p.now())
	}
	if known.IsValid() && !known.Contains(a.IP) {
		return refuse(op, providers.Invalid, "ip: %s is not in %s, which is %s; correct ip or subnet", a.IP, a.ID, known)
	}
	return nil
}
