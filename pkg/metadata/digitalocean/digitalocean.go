// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package digitalocean asks a droplet's metadata service who the droplet is. It
// makes one request per question, remembers nothing, and never asks who holds an
// address: the service lags behind the API by an unknown time.
//
// It reads the one document /metadata/v1.json and not the tree of plain-text
// values: a walk through the tree is about ten requests that may see different
// states and can each time out. What the document carries besides (user data,
// keys) is dropped while decoding.
package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fipctl/fipctl/pkg/metadata"
)

const (
	// Cloud is the name of the provider whose metadata this is.
	Cloud = "digitalocean"
	// DefaultEndpoint is the link-local service every droplet has.
	DefaultEndpoint = "http://169.254.169.254/"

	// timeout bounds a request, body included; the vendor's own client uses the
	// same 2 s. The service answers from the hypervisor, in milliseconds.
	timeout = 2 * time.Second
	// bodyMax bounds the document, in bytes. User data alone may be 64 KiB.
	bodyMax = 1 << 20
)

// Config is what New needs.
type Config struct {
	// Endpoint is the base URL of the service. Empty: DefaultEndpoint.
	Endpoint string
	// Transport carries the requests. Nil: one of its own that ignores the
	// environment's proxy, which could not reach a link-local address, or would
	// reach that of another machine.
	Transport http.RoundTripper
}

// Source implements metadata.Source. It is safe for concurrent use.
type Source struct {
	url  string
	http http.Client
}

var _ metadata.Source = (*Source)(nil)

// New returns a source. It does no I/O.
func New(cfg Config) (*Source, error) {
	if cfg.Endpoint == "" {
		cfg.Endpoint = DefaultEndpoint
	}
	u, err := url.Parse(cfg.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("metadata_endpoint: not a URL of scheme, host and path only; give one such as %s", DefaultEndpoint)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/metadata/v1.json"
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{Proxy: nil, DisableKeepAlives: true}
	}
	return &Source{url: u.String(), http: http.Client{
		Transport: cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // an identity comes from this machine's service only
		},
	}}, nil
}

// Cloud implements metadata.Source.
func (*Source) Cloud() string { return Cloud }

// Identity implements metadata.Source with one request of at most two seconds.
// Its errors name the URL.
func (s *Source) Identity(ctx context.Context) (metadata.Identity, error) {
	body, err := s.read(ctx)
	if err == nil {
		var id metadata.Identity
		if id, err = decode(body); err == nil {
			return id, nil
		}
	}
	return metadata.Identity{}, fmt.Errorf("read identity from %s: %w", s.url, err)
}

// read fetches the document.
func (s *Source) read(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("unexpected status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyMax+1))
	switch {
	case err != nil:
		return nil, cause(ctx, err)
	case len(body) > bodyMax:
		return nil, fmt.Errorf("more than %d bytes", bodyMax)
	}
	return body, nil
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
