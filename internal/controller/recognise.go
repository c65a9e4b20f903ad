// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// recogniseMax bounds the call that asks by what the owner of an address can be
// recognised.
const recogniseMax = time.Second

// Recognise returns what was read of an address, with the private addresses of its owner
// where they take a call of their own (providers.Recogniser). That call gets half of the
// time that is left for the read, and at most a second: an owner read that is over the
// attempt would not pass the gate, whoever the owner is.
func Recognise(ctx context.Context, p providers.Provider, a providers.Address, seen providers.Assignment, left time.Duration) providers.Assignment {
	r, ok := p.(providers.Recogniser)
	if !ok || seen.Target.IsZero() || len(seen.PrivateAddresses) > 0 || left <= 0 {
		return seen
	}
	ctx, cancel := context.WithTimeout(ctx, min(recogniseMax, left/2))
	defer cancel()
	seen.PrivateAddresses = r.PrivateAddresses(ctx, a, seen.Target)
	return seen
}

// recognise does that for what one read has shown that began then, unless some node is
// known by that target: then nothing waits for it.
func (r *Reader) recognise(ctx context.Context, a providers.Address, seen providers.Assignment, known Known, began election.Instant) providers.Assignment {
	if known != nil && known(seen.Target) {
		return seen
	}
	return Recognise(ctx, r.Provider, a, seen, election.AttemptTimeout-r.Clock().Sub(began))
}

// Known reports whether a node of the cluster is called that at the provider. It must be
// safe for concurrent use.
type Known func(providers.Target) bool

// KnownTo returns what reports that for a provider; nodes are not changed any more.
func KnownTo(provider string, nodes []Node) Known {
	return func(t providers.Target) bool {
		return Locate(provider, providers.Assignment{Target: t}, nodes).Kind == election.OwnerNode
	}
}
