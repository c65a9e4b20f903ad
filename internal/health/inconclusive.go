// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package health

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	"github.com/fipctl/fipctl/internal/trust"
)

// ErrInconclusive is wrapped by the error of a [Probe] that could not tell: what it
// was to look at may not be looked at, or what it looks with is missing. It says
// nothing about the service, and its text says what to do.
var ErrInconclusive = errors.New("cannot tell")

// ErrNoValue is wrapped by the error about a placeholder that is known but stands for
// nothing yet. It is an [ErrInconclusive].
var ErrNoValue error = noValueError{}

type noValueError struct{}

func (noValueError) Error() string        { return "no value" }
func (noValueError) Is(target error) bool { return target == ErrInconclusive }

// inconclusiveError is a cause and what to do about it; "": the cause says that.
type inconclusiveError struct {
	cause  error
	remedy string
}

func (e inconclusiveError) Error() string {
	if e.remedy == "" {
		return fmt.Sprintf("not done, which says nothing of the service: %v", e.cause)
	}
	return fmt.Sprintf("%v; this says nothing of the service: %s", e.cause, e.remedy)
}

func (e inconclusiveError) Unwrap() []error { return []error{e.cause, ErrInconclusive} }

// remedies are the errors of the system that say nothing about the service asked,
// and what to do. That nothing listens, that a host does not answer, or that the
// network is out of reach is not among them: that is an answer.
var remedies = []struct {
	errs   []error
	remedy string
}{
	{[]error{syscall.EACCES, syscall.EPERM, fs.ErrPermission},
		"allow it to the user of the daemon, and look for a firewall or a filter of its unit"},
	{[]error{syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT, syscall.EADDRNOTAVAIL},
		"this machine, or the daemon's unit, lacks that family of addresses; write an address of another"},
	{trust.AtLimit(),
		"this machine, or the daemon's unit, is at a limit; raise LimitNOFILE, TasksMax or the memory"},
}

// unresolved is the remedy for a name.
const unresolved = "mend the resolver, or write the address in place of the name"

// judged returns err as an inconclusive one if it says nothing about the service.
func judged(err error) error {
	var name *net.DNSError
	if errors.As(err, &name) {
		return inconclusiveError{err, unresolved}
	}
	for _, r := range remedies {
		for _, e := range r.errs {
			if errors.Is(err, e) {
				return inconclusiveError{err, r.remedy}
			}
		}
	}
	return err
}
