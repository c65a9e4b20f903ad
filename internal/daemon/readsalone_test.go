// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// alone makes a node read each address by a call of its own, which takes so long.
func alone(each time.Duration, many func(*node, *Options, *parts)) func(*node, *Options, *parts) {
	return func(n *node, o *Options, p *parts) {
		many(n, o, p)
		p.clouds, n.cloud.each = n.clouds, each
	}
}

// TestAGroupOfManyAddressesMovesHoweverSlowTheirReadsAre as long as each is answered within
// an attempt: it is judged by its own, beside the others.
func TestAGroupOfManyAddressesMovesHoweverSlowTheirReadsAre(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, many := w.many(70, target(nodeA))
		asOne := func(n *node, o *Options, p *parts) {
			many(n, o, p)
			for _, g := range o.Config.Groups[1:] {
				o.Config.Groups[0].Addresses = append(o.Config.Groups[0].Addresses, g.Addresses...)
			}
			o.Config.Groups = o.Config.Groups[:1]
		}
		a, b := w.start(nodeA, alone(callTime, asOne)), w.start(nodeB, alone(2900*time.Millisecond, asOne))
		w.eventually("the owner leads", a.bound)
		w.pass(time.Minute)
		a.crash()
		w.within(10*time.Second, "the standby leads", func() bool { return b.role() == "active" })
		w.eventually("it owns the first address", b.bound)
	})
}

// TestReadsThatHangHoldUpNoOtherGroup, however many they are.
func TestReadsThatHangHoldUpNoOtherGroup(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, many := w.many(40, providers.Target{})
		b := w.start(nodeB, func(n *node, o *Options, p *parts) {
			alone(callTime, many)(n, o, p)
			for i := range 38 {
				n.cloud.stuck[address(i)] = true
			}
		})
		w.within(activeDown+500*time.Millisecond, "the last two groups have a leader", func() bool {
			s := b.Snapshot().Groups
			return s[38].Role == "active" && s[39].Role == "active"
		})
	})
}
