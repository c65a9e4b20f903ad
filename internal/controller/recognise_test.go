// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// teller is a fake whose answers do not tell the private addresses of an owner; asked for
// them it takes as long as it takes for an answer.
type teller struct {
	lister
	takes time.Duration
}

func (f teller) PrivateAddresses(ctx context.Context, _ providers.Address, owner providers.Target) []netip.Addr {
	f.note("addresses of %s", owner)
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(f.takes):
		return []netip.Addr{netip.MustParseAddr("10.0.4.21")}
	}
}

// TestWhatOnlyRecognisesANodeHoldsUpNoClaim: every answer below 3 s passes the gate,
// whether or not the call that tells who its owner is comes back (invariant 1).
func TestWhatOnlyRecognisesANodeHoldsUpNoClaim(t *testing.T) {
	peer := []Node{{Name: "lb-b", Said: []election.NodeTarget{{Provider: "cloud", Target: there.String()}}}}
	for _, tt := range []struct {
		name  string
		takes time.Duration // of each call
		known Known
		want  time.Duration // of the read
		told  bool
	}{
		{"a peer by its target", 2500 * time.Millisecond, KnownTo("cloud", peer), 2500 * time.Millisecond, false},
		{"another machine", 2500 * time.Millisecond, KnownTo("cloud", nil), 2750 * time.Millisecond, false},
		{"another machine, just in time", 2990 * time.Millisecond, nil, 2995 * time.Millisecond, false},
		{"another machine, of a fast cloud", 300 * time.Millisecond, nil, 600 * time.Millisecond, true},
		{"another machine, of one that is not", 1500 * time.Millisecond, nil, 2250 * time.Millisecond, false},
		{"another machine, and a second at most", 999 * time.Millisecond, nil, 1998 * time.Millisecond, true},
	} {
		for _, as := range [][]providers.Address{{first}, {first, second}} {
			t.Run(tt.name, func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					f := &fake{owner: func(_ context.Context, a providers.Address) (providers.Assignment, error) {
						if a == second {
							return providers.Assignment{}, nil // held by nobody, whom no call recognises
						}
						<-time.After(tt.takes)
						return providers.Assignment{Target: there}, nil
					}}
					r, _ := newReader(teller{lister{f}, tt.takes})
					got := r.Owners(t.Context(), as, tt.known)[0]
					if took := got.Ended.Sub(got.Began); got.Err != nil || took != tt.want || (got.Seen.PrivateAddresses != nil) != tt.told {
						t.Errorf("took %v, %+v", took, got)
					}
					permit := election.Permit{Role: election.Active, Eligible: true, MaxAge: time.Second}
					if why := Gate(got.Ended, permit, election.Term{}, got.Began, got.Ended); why != election.ReasonNone {
						t.Errorf("the gate says %v", why)
					}
				})
			})
		}
	}
}

// TestAnAnswerThatTellsWhoTheOwnerIsIsEnough: the call is for want of it, and of an owner.
func TestAnAnswerThatTellsWhoTheOwnerIsIsEnough(t *testing.T) {
	for _, seen := range []providers.Assignment{{Target: there, PrivateAddresses: []netip.Addr{netip.MustParseAddr("10.0.4.9")}}, {}} {
		f := &fake{}
		if got := Recognise(t.Context(), teller{lister{f}, 0}, first, seen, time.Second); len(f.noted()) != 0 || len(got.PrivateAddresses) != len(seen.PrivateAddresses) {
			t.Errorf("asked %v, got %+v", f.noted(), got)
		}
	}
}
