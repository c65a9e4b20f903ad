// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "testing"

// takeoverRow is one row of the table of docs/design.md section 5.3, written a
// second time as data.
type takeoverRow struct {
	number   string
	fact     func(TakeoverFacts) bool
	decision Decision
	reason   func(TakeoverFacts) Reason
}

func always(r Reason) func(TakeoverFacts) Reason { return func(TakeoverFacts) Reason { return r } }

// takeoverRows is the table in its order. Rows that have an owner to speak of
// begin with ownerKnown.
func takeoverRows() []takeoverRow {
	unread := func(f TakeoverFacts) bool { return f.NeedsAPI && !f.ReadFresh }
	peer := func(f TakeoverFacts) bool { return f.Holder == HeldByPeer }
	nobody := func(f TakeoverFacts) bool { return f.Holder == HeldByNobody }
	foreign := func(f TakeoverFacts) bool { return f.Holder == HeldByForeign }
	prolonged := func(f TakeoverFacts) bool { return f.Prolonged != ReasonNone && f.ServiceFails < 3 }
	word := func(f TakeoverFacts) Reason { return f.Out }
	prolongs := func(f TakeoverFacts) Reason { return f.Prolonged }
	return []takeoverRow{
		{"1", func(f TakeoverFacts) bool { return f.Stalled }, Stay, always(ReasonOwnStall)},
		{"2", func(f TakeoverFacts) bool { return !f.Eligible }, Stay, always(ReasonNotEligible)},
		{"2a", func(f TakeoverFacts) bool { return f.PeerActive }, Stay, always(ReasonClaimInProgress)},
		{"3 isolated", func(f TakeoverFacts) bool { return unread(f) && f.Isolated }, Stay, always(ReasonIsolated)},
		{"3", unread, Stay, always(ReasonOwnerUnreadable)},
		{"me", func(f TakeoverFacts) bool { return f.Holder == HeldByMe && f.ReadFresh }, Resume, always(ReasonResumedBound)},
		{"successor", func(f TakeoverFacts) bool { return f.Named && (f.NamedByHand || !foreign(f)) }, Claim, always(ReasonSuccessor)},
		{"me, by the peers' word", func(f TakeoverFacts) bool { return f.Holder == HeldByMe && f.AllHeard }, Claim, always(ReasonResumedBound)},
		{"me, long ago", func(f TakeoverFacts) bool { return f.Holder == HeldByMe }, Stay, always(ReasonOwnerUnreadable)},
		{"forced", func(f TakeoverFacts) bool { return f.Ordered && f.Forced }, Claim, always(ReasonAssigned)},
		{"4 assigned", func(f TakeoverFacts) bool { return foreign(f) && f.Ordered }, Claim, always(ReasonAssigned)},
		{"4", foreign, Stay, always(ReasonForeignOwner)},
		{"9 unbound", func(f TakeoverFacts) bool { return nobody(f) && prolonged(f) && !f.TopPriority }, Stay, prolongs},
		{"12 unbound", nobody, Claim, always(ReasonUnbound)},
		{"5", func(f TakeoverFacts) bool { return peer(f) && f.Out != ReasonNone }, Claim, word},
		{"5a", func(f TakeoverFacts) bool { return peer(f) && f.UnknownThere && !f.Ordered }, Stay, always(ReasonUnknownThere)},
		{"6", func(f TakeoverFacts) bool { return peer(f) && f.Witnessed }, Stay, always(ReasonPeerLinkBroken)},
		{"7", func(f TakeoverFacts) bool { return peer(f) && f.ServiceUp }, Stay, always(ReasonServiceAnswers)},
		{"8", func(f TakeoverFacts) bool { return peer(f) && f.Restarting && f.ServiceFails < 2 }, Stay, always(ReasonOwnerRestarting)},
		{"9", func(f TakeoverFacts) bool { return peer(f) && prolonged(f) }, Stay, prolongs},
		{"10", func(f TakeoverFacts) bool { return peer(f) && f.Incumbent }, Stay, always(ReasonIncumbentAlive)},
		{"11", func(f TakeoverFacts) bool { return peer(f) && f.Latched }, Stay, always(ReasonDisplaced)},
		{"12 assigned", func(f TakeoverFacts) bool { return peer(f) && f.Ordered }, Claim, always(ReasonAssigned)},
		{"11a", func(f TakeoverFacts) bool { return peer(f) && f.Unheard && f.ServiceFails < 3 }, Stay, always(ReasonOwnerNeverHeard)},
		{"12", peer, Claim, always(ReasonOwnerSilent)},
	}
}

