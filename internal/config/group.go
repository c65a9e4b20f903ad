// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// The limits of a group's times. Each lower one is the point below which the
// mechanism works against itself.
const (
	preemptDelayMax   = time.Hour
	claimTimeoutMin   = election.AttemptTimeout // one attempt at a cloud call
	claimTimeoutMax   = 10 * time.Minute
	displacedRetryMin = time.Second
	displacedRetryMax = 24 * time.Hour
)

func (b *builder) groups() {
	if b.raw.Groups == nil {
		if !b.given("groups") {
			b.errorf("groups", "is missing; list at least one group with name, vrid and addresses")
		}
		return
	}
	if len(b.raw.Groups) == 0 {
		b.errorf("groups", "is an empty list; write at least one group with name, vrid and addresses")
	}
	names, vrids, ips := map[string]string{}, map[uint8]string{}, map[netip.Addr]string{}
	for _, n := range b.cfg.Nodes {
		if ip := n.Address.Addr(); ip.IsValid() {
			ips[ip] = b.nodePath(n.Name) + ".address"
		}
	}
	for i, raw := range b.raw.Groups {
		at := fmt.Sprintf("groups[%d]", i)
		g, paths := defaultGroup(), []string(nil)
		if raw != nil {
			g.Name = b.nameOf(raw.Name, at+".name", "web")
			g.VRID = b.vrid(raw.VRID, at+".vrid")
			b.times(raw, &g, at)
			b.policy(raw, &g, at)
			g.Addresses, paths = b.addresses(raw.Addresses, at+".addresses", ips)
			g.Checks = b.checks(raw.Checks, &g, at+".checks")
			g.Probe = b.probe(raw.Probe, &g, at+".probe")
		}
		if g.Name != "" {
			unique(b, names, g.Name, at+".name", "rename one of the two")
		}
		if g.VRID != 0 {
			unique(b, vrids, g.VRID, at+".vrid", "give every group its own")
		}
		b.cfg.Groups, b.addressPaths = append(b.cfg.Groups, g), append(b.addressPaths, paths)
	}
}

// nodePath returns the path of the node with this name.
func (b *builder) nodePath(name string) string {
	for i, raw := range b.raw.Nodes {
		if raw != nil && raw.Name != nil && string(*raw.Name) == name {
			return fmt.Sprintf("nodes[%d]", i)
		}
	}
	return "nodes"
}

func (b *builder) vrid(n *number, path string) uint8 {
	switch {
	case n == nil && !b.given(path):
		b.errorf(path, "is missing; write a number from 1 to 255 that no other group has")
	case n != nil && (*n < 1 || *n > 255):
		b.errorf(path, "%d is outside 1 to 255; use a number that no other group has", *n)
	case n != nil:
		return uint8(*n)
	}
	return 0
}

// times sets the durations of a group.
func (b *builder) times(raw *rawGroup, g *Group, at string) {
	b.within(&g.PreemptDelay, raw.PreemptDelay, at+".preempt_delay", 0, preemptDelayMax, election.PreemptDelayDefault)
	b.within(&g.ClaimTimeout, raw.ClaimTimeout, at+".claim_timeout", claimTimeoutMin, claimTimeoutMax, election.ClaimTimeoutDefault)
	switch {
	case raw.DisplacedRetry != nil && *raw.DisplacedRetry == 0:
		g.DisplacedRetry = 0
	case raw.DisplacedRetry != nil:
		d := span(*raw.DisplacedRetry)
		b.within(&g.DisplacedRetry, &d, at+".displaced_retry", displacedRetryMin, displacedRetryMax, election.DisplacedRetryDefault)
	}
}

// within sets a duration that the file gives, if it is in its range.
func (b *builder) within(to *time.Duration, d *span, path string, low, high, usual time.Duration) {
	if d == nil {
		return
	}
	if v := time.Duration(*d); v >= low && v <= high {
		*to = v
		return
	}
	b.errorf(path, "%s is outside %s to %s; use %s", short(time.Duration(*d)), short(low), short(high), short(usual))
}

// policy sets what a group does when.
func (b *builder) policy(raw *rawGroup, g *Group, at string) {
	g.Preempt = raw.Preempt != nil && bool(*raw.Preempt)
	g.Priority = b.priorities(raw.Priority, at+".priority")
	if i := b.oneOf(raw.OnMoved, at+".on_moved", onMovedWords); i >= 0 {
		g.OnMoved = election.OnMoved(i)
	}
	if i := b.oneOf(raw.OnNotAnswering, at+".on_not_answering", onNotAnsweringWords); i >= 0 {
		g.OnNotAnswering = OnNotAnswering(i)
	}
}

// The words of the policies, in the order of their constants.
var (
	onMovedWords        = []string{"follow", "reclaim"}
	onNotAnsweringWords = []string{"alarm", "hand-over"}
)

func (b *builder) priorities(raw map[string]*number, path string) map[string]uint8 {
	all := defaultPriorities(b.cfg.Nodes)
	for _, node := range slices.Sorted(maps.Keys(raw)) {
		at, p := join(path, node), *raw[node]
		if _, known := all[node]; !known {
			if len(all) > 0 {
				b.errorf(at, "unknown node; %s", choice(node, b.nodeNames()))
			}
			continue
		}
		if p < number(election.PriorityMin) || p > number(election.PriorityMax) {
			b.errorf(at, "%d is outside %d to %d; use %d for a node like any other", p, election.PriorityMin, election.PriorityMax, election.PriorityDefault)
			continue
		}
		all[node] = uint8(p)
	}
	return all
}

// short returns a duration without the zero parts: "5m", not "5m0s".
func short(d time.Duration) string {
	s := d.String()
	if len(s) > 3 && s[len(s)-3:] == "m0s" {
		s = s[:len(s)-2]
	}
	if len(s) > 3 && s[len(s)-3:] == "h0m" {
		s = s[:len(s)-2]
	}
	return s
}
