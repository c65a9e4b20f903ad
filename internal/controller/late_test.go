// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/google/go-cmp/cmp"
)

// TestAWriteWithoutAnAnswerIsRepeatedWhereReadsShowThatItDidNothing guards section 5.9: the
// write was given up at now, the kind waits 2 s where reads show nothing, and 15 s elsewhere.
func TestAWriteWithoutAnAnswerIsRepeatedWhereReadsShowThatItDidNothing(t *testing.T) {
	t.Parallel()
	was := providers.Assignment{Target: there, Version: "1"}
	at := func(d time.Duration) election.Instant { return now.Add(d) }
	tests := []struct {
		name    string
		late    time.Duration
		wrote   WriteFact
		began   election.Instant // of the last read
		seen    providers.Assignment
		asked   election.Instant
		want    Step
		readsAt election.Instant // when the next read is wanted; 0: never
	}{
		{"a read from before says nothing, and one is wanted at that time", 2 * time.Second, WriteFact{}, at(ms(1900)), was, at(ms(1950)), Wait, at(ms(2000))},
		{"the first that began after it does", 2 * time.Second, WriteFact{}, at(ms(2000)), was, at(ms(2050)), Write, 0},
		{"not where it shows an operation", 2 * time.Second, WriteFact{}, at(ms(2000)), providers.Assignment{Target: there, Version: "1", Pending: true}, at(ms(2050)), Wait, at(ms(2140))},
		{"nor somebody else", 2 * time.Second, WriteFact{}, at(ms(2000)), providers.Assignment{Target: providers.Target{Instance: "3"}, Version: "1"}, at(ms(2050)), Wait, at(ms(2140))},
		{"nor another binding of the same one", 2 * time.Second, WriteFact{}, at(ms(2000)), providers.Assignment{Target: there, Version: "2"}, at(ms(2050)), Wait, at(ms(2140))},
		{"nor after a detach, which may come when another holds it", 2 * time.Second, WriteFact{Detach: true}, at(ms(2000)), was, at(ms(2050)), Wait, at(ms(2244))},
		{"nor where the kind has no such time", 0, WriteFact{}, at(ms(2000)), was, at(ms(2050)), Wait, at(ms(2550))},
		{"nor where it is no shorter", 15 * time.Second, WriteFact{}, at(ms(2000)), was, at(ms(2050)), Wait, at(ms(2550))},
		{"a detach has done its work where nobody holds it any more, and the rest is done at once", 0, WriteFact{Detach: true}, at(1), providers.Assignment{}, at(ms(50)), Write, 0},
		{"which no read from before says", 0, WriteFact{Detach: true}, now, providers.Assignment{}, at(ms(50)), Wait, 0},
		{"nor one that shows it under way", 0, WriteFact{Detach: true}, at(1), providers.Assignment{Pending: true}, at(ms(50)), Wait, 0},
		{"nor one of a move in one call", 0, WriteFact{}, at(1), providers.Assignment{}, at(ms(50)), Wait, at(ms(140) + 1)},
		{"what the cloud asks for is waited for then too", 0, WriteFact{Detach: true, RetryAfter: 4 * time.Second}, at(ms(3900)), providers.Assignment{}, at(ms(3950)), Wait, at(ms(4000))},
		{"what the cloud asks for is waited for all the same", 2 * time.Second, WriteFact{RetryAfter: 4 * time.Second}, at(ms(3900)), was, at(ms(3950)), Wait, at(ms(4000))},
		{"and then over", 2 * time.Second, WriteFact{RetryAfter: 4 * time.Second}, at(ms(4000)), was, at(ms(4050)), Write, 0},
		{"in the end it is repeated whatever reads show", 2 * time.Second, WriteFact{}, at(ms(14990)), providers.Assignment{Target: there, Version: "2"}, at(ms(15000)), Write, 0},
	}
	for _, tt := range tests {
		pol := onePolicy(func(p *AddressPolicy) { p.LateTime = tt.late })
		tt.wrote.Outcome, tt.wrote.Seen = election.WriteAmbiguous, was
		ob := writing(tt.wrote)
		ob.Permit.Own = now
		st, _ := Decide(pol, elsewhere(func(_ *State, a *AddressState) { a.Seen = was }), ob)
		ob = leading(nil)
		ob.Now, ob.Permit.Own = tt.asked, now
		ob.Read = readFact(tt.began, tt.began.Add(ms(40)), tt.seen)
		_, d := Decide(pol, st, ob)
		if d.Step != tt.want || d.Wish.At != tt.readsAt && !tt.seen.Pending {
			t.Errorf("%s: %s, the next read at %v; want %s and %v", tt.name, d.Step, d.Wish.At.Sub(now), tt.want, tt.readsAt.Sub(now))
		}
	}
}

// TestAProviderThatThrottlesIsNotAskedSooner: its wait is about every write.
func TestAProviderThatThrottlesIsNotAskedSooner(t *testing.T) {
	t.Parallel()
	pol := Policy{PatienceMax: time.Minute, Addresses: []AddressPolicy{
		{Address: first, SettleTime: 15 * time.Second, LateTime: time.Second}, {Address: second, SettleTime: 15 * time.Second},
	}}
	ob := writing(WriteFact{Outcome: election.WriteAmbiguous})
	ob.Target = []providers.Target{here, here}
	st, _ := Decide(pol, State{}, ob)
	ob = writing(WriteFact{Address: 1, Outcome: election.WriteRefused, Throttled: true, RetryAfter: 20 * time.Second})
	ob.Target = []providers.Target{here, here}
	st, _ = Decide(pol, st, ob)
	got := st.Addresses[0]
	if diff := cmp.Diff([]election.Instant{now.Add(20 * time.Second), 0, 0}, []election.Instant{got.RetryAt, got.LateAt, got.LostAt}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
