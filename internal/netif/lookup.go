// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netif

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// link is one interface as the look-ups see it.
type link struct {
	name  string
	addrs []netip.Addr
}

// local returns the addresses of all links, sorted, each once.
func local(links []link) []netip.Addr {
	var all []netip.Addr
	for _, l := range links {
		all = append(all, l.addrs...)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// byAddress returns the name of the one link that has the given address.
func byAddress(links []link, addr netip.Addr) (string, error) {
	addr = canonical(addr)
	if !addr.IsValid() {
		return "", fmt.Errorf("find interface: no address given")
	}
	return only(links, "address "+addr.String(), func(l link) bool { return slices.Contains(l.addrs, addr) })
}

// only returns the name of the one link for which match holds.
func only(links []link, what string, match func(link) bool) (string, error) {
	var names []string
	for _, l := range links {
		if match(l) {
			names = append(names, l.name)
		}
	}
	switch len(names) {
	case 0:
		return "", fmt.Errorf("find interface with %s: none has it", what)
	case 1:
		return names[0], nil
	default:
		return "", fmt.Errorf("find interface with %s: %s have it; name the one to use in the configuration",
			what, strings.Join(names, ", "))
	}
}

// canonical returns addr without zone, an IPv4 address in IPv6 form as IPv4.
func canonical(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// readLinks asks the system for its interfaces.
func readLinks(ctx context.Context) ([]link, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	links := make([]link, 0, len(ifaces))
	for _, i := range ifaces {
		l, err := readLink(i)
		if err != nil {
			return nil, err
		}
		links = append(links, l)
	}
	return links, nil
}

// readLink asks the system what one interface has.
func readLink(i net.Interface) (link, error) {
	l := link{name: i.Name}
	addrs, err := i.Addrs()
	if err != nil {
		return l, fmt.Errorf("list addresses of %s: %w", i.Name, err)
	}
	for _, a := range addrs {
		// A point-to-point address, too, is given by its local end.
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				l.addrs = append(l.addrs, canonical(ip))
			}
		}
	}
	return l, nil
}
