// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/election/wire"
	"golang.org/x/time/rate"
)

// askers decides which probe requests are answered. Anybody may send a copy of one, so each
// is answered once, and a session has a bucket of its own only once adverts have proven that
// it lives. All others share one: two nodes whose link was cut before they heard each other
// can still ask, but slowly. It belongs to the engine's goroutine.
type askers struct {
	fill      rate.Limit // questions a second that one node has reason to ask
	sessions  map[string][]*questioner
	strangers *rate.Limiter
}

// questioner is one session of a node that asks.
type questioner struct {
	session uint64
	asked   window
	bucket  *rate.Limiter // nil until the session is proven
}

// askersKept is how many sessions of one node are told apart. A session that makes way for
// another comes back with none of its questions remembered; the shared bucket bounds that.
const askersKept = 8

// answersMin is how many questions a second are answered at least, however few groups there are.
const answersMin = 20

func newAskers() *askers {
	return &askers{sessions: map[string][]*questioner{}, strangers: rate.NewLimiter(answersMin, answersMin)}
}

// allow says how many groups are asked about, and how often each at most.
func (a *askers) allow(groups int, every time.Duration) {
	a.fill = rate.Limit(max(answersMin, float64(groups)/min(time.Second, every).Seconds()))
	set(a.strangers, a.fill)
	for _, sessions := range a.sessions {
		for _, s := range sessions {
			if s.bucket != nil {
				set(s.bucket, 2*a.fill)
			}
		}
	}
}

// set gives a bucket its size, which is what flows into it in a second. What was taken from it
// stays taken.
func set(bucket *rate.Limiter, fill rate.Limit) {
	bucket.SetLimit(fill)
	bucket.SetBurst(int(fill))
}

// old reports whether the question of a session was certainly asked before. It changes nothing.
func (a *askers) old(node string, session, sequence uint64) bool {
	s := a.find(node, session)
	return s != nil && s.asked.old(sequence)
}

// admit returns why a well-signed request is not answered, or ReasonNone and counts it.
// Proven is true if adverts have proven its session.
func (a *askers) admit(r *wire.ProbeRequest, proven bool) election.Reason {
	s := a.find(r.From, r.Session)
	if s == nil {
		s = a.add(r.From, r.Session)
	}
	if s.asked.old(r.Sequence) {
		return election.ReasonReplayed
	}
	s.asked.take(r.Sequence)
	bucket := a.strangers
	if proven {
		if s.bucket == nil {
			s.bucket = rate.NewLimiter(2*a.fill, int(2*a.fill))
		}
		bucket = s.bucket
	}
	if !bucket.Allow() {
		return election.ReasonRateLimited
	}
	return election.ReasonNone
}

func (a *askers) find(node string, session uint64) *questioner {
	for _, s := range a.sessions[node] {
		if s.session == session {
			return s
		}
	}
	return nil
}

// add makes room for a session: the oldest that was never proven makes way, or the oldest.
func (a *askers) add(node string, session uint64) *questioner {
	known := a.sessions[node]
	if len(known) >= askersKept {
		out := 0
		for i, s := range known {
			if s.bucket == nil {
				out = i
				break
			}
		}
		known = append(known[:out], known[out+1:]...)
	}
	s := &questioner{session: session}
	a.sessions[node] = append(known, s)
	return s
}

// window remembers which sequences have come. Questions about several groups leave together
// and may take several ways, so that one behind a newer one is no copy for that.
type window struct {
	newest uint64
	seen   [windowSize / 64]uint64
}

// windowSize is how far behind the newest one a question may be: four times as many as
// there can be groups.
const windowSize = 1024

// old reports whether a sequence has come, or is too far behind to tell.
func (w *window) old(sequence uint64) bool {
	switch {
	case sequence > w.newest:
		return false
	case w.newest-sequence >= windowSize:
		return true
	}
	i := sequence % windowSize
	return w.seen[i/64]&(1<<(i%64)) != 0
}

// take notes a sequence that is not old.
func (w *window) take(sequence uint64) {
	if sequence > w.newest+windowSize {
		*w = window{newest: sequence}
	}
	for ; w.newest < sequence; w.newest++ {
		i := (w.newest + 1) % windowSize
		w.seen[i/64] &^= 1 << (i % 64)
	}
	i := sequence % windowSize
	w.seen[i/64] |= 1 << (i % 64)
}
