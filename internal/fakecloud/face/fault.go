// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package face

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// Fault is one way in which a call goes wrong. The zero Fault is a call that goes
// well. Use the constructors; they name what a client sees.
type Fault struct {
	Name string // goes to the journal

	skip   bool          // the vendor never sees the request
	status int           // answer the vendor's error for this status instead
	retry  time.Duration // asked for in that error; zero: not mentioned
	cut    bool          // reset the connection instead of answering
	hang   bool          // never answer
	delay  time.Duration // answer this much later
	mangle func(*Answer) // spoil the answer

	// Code asks for the vendor's error of this code; nothing takes effect.
	Code string

	// Late asks the vendor to let a write take its course this much later.
	Late time.Duration
	// FailOperation asks the vendor to accept a write that ends without effect.
	FailOperation bool
	// Done asks the vendor for its odd spelling of a completed operation.
	Done bool
}

// Code answers with the vendor's own error of this code; nothing takes effect.
func Code(code string) Fault { return Fault{Name: code, Code: code} }

// Throttled answers 429. A retryAfter of zero sends no such header.
func Throttled(retryAfter time.Duration) Fault {
	return Fault{Name: "throttled", skip: true, status: http.StatusTooManyRequests, retry: retryAfter}
}

// ServerError answers with the given 5xx status; nothing takes effect.
func ServerError(status int) Fault {
	return Fault{Name: fmt.Sprint("server-error-", status), skip: true, status: status}
}

// ServerErrorAfter answers with the given 5xx status although the request took
// effect.
func ServerErrorAfter(status int) Fault {
	return Fault{Name: fmt.Sprint("server-error-after-", status), status: status}
}

// CutBefore resets the connection; the request has no effect.
func CutBefore() Fault { return Fault{Name: "cut-before", skip: true, cut: true} }

// CutAfter resets the connection after the request took effect: a lost reply.
func CutAfter() Fault { return Fault{Name: "cut-after", cut: true} }

// CutLate resets the connection at once; a write reaches the cloud d later.
func CutLate(d time.Duration) Fault { return Fault{Name: "cut-late", cut: true, Late: d} }

// Refuse resets the connection: the API is down.
func Refuse() Fault { return Fault{Name: "refused", skip: true, cut: true} }

// BlackHole never answers and has no effect; the call ends when the client gives
// up.
func BlackHole() Fault { return Fault{Name: "black-hole", skip: true, hang: true} }

// Slow answers rightly, d later than the request took effect.
func Slow(d time.Duration) Fault { return Fault{Name: "slow", delay: d} }

// Empty answers with the right status and no body; the request took effect.
func Empty() Fault {
	return Fault{Name: "empty", mangle: func(a *Answer) { a.Body = nil }}
}

// HTML answers with the right status and a page of HTML; the request took effect.
func HTML() Fault {
	return Fault{Name: "html", mangle: func(a *Answer) {
		a.Header.Set("Content-Type", "text/html; charset=utf-8")
		a.Body = []byte("<!DOCTYPE html><html><body><h1>Just a moment</h1></body></html>\n")
	}}
}

// Truncated answers with the first half of the body; the request took effect.
func Truncated() Fault {
	return Fault{Name: "truncated", mangle: func(a *Answer) {
		a.Body = bytes.Clone(a.Body[:len(a.Body)/2])
	}}
}

// Errored accepts a write whose operation ends without effect.
func Errored() Fault { return Fault{Name: "errored", FailOperation: true} }

// DoneSpelling spells a completed operation as the vendor once did by mistake.
func DoneSpelling() Fault { return Fault{Name: "done-spelling", Done: true} }
