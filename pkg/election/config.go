// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Config is what a machine knows from the configuration file and from its start.
type Config struct {
	Cluster  string
	Node     string        // this node's name
	Address  netip.Addr    // the address this node states in its adverts
	Session  uint64        // random, not zero, another one at every start
	Interval time.Duration // between two adverts; IntervalMin to IntervalMax
	Peers    []Peer
	Groups   []GroupConfig
}

// Peer is another node of the cluster.
type Peer struct {
	Name    string
	Address netip.Addr
}

// OnMoved says what an active node does when a hand moved the address to a
// healthy peer.
type OnMoved uint8

// The answers to a moved address.
const (
	FollowMoved  OnMoved = iota // let that peer lead
	ReclaimMoved                // take it back, at most three times in ten minutes
)

// GroupConfig is one group of addresses that move together.
type GroupConfig struct {
	Name       string
	VRID       uint8
	Digest     uint32           // of everything the nodes must agree on
	Priorities map[string]uint8 // of every node; a missing one has PriorityDefault
	Preempt    bool
	OnMoved    OnMoved
	Drained    bool // an operator drained this node before it started

	// HandOverNotAnswering makes an active node hand the group over when probes
	// through the address go unanswered; at most once an hour.
	HandOverNotAnswering bool

	PreemptDelay   time.Duration
	DisplacedRetry time.Duration // 0: never
	ClaimTimeout   time.Duration // time without progress after which a claim failed
	MoveTimeout    time.Duration // how long an accepted move may run
	SettleTime     time.Duration // how long reads may lag behind an acknowledged write

	AtomicMove bool // the cloud moves the address in one call
	NeedsAPI   bool // the move is a cloud call, not an announcement
}

// The defaults of the times above that do not depend on the provider.
const (
	PreemptDelayDefault   = 30 * time.Second
	DisplacedRetryDefault = 5 * time.Minute
	ClaimTimeoutDefault   = 15 * time.Second
)

// priority returns the configured priority of a node.
func (c *GroupConfig) priority(node string) uint8 {
	if p, ok := c.Priorities[node]; ok {
		return p
	}
	return PriorityDefault
}

// validate reports every way in which the caller broke the rules; the file was
// validated long before.
func (c *Config) validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Cluster == "" || c.Node == "" || !c.Address.IsValid() {
		fail("cluster %q, node %q and address %v must be set", c.Cluster, c.Node, c.Address)
	}
	if c.Session == 0 {
		fail("session must not be zero")
	}
	if c.Interval < IntervalMin || c.Interval > IntervalMax {
		fail("interval %v is outside %v to %v", c.Interval, IntervalMin, IntervalMax)
	}
	seen := map[string]bool{c.Node: true}
	for _, p := range c.Peers {
		if p.Name == "" || seen[p.Name] {
			fail("peer name %q is empty or used twice", p.Name)
		}
		seen[p.Name] = true
	}
	vrids := map[uint8]bool{0: true}
	for _, g := range c.Groups {
		if vrids[g.VRID] {
			fail("group %q: vrid %d is zero or used twice", g.Name, g.VRID)
		}
		vrids[g.VRID] = true
		for node, p := range g.Priorities {
			if p < PriorityMin || p > PriorityMax {
				fail("group %q: priority %d of %q is outside %d to %d", g.Name, p, node, PriorityMin, PriorityMax)
			}
		}
		if g.ClaimTimeout <= 0 || g.MoveTimeout <= 0 {
			fail("group %q: claim timeout %v and move timeout %v must be positive", g.Name, g.ClaimTimeout, g.MoveTimeout)
		}
	}
	return errors.Join(errs...)
}
