// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"errors"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Job is one write of a group.
type Job struct {
	Address int
	Target  providers.Target // this node at the address's provider
	Release bool             // take Address off its holder in Seen, bind it nowhere
	Seen    providers.Assignment
	// Permit is asked just before a write leaves, from the runner's goroutine. It
	// returns why not, or ReasonNone.
	Permit func() election.Reason
}

// Outcome is the end of a job.
type Outcome struct {
	Job          Job
	Began, Ended election.Instant
	Err          error
	Result       providers.Result // if accepted
	Write        election.WriteOutcome
	Refused      election.Reason // the permit was withdrawn and nothing left
}

// Call is one finished provider call, for the log and the metrics. One that concerns
// several groups names none, and the first of its addresses.
type Call struct {
	Group, Provider, Op string
	Address             providers.Address
	Addresses           int // how many it was about
	Write               bool
	Took                time.Duration
	Result              providers.Result
	Err                 error
}

// The operations as they are named in logs and metrics.
const (
	OpOwner         = "owner"
	OpAssign        = "assign"
	OpRelease       = "release"
	OpInstanceState = "instance-state"
	OpPreflight     = "preflight"
	OpOperation     = "operation"
)

// writeOutcome says what an error of a write means for the claim. Kinds of which
// it is not certain that nothing happened are ambiguous.
func writeOutcome(err error) election.WriteOutcome {
	if err == nil {
		return election.WriteAccepted
	}
	if errors.Is(err, providers.ErrCredentials) {
		return election.WriteRefused // nothing left, and the credentials may be back at any moment
	}
	switch providers.KindOf(err) {
	case providers.Transient, providers.Throttled, providers.Busy, providers.Conflict, providers.Canceled:
		return election.WriteRefused
	case providers.NotFound, providers.Denied, providers.Invalid, providers.Unsupported:
		return election.WriteHopeless
	default:
		return election.WriteAmbiguous
	}
}
