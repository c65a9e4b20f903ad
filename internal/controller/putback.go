// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// An address that somebody takes off this machine is put back at once, putBacksAtOnce
// times within putBacksWithin. Who then still takes it off does so by a rule of his own,
// and gets an answer every guestRetry: two programs that both react at once are a loop.
const (
	putBacksAtOnce = 6
	putBacksWithin = time.Minute
	// backSpacing is the least time between two announcements because of such doubts.
	backSpacing = time.Second
)

// GuestDoubt says that what is known of an address on this machine may be wrong. It is a
// reason to look and no fact: the event behind it may be about a step of this node's own.
type GuestDoubt struct {
	Address int
	// Back says that its interface carries again, or has its own address again: what
	// failed is tried again, and what is announced is announced anew.
	Back bool
}

// putBacks is when an address was put back, the newest first; 0: not so often.
type putBacks [putBacksAtOnce]election.Instant

// add returns p with one put-back more.
func (p putBacks) add(now election.Instant) putBacks {
	copy(p[1:], p[:])
	p[0] = now
	return p
}

// next returns when the address may be put back again.
func (p putBacks) next(now election.Instant) election.Instant {
	if oldest := p[putBacksAtOnce-1]; oldest == 0 || now.Sub(oldest) >= putBacksWithin {
		return now
	}
	return max(now, p[0].Add(guestRetry))
}

// doubted takes in a doubt. What is not believed to be here, or is being tried for, was
// not taken off by somebody else.
func (a *AddressState) doubted(ob Observation) {
	if ob.Doubt.Back {
		a.RefreshAt = min(a.RefreshAt, max(ob.Now, a.AnnouncedAt.Add(backSpacing)))
	}
	if a.Guest == GuestPresent || ob.Doubt.Back && a.Guest == GuestUnknown && a.GuestAt != 0 {
		a.GuestPerhaps = a.GuestPerhaps || a.Guest == GuestPresent
		a.Guest, a.GuestAt = GuestUnknown, a.PutBacks.next(ob.Now)
	}
}

// placed takes in that a step left the address on this machine, which it may have put
// there. What was there after an earlier step and was missing is put back: what depends
// on it is announced anew.
func (a *AddressState) placed(ob Observation, added bool) {
	if added && a.Placed {
		a.PutBacks, a.RefreshAt = a.PutBacks.add(ob.Now), 0
	}
	a.Placed = true
}
