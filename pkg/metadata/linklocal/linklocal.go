// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package linklocal reads documents of a machine's own metadata service, for every
// cloud alike: within two seconds each, past proxies, never elsewhere, and no more than
// a bound. It remembers nothing and knows no cloud.
package linklocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Timeout bounds one request, body included. Such a service answers from the hypervisor,
// in milliseconds, and vendors' own clients wait for a second or two; but a bound that a slow
// one misses each time makes it one that is not there, and nobody waits for it but the start.
const Timeout = 5 * time.Second

// Config is what New needs.
type Config struct {
	// Endpoint is the base URL of the service. Empty: Default.
	Endpoint string
	// Default is the usual one.
	Default string
	// BodyMax bounds a document, in bytes. A longer one is an error.
	BodyMax int64
	// Transport carries the requests. Nil: one of its own that ignores the environment's
	// proxy, which could not reach a link-local address, or would reach that of another
	// machine.
	Transport http.RoundTripper
}

// Client reads documents. It is safe for concurrent use.
type Client struct {
	base    string // ends in a slash
	bodyMax int64
	http    http.Client
}

// New returns a client. It does no I/O. Its error names the key of the configuration.
func New(cfg Config) (*Client, error) {
	if cfg.Endpoint == "" {
		cfg.Endpoint = cfg.Default
	}
	u, err := url.Parse(cfg.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("metadata_endpoint: not a URL of scheme, host and path only; give one such as %s", cfg.Default)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/")+"/", ""
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{Proxy: nil}
	}
	return &Client{base: u.String(), bodyMax: cfg.BodyMax, http: http.Client{
		Transport: cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // what a machine is told comes from its own service only
		},
	}}, nil
}

// URL returns where the document with this path is, which has no slash in front.
func (c *Client) URL(path string) string { return c.base + path }

// Get reads the document at a URL. An answer that is not 200 is a [Status]. No error
// shows anything of a body, which may be a credential, nor the URL.
func (c *Client) Get(ctx context.Context, at string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("no answer within %v", Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, Status(resp.StatusCode)
	}
	unwatch := context.AfterFunc(ctx, func() { _ = resp.Body.Close() }) // ends a Read of whatever it is
	defer unwatch()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.bodyMax+1))
	switch {
	case err != nil:
		return nil, cause(ctx, err)
	case int64(len(body)) > c.bodyMax:
		return nil, fmt.Errorf("more than %d bytes", c.bodyMax)
	}
	return body, nil
}

// CloseIdleConnections closes what is kept open between the requests of one identity.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// Status is the error of an answer with another status than 200.
type Status int

// Error implements error.
func (s Status) Error() string { return fmt.Sprintf("unexpected status %d", int(s)) }

// Absent reports whether err is the service's word that there is no such document.
func Absent(err error) bool {
	var s Status
	return errors.As(err, &s) && s == http.StatusNotFound
}

// cause returns why a request ended, without the URL that net/http repeats.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
