// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"
)

// redactMin is the least length, in bytes, of a token that is searched for in
// answers. A shorter one is no real token, and replacing it would tear words apart.
const redactMin = 8

// attempts sends each request exactly once and brings back a complete answer.
type attempts struct {
	token     TokenSource
	sign      Signer
	userAgent string
	timeout   time.Duration
	base      http.RoundTripper
	gated     bool // base asks gates; see transport.go
	meter     meter
}

// RoundTrip implements http.RoundTripper. Its errors are of type *Error.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(req.Context(), a.timeout, ErrTimeout)
	defer cancel()
	g, way := &gate{ctx: ctx}, &progress{}
	out := a.outgoing(g.attach(httptrace.WithClientTrace(ctx, way.trace())), req)
	secrets, err := a.authenticate(ctx, out)
	if err != nil {
		closeBody(req)
		return nil, &Error{Err: err}
	}
	resp, err := a.base.RoundTrip(out)
	left := err == nil || g.passed.Load() || !a.gated
	if left {
		a.meter.sent()
	}
	if err == nil {
		a.meter.read(resp)
		err = complete(ctx, resp, secrets)
	}
	if err == nil {
		g.answered.Store(true)
		return resp, nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		a.CloseIdleConnections()
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, context.DeadlineExceeded), errors.Is(cause, ErrTimeout):
		err = &timeout{where: a.where(out), after: allowed(ctx, began), during: way.now(), cause: cause}
	case cause != nil:
		err = cause
	default:
		err = explain(err, a.where(out), way.now())
	}
	return nil, &Error{Sent: left, Err: err}
}

// allowed returns the time that an attempt had, of which its caller may have left less than
// an attempt's.
func allowed(ctx context.Context, began time.Time) time.Duration {
	deadline, _ := ctx.Deadline()
	return deadline.Sub(began)
}

// authenticate adds to out what proves who asks, and returns what of it must not be
// seen. It comes before the connection and can stop the attempt.
func (a *attempts) authenticate(ctx context.Context, out *http.Request) (secrets []Secret, err error) {
	switch {
	case ctx.Err() != nil:
		return nil, a.why(ctx)
	case a.token != nil:
		secrets, err = a.bearer(ctx, out)
	case a.sign != nil:
		secrets, err = a.signed(out)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, a.why(ctx) // the source of the credentials was not given the time
	case err != nil:
		return nil, credentialsError{err}
	}
	return secrets, nil
}

// bearer puts the token into out.
func (a *attempts) bearer(ctx context.Context, out *http.Request) ([]Secret, error) {
	source := a.token
	if pin, ok := ctx.Value(pinKey{}).(*pin); ok {
		source = func() (Secret, error) { return pin.token(a.token) }
	}
	token, err := source()
	switch {
	case err != nil:
		return nil, err
	case token.IsEmpty():
		return nil, errors.New("the token is empty")
	}
	out.Header.Set("Authorization", "Bearer "+token.Reveal())
	return []Secret{token}, nil
}

// signed lets the signer sign out and the body, which it reads into memory for that.
// The body stays one that cannot be rewound.
func (a *attempts) signed(out *http.Request) ([]Secret, error) {
	if out.Body == nil {
		return a.sign(out, nil)
	}
	body, err := io.ReadAll(io.LimitReader(out.Body, BodyMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read request body: %w", err)
	case len(body) > BodyMax:
		return nil, fmt.Errorf("request body: more than %d bytes", BodyMax)
	}
	_ = out.Body.Close() // it has been read to its end
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return a.sign(out, body)
}

// why returns the cause that ended ctx, with the time that was allowed.
func (a *attempts) why(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ErrTimeout) {
		return fmt.Errorf("%w (%v)", cause, a.timeout)
	}
	return cause
}

// outgoing returns the request to send, but for what proves who asks. The caller's is left as it was.
func (a *attempts) outgoing(ctx context.Context, req *http.Request) *http.Request {
	out := req.Clone(ctx)
	if a.userAgent != "" {
		out.Header.Set("User-Agent", strings.TrimSpace(a.userAgent+" "+req.UserAgent()))
	}
	if !isRead(req.Method) {
		forbidReplay(out)
	}
	return out
}

// forbidReplay takes away what net/http needs to send a request again after a
// connection died under it: a body that can be rewound, and the headers that
// declare a write harmless to repeat.
func forbidReplay(req *http.Request) {
	req.GetBody = nil
	req.Header.Del("Idempotency-Key")
	req.Header.Del("X-Idempotency-Key")
}

// CloseIdleConnections closes what the transport keeps warm, if it can.
func (a *attempts) CloseIdleConnections() {
	if c, ok := a.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// unasked are the compressions that an answer may say it has and net/http does not undo: it
// asks for gzip, and takes that name away with it.
var unasked = []string{"gzip", "x-gzip", "deflate", "br", "zstd", "compress"}

// complete reads the body of resp into memory, within BodyMax, and redacts the secrets
// in everything the caller can see. Reading here makes a cut or slow body part
// of the attempt, so that it has the same deadline and the same retry.
//
// The body is closed when ctx ends, which ends a Read of it: net/http does that to its own
// bodies but one, that of a 101, which is the bare connection.
func complete(ctx context.Context, resp *http.Response, secrets []Secret) error {
	defer resp.Body.Close() // nothing more is wanted from it
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return fmt.Errorf("the answer switches to another protocol (%s), which was not asked for; look at the endpoint, and at what answers in its place", Clean(resp.Status))
	}
	if coding := strings.ToLower(resp.Header.Get("Content-Encoding")); slices.Contains(unasked, coding) {
		return fmt.Errorf("the answer (status %d) is compressed with %s, which was not asked for; look at the endpoint, and at what answers in its place", resp.StatusCode, coding)
	}
	body := resp.Body // it is another one below
	unwatch := context.AfterFunc(ctx, func() { _ = body.Close() })
	data, err := io.ReadAll(io.LimitReader(resp.Body, BodyMax+1))
	unwatch()
	switch {
	case err != nil:
		return fmt.Errorf("read answer (status %d): %w", resp.StatusCode, err)
	case len(data) > BodyMax:
		return fmt.Errorf("%w: more than %d bytes (status %d)", ErrBodyTooLarge, BodyMax, resp.StatusCode)
	}
	for _, s := range secrets {
		secret := s.Reveal()
		if len(secret) < redactMin {
			continue
		}
		data = bytes.ReplaceAll(data, []byte(secret), []byte(redacted))
		for _, values := range resp.Header {
			for i, v := range values {
				values[i] = strings.ReplaceAll(v, secret, redacted)
			}
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return nil
}

// closeBody keeps the rule that a RoundTripper closes the body whatever happens.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // an in-memory body
	}
}
