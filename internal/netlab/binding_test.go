// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"maps"
	"net"
	"net/netip"
	"sync"
)

// cloud is a Binding that a test sets.
type cloud struct {
	mu        sync.Mutex
	holders   map[netip.Addr]Station    // of private floating addresses and destinations
	publics   map[netip.Addr]netip.Addr // private by public
	heeds     map[netip.Addr]bool       // addresses that announcements move
	announced chan announcement
}

type announcement struct {
	node Station
	ip   netip.Addr
}

// announcementsMax bounds how many a test may leave unread.
const announcementsMax = 1024

func newCloud() *cloud {
	return &cloud{holders: map[netip.Addr]Station{}, publics: map[netip.Addr]netip.Addr{},
		heeds: map[netip.Addr]bool{}, announced: make(chan announcement, announcementsMax)}
}

func (c *cloud) hold(ip netip.Addr, node Station) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holders[ip] = node
}

func (c *cloud) publish(public, private netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.publics[public] = private
}

func (c *cloud) Holder(ip netip.Addr, _ Station) (Station, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	node, ok := c.holders[ip]
	return node, ok
}

func (c *cloud) Owns(node Station, ip netip.Addr) bool {
	holder, ok := c.Holder(ip, node)
	return ok && holder == node
}

func (c *cloud) Private(public netip.Addr) (netip.Addr, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	private, ok := c.publics[public]
	return private, ok
}

func (c *cloud) Public(private netip.Addr) (netip.Addr, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for public, p := range maps.All(c.publics) {
		if p == private {
			return public, true
		}
	}
	return netip.Addr{}, false
}

func (c *cloud) Announced(node Station, ip netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heeds[ip] {
		c.holders[ip] = node
	}
	select {
	case c.announced <- announcement{node, ip}:
	default: // the test does not look
	}
	return c.heeds[ip]
}

// options returns two nodes and a client for a test to vary.
func options(c *cloud, client netip.Addr) Options {
	return Options{
		Subnet: netip.MustParsePrefix("10.0.4.0/24"),
		Nodes: []Node{
			{Name: "a", MAC: net.HardwareAddr{2, 0, 0x5e, 0x10, 0, 1}, Private: node0},
			{Name: "b", MAC: net.HardwareAddr{2, 0, 0x5e, 0x10, 0, 2}, Private: node1},
		},
		Client:  client,
		Binding: c,
	}
}