// everyTakeover calls f with every combination of the inputs of the takeover table;
// of the named reasons one each stands for all, and inputs that no row has in common
// share a bit.
func everyTakeover(visit func(TakeoverFacts)) {
	for bits := range 1 << 15 {
		b := func(i int) bool { return bits>>i&1 == 1 }
		for holder := HeldByMe; holder <= HeldByForeign; holder++ {
			for fails := range 4 {
				for words := range 4 {
					f := TakeoverFacts{
						Stalled: b(0), Eligible: b(1), PeerActive: b(2), NeedsAPI: b(3), ReadFresh: b(4), Isolated: b(5), UnknownThere: b(5),
						Named: b(6), NamedByHand: b(9), Ordered: b(7), Forced: b(8), Witnessed: b(9), ServiceUp: b(10), Restarting: b(11),
						TopPriority: b(12), Unheard: b(12), Incumbent: b(13), Latched: b(14), AllHeard: !b(14), Holder: holder, ServiceFails: fails,
					}
					if words&1 != 0 {
						f.Out = ReasonOwnerFault
					}
					if words&2 != 0 {
						f.Prolonged = ReasonAuthMismatch
					}
					visit(f)
				}
			}
		}
	}
}

// TestTakeoverDecidesAsTheTableSays compares the code with the rows, over all
// combinations. Every row must have decided at least once: none is dead.
func TestTakeoverDecidesAsTheTableSays(t *testing.T) {
	t.Parallel()
	rows := takeoverRows()
	used := make([]int, len(rows))
	mistakes := 0
	everyTakeover(func(f TakeoverFacts) {
		decision, reason := Takeover(f)
		for i, row := range rows {
			if !row.fact(f) {
				continue
			}
			used[i]++
			if want := row.reason(f); decision != row.decision || reason != want {
				if mistakes++; mistakes < 5 {
					t.Errorf("row %s of %+v: got %v %v, want %v %v", row.number, f, decision, reason, row.decision, want)
				}
			}
			return
		}
		t.Fatalf("no row matches %+v", f)
	})
	for i, row := range rows {
		if used[i] == 0 {
			t.Errorf("row %s never decides", row.number)
		}
	}
}

