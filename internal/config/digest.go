// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/pkg/providers"
)

// GroupDigest sums up what the nodes must agree on about a group of c: the advert
// interval of the cluster, and of the group name, VRID, preemption, the priority of
// every node, the addresses (their order does not matter), claim timeout, displaced
// retry, and the two policies.
// Checks, probe and credentials may differ from node to node and are left out.
//
// Adverts carry it so that a difference is reported; it protects from mistakes,
// not from attackers. It is stable across releases as long as the list above is.
func (c *Config) GroupDigest(g Group) uint32 {
	var b strings.Builder
	put := func(key string, v any) { fmt.Fprintf(&b, "%s=%q\n", key, fmt.Sprint(v)) }
	put("name", g.Name)
	put("vrid", g.VRID)
	put("advert_interval", c.Cluster.AdvertInterval)
	put("preempt", g.Preempt)
	put("preempt_delay", g.PreemptDelay)
	put("claim_timeout", g.ClaimTimeout)
	put("displaced_retry", g.DisplacedRetry)
	put("on_moved", onMovedWords[g.OnMoved])
	put("on_not_answering", onNotAnsweringWords[g.OnNotAnswering])
	for _, node := range slices.Sorted(maps.Keys(g.Priority)) {
		put("priority."+node, g.Priority[node])
	}
	addresses := slices.SortedFunc(slices.Values(g.Addresses), func(a, b providers.Address) int {
		return cmp.Or(a.IP.Compare(b.IP), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	for _, a := range addresses {
		put("address", strings.TrimSpace(a.Provider+" "+a.Kind+" "+a.IP.String()+" "+a.ID))
	}
	sum := sha256.Sum256([]byte(b.String()))
	return binary.BigEndian.Uint32(sum[:])
}
