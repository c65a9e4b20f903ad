// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
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
		case !moved && e.Kind == eventMoved && e.To != "" && (owner == "" || e.To == owner):
			moved, owner = true, e.To
			d := took(e)
			if wrote {
				p.API = d
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

// activeDown is how long an owner may be silent before a backup of the given
// priority takes over (RFC 9568 section 6.1: three intervals and the skew time).
func activeDown(interval time.Duration, priority int) time.Duration {
	return 3*interval + time.Duration(256-priority)*interval/256
}
