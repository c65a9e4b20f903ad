// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestWhichClockRanAhead(t *testing.T) {
	t.Parallel()
	before := clocks{boot: 100 * time.Second, mono: 90 * time.Second, wall: 1000 * time.Second}
	for _, tt := range []struct {
		name             string
		boot, mono, wall time.Duration // since then
		want             time.Duration
	}{
		{"none", time.Second, time.Second, time.Second, 0},
		{"the wall clock, set after a pause", time.Second, time.Second, 31 * time.Second, 30 * time.Second},
		{"the boot clock, which counts a suspension", 21 * time.Second, time.Second, 21 * time.Second, 20 * time.Second},
		{"the greater of two counts", 21 * time.Second, time.Second, 31 * time.Second, 20 * time.Second},
		{"a wall clock that was set back is no stall", time.Second, time.Second, -time.Hour, 0},
		{"but does not hide a suspension", 21 * time.Second, time.Second, -time.Hour, 20 * time.Second},
		{"a slewed wall clock is told as it is", time.Second, time.Second, time.Second + time.Millisecond, time.Millisecond},
	} {
		after := clocks{before.boot + tt.boot, before.mono + tt.mono, before.wall + tt.wall}
		if got := after.ahead(before); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestClocksThatDisagreeAreAStall (invariant 7): the node steps back, and resumes with
// a read and no write. A jump that no peer would notice changes nothing.
func TestClocksThatDisagreeAreAStall(t *testing.T) {
	for name, tt := range map[string]struct {
		jump time.Duration
		want bool
	}{"a pause": {time.Minute, true}, "a small step": {200 * time.Millisecond, false}, "slewing": {time.Millisecond, false}, "a step back": {-time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				var wall atomic.Int64
				a := w.start(nodeA, func(_ *node, _ *Options, p *parts) {
					start := time.Now()
					p.look = func() clocks {
						d := time.Hour + time.Since(start)
						return clocks{boot: d, mono: d, wall: d + time.Duration(wall.Load())}
					}
				})
				w.start(nodeB, nil)
				w.eventually("the owner leads", a.bound)
				w.pass(10 * time.Second)
				wall.Add(int64(tt.jump))
				w.pass(5 * time.Second)
				if got := a.log.has("to=backup reason=own-stall"); got != tt.want {
					t.Errorf("it stalled: %v", got)
				}
				if told := a.log.has(`msg="clocks disagree"`); told != (tt.jump > clocksApart) {
					t.Errorf("it is logged: %v", told)
				}
				if !a.bound() {
					t.Errorf("it is %s afterwards", a.role())
				}
				w.wantMoves(0, 0)
			})
		})
	}
}
