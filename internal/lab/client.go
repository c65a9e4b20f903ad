// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	askEvery = 20 * time.Millisecond
	// askTimeout is when the client calls a request failed, where nothing else is said.
	askTimeout = 2 * time.Second
	answerMax  = 256      // bytes of an answer that are read
	samplesMax = 64 << 10 // about twenty minutes; then the older half is forgotten
)

// sample is one request of the client.
type sample struct {
	Asked, Done time.Time
	Node        string // who answered; empty: the request failed
}

// client asks the floating IP over and over, each time on a new connection, and
// remembers who answered when.
type client struct {
	url  string
	http *http.Client

	mu      sync.Mutex
	samples []sample
}

// newClient returns a client of the floating IP, which it reaches by dial and which it gives
// so long to answer. run makes it ask.
func newClient(at netip.AddrPort, patience time.Duration, dial func(ctx context.Context, network, address string) (net.Conn, error)) *client {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       dial,
	}
	return &client{url: fmt.Sprintf("http://%s/", at), http: &http.Client{Transport: transport, Timeout: patience}}
}

// run asks every 20 ms until ctx ends. A request does not wait for the one before
// it: at most askTimeout/askEvery are under way.
func (c *client) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			wg.Go(func() { c.ask(ctx) })
		}
	}
}

func (c *client) ask(ctx context.Context) {
	s := sample{Asked: time.Now()}
	s.Node = c.answer(ctx)
	s.Done = time.Now()
	if ctx.Err() != nil {
		return // broken off by the end of the lab, not by an outage
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples = append(c.samples, s)
	if len(c.samples) > samplesMax {
		c.samples = slices.Clone(c.samples[samplesMax/2:])
	}
}

// answer returns the name of the node that answered, or nothing.
func (c *client) answer(ctx context.Context) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return ""
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return strings.TrimSpace(string(body))
}

// taken returns the requests so far, in the order in which they were asked.
func (c *client) taken() []sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.samples)
	slices.SortStableFunc(all, byAsked)
	return all
}

func byAsked(a, b sample) int { return a.Asked.Compare(b.Asked) }

// last returns, of the finished requests, the one that was asked last. A request that was
// asked during an outage gives up when later ones have long been answered.
func (c *client) last() (sample, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) == 0 {
		return sample{}, false
	}
	return slices.MaxFunc(c.samples, byAsked), true
}
