// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package controller

import (
	"fmt"
	"testing"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
	"github.com/google/go-cmp/cmp"
)

// watching plays a Watch against an API that takes a time for each read, a millisecond at
// a time, and notes when reads begin.
type watching struct {
	watch   Watch
	takes   func(n int) time.Duration // of the n-th read; 0: it fails at once
	wish    func(at election.Instant, w *Watch) election.Wish
	ends    map[election.Instant]election.Instant // when a read ends, by its begin
	begun   []time.Duration
	wants   []Want
	highest int // reads under way at once
}

func (p *watching) play(t *testing.T, d time.Duration) {
	t.Helper()
	p.ends = map[election.Instant]election.Instant{}
	for at := now; at < now.Add(d); at = at.Add(ms(1)) {
		for began, end := range p.ends {
			if end <= at {
				delete(p.ends, began)
				p.watch.End(began, at, end.Sub(began) > 0 && end.Sub(began) < election.AttemptTimeout)
			}
		}
		want, again := p.watch.Next(at, p.wish(at, &p.watch))
		if want == WantNothing {
			if again != 0 && again <= at {
				t.Fatalf("it wants nothing at %v and to be asked again at %v", at.Sub(now), again.Sub(now))
			}
			continue
		}
		p.watch.Begin(at)
		p.ends[at] = at.Add(min(p.takes(len(p.begun)), election.AttemptTimeout))
		p.begun, p.wants = append(p.begun, at.Sub(now)), append(p.wants, want)
		p.highest = max(p.highest, len(p.ends))
	}
}

func always(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// A read is news once: one begun since has ended or is under way.
func TestNewsIsReadOnce(t *testing.T) {
	t.Parallel()
	p := watching{takes: always(ms(300)), wish: func(at election.Instant, _ *Watch) election.Wish {
		w := election.Wish{News: now}
		if at >= now.Add(ms(100)) { // while the first is under way
			w.News = now.Add(ms(100))
		}
		return w
	}}
	p.play(t, 2*time.Second)
	if diff := cmp.Diff([]time.Duration{0, ms(100)}, p.begun); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	if p.wants[0] != WantRead {
		t.Errorf("nobody waits for it, and it is wanted %d", p.wants[0])
	}
}

// TestADecisionWaitsForAReadThatIsUnderWay: at every latency an API may have, one read is
// made, and the first answer is in time for the gate.
func TestADecisionWaitsForAReadThatIsUnderWay(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{ms(1), ms(20), ms(300), ms(800), 1200 * ms(1), 2500 * ms(1), 2990 * ms(1)} {
		since := now.Add(-ms(1))
		p := watching{takes: always(takes)}
		answered := election.Instant(0)
		p.wish = func(at election.Instant, w *Watch) election.Wish {
			if w.Newest() > since && answered == 0 {
				answered = at
			}
			return election.Wish{Since: since, Waits: answered == 0}
		}
		for range tookKept { // it has been as slow before
			p.watch.Begin(1)
			p.watch.End(1, 1+election.Instant(takes), true)
		}
		p.play(t, 4*time.Second)
		if len(p.begun) != 1 || answered.Sub(now) != takes {
			t.Errorf("%v: reads at %v, answered after %v", takes, p.begun, answered.Sub(now))
		}
	}
}

// TestAReadThatHangsHoldsUpNobody: after as long as answers take, another is made beside it.
func TestAReadThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	p := watching{wish: func(at election.Instant, w *Watch) election.Wish {
		return election.Wish{Since: now, Waits: w.Newest() < now}
	}, takes: func(n int) time.Duration {
		if n < 1 {
			return time.Hour
		}
		return ms(50)
	}}
	p.play(t, 5*time.Second)
	if diff := cmp.Diff([]time.Duration{0, ms(500)}, p.begun); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	p = watching{takes: always(time.Hour), wish: p.wish}
	p.play(t, time.Minute)
	if p.highest != 3 || len(p.begun) > 60 || len(p.begun) < 20 {
		t.Errorf("with an API that never answers: %d reads in a minute, %d at once", len(p.begun), p.highest)
	}
}

// An API that refuses at once is asked once a second.
func TestReadsThatFailAreSpaced(t *testing.T) {
	t.Parallel()
	p := watching{takes: always(0), wish: func(at election.Instant, w *Watch) election.Wish {
		return election.Wish{Since: now, Waits: true, By: now.Add(time.Minute), Age: time.Second}
	}}
	p.play(t, 10*time.Second)
	if len(p.begun) < 9 || len(p.begun) > 11 {
		t.Errorf("reads at %v", p.begun)
	}
}

