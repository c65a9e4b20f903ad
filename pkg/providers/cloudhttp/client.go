// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"net/http"
	"time"
)

const (
	// AttemptTimeout bounds one attempt, from asking for the token to the last
	// byte of the answer. It is the attempt deadline of invariant 1: an owner read
	// that took longer opens no write gate, so a longer one would be useless.
	AttemptTimeout = 3 * time.Second
	// BodyMax bounds an answer, in bytes. The longest one in use is a page of 200
	// addresses with their full machines, well below half of it.
	BodyMax = 1 << 20
)

// TokenSource returns the bearer token for the next attempt. It is called once
// per attempt, from any goroutine, and must not block on the network.
type TokenSource func() (Secret, error)

// Signer signs one attempt, which has its final form but for what the signer adds to
// it: req is the attempt's own copy and goes out as the signer leaves it, and body is
// what will be sent, which must not be changed. The context of req ends with the attempt.
// It returns what it put into the request that must not be seen, such as a session token
// in the form in which it is sent. It is called once per attempt, from any goroutine; an
// error of it is one of credentials, and nothing leaves.
type Signer func(req *http.Request, body []byte) ([]Secret, error)

// Config describes a client.
type Config struct {
	// Token authenticates each attempt with "Authorization: Bearer". Nil: Sign does, or
	// the driver signs its requests itself.
	Token TokenSource
	// Sign authenticates each attempt in the cloud's own way, so that a repeated read is
	// signed again. It is not asked where there is a Token.
	Sign Signer
	// Ration says where the answers tell what is left of the account's calls. The zero
	// Ration: nowhere.
	Ration Ration
	// UserAgent goes before whatever user agent a request already carries.
	UserAgent string
	// Transport carries the requests; it is used as it is and never modified.
	// Nil: a transport of this package's own, which obeys the environment's
	// proxy settings and is the only one that makes promises 3 and 4 exact.
	Transport http.RoundTripper
	// AttemptTimeout replaces the default. Zero: AttemptTimeout.
	AttemptTimeout time.Duration
}

// Client hands out HTTP clients that keep this package's promises. Drivers take a
// *Client instead of an *http.Client so that no other kind can be passed. It is
// safe for concurrent use.
type Client struct {
	http  http.Client
	reads http.RoundTripper
	meter *meter
}

// New returns a client. It does no I/O.
func New(cfg Config) *Client {
	a := &attempts{
		token:     cfg.Token,
		sign:      cfg.Sign,
		userAgent: cfg.UserAgent,
		timeout:   cfg.AttemptTimeout,
		base:      cfg.Transport,
		meter:     meter{ration: cfg.Ration},
	}
	if a.timeout <= 0 {
		a.timeout = AttemptTimeout
	}
	if a.base == nil {
		a.base, a.gated = newTransport(), true
	}
	reads := retryReads(a)
	return &Client{reads: reads, meter: &a.meter, http: http.Client{
		Transport:     &router{reads: reads, writes: a},
		CheckRedirect: refuseRedirect,
	}}
}

// HTTP returns an *http.Client for an SDK. It is the caller's own: changing it
// changes nothing for anybody else.
func (c *Client) HTTP() *http.Client {
	h := c.http
	return &h
}

// ReadTransport returns a transport that takes every request for a read, whatever its
// method: it may be sent more than once. It is for clouds whose reads are POSTs, and
// carries nothing else; writes go through the transport of HTTP.
func (c *Client) ReadTransport() http.RoundTripper { return c.reads }

// Do sends req; see the package comment for what happens to it on the way.
func (c *Client) Do(req *http.Request) (*http.Response, error) { return c.http.Do(req) }

// refuseRedirect hands a redirect to the caller as it is. Following it would
// carry the token to another host and could turn one write into two.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// router sends reads through the retrying stage and writes past it.
type router struct {
	reads  http.RoundTripper
	writes *attempts
}

// RoundTrip implements http.RoundTripper.
func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	if isRead(req.Method) {
		return r.reads.RoundTrip(req)
	}
	return r.writes.RoundTrip(req)
}

// CloseIdleConnections is what http.Client.CloseIdleConnections looks for.
func (r *router) CloseIdleConnections() { r.writes.CloseIdleConnections() }

// isRead reports whether a request with this method may be sent twice.
func isRead(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodHead
}
