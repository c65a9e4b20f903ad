// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fipctl/fipctl/internal/netif"
	"github.com/fipctl/fipctl/pkg/providers"
)

// TestTakenOff plays a daemon that puts the address back after a while, and none.
func TestTakenOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ip := nsPublic
		o := offer{kind: providers.KindRoute}
		m := netif.NewMemory(netif.Link{Name: netif.Loopback})
		giveUp := errors.New("over")
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, giveUp)
		defer cancel()
		if _, err := takenOff(ctx, m, o, ip); !errors.Is(err, giveUp) || !strings.HasPrefix(err.Error(), "it was not there: ") {
			t.Errorf("nothing to take off: %v", err)
		}
		put := func() { _, _ = m.AddHost(context.Background(), ip, netif.Loopback) }
		put()
		ctx, cancel = context.WithTimeoutCause(context.Background(), time.Second, giveUp)
		defer cancel()
		time.AfterFunc(7*time.Millisecond, put)
		if away, err := takenOff(ctx, m, o, ip); err != nil || away != 7*time.Millisecond {
			t.Errorf("away for %s, %v", away, err)
		}
		if _, err := takenOff(ctx, m, o, ip); !errors.Is(err, giveUp) || !strings.HasPrefix(err.Error(), "it does not come back: ") {
			t.Errorf("nobody puts it back: %v", err)
		}
	})
}
