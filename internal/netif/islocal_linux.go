// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// IsLocal reports whether addr is an address of this machine, in the network namespace of
// the process: whether the kernel delivers to it what is sent there by its main route tables
// (where "ip route get" says local, which knows whole ranges such as 127.0.0.0/8), or an
// interface has it, the second of its network as well as one in a VRF, whose local
// routes lie in another table. An IPv6 address does not count before its duplicate address
// detection is over, nor where that failed. Whether a socket may be bound to addr, and what
// source the kernel would choose towards it, say less: with net.ipv4.ip_nonlocal_bind any is
// allowed, and the source is the first address of the network.
// It needs no privileges and takes at most two seconds; an error means that it cannot be told.
func IsLocal(ctx context.Context, addr netip.Addr) (local bool, err error) {
	addr = canonical(addr)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	err = withNetlink(func(h *nl.SocketHandle) error {
		if local, err = routedHere(h, addr); err == nil && !local {
			local, err = onInterface(h, addr)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for %s among this machine's addresses: %w", addr, err)
	}
	return local, nil
}

// onInterface reports whether an interface has addr, ready to be used.
func onInterface(h *nl.SocketHandle, addr netip.Addr) (bool, error) {
	all, err := list(h, addr)
	for _, entries := range all {
		if slices.ContainsFunc(entries, func(e entry) bool { return e.prefix.Addr() == addr && !e.tentative }) {
			return true, nil
		}
	}
	return false, err
}

// routedHere asks for the route to addr (rtnetlink(7)). No route at all is an answer.
func routedHere(h *nl.SocketHandle, addr netip.Addr) (bool, error) {
	req := newRequest(h, unix.RTM_GETROUTE, 0)
	req.AddData(&nl.RtMsg{RtMsg: unix.RtMsg{Family: uint8(family(addr)), Dst_len: uint8(addr.BitLen())}})
	req.AddData(nl.NewRtAttr(unix.RTA_DST, addr.AsSlice()))
	msgs, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWROUTE)
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		return false, nil // none, or one that refuses: unreachable, prohibit, blackhole
	case err != nil:
		return false, err
	case len(msgs) == 0 || len(msgs[0]) < unix.SizeofRtMsg:
		return false, errors.New("the kernel's answer has no route")
	}
	return nl.DeserializeRtMsg(msgs[0]).Type == unix.RTN_LOCAL, nil
}
