// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// How long things take. The vendor documents no latency but that of a HAVIP; the rest
// is chosen wide enough for what users of its tools wait for, a few seconds.
const (
	// driftTime: "HAVIP overview": moving by announcement may take 10 seconds.
	driftTime = 10 * time.Second
	// bindTime covers one task of an EIP or a private IP. Shorter, and slow ones are
	// given up half-way; longer, and a lost one goes unnoticed.
	bindTime = 60 * time.Second
	// lagTime is how long a read after a write may show the state before. It is not
	// documented; UNBIND was seen right after an accepted bind.
	lagTime = 5 * time.Second
	// lateTime is for the two writes that the cloud makes only where they still fit: one
	// that binds an EIP which is unbound, one that migrates a private IP from the interface
	// which it names. Repeated too early they are refused.
	lateTime = 2 * time.Second
	// routeTime: ReplaceRoutes answers with the new route.
	routeTime = 15 * time.Second
)

// minInterval keeps a dozen nodes of one account below 20 calls a second, the lowest
// documented limit of the reads in use ("Request rate limit" of DescribeHaVips).
const minInterval = time.Second

// havipsMax is how many HAVIPs the vendor advises for one network interface
// ("HAVIP + Keepalived").
const havipsMax = 5

const idleCosts = "an EIP that is bound to nothing is charged for as idle"

var capabilities = map[string]providers.Capabilities{
	// The guest announces the address and the cloud follows ("HAVIP overview"); no
	// call does.
	providers.KindHAVIP: {
		Target: providers.PartInstance, AtomicMove: true, Asynchronous: true, MovesWithoutAPI: true,
		Guest4: providers.GuestAnnounce, IPv4: true, MaxPerTarget4: havipsMax,
		SettleTime: driftTime, MoveTimeout: driftTime + lagTime, MinInterval: minInterval,
	},
	// Only an EIP that is unbound can be bound ("AssociateAddress"). The fabric
	// translates to the machine's primary address, which has room for one.
	providers.KindEIP: {
		Target: providers.PartInstance | providers.PartPrivateIP, Asynchronous: true, IPv4: true, MaxPerTarget4: 1,
		SettleTime: lagTime, LateTime4: lateTime, MoveTimeout: bindTime, MinInterval: minInterval,
		Unbound: idleCosts,
	},
	providers.KindPrivateIP: {
		Target: providers.PartInstance | providers.PartInterface, AtomicMove: true, Asynchronous: true,
		Guest4: providers.GuestAddress, IPv4: true,
		SettleTime: lagTime, LateTime4: lateTime, MoveTimeout: bindTime, MinInterval: minInterval,
	},
	// The next hop of a route to a machine is a private address; the answer to
	// ReplaceRoutes shows the route as it is from then on.
	providers.KindRoute: {
		Target: providers.PartPrivateIP, AtomicMove: true,
		Guest4: providers.GuestAddress, IPv4: true,
		SettleTime: lagTime, MoveTimeout: routeTime, MinInterval: minInterval,
	},
}

// Capabilities returns those of one kind, for the checks of a configuration file. They
// are zero for a kind that there is not.
func Capabilities(kind string) providers.Capabilities { return capabilities[kind] }
