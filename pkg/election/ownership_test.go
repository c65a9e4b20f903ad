// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package election

import "testing"

// ownershipRow is one row of the table of docs/design.md section 5.8, written a
// second time as data. A nil condition always holds.
type ownershipRow struct {
	holder Holder
	peer   []PeerState // nil: any
	also   func(OwnershipFacts) bool
	step   OwnershipStep
}

func ownershipRows() []ownershipRow {
	started := func(f OwnershipFacts) bool { return f.StartedFrom && !f.SaidMe }
	ordered := func(f OwnershipFacts) bool { return f.Ordered }
	handover := func(f OwnershipFacts) bool { return f.WithHandover }
	unsure := func(f OwnershipFacts) bool { return !f.Agreed }
	fights := func(f OwnershipFacts) bool { return f.Lost && f.Exhausted && !f.Ordered && !f.WithHandover }
	again := func(f OwnershipFacts) bool { return started(f) && fights(f) }
	exhausted := func(f OwnershipFacts) bool { return f.Exhausted }
	standby, out := []PeerState{PeerStandby}, []PeerState{PeerOut}
	active, silent := []PeerState{PeerActive}, []PeerState{PeerSilent}
	return []ownershipRow{
		{HeldByMe, nil, fights, Contended},
		{HeldByMe, nil, nil, Serve},

		{HeldByPeer, active, handover, GoOn},
		{HeldByPeer, active, nil, Contest},
		{HeldByPeer, silent, ordered, GoOn},
		{HeldByPeer, silent, again, Contended},
		{HeldByPeer, silent, started, GoOn},
		{HeldByPeer, silent, nil, StepBack},
		{HeldByPeer, out, fights, Contended},
		{HeldByPeer, out, nil, TakeBack},
		{HeldByPeer, standby, handover, GoOn},
		{HeldByPeer, standby, ordered, GoOn},
		{HeldByPeer, standby, again, Contended},
		{HeldByPeer, standby, started, GoOn},
		{HeldByPeer, standby, unsure, Confirm},
		{HeldByPeer, standby, func(f OwnershipFacts) bool { return !f.Reclaims }, Follow},
		{HeldByPeer, standby, exhausted, Contended},
		{HeldByPeer, standby, nil, Reclaim},

		{HeldByNobody, nil, func(f OwnershipFacts) bool { return f.HandingOver }, Wait},
		{HeldByNobody, nil, func(f OwnershipFacts) bool { return f.RivalMayMove && !f.OwnDetachDone }, Wait},
		{HeldByNobody, nil, nil, Bind},

		{HeldByForeign, nil, ordered, GoOn},
		{HeldByForeign, nil, again, Contended},
		{HeldByForeign, nil, started, GoOn},
		{HeldByForeign, nil, unsure, Confirm},
		{HeldByForeign, nil, func(f OwnershipFacts) bool { return !f.Reclaims || !f.SeenOurs }, LeaveForeign},
		{HeldByForeign, nil, exhausted, Contended},
		{HeldByForeign, nil, nil, Reclaim},
	}
}

func (r ownershipRow) matches(f OwnershipFacts) bool {
	if f.Holder != r.holder || r.also != nil && !r.also(f) {
		return false
	}
	for _, p := range r.peer {
		if p == f.Peer {
			return true
		}
	}
	return r.peer == nil
}

func everyOwnership(visit func(OwnershipFacts)) {
	for bits := range 1 << 12 {
		b := func(i int) bool { return bits>>i&1 == 1 }
		for holder := HeldByMe; holder <= HeldByForeign; holder++ {
			for peer := PeerSilent; peer <= PeerOut; peer++ {
				visit(OwnershipFacts{
					Holder: holder, Peer: peer, SaidMe: b(0), StartedFrom: b(1), WithHandover: b(2), HandingOver: b(3),
					Agreed: b(4), Reclaims: b(5), Exhausted: b(6), SeenOurs: b(7), Ordered: b(8), RivalMayMove: b(9), OwnDetachDone: b(10), Lost: b(11),
				})
			}
		}
	}
}