// TestTakeoverKeepsItsPromises states, over all combinations, what no change of
// the rows may ever break.
func TestTakeoverKeepsItsPromises(t *testing.T) {
	t.Parallel()
	promises := []struct {
		name string
		kept func(TakeoverFacts, Decision, Reason) bool
	}{
		{"every decision has a reason", func(_ TakeoverFacts, d Decision, r Reason) bool {
			return d <= Claim && r != ReasonNone
		}},
		{"a node that stalled stays (invariant 7)", func(f TakeoverFacts, d Decision, _ Reason) bool {
			return !f.Stalled || d == Stay
		}},
		{"a node that is not eligible stays, whatever was ordered (invariant 8)", func(f TakeoverFacts, d Decision, _ Reason) bool {
			return f.Eligible || d == Stay
		}},
		{"beside a fresh active peer a node stays (invariant 1)", func(f TakeoverFacts, d Decision, _ Reason) bool {
			return !f.PeerActive || d == Stay
		}},
		{"without a fresh read nothing moves that needs one (invariants 1 and 3)", func(f TakeoverFacts, d Decision, _ Reason) bool {
			return !f.NeedsAPI || f.ReadFresh || d == Stay
		}},
		{"resuming is for the owner only", func(f TakeoverFacts, d Decision, _ Reason) bool {
			return d != Resume || f.Holder == HeldByMe && f.ReadFresh
		}},
		{"and the owner does nothing else on a fresh read", func(f TakeoverFacts, d Decision, _ Reason) bool {
			return d != Claim || f.Holder != HeldByMe || !f.ReadFresh
		}},
		{"a foreign owner is claimed by order only (invariant 13)", func(f TakeoverFacts, d Decision, _ Reason) bool {
			return f.Holder != HeldByForeign || d != Claim || f.Ordered || f.Named && f.NamedByHand
		}},
		{"a serving owner with a witness is left alone (invariant 2)", func(f TakeoverFacts, d Decision, _ Reason) bool {
			insisted := f.Named || f.Ordered && f.Forced
			return f.Holder != HeldByPeer || !f.Witnessed || f.Out != ReasonNone || insisted || d == Stay
		}},
		{"an owner that was never heard is left alone in its time, and only then for that (5.3)", func(f TakeoverFacts, d Decision, r Reason) bool {
			ended := f.Out != ReasonNone || f.ServiceFails >= 3 || f.Ordered || f.Named || f.Holder != HeldByPeer
			return (!f.Unheard || ended || d == Stay) && (r != ReasonOwnerNeverHeard || f.Unheard && !ended)
		}},
		{"nothing is taken from a node that is heard and does not know the group", func(f TakeoverFacts, d Decision, _ Reason) bool {
			return f.Holder != HeldByPeer || !f.UnknownThere || f.Out != ReasonNone || f.Named || f.Ordered || d == Stay
		}},
	}
	broken := make([]int, len(promises))
	everyTakeover(func(f TakeoverFacts) {
		d, r := Takeover(f)
		for i, p := range promises {
			if !p.kept(f, d, r) {
				if broken[i]++; broken[i] == 1 {
					t.Errorf("%s: broken by %+v: %v %v", p.name, f, d, r)
				}
			}
		}
	})
}

// TestTakeoverIsMonotone changes one fact for the worse: more bad news of the owner
// never turns a claim into staying.
func TestTakeoverIsMonotone(t *testing.T) {
	t.Parallel()
	worse := map[string]func(*TakeoverFacts){
		"the user's probe fails more often":  func(f *TakeoverFacts) { f.ServiceFails++ },
		"the user's probe stops answering":   func(f *TakeoverFacts) { f.ServiceUp = false },
		"the witness falls silent":           func(f *TakeoverFacts) { f.Witnessed = false },
		"its adverts end, without the group": func(f *TakeoverFacts) { f.UnknownThere = false },
		"the restart hold ends":              func(f *TakeoverFacts) { f.Restarting = false },
		"datagrams stop arriving":            func(f *TakeoverFacts) { f.Prolonged = ReasonNone },
		"the latch ends":                     func(f *TakeoverFacts) { f.Latched = false },
		"the incumbent's patience ends":      func(f *TakeoverFacts) { f.Incumbent = false },
		"the owner says that it is out":      func(f *TakeoverFacts) { f.Out = ReasonOwnerFault },
		"an operator insists":                func(f *TakeoverFacts) { f.Ordered, f.Forced = true, true },
		"the read becomes fresh":             func(f *TakeoverFacts) { f.ReadFresh = true },
		"an owner's time to be heard ends":   func(f *TakeoverFacts) { f.Unheard = false },
	}
	for name, change := range worse {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyTakeover(func(f TakeoverFacts) {
				before, _ := Takeover(f)
				changed := f
				change(&changed)
				if after, why := Takeover(changed); before != Stay && after == Stay && !t.Failed() {
					t.Errorf("%+v claimed, and %+v stays for %v", f, changed, why)
				}
			})
		})
	}
}
