// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// pagesMax bounds the pages of a subnet's interfaces that are looked at: 2,000
// interfaces, at 20 calls for each owner read. A larger subnet is refused.
const pagesMax = 20

// subnetResult: "describeSubnet".
type subnetResult struct {
	Subnet *struct {
		Prefix string `json:"addressPrefix"`
	} `json:"subnet"`

	prefix netip.Prefix
}

func (r *subnetResult) check() (err error) {
	if r.Subnet == nil {
		return missing("subnet")
	}
	if r.prefix, err = netip.ParsePrefix(r.Subnet.Prefix); err != nil {
		return fmt.Errorf("subnet.addressPrefix: %s is not a range of addresses", cloudhttp.Quote(r.Subnet.Prefix))
	}
	return nil
}

// nicList is the interfaces of a subnet.
type nicList struct {
	byID  map[string]nic
	pages int
	// changed says that the pages do not fit together, so that one may be missing.
	changed bool
}

// nicsResult: "describeNetworkInterfaces".
type nicsResult struct {
	NICs  *[]nic `json:"networkInterfaces"`
	Total *int   `json:"totalCount"`
}

// nic is a network interface as the API shows it.
type nic struct {
	ID           string       `json:"networkInterfaceId"`
	Subnet       string       `json:"subnetId"`
	InstanceType string       `json:"instanceType"`
	InstanceID   string       `json:"instanceId"`
	Attachment   string       `json:"attachmentStatus"` // attached, detached
	Primary      *nicAddress  `json:"primaryIp"`
	Secondary    []nicAddress `json:"secondaryIps"` // null and left out are as good as empty
	CIDRs        []string     `json:"secondaryCidrs"`
	primary      netip.Addr
	secondary    []netip.Addr
}

func (r *nicsResult) check() error {
	switch {
	case r.NICs == nil:
		return missing("networkInterfaces")
	case r.Total == nil:
		return missing("totalCount")
	}
	for i := range *r.NICs {
		if err := (*r.NICs)[i].check(fmt.Sprintf("networkInterfaces[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// check reads the interface found under name. One without secondary addresses holds none: a
// list that is not empty is never left out, and were it, Assign would not force the move.
func (n *nic) check(name string) (err error) {
	switch {
	case n.ID == "":
		return missing(name + ".networkInterfaceId")
	case n.Primary == nil:
		return missing(name + ".primaryIp")
	}
	if n.primary, err = parseIP(name+".primaryIp.privateIpAddress", n.Primary.IP); err != nil {
		return err
	}
	for _, a := range n.Secondary {
		ip, err := parseIP(name+".secondaryIps.privateIpAddress", a.IP)
		if err != nil {
			return err
		}
		n.secondary = append(n.secondary, ip)
	}
	return nil
}

// list: "describeNetworkInterfaces" of one subnet. A page number past the end repeats
// the last page, so pages are turned by the count.
func (p *privateIP) list(ctx context.Context, op, subnet string) (nicList, error) {
	l := nicList{byID: map[string]nic{}}
	for read := 0; l.pages < pagesMax; {
		l.pages++
		var doc nicsResult
		query := filters("subnetId", []string{subnet})
		query.Set("pageNumber", strconv.Itoa(l.pages))
		query.Set("pageSize", strconv.Itoa(pageMax))
		err := p.get(ctx, op, call{service: "vpc", operation: "describeNetworkInterfaces", path: "/networkInterfaces/", query: query}, &doc)
		if err != nil {
			return nicList{}, err
		}
		for _, n := range *doc.NICs {
			if n.Subnet != "" && n.Subnet != subnet { // where the filter does nothing, any subnet's
				return nicList{}, refuse(op, providers.Transient, "networkInterfaces.subnetId: asked for %s, got %s of %s", subnet, cloudhttp.Quote(n.Subnet), cloudhttp.Quote(n.ID))
			}
			l.byID[n.ID] = n
		}
		read += len(*doc.NICs)
		if read >= *doc.Total || len(*doc.NICs) == 0 {
			l.changed = len(l.byID) != *doc.Total
			return l, nil
		}
	}
	return nicList{}, refuse(op, providers.Unsupported, "%s has more than %d interfaces, which is too many to look through for each read; use a smaller subnet", subnet, pagesMax*pageMax)
}

// find returns who holds ip.
func (l nicList) find(op string, ip netip.Addr) (providers.Assignment, error) {
	var found []nic
	for _, n := range l.byID {
		if n.primary == ip {
			return providers.Assignment{}, refuse(op, providers.Invalid, "ip: %s is the primary address of interface %s (%s), which cannot move; use a free address of the subnet", ip, n.ID, cloudhttp.Quote(n.InstanceID))
		}
		for _, text := range n.CIDRs {
			if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Contains(ip) {
				return providers.Assignment{}, refuse(op, providers.Invalid, "ip: %s is in the range %s of interface %s, which moves as a whole; use a single address", ip, prefix, n.ID)
			}
		}
		for _, other := range n.secondary {
			if other == ip {
				found = append(found, n)
				break
			}
		}
	}
	switch {
	case len(found) > 1:
		return providers.Assignment{}, refuse(op, providers.Transient, "two interfaces are shown with it, %s and %s", found[0].ID, found[1].ID)
	case len(found) == 1 && found[0].InstanceID == "" && found[0].Attachment == "attached":
		return providers.Assignment{}, refuse(op, providers.Transient, "interface %s has it and is attached, but the API does not tell to what", found[0].ID)
	case len(found) == 1:
		n := found[0]
		return providers.Assignment{
			Target:           holder(n.InstanceType, n.InstanceID, n.ID, netip.Addr{}),
			PrivateAddresses: []netip.Addr{n.primary},
		}, nil
	case l.changed:
		return providers.Assignment{}, refuse(op, providers.Transient, "the list of interfaces changed while it was read")
	}
	return providers.Assignment{}, nil
}
