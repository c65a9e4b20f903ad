// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/fipctl/fipctl/internal/fakecloud"
	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

// callWorld returns a world of three nodes and two groups of three addresses, of which
// no call lists the second's.
func callWorld() *world {
	o := options{
		nodes: 3, interval: time.Second, apiLatency: 100 * time.Millisecond, callsPerHour: 5000,
		groups: []groupOptions{{addresses: 3}, {addresses: 3, unlisted: true}},
	}
	return worldOf(o, newChance(1))
}

// TestAddressesThatCannotBeListedAreReadByOneCallEach: side by side, each looks at the
// cloud when it gets there, and the read is over when the last has answered.
func TestAddressesThatCannotBeListedAreReadByOneCallEach(t *testing.T) {
	t.Parallel()
	w := callWorld()
	reads := w.readCalls(w.nodes[0], []int{0, 1})
	if len(reads) != 2 || len(reads[0].calls) != 3 || len(reads[1].calls) != 1 || w.callsOf([]int{0, 1}) != 4 {
		t.Fatalf("%d reads, %+v; %d calls, want 3 for the group that cannot be listed and 1 for the other", len(reads), reads, w.callsOf([]int{0, 1}))
	}
	r := reads[0]
	r.calls = []answer{{after: 2, reach: 1, ok: true}, {after: 9, reach: 4, ok: true}, {after: 3, reach: 2, ok: true}}
	if got := r.fares(); !got.ok || got.after != 9 {
		t.Errorf("the whole read: %+v, want the time of the slowest call", got)
	}
	w.look(w.nodes[0], r, 0)
	w.must(w.model.Place(w.groups[1].addresses[0].IP, w.nodes[1].target))
	w.must(w.model.Place(w.groups[1].addresses[1].IP, w.nodes[1].target))
	w.look(w.nodes[0], r, 1)
	if r.seen[0][0].Target != w.nodes[0].target || r.seen[0][1].Target != w.nodes[1].target || !r.seen[0][2].Target.IsZero() {
		t.Errorf("seen %v: want each address as it was when its own call looked, and none before", r.seen[0])
	}
	r.calls[2] = answer{after: election.AttemptTimeout, reach: -1, kind: 7}
	if got := r.fares(); got.ok || got.kind != 7 || got.after != election.AttemptTimeout {
		t.Errorf("one call fails: %+v, want the whole read to have failed when it had", got)
	}
}

// TestSlowAPIsAnswerUntilTheDeadline: seven histories in ten have the latency of a cloud
// on a good day, the others one with which calls take up to 2.8 s, and a few fail.
func TestSlowAPIsAnswerUntilTheDeadline(t *testing.T) {
	t.Parallel()
	c := newChance(3)
	const histories, calls = 400, 100
	slow, late, slowest := 0, 0, time.Duration(0)
	for range histories {
		w := callWorld()
		w.chance = c
		w.opts.apiLatency = drawLatency(c)
		if w.opts.apiLatency > latencyMax {
			slow++
		}
		for range calls {
			a := w.call(w.nodes[0], false)
			if !a.ok {
				late++
			} else {
				slowest = max(slowest, a.after)
			}
			if a.after > election.AttemptTimeout || a.ok && a.after < a.reach {
				t.Fatalf("a call: %+v", a)
			}
		}
	}
	if slow < histories/4 || slow > histories*2/5 {
		t.Errorf("%d of %d histories have a slow API, want about %v", slow, histories, slowAPIs)
	}
	if slowest < 2700*time.Millisecond || slowest >= election.AttemptTimeout {
		t.Errorf("the slowest call that succeeds took %v", slowest)
	}
	if late == 0 || late > histories*calls/100 {
		t.Errorf("%d of %d calls are beyond the deadline, want a few", late, histories*calls)
	}
}

// fareWith returns how many of many reads and writes of a node come to what, while a
// fault of that kind is on.
func fareWith(f Fault) (w *world, reads, writes []answer) {
	w = callWorld()
	w.api[0].on[f-APISlow]++
	for range 1000 {
		reads = append(reads, w.call(w.nodes[0], false))
		writes = append(writes, w.call(w.nodes[0], true))
	}
	return w, reads, writes
}

// share returns which part of the calls is so.
func share(calls []answer, is func(answer) bool) float64 {
	n := 0
	for _, a := range calls {
		if is(a) {
			n++
		}
	}
	return float64(n) / float64(len(calls))
}

