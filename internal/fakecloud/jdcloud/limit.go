// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import "time"

// limiter counts calls by the minute, per access key and per operation. The real
// figures are not published; that there are these two buckets is.
type limiter struct {
	minute time.Time
	counts map[string]int
}

// count admits a call (empty role) or names the bucket that is full, in which case
// the call is not counted.
func (l *limiter) count(now time.Time, o Options, accessKey string, op *operation) (role string) {
	if m := now.Truncate(time.Minute); !m.Equal(l.minute) {
		l.minute, l.counts = m, map[string]int{}
	}
	key, api := "ak "+accessKey, "api "+op.service+":"+op.name
	switch {
	case o.PerMinutePerKey > 0 && l.counts[key] >= o.PerMinutePerKey:
		return "ak"
	case o.PerMinutePerAPI > 0 && l.counts[api] >= o.PerMinutePerAPI:
		return "api"
	}
	l.counts[key]++
	l.counts[api]++
	return ""
}
