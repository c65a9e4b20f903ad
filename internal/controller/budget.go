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
	SpendMove = spends // a write, or a question about one: it needs no token
)

// callsUnknown stands for a provider that names no limit: one call a second by the
// whole cluster is what no API in use minds.
const callsUnknown = 3600

// shares is the part of a node's calls that each purpose may use when nobody waits,
// in percent. A quarter of all is left for claims, the command line and people.
//
//	of 5,000 an hour, two nodes   share   an hour   one every   at rest            with a peer missing
//	owner reads                   40      1,000     3.6 s       60 (a minute)      240 (every 15 s), for each family
//	state of machines             15      375       9.6 s       none               240 (every 15 s), for each machine
//	preflight                     20      500       7.2 s       18 for each group  18
//
// At rest a pair with one address makes 138 calls an hour, 2.3 a minute.
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
	buckets  [spends]bucket
	ofReads  wait // what the provider asked of an owner read
	ofOthers wait // and of any other call

	ours      int              // calls an hour, of all nodes
	slow      float64          // times as long as planned a token takes; 0: what remains is enough
	slowUntil election.Instant // what was told of what remains is true no longer
}

// wait is how long a provider asked to be left alone.
type wait struct{ at, until election.Instant }

// bucket keeps its tokens as time: each token is worth one every.
type bucket struct {
	every  time.Duration // between two tokens
	floor  time.Duration // and at most, however little remains
	full   time.Duration // credit of a full bucket
	credit time.Duration
	at     election.Instant // when credit was counted
}

// NewBudget returns the budget of one of so many nodes that share so many calls an hour:
// what of an account's is their cluster's; zero: no limit known.
func NewBudget(callsPerHour, nodes int) Budget {
	if callsPerHour <= 0 {
		callsPerHour = callsUnknown
	}
	nodes = max(nodes, 1)
	own := max(callsPerHour/nodes, 1)
	b := Budget{ours: callsPerHour}
	for s := range spends {
		burst := min(max(own/burstPart, burstMin), burstMaxOther)
		if s == SpendOwner {
			burst = min(max(own/burstPart, burstMin), burstMaxReads)
		}
		every := 100 * time.Hour / time.Duration(own*shares[s])
		full := time.Duration(burst) * every
		b.buckets[s] = bucket{every: every, floor: floors[s] * time.Duration(nodes), full: full, credit: full}
	}
	return b
}

// Succeed takes over from the budget before a reload: tokens that were spent do not come
// back with it, and what the provider asked for still holds.
func (b *Budget) Succeed(old Budget) {
	for s := range b.buckets {
		k, o := &b.buckets[s], old.buckets[s]
		k.at, k.credit = o.at, min(k.full, time.Duration(float64(o.credit)/float64(o.every)*float64(k.every)))
	}
	b.ofReads, b.ofOthers = old.ofReads, old.ofOthers
	b.slow, b.slowUntil = old.slow, old.slowUntil
}

// Ready returns when so many calls may be made that nobody waits for, now or later.
// More than a full bucket holds count as a full bucket: they must be possible too.
func (b *Budget) Ready(now election.Instant, s Spend, calls int) election.Instant {
	k, slow := b.fill(now, s)
	missing := max(0, k.cost(calls, slow)-k.credit)
	return max(now.Add(times(missing, slow)), b.ofReads.until, b.ofOthers.until)
}

// Take makes so many calls that nobody waits for, if they may be made now.
func (b *Budget) Take(now election.Instant, s Spend, calls int) bool {
	if b.Ready(now, s, calls) > now {
		return false
	}
	k, slow := b.fill(now, s)
	k.credit -= k.cost(calls, slow)
	return true
}

// Note makes so many calls that somebody waits for: they take what tokens there are.
func (b *Budget) Note(now election.Instant, s Spend, calls int) {
	k, slow := b.fill(now, s)
	k.credit -= min(k.credit, k.cost(calls, slow))
}

// Refuse takes in that the provider asked to be left alone for so long. All that nobody
// waits for respects that, whatever was asked. A read that a claim waits for respects only
// what an owner read was told: many providers count each kind of call by itself, and if this
// one does not, the read is told so itself.
func (b *Budget) Refuse(now election.Instant, s Spend, alone time.Duration) {
	told := &b.ofOthers
	if s == SpendOwner {
		told = &b.ofReads
	}
	if alone > 0 {
		told.at, told.until = now, max(told.until, now.Add(alone))
	}
}

// Answer takes in that the provider answered: what it asked for before is over.
func (b *Budget) Answer(began election.Instant) {
	for _, told := range []*wait{&b.ofReads, &b.ofOthers} {
		if began > told.at {
			told.until = 0
		}
	}
}

// Urgent returns from when a read may be made that a claim waits for: what the provider
// asked of reads is respected for as long as the claim has patience.
func (b *Budget) Urgent(patience time.Duration) election.Instant {
	if b.ofReads.until == 0 {
		return 0
	}
	return min(b.ofReads.until, b.ofReads.at.Add(patience))
}
