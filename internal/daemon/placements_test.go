// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/providers"
)

// placer is a driver that can tell where machines run.
type placer struct {
	*driver
	where map[string]providers.Placement // by instance
}

func (p placer) Placement(ctx context.Context, t providers.Target) (providers.Placement, error) {
	if err := p.begin(ctx, "placement"); err != nil {
		return providers.Placement{}, err
	}
	return p.where[t.Instance], nil
}

// placed starts two nodes of which the first can tell where machines run.
func (w *world) placed(where map[string]providers.Placement) *node {
	w.Helper()
	a := w.start(nodeA, func(n *node, _ *Options, p *parts) {
		p.clouds = func(cfg *config.Config) (*clouds, error) {
			cs, err := n.clouds(cfg)
			reservedIPs(cs).driver = placer{n.cloud, where}
			return cs, err
		}
	})
	w.start(nodeB, nil)
	return a
}

func TestWhoCanFailTogetherIsShown(t *testing.T) {
	host := func(name string) providers.Placement { return providers.Placement{Zone: "z1", Host: name} }
	tests := []struct {
		name      string
		b         providers.Placement
		want      status.Placement
		condition bool
	}{
		{"on two hosts", host("h2"), status.Placement{Provider: "digitalocean", Node: nodeB, Separation: "apart", Text: "on hosts h1 and h2"}, false},
		{"on one host", host("h1"), status.Placement{Provider: "digitalocean", Node: nodeB, Separation: "together", Text: "both on host h1"}, true},
		{"unknown is not bad", providers.Placement{Zone: "z1"}, status.Placement{Provider: "digitalocean", Node: nodeB, Separation: "unknown", Text: "the cloud does not tell"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				a := w.placed(map[string]providers.Placement{instances[nodeA]: host("h1"), instances[nodeB]: tt.b})
				w.eventually("the answer is there", func() bool { return len(a.Snapshot().Placements) > 0 })
				w.pass(2 * time.Second)
				if diff := cmp.Diff([]status.Placement{tt.want}, a.Snapshot().Placements); diff != "" {
					t.Error(diff)
				}
				if got := slices.Contains(a.codes(), condSameHost); got != tt.condition {
					t.Errorf("condition: %v, want %v", got, tt.condition)
				}
			})
		})
	}
}

func TestWhereMachinesRunIsAskedRarely(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		a := w.placed(map[string]providers.Placement{})
		w.eventually("it is asked", func() bool { return a.cloud.times("placement") == 2 })
		w.pass(placementEvery - 2*time.Minute)
		if n := a.cloud.times("placement"); n != 2 {
			t.Errorf("asked %d times, want once for each machine", n)
		}
		a.cloud.set("placement", errors.New("no"))
		w.pass(4 * time.Minute)
		if n := a.cloud.times("placement"); n != 4 {
			t.Errorf("asked %d times after half an hour, want 4", n)
		}
	})
}
