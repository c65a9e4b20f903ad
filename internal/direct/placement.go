// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"fmt"

	"github.com/fipctl/fipctl/pkg/providers"
)

// checkPlacement asks the cloud whether this machine can fail together with each of
// the peers whose target the configuration tells, or whose machine holds an address.
// What the cloud does not tell is no fault.
func (c *Cluster) checkPlacement(ctx context.Context, name string, own providers.Target) []Finding {
	placer := c.placer(name)
	if placer == nil || own.Instance == "" {
		return nil
	}
	subject := name + " placement"
	here, err := c.place(ctx, placer, own)
	if err != nil {
		return []Finding{failed(subject, err)}
	}
	peers := c.machinesOfPeers(ctx, name, own)
	var findings []Finding
	for _, n := range c.Nodes {
		if n.Name == c.Self {
			continue
		}
		target := peers[n.Name]
		if target.Instance == "" {
			findings = append(findings, Finding{subject, true, fmt.Sprintf(
				"which machine %s is, is not known here; set nodes[].target.%s to compare where the two run", n.Name, name)})
			continue
		}
		there, err := c.place(ctx, placer, target)
		if err != nil {
			findings = append(findings, failed(subject, err))
			continue
		}
		findings = append(findings, separation(subject, n.Name, here, there))
	}
	return findings
}

// separation says whether this machine and that of a peer can fail together.
func separation(subject, peer string, here, there providers.Placement) Finding {
	switch s, why := providers.Separate(here, there); s {
	case providers.Apart:
		return Finding{subject, true, fmt.Sprintf("this machine and %s fail apart: %s", peer, why)}
	case providers.Together:
		return Finding{subject, false, fmt.Sprintf("this machine and %s can fail together: %s; move one of them", peer, why)}
	default:
		return Finding{subject, true, fmt.Sprintf("whether this machine and %s can fail together is unknown: %s", peer, why)}
	}
}

// placer returns a driver that can tell where machines run, or nil.
func (c *Cluster) placer(provider string) providers.Placer {
	for _, a := range c.kindsInUse(provider) {
		if p, ok := c.driver(a).(providers.Placer); ok {
			return p
		}
	}
	return nil
}

func (c *Cluster) place(ctx context.Context, p providers.Placer, t providers.Target) (providers.Placement, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return p.Placement(ctx, providers.Target{Instance: t.Instance})
}

// machinesOfPeers returns what is known of the machines of the peers: what the
// configuration says, and the owners of addresses that are recognised as nodes.
func (c *Cluster) machinesOfPeers(ctx context.Context, provider string, own providers.Target) map[string]providers.Target {
	machines := map[string]providers.Target{}
	for _, n := range c.Nodes {
		if id := n.Targets[provider]; id != "" {
			machines[n.Name] = providers.ParseTarget(id)
		}
	}
	for _, g := range c.Groups {
		for _, a := range g.Addresses {
			if a.Provider != provider {
				continue
			}
			seen, err := c.read(ctx, a)
			if node := c.nodeOf(provider, seen, own); err == nil && node != "" && machines[node].IsZero() {
				machines[node] = seen.Target
			}
		}
	}
	return machines
}
