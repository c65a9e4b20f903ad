// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ifaceName is what most images call the first interface.
const ifaceName = "eth0"

// configure sets up the loopback and eth0 of the thread's namespace.
func configure(c roomConfig) error {
	// A kernel without IPv6 has no such file and needs none.
	off := os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
	if off != nil && !errors.Is(off, fs.ErrNotExist) {
		return fmt.Errorf("turn IPv6 off: %w", off)
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	eth0, err := net.InterfaceByName(ifaceName)
	if err != nil {
		return fmt.Errorf("find %s: %w", ifaceName, err)
	}
	if err := setUp(lo.Index, nil); err != nil {
		return fmt.Errorf("set up lo: %w", err)
	}
	if err := setUp(eth0.Index, c.mac[:]); err != nil {
		return fmt.Errorf("set up %s: %w", ifaceName, err)
	}
	for _, p := range c.addrs {
		if err := addAddress(eth0.Index, p); err != nil {
			return fmt.Errorf("add %s to %s: %w", p, ifaceName, err)
		}
	}
	if err := addDefaultRoute(eth0.Index, c.gateway); err != nil {
		return fmt.Errorf("add the default route: %w", err)
	}
	return nil
}

// setUp gives an interface its MAC, if there is one, and sets it up.
func setUp(index int, mac []byte) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index, msg.Flags, msg.Change = int32(index), unix.IFF_UP, unix.IFF_UP
	req.AddData(msg)
	if mac != nil {
		req.AddData(nl.NewRtAttr(unix.IFLA_ADDRESS, mac))
	}
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func addAddress(index int, p netip.Prefix) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	msg := nl.NewIfAddrmsg(unix.AF_INET)
	msg.Index, msg.Prefixlen = uint32(index), uint8(p.Bits())
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, p.Addr().AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, p.Addr().AsSlice()))
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// addDefaultRoute leads everything to the gateway, or, without one, straight out.
func addDefaultRoute(index int, gateway netip.Addr) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	msg := nl.NewRtMsg()
	msg.Family, msg.Scope = unix.AF_INET, unix.RT_SCOPE_LINK
	if gateway.IsValid() {
		msg.Scope = unix.RT_SCOPE_UNIVERSE
	}
	req.AddData(msg)
	if gateway.IsValid() {
		req.AddData(nl.NewRtAttr(unix.RTA_GATEWAY, gateway.AsSlice()))
	}
	req.AddData(nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(index))))
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}
