// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"slices"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// phases is how long the parts of one move took, one after the other. A nil part
// does not apply or was not seen.
type phases struct {
	Detect *time.Duration // from the fault until a node decided to take the address
	Decide *time.Duration // until its first write reached the cloud's API
	API    *time.Duration // until the cloud had moved the address
	Answer *time.Duration // until the client got an answer from the new owner
	// Gap is how long nobody held the address, of API.
	Gap *time.Duration
	To  string // the new owner; empty: nothing moved
}

// measure finds the first move after t0 in events that are in order.
//
// A node that decides before t0, or a write without a decision, gives no figure
// rather than a wrong one; nor does a decision that moved nothing.
func measure(events []event, t0 time.Time) phases {
	var p phases
	from := t0
	var decided, wrote, moved bool
	var owner string
	var unbound time.Time
	took := func(e event) *time.Duration {
		d := e.At.Sub(from)
		from = e.At
		return &d
	}
	for _, e := range events {
		if e.At.Before(t0) {
			continue
		}
		switch {
		case !decided && !moved && e.Kind == eventRole && e.To == election.Active.String():
			decided, owner = true, e.Who
			p.Detect = took(e)
		case decided && !wrote && !moved && e.Kind == eventWrite && e.Who == owner:
			wrote = true
			p.Decide = took(e)
		case !moved && e.Kind == eventMoved && e.To == "":
			unbound = e.At
		case !moved && e.Kind == eventMoved && (owner == "" || e.To == owner):
			moved, owner, p.To = true, e.To, e.To
			d := took(e)
			if wrote {
				p.API = d
			}
			if !unbound.IsZero() {
				gap := e.At.Sub(unbound)
				p.Gap = &gap
			}
		case moved && e.Kind == eventClient && e.To == owner:
			p.Answer = took(e)
			return p
		}
	}
	if !moved {
		return phases{}
	}
	return p
}

// added is what a takeover took beyond its detection and the cloud's own time: from
// the decision until the client was answered, without the stretches before the move in
// which a call of the new owner was on its way or the cloud did what it had been asked
// for. It is nil if one of the phases is not known.
func added(p phases, t0 time.Time, busy []span) *time.Duration {
	if p.Detect == nil || p.Decide == nil || p.API == nil || p.Answer == nil {
		return nil
	}
	from := t0.Add(*p.Detect)
	rest := *p.Decide + *p.API
	to := from.Add(rest)
	slices.SortFunc(busy, func(a, b span) int { return a.from.Compare(b.from) })
	for _, s := range busy {
		if s.node != p.To {
			continue
		}
		begin, end := later(s.from, from), earlier(s.to, to)
		if end.After(begin) {
			rest -= end.Sub(begin)
			from = end // what overlaps counts once
		}
	}
	rest += *p.Answer
	return &rest
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// activeDown is how long an owner may be silent before a backup of the given
// priority takes over (RFC 9568 section 6.1: three intervals and the skew time).
func activeDown(interval time.Duration, priority int) time.Duration {
	return 3*interval + time.Duration(256-priority)*interval/256
}
