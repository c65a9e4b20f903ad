// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// JobKind says what a runner is asked to do.
type JobKind uint8

// The kinds of job.
const (
	JobRead      JobKind = iota // the owner of every address, and how accepted moves fare
	JobWrite                    // one write
	JobPreflight                // whether a move here would be refused now; reads only
)

// Job is one cloud call of a group, or a few reads that belong together. The
// runner reads the slices after Submit has returned: the caller gives them away.
type Job struct {
	Kind    JobKind
	Nodes   []Node             // for JobRead: who is who
	Track   []providers.Result // for JobRead: the accepted move of each address; zero: none
	Targets []providers.Target // for JobWrite and JobPreflight: this node at each address's provider
	Address int                // for JobWrite
	Release bool               // for JobWrite: take Address off its holder in Seen, bind it nowhere
	Seen    providers.Assignment
	// Permit is asked just before a write leaves, from the runner's goroutine. It
	// returns why not, or ReasonNone.
	Permit func() election.Reason
}

// Outcome is the end of a job.
type Outcome struct {
	Job          Job
	Began, Ended election.Instant       // JobRead: of the owner read, without the tracking
	Err          error                  // the first error
	Reads        []providers.Assignment // JobRead: complete if Err is nil
	ReadErrs     []error                // JobRead: per address
	Owner        election.Owner         // JobRead: of the whole group, if Err is nil
	Stopped      bool                   // JobRead: the cloud says the foreign owner's machine is stopped or gone
	FailedMoves  []int                  // JobRead: addresses whose accepted move failed
	Result       providers.Result       // JobWrite, if accepted
	Write        election.WriteOutcome  // JobWrite
	Refused      election.Reason        // JobWrite: the permit was withdrawn and nothing left
}

// Call is one finished provider call, for the log and the metrics.
type Call struct {
	Group, Provider, Op string
	Address             providers.Address
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

// trackTimeout bounds the questions how accepted moves fare. They only serve to
// learn of a failure early and must not hold up what the owner read said.
const trackTimeout = time.Second

// writeOutcome says what an error of a write means for the claim. Kinds of which
// it is not certain that nothing happened are ambiguous.
func writeOutcome(err error) election.WriteOutcome {
	if err == nil {
		return election.WriteAccepted
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
