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

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

const (
	// skewMin is the least difference of the clocks that an error speaks of. The window
	// of the signature is not published; similar schemes allow some minutes, and an
	// answer is at most seconds old.
	skewMin = time.Minute
)

// lost is the error for a request that brought no complete answer.
//
//	the request         the caller's context   read       write
//	maybe sent          any                    (below)    Ambiguous
//	no credentials      any                    as WithoutCredentials has it
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
		return providers.WithoutCredentials(Name, op, e.Err)
	case q.body != nil && cloudhttp.Sent(err):
		e.Kind = providers.Ambiguous
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind = providers.Canceled
	case !cloudhttp.Sent(err) && noConnection(ctx, err) && (c.endpoint.internal || !errors.Is(err, cloudhttp.ErrName)):
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
		code, text = string(e.Status), string(e.Message)
		if status < 300 && (e.Code != "" && e.Code != "0" || code != "" || text != "") {
			status, _ = strconv.Atoi(string(e.Code))
			if status < 300 {
				status = 0 // a refusal, whatever it calls itself
			}
		}
	}
	if status >= 200 && status < 300 {
		return nil
	}
	r := classify(status, code, text)
	cause := cloudhttp.Clean(text)
	switch {
	case status >= 300 && status < 400:
		cause = "redirected to " + cloudhttp.Quote(got.header.Get("Location")) + ", which is not followed"
	case cause == "" && code == "":
		cause = "not an answer of the API: " + cloudhttp.Quote(string(got.body))
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
	e.Code = strings.TrimSpace(strconv.Itoa(status) + " " + cloudhttp.Clean(code))
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
