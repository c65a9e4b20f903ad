// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/internal/registry"
	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// identityConditions are about what the file, the metadata service, the kernel and the
// adverts say differently of who the nodes are.
func (e *engine) identityConditions() []found {
	var fs []found
	add := func(about string, severity status.Severity, text string) {
		fs = append(fs, found{conditionKey{"", condIdentityConflict, about}, severity, text})
	}
	if text := e.addressRemark(); text != "" {
		severity := status.SeverityCritical
		if e.own.err != nil {
			severity = status.SeverityWarning
		}
		add("address", severity, text)
	}
	for _, p := range e.clouds.providers() {
		if text := p.astray(); text != "" {
			add("region at "+p.provider, status.SeverityCritical, text+"; this node moves nothing there before that")
		}
	}
	heard := e.machine.PeerTargets()
	for _, n := range e.cfg.Nodes {
		said, who := heard[n.Name], n.Name+" says that it is"
		if n.Name == e.cfg.Node {
			said, who = e.clouds.own(), "the metadata service says that this node is"
		}
		for _, t := range said {
			written := n.Targets[t.Provider]
			if written == "" || !providers.ParseTarget(written).Contradicts(providers.ParseTarget(t.Target)) {
				continue
			}
			add(n.Name+" at "+t.Provider, status.SeverityWarning, fmt.Sprintf("%s %s, nodes[].target.%s of %s says %s: the former counts; correct the file%s",
				who, t.Target, t.Provider, n.Name, written, e.rightName(n.Name, t)))
		}
	}
	return fs
}

// rightName asks for the name of a node that the file knows under another.
func (e *engine) rightName(node string, t election.NodeTarget) string {
	for _, n := range e.cfg.Nodes {
		if written := n.Targets[t.Provider]; n.Name != node && written != "" && !providers.ParseTarget(written).Contradicts(providers.ParseTarget(t.Target)) {
			return fmt.Sprintf(", or the name: it says that of %s", n.Name)
		}
	}
	return ""
}

// copyConditions tells of strangers that hold an address of the group and have the private
// address of a node.
func (e *engine) copyConditions(g *group, add adder) {
	nodes := e.named()
	for i, a := range g.state.Addresses {
		if !a.Known {
			continue
		}
		address := g.cfg.Addresses[i]
		if like := controller.Conflict(address.Provider, a.Seen, nodes); len(like) > 0 {
			add(condIdentityConflict, address.String(), status.SeverityCritical, "%s", e.copyText(g, address, a.Seen, like))
		}
	}
}

// copyText names a stranger and whom it looks like, and says what to do.
func (e *engine) copyText(g *group, a providers.Address, seen providers.Assignment, like []controller.Node) string {
	var who []string
	for _, n := range like {
		who = append(who, fmt.Sprintf("%s of %s", n.Address, n.Name))
	}
	text := fmt.Sprintf("%s is held by %s, which has the private address %s", a, seen.Target, strings.Join(who, " and "))
	if len(like) > 1 {
		return text + ": which of them it is cannot be told; set nodes[].target." + a.Provider
	}
	n := like[0]
	text += fmt.Sprintf(", and that is %s", n.Called(a.Provider, e.named()))
	if n.Name == e.cfg.Node {
		source := "this machine's metadata service"
		if e.withoutMetadata(a.Provider) {
			source = "nodes[].target"
		}
		return text + " by " + source + ": does it run the file of another? Correct node, or --node"
	}
	return text + fmt.Sprintf(": a copy of this machine? Nothing is taken from it; one that was made anew is known once its daemon is heard, else \"fipctl assign %s\"", g.cfg.Name)
}

// withoutMetadata reports whether the file says that a provider's metadata service is not there.
func (e *engine) withoutMetadata(provider string) bool {
	p, _ := e.cfg.Provider(provider)
	return p.MetadataEndpoint == registry.NoMetadata
}

// astray says that this machine is in another region than the configuration says; empty:
// it is not, or that is not known.
func (p *presence) astray() string {
	if p.region == "" || p.identity.Region == "" || p.region == p.identity.Region {
		return ""
	}
	return fmt.Sprintf("the metadata service says that this machine is in region %s, providers.%s.region says %s: correct the file, or run it where the addresses are",
		p.identity.Region, p.provider, p.region)
}

// astray reports whether this machine is in another region than addresses of the group.
func (e *engine) astray(g *group) bool {
	return slices.ContainsFunc(g.cfg.Addresses, func(a providers.Address) bool { return e.clouds.of(a).at.astray() != "" })
}
