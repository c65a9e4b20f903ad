// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
	_ "unsafe" // for the name of guardsOff
)

// guardsOff is the set in pkg/election of guards that new machines lack. It has no
// exported name, because nothing in a program may ever set it; see the comment at its
// type. The linker lets this test file at it, and only test files are built with it.
//
//go:linkname guardsOff github.com/fipctl/fipctl/pkg/election.guardsOff
var guardsOff uint64

// A tooth is one guard, and the checker that must notice when it is gone.
type tooth struct {
	guard    string // a constant in pkg/election/guards.go; empty: see below
	trusting bool   // the signature check, which is not the election's
	keeping  bool   // the removal of addresses from machines, which is not either
	checker  string
	within   uint64 // so many seeds must suffice; see teeth
}

// teeth states for each guard within how many seeds its checker must notice: about ten
// times the median between two bites. Three times would be missed by one seed range in
// eight, and every change of the election makes new histories of all seeds.
var teeth = []tooth{
	{guard: "guardReadAfterAdvert", checker: checkWriteGate, within: 20},
	{guard: "guardReadAfterWrite", checker: checkWriteGate, within: 100},
	{guard: "guardReadAge", checker: checkWriteGate, within: 100},
	{guard: "guardNewestTerm", checker: checkWriteGate, within: 900},
	{guard: "guardEligible", checker: checkWriteGate, within: 1500},
	{guard: "guardLatch", checker: checkNoFight, within: 250},
	{guard: "guardLostAPI", checker: checkFailStatic, within: 20},
	{guard: "guardRow10Ends", checker: checkConvergence, within: 300},
	{guard: "guardLatchEnds", checker: checkConvergence, within: 350},
	{guard: "guardRepair", checker: checkRepair, within: 50},
	{guard: "guardBoundByRead", checker: checkWitness, within: 20},
	{guard: "guardStall", checker: checkStall, within: 20},
	{guard: "guardSuccessor", checker: checkHandsOn, within: 150},
	{guard: "guardRestart", checker: checkRestart, within: 100},
	{guard: "guardHandover", checker: checkNoGap, within: 100},
	{guard: "guardHandingOver", checker: checkNoGap, within: 100},
	{guard: "guardSequence", checker: checkSigned, within: 20},
	{trusting: true, checker: checkSigned, within: 40},
	{guard: "guardReadBudget", checker: checkBudget, within: 100},
	{guard: "guardForeign", checker: checkOurs, within: 50},
	{guard: "guardContest", checker: checkTwoActives, within: 50},
	{guard: "guardRefreshAge", checker: checkWriteGate, within: 50},
	{guard: "guardAllHeard", checker: checkWriteGate, within: 100},
	{guard: "guardHeardLead", checker: checkLatches, within: 60},
	{keeping: true, checker: checkAnnounced, within: 50},
	{guard: "guardSameGroup", checker: checkReload, within: 150},
	{guard: "guardNeverHeard", checker: checkNeverHeard, within: 20},
	{guard: "guardNeverHeardEnds", checker: checkNeverHeard, within: 150},
	{guard: "guardFight", checker: checkFight, within: 400},
	{guard: "guardUnknownThere", checker: checkUnknownThere, within: 100},
	{guard: "guardWithoutOneWay", checker: checkUnknownThere, within: 1400},
	{guard: "guardWithoutRival", checker: checkUnknownThere, within: 650},
	{guard: "guardDenied", checker: checkRefused, within: 1700},
	{guard: "guardReasons", checker: checkReasons, within: 20},
	{guard: "guardUnboundHold", checker: checkConvergence, within: 150},
	{guard: "guardDeserted", checker: checkConvergence, within: 100},
}

// measureTeeth makes TestTeeth play that many seeds for each tooth and tell how far
// apart those that bite are, instead of stopping at the first.
var measureTeeth = flag.Uint64("teeth", 0, "play this many `seeds` for each tooth and tell the median between bites")

