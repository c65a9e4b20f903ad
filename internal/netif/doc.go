// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package netif puts floating IPs on the interfaces of this machine and takes
// them off again, for the clouds that deliver an address to the guest without
// configuring it there.
//
// It touches exactly the address, prefix and interface it is asked about
// (invariant 13), and removes only what fipctl added: every address it adds
// carries the route metric [Mark], which the kernel keeps and shows with the
// address. So the mark survives a restart of the daemon, needs no file
// (invariant 6), and "ip addr show" prints it as "metric 7112". A label would not
// do, since IPv6 addresses have none; nor the protocol of an address, which
// kernels before 5.18 do not keep. The metric itself has no effect: an address of
// full prefix length has no prefix route that could carry it.
//
// It also announces an address by gratuitous ARP, for the kinds of address that move
// so. Whether one may be announced is the caller's to know (invariant 1); the package
// only refuses what is not on the interface.
//
// The package decides nothing, starts nothing and never logs. Whoever wants to know what
// others do to the interfaces watches them ([Interfaces].Watch) and then asks again: an
// address that somebody removed by hand comes back with the next AddHost.
package netif
