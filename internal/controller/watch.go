// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// Watch decides when the owner of one group is read next. It is the only place that
// does: the election and Decide say what they want of a read (election.Wish), the caller
// makes the reads and tells their begin and end. It knows what is under way and how long
// answers take, so that nothing waits for a fact that is there already or on its way. The
// zero value is right for a start. It is not safe for concurrent use.
type Watch struct {
	flying []election.Instant // when each read under way began, in that order
	began  election.Instant   // of the newest read
	ended  election.Instant   // of the last read to end
	good   election.Instant   // when the newest read began that was answered
	heard  election.Instant   // and when its answer came
	failed bool               // the last one to end was not answered
	took   [tookKept]time.Duration
}

const (
	// tookKept is how many answers tell how long the next may take.
	tookKept = 8
	// flyingMax bounds the reads of one group that are under way at once: one, and two
	// beside one that hangs.
	flyingMax = 3
	// hangsAfter is the least time after which a read counts as hanging, and another is
	// made beside it if a decision waits.
	hangsAfter = 500 * time.Millisecond
	// retryAfter is the spacing of reads that fail, from begin to begin: no API minds.
	retryAfter = time.Second
	// readLost is after what time a read without an end counts as lost.
	readLost = 5 * election.AttemptTimeout
	// placedSpare is by how much a read is placed earlier than it must: what the
	// scheduler and the engine may need.
	placedSpare = 25 * time.Millisecond
)

// Want says how a group waits for an owner read.
type Want uint8

// The wants.
const (
	WantNothing Want = iota
	WantNear         // its turn is near: where another read brings it along, at no cost
	WantRead         // it keeps to the budget
	WantUrgent       // a decision waits for it, or will soon: no budget holds it up
)

// Begin notes that a read begins.
func (w *Watch) Begin(now election.Instant) {
	w.flying = append(w.flying, now)
	w.began = max(w.began, now)
}

// End notes that the read that began then has ended, and whether it was answered.
func (w *Watch) End(began, now election.Instant, answered bool) {
	for i, b := range w.flying {
		if b == began {
			w.flying = append(w.flying[:i], w.flying[i+1:]...)
			break
		}
	}
	w.ended, w.failed = max(w.ended, now), !answered
	if !answered {
		return
	}
	if began >= w.good {
		w.good, w.heard = began, now
	}
	copy(w.took[1:], w.took[:])
	w.took[0] = now.Sub(began)
}

// Newest returns when the newest read began that was answered; 0: none was.
func (w *Watch) Newest() election.Instant { return w.good }

// Flying returns since when a read is under way; 0: none is.
func (w *Watch) Flying() election.Instant {
	if len(w.flying) == 0 {
		return 0
	}
	return w.flying[0]
}

// Next returns whether a read is to begin now, and otherwise when that is to be asked
// again, if nothing happens before; 0: not by time alone.
//
//	wish    a read begins                                    but not while
//	News    at once                                          one begun since is under way or has ended
//	Waits   at once; after a failure a second later          one begun at Since or later is under way and
//	                                                         does not hang
//	By      so that its answer is there by then, reckoned    one begun at Since or later has ended, or will,
//	        by the slowest of the last answers               at an instant that suits as well
//	At      then                                             any is under way, or if it is urgent, any that
//	                                                         does not hang
func (w *Watch) Next(now election.Instant, wishes ...election.Wish) (want Want, again election.Instant) {
	w.forget(now)
	if len(w.flying) >= flyingMax {
		return WantNothing, 0
	}
	for i := range wishes {
		wish := &wishes[i]
		plain := WantRead
		if wish.Urgent {
			plain = WantUrgent
		}
		for _, c := range [...]struct {
			at election.Instant
			as Want
		}{
			{w.forNews(wish), plain},
			{w.forWaiting(now, wish), WantUrgent},
			{w.forTimer(now, wish), WantUrgent},
			{w.forRhythm(wish), plain},
		} {
			switch {
			case c.at == 0:
			case c.at <= now:
				want = max(want, c.as)
			default:
				again = earliest(again, c.at)
			}
		}
	}
	return want, again
}

// Near reports whether a read that is due at an instant may as well join one of another
// group that begins now: more than half of its wait is over.
func (w *Watch) Near(now, at election.Instant) bool {
	return at != 0 && len(w.flying) == 0 && w.ended != 0 && at.Sub(now) <= at.Sub(w.ended)/2
}

// forget drops reads that were lost.
func (w *Watch) forget(now election.Instant) {
	for len(w.flying) > 0 && now.Sub(w.flying[0]) > readLost {
		w.flying = w.flying[1:]
	}
}

func (w *Watch) forNews(wish *election.Wish) election.Instant {
	if wish.News > w.began {
		return wish.News
	}
	return 0
}

// forWaiting is when a read for a decision that waits begins. One that is under way and
// counts is waited for as long as answers take; then another is made beside it.
func (w *Watch) forWaiting(now election.Instant, wish *election.Wish) election.Instant {
	if !wish.Waits {
		return 0
	}
	at := w.retry(wish.Since)
	if n := len(w.flying); n > 0 && w.flying[n-1] >= wish.Since {
		at = max(at, w.flying[n-1].Add(w.patience()))
	}
	return at
}

// forTimer is when a read begins whose answer is to be there when a timer ends.
func (w *Watch) forTimer(now election.Instant, wish *election.Wish) election.Instant {
	if wish.By == 0 {
		return 0
	}
	suits := wish.By.Add(placedSpare - wish.Age)
	if w.good >= wish.Since && w.heard >= suits {
		return 0
	}
	lead := w.lead(wish.Since)
	for _, began := range w.flying {
		if began >= wish.Since && now < began.Add(w.patience()) && began.Add(lead) >= suits {
			return 0
		}
	}
	return max(w.retry(wish.Since), wish.By.Add(-lead))
}

// forRhythm is when the next read begins whatever happens: not beside another, unless that
// one hangs and the wish is urgent.
func (w *Watch) forRhythm(wish *election.Wish) election.Instant {
	switch n := len(w.flying); {
	case n == 0 || wish.At == 0:
		return wish.At
	case wish.Urgent:
		return max(wish.At, w.flying[n-1].Add(w.patience()))
	default:
		return 0
	}
}

// retry returns the earliest instant for another read, after one that began at since or
// later did not do: after a failure it comes a second after the last began.
func (w *Watch) retry(since election.Instant) election.Instant {
	switch {
	case w.began < since || w.began == 0:
		return since
	case w.failed:
		return max(w.began.Add(retryAfter), w.ended.Add(pollFirst))
	default:
		return w.ended.Add(pollFirst)
	}
}

// slowest returns the longest of the last answers. Where there was none yet it is half of
// what counts as hanging.
func (w *Watch) slowest() time.Duration {
	if w.good == 0 {
		return hangsAfter / 2
	}
	longest := w.took[0]
	for _, t := range w.took[1:] {
		longest = max(longest, t)
	}
	return longest
}

// lead returns how long before it is needed a read begins. The first one in a silence is
// reckoned by the slowest of the last answers; once one has come back, that is the newest
// word on how fast the API is now.
func (w *Watch) lead(since election.Instant) time.Duration {
	longest := w.slowest()
	if w.good >= since {
		longest = min(longest, 2*w.took[0])
	}
	return longest + placedSpare
}

// patience returns after what time a read under way counts as hanging.
func (w *Watch) patience() time.Duration { return max(hangsAfter, 2*w.slowest()) }
