// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"github.com/fipctl/fipctl/pkg/providers"
)

// relations reports settings that are right each by itself and wrong together.
func (b *builder) relations() {
	b.perTarget()
	b.advertSize()
	b.anchors()
	for i, g := range b.cfg.Groups {
		if b.raw.Groups[i] == nil {
			continue
		}
		at := fmt.Sprintf("groups[%d]", i)
		b.timeRelations(g, at)
		b.priorityRelations(g, b.raw.Groups[i], at)
		b.oneCloud(g, at)
		if !b.given(at + ".checks") {
			b.warnf(at+".checks", "no checks: a node whose service is dead keeps the address; add one")
		}
	}
}

// oneCloud: a group moves as one, so a claim waits for the word of every cloud it is at.
func (b *builder) oneCloud(g Group, at string) {
	var clouds []string
	for _, a := range g.Addresses {
		if !slices.Contains(clouds, a.Provider) {
			clouds = append(clouds, a.Provider)
		}
	}
	if len(clouds) > 1 {
		b.warnf(at+".addresses", "are at %s: while one of these clouds does not answer, none of the group moves; make a group for each cloud", strings.Join(clouds, " and "))
	}
}

// perTarget: where the cloud limits how many addresses a target holds, two
// groups may land on one node, so the limit is one for all groups together.
func (b *builder) perTarget() {
	type limited struct {
		provider, kind string
		v4             bool
	}
	paths := map[limited][]string{}
	for i, g := range b.cfg.Groups {
		for k, a := range g.Addresses {
			if !a.IP.IsValid() {
				continue
			}
			key := limited{a.Provider, a.Kind, a.IP.Is4()}
			allowed := b.allowedPerTarget(a)
			if at := b.addressPaths[i][k] + ".ip"; allowed > 0 && len(paths[key]) >= allowed {
				b.errorf(at, "%v is one %s address of %s too many: a node can hold %d of kind %s there, and one node may end up with all groups; keep %s (line %d) and give this one to a cluster of other nodes",
					a.IP, familyOf(a.IP), a.Provider, allowed, a.Kind, paths[key][0], b.line(paths[key][0]))
			} else {
				paths[key] = append(paths[key], at)
			}
		}
	}
}

// allowedPerTarget returns how many addresses like a one target can hold; 0: any
// number.
func (b *builder) allowedPerTarget(a providers.Address) int {
	d, _ := b.opts.Describe(a.Provider)
	k, _ := d.Kind(a.Kind)
	if a.IP.Is4() {
		return k.Capabilities.MaxPerTarget4
	}
	return k.Capabilities.MaxPerTarget6
}

// advertSize: groups travel in as many datagrams as they need, but the header and one
// group must fit in one.
func (b *builder) advertSize() {
	if len(b.cfg.Groups) == 0 || len(b.cfg.Nodes) > nodesMax {
		return
	}
	shape := wire.Shape{Cluster: b.cfg.Cluster.ID, Nodes: b.nodeNames(), Providers: b.usedProviders()}
	if size := shape.Size(); size > wire.MaxSize {
		b.errorf("nodes", "what %s with names this long and %s say of one group can take %d bytes, a datagram has %d; shorten names by %d bytes in all, or make a second cluster",
			count(len(b.cfg.Nodes), "node"), count(len(shape.Providers), "provider"), size, wire.MaxSize, size-wire.MaxSize)
	}
}

// timeRelations compares the times of a group with the advert interval.
func (b *builder) timeRelations(g Group, at string) {
	if !g.Preempt && b.given(at+".preempt_delay") && g.PreemptDelay != election.PreemptDelayDefault {
		b.warnf(at+".preempt_delay", "has no effect while preempt is false; set preempt: true or remove it")
	}
	if slices.ContainsFunc(b.problems, func(p Problem) bool { return strings.HasSuffix(p.Path, "advert_interval") }) {
		return // refused, so the default is not what was meant
	}
	interval := b.cfg.Cluster.AdvertInterval
	silence := election.ActiveDown(election.PriorityMin, interval)
	if g.DisplacedRetry > 0 && g.DisplacedRetry <= silence {
		b.errorf(at+".displaced_retry", "%s is not longer than the silence after which a peer counts as gone, up to %s with cluster.advert_interval %s; use more than that, or never",
			short(g.DisplacedRetry), short(silence.Round(time.Millisecond)), short(interval))
	}
	if g.ClaimTimeout < 2*interval {
		b.warnf(at+".claim_timeout", "%s is shorter than twice the cluster.advert_interval of %s: a handover may be given up before the peer was heard; use %s or more",
			short(g.ClaimTimeout), short(interval), short(2*interval))
	}
}

// priorityRelations reports priorities that decide nothing.
func (b *builder) priorityRelations(g Group, raw *rawGroup, at string) {
	if b.given(at+".priority") && raw.Priority == nil {
		return // refused, so the defaults are not what was meant
	}
	nodes := map[uint8][]string{}
	for _, name := range b.nodeNames() {
		nodes[g.Priority[name]] = append(nodes[g.Priority[name]], name)
	}
	for _, p := range slices.Sorted(maps.Keys(nodes)) {
		if len(nodes[p]) < 2 {
			continue
		}
		if g.Preempt && len(nodes) == 1 {
			b.warnf(at+".preempt", "has no effect while priority is %d for all nodes; give the preferred node a higher priority", p)
			return
		}
		b.warnf(at+".priority", "%s have the same priority %d, and the higher address wins; give them different ones", strings.Join(nodes[p], ", "), p)
	}
}
