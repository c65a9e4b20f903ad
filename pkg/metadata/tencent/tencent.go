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
	"fmt"
	"net/http"
	"strings"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/metadata/linklocal"
)

const (
	// Cloud is the name of the provider whose metadata this is.
	Cloud = "tencent"
	// DefaultEndpoint is the service by its address. Its name is known only to the name
	// servers of the cloud, which not every machine asks.
	DefaultEndpoint = "http://169.254.0.23/"

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

// Identity implements metadata.Source: five requests, one for each interface and two
// about the primary one, in a row and each of at most two seconds. Its errors name
// the URL.
func (s *Source) Identity(ctx context.Context) (metadata.Identity, error) {
	defer s.service.CloseIdleConnections()
	r := reader{source: s}
	id := r.identity(ctx)
	if r.err != nil {
		return metadata.Identity{}, fmt.Errorf("read identity from %s: %w", r.url, r.err)
	}
	return id, nil
}

// read fetches one document. found is false for a path that there is not.
func (s *Source) read(ctx context.Context, at string) (body string, found bool, err error) {
	data, err := s.service.Get(ctx, at)
	if linklocal.Absent(err) {
		return "", false, nil
	}
	return strings.TrimSpace(string(data)), err == nil, err
}
