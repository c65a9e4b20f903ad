// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// suspectMin is the least time after which a warm connection that does not answer is
	// suspected. Shorter, and an API on a bad day is asked everything twice; longer, and it
	// is felt in every failover that finds a dead one.
	suspectMin = 500 * time.Millisecond
	// suspectOf is how many of the last answers say what is usual.
	suspectOf = 8
)

// beside is the stage that asks a read again, over a fresh connection, beside one that is
// suspected to wait on a connection whose other end has gone: nothing tells of that but
// silence. Whichever answers first is used, and the other is given up.
type beside struct {
	next *attempts

	mu   sync.Mutex
	took []time.Duration // by the last answers, oldest first
}

// end is the end of one of the two.
type end struct {
	resp *http.Response
	err  error
}

// RoundTrip implements http.RoundTripper. It returns when both have ended.
func (b *beside) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := bodyOf(req)
	if err != nil {
		return nil, &Error{Err: err}
	}
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	ends := make(chan end, 2) // one place for each
	ask := func(ctx context.Context) {
		began := time.Now()
		resp, err := b.next.RoundTrip(again(ctx, req, body))
		if err == nil {
			b.answered(time.Since(began))
		}
		ends <- end{resp, err}
	}
	var warm atomic.Bool
	go ask(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { warm.Store(info.Reused) },
	}))
	suspect := time.NewTimer(b.patience())
	defer suspect.Stop()
	for flying := 1; ; {
		select {
		case <-suspect.C:
			if warm.Load() {
				b.next.CloseIdleConnections() // they may have died with it
				flying++
				go ask(ctx)
			}
		case got := <-ends:
			if flying--; got.err != nil && flying > 0 {
				continue
			}
			cancel()
			for ; flying > 0; flying-- {
				<-ends
			}
			return got.resp, got.err
		}
	}
}

// answered notes how long an answer took.
func (b *beside) answered(took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.took = append(b.took, took)
	b.took = b.took[max(0, len(b.took)-suspectOf):]
}

// patience returns how long an answer may take before its connection is suspected.
func (b *beside) patience() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.took) == 0 {
		return suspectMin
	}
	return max(suspectMin, 2*slices.Max(b.took))
}

// bodyOf reads the body of a read, such as a query that is sent as a POST; nil if it has none.
func bodyOf(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer closeBody(req)
	body, err := io.ReadAll(io.LimitReader(req.Body, BodyMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read request body: %w", err)
	case len(body) > BodyMax:
		return nil, fmt.Errorf("request body: more than %d bytes", BodyMax)
	}
	return body, nil
}

// again returns a copy of req with a body of its own.
func again(ctx context.Context, req *http.Request, body []byte) *http.Request {
	out := req.Clone(ctx)
	if body != nil {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	return out
}
