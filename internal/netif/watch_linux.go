// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Watch implements [Interfaces]. Links and addresses come by one socket, so their order
// is the kernel's. The package's own subscriptions have a goroutine each, which waits for
// ever when nobody takes what it has, and none of them tells of a loss.
func (k Kernel) Watch(ctx context.Context, report func(Event)) error {
	return k.watch(ctx, 0, report)
}

// watch is Watch with a receive buffer of so many bytes; 0: the system's.
func (Kernel) watch(ctx context.Context, buffer int, report func(Event)) error {
	w := &linkWatch{report: report, known: map[int]linkState{}}
	for {
		err := w.listen(ctx, buffer)
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.Is(err, unix.ENOBUFS):
			return fmt.Errorf("watch interfaces: %w", err)
		}
		// The kernel dropped what did not fit. It says so once and goes on dropping until
		// all that waits has been read, so a new socket is the one from which nothing is lost.
	}
}

// listen subscribes, tells what the system has, and then what changes, until ctx ends or
// something fails.
func (w *linkWatch) listen(ctx context.Context, buffer int) error {
	conn, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer conn.Close()
	if buffer > 0 {
		if err := conn.SetReceiveBufferSize(buffer, false); err != nil {
			return fmt.Errorf("set up netlink: %w", err)
		}
	}
	stop := context.AfterFunc(ctx, conn.Close)
	defer stop()
	if err := w.look(); err != nil {
		return err
	}
	for {
		msgs, from, err := conn.Receive()
		if err != nil {
			return err
		}
		for _, m := range msgs {
			if from.Pid != nl.PidKernel {
				break // anybody may write to a group
			}
			if err := w.take(m.Header.Type, m.Data); err != nil {
				return err
			}
		}
	}
}

// look tells what the system has now.
func (w *linkWatch) look() error {
	ifaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	there := map[int]linkState{}
	for _, i := range ifaces {
		there[i.Index] = linkState{i.Name, whyDown(i.Flags&net.FlagUp != 0, i.Flags&net.FlagRunning != 0)}
	}
	w.anew(there, addressesOf)
	return nil
}

// whyDown says why an interface with these flags carries nothing. IFF_RUNNING is the
// operational state of RFC 2863, in which a driver that does not know counts as up
// (operstates.rst of the kernel).
func whyDown(up, running bool) string {
	switch {
	case !up:
		return WhySetDown
	case !running:
		return WhyNoCarrier
	default:
		return ""
	}
}

// take takes in one message of the kernel.
func (w *linkWatch) take(kind uint16, data []byte) error {
	switch kind {
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		return w.takeAddress(kind, data)
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		return w.takeLink(kind, data)
	default:
		return nil
	}
}

func (w *linkWatch) takeAddress(kind uint16, data []byte) error {
	all, err := parse([][]byte{data})
	for index, entries := range all {
		for _, e := range entries {
			event := Event{Kind: EventAdded, Iface: w.known[index].name, Addr: canonical(e.prefix.Addr())}
			if kind == unix.RTM_DELADDR {
				event.Kind = EventRemoved
			}
			w.report(event)
		}
	}
	return err
}

// takeLink takes in what became of an interface. Messages of another family tell of what
// it is to a bridge.
func (w *linkWatch) takeLink(kind uint16, data []byte) error {
	if len(data) < unix.SizeofIfInfomsg {
		return fmt.Errorf("parse interface: message of %d bytes", len(data))
	}
	head := nl.DeserializeIfInfomsg(data)
	index := int(head.Index)
	switch {
	case head.Family != unix.AF_UNSPEC:
		return nil
	case kind == unix.RTM_DELLINK:
		w.gone(index)
		return nil
	}
	attrs, err := nl.ParseRouteAttr(data[unix.SizeofIfInfomsg:])
	if err != nil {
		return fmt.Errorf("parse interface: %w", err)
	}
	s := linkState{w.known[index].name, whyDown(head.Flags&unix.IFF_UP != 0, head.Flags&unix.IFF_RUNNING != 0)}
	for _, a := range attrs {
		if a.Attr.Type == unix.IFLA_IFNAME {
			s.name = unix.ByteSliceToString(a.Value)
		}
	}
	w.set(index, s, func() []netip.Addr { return addressesOf(index) })
	return nil
}

// addressesOf returns what an interface has. One that has gone meanwhile has nothing.
func addressesOf(index int) []netip.Addr {
	i, err := net.InterfaceByIndex(index)
	if err != nil {
		return nil
	}
	l, _ := readLink(*i) // as above
	return l.addrs
}
