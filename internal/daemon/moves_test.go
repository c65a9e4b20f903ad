// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

// slowMoves is a driver whose accepted moves are under way for as long as one asks.
type slowMoves struct{ *driver }

func (d slowMoves) Operation(ctx context.Context, _ providers.Address, _ providers.Result) (providers.OperationState, error) {
	return providers.OperationPending, d.begin(ctx, "operation")
}

// TestAnAcceptedMoveIsAskedAboutInGrowingSteps, and no more when its time is over: the
// role may be gone by then, and the address elsewhere.
func TestAnAcceptedMoveIsAskedAboutInGrowingSteps(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a, g, _ := w.stage()
		e := a.engine
		c := reservedIPs(e.clouds)
		began := e.clock.now()
		g.track(0, providers.Result{Operation: "71"}, began)
		g.state.Addresses[0].Mine = false
		var asked []time.Duration
		for at := time.Duration(0); at < time.Hour; at += 500 * time.Millisecond {
			e.asidesAt = 0
			e.startTracks(began.Add(at))
			if len(c.asides.jobs) > 0 {
				<-c.asides.jobs
				c.asides.ended(false)
				asked = append(asked, at)
				g.tracks[0].flying = false
			}
		}
		want := []time.Duration{1, 2, 4, 8, 16}
		if len(asked) != len(want) {
			t.Fatalf("asked after %v", asked)
		}
		for i, at := range want {
			if asked[i] != at*time.Second {
				t.Errorf("asked after %v", asked)
			}
		}
	})
}
