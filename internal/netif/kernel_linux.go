// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The bounds of one call. The kernel answers within microseconds unless its
// configuration lock is held, for example while many interfaces are set up.
const (
	answerTimeout = 500 * time.Millisecond // for each message waited for
	dumpAttempts  = 3                      // a list that changed while it was read is read again
)

// AddHost implements [Interfaces]. An IPv6 address is added without duplicate
// address detection: its previous owner may have died with it, and a second of
// waiting would lengthen the outage.
func (Kernel) AddHost(ctx context.Context, addr netip.Addr, iface string) (added bool, err error) {
	addr, err = request(ctx, addr, iface)
	if err == nil {
		err = withSocket(iface, func(s *socket) error {
			added, err = s.add(ctx, addr)
			return err
		})
	}
	if err != nil {
		return false, fmt.Errorf("add %s to %s: %w", addr, iface, explain(err, iface))
	}
	return added, nil
}

// RemoveHost implements [Interfaces].
func (Kernel) RemoveHost(ctx context.Context, addr netip.Addr, iface string) error {
	addr, err := request(ctx, addr, iface)
	if err == nil {
		err = withSocket(iface, func(s *socket) error { return s.remove(addr) })
	}
	if err != nil && !errors.Is(err, errNoInterface) {
		return fmt.Errorf("remove %s from %s: %w", addr, iface, explain(err, iface))
	}
	return nil
}

// explain adds what to do about an error of the kernel where that is known.
func explain(err error, iface string) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w; run as root or with CAP_NET_ADMIN", err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w; IPv6 is off there: set net.ipv6.conf.%s.disable_ipv6=0", err, iface)
	}
	return err
}

// socket is a netlink socket for the addresses of one interface.
type socket struct {
	handle *nl.SocketHandle
	index  int
}

// withSocket opens a socket for iface, calls f and closes the socket.
func withSocket(iface string, f func(*socket) error) error {
	link, err := find(iface)
	if err != nil {
		return err
	}
	return withNetlink(func(h *nl.SocketHandle) error { return f(&socket{handle: h, index: link.Index}) })
}

// withNetlink opens a netlink socket, calls f and closes the socket.
func withNetlink(f func(*nl.SocketHandle) error) error {
	// A subscription to no group is a plain socket. Its own, since the package's
	// way of opening one per request waits for answers up to a minute.
	conn, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer conn.Close()
	limit := unix.NsecToTimeval(answerTimeout.Nanoseconds())
	if err := conn.SetSendTimeout(&limit); err != nil {
		return fmt.Errorf("set up netlink: %w", err)
	}
	if err := conn.SetReceiveTimeout(&limit); err != nil {
		return fmt.Errorf("set up netlink: %w", err)
	}
	return f(&nl.SocketHandle{Socket: conn})
}

// find returns what the system says about an interface.
func find(iface string) (net.Interface, error) {
	ifaces, err := net.Interfaces()
	if err != nil {
		return net.Interface{}, fmt.Errorf("list interfaces: %w", err)
	}
	for _, i := range ifaces {
		if i.Name == iface {
			return i, nil
		}
	}
	return net.Interface{}, errNoInterface
}

// Placed implements [Interfaces].
func (Kernel) Placed(ctx context.Context, addr netip.Addr) ([]string, error) {
	addr = canonical(addr)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var names []string
	err = withNetlink(func(h *nl.SocketHandle) error {
		all, err := list(h, addr)
		for _, i := range ifaces {
			if placed(all[i.Index], addr) {
				names = append(names, i.Name)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", addr, err)
	}
	slices.Sort(names)
	return names, nil
}

// add puts addr on the interface unless it is there, or ctx ends before it is asked to,
// and reports whether it did.
func (s *socket) add(ctx context.Context, addr netip.Addr) (bool, error) {
	entries, err := s.list(addr)
	if err != nil || has(entries, addr) {
		return false, err
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	req := s.about(addr, unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	flags := uint32(unix.IFA_F_NOPREFIXROUTE)
	if addr.Is6() {
		flags |= unix.IFA_F_NODAD
	}
	req.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(flags)))
	req.AddData(nl.NewRtAttr(unix.IFA_RT_PRIORITY, nl.Uint32Attr(Mark)))
	_, err = req.Execute(unix.NETLINK_ROUTE, 0)
	if errors.Is(err, unix.EEXIST) {
		return false, nil // somebody was faster
	}
	return err == nil, err
}

// remove takes addr off the interface if it is ours.
func (s *socket) remove(addr netip.Addr) error {
	entries, err := s.list(addr)
	if err != nil {
		return err
	}
	if yes, err := removable(entries, addr); err != nil || !yes {
		return err
	}
	req := s.about(addr, unix.RTM_DELADDR, unix.NLM_F_ACK)
	_, err = req.Execute(unix.NETLINK_ROUTE, 0)
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		return nil // somebody was faster
	}
	return err
}

// about returns a request about addr with full prefix length on the interface.
func (s *socket) about(addr netip.Addr, proto, flags int) *nl.NetlinkRequest {
	msg := nl.NewIfAddrmsg(family(addr))
	msg.Index = uint32(s.index)
	msg.Prefixlen = uint8(addr.BitLen())
	req := newRequest(s.handle, proto, flags)
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, addr.AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, addr.AsSlice()))
	return req
}