// rareTooth is the number of seeds from which on a tooth is left out when time is short.
const rareTooth = 150

// name returns what takes the guard away.
func (t tooth) name() string {
	switch {
	case t.trusting:
		return "signatures"
	case t.keeping:
		return "removals"
	}
	return t.guard
}

// bites reports whether the checker notices in the history of a seed. It also returns
// the other checkers that noticed.
func (t tooth) bites(seed uint64) (bitten bool, others []string) {
	w := newWorld(seed)
	w.trusting, w.keeping = t.trusting, t.keeping
	for _, v := range w.live(nil).Violations {
		if v.Checker == t.checker {
			bitten = true
		} else {
			others = append(others, v.Checker)
		}
	}
	return bitten, others
}

// TestTeeth takes each guard away and expects its checker to notice. It is not
// parallel, nor are its subtests: guardsOff is read by every machine that is made.
func TestTeeth(t *testing.T) {
	bits := guardBits(t)
	for _, tooth := range teeth {
		t.Run(tooth.name(), func(t *testing.T) {
			guardsOff = bits[tooth.guard]
			defer func() { guardsOff = 0 }()
			if *measureTeeth > 0 {
				measure(t, tooth)
				return
			}
			if (testing.Short() || underRace) && tooth.within > rareTooth {
				t.Skip("takes long: played without -short and the race detector")
			}
			for seed := uint64(1); seed <= tooth.within; seed++ {
				if bitten, _ := tooth.bites(seed); bitten {
					return
				}
			}
			t.Errorf("without %s, no history of the seeds 1 to %d breaks %s", tooth.name(), tooth.within, tooth.checker)
		})
	}
}

// measure tells how many seeds pass between two bites, and what other checkers found.
func measure(t *testing.T, tooth tooth) {
	var between []uint64
	others := map[string]int{}
	last, first := uint64(0), uint64(0)
	for seed := uint64(1); seed <= *measureTeeth; seed++ {
		bitten, other := tooth.bites(seed)
		for _, checker := range other {
			others[checker]++
		}
		if !bitten {
			continue
		}
		if first == 0 {
			first = seed
		}
		between = append(between, seed-last)
		last = seed
		if len(between) == 60 {
			break
		}
	}
	slices.Sort(between)
	if len(between) == 0 {
		t.Errorf("no bite in %d seeds; other checkers: %v", *measureTeeth, others)
		return
	}
	t.Logf("%s: first bite %d, median between bites %d, most %d (%d bites); other checkers:%s",
		tooth.checker, first, between[len(between)/2], between[len(between)-1], len(between), counts(others))
}

// guardBits reads the guards and their bits from the source of pkg/election: their
// constants are as unexported as the set, and a copy of them here would drift.
func guardBits(t *testing.T) map[string]uint64 {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../pkg/election/guards.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	bits := map[string]uint64{}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for i, spec := range g.Specs {
			bits[spec.(*ast.ValueSpec).Names[0].Name] = 1 << i
		}
	}
	return bits
}

// TestEveryGuardAndEveryCheckerHasATooth: a guard without a tooth is not seen to
// matter, and a checker without one is not seen to work.
func TestEveryGuardAndEveryCheckerHasATooth(t *testing.T) {
	t.Parallel()
	bits := guardBits(t)
	if len(bits) < 15 {
		t.Fatalf("guards found in pkg/election: %v", bits)
	}
	var guards, checkers []string
	for _, tooth := range teeth {
		guards, checkers = append(guards, tooth.guard), append(checkers, tooth.checker)
		if tooth.guard != "" && bits[tooth.guard] == 0 {
			t.Errorf("pkg/election has no %s", tooth.guard)
		}
	}
	for guard := range bits {
		if !slices.Contains(guards, guard) {
			t.Errorf("%s has no tooth", guard)
		}
	}
	for _, checker := range Checkers() {
		if !slices.Contains(checkers, checker) {
			t.Errorf("%s has no tooth", checker)
		}
	}
}
