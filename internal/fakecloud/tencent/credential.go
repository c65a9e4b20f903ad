// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import (
	"slices"
	"strings"
	"time"
)

// Credential is a valid key. Giving each node its own makes the journal name the
// nodes and lets faults hit one of them.
type Credential struct {
	ID, Key string    // SecretId and SecretKey
	Token   string    // of a temporary credential; empty: a lasting one
	Node    string    // who uses it; may be empty
	Expires time.Time // zero: never
	// Actions are what it may do: "AssociateAddress", or with the service before it
	// as a policy has it ("vpc:AssociateAddress"), which is not compared. Nil:
	// everything.
	Actions []string
}

func (c Credential) expired(now time.Time) bool {
	return !c.Expires.IsZero() && !now.Before(c.Expires)
}

// may reports whether the credential has permission for the action.
func (c Credential) may(action string) bool {
	return c.Actions == nil || slices.ContainsFunc(c.Actions, func(allowed string) bool {
		_, name, ok := strings.Cut(allowed, ":")
		return allowed == action || ok && name == action
	})
}
