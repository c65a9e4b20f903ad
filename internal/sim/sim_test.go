// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fixedSeeds are what every run of the tests plays: ranges, first and last.
var fixedSeeds = [][2]uint64{{1, 1500}}

// fixedFew is how many of the first range suffice when time is short.
const fixedFew = 30

// taughtSeeds once failed and changed a rule. A seed keeps its history only as long as
// the simulator draws the same, so the story says what to look for in another.
var taughtSeeds = map[uint64]string{
	11:  "all clocks of a machine stood still while datagrams waited: their burst hid the gap in the peers' uptime",
	21:  "an owner that learnt late what the cloud calls it would have detached its own address",
	113: "two addresses, one with each backup, stayed apart for ever behind a service that answered",
	158: "a handover of two addresses was over for the old owner when the first had moved",
	242: "a successor named by a drain took the address from a live stranger",
}

// TestTheFixedSeedsBreakNoRule plays the histories that every change must pass, and
// makes sure that they are worth passing.
func TestTheFixedSeedsBreakNoRule(t *testing.T) {
	ranges := fixedSeeds
	few := testing.Short() || underRace
	if few {
		ranges = [][2]uint64{{fixedSeeds[0][0], fixedSeeds[0][0] + fixedFew - 1}}
	}
	tally := NewTally(ranges[0][0], ranges[len(ranges)-1][1])
	for _, r := range ranges {
		Many(r[0], r[1], 2, nil, tally.Add)
	}
	r := tally.Report(0)
	for _, b := range r.Violations {
		t.Error(b.Describe())
	}
	if few {
		return
	}
	for kind, n := range r.Faults {
		if n == 0 {
			t.Errorf("no fault of kind %s came", kind)
		}
	}
	if len(r.PairsMissing) > 0 {
		t.Errorf("pairs of faults that never met: %v", r.PairsMissing)
	}
	if r.FewestFaults < faultsFewest {
		t.Errorf("one history had %d faults, want at least %d", r.FewestFaults, faultsFewest)
	}
	for _, drill := range []string{"restart", "planned", "reads", "lost-datagram", "hand", "relief", "reboot", "fight", "reload"} {
		if r.Drills[drill] == 0 {
			t.Errorf("the drill %s was never played", drill)
		}
	}
	if r.Moves == 0 || r.LateMoves == 0 {
		t.Errorf("%d moves, %d of them late: want some of both", r.Moves, r.LateMoves)
	}
	t.Logf("%d histories, %d steps, %d moves", r.Histories, r.Steps, r.Moves)
}

func TestSeedsThatTaughtSomethingBreakNoRule(t *testing.T) {
	for seed, story := range taughtSeeds {
		tally := NewTally(seed, seed)
		Many(seed, seed, 1, nil, tally.Add)
		for _, b := range tally.Report(0).Violations {
			t.Errorf("%s: %s", story, b.Describe())
		}
	}
}

// TestASeedIsOneHistory: the same seed gives the same history, event for event, and
// telling its events changes nothing.
func TestASeedIsOneHistory(t *testing.T) {
	seeds := []uint64{1, 2, 3, 11, 77, 158, 1 << 40}
	if underRace {
		seeds = seeds[:3]
	}
	for _, seed := range seeds {
		silent := Play(seed, nil)
		var first, second []string
		told := Play(seed, func(line string) { first = append(first, line) })
		again := Play(seed, func(line string) { second = append(second, line) })
		if diff := cmp.Diff(silent, told); diff != "" {
			t.Errorf("seed %d: told its events, it is another history (-silent +told):\n%s", seed, diff)
		}
		if diff := cmp.Diff(told, again); diff != "" {
			t.Errorf("seed %d: another history the second time (-first +second):\n%s", seed, diff)
		}
		for i := range min(len(first), len(second)) {
			if first[i] != second[i] {
				t.Fatalf("seed %d, event %d: first %q, then %q", seed, i, first[i], second[i])
			}
		}
		if len(first) != len(second) || len(first) < 50 {
			t.Errorf("seed %d: first %d events, then %d", seed, len(first), len(second))
		}
	}
}

