// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Ration names the headers in which a cloud tells what is left of an account's calls.
// The names are compared case-blind.
type Ration struct {
	Limit, Remaining, Reset string
}

// Rest is what the last answer that told it said of the account's calls.
type Rest struct {
	Limit, Remaining int
	Reset            time.Time // by the cloud's clock; the zero Time: not told
	Sent             int       // attempts that left, or may have, since the client was made
	Told             int       // answers that told it
}

// Rest returns what is left of the account's calls, and whether an answer has told it.
func (c *Client) Rest() (Rest, bool) { return c.meter.rest() }

// meter counts the attempts of a client and keeps what the last answer told.
type meter struct {
	ration Ration

	mu   sync.Mutex
	last Rest
}

// sent counts one attempt.
func (m *meter) sent() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last.Sent++
}

// read takes in the headers of one answer. Not everything that looks like them is about
// the account: an answer to bad credentials (401) is about nobody, and one to too many
// calls in a moment (429 with Retry-After) says that none is left until that moment is
// over. Numbers that make no sense are left alone.
func (m *meter) read(resp *http.Response) {
	burst := resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != ""
	if m.ration.Limit == "" || resp.StatusCode == http.StatusUnauthorized || burst {
		return
	}
	number := func(name string) int64 {
		n, err := strconv.ParseUint(strings.TrimSpace(resp.Header.Get(name)), 10, 53)
		if err != nil {
			return -1
		}
		return int64(n)
	}
	limit, remaining, reset := number(m.ration.Limit), number(m.ration.Remaining), number(m.ration.Reset)
	if limit <= 0 || remaining < 0 || remaining > limit || limit > restMax {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last.Told++
	m.last.Limit, m.last.Remaining, m.last.Reset = int(limit), int(remaining), time.Time{}
	if reset > 0 {
		m.last.Reset = time.Unix(reset, 0).UTC()
	}
}

// restMax bounds a limit that is believed, so that nothing calculated with it overflows.
const restMax = 1_000_000_000

func (m *meter) rest() (Rest, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, m.last.Told > 0
}
