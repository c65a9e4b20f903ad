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
	"fmt"
	"net/http"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/metadata/linklocal"
)

const (
	// Cloud is the name of the provider whose metadata this is.
	Cloud = "digitalocean"
	// DefaultEndpoint is the link-local service every droplet has.
	DefaultEndpoint = "http://169.254.169.254/"

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
type Source struct{ service *linklocal.Client }

var _ metadata.Source = (*Source)(nil)

// New returns a source. It does no I/O.
func New(cfg Config) (*Source, error) {
	c, err := linklocal.New(linklocal.Config{Endpoint: cfg.Endpoint, Default: DefaultEndpoint, BodyMax: bodyMax, Transport: cfg.Transport})
	if err != nil {
		return nil, err
	}
	return &Source{c}, nil
}

// Cloud implements metadata.Source.
func (*Source) Cloud() string { return Cloud }

// Identity implements metadata.Source with one request of at most two seconds.
// Its errors name the URL.
func (s *Source) Identity(ctx context.Context) (metadata.Identity, error) {
	at := s.service.URL("metadata/v1.json")
	defer s.service.CloseIdleConnections()
	body, err := s.service.Get(ctx, at)
	if err == nil {
		var id metadata.Identity
		if id, err = decode(body); err == nil {
			return id, nil
		}
	}
	return metadata.Identity{}, fmt.Errorf("read identity from %s: %w", at, err)
}
