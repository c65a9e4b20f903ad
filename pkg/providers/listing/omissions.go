// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package listing

import (
	"sync"
	"time"
)

// Omissions helps a [providers.BatchReader] with the addresses that a provider's lists leave out though
// they exist. Once that is known they are read beside the list and beside each other: after
// it, a call of half the time that an attempt may take would leave no time for them. The list
// is asked about them again each hour. The zero value knows of none. It is safe for concurrent
// use.
type Omissions struct {
	mu   sync.Mutex
	keys map[string]time.Time // since when
}

const (
	asideMax      = 16        // addresses that are read at once by themselves
	rememberedFor = time.Hour // a page may have been turned while they shifted, a permission missing
)

// Read reads addresses, each with a key of its own. List reads those at the given places in
// one go and returns the places that it told nothing of; single reads the one at a place and
// reports whether that worked. List is not called for fewer than two. Calls of single may run
// at the same time as others, and as list.
func (u *Omissions) Read(keys []string, list func(places []int) (left []int), single func(place int) bool) {
	var listed, aside []int
	u.mu.Lock()
	for i, key := range keys {
		if since, ok := u.keys[key]; ok && time.Since(since) < rememberedFor {
			aside = append(aside, i)
		} else {
			listed = append(listed, i)
		}
	}
	u.mu.Unlock()
	var calls sync.WaitGroup
	defer calls.Wait()
	places := make(chan struct{}, asideMax)
	begin := func(i int, done func(worked bool)) {
		calls.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			done(single(i))
		})
	}
	if len(listed) < 2 {
		aside, listed = append(aside, listed...), nil
	}
	for _, i := range aside {
		begin(i, func(bool) {})
	}
	if len(listed) == 0 {
		return
	}
	for _, i := range list(listed) {
		begin(i, func(worked bool) {
			if worked {
				u.learn(keys[i])
			}
		})
	}
}

func (u *Omissions) learn(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keys == nil {
		u.keys = map[string]time.Time{}
	}
	u.keys[key] = time.Now()
}
