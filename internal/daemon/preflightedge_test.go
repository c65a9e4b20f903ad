// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/providers"
)

// TestAThrottledPreflightMutesItsOwnCloudOnly: a group has an address at each of two.
func TestAThrottledPreflightMutesItsOwnCloudOnly(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		for n := 1; n < 3; n++ {
			w.must(w.cloud.AddAddress(fakecloud.Address{IP: address(n), Region: "fra1", Holder: target(nodeA)}))
		}
		seconds := map[string]*driver{}
		change := func(n *node, o *Options, p *parts) {
			second := newDriver(w, n.name)
			seconds[n.name] = second
			g := o.Config.Groups[0]
			g.Name, g.VRID = "both", g.VRID+1
			g.Addresses = []providers.Address{{Provider: "digitalocean", Kind: "reserved-ip", IP: address(2)}, {Provider: "digitalocean", Kind: "other", IP: address(1)}}
			o.Config.Groups = append(o.Config.Groups, g)
			n.hasKinds(p, n.cloud, second)
		}
		a, b := w.start(nodeA, change), w.start(nodeB, change)
		w.eventually("it has both", a.bound)
		w.pass(time.Minute)
		before := seconds[nodeB].times("preflight")
		seconds[nodeB].set("preflight", &providers.Error{Provider: "digitalocean", Op: "p", Kind: providers.Throttled, RetryAfter: time.Hour})
		for range 7000 {
			if seconds[nodeB].times("preflight") > before {
				break
			}
			w.pass(100 * time.Millisecond)
		}
		w.pass(100 * time.Millisecond)
		a.crash()
		w.pass(2 * time.Second)
		if writes, _ := b.cloud.count(); writes == 0 {
			t.Error("the other cloud is asked for nothing")
		}
	})
}

// TestPreflightsThatHangKeepNoWordOfAMachineBack: a stranger whose machine is stopped holds
// the addresses.
func TestPreflightsThatHangKeepNoWordOfAMachineBack(t *testing.T) {
	inWorld(t, stranger, func(w *world) {
		_, many := w.many(4, stranger)
		hanging := func(n *node, o *Options, p *parts) {
			many(n, o, p)
			n.cloud.hang("preflight", true)
		}
		w.must(w.cloud.SetState(stranger.Instance, providers.InstanceStopped))
		a := w.start(nodeA, hanging)
		w.start(nodeB, hanging)
		w.pass(2 * time.Second)
		if writes, _ := a.cloud.count(); writes == 0 {
			t.Errorf("it waits; the machine was asked about %d times", a.cloud.times("instance"))
		}
	})
}
