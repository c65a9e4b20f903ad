// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import "time"

// The delays between attempts. The first retry comes soon, since most refusals
// pass in a second; the cap keeps a refused token far below any rate limit.
const (
	retryFirst = 250 * time.Millisecond
	retryMax   = 10 * time.Second
	// pollFirst to pollMax: how long after the end of one read the next begins while a
	// move is under way. A move in one call may be done at once, an asynchronous one takes
	// seconds, and the strictest cloud allows 250 requests a minute.
	pollFirst = 100 * time.Millisecond
	pollMax   = 5 * time.Second
	// pollPace and gapPace: a step is one part in so many of the time since the move was
	// accepted. Seeing late that an address has come costs no packet; while nobody holds it,
	// seeing late that it may be attached is an outage (docs/design.md section 5.9).
	pollPace = 4
	gapPace  = 10
	// whilePreparing is the time between two reads while an announcement is prepared: when it
	// is about to leave, the newest must be less than a second old.
	whilePreparing = 500 * time.Millisecond
)

// Backoff returns how long to wait after that many failures in a row: doubling
// from 250 ms to 10 s, of which a random part of up to one half is taken off.
// The jitter is from 0 to 1 and comes from the caller.
func Backoff(failures int, jitter float64) time.Duration {
	d := doubled(retryFirst, failures-1, retryMax)
	return d - time.Duration(jitter*float64(d)/2)
}

// doubled returns d doubled n times, at most limit.
func doubled(d time.Duration, n int, limit time.Duration) time.Duration {
	for ; n > 0 && d < limit; n-- {
		d *= 2
	}
	return min(d, limit)
}
