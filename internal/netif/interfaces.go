// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Mark is the metric of the addresses that fipctl adds: the number of its UDP
// port, which nobody else is likely to choose. Changing it orphans the addresses
// that an older version added.
const Mark = 7112

// Loopback is the interface for an address that the cloud routes to the machine:
// there it answers whatever interface the packets come in by, and no neighbour
// discovery is done for it.
const Loopback = "lo"

// ErrForeign is wrapped by the error of RemoveHost about an address that is
// there and was not added by fipctl.
var ErrForeign = errors.New("not added by fipctl")

// Interfaces is what the controller needs of the machine's interfaces. Addresses
// are compared as addresses, without zone, an IPv4 address in IPv6 form as IPv4.
// The methods may be called at the same time, return early once ctx has ended,
// and otherwise take at most two seconds.
type Interfaces interface {
	// AddHost puts addr on iface as a /32 or /128 and marks it. If iface has the
	// address already, with whatever prefix and by whomever, nothing is done:
	// the address answers, and somebody else's stays somebody else's. It reports
	// whether the address was missing and is there now.
	AddHost(ctx context.Context, addr netip.Addr, iface string) (added bool, err error)
	// RemoveHost takes addr off iface if AddHost, in this process or an earlier
	// one, put it there. If iface does not exist or has no such address, nothing
	// is done. An address of another origin or prefix stays, and the error
	// wraps [ErrForeign].
	RemoveHost(ctx context.Context, addr netip.Addr, iface string) error
	// Local returns every address of every interface, sorted, each once.
	Local(ctx context.Context) ([]netip.Addr, error)
	// InterfaceByAddress returns the name of the interface that has an address,
	// such as the anchor IP. None, and more than one, are errors.
	InterfaceByAddress(ctx context.Context, addr netip.Addr) (string, error)
	// Placed returns the names of the interfaces on which AddHost, in this process
	// or an earlier one, put addr, sorted: where to take it off again.
	Placed(ctx context.Context, addr netip.Addr) ([]string, error)
	// Announce tells every machine of iface's segment that addr is at iface, by one
	// gratuitous ARP request and one gratuitous ARP reply. It refuses an address that
	// iface does not have, and an IPv6 address, whose announcement is not known to
	// move anything in a cloud. Nothing tells whether anybody listened.
	//
	// permit is asked directly before each of the two frames, when all else is done
	// that takes time; it may block. Once it returns an error or ctx has ended, no
	// further frame leaves, and the error wraps permit's or ctx's cause. Announce
	// returns how many frames left, with an error too.
	Announce(ctx context.Context, addr netip.Addr, iface string, permit func() error) (int, error)
	// CanAnnounce returns what would keep every Announce from working, such as a
	// missing capability, or nil. It sends nothing and changes nothing.
	CanAnnounce(ctx context.Context) error
	// Watch calls report for whatever changes on the machine's interfaces, by whomever,
	// AddHost and RemoveHost included, in the order in which it happened, until ctx
	// ends; then it returns nil. It begins with EventAnew and the state of every
	// interface, and does so again where changes came faster than report took them. An
	// event is a reason to look, no fact: by the time that report is called it may be
	// over. report must not wait for another method. An error wrapping
	// [errors.ErrUnsupported] says that nothing can be watched here; after any other,
	// whoever wants to know more calls again.
	Watch(ctx context.Context, report func(Event)) error
}

// What is wrong with what is asked for.
var (
	errNoInterface = errors.New("no such interface")
	errNotThere    = errors.New("the address is not on the interface")
	errIPv6        = errors.New("only IPv4 addresses are announced")
	errDown        = errors.New("network is down")
	errNoHardware  = errors.New("the interface has no hardware address to announce it with")
)

// nameMax is the longest name of an interface on Linux: IFNAMSIZ is 16 with the
// final NUL.
const nameMax = 15

// host returns the canonical form of an address that may be put on an interface. A
// loopback address may: it is what a floating IP is in a lab on one machine.
func host(addr netip.Addr) (netip.Addr, error) {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid():
		return addr, errors.New("no address given")
	case addr.Zone() != "":
		return addr, fmt.Errorf("address %s has a zone; give the interface instead", addr)
	case addr.IsUnspecified(), addr.IsMulticast(), addr.IsLinkLocalUnicast():
		return addr, fmt.Errorf("address %s cannot be a floating IP", addr)
	}
	return addr, nil
}

// checkName refuses what cannot be the name of an interface.
func checkName(iface string) error {
	if iface == "" || len(iface) > nameMax {
		return fmt.Errorf("interface %q: a name has 1 to %d bytes", iface, nameMax)
	}
	return nil
}

// request checks what all calls about one address on one interface are given.
func request(ctx context.Context, addr netip.Addr, iface string) (netip.Addr, error) {
	if ctx.Err() != nil {
		return addr, context.Cause(ctx)
	}
	if err := checkName(iface); err != nil {
		return addr, err
	}
	return host(addr)
}

// entry is one address of one interface.
type entry struct {
	prefix    netip.Prefix // the local address with its prefix length
	marked    bool         // carries Mark
	tentative bool         // it cannot be used yet: another machine may have it, or has it
}

// ours reports whether AddHost made the entry.
func (e entry) ours() bool { return e.marked && e.prefix.IsSingleIP() }

// has reports whether one of the entries of an interface is addr.
func has(entries []entry, addr netip.Addr) bool {
	for _, e := range entries {
		if e.prefix.Addr() == addr {
			return true
		}
	}
	return false
}

// announceable returns why what an interface with the given hardware address and
// entries has cannot be announced, or nil.
func announceable(addr netip.Addr, mac string, entries []entry) error {
	switch {
	case !addr.Is4():
		return errIPv6
	case mac == "":
		return errNoHardware
	case !has(entries, addr):
		return errNotThere
	}
	return nil
}

// announcementFrames is how many frames an announcement has.
const announcementFrames = 2

// leave lets the frames of an announcement leave by send, each only if it is permitted
// then. A frame that was permitted is not held back by what comes after.
func leave(ctx context.Context, permit func() error, send func(frame int) error) (int, error) {
	for i := range announcementFrames {
		err := context.Cause(ctx)
		if err == nil {
			err = permit()
		}
		if err == nil {
			err = context.Cause(ctx) // while permit was asked
		}
		if err == nil {
			err = send(i)
		}
		if err != nil && i > 0 {
			err = fmt.Errorf("%d of %d frames left: %w", i, announcementFrames, err)
		}
		if err != nil {
			return i, err
		}
	}
	return announcementFrames, nil
}

// placed reports whether AddHost made one of the entries for addr.
func placed(entries []entry, addr netip.Addr) bool {
	return slices.ContainsFunc(entries, func(e entry) bool { return e.prefix.Addr() == addr && e.ours() })
}

// removable reports whether the entries of an interface hold an addr to remove.
//
//	entry for addr              answer
//	none                        no
//	ours                        yes (an entry of somebody else beside it stays)
//	not marked, or wider        no, ErrForeign
func removable(entries []entry, addr netip.Addr) (bool, error) {
	var foreign *entry
	for _, e := range entries {
		if e.prefix.Addr() != addr {
			continue
		}
		if e.ours() {
			return true, nil
		}
		foreign = &e
	}
	if foreign != nil {
		return false, fmt.Errorf("%s was %w; remove it by hand", foreign.prefix, ErrForeign)
	}
	return false, nil
}
