// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package lab

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// waiting is a cluster that only waits: no process, no socket.
func waiting(shown *[]string) *cluster {
	return &cluster{
		settings: settings{advertInterval: time.Second},
		cloud:    &cloud{offer: digitalOceanOffers()[0]},
		record:   &recorder{},
		progress: func(s string) { *shown = append(*shown, s) },
	}
}

func TestUntilWaitsForWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shown []string
		looks := 0
		err := waiting(&shown).until(t.Context(), "the tide turns", func(context.Context) string {
			looks++
			return lacks(looks == 3, "not yet")
		})
		if err != nil || looks != 3 || len(shown) != 2 || shown[1] != "the tide turns (0.1 s)" {
			t.Errorf("%d looks, shown %q, error %v", looks, shown, err)
		}
	})
}

func TestUntilGivesUpAndSaysWhatIsStillMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		err := waiting(new([]string)).until(t.Context(), "the tide turns", func(context.Context) string { return "it is low" })
		if got, want := fmt.Sprint(err), "wait until the tide turns: not within 40s: it is low"; got != want {
			t.Errorf("got %s", got)
		}
		if waited := time.Since(begun); waited < 40*time.Second || waited > 41*time.Second {
			t.Errorf("it waited %s", waited)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	c := waiting(new([]string))
	err := c.until(ctx, "ever", func(context.Context) string { return "no" })
	if !errors.Is(err, errInterrupted) {
		t.Errorf("until: %v", err)
	}
	err = c.stays(ctx, "nothing happens", time.Hour, func(context.Context) string { return "" })
	if !errors.Is(err, errInterrupted) {
		t.Errorf("stays: %v", err)
	}
}

func TestADaemonThatCrashesEndsTheWaiting(t *testing.T) {
	t.Parallel()
	daemon := &process{name: "lb-a's daemon", done: make(chan struct{}), err: errors.New("exit status 2")}
	close(daemon.done)
	c := waiting(new([]string))
	c.nodes = []*node{{name: "lb-a", daemon: daemon}}
	err := c.until(t.Context(), "ever", func(context.Context) string { return "no" })
	if got, want := fmt.Sprint(err), "wait until ever: lb-a's daemon ended by itself: exit status 2"; got != want {
		t.Errorf("until: %s", got)
	}
	err = c.stays(t.Context(), "nothing happens", time.Hour, func(context.Context) string { return "" })
	if got, want := fmt.Sprint(err), "expect that nothing happens: lb-a's daemon ended by itself: exit status 2"; got != want {
		t.Errorf("stays: %s", got)
	}
	c.nodes[0].leaving = true
	if err := c.crashed(); err != nil {
		t.Errorf("a daemon that was told to end: %v", err)
	}
}

func TestStaysLooksForTheWholeTimeAndSaysWhenItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := waiting(new([]string))
		begun := time.Now()
		calm := c.stays(t.Context(), "all is calm", time.Second, func(context.Context) string { return "" })
		if took := time.Since(begun); calm != nil || took < time.Second {
			t.Errorf("calm for %s: %v", took, calm)
		}
		begun = time.Now()
		storm := c.stays(t.Context(), "all is calm", time.Second, func(context.Context) string {
			return lacks(time.Since(begun) < 500*time.Millisecond, "a storm")
		})
		if got, want := fmt.Sprint(storm), "expect that all is calm: a storm after 500ms"; got != want {
			t.Errorf("got %s", got)
		}
	})
}

// What is held must be held long enough for a node that wants to move it.
func TestALongWhileOutlastsATakeover(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{advertIntervalMin, AdvertIntervalDefault, advertIntervalMax} {
		c := waiting(new([]string))
		c.settings.advertInterval = interval
		if down := activeDown(interval, nodePriorities[standbyNode]); c.long() < down+c.takes() {
			t.Errorf("adverts every %s: %s is shorter than active-down %s and a move", interval, c.long(), down)
		}
		if c.patience() < c.long() {
			t.Errorf("adverts every %s: the patience %s ends before a long while %s", interval, c.patience(), c.long())
		}
	}
}

func TestALabThatDidNotRunSaysSo(t *testing.T) {
	t.Parallel()
	var r recorder
	r.late(lateMin - 1)
	r.late(1250 * time.Millisecond)
	events, start, _ := r.taken()
	if len(events) != 1 || events[0].What != "the machine is busy: the lab did not run for 1.25s" || !start.IsZero() {
		t.Errorf("events %v, the story began %v", events, start)
	}
}
