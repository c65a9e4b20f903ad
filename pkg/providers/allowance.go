// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providers

import "time"

// Allowance is what a provider says is left of the calls of an account.
type Allowance struct {
	// Limit is how many calls Window bears, and Remaining how many of them are left.
	Limit, Remaining int
	// Window is for how long what remains has to last, at worst: each call counts for so
	// long after it was made, so none needs to come back sooner.
	Window time.Duration
	// Reset is when the oldest call that counts no longer does, by the provider's clock.
	// Only what was called then comes back then; the zero Time: not told.
	Reset time.Time
	// Calls is how many calls this driver has made since it was opened, repeated reads and
	// such without an answer included, and other kinds of the same provider. What Remaining
	// fell by more than that, somebody else called.
	Calls int
	// Told is how many answers have told it. While it is the same, nothing new is known.
	Told int
}

// Rationer is implemented by providers whose answers tell what is left of an account's
// calls. Allowance returns what the last answer that told it said, and whether one has.
// It does no I/O and may be called from any goroutine.
type Rationer interface {
	Allowance() (Allowance, bool)
}
