// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// IsLocal reports whether the kernel delivers what is sent to addr to this machine, in the
// network namespace of the process: by its route tables, where "ip route get" says local.
// Whether a socket may be bound to it says less, where net.ipv4.ip_nonlocal_bind is set.
// It needs no privileges and takes at most a second; an error means that it cannot be told.
func IsLocal(ctx context.Context, addr netip.Addr) (local bool, err error) {
	addr = canonical(addr)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	err = withNetlink(func(h *nl.SocketHandle) error {
		local, err = routedHere(h, addr)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for %s in the route tables: %w", addr, err)
	}
	return local, nil
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
