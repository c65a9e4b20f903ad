// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package tencent asks the metadata service of Tencent Cloud who this machine is. It
// remembers nothing, and never asks who holds an address: how soon the service shows
// a move is not documented.
//
// The service is a tree of plain text ("Instance metadata" of CVM). It names no
// network interface by its id, so the Target has no Interface: the driver finds it by
// the MAC.
package tencent

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
	Cloud = "tencent"
	// DefaultEndpoint is the service by its address. Its name is known only to the name
	// servers of the cloud, which not every machine asks.
	DefaultEndpoint = "http://169.254.0.23/"

	// timeout bounds a request, body included. The service answers in milliseconds.
	timeout = 2 * time.Second
	// bodyMax bounds a document, in bytes: the longest in use lists some addresses.
	bodyMax = 64 << 10
	// interfacesMax bounds how many interfaces are asked about, and with it the number
	// of requests. The largest machines have fewer.
	interfacesMax = 16
	// root is the version of the tree whose paths are used here.
	root = "latest/meta-data/"
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
	base *url.URL
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
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{Proxy: nil}
	}
	return &Source{base: u.JoinPath(root), http: http.Client{
		Transport: cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // an identity comes from this machine's service only
		},
	}}, nil
}

// Cloud implements metadata.Source.
func (*Source) Cloud() string { return Cloud }

// Identity implements metadata.Source: five requests, one for each interface and two
// about the primary one, in a row and each of at most two seconds. Its errors name
// the URL.
func (s *Source) Identity(ctx context.Context) (metadata.Identity, error) {
	defer s.http.CloseIdleConnections()
	r := reader{source: s}
	id := r.identity(ctx)
	if r.err != nil {
		return metadata.Identity{}, fmt.Errorf("read identity from %s: %w", r.url, r.err)
	}
	return id, nil
}

// read fetches one document. found is false for a path that there is not.
func (s *Source) read(ctx context.Context, at string) (body string, found bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", false, err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return "", false, cause(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return "", false, nil
	case resp.StatusCode != http.StatusOK:
		return "", false, fmt.Errorf("unexpected status %d", resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, bodyMax+1))
	switch {
	case err != nil:
		return "", false, cause(ctx, err)
	case len(data) > bodyMax:
		return "", false, fmt.Errorf("more than %d bytes", bodyMax)
	}
	return strings.TrimSpace(string(data)), true, nil
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
