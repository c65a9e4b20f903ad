// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const (
	// textMax bounds how much of a server's text gets into an error, in runes.
	textMax = 200
	// skewMin is the least difference of the clocks that an error speaks of. The window
	// of the signature is not published; similar schemes allow some minutes, and an
	// answer is at most seconds old.
	skewMin = time.Minute
)

// lost is the error for a request that brought no complete answer.
//
//	the request         the caller's context   read       write
//	maybe sent          any                    (below)    Ambiguous
//	no credentials      any                    Denied     Denied
//	never left, or read cancelled              Canceled   Canceled
//	never left, or read over time, or alive    Transient  Transient
func (c *client) lost(ctx context.Context, op string, q call, at place, err error) *providers.Error {
	e := &providers.Error{Provider: Name, Op: op, Kind: providers.Transient, Err: err}
	var bare *cloudhttp.Error
	if errors.As(err, &bare) {
		e.Err = bare.Err // without the method and URL that net/http puts before it
	}
	switch {
	case errors.Is(err, cloudhttp.ErrCredentials):
		e.Kind = providers.Denied
	case q.body != nil && cloudhttp.Sent(err):
		e.Kind = providers.Ambiguous
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind = providers.Canceled
	case !cloudhttp.Sent(err) && noConnection(ctx, err):
		e.Err = c.endpoint.unreachable(at.base, e.Err)
	}
	return e
}

// noConnection reports whether a request that never left had nobody to go to, or no time
// to find out. Other causes, such as a refused certificate, speak for themselves.
func noConnection(ctx context.Context, err error) bool {
	var operation *net.OpError
	var lookup *net.DNSError
	return errors.As(err, &operation) || errors.As(err, &lookup) ||
		errors.Is(err, cloudhttp.ErrTimeout) || errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// refusal is the error for an answer that is not a success, or nil. HTTP says 200 for
// a success alone, but that is not relied on: an error in the body counts.
func (c *client) refusal(op string, q call, at place, got reply) error {
	status, code, text := got.status, "", ""
	if e := got.Error; e != nil {
		code, text = e.Status, e.Message
		if status < 300 && (e.Code != 0 || code != "" || text != "") {
			status = e.Code
		}
	}
	if status >= 200 && status < 300 {
		return nil
	}
	r := classify(status, code, text)
	cause := clean(text)
	switch {
	case status >= 300 && status < 400:
		cause = "redirected to " + quote(got.header.Get("Location")) + ", which is not followed"
	case cause == "" && code == "":
		cause = "not an answer of the API: " + quote(string(got.body))
	}
	hint := strings.NewReplacer(
		"{action}", q.action(), "{region}", at.region, "{host}", at.base.Host, "{endpoint}", c.endpoint.field(),
	).Replace(r.hint)
	if skew, ok := clockSkew(got.header, c.now()); ok && status == http.StatusUnauthorized && skew.Abs() >= skewMin {
		hint = skewHint(skew)
	}
	if hint != "" {
		cause = strings.TrimPrefix(cause+"; "+hint, "; ")
	}
	e := got.problem(op, r.kind(q), errors.New(cause))
	e.Code = strings.TrimSpace(strconv.Itoa(status) + " " + clean(code))
	e.RetryAfter, _ = cloudhttp.RetryAfter(&http.Response{Header: got.header}, c.now())
	return e
}

func skewHint(skew time.Duration) string {
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	return fmt.Sprintf("the clock of this machine is %v %s the API's, and signatures count for minutes only; synchronise it", skew.Abs(), side)
}

// refuse is the error for something that was found out without a refusal of the API.
func refuse(op string, kind providers.Kind, format string, args ...any) *providers.Error {
	return &providers.Error{Provider: Name, Op: op, Kind: kind, Err: fmt.Errorf(format, args...)}
}

// clean makes a server's text fit for one line of a log: bounded, no control
// characters.
func clean(text string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
	if len(runes) > textMax {
		runes = append(runes[:textMax], []rune("...")...)
	}
	return strings.TrimSpace(string(runes))
}

// quote is clean for text of which not even the form is known.
func quote(text string) string { return strconv.Quote(clean(text)) }
