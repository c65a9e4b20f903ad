// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"context"
	"sync"
)

// OneToken returns a context whose attempts all have the token that the source gave the
// first of them: answers that mean something only together must not come from two tokens,
// of which one replaced the other in between. The next context has the new one. A source
// that fails is asked again. It does nothing for a client without a TokenSource.
func OneToken(ctx context.Context) context.Context {
	return context.WithValue(ctx, pinKey{}, &pin{})
}

type pinKey struct{}

// pin is the token of a context, empty until there is one.
type pin struct {
	mu   sync.Mutex
	kept Secret
}

func (p *pin) token(source TokenSource) (Secret, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.kept.IsEmpty() {
		return p.kept, nil
	}
	got, err := source()
	if err == nil {
		p.kept = got
	}
	return got, err
}