func TestThrottledReadsLeaveWritesAlone(t *testing.T) {
	t.Parallel()
	_, reads, writes := fareWith(ReadsThrottled)
	throttled := func(a answer) bool { return a.kind == providers.Throttled && !a.ok && a.reach < 0 }
	if got := share(reads, throttled); got < 0.85 || got > 0.95 {
		t.Errorf("%v of the reads are throttled, want nine in ten", got)
	}
	if got := share(writes, func(a answer) bool { return a.ok }); got != 1 {
		t.Errorf("%v of the writes succeed, want all", got)
	}
}

// TestAnAPIThatHangsHangsSomeOfTheCalls: in a black hole all do, so that no call of
// several side by side could ever be answered while another hangs.
func TestAnAPIThatHangsHangsSomeOfTheCalls(t *testing.T) {
	t.Parallel()
	w, reads, writes := fareWith(APIHangs)
	hangs := func(kind providers.Kind) func(answer) bool {
		return func(a answer) bool { return !a.ok && a.after == election.AttemptTimeout && a.kind == kind }
	}
	if got := share(reads, hangs(providers.Transient)); got < 0.35 || got > 0.45 {
		t.Errorf("%v of the reads hang, want two in five", got)
	}
	if got := share(writes, hangs(providers.Ambiguous)); got < 0.35 || got > 0.45 {
		t.Errorf("%v of the writes hang, want two in five", got)
	}
	if got := share(writes, func(a answer) bool { return !a.ok && a.reach > 0 }); got < 0.15 || got > 0.25 {
		t.Errorf("%v of the writes hang and take effect, want one in five", got)
	}
	partly := 0
	for range 100 {
		r := w.readCalls(w.nodes[0], []int{1})[0]
		if ok := share(r.calls, func(a answer) bool { return a.ok }); ok > 0 && ok < 1 && !r.fares().ok && r.fares().after == election.AttemptTimeout {
			partly++
		}
	}
	if partly < 50 {
		t.Errorf("%d of 100 reads hang in some of their calls, want most", partly)
	}
}

// readsAfterAMove lets a node make that many reads of a group, half a second apart, and
// returns whether each named the second node, which took the address at that instant.
func (w *world) readsAfterAMove(reads int, before time.Duration) (moved []bool) {
	ip := w.groups[0].addresses[0].IP
	w.now = w.now.Add(before)
	w.must(w.model.Place(ip, w.nodes[1].target))
	for range reads {
		w.now = w.now.Add(500 * time.Millisecond)
		r := w.readCalls(w.nodes[0], []int{0})[0]
		w.look(w.nodes[0], r, 0)
		moved = append(moved, r.seen[0][0].Target == w.nodes[1].target)
	}
	return moved
}

func TestAlternatingReplicasAnswerInTurn(t *testing.T) {
	t.Parallel()
	w := callWorld()
	w.api[0].on[ReplicaAlternates-APISlow]++
	w.api[0].alternateBy = 2 * time.Second
	want := []bool{false, true, false, true, true, true} // the old one has it 2 s later
	if got := w.readsAfterAMove(6, time.Minute); !slices.Equal(got, want) {
		t.Errorf("reads see the move: %v, want %v", got, want)
	}
	if w.faults.hits[ReplicaAlternates] != 3 {
		t.Errorf("%d reads were answered from the old replica, want 3", w.faults.hits[ReplicaAlternates])
	}
	if !w.checks.blind[0].void {
		t.Error("moves are counted although no node could know")
	}
}

func TestAnOldReplicaAnswersWhatWasTrue(t *testing.T) {
	t.Parallel()
	w := callWorld()
	w.api[0].on[ReplicaOld-APISlow]++
	w.api[0].oldBy = fakecloud.LookBack
	got := w.readsAfterAMove(2*int(fakecloud.LookBack/time.Second), time.Hour)
	if first := slices.Index(got, true); first != len(got)-1 {
		t.Errorf("read %d of %d sees the move first, want the last", first, len(got))
	}
	if w.faults.hits[ReplicaOld] != len(got) || !w.checks.blind[0].void {
		t.Errorf("%d of %d reads were answered from the old replica; moves are counted %v", w.faults.hits[ReplicaOld], len(got), !w.checks.blind[0].void)
	}
}
