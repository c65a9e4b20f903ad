// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import "net/netip"

// roomConfig says what a namespace has: one interface, eth0, beside the loopback.
type roomConfig struct {
	mac     mac
	addrs   []netip.Prefix
	gateway netip.Addr // zero: everything is reached directly, by ARP
}

// rooms returns what to make, by station.
func (v *vpc) rooms() map[Station]roomConfig {
	o := v.options
	inSubnet := func(m mac, ip netip.Addr) roomConfig {
		return roomConfig{m, []netip.Prefix{netip.PrefixFrom(ip, o.Subnet.Bits())}, gateway(o.Subnet)}
	}
	rooms := map[Station]roomConfig{Metadata: {mac: serviceMAC, addrs: []netip.Prefix{host(o.APIAddr.Addr())}}}
	for _, addr := range metadataAddrs {
		r := rooms[Metadata]
		r.addrs = append(r.addrs, host(addr))
		rooms[Metadata] = r
	}
	if v.publicClient() {
		rooms[Client] = roomConfig{mac: clientMAC, addrs: []netip.Prefix{host(o.Client)}}
	} else {
		rooms[Client] = inSubnet(clientMAC, o.Client)
	}
	for i, n := range o.Nodes {
		r := inSubnet(mac(n.MAC), n.Private)
		for _, ip := range n.Anchors {
			r.addrs = append(r.addrs, host(ip))
		}
		rooms[Station(i)] = r
	}
	return rooms
}

// host returns the prefix of one address.
func host(ip netip.Addr) netip.Prefix { return netip.PrefixFrom(ip, ip.BitLen()) }
