// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package fakecloud

import "time"

// historyMax is how many versions of one object stay readable at least. A stale
// read looks back seconds, so this only bounds memory; older reads get the oldest.
const historyMax = 512

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
	if len(h.versions) >= 2*historyMax { // seldom, so that the copy costs little
		h.versions = append(h.versions[:0:0], h.versions[len(h.versions)-historyMax:]...)
	}
}
