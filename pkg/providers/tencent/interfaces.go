// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	vpc "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc/v20170312"

	"github.com/fipctl/fipctl/pkg/providers"
)

const (
	// addressesLast is how long the private addresses of a machine are remembered:
	// they tell who a holder is, and never whether it holds anything.
	addressesLast = time.Minute
	// addressesRetry is the same for an answer that did not come.
	addressesRetry = 10 * time.Second
	// addressesMax bounds how many machines are remembered; beyond it all are
	// forgotten. A cluster has a few.
	addressesMax = 256
)

// machineMAC names an interface as a machine sees it.
type machineMAC struct{ instance, mac string }

// knownAddresses are the private addresses of a machine, as of some moment.
type knownAddresses struct {
	ips   []netip.Addr
	until time.Time
}

// Interface returns the id of the network interface of a machine that has this MAC,
// in whatever case: the metadata service does not tell it. What was found once is
// remembered in memory. Errors are of type *providers.Error; NotFound means that the
// machine has no such interface.
func (c *Cloud) Interface(ctx context.Context, instance, mac string) (string, error) {
	op := fmt.Sprintf("find interface %s of %s", mac, instance)
	if !isID(instance, "ins-") {
		return "", refuse(op, providers.Invalid, "%q is not the id of a machine (ins-...)", instance)
	}
	key := machineMAC{instance, strings.ToLower(mac)}
	c.mu.Lock()
	eni := c.interfaces[key]
	c.mu.Unlock()
	if eni != "" {
		return eni, nil
	}
	enis, err := c.describeInterfaces(ctx, op, filter("attachment.instance-id", instance))
	if err != nil {
		return "", err
	}
	for _, n := range enis {
		if strings.ToLower(text(n.MacAddress)) == key.mac {
			eni = text(n.NetworkInterfaceId)
		}
	}
	if eni == "" {
		return "", refuse(op, providers.NotFound, "none of its %d interfaces in %s has that MAC; check the %s", len(enis), c.here(ctx), OptionRegion)
	}
	c.mu.Lock()
	c.interfaces[key] = eni
	c.mu.Unlock()
	return eni, nil
}

// describeInterfaces lists the network interfaces that pass all filters, at most a
// page: "DescribeNetworkInterfaces".
func (c *Cloud) describeInterfaces(ctx context.Context, op string, filters ...*vpc.Filter) ([]*vpc.NetworkInterface, error) {
	req := vpc.NewDescribeNetworkInterfacesRequest()
	req.Filters, req.Limit = filters, pointer[uint64](pageMax)
	resp := vpc.NewDescribeNetworkInterfacesResponse()
	id, err := c.send(ctx, op, req, resp)
	if err != nil {
		return nil, err
	}
	if resp.Response == nil || resp.Response.NetworkInterfaceSet == nil {
		return nil, unreadable(op, id, missing("NetworkInterfaceSet"))
	}
	set := resp.Response.NetworkInterfaceSet
	if slices.ContainsFunc(set, func(n *vpc.NetworkInterface) bool { return n == nil || text(n.NetworkInterfaceId) == "" }) {
		return nil, unreadable(op, id, missing("NetworkInterfaceSet.NetworkInterfaceId"))
	}
	if total := value(resp.Response.TotalCount); len(set) < pageMax && total > uint64(len(set)) {
		return nil, unreadable(op, id, wrong("NetworkInterfaceSet", "%d of TotalCount %d", len(set), total))
	}
	return set, nil
}

// addressesOf returns the primary addresses of all interfaces of a machine, to recognise
// a node by, or nothing if they cannot be read: that says nothing about who holds an address.
func (c *Cloud) addressesOf(ctx context.Context, op, machine string) []netip.Addr {
	if !isID(machine, "ins-") {
		return nil
	}
	key := "interfaces of " + machine // not its primary address alone (primaryOf)
	if ips, ok := c.known(key); ok {
		return ips
	}
	now := c.cfg.Now()
	known := knownAddresses{until: now.Add(addressesRetry)}
	// An error is not the caller's: it asked for an owner, and has one.
	if enis, err := c.describeInterfaces(ctx, op, filter("attachment.instance-id", machine)); err == nil {
		known.until = now.Add(addressesLast)
		for _, n := range enis {
			known.ips = append(known.ips, primaryAddresses(n)...)
		}
	}
	c.remember(key, known)
	return slices.Clone(known.ips)
}

// known returns the private addresses of a machine, if they have been read of late.
func (c *Cloud) known(id string) ([]netip.Addr, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.addresses[id]
	return slices.Clone(known.ips), ok && c.cfg.Now().Before(known.until)
}

func (c *Cloud) remember(id string, known knownAddresses) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.addresses) >= addressesMax {
		clear(c.addresses)
	}
	c.addresses[id] = known
}

// primaryAddresses returns the address of an interface that cannot move.
func primaryAddresses(n *vpc.NetworkInterface) (ips []netip.Addr) {
	for _, s := range n.PrivateIpAddressSet {
		if s == nil || !value(s.Primary) {
			continue
		}
		if ip, err := netip.ParseAddr(text(s.PrivateIpAddress)); err == nil {
			ips = append(ips, ip)
		}
	}
	return ips
}

// attachedTo returns the machine that an interface is attached to; empty: none.
func attachedTo(n *vpc.NetworkInterface) string {
	if n.Attachment == nil {
		return ""
	}
	return text(n.Attachment.InstanceId)
}
