// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what a failed call means for the caller. Drivers classify once;
// nobody above them looks at status codes or texts.
type Kind int

// The kinds of error.
//
//	kind         did the write take effect?   what the caller does
//	Unknown      maybe                        as Ambiguous
//	Transient    no                           try again soon
//	Throttled    no                           try again after RetryAfter
//	Busy         no                           something passes by itself: read, try again
//	Conflict     no                           somebody else was faster: read
//	Ambiguous    maybe                        read; never repeat blindly
//	NotFound     no                           the address or target does not exist: alarm, slow retry
//	Denied       no                           credentials: alarm, slow retry
//	Invalid      no                           the request can never succeed: alarm, slow retry
//	Unsupported  no                           the provider cannot do this
//	Canceled     no                           the caller gave up before the request left
const (
	Unknown Kind = iota
	Transient
	Throttled
	Busy
	Conflict
	Ambiguous
	NotFound
	Denied
	Invalid
	Unsupported
	Canceled
)

var kindNames = [...]string{
	Unknown: "unknown", Transient: "transient", Throttled: "throttled", Busy: "busy",
	Conflict: "conflict", Ambiguous: "ambiguous", NotFound: "not-found", Denied: "denied",
	Invalid: "invalid", Unsupported: "unsupported", Canceled: "canceled",
}

// Kinds returns every kind, for tables and metric labels.
func Kinds() []Kind {
	kinds := make([]Kind, len(kindNames))
	for i := range kinds {
		kinds[i] = Kind(i)
	}
	return kinds
}

// String returns the kind as a lower-case, hyphenated word.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return kindNames[Unknown]
	}
	return kindNames[k]
}

// Error is the error of every provider call.
type Error struct {
	Provider   string        // name of the driver
	Op         string        // what was attempted, verb and object: "assign 203.0.113.7 to 123"
	Kind       Kind          // what it means for the caller
	Code       string        // the vendor's own code or HTTP status; may be empty
	RequestID  string        // the cloud's id of the request; may be empty
	RetryAfter time.Duration // how long the API asked to wait; zero when it did not
	Err        error         // the cause; may be nil
}

// ErrCredentials is found by errors.Is in the error of a call for which there were no
// credentials to send. Nothing left this machine, so the cloud has refused nothing.
var ErrCredentials = errors.New("no credentials")

// credentialsError is a cause that is an ErrCredentials without those words in its text.
type credentialsError struct{ error }

func (e credentialsError) Unwrap() error      { return e.error }
func (credentialsError) Is(target error) bool { return target == ErrCredentials }

// WithoutCredentials returns the error of a call for whose credentials err stands. It is
// Transient where err says that it is Temporary, which may be over at the next attempt, and
// otherwise Denied: an [ErrCredentials], which the cloud knows nothing of.
func WithoutCredentials(provider, op string, err error) *Error {
	kind := Denied
	var passing interface{ Temporary() bool }
	if errors.As(err, &passing) && passing.Temporary() {
		kind = Transient
	}
	return &Error{Provider: provider, Op: op, Kind: kind, Err: credentialsError{err}}
}

// Error formats the chain without repeating words:
// "assign 203.0.113.7 to 123: throttled (429, request 4f2c): too many requests".
func (e *Error) Error() string {
	var b strings.Builder
	what := e.Kind.String()
	if e.Kind == Denied && errors.Is(e.Err, ErrCredentials) {
		what = ErrCredentials.Error() // nobody denied anything
	}
	fmt.Fprintf(&b, "%s: %s", e.Op, what)
	var facts []string
	if e.Code != "" {
		facts = append(facts, e.Code)
	}
	if e.RequestID != "" {
		facts = append(facts, "request "+e.RequestID)
	}
	if len(facts) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(facts, ", "))
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err: that of the first *Error in its chain,
// Canceled for a bare context error, and Unknown otherwise.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	default:
		return Unknown
	}
}
