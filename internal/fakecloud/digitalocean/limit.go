// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package digitalocean

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

// The documented limits per token, over rolling windows.
const (
	ratePerHour   = 5000
	ratePerMinute = 250
)

// limiter counts requests per token.
type limiter struct {
	perHour, perMinute int // negative: no limit

	mu      sync.Mutex
	counted map[string][]time.Time // by token, oldest first, at most an hour old
}

// rate is what the limiter says about one request.
type rate struct {
	limit, remaining int
	reset            time.Time     // when the oldest counted request leaves the hour
	exceeded         bool          // the request is refused, and not counted
	retryAfter       time.Duration // for the minute's limit only; the hour's has none
}

func newLimiter(perHour, perMinute int) *limiter {
	if perHour == 0 {
		perHour = ratePerHour
	}
	if perMinute == 0 {
		perMinute = ratePerMinute
	}
	return &limiter{perHour: perHour, perMinute: perMinute, counted: map[string][]time.Time{}}
}

// count admits or refuses a request of the token at now.
func (l *limiter) count(token string, now time.Time) rate {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.counted[token]
	for len(times) > 0 && !now.Before(times[0].Add(time.Hour)) {
		times = times[1:]
	}
	inMinute := 0
	for inMinute < len(times) && now.Before(times[len(times)-1-inMinute].Add(time.Minute)) {
		inMinute++
	}
	r := rate{limit: l.perHour, reset: now.Add(time.Hour)}
	if l.perHour < 0 {
		r.limit = ratePerHour
	}
	switch {
	case l.perMinute >= 0 && inMinute >= l.perMinute:
		r.exceeded, r.retryAfter = true, times[len(times)-inMinute].Add(time.Minute).Sub(now)
	case l.perHour >= 0 && len(times) >= l.perHour:
		r.exceeded = true
	default:
		// Without limits only the latest are kept: the count is for show then.
		times = append(times, now)
		if extra := len(times) - max(l.perHour, l.perMinute, ratePerHour); extra > 0 {
			times = times[extra:]
		}
	}
	if len(times) > 0 {
		r.reset = times[0].Add(time.Hour)
	}
	if !r.exceeded {
		r.remaining = max(r.limit-len(times), 0)
	}
	l.counted[token] = times
	return r
}

// The requests that spend counts were made evenly from so long ago until so long ago: not
// within the last minute, which has a limit of its own.
const (
	spentFrom  = 10 * time.Minute
	spentUntil = time.Minute
)

// spend counts so many requests of the token as if they had been made before now, as far as
// the hour has them.
func (l *limiter) spend(token string, now time.Time, requests int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.counted[token]
	requests = min(requests, l.left(times))
	for i := range requests {
		ago := spentFrom - (spentFrom-spentUntil)*time.Duration(i)/time.Duration(requests)
		times = append(times, now.Add(-ago))
	}
	slices.SortFunc(times, time.Time.Compare)
	l.counted[token] = times
}

// remaining returns how many of an hour's requests are left for a token.
func (l *limiter) remaining(token string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left(l.counted[token])
}

// left returns how many of an hour's requests are left beside those that count.
func (l *limiter) left(times []time.Time) int {
	limit := l.perHour
	if limit < 0 {
		limit = ratePerHour // for show
	}
	return max(limit-len(times), 0)
}

// headers returns the rate headers, spelled in lower case as on the wire.
func (r rate) headers() map[string][]string {
	return map[string][]string{
		"ratelimit-limit":     {strconv.Itoa(r.limit)},
		"ratelimit-remaining": {strconv.Itoa(r.remaining)},
		"ratelimit-reset":     {strconv.FormatInt(ceilUnix(r.reset), 10)},
	}
}

// ceilUnix rounds up, so that a client that waits until then waits long enough.
func ceilUnix(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
