// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"log/slog"
	"net/netip"

	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/pkg/election"
)

// Where things are unless the file says otherwise.
const (
	DefaultPath     = "/etc/fipctl/fipctl.yaml"
	DefaultSocket   = "/run/fipctl/fipctl.sock"
	DefaultReader   = "/run/fipctl/status.sock" // by convention: there is none unless the file names it
	DefaultStateDir = "/var/lib/fipctl"

	// DefaultPort is the UDP port of a node, for adverts and probes.
	DefaultPort = 7112
)

// defaults returns a configuration in which nothing was set. Groups, nodes and
// providers begin with what defaultGroup and defaultNode return.
func defaults() *Config {
	return &Config{
		Cluster:  Cluster{AdvertInterval: election.IntervalDefault},
		Control:  Control{Socket: DefaultSocket, Mode: 0o660, Reader: Reader{Mode: 0o666}},
		StateDir: DefaultStateDir,
		Log:      Log{Level: slog.LevelInfo, Format: FormatAuto},
	}
}

// defaultGroup returns a group in which nothing was set.
func defaultGroup() Group {
	return Group{
		PreemptDelay:   election.PreemptDelayDefault,
		ClaimTimeout:   election.ClaimTimeoutDefault,
		DisplacedRetry: election.DisplacedRetryDefault,
		OnMoved:        election.FollowMoved,
		OnNotAnswering: Alarm,
	}
}

// defaultPriorities gives every node the priority of RFC 9568.
func defaultPriorities(nodes []Node) map[string]uint8 {
	ps := make(map[string]uint8, len(nodes))
	for _, n := range nodes {
		if n.Name != "" {
			ps[n.Name] = election.PriorityDefault
		}
	}
	return ps
}

// defaultHTTP is an HTTP question in which only the URL is missing.
func defaultHTTP() health.HTTP {
	return health.HTTP{StatusMin: health.DefaultStatusMin, StatusMax: health.DefaultStatusMax}
}

// defaultListen is the wildcard address with the port of this node: a probe that
// reaches the machine through the floating IP arrives at an address, such as an
// anchor IP, that the file does not know. The IPv6 wildcard hears both families.
func defaultListen(c *Config) netip.AddrPort {
	port := c.Self().Address.Port()
	if port == 0 {
		port = DefaultPort
	}
	wildcard := netip.IPv4Unspecified()
	for _, n := range c.Nodes {
		if n.Address.Addr().Is6() {
			wildcard = netip.IPv6Unspecified()
		}
	}
	for _, g := range c.Groups {
		for _, a := range g.Addresses {
			if a.IP.Is6() {
				wildcard = netip.IPv6Unspecified()
			}
		}
	}
	return netip.AddrPortFrom(wildcard, port)
}
