// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pen is a writer that can be held, or fail.
type pen struct {
	bytes.Buffer
	hold chan struct{} // nil: writes at once
	fail error
}

func (p *pen) Write(b []byte) (int, error) {
	if p.hold != nil {
		<-p.hold
	}
	if p.fail != nil {
		return 0, p.fail
	}
	return p.Buffer.Write(b)
}

// written returns the messages that were written, and what a gap says.
func (p *pen) written() []string {
	var out []string
	for line := range strings.Lines(p.String()) {
		_, text, _ := strings.Cut(strings.TrimSpace(line), "msg=")
		out = append(out, text)
	}
	return out
}

// queued runs body with a queue of three lines that is being written.
func queued(t *testing.T, body func(p *pen, q *LogQueue, log *slog.Logger)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pen{}
		q := NewLogQueue(slog.NewTextHandler(p, nil), 3)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		body(p, q, slog.New(q.Handler()))
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestWhoLogsWaitsForNoHandler(t *testing.T) {
	queued(t, func(p *pen, q *LogQueue, log *slog.Logger) {
		p.hold = make(chan struct{})
		log.Info("0")
		synctest.Wait() // it is being written, and will be for an hour
		for i := range 9 {
			log.Info(fmt.Sprint(i + 1))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		if got := q.Lost(); got != 6 {
			t.Errorf("%d lines are lost, want the 6 that did not fit", got)
		}
		close(p.hold)
		synctest.Wait()
		log.Info("10")
		synctest.Wait()
		want := []string{"0", `"lines of the log were lost" lines=6 since=2000-01-01T00:00:00.000Z`, "7", "8", "9", "10"}
		if diff := cmp.Diff(want, p.written()); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
	})
}

func TestLinesThatCannotBeWrittenAreCountedAndToldOnce(t *testing.T) {
	queued(t, func(p *pen, q *LogQueue, log *slog.Logger) {
		log.Info("a")
		synctest.Wait()
		p.fail = errors.New("broken pipe")
		for range 5 {
			log.Info("b")
			synctest.Wait()
			time.Sleep(time.Second)
		}
		p.fail = nil
		log.Info("c")
		log.Info("d")
		synctest.Wait()
		want := []string{"a", `"lines of the log were lost" lines=5 since=2000-01-01T00:00:00.000Z`, "c", "d"}
		if diff := cmp.Diff(want, p.written()); diff != "" || q.Lost() != 5 {
			t.Errorf("%d lost, written (-want +got):\n%s", q.Lost(), diff)
		}
	})
}

// TestWhatIsLostWhileAGapIsToldIsToldNext: the line about a gap is held, and more is lost
// meanwhile. Its time is when that line was made.
func TestWhatIsLostWhileAGapIsToldIsToldNext(t *testing.T) {
	queued(t, func(p *pen, q *LogQueue, log *slog.Logger) {
		p.fail = errors.New("broken pipe")
		log.Info("a")
		synctest.Wait()
		p.fail, p.hold = nil, make(chan struct{})
		time.Sleep(time.Minute)
		log.Info("b")
		synctest.Wait() // the gap of one is being told
		time.Sleep(time.Second)
		for i := range 5 {
			log.Info(fmt.Sprint(i)) // of which three fit
			time.Sleep(time.Second)
		}
		close(p.hold)
		synctest.Wait()
		want := []string{`"lines of the log were lost" lines=1 since=2000-01-01T00:00:00.000Z`, "b",
			`"lines of the log were lost" lines=2 since=2000-01-01T00:01:00.000Z`, "2", "3", "4"}
		if diff := cmp.Diff(want, p.written()); diff != "" || q.Lost() != 3 {
			t.Errorf("%d lost, written (-want +got):\n%s", q.Lost(), diff)
		}
	})
}

func TestWhatIsQueuedAtTheEndIsWritten(t *testing.T) {
	var p *pen
	queued(t, func(its *pen, _ *LogQueue, log *slog.Logger) {
		p = its
		log.Info("a")
		log.Info("b")
	})
	if diff := cmp.Diff([]string{"a", "b"}, p.written()); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func TestALineSaysWhatWasTrueWhenItWasLogged(t *testing.T) {
	var p *pen
	queued(t, func(its *pen, _ *LogQueue, log *slog.Logger) {
		p = its
		p.hold = make(chan struct{})
		log.Info("0")
		synctest.Wait() // it is being written, and what follows is queued
		err := &changing{"first"}
		log.With("op", "assign").WithGroup("g").Info("a", "error", err)
		err.text = "second"
		log.Debug("not enabled")
		close(p.hold)
	})
	if diff := cmp.Diff([]string{"0", "a op=assign g.error=first"}, p.written()); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

// changing is an error whose text changes.
type changing struct{ text string }

func (c *changing) Error() string { return c.text }
