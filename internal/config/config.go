// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"io/fs"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/health"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/internal/trust"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Config is a validated configuration, with every default filled in.
type Config struct {
	Path      string // the file, as the caller named it
	Cluster   Cluster
	Node      string         // this node's name; empty only with Options.AnyNode
	Nodes     []Node         // all nodes, this one included, in the order of the file
	Listen    netip.AddrPort // the local UDP socket
	Control   Control
	StateDir  string      // absolute; holds drain marks and nothing else
	Trusted   trust.Users // who may own and change what the daemon relies on
	Metrics   Metrics
	Log       Log
	Groups    []Group
	Providers []Provider // by name; every provider that a group uses is here
	Warnings  Problems   // what is allowed and hardly meant
}

// Cluster is what makes nodes belong together.
type Cluster struct {
	ID             string        // [a-z0-9.-], 1 to 63 characters
	KeyFile        SecretFile    // the keys that sign adverts
	Keyring        wire.Keyring  // what was read from it; empty with Options.SkipFiles
	AdvertInterval time.Duration // between two adverts of a node, 50 ms to 40 s
}

// SecretFile is the absolute path of a file that holds a secret and that nobody
// but its owner may read.
type SecretFile string

// Node is one node of the cluster.
type Node struct {
	Name    string            // [a-z0-9.-], 1 to 63 characters, unique
	Address netip.AddrPort    // where its peers send to; the address is unique
	Targets map[string]string // provider to the cloud's id of this node; nil: each node asks its metadata service
}

// Control is the socket through which commands reach the daemon.
type Control struct {
	Socket string      // absolute, at most 107 bytes
	Mode   fs.FileMode // of the socket; never writable by everybody
	Group  string      // that owns the socket; empty: the daemon's own
	Reader Reader
}

// Reader is the optional socket that shows the status and takes no commands.
type Reader struct {
	Socket string      // absolute, at most 107 bytes; empty: none
	Mode   fs.FileMode // of the socket
	Group  string      // that owns the socket; empty: the daemon's own
}

// Metrics is the optional listener for /metrics and /healthz.
type Metrics struct {
	Listen      netip.AddrPort // zero: none
	AllowRemote bool           // Listen need not be a loopback address
}

// Enabled reports whether there is a listener.
func (m Metrics) Enabled() bool { return m.Listen.IsValid() }

// Log is what the daemon logs and how.
type Log struct {
	Level  slog.Level
	Format string // FormatAuto, FormatText or FormatJSON
}

// The formats of the log.
const (
	FormatAuto = "auto" // text on a terminal, JSON otherwise
	FormatText = "text"
	FormatJSON = "json"
)

// Group is a set of addresses that move together, decided by one election.
type Group struct {
	Name           string // [a-z0-9.-], 1 to 63 characters, unique
	VRID           uint8  // 1 to 255, unique
	Preempt        bool
	PreemptDelay   time.Duration
	Priority       map[string]uint8 // of every node
	Addresses      []providers.Address
	Checks         []health.Check
	Probe          health.Probe // asked through the address from a standby; nil: none
	ClaimTimeout   time.Duration
	DisplacedRetry time.Duration // 0: never
	OnMoved        election.OnMoved
	OnNotAnswering OnNotAnswering
}

// OnNotAnswering says what an active node does when the cloud says that the
// address is here and a probe through the address proves that it is not served.
type OnNotAnswering uint8

// The answers to an address that does not answer.
const (
	Alarm    OnNotAnswering = iota // report it
	HandOver                       // report it and hand over, at most once an hour
)

// Provider is how one cloud is reached.
type Provider struct {
	Name             string
	TokenFile        SecretFile // empty: the environment
	CredentialsFile  SecretFile // empty: the environment, or the machine's role
	Role             string     // whose credentials the metadata service is asked for; empty: the provider's default
	Region           string     // empty: the metadata service tells
	Network          string     // whose endpoints are used; empty if the provider has but one
	Endpoint         string     // of the API; empty if the provider has none, or several
	MetadataEndpoint string     // registry.NoMetadata: there is none here; empty if the provider has none
	CallsPerHour     int        // of the account that are this cluster's; 0: no limit known
}

// Self returns this node, or the zero Node if this machine is none.
func (c *Config) Self() Node {
	for _, n := range c.Nodes {
		if n.Name == c.Node {
			return n
		}
	}
	return Node{}
}

// Peers returns all nodes but this one.
func (c *Config) Peers() []Node {
	return slices.DeleteFunc(slices.Clone(c.Nodes), func(n Node) bool { return n.Name == c.Node })
}

// Group returns the group with this name.
func (c *Config) Group(name string) (Group, bool) {
	i := slices.IndexFunc(c.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return c.Groups[i], true
}

// Settings returns what the registry needs to open a provider of c for what the groups
// have of it. Its requests say that they come from userAgent.
func (c *Config) Settings(p Provider, userAgent string) registry.Settings {
	s := registry.Settings{
		Endpoint: p.Endpoint, MetadataEndpoint: p.MetadataEndpoint, TokenFile: string(p.TokenFile),
		CredentialsFile: string(p.CredentialsFile), Region: p.Region, Network: p.Network, Role: p.Role,
		UserAgent: userAgent, Trusted: c.Trusted, Target: c.Self().Targets[p.Name],
	}
	for _, g := range c.Groups {
		for _, a := range g.Addresses {
			if a.Provider == p.Name && !slices.Contains(s.Kinds, a.Kind) {
				s.Kinds = append(s.Kinds, a.Kind)
			}
		}
	}
	return s
}

// Provider returns the provider with this name.
func (c *Config) Provider(name string) (Provider, bool) {
	i := slices.IndexFunc(c.Providers, func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return Provider{}, false
	}
	return c.Providers[i], true
}
