// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/pkg/providers"
)

// hands returns the scenarios in which somebody else changes the machine.
func hands() []scenario {
	return []scenario{
		{
			name:  "address-removed",
			story: "a hand takes the address off the owner's machine three times: it is back at once, a condition tells",
			act:   removeAddress,
			needs: aGuest,
			want:  want{moves: exactly(0), writes: exactly(0), owner: ownerNode},
		},
	}
}

// aGuest is needed where the machine has the address.
func aGuest(o offer) string {
	return lacks(o.guest(), "the machine does not have the address")
}

// removals is after how many times a condition tells.
const removals = 3

func removeAddress(ctx context.Context, c *cluster) error {
	owner := c.nodes[ownerNode].name
	for range removals {
		within, cancel := context.WithTimeoutCause(ctx, c.patience(), fmt.Errorf("not within %s", c.patience()))
		away, err := c.ground.takeOff(within, ownerNode)
		cancel()
		if err != nil {
			return fmt.Errorf("take the address off %s: %w", owner, err)
		}
		c.record.note(fmt.Sprintf("somebody takes the address off %s: it is back after %.1f ms", owner, away.Seconds()*1000))
	}
	err := c.until(ctx, owner+" says so", func(ctx context.Context) string {
		return c.condition(ctx, ownerNode, "address-removed")
	})
	if err != nil {
		return err
	}
	return c.untilOwns(ctx, ownerNode)
}

// takenOff takes an address off the interface on which a daemon put it, as a hand does,
// and returns how long it took until the machine told that it is back.
func takenOff(ctx context.Context, m netif.Interfaces, o offer, ip netip.Addr) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed error
	var asked, back time.Time
	gone := false
	err := m.Watch(ctx, func(e netif.Event) {
		switch {
		case e.Kind == netif.EventAnew && asked.IsZero():
			asked = time.Now()
			if failed = m.RemoveHost(ctx, ip, interfaceOf(o)); failed != nil {
				cancel()
			}
		case e.Kind == netif.EventRemoved && e.Addr == ip:
			gone = true
		case e.Kind == netif.EventAdded && e.Addr == ip && gone:
			back = time.Now()
			cancel()
		}
	})
	switch {
	case err != nil || failed != nil:
		return 0, errors.Join(err, failed)
	case !gone:
		return 0, fmt.Errorf("it was not there: %w", context.Cause(ctx))
	case back.IsZero():
		return 0, fmt.Errorf("it does not come back: %w", context.Cause(ctx))
	}
	return back.Sub(asked), nil
}

// interfaceOf returns where a daemon puts such an address.
func interfaceOf(o offer) string {
	if o.kind == providers.KindRoute || o.six {
		return netif.Loopback // what the network routes to a machine belongs to none of its interfaces
	}
	return guestInterface
}
