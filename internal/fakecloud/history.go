// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import "time"

// LookBack is how far back every read can be answered as it was then, and no simulated
// replica may be older (see [Model.View]); reads of an earlier time get the oldest
// version that is kept.
const LookBack = 90 * time.Second

// How many versions of one object are kept: these at least, more only if younger than
// LookBack, and never more than the second number, which only bounds memory.
const (
	historyMin = 512
	historyMax = 1 << 16
)

// history keeps the versions of a value, so that a read can be answered with the
// state of a moment ago.
type history[T any] struct{ versions []version[T] }

type version[T any] struct {
	at    time.Time
	value T
}

// now returns the newest version.
func (h *history[T]) now() T { return h.versions[len(h.versions)-1].value }

// at returns the version that was current at t; before the first, the first.
func (h *history[T]) at(t time.Time) T {
	for i := len(h.versions) - 1; i > 0; i-- {
		if !h.versions[i].at.After(t) {
			return h.versions[i].value
		}
	}
	return h.versions[0].value
}

// put makes v the current version from t on. Times never decrease.
func (h *history[T]) put(t time.Time, v T) {
	h.versions = append(h.versions, version[T]{t, v})
	if len(h.versions)&(historyMin-1) == 0 { // seldom, so that the copy costs little
		h.prune(t.Add(-LookBack))
	}
}

// prune forgets the versions that nobody may ask for, which were over before t.
func (h *history[T]) prune(t time.Time) {
	first := len(h.versions) - historyMin
	for first > 0 && len(h.versions)-first < historyMax && h.versions[first].at.After(t) {
		first--
	}
	if first > 0 {
		h.versions = append(h.versions[:0:0], h.versions[first:]...)
	}
}
