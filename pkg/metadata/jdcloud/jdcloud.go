// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package jdcloud asks the metadata service of a JD Cloud machine who the machine is.
// It walks the tree of values, since there is no document that has them all, remembers
// nothing, and never asks which EIP the machine has: the service lags behind the API by
// an unknown time.
package jdcloud

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
	Cloud = "jdcloud"
	// DefaultEndpoint is the link-local service every machine has ("Instance Metadata").
	DefaultEndpoint = "http://169.254.169.254/"

	// timeout bounds a request, body included. The service answers from the hypervisor,
	// in milliseconds.
	timeout = 2 * time.Second
	// bodyMax bounds a value or directory, in bytes; those that are read have under 100.
	bodyMax = 64 << 10
)

// trees are the names of the tree, the documented one first. The other is what the
// vendor's container network reads.
var trees = []string{"metadata/latest/", "jcs-metadata/latest/"}

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
	base string // ends in a slash
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
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{Proxy: nil, DisableKeepAlives: true}
	}
	return &Source{base: u.String(), http: http.Client{
		Transport: cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // an identity comes from this machine's service only
		},
	}}, nil
}

// Cloud implements metadata.Source.
func (*Source) Cloud() string { return Cloud }

// Identity implements metadata.Source with up to seven requests and two to four for each
// network interface, of which at most eight are looked at; each takes at most two
// seconds. Its errors name the URL of what is missing or wrong.
func (s *Source) Identity(ctx context.Context) (metadata.Identity, error) {
	r := reader{ctx: ctx, get: s.get}
	id := r.identity(s.base)
	if r.err != nil {
		return metadata.Identity{}, fmt.Errorf("read identity from %w", r.err)
	}
	return id, nil
}

// errAbsent says that the service has no such value.
var errAbsent = errors.New("unexpected status 404")

// get reads what is at a URL.
func (s *Source) get(ctx context.Context, at string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return "", cause(ctx, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return "", errAbsent
	default:
		return "", fmt.Errorf("unexpected status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyMax+1))
	switch {
	case err != nil:
		return "", cause(ctx, err)
	case len(body) > bodyMax:
		return "", fmt.Errorf("more than %d bytes", bodyMax)
	}
	return string(body), nil
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
