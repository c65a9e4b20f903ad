// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/fipctl/fipctl/internal/config"
	"github.com/fipctl/fipctl/pkg/election"
)

func TestTheConfigurationReadsLikeOneThatPeopleWrite(t *testing.T) {
	t.Parallel()
	p := &plan{prefix: [3]byte{127, 83, 20}, daemon: 7112, web: 8080}
	s := settings{
		nodes: pairNodes, advertInterval: AdvertIntervalDefault, preempt: true, preemptDelay: shortPreempt,
		displacedRetry: shortRetry, onMoved: "reclaim",
	}
	c := memoryCloudAt(t, digitalOceanOffers()[0], p)
	text, err := yaml.Marshal(configOf(p, s, filesOf("/tmp/fipctl-lab-1", "lb-b"), c.vendor, standbyNode))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "lb-b.yaml", string(text))
}

func TestTheDaemonsAcceptTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]settings{
		"ordinary":     {nodes: pairNodes, advertInterval: AdvertIntervalDefault},
		"fast":         {nodes: pairNodes, advertInterval: advertIntervalMin},
		"slow":         {nodes: pairNodes, advertInterval: advertIntervalMax},
		"three nodes":  {nodes: 3, advertInterval: AdvertIntervalDefault},
		"user's probe": {nodes: pairNodes, advertInterval: AdvertIntervalDefault, probe: true, touchy: true},
		"everything":   {nodes: pairNodes, advertInterval: time.Second, preempt: true, preemptDelay: shortPreempt, displacedRetry: shortRetry, onMoved: "reclaim"},
	} {
		for _, o := range offers() {
			if s.probe && aProbe(o) != "" {
				continue
			}
			t.Run(o.name()+", "+name, func(t *testing.T) {
				t.Parallel()
				accepted(t, s, o)
			})
		}
	}
}

// accepted loads every node's file and compares it with what the scenario asked for.
func accepted(t *testing.T, s settings, o offer) {
	t.Helper()
	dir, p := t.TempDir(), loopbackOf(o)
	if err := writeFiles(dir, p, s, memoryCloudAt(t, o, p).vendor); err != nil {
		t.Fatal(err)
	}
	for i, node := range nodeNames[:s.nodes] {
		c, err := config.Load(filesOf(dir, node).config, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Warnings) > 0 {
			t.Errorf("warnings:\n%v", c.Warnings)
		}
		g := c.Groups[0]
		if c.Node != node || c.Self().Address != p.nodeDaemon(i) || c.Cluster.AdvertInterval != s.advertInterval || g.Preempt != s.preempt {
			t.Errorf("%s: the configuration says otherwise: %+v", node, c)
		}
		if (g.Probe != nil) != s.probe || (g.Checks[0].Fall == 1) != s.touchy {
			t.Errorf("%s: probe %v, check %+v", node, g.Probe, g.Checks[0])
		}
		if reclaim := g.OnMoved != election.FollowMoved; reclaim != (s.onMoved == "reclaim") {
			t.Errorf("%s: on_moved is %v", node, g.OnMoved)
		}
		if len(g.Addresses) != o.tables || g.Addresses[0].Provider != o.provider || g.Addresses[0].Kind != o.configured() || g.Addresses[0].IP != p.floatingIP() {
			t.Errorf("%s: addresses %+v", node, g.Addresses)
		}
	}
}
