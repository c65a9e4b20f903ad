// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"math/rand/v2"
	"time"
)

// chance is the only source of randomness of a history.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance {
	return chance{rand.New(rand.NewPCG(seed, 0x66697063746c))}
}

// one reports true with probability p.
func (c chance) one(p float64) bool { return c.Float64() < p }

// between draws a duration from low to high.
func (c chance) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(c.Int64N(int64(high-low)))
}

// weighted draws an index with the given weights.
func (c chance) weighted(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	x := c.IntN(sum)
	for i, w := range weights {
		if x < w {
			return i
		}
		x -= w
	}
	return len(weights) - 1
}
