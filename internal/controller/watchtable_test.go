// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// at is the instant so many milliseconds after now.
func at(n int) election.Instant { return now.Add(ms(n)) }

// watched is a watch whose newest read began so many milliseconds after now and took so
// long, as all before it had, and that has others under way.
func watched(began, took int, flying ...int) Watch {
	w := Watch{began: at(began), ended: at(began + took), good: at(began), heard: at(began + took)}
	for i := range w.took {
		w.took[i] = ms(took)
	}
	for _, f := range flying {
		w.flying = append(w.flying, at(f))
		w.began = max(w.began, at(f))
	}
	return w
}

// failing is the same after a read that was not answered.
func failing(w Watch, began, ended int) Watch {
	w.began, w.ended, w.failed = at(began), at(ended), true
	return w
}

// TestWhenTheNextReadBegins has one case for every term of the reckoning.
func TestWhenTheNextReadBegins(t *testing.T) {
	t.Parallel()
	const never = 1 << 20
	waits := func(since int) election.Wish { return election.Wish{Since: at(since), Waits: true} }
	by := func(end, since int) election.Wish {
		return election.Wish{Since: at(since), By: at(end), Age: time.Second}
	}
	for _, tt := range []struct {
		name  string
		watch Watch
		wish  election.Wish
		want  Want
		again int // ms after now
	}{
		{"news", watched(-5000, 20), election.Wish{News: now}, WantRead, never},
		{"news that is urgent", watched(-5000, 20), election.Wish{News: now, Urgent: true}, WantUrgent, never},
		{"a rhythm", watched(-5000, 20), election.Wish{At: now}, WantRead, never},
		{"a rhythm that is urgent", watched(-5000, 20), election.Wish{At: now, Urgent: true}, WantUrgent, never},
		{"an urgent rhythm beside one that does not hang", watched(-5000, 20, -600, -50), election.Wish{At: now, Urgent: true}, WantNothing, 450},

		{"a decision waits", watched(-5000, 20), waits(-100), WantUrgent, never},
		{"its own write may still take effect", watched(-5000, 20), waits(300), WantNothing, 300},
		{"the same, and a read is under way", watched(-5000, 20, -50), waits(300), WantNothing, 300},
		{"a read is under way that counts", watched(-5000, 20, -50), waits(-100), WantNothing, 450},
		{"one is under way that began too early", watched(-5000, 20, -100), waits(-50), WantUrgent, never},
		{"one hangs, another was made beside it", watched(-5000, 20, -600, -50), waits(-1000), WantNothing, 450},
		{"one takes less than twice the slowest", watched(-5000, 400, -600), waits(-1000), WantNothing, 200},
		{"one takes more", watched(-5000, 400, -800), waits(-1000), WantUrgent, never},
		{"one that counts was no use", watched(-30, 20), waits(-100), WantNothing, 90},
		{"one has failed", failing(watched(-5000, 20), -300, -290), waits(-1000), WantNothing, 700},
		{"one has failed after long", failing(watched(-5000, 20), -2900, -10), waits(-3000), WantNothing, 90},

		{"a timer has ended", watched(-5000, 20), by(0, -100), WantUrgent, never},
		{"a timer ends soon", watched(-5000, 20), by(40, -100), WantUrgent, never},
		{"a timer ends later", watched(-5000, 20), by(500, -100), WantNothing, 455},
		{"what it needs begins later", watched(-5000, 20), by(40, 30), WantNothing, 30},
		{"an answer will do", watched(-300, 20), by(500, -400), WantNothing, never},
		{"an answer will do, but was asked for too early", watched(-300, 20), by(500, -200), WantNothing, 455},
		{"an answer will be too old", watched(-600, 20), by(500, -700), WantNothing, 455},
		{"one under way will do", watched(-5000, 20, -100), by(10, -1000), WantNothing, never},
		{"one under way hangs", watched(-5000, 20, -600), by(10, -1000), WantUrgent, never},
		{"one under way began too early", watched(-5000, 20, -100), by(10, -50), WantUrgent, never},
		{"one under way will be too old", watched(-5000, 20, -100), by(2000, -200), WantNothing, 1955},
		{"one failed a moment ago", failing(watched(-5000, 20), -300, -290), by(10, -1000), WantNothing, 700},
	} {
		want, again := tt.watch.Next(now, tt.wish)
		if again == 0 {
			again = at(never)
		}
		if want != tt.want || again != at(tt.again) {
			t.Errorf("%s: wants %d, again %v after now", tt.name, want, again.Sub(now))
		}
	}
}

// TestAnswersMayComeInAnotherOrder: what an older read tells does not make a newer one older.
func TestAnswersMayComeInAnotherOrder(t *testing.T) {
	t.Parallel()
	var w Watch
	w.Begin(at(0))
	w.Begin(at(1))
	w.End(at(1), at(50), true)
	w.End(at(0), at(60), true)
	if w.Newest() != at(1) || w.heard != at(50) {
		t.Errorf("the newest began at %v and was heard of at %v", w.Newest().Sub(now), w.heard.Sub(now))
	}
	w.Begin(at(70))
	w.End(at(70), at(55), false) // told late
	if w.ended != at(60) {
		t.Errorf("the last to end did so at %v", w.ended.Sub(now))
	}
}

// TestNothingJoinsAReadThatIsUnderWay, however near the next one is.
func TestNothingJoinsAReadThatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := watched(-5000, 20)
	if !w.Near(now, at(10)) {
		t.Error("nothing is under way, and it does not join")
	}
	w.Begin(at(-10))
	if w.Near(now, at(10)) {
		t.Error("a read is under way, and another would join")
	}
}
