// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Finding is one thing that an online check tried.
type Finding struct {
	Subject string `json:"subject"` // what was looked at
	OK      bool   `json:"ok"`
	Text    string `json:"text"` // what was found, or what is wrong and what to do
}

// Online tries everything that a daemon on this machine will depend on, without
// changing anything: credentials, identity, each address, whether it could be
// moved here, and the peers. It goes on after a failure and returns all findings
// in a fixed order.
func (c *Cluster) Online(ctx context.Context) []Finding {
	findings := c.checkHere(ctx)
	for _, name := range slices.Sorted(maps.Keys(c.Clouds)) {
		id, identity := c.checkIdentity(ctx, name)
		if err := c.Clouds[name].Err; err != nil {
			findings = append(append(findings, failed(name+" credentials", err)), identity...)
			continue
		}
		findings = append(findings, Finding{name + " credentials", true, "from " + c.Clouds[name].Credentials})
		findings = append(append(findings, identity...), c.checkInstance(ctx, name, id.Target)...)
		findings = append(findings, c.checkPlacement(ctx, name, id.Target)...)
		for _, g := range c.Groups {
			for _, a := range g.Addresses {
				if a.Provider == name {
					findings = append(findings, c.checkAddress(ctx, g, a, id.Target)...)
				}
			}
		}
	}
	return append(findings, c.checkPeers(ctx)...)
}

// checkIdentity asks the metadata service who this machine is. The identity is
// zero when it cannot be relied on.
func (c *Cluster) checkIdentity(ctx context.Context, name string) (metadata.Identity, []Finding) {
	subject := name + " metadata"
	id, err := c.identity(ctx, name)
	var findings []Finding
	switch {
	case errors.Is(err, errNoMetadata):
		return metadata.Identity{}, nil
	case errors.Is(err, metadata.ErrIncomplete):
		findings = append(findings, failed(subject, err))
	case err != nil:
		return metadata.Identity{}, []Finding{failed(subject, err)}
	}
	if err := errors.Join(c.confirm(name, id.Target), c.inRegion(name, id.Region)); err != nil {
		return metadata.Identity{}, []Finding{failed(subject, err)}
	}
	if c.Clouds[name].Stated {
		return id, append(findings, Finding{subject, true, fmt.Sprintf("none by the configuration, by which this machine is %s", id.Target)})
	}
	return id, append(findings, Finding{subject, true, fmt.Sprintf("this machine is %s in region %s", id.Target, id.Region)})
}

// checkInstance asks the cloud whether it knows this machine: a token of another
// account reads addresses as well as it can and moves nothing.
func (c *Cluster) checkInstance(ctx context.Context, name string, own providers.Target) []Finding {
	var (
		inspector providers.Inspector
		target    providers.Target
	)
	for _, a := range c.kindsInUse(name) {
		driver := c.driver(a)
		i, ok := driver.(providers.Inspector)
		if t := own.Only(driver.Capabilities().Target); ok && inspector == nil && !t.IsZero() {
			inspector, target = i, t
		}
	}
	if inspector == nil {
		return nil
	}
	if own.Instance != "" {
		target = providers.Target{Instance: own.Instance} // the surest name, whatever the kind goes by
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	subject := name + " instance"
	switch state, err := inspector.InstanceState(ctx, target); {
	case err != nil:
		return []Finding{failed(subject, err)}
	case state != providers.InstanceRunning:
		return []Finding{{subject, false, fmt.Sprintf("the cloud says that %s is %s; do the token and this machine belong to the same account?", own, state)}}
	default:
		return []Finding{{subject, true, fmt.Sprintf("the cloud knows %s", own)}}
	}
}

// checkAddress reads one address and asks whether it could be moved here.
func (c *Cluster) checkAddress(ctx context.Context, g Group, a providers.Address, own providers.Target) []Finding {
	subject := fmt.Sprintf("%s %s", g.Name, a)
	seen, err := c.read(ctx, a)
	if err != nil {
		return []Finding{failed(subject, err)}
	}
	owner := c.nodeOf(a.Provider, seen, own)
	var text string
	switch {
	case seen.Target.IsZero():
		text = "owned by nobody"
	case owner == "" && c.copies(a.Provider, seen, own) != "":
		return []Finding{{subject, false, fmt.Sprintf("owned by %s, which has %s", seen.Target, c.copies(a.Provider, seen, own))}}
	case owner == "":
		text = fmt.Sprintf("owned by %s, which is not recognised as a node; set nodes[].target.%s if it is one", seen.Target, a.Provider)
	default:
		text = fmt.Sprintf("owned by %s (%s)", owner, seen.Target)
	}
	findings := []Finding{{subject, true, text}}
	for _, f := range seen.Following {
		findings[0].Text += fmt.Sprintf("; %s follows it", f)
	}
	preflighter, ok := c.driver(a).(providers.Preflighter)
	to := own.Only(c.driver(a).Capabilities().Target)
	if !ok || to.IsZero() || seen.Target == to && !c.driver(a).Capabilities().MovesWithoutAPI {
		return findings
	}
	ctx, cancel := context.WithTimeout(ctx, controller.PreflightTimeout)
	defer cancel()
	if err := preflighter.Preflight(ctx, a, to); err != nil {
		return append(findings, failed(subject+" move here", err))
	}
	return append(findings, Finding{subject + " move here", true, "nothing speaks against it"})
}

// checkPeers asks every peer's daemon.
func (c *Cluster) checkPeers(ctx context.Context) []Finding {
	if c.Prober == nil {
		return []Finding{{"peers", false, "this machine is not a node, so its peers cannot be asked; use --node"}}
	}
	results := c.probeAll(ctx)
	var findings []Finding
	for _, n := range c.Nodes {
		if n.Name == c.Self {
			continue
		}
		subject := "peer " + n.Name
		switch result := results[n.Name]; {
		case errors.Is(result.err, ErrSilent):
			findings = append(findings, Finding{subject, false, fmt.Sprintf("no answer from %s; is its daemon running, and does UDP pass both ways?", n.Address)})
		case result.err != nil:
			findings = append(findings, failed(subject, result.err))
		case result.answer.Node != n.Name:
			findings = append(findings, Finding{subject, false, fmt.Sprintf("%s answers at %s; compare nodes[].address on all nodes", result.answer.Node, n.Address)})
		default:
			findings = append(findings, Finding{subject, true, fmt.Sprintf("answers at %s", n.Address)})
		}
	}
	return findings
}

// probeResult is one node's answer, or why there is none.
type probeResult struct {
	answer Answer
	err    error
}

// probeAll asks the daemons of all nodes, this one included, at the same time.
func (c *Cluster) probeAll(ctx context.Context) map[string]probeResult {
	results := map[string]probeResult{}
	if c.Prober == nil {
		return results
	}
	var (
		mu   sync.Mutex
		asks sync.WaitGroup
	)
	for _, n := range c.Nodes {
		asks.Go(func() {
			answer, err := c.Prober.Probe(ctx, n.Address)
			mu.Lock()
			defer mu.Unlock()
			results[n.Name] = probeResult{answer, err}
		})
	}
	asks.Wait()
	return results
}

func failed(subject string, err error) Finding { return Finding{subject, false, err.Error()} }
