// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// macOf is the hardware address of node i's interface.
func macOf(i int) net.HardwareAddr { return net.HardwareAddr{0x52, 0x54, 0, 0, 4, byte(20 + i)} }

// layout is which addresses a cluster has, as its nodes and its client see them. Node
// nodesMax is the machine of somebody else.
type layout interface {
	node(i int) netip.Addr           // node i's primary private address
	nodeDaemon(i int) netip.AddrPort // where the daemon of node i listens
	nodeWeb(i int) netip.AddrPort    // where its service does
	bound(i int) netip.Addr          // the address at which the two listen
	seen(i, j int) netip.AddrPort    // where node i finds the daemon of node j
	floatingIP() netip.Addr
	floatingWeb() netip.AddrPort    // where the client asks
	floatingDaemon() netip.AddrPort // where the daemons probe
	apiURL() string
	metadataURL(i int) string
	subnetOf(kind string) netip.Prefix // of the nodes; only what belongs to it is in it
	patience() time.Duration           // when the client calls a request failed
}

// ground is the machine or the network that one cluster stands on: it carries what
// nodes, client and cloud say to each other, by the word of the cloud, and breaks what
// a scenario wants broken. One is used for one cluster.
type ground interface {
	layout
	// place says in a few words where this is.
	place() string
	// guestText says where what the guest must do is done.
	guestText() string
	// open binds everything. Run plays it until ctx ends, close gives it back; close
	// may be called at any time, more than once, and after the processes ended.
	open(c *cloud, o clusterOptions) error
	run(ctx context.Context)
	close()
	// runArguments are what daemons are told besides their configuration.
	runArguments() []string
	// power switches the machine of node i on or off, when its processes do not run.
	power(i int, on bool)
	// start starts a process on node i.
	start(i int, c command) (*process, error)
	// dial is the client's way to the network.
	dial(ctx context.Context, network, address string) (net.Conn, error)
	// cut cuts or heals every link between nodes, cutFrom what node i says to node j.
	cut(broken bool)
	cutFrom(i, j int, broken bool)
	// blind lets no probe through the floating IP, or all; blinded says which.
	blind(yes bool)
	blinded() bool
	// within is what people write before a command to run it where node i is, whose
	// service has this process id; empty: nothing.
	within(pid int) string
	// lastHeard is when node j was last reached by a datagram of node i; zero: never, or
	// not known here.
	lastHeard(i, j int) time.Time
	// replay sends without a key what the nodes said before, so many datagrams a second, until
	// ctx ends, and tells what came of it; an error where nothing can be listened to.
	replay(ctx context.Context, perSecond int) (replayed, error)
	// takeOff takes the address off the machine of node i, as somebody else does, and
	// waits until it is back. It returns how long it was away.
	takeOff(ctx context.Context, i int) (time.Duration, error)
	// left says that the address is no longer held by node i.
	left(i int)
}