// TestOwnershipStepsAsTheTableSays compares the code with the rows, over all
// combinations. Every row must have decided at least once: none is dead.
func TestOwnershipStepsAsTheTableSays(t *testing.T) {
	t.Parallel()
	rows := ownershipRows()
	used := make([]int, len(rows))
	everyOwnership(func(f OwnershipFacts) {
		for i, row := range rows {
			if !row.matches(f) {
				continue
			}
			used[i]++
			if got := Ownership(f); got != row.step && used[i] < 3 {
				t.Errorf("row %d of %+v: got step %d, want %d", i+1, f, got, row.step)
			}
			return
		}
		t.Fatalf("no row matches %+v", f)
	})
	for i := range rows {
		if used[i] == 0 {
			t.Errorf("row %d never decides", i+1)
		}
	}
}

// TestOwnershipKeepsItsPromises states, over all combinations, what no change of
// the rows may ever break.
func TestOwnershipKeepsItsPromises(t *testing.T) {
	t.Parallel()
	promises := []struct {
		name string
		kept func(OwnershipFacts, OwnershipStep) bool
	}{
		{"an active node serves exactly when the cloud names it (invariant 6)", func(f OwnershipFacts, s OwnershipStep) bool {
			return (s == Serve) == (f.Holder == HeldByMe && !(s == Contended && f.Lost && f.Exhausted))
		}},
		{"a stranger that came by itself is never overwritten without an order or reclaim (invariant 13)", func(f OwnershipFacts, s OwnershipStep) bool {
			allowed := f.Ordered || f.StartedFrom && !f.SaidMe || f.Reclaims && f.SeenOurs
			return f.Holder != HeldByForeign || !s.Writes() || allowed
		}},
		{"while handing over, nothing unbound is bound", func(f OwnershipFacts, s OwnershipStep) bool {
			return f.Holder != HeldByNobody || !f.HandingOver || !s.Writes()
		}},
		{"an active peer is written over within a handover only (invariant 1)", func(f OwnershipFacts, s OwnershipStep) bool {
			return f.Holder != HeldByPeer || f.Peer != PeerActive || f.WithHandover || !s.Writes()
		}},
		{"a silent peer that took the address is not written over without an order (invariant 2)", func(f OwnershipFacts, s OwnershipStep) bool {
			took := !f.Ordered && (f.SaidMe || !f.StartedFrom)
			return f.Holder != HeldByPeer || f.Peer != PeerSilent || !took || !s.Writes()
		}},
		{"who was taken from too often reclaims no more", func(f OwnershipFacts, s OwnershipStep) bool {
			return s != Reclaim || !f.Exhausted
		}},
		{"a fight is not gone on with, and only then is it one (5.8)", func(f OwnershipFacts, s OwnershipStep) bool {
			left := f.Holder == HeldByNobody || f.Ordered || f.WithHandover || !s.Writes() && s != Serve
			return !(f.Lost && f.Exhausted) || left
		}},
		{"one read is not enough to believe in a hand", func(f OwnershipFacts, s OwnershipStep) bool {
			fights := s == Contended && f.Lost && f.Exhausted
			return f.Agreed || fights || s != Follow && s != Reclaim && s != Contended && s != LeaveForeign
		}},
	}
	broken := make([]int, len(promises))
	everyOwnership(func(f OwnershipFacts) {
		s := Ownership(f)
		for i, p := range promises {
			if !p.kept(f, s) {
				if broken[i]++; broken[i] == 1 {
					t.Errorf("%s: broken by %+v: step %d", p.name, f, s)
				}
			}
		}
	})
}

// TestOnlyFourStepsAllowAWrite names them.
func TestOnlyFourStepsAllowAWrite(t *testing.T) {
	t.Parallel()
	want := map[OwnershipStep]bool{Bind: true, GoOn: true, TakeBack: true, Reclaim: true}
	for s := Serve; s <= Contended; s++ {
		if s.Writes() != want[s] {
			t.Errorf("step %d: writes is %v", s, s.Writes())
		}
	}
}