// list returns what the interface has of addr's family.
func (s *socket) list(addr netip.Addr) ([]entry, error) {
	all, err := list(s.handle, addr)
	return all[s.index], err
}

// list returns what every interface, by its number, has of addr's family.
func list(handle *nl.SocketHandle, addr netip.Addr) (map[int][]entry, error) {
	var err error
	for range dumpAttempts {
		req := newRequest(handle, unix.RTM_GETADDR, unix.NLM_F_DUMP)
		req.AddData(nl.NewIfAddrmsg(family(addr)))
		var msgs [][]byte
		msgs, err = req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWADDR)
		if errors.Is(err, nl.ErrDumpInterrupted) {
			continue
		}
		if err != nil {
			break
		}
		return parse(msgs)
	}
	return nil, fmt.Errorf("list addresses: %w", err)
}

// newRequest returns an empty request that goes out by a socket.
func newRequest(handle *nl.SocketHandle, proto, flags int) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(proto, flags)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: handle}
	return req
}

// parse returns the entries among the messages of a list, by interface.
func parse(msgs [][]byte) (map[int][]entry, error) {
	entries := map[int][]entry{}
	for _, m := range msgs {
		if len(m) < unix.SizeofIfAddrmsg {
			return nil, fmt.Errorf("parse address: message of %d bytes", len(m))
		}
		head := nl.DeserializeIfAddrmsg(m)
		e, err := parseEntry(int(head.Prefixlen), m[unix.SizeofIfAddrmsg:])
		if err != nil {
			return nil, err
		}
		entries[int(head.Index)] = append(entries[int(head.Index)], e)
	}
	return entries, nil
}

// parseEntry reads the attributes of one address. IFA_ADDRESS is the address
// itself, but on a link with a peer it is the peer's and IFA_LOCAL ours
// (rtnetlink(7)); what has a peer is never marked, since AddHost makes none.
func parseEntry(bits int, b []byte) (entry, error) {
	attrs, err := nl.ParseRouteAttr(b)
	if err != nil {
		return entry{}, fmt.Errorf("parse address: %w", err)
	}
	var (
		own, other netip.Addr
		marked     bool
		flags      uint32
	)
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.IFA_LOCAL:
			own, _ = netip.AddrFromSlice(a.Value)
		case unix.IFA_ADDRESS:
			other, _ = netip.AddrFromSlice(a.Value)
		case unix.IFA_RT_PRIORITY:
			marked = len(a.Value) == 4 && nl.NativeEndian().Uint32(a.Value) == Mark
		case unix.IFA_FLAGS:
			if len(a.Value) == 4 {
				flags = nl.NativeEndian().Uint32(a.Value)
			}
		}
	}
	if !own.IsValid() {
		own = other
	}
	if !own.IsValid() || bits > own.BitLen() {
		return entry{}, fmt.Errorf("parse address: %v/%d", own, bits)
	}
	peer := other.IsValid() && other != own
	tentative := flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 && flags&unix.IFA_F_OPTIMISTIC == 0
	return entry{prefix: netip.PrefixFrom(own, bits), marked: marked && !peer, tentative: tentative}, nil
}

// family returns the address family of addr.
func family(addr netip.Addr) int {
	if addr.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