func TestOtherSeedsAreOtherHistories(t *testing.T) {
	t.Parallel()
	a, b := Play(1, nil), Play(2, nil)
	if a.Steps == b.Steps && a.Virtual == b.Virtual {
		t.Errorf("seeds 1 and 2 both took %d steps and %v", a.Steps, a.Virtual)
	}
}

// TestWorkersPlayEachSeedOnce: however many play side by side, the report is the same.
func TestWorkersPlayEachSeedOnce(t *testing.T) {
	t.Parallel()
	report := func(workers int) Report {
		tally := NewTally(1, 12)
		Many(1, 12, workers, nil, tally.Add)
		return tally.Report(time.Second)
	}
	if diff := cmp.Diff(report(1), report(3)); diff != "" {
		t.Errorf("with three workers the report differs (-one +three):\n%s", diff)
	}
}

func TestAClosedChannelEndsARun(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	played := 0
	Many(1, 1000, 2, stop, func(History) {
		if played++; played == 3 {
			close(stop)
		}
	})
	if played < 3 || played > 5 {
		t.Errorf("%d histories were played, want 3 and those under way", played)
	}
}

// TestTheDocumentOfAReport is what other programs read.
func TestTheDocumentOfAReport(t *testing.T) {
	t.Parallel()
	tally := NewTally(7, 9)
	broken := History{Seed: 8, Steps: 10, Violations: []Violation{
		{Seed: 8, Checker: checkWriteGate, At: 1500 * time.Millisecond, Text: "it wrote", Last: []string{"an event"}},
	}}
	good := History{Seed: 7, Steps: 20, Virtual: time.Hour, Moves: 3, LateMoves: 1, Writes: 4, Converged: 2 * time.Second, Drills: []string{"reads"}}
	good.Faults[Loss], good.Faults[Crash] = 30, 21
	good.Pairs[Loss][Crash], good.Pairs[Crash][Loss] = true, true
	tally.Add(broken)
	tally.Add(good)
	r := tally.Report(2 * time.Second)
	if len(r.Faults) != int(faultKinds) || r.Faults["loss"] != 30 || r.Faults["crash"] != 21 || r.Faults["replay"] != 0 {
		t.Errorf("faults %v", r.Faults)
	}
	if pairs := int(faultKinds) * int(faultKinds-1) / 2; r.Pairs != 1 || len(r.PairsMissing) != pairs-1 || r.PairsMissing[0] != "loss+duplication" {
		t.Errorf("%d pairs, %d missing, first %q", r.Pairs, len(r.PairsMissing), r.PairsMissing[0])
	}
	r.Faults, r.PairsMissing = map[string]int{"loss": 30}, []string{}
	got, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(document, string(got)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

const document = `{
  "seeds": "7-9",
  "histories": 2,
  "steps": 30,
  "steps_per_second": 15,
  "cluster_hours": 1,
  "seconds": 2,
  "faults": {
    "loss": 30
  },
  "fault_pairs": 1,
  "fault_pairs_missing": [],
  "fewest_faults": 51,
  "moves": 3,
  "late_moves": 1,
  "writes": 4,
  "drills": {
    "reads": 1
  },
  "convergence_seconds": {
    "median": 2,
    "p95": 2,
    "p99": 2,
    "max": 2
  },
  "assisted": 0,
  "violations_total": 1,
  "violations": [
    {
      "seed": 8,
      "checker": "I1-write-gate",
      "at_seconds": 1.5,
      "text": "it wrote",
      "replay": "go run ./internal/sim/simulate -seed 8 -trace",
      "last": [
        "an event"
      ]
    }
  ]
}`

func TestAReportIsBounded(t *testing.T) {
	t.Parallel()
	tally := NewTally(1, 1000)
	for seed := uint64(1000); seed > 0; seed-- {
		tally.Add(History{Seed: seed, Violations: []Violation{{Seed: seed, Checker: checkReasons}}})
	}
	r := tally.Report(time.Second)
	if len(r.Violations) != breachesMax || r.Violations[0].Seed != 1 || r.Broken != 1000 {
		t.Errorf("%d of %d violations, the first of seed %d", len(r.Violations), r.Broken, r.Violations[0].Seed)
	}
}
