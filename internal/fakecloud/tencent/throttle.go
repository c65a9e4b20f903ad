// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package tencent

import "time"

// bucket counts the calls of one action in the running second. The limits of the
// service are per second and account; here each credential shares one account.
type bucket struct {
	second time.Time
	calls  int
}

// admit counts a call of the action, unless it is one too many.
func (a *api) admit(action string) bool {
	now := a.model.Now().Truncate(time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.options.Throttle <= 0 {
		return true
	}
	b := a.buckets[action]
	if !b.second.Equal(now) {
		b = bucket{second: now}
	}
	b.calls++
	a.buckets[action] = b
	return b.calls <= a.options.Throttle
}

func (a *api) throttled(action string) *failure {
	return fail(a.settings().Dialect.Throttled, "The calls of %s exceed the frequency limit.", action)
}
