// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import "errors"

// The causes a caller may have to tell apart. They are found with errors.Is.
var (
	// ErrTimeout: the attempt ran into AttemptTimeout.
	ErrTimeout = errors.New("no complete answer in time")
	// ErrName: a name could not be looked up; nothing left.
	ErrName = errors.New("no such name")
	// ErrCredentials: there was no token to send; nothing left.
	ErrCredentials = errors.New("no credentials")
	// ErrBodyTooLarge: the answer is longer than BodyMax.
	ErrBodyTooLarge = errors.New("answer too large")
)

// Error is the error of a request that brought no complete answer.
type Error struct {
	Sent bool // some of the request may have reached the server
	Err  error
}

// Error returns the text of the cause.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Sent reports whether the request that ended with err may have reached the
// server. Only an error of this package can say that it did not.
func Sent(err error) bool {
	var e *Error
	return !errors.As(err, &e) || e.Sent
}

// credentialsError is a cause from the token source, recognisable as
// ErrCredentials without repeating those words in its text.
type credentialsError struct{ err error }

func (e credentialsError) Error() string        { return e.err.Error() }
func (e credentialsError) Unwrap() error        { return e.err }
func (e credentialsError) Is(target error) bool { return target == ErrCredentials }
