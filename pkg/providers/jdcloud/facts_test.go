// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
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
