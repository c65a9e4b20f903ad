// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// extraMax bounds how many further public addresses of a droplet are looked up.
// A droplet has one of its own and holds at most one more.
const extraMax = 4

// Preflight implements providers.Preflighter with two to four reads. What it does
// not find may still be refused; what it finds would be.
func (p *Provider) Preflight(ctx context.Context, a providers.Address, t providers.Target) error {
	op := fmt.Sprintf("check assignment of %s to %s", a, t)
	if err := checkAddress(op, a); err != nil {
		return err
	}
	id, err := dropletID(op, t)
	if err != nil {
		return err
	}
	address, err := p.reservedIP(ctx, op, a.IP)
	if err != nil {
		return err
	}
	d, err := p.droplet(ctx, op, id)
	if err != nil {
		return err
	}
	if err := fits(op, a.IP, address, d); err != nil {
		return err
	}
	if address.holder != nil && address.holder.id == id {
		return nil // already there: no move that could be refused
	}
	if err := p.holdsAnother(ctx, op, a.IP, d); err != nil {
		return err
	}
	if address.locked {
		return refuse(op, providers.Busy, "the address has a pending event")
	}
	return p.hasPendingEvent(ctx, op, d)
}

// fits compares what the address needs with what the droplet is.
func fits(op string, ip netip.Addr, address reservedIP, d droplet) error {
	switch {
	case address.region == "" || d.region == "":
		return refuse(op, providers.Transient, "the API names no region")
	case address.region != d.region:
		return refuse(op, providers.Invalid, "the address is in region %s, the droplet in %s; they must be in the same", cloudhttp.Clean(address.region), cloudhttp.Clean(d.region))
	case d.status == "new":
		return refuse(op, providers.Busy, "the droplet is being created")
	case d.status != "active":
		return refuse(op, providers.Invalid, "the droplet is %s; it must be active", cloudhttp.Quote(d.status))
	case ip.Is6() && d.lacksIPv6(ip):
		return refuse(op, providers.Invalid, "IPv6 is not enabled on the droplet")
	}
	return nil
}

// lacksIPv6 reports whether IPv6 is known to be off on the droplet: its features are told
// without it, and it has no IPv6 address but ip, which is listed while it holds it. An empty
// list alone says nothing: a droplet with IPv6 has been seen to list its reserved address only.
func (d droplet) lacksIPv6(ip netip.Addr) bool {
	others := slices.ContainsFunc(d.public6, func(a netip.Addr) bool { return a != ip })
	return d.features != nil && !slices.Contains(d.features, "ipv6") && !others
}

// holdsAnother refuses a droplet that already holds a reserved v4 address. Such an
// address shows as a further public one of the droplet. That is a hint and no
// proof (it lags behind), so each candidate is asked for its holder; a listing of
// the account would be many pages, and might leave addresses under BYOIP out.
func (p *Provider) holdsAnother(ctx context.Context, op string, ip netip.Addr, d droplet) error {
	if !ip.Is4() || len(d.public4) < 2 {
		return nil
	}
	for _, candidate := range d.public4[:min(len(d.public4), extraMax)] {
		if candidate == ip {
			continue
		}
		other, err := p.reservedIP(ctx, op, candidate)
		switch {
		case providers.KindOf(err) == providers.NotFound:
			continue // the droplet's own address
		case err != nil:
			return err
		case other.holder != nil && other.holder.id == d.id:
			return refuse(op, providers.Invalid, "the droplet holds another reserved IP, %s; it can hold only one", candidate)
		}
	}
	return nil
}

// hasPendingEvent refuses a droplet that is working on something: DigitalOcean
// does one thing at a time per droplet. A token that may not list actions leaves
// this unknown, which speaks against nothing.
func (p *Provider) hasPendingEvent(ctx context.Context, op string, d droplet) error {
	pending, err := p.pendingActions(ctx, op, d.id)
	switch {
	case providers.KindOf(err) == providers.Denied:
		return nil
	case err != nil:
		return err
	case len(pending) > 0:
		return refuse(op, providers.Busy, "the droplet has a pending event (%s)", strings.Join(pending, ", "))
	case d.locked:
		return refuse(op, providers.Busy, "the droplet is locked by a pending event")
	}
	return nil
}
