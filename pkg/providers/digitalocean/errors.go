// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
)

// scopeWrite is what a token needs for every write (docs/providers/digitalocean.md).
const scopeWrite = "reserved_ip:update"

// kinds translates what the API refuses. An entry counts only if the body is the
// API's own (see envelope), apart from 401, 429 and 5xx, which mean the same
// whoever answers.
//
//	status  id                    meaning                            read       write
//	400     bad_request           malformed request                  Invalid    Invalid
//	401     unauthorized          token bad or expired               Denied     Denied
//	403     forbidden             token lacks a scope, or account    Denied     Denied
//	                              locked
//	404     not_found             address, droplet or action         NotFound   NotFound
//	                              unknown to this account
//	408     -                     gave up waiting for the request    Transient  Ambiguous
//	409     conflict              changed meanwhile                  Transient  Conflict
//	422     unprocessable_entity  "pending event" on the droplet or  Busy       Busy
//	                              the address
//	                              anything else: already there,      Invalid    Conflict
//	                              droplet full, other region
//	429     too_many_requests     rate limit                         Throttled  Throttled
//	3xx     -                     not the API; not followed          Invalid    Invalid
//	5xx     server_error          may have taken effect              Transient  Ambiguous
//	other   with an envelope      refused                            Invalid    Invalid
//	other   without               not the API's answer               Transient  Ambiguous
//
// The texts of the second kind of 422 are not documented. One of them says that
// the address is already there, which is no failure; so none is Invalid for a
// write, and the caller finds out which by reading.
func kinds(status int, answered envelope, write bool) providers.Kind {
	unsure, onlyWrite := providers.Transient, providers.Invalid
	if write {
		unsure, onlyWrite = providers.Ambiguous, providers.Conflict
	}
	switch {
	case status == http.StatusUnauthorized:
		return providers.Denied
	case status == http.StatusTooManyRequests:
		return providers.Throttled
	case status >= 500, status == http.StatusRequestTimeout:
		return unsure
	case status >= 300 && status < 400:
		return providers.Invalid
	case answered.ID == "":
		return unsure
	case status == http.StatusForbidden:
		return providers.Denied
	case status == http.StatusNotFound:
		return providers.NotFound
	case status == http.StatusConflict && !write:
		return providers.Transient
	case status == http.StatusUnprocessableEntity && answered.pendingEvent():
		return providers.Busy
	case status == http.StatusConflict, status == http.StatusUnprocessableEntity:
		return onlyWrite
	default:
		return providers.Invalid
	}
}

// envelope is the body of every error the API itself answers.
type envelope struct {
	ID        cloudhttp.Loose `json:"id"`
	Message   cloudhttp.Loose `json:"message"`
	RequestID cloudhttp.Loose `json:"request_id"`
}

// readEnvelope returns the envelope in body, or an empty one if there is none.
func readEnvelope(body []byte) envelope {
	var e envelope
	if cloudhttp.Decode(body, &e) != nil {
		return envelope{} // not the API's answer; the caller goes by the empty id
	}
	return e
}

// pendingEvent reports whether the refusal passes by itself. Two texts are known,
// "Droplet already has a pending event." and the same of the address.
func (e envelope) pendingEvent() bool {
	return strings.Contains(strings.ToLower(string(e.Message)), "pending event")
}

// refusal is the error for an answer other than 2xx.
func refusal(op string, write bool, got reply, now time.Time) *providers.Error {
	answered := readEnvelope(got.body)
	var cause error
	switch {
	case answered.Message != "":
		cause = errors.New(cloudhttp.Clean(string(answered.Message)))
	case got.status >= 300 && got.status < 400:
		cause = fmt.Errorf("redirected to %s, which is not followed; check %s", cloudhttp.Quote(got.header.Get("Location")), OptionEndpoint)
	case answered.ID == "":
		cause = fmt.Errorf("not an answer of the API: %s", cloudhttp.Quote(string(got.body)))
	}
	if write && got.status == http.StatusForbidden && answered.ID != "" && cause != nil {
		cause = fmt.Errorf("%w; give the token the scope %s, or unlock the account", cause, scopeWrite)
	}
	e := got.problem(op, kinds(got.status, answered, write), cause)
	if answered.ID != "" {
		e.Code += " " + cloudhttp.Clean(string(answered.ID))
	}
	if answered.RequestID != "" {
		e.RequestID = cloudhttp.Clean(string(answered.RequestID))
	}
	e.RetryAfter = retryAfter(got, now)
	return e
}

// retryAfter returns how long the API asks to wait: Retry-After, which the burst
// limit sends, else for a 429 the time until the oldest request falls out of the
// hourly window. Header names are compared case-blind by net/http.
func retryAfter(got reply, now time.Time) time.Duration {
	if after, ok := cloudhttp.RetryAfter(&http.Response{Header: got.header}, now); ok {
		return after
	}
	if got.status != http.StatusTooManyRequests {
		return 0
	}
	reset, err := strconv.ParseInt(strings.TrimSpace(got.header.Get("Ratelimit-Reset")), 10, 64)
	if err != nil {
		return 0 // no hint: the caller has its own backoff
	}
	return cloudhttp.ClampWait(time.Unix(reset, 0).Sub(now))
}

// lost is the error for a request that brought no complete answer.
//
//	the request         the caller's context   read       write
//	maybe sent          any                    (below)    Ambiguous
//	no token for it     any                    as WithoutCredentials has it
//	never left, or read cancelled              Canceled   Canceled
//	never left, or read over time, or alive    Transient  Transient
func lost(ctx context.Context, op string, write bool, err error) *providers.Error {
	e := &providers.Error{Provider: Name, Op: op, Kind: providers.Transient, Err: err}
	var bare *cloudhttp.Error
	if errors.As(err, &bare) {
		e.Err = bare.Err // without the method and URL that net/http puts before it
	}
	switch {
	case errors.Is(err, cloudhttp.ErrCredentials):
		return providers.WithoutCredentials(Name, op, e.Err)
	case write && cloudhttp.Sent(err):
		e.Kind = providers.Ambiguous
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind = providers.Canceled
	}
	return e
}

// refuse is the error for something that was found out without a refusal of the
// API.
func refuse(op string, kind providers.Kind, format string, args ...any) *providers.Error {
	return &providers.Error{Provider: Name, Op: op, Kind: kind, Err: fmt.Errorf(format, args...)}
}

// problem is the error of this kind for an answer.
func (r reply) problem(op string, kind providers.Kind, cause error) *providers.Error {
	return &providers.Error{
		Provider: Name, Op: op, Kind: kind, Err: cause,
		Code: strconv.Itoa(r.status), RequestID: r.requestID(),
	}
}

// unread is the error of this kind for a success that cannot be read. What is an error of the
// API all the same, or of something in its place that speaks its language, has its words.
func (r reply) unread(op string, kind providers.Kind, cause error) *providers.Error {
	if e := readEnvelope(r.body); e.ID != "" && e.Message != "" {
		cause = fmt.Errorf("%w; it says %s: %s", cause, cloudhttp.Clean(string(e.ID)), cloudhttp.Clean(string(e.Message)))
	}
	return r.problem(op, kind, cause)
}

// requestID returns the id in the header; every answer of the API has it.
func (r reply) requestID() string { return cloudhttp.Clean(r.header.Get("X-Request-Id")) }
