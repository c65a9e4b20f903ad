// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package jdcloud asks the metadata service of a JD Cloud machine who the machine is.
// It walks the tree of values, since there is no document that has them all, remembers
// nothing, and never asks which EIP the machine has: the service lags behind the API by
// an unknown time.
package jdcloud

import (
	"context"
	"fmt"
	"net/http"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/metadata/linklocal"
)

const (
	// Cloud is the name of the provider whose metadata this is.
	Cloud = "jdcloud"
	// DefaultEndpoint is the link-local service every machine has ("Instance Metadata").
	DefaultEndpoint = "http://169.254.169.254/"

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

// Identity implements metadata.Source with up to seven requests and two to four for each
// network interface, of which at most eight are looked at; each takes at most two
// seconds. Its errors name the URL of what is missing or wrong.
func (s *Source) Identity(ctx context.Context) (metadata.Identity, error) {
	defer s.service.CloseIdleConnections()
	r := reader{ctx: ctx, get: s.get}
	id := r.identity(s.service.URL(""))
	if r.err != nil {
		return metadata.Identity{}, fmt.Errorf("read identity from %w", r.err)
	}
	return id, nil
}

// get reads what is at a URL.
func (s *Source) get(ctx context.Context, at string) (string, error) {
	body, err := s.service.Get(ctx, at)
	return string(body), err
}
