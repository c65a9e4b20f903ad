// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/fipctl/fipctl/pkg/metadata"
)

// regionOf returns what tells a driver its region: the configuration, or else the
// metadata service, which is asked until it has answered once.
func regionOf(configured string, source metadata.Source) func(context.Context) (string, error) {
	if configured != "" {
		return func(context.Context) (string, error) { return configured, nil }
	}
	r := &regionReader{source: source, turn: make(chan struct{}, 1)}
	return r.region
}

// regionReader asks the metadata service for the region. A machine never leaves its
// region, so the first answer is kept.
type regionReader struct {
	source metadata.Source
	turn   chan struct{} // capacity 1: whose value is in it has what follows
	known  string
}

func (r *regionReader) region(ctx context.Context) (string, error) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done(): // another call asks, with a context of its own
		return "", fmt.Errorf("find the region: %w", context.Cause(ctx))
	}
	defer func() { <-r.turn }()
	if r.known != "" {
		return r.known, nil
	}
	id, err := r.source.Identity(ctx)
	if err != nil && !errors.Is(err, metadata.ErrIncomplete) {
		return "", fmt.Errorf("find the region: %w; set providers.%s.region", err, r.source.Cloud())
	}
	r.known = id.Region
	return r.known, nil
}
