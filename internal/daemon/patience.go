// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"slices"
	"time"

	"github.com/fipctl/fipctl/internal/controller"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// heed takes in what the end of a call says about the provider's patience.
func (c *cloud) heed(of controller.Spend, err error, began, ended election.Instant) {
	c.heedLeft(ended)
	if err == nil {
		c.budget.Answer(began)
	}
	c.budget.Refuse(ended, of, patience(err))
}

// patience returns how long a provider that throttles asks to be left alone.
func patience(err error) time.Duration {
	var failed *providers.Error
	if !errors.As(err, &failed) || failed.Kind != providers.Throttled {
		return 0
	}
	return failed.RetryAfter
}

// leftAlone reports whether the owner is not read only because the cloud asked for it: no
// read has failed since it was told so, and nobody waits for one.
func (g *group) leftAlone(s election.GroupStatus) bool {
	asked := slices.ContainsFunc(g.readErr, func(err error) bool { return patience(err) > 0 })
	return asked && s.APIFailed.Sub(s.APIFailing) < unreadableAfter && !s.Waits && !g.wish.Waits
}

// patience is for how long a claim of the group leaves a provider alone that asks for it.
func (g *group) patience() time.Duration {
	return min(g.cfg.ClaimTimeout, election.ClaimTimeoutDefault)
}
