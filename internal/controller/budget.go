// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// Spend is what calls of a budget are for.
type Spend uint8

// The purposes, each with tokens of its own, so that one cannot starve another.
const (
	SpendOwner     Spend = iota // owner reads
	SpendState                  // the state of an owner's machine
	SpendPreflight              // whether a move would be refused
	spends
)

// callsUnknown stands for a provider that names no limit: one call a second by the
// whole cluster is what no API in use minds.
const callsUnknown = 3600

// shares is the part of a node's calls that each purpose may use when nobody waits,
// in percent. A quarter of all is left for claims, the command line and people.
//
//	of 5,000 an hour, two nodes   share   an hour   one every   needed at the steady pace
//	owner reads                   40      1,000     3.6 s       480 (every 15 s, two families)
//	state of machines             15      375       9.6 s       240 (every 15 s, one machine)
//	preflight                     20      500       7.2 s       180 for each group (3 calls a minute)
var shares = [spends]int{SpendOwner: 40, SpendState: 15, SpendPreflight: 20}

// The bursts: what may be spent at once after a quiet time. A minute of fast owner
// reads fits (docs/design.md 5.2) where the node's share is large enough; where many
// nodes share the limit it is smaller, since a limit by the minute counts them all.
const (
	burstPart     = 25 // of the calls of a node in an hour, that part
	burstMin      = 6  // one preflight of one address always fits
	burstMaxReads = 90
	burstMaxOther = 30
)

// Budget bounds the reads of one provider that no claim waits for (invariant 12). It
// is three token buckets and the provider's own wish to be left alone; time is an
// argument. What has no token is put off until there is one: the caller asks again at
// Ready. A read that is waited for passes always and takes a token if there is one.
type Budget struct {
	buckets   [spends]bucket
	refusedAt election.Instant // when the provider asked to wait
	until     election.Instant // and until when
}

// bucket keeps its tokens as time: each token is worth one every.
type bucket struct {
	every  time.Duration // between two tokens
	full   time.Duration // credit of a full bucket
	credit time.Duration
	at     election.Instant // when credit was counted
}

// NewBudget returns the budget of one of so many nodes that share a provider's limit
// of calls an hour; zero: no limit known.
func NewBudget(callsPerHour, nodes int) Budget {
	if callsPerHour <= 0 {
		callsPerHour = callsUnknown
	}
	own := max(callsPerHour/max(nodes, 1), 1)
	var b Budget
	for s := range spends {
		burst := min(max(own/burstPart, burstMin), burstMaxOther)
		if s == SpendOwner {
			burst = min(max(own/burstPart, burstMin), burstMaxReads)
		}
		every := 100 * time.Hour / time.Duration(own*shares[s])
		full := time.Duration(burst) * every
		b.buckets[s] = bucket{every: every, full: full, credit: full}
	}
	return b
}

// Ready returns when so many calls may be made that nobody waits for, now or later.
// More than a full bucket holds count as a full bucket: they must be possible too.
func (b *Budget) Ready(now election.Instant, s Spend, calls int) election.Instant {
	k := &b.buckets[s]
	k.fill(now)
	return max(now.Add(max(0, k.cost(calls)-k.credit)), b.until)
}

// Take makes so many calls that nobody waits for, if they may be made now.
func (b *Budget) Take(now election.Instant, s Spend, calls int) bool {
	if b.Ready(now, s, calls) > now {
		return false
	}
	b.buckets[s].credit -= b.buckets[s].cost(calls)
	return true
}

// Note makes so many calls that somebody waits for: they take what tokens there are.
func (b *Budget) Note(now election.Instant, s Spend, calls int) {
	k := &b.buckets[s]
	k.fill(now)
	k.credit -= min(k.credit, k.cost(calls))
}

// Refuse takes in that the provider asked to be left alone for so long.
func (b *Budget) Refuse(now election.Instant, wait time.Duration) {
	if wait > 0 {
		b.refusedAt, b.until = now, max(b.until, now.Add(wait))
	}
}

// Answer takes in that the provider answered: what it asked for before is over.
func (b *Budget) Answer(began election.Instant) {
	if began > b.refusedAt {
		b.until = 0
	}
}

// Urgent returns from when a read may be made that a claim waits for: the provider's
// own wish is respected for as long as the claim has patience.
func (b *Budget) Urgent(patience time.Duration) election.Instant {
	if b.until == 0 {
		return 0
	}
	return min(b.until, b.refusedAt.Add(patience))
}

// fill adds what time has brought.
func (k *bucket) fill(now election.Instant) {
	if k.at != 0 && now > k.at {
		k.credit = min(k.full, k.credit+now.Sub(k.at))
	}
	k.at = max(k.at, now)
}

// cost is what so many calls take.
func (k *bucket) cost(calls int) time.Duration { return min(time.Duration(calls)*k.every, k.full) }
