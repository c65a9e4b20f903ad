// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package face

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
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
	mangle func(*Answer) // spoil the answer, or put it into another form
	pieces bool          // send the body in pieces
	within bool          // and cut the connection half-way through them

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

// Swallowed never answers although the request took effect: a reply that is lost on a path
// that is cut, of which no reset tells.
func Swallowed() Fault { return Fault{Name: "swallowed", hang: true} }

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

// CutWithin resets nothing and ends the connection half-way through the body, whose length
// was not told; the request took effect.
func CutWithin() Fault { return Fault{Name: "cut-within", pieces: true, within: true} }

// Doubled answers with one member twice, the second time with null: each answer another of
// its members, in their order, and then from the first. The request took effect. No two
// readers of JSON need agree on what such a document says.
func Doubled() Fault {
	var turn atomic.Int64
	return Fault{Name: "doubled", mangle: func(a *Answer) {
		var document any
		d := json.NewDecoder(bytes.NewReader(a.Body))
		d.UseNumber()
		if d.Decode(&document) != nil {
			return
		}
		members := 0
		doubled(nil, document, &members, -1)
		if members > 0 {
			which := int(turn.Add(1)-1) % members
			members = 0
			a.Body = doubled(nil, document, &members, which)
		}
	}}
}

// doubled appends the text of a decoded document, in which one member is twice, and counts
// them all.
func doubled(to []byte, document any, members *int, which int) []byte {
	switch v := document.(type) {
	case []any:
		to = append(to, '[')
		for i, element := range v {
			if i > 0 {
				to = append(to, ',')
			}
			to = doubled(to, element, members, which)
		}
		return append(to, ']')
	case map[string]any:
		to = append(to, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				to = append(to, ',')
			}
			this := *members == which
			*members++
			to = doubled(append(strconv.AppendQuote(to, name), ':'), v[name], members, which)
			if this {
				to = append(strconv.AppendQuote(append(to, ','), name), ":null"...)
			}
		}
		return append(to, '}')
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(fmt.Sprintf("encode %v: %v", document, err)) // it was JSON a moment ago
	}
	return append(to, text...)
}

// The forms that say the same in other bytes; a client that is told so knows no less.

// Marked answers with a byte order mark before the document (RFC 8259 section 8.1).
func Marked() Fault {
	return Fault{Name: "marked", mangle: func(a *Answer) { a.Body = append([]byte("\ufeff"), a.Body...) }}
}

// Spaced answers with white space around the document, and within it.
func Spaced() Fault {
	return Fault{Name: "spaced", mangle: func(a *Answer) {
		var body bytes.Buffer
		if json.Indent(&body, a.Body, "\r\n", " \t") == nil {
			a.Body = append([]byte("\r\n "), append(body.Bytes(), "\n\n"...)...)
		}
	}}
}

// Gzipped answers with a compressed body, as a client that does not forbid it allows.
func Gzipped() Fault {
	return Fault{Name: "gzipped", mangle: func(a *Answer) {
		var body bytes.Buffer
		z := gzip.NewWriter(&body)
		_, _ = z.Write(a.Body) // into memory
		_ = z.Close()
		a.Header = a.Header.Clone()
		a.Header.Set("Content-Encoding", "gzip")
		a.Body = body.Bytes()
	}}
}

// InPieces answers with a body of small chunks, whose number is not told before.
func InPieces() Fault { return Fault{Name: "in-pieces", pieces: true} }
