// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"

	"github.com/fipctl/fipctl/internal/status"
	"github.com/fipctl/fipctl/pkg/election"
)

// request is what an operator asks of one daemon.
type request struct {
	what string // for messages
	asks string // how it is put; the figures count from it. Empty: they do not
	run  func(context.Context) (status.Outcome, error)
}

// operate makes a request, which must be done.
func (c *cluster) operate(ctx context.Context, r request) error {
	outcome, err := c.order(ctx, r)
	if err == nil && outcome.Code != status.CodeDone {
		err = fmt.Errorf("%s: exit code %d: %s", r.what, outcome.Code, outcome.Text)
	}
	return err
}

// order makes a request until it is neither refused nor ended by a node that did not run,
// and returns what became of it. On a busy machine both happen at any moment: a check comes
// late, a node stands still and steps back. An operator asks again, too.
func (c *cluster) order(ctx context.Context, r request) (outcome status.Outcome, err error) {
	c.progress(r.what)
	ctx, cancel := context.WithTimeoutCause(ctx, 2*c.patience(), fmt.Errorf("not within %s", 2*c.patience()))
	defer cancel()
	if r.asks != "" {
		c.record.measureFrom(r.asks)
	}
	refusal := ""
	waiting := c.until(ctx, r.what, func(context.Context) string {
		if refusal != "" && r.asks != "" {
			c.record.measureAgain()
		}
		outcome, err = r.run(ctx)
		if err != nil || !passing(outcome) {
			return ""
		}
		if refusal != outcome.Text {
			refusal = outcome.Text
			c.record.note("it will be asked again: " + refusal)
		}
		return fmt.Sprintf("exit code %d: %s", outcome.Code, outcome.Text)
	})
	if err != nil {
		return outcome, fmt.Errorf("%s: %w", r.what, err)
	}
	return outcome, waiting
}

// passing reports whether an order may end otherwise when it is made again.
func passing(o status.Outcome) bool {
	return o.Code == status.CodeRefused || o.Code == status.CodeFailed && o.Reason == election.ReasonOwnStall.String()
}
