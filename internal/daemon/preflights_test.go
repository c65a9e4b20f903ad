// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/fipctl/fipctl/pkg/providers"
)

func TestAQuietStandbyPreflightsOnceInTenMinutes(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b := w.settled()
		if got := b.cloud.times("preflight"); got != 1 {
			t.Errorf("%d after the start", got)
		}
		b.cloud.resetCounts()
		w.pass(time.Hour)
		if got := b.cloud.times("preflight"); got < 5 || got > 6 {
			t.Errorf("%d in an hour", got)
		}
	})
}

// TestAChangeBringsThePreflightForward: what the last one said may not be true any more.
func TestAChangeBringsThePreflightForward(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *world, b *node)
		within time.Duration
	}{
		{"nothing changes", func(*world, *node) {}, 0},
		{"the configuration is read again", func(_ *world, b *node) { b.signals <- syscall.SIGHUP }, preflightSoon},
		{"a hand moves the address to this node and back", func(w *world, _ *node) {
			w.must(w.cloud.Place(floating, target(nodeB)))
			w.pass(30 * time.Second)
			w.must(w.cloud.Place(floating, target(nodeA)))
		}, 30 * time.Second},
		{"the role changes", func(w *world, b *node) {
			b.check.set(errors.New("refused"))
			w.pass(5 * time.Second)
			b.check.set(nil)
		}, 30 * time.Second},
		{"the machine has another identity", func(w *world, b *node) {
			b.engine.post(func() {
				id := b.meta.id
				id.Target.Instance = "1003"
				b.engine.identified(b.engine.clouds.presences["digitalocean"], id, nil)
			})
		}, preflightSoon},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, target(nodeA), func(w *world) {
				_, b := w.settled()
				w.pass(2 * time.Minute)
				b.cloud.resetCounts()
				tt.change(w, b)
				w.pass(tt.within + time.Second)
				if got := b.cloud.times("preflight"); got > 0 != (tt.within > 0) {
					t.Errorf("%d preflights", got)
				}
			})
		})
	}
}

func TestARefusedPreflightIsAskedAgainInAMinute(t *testing.T) {
	inWorld(t, target(nodeA), func(w *world) {
		_, b := w.settled()
		b.cloud.set("preflight", failure("preflight", providers.Busy, "422", errors.New("a snapshot runs")))
		w.pass(preflightEvery)
		b.cloud.resetCounts()
		w.pass(3 * time.Minute)
		if got := b.cloud.times("preflight"); got < 2 || got > 3 {
			t.Errorf("%d in three minutes", got)
		}
	})
}

// TestChangesThatKeepComingDoNotMultiplyPreflights: a role that flaps.
func TestChangesThatKeepComingDoNotMultiplyPreflights(t *testing.T) {
	t.Parallel()
	g, began, asked := &group{}, election.Instant(time.Hour), 0
	for now := began; now < began.Add(10*time.Minute); now = now.Add(time.Second) {
		g.preflightAnew(now)
		if now >= g.preflightAt {
			asked, g.preflightedAt, g.preflightAt = asked+1, now, now.Add(preflightEvery)
		}
	}
	if asked != 10 {
		t.Errorf("%d in ten minutes", asked)
	}
}
