// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"cmp"
	"net/netip"
	"sync"
	"time"
)

const (
	// factAge is how long a fact that is not about ownership is believed: which private
	// address another machine has, which range a subnet has.
	factAge = time.Minute
	// rangeAge is the same of whether an address is in the range of a VPC, which no call
	// changes.
	rangeAge = time.Hour
	// factsMax bounds how many are kept; beyond it all are forgotten, which costs reads.
	factsMax = 256
)

// facts remembers a fact by the id of what it is about. The zero value is empty.
type facts struct {
	age time.Duration // how long each is believed; zero: factAge
	mu  sync.Mutex
	by  map[string]fact
}

// fact is what is known, or that it could not be learnt: an invalid one.
type fact struct {
	prefix netip.Prefix // a subnet's range, or a machine's address as a /32
	at     time.Time
}

// get returns the fact about id, and whether it is recent enough.
func (f *facts) get(id string, now time.Time) (netip.Prefix, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.by[id]
	age := now.Sub(known.at)
	return known.prefix, ok && age >= 0 && age < cmp.Or(f.age, factAge)
}

// put remembers the fact about id.
func (f *facts) put(id string, p netip.Prefix, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil || len(f.by) >= factsMax {
		f.by = map[string]fact{}
	}
	f.by[id] = fact{p, now}
}
