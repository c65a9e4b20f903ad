// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/providers"
)

func TestFactsAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	var f facts
	p := netip.MustParsePrefix("10.0.4.0/24")
	if _, ok := f.get("subnet-1", now); ok {
		t.Error("knows something from nowhere")
	}
	f.put("subnet-1", p, now)
	for _, age := range []time.Duration{0, factAge - 1} {
		if got, ok := f.get("subnet-1", now.Add(age)); got != p || !ok {
			t.Errorf("after %v: %v, %v", age, got, ok)
		}
	}
	for _, age := range []time.Duration{factAge, -1} {
		if _, ok := f.get("subnet-1", now.Add(age)); ok {
			t.Errorf("believed after %v", age)
		}
	}
	for i := range 10 * factsMax {
		f.put(fmt.Sprint("subnet-", i), p, now)
		if len(f.by) > factsMax {
			t.Fatalf("%d facts are kept", len(f.by))
		}
	}
}

// TestTheRangeOfANetworkIsReadOnceAnHour: a preflight costs three reads, which is what the
// allowance counts (internal/daemon, preflightCalls).
func TestTheRangeOfANetworkIsReadOnceAnHour(t *testing.T) {
	t.Parallel()
	at := now
	c, seen := start(t, script{readTable: {file: "route_table"}, readVPC: vpcWith("10.0.0.0/16"), readA: {file: "instance"}, readPortA: sanity(`"sanityCheck":0`)})
	c.client.now = func() time.Time { return at }
	p := c.provider(t, providers.KindRoute).(providers.Preflighter)
	for _, step := range []struct {
		after time.Duration
		reads int
	}{{0, 4}, {rangeAge - 1, 3}, {1, 4}} {
		at = at.Add(step.after)
		if err := p.Preflight(t.Context(), webRoute, only(providers.KindRoute, nodeA)); err != nil {
			t.Fatal(err)
		}
		if got := seen.seen(); len(got) != step.reads {
			t.Errorf("%v later: %q, want %d reads", step.after, got, step.reads)
		}
	}
}
