// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "time"

// guardSet is a set of guards: places where one condition keeps an invariant. They
// have names so that a test can take one away and see that its checker notices; a
// checker that has never been seen failing may be checking nothing.
//
// There is deliberately no way to set one from outside: no exported name, no field of
// Config, nothing that a file, a flag or an environment could reach. The test of
// package sim names guardsOff to the linker. Every machine copies the set when it is
// made, so a test cannot disarm a machine that exists already.
type guardSet uint64

// The guards, each with the invariant that it keeps or the section that asks for it.
const (
	guardReadAfterAdvert guardSet = 1 << iota // 1: a write relies on a read begun after the last owning advert
	guardReadAfterWrite                       // 1: and after this node's own last write
	guardReadAge                              // 1: that is not too old
	guardNewestTerm                           // 1: and the claim is the newest known
	guardEligible                             // 1: of a node that may lead
	guardLatch                                // 2: who took the address unheard is remembered
	guardLostAPI                              // 3: a lost API is no reason to step back
	guardRow10Ends                            // 4: an owner that is heard and does not resume is waited for no longer than active-down
	guardLatchEnds                            // 4: a latch ends
	guardRepair                               // 5: an active node looks at every read, also when it was bound before
	guardBoundByRead                          // 6: bound is what a read says
	guardStall                                // 7: a node notices that it did not run
	guardSuccessor                            // 8: a failed claim hands the role on only to somebody
	guardRestart                              // 9: rows 8 and 10 hold while the owner's daemon restarts
	guardHandover                             // 10: the incumbent serves until the successor owns the address
	guardHandingOver                          // 10: and meanwhile leaves the address to it
	guardSequence                             // 11: a sequence counts once
	guardReadBudget                           // 12: reads are slow while nothing goes on
	guardForeign                              // 13: a live stranger keeps the address
	guardContest                              // 5.5: one of two active nodes yields
	guardReasons                              // every transition has a documented reason
	guardRefreshAge                           // 1: an announcement of what is here relies on a recent read too
	guardAllHeard                             // 1: without one, on the word of every peer
	guardNeverHeard                           // 5.3: an owner that was never heard has its time to be
	guardNeverHeardEnds                       // 4: which ends
	guardFight                                // 5.8: a fight that goes on is left
	guardUnknownThere                         // 5.3: an owner that is heard and does not know the group is not silent
	guardWithoutOneWay                        // 5.3: nor is one that is heard one way only
	guardWithoutRival                         // 5.8: nor is it between the two calls of a move
	guardDenied                               // 5.9: whose writes are refused leaves the group to others
	guardHeardLead                            // 5.4: a peer that was heard to lead took nothing unheard
	guardUnboundHold                          // 5.3: a peer that is not heard in full keeps an address unbound for a minute only
	guardDeserted                             // 5.9: the last healthy node waits out no delay for a dead owner
	guardSameGroup                            // 6: under another VRID it is the same group
)

// guardsOff is empty for ever, except while the test of package sim says otherwise.
var guardsOff guardSet

// lacks reports whether a test took the guard away.
func (m *Machine) lacks(g guardSet) bool { return m.guardsOff&g != 0 }

// loosen takes from a permit what the guards of the write gate that are off ask for.
func (m *Machine) loosen(g *group, p *Permit) {
	if m.guardsOff == 0 {
		return
	}
	if m.lacks(guardReadAfterAdvert) {
		p.Since = never
	}
	if m.lacks(guardReadAfterWrite) {
		p.Own = never
	}
	if m.lacks(guardReadAge) {
		p.MaxAge = time.Hour
	}
	if m.lacks(guardRefreshAge) {
		p.RefreshAge = time.Hour
	}
	if m.lacks(guardAllHeard) {
		p.AllHeard = true
	}
	if m.lacks(guardNewestTerm) {
		p.Newest = p.Term
	}
	if m.lacks(guardEligible) {
		p.Eligible = true
	}
	if m.lacks(guardHandingOver) {
		p.Handover = false
	}
	if m.lacks(guardRepair) && g.claim.saidMe {
		p.Hold = ReasonClaimInProgress
	}
}