// TestATimerFindsAFreshRead: whatever a call takes, a read begun in this silence has been
// answered when the timer ends, not too long before; and it costs few calls.
func TestATimerFindsAFreshRead(t *testing.T) {
	t.Parallel()
	const silence, down = 1500 * time.Millisecond, 3609 * time.Millisecond
	for _, tt := range []struct {
		before, takes, late time.Duration // as slow as before, now, and how late the read may be
		reads               int
	}{
		{ms(20), ms(20), 0, 2}, {ms(110), ms(110), 0, 2}, {ms(300), ms(300), 0, 2}, {ms(800), ms(800), 0, 2},
		{1200 * ms(1), 1200 * ms(1), 0, 1}, {2000 * ms(1), 2000 * ms(1), 0, 1},
		{2500 * ms(1), 2500 * ms(1), 391 * ms(1), 1}, // then it is one of the calls
		{ms(110), ms(800), ms(30), 2},                // slower than ever since the last time
		{2500 * ms(1), ms(110), 0, 3},                // faster
		{0, ms(110), 0, 2},                           // never asked before
	} {
		t.Run(fmt.Sprintf("%v before, now %v", tt.before, tt.takes), func(t *testing.T) {
			t.Parallel()
			p := watching{takes: always(tt.takes)}
			if tt.before > 0 {
				p.watch.Begin(1)
				p.watch.End(1, 1+election.Instant(tt.before), true)
			}
			fresh := election.Instant(0)
			p.wish = func(at election.Instant, w *Watch) election.Wish {
				switch {
				case at < now.Add(silence):
					return election.Wish{}
				case fresh == 0 && at >= now.Add(down) && w.Newest() > now && at.Sub(w.heard) <= time.Second:
					fresh = at
				}
				return election.Wish{
					News: now + 1, Since: now + 1, By: now.Add(down), Age: time.Second, Waits: at >= now.Add(down) && fresh == 0, Urgent: true,
				}
			}
			p.play(t, 6*time.Second)
			if late := fresh.Sub(now) - down; fresh == 0 || late < 0 || late > tt.late {
				t.Errorf("a fresh read is there %v after the end of the timer; reads at %v", late, p.begun)
			}
			if len(p.begun) > tt.reads {
				t.Errorf("%d reads: %v", len(p.begun), p.begun)
			}
		})
	}
}

// TestAReadThatHangsBeforeATimerEndsIsReplaced: the first one in the silence gets no answer.
func TestAReadThatHangsBeforeATimerEndsIsReplaced(t *testing.T) {
	t.Parallel()
	p := watching{takes: func(n int) time.Duration {
		if n == 0 {
			return time.Hour
		}
		return ms(110)
	}}
	p.wish = func(at election.Instant, _ *Watch) election.Wish {
		return election.Wish{News: now, Since: now, By: now.Add(2 * time.Second), Age: time.Second}
	}
	p.play(t, 2*time.Second)
	if age := now.Add(2 * time.Second).Sub(p.watch.heard); age < 0 || age > time.Second || len(p.begun) > 3 {
		t.Errorf("the newest answer is %v old; reads at %v", age, p.begun)
	}
}

// The rhythm is kept from the end of one read to the begin of the next by whoever wishes;
// no read begins beside another, and a lost one is forgotten.
func TestTheRhythmWaitsForTheEndOfARead(t *testing.T) {
	t.Parallel()
	var w Watch
	wish := election.Wish{At: now}
	if want, _ := w.Next(now, wish); want != WantRead {
		t.Errorf("wants %d", want)
	}
	w.Begin(now)
	if want, again := w.Next(now.Add(time.Second), wish); want != WantNothing || again != 0 {
		t.Errorf("beside another it wants %d, again %v", want, again)
	}
	if want, _ := w.Next(now.Add(5*election.AttemptTimeout+1), wish); want != WantRead {
		t.Errorf("after a lost one it wants %d", want)
	}
	if at := now.Add(2 * time.Second); w.Flying() != 0 {
		t.Errorf("under way since %v of %v", w.Flying(), at)
	}
}

// TestNearIsTheSecondHalfOfAWait: a read that costs nothing is taken along then.
func TestNearIsTheSecondHalfOfAWait(t *testing.T) {
	t.Parallel()
	var w Watch
	w.Begin(now)
	if w.Near(now, now) {
		t.Error("a read is under way, and another would join")
	}
	w.End(now, now, true)
	for _, tt := range []struct {
		at   election.Instant
		want bool
	}{{now.Add(15 * time.Second), true}, {now.Add(15*time.Second - 1), false}} {
		if got := w.Near(tt.at, now.Add(30*time.Second)); got != tt.want {
			t.Errorf("after %v: %v", tt.at.Sub(now), got)
		}
	}
	if w.Near(now.Add(time.Hour), 0) {
		t.Error("nothing is wanted, and it would join")
	}
}
