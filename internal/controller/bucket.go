// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"math"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// callsKept is what is left of an account for claims when little remains: three takeovers
// of under ten reads and a write or two each.
const callsKept = 30

// floors is how far apart the calls of the whole cluster are at most, however little
// remains: a cluster that looks no more could not tell that something remains again.
var floors = [spends]time.Duration{SpendOwner: time.Minute, SpendState: time.Minute, SpendPreflight: 10 * time.Minute}

// Left takes in that the provider says that so many calls of the account remain, which have
// to last for so long. While that is less than what this cluster may use in that time, the
// tokens come in proportion more slowly; with hardly anything left, at the floors. Reads
// that somebody waits for pass as ever (invariant 12).
func (b *Budget) Left(now election.Instant, remaining int, lasts time.Duration) {
	was := b.slowness(now)
	planned := float64(b.ours) * lasts.Hours()
	spare := float64(remaining - callsKept)
	switch {
	case spare >= planned:
		b.slow = 0
	case spare <= 0:
		b.slow = math.Inf(1)
	default:
		b.slow = planned / spare
	}
	b.slowUntil = now.Add(lasts)
	if math.IsInf(b.slow, 1) && !math.IsInf(was, 1) {
		for s := range b.buckets { // what was saved up is not there any more
			b.fill(now, Spend(s))
			b.buckets[s].credit = 0
		}
	}
}

// slowness is how many times as long as planned a token takes.
func (b *Budget) slowness(now election.Instant) float64 {
	if b.slow == 0 || now >= b.slowUntil {
		return 1
	}
	return b.slow
}

// fill adds what time has brought to a bucket, and returns it with how slow it is.
func (b *Budget) fill(now election.Instant, s Spend) (k *bucket, slow float64) {
	k = &b.buckets[s]
	slow = max(1, min(b.slowness(now), float64(k.floor)/float64(k.every)))
	if k.at != 0 && now > k.at {
		k.credit += over(now.Sub(k.at), slow)
	}
	k.credit = min(k.credit, k.holds(slow))
	k.at = max(k.at, now)
	return k, slow
}

// holds is the credit of a full bucket: less than ever is saved up while little remains.
func (k *bucket) holds(slow float64) time.Duration {
	return min(k.full, max(over(k.full, slow), burstMin*k.every))
}

// cost is what so many calls take.
func (k *bucket) cost(calls int, slow float64) time.Duration {
	return min(time.Duration(calls)*k.every, k.holds(slow))
}

// over divides a time, and leaves it exact where there is nothing to divide by.
func over(d time.Duration, by float64) time.Duration {
	if by == 1 {
		return d
	}
	return time.Duration(float64(d) / by)
}

// times multiplies a time, and rounds up, so that it is over when it is said to be.
func times(d time.Duration, by float64) time.Duration {
	if by == 1 || d == 0 {
		return d
	}
	return time.Duration(math.Ceil(float64(d)*by)) + 1
}
