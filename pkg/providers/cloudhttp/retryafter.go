// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfterLimit is the longest wait that a header can ask for. A hostile or
// broken one must not put a node to sleep; an hour is the longest window of any
// rate limit in use.
const retryAfterLimit = time.Hour

// RetryAfter returns how long the Retry-After header of resp asks to wait,
// counted from now, and whether it asks at all. Seconds and HTTP dates are
// understood (RFC 9110 section 10.2.3); the result is within 0 and one hour.
func RetryAfter(resp *http.Response, now time.Time) (time.Duration, bool) {
	if resp == nil {
		return 0, false
	}
	value := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	// Of a number that is too large the largest is returned.
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil || errors.Is(err, strconv.ErrRange) {
		return ClampWait(time.Duration(min(seconds, uint64(retryAfterLimit/time.Second))) * time.Second), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return ClampWait(at.Sub(now)), true
	}
	return 0, false
}

// ClampWait limits a wait that a server asked for to the range from 0 to one hour.
func ClampWait(d time.Duration) time.Duration { return min(max(d, 0), retryAfterLimit) }
