// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import (
	"net/netip"
	"testing"
	"time"
)

// everyContender returns one side of a contest in every combination of
// representative values.
func everyContender(node string, addr string) []Contender {
	var all []Contender
	for bits := range 4 {
		for number := uint64(1); number <= 3; number++ {
			for names := NamesUnknown; names <= NamesNeither; names++ {
				for _, age := range []time.Duration{0, 999 * time.Millisecond, time.Second, 5 * time.Second} {
					for _, priority := range []uint8{100, 110} {
						all = append(all, Contender{
							Successor: bits&1 != 0, WriteSent: bits&2 != 0, Term: Term{number, node}, Names: names,
							ReadAge: age, Priority: priority, Address: netip.MustParseAddr(addr),
						})
					}
				}
			}
		}
	}
	return all
}

// verdict is the naive Settle: the list of 5.5 as votes, of which the first that is
// not a draw counts. A vote is positive for me.
func verdict(me, peer Contender) (bool, Reason) {
	votes := []struct {
		vote   func() int
		reason Reason
	}{
		{func() int { return one(me.Successor) - one(peer.Successor) }, ReasonYieldSuccessor},
		{func() int { return one(me.WriteSent) - one(peer.WriteSent) }, ReasonYieldWrite},
		{func() int { return one(me.WriteSent) * byTerm(me, peer) }, ReasonYieldWrite},
		{func() int { return byOwner(me, peer) }, ReasonYieldOwner},
		{func() int { return byTerm(me, peer) }, ReasonYieldTerm},
		{func() int { return int(me.Priority) - int(peer.Priority) }, ReasonYieldPriority},
		{func() int { return me.Address.Compare(peer.Address) }, ReasonYieldAddress},
	}
	for _, v := range votes {
		if n := v.vote(); n != 0 {
			return n > 0, v.reason
		}
	}
	return false, ReasonYieldAddress
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func byTerm(me, peer Contender) int {
	return one(peer.Term.Less(me.Term)) - one(me.Term.Less(peer.Term))
}

// byOwner is rule 3: a side that never read has no say; of two, the newer read
// counts, and when they are within a second of each other only if they agree.
func byOwner(me, peer Contender) int {
	if me.Names == NamesUnknown {
		return -owns(peer)
	}
	if peer.Names == NamesUnknown {
		return owns(me)
	}
	mine, theirs := owns(me), -owns(peer)
	gap := peer.ReadAge - me.ReadAge
	switch {
	case mine == theirs:
		return mine
	case gap >= time.Second:
		return mine
	case gap <= -time.Second:
		return theirs
	default:
		return 0
	}
}

// owns is +1 when a side's read names itself, -1 when it names the other.
func owns(c Contender) int { return one(c.Names == NamesSelf) - one(c.Names == NamesOther) }

// TestExactlyOneOfTwoActiveNodesStays goes through all pairs: both sides see the
// same facts mirrored and must agree on who stays, by the list of 5.5.
func TestExactlyOneOfTwoActiveNodesStays(t *testing.T) {
	t.Parallel()
	left, right := everyContender("a", "10.0.0.1"), everyContender("b", "10.0.0.2")
	mistakes := 0
	for _, a := range left {
		for _, b := range right {
			aStays, aLost := Settle(a, b)
			bStays, bLost := Settle(b, a)
			want, why := verdict(a, b)
			if aStays == bStays || aLost != bLost || aStays != want || aLost != why {
				if mistakes++; mistakes < 5 {
					t.Errorf("a %+v\nb %+v\na stays %v (%v), b stays %v (%v), want a %v (%v)", a, b, aStays, aLost, bStays, bLost, want, why)
				}
			}
		}
	}
	if len(left)*len(right) < 100_000 {
		t.Errorf("only %d pairs", len(left)*len(right))
	}
}

// TestEqualTermsAreDecidedByPriorityAndAddress covers two nodes that never claimed
// by a term: RFC 9568 section 6.4.3 is the end of the list.
func TestEqualTermsAreDecidedByPriorityAndAddress(t *testing.T) {
	t.Parallel()
	low := Contender{Priority: 100, Address: netip.MustParseAddr("10.0.0.1")}
	high := Contender{Priority: 100, Address: netip.MustParseAddr("10.0.0.2")}
	strong := Contender{Priority: 101, Address: netip.MustParseAddr("10.0.0.1")}
	for _, tt := range []struct {
		name         string
		winner, loss Contender
		reason       Reason
	}{
		{"the higher address wins among equal priorities", high, low, ReasonYieldAddress},
		{"the higher priority wins over the higher address", strong, high, ReasonYieldPriority},
	} {
		if stays, _ := Settle(tt.winner, tt.loss); !stays {
			t.Errorf("%s: the winner yields", tt.name)
		}
		if stays, why := Settle(tt.loss, tt.winner); stays || why != tt.reason {
			t.Errorf("%s: the loser stays %v, reason %v", tt.name, stays, why)
		}
	}
}
