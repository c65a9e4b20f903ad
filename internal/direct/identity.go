// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package direct

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/providers"
)

// errUntold is wrapped by an error that says why something cannot be told.
var errUntold = errors.New("cannot be told")

// here returns why this machine is not the node that it is called, or nil.
func (c *Cluster) here(ctx context.Context) error {
	if c.Self == "" || c.Local == nil {
		return nil
	}
	local, err := c.Local(ctx, c.Own)
	switch {
	case err != nil:
		return fmt.Errorf("whether this machine is %s %w: %w", c.Self, errUntold, err)
	case local:
		return nil
	}
	other := ""
	for _, n := range c.Nodes {
		if here, err := c.Local(ctx, n.Address.Addr()); n.Name != c.Self && here && err == nil {
			other = n.Name
		}
	}
	return errors.New(controller.NotHere(c.Self, c.Own, other))
}

// checkHere looks whether this machine is the node that it is called.
func (c *Cluster) checkHere(ctx context.Context) []Finding {
	subject := "node " + c.Self
	switch err := c.here(ctx); {
	case c.Self == "" || c.Local == nil:
		return nil
	case err != nil:
		return []Finding{failed(subject, err)}
	default:
		return []Finding{{subject, true, fmt.Sprintf("this machine has %s", c.Own)}}
	}
}

// inRegion returns an error if the metadata service names another region than the
// configuration.
func (c *Cluster) inRegion(provider, region string) error {
	if want := c.Clouds[provider].Region; want != "" && region != "" && want != region {
		return fmt.Errorf("providers.%s.region says %s, the metadata service %s: correct the file, or run it where the addresses are", provider, want, region)
	}
	return nil
}

// copies says whose private address a foreign owner has; empty: nobody's.
func (c *Cluster) copies(provider string, seen providers.Assignment, own providers.Target) string {
	var whose []string
	nodes := c.named(provider, own)
	for _, n := range controller.Conflict(provider, seen, nodes) {
		text := fmt.Sprintf("the private address %s of %s", n.Address, n.Name)
		if called := n.Called(provider, nodes); called != "" {
			text += fmt.Sprintf(", and that is %s", called)
		}
		whose = append(whose, text)
	}
	if len(whose) == 0 {
		return ""
	}
	return strings.Join(whose, "; ") + ": a copy of this machine, or does one run the file of another?"
}
