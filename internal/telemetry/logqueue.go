// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// LogQueue stands between those who log and a handler that may be slow, or fail, or
// never return. Who logs waits for nothing; what does not fit is lost, the oldest
// first, and counted, and so is what the handler fails to write. When it writes again
// one line says how many were lost and since when.
//
// Run writes what is queued; it is to be called once. All else is safe for concurrent
// use.
type LogQueue struct {
	handler slog.Handler
	size    int
	ready   chan struct{} // capacity 1: something was queued

	mu    sync.Mutex
	lines []logLine
	lost  uint64    // in all
	gap   uint64    // lost since a line was last written
	since time.Time // the time of the first of those
}

// logLine is a record and the handler that it was given to, with its attributes.
type logLine struct {
	handler slog.Handler
	record  slog.Record
}

// NewLogQueue returns a queue of at most size lines before h.
func NewLogQueue(h slog.Handler, size int) *LogQueue {
	return &LogQueue{handler: h, size: size, ready: make(chan struct{}, 1)}
}

// Handler returns what a logger is made of. It never blocks and never fails.
func (q *LogQueue) Handler() slog.Handler { return queueHandler{q, q.handler} }

// Lost returns how many lines were lost since the start.
func (q *LogQueue) Lost() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// String names the task.
func (q *LogQueue) String() string { return "log" }

// Run writes until ctx ends, and then what is queued by then. It takes as long as the
// handler does, so whoever waits for it needs a limit.
func (q *LogQueue) Run(ctx context.Context) error {
	for {
		select {
		case <-q.ready:
			q.write()
		case <-ctx.Done():
			q.write()
			return nil
		}
	}
}

// write writes until nothing is queued.
func (q *LogQueue) write() {
	for {
		line, ok := q.take()
		if !ok {
			return
		}
		if !q.tellGap() || line.handler.Handle(context.Background(), line.record) != nil {
			q.mu.Lock()
			q.lose(line)
			q.mu.Unlock()
		}
	}
}

func (q *LogQueue) take() (logLine, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		return logLine{}, false
	}
	line := q.lines[0]
	q.lines = slices.Delete(q.lines, 0, 1)
	return line, true
}

// lose counts a line that will not be written. It is called with the lock held.
func (q *LogQueue) lose(line logLine) {
	if q.gap == 0 {
		q.since = line.record.Time
	}
	q.lost++
	q.gap++
}

// tellGap says that lines were lost, if any were, and reports whether that worked.
func (q *LogQueue) tellGap() bool {
	q.mu.Lock()
	gap, since := q.gap, q.since
	q.mu.Unlock()
	if gap == 0 {
		return true
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "lines of the log were lost", 0)
	r.AddAttrs(slog.Uint64("lines", gap), slog.Time("since", since))
	if q.handler.Handle(context.Background(), r) != nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gap -= gap // others may have been lost meanwhile
	if q.gap > 0 {
		q.since = r.Time
	}
	return true
}

func (q *LogQueue) put(line logLine) {
	q.mu.Lock()
	if len(q.lines) >= q.size {
		q.lose(q.lines[0])
		q.lines = slices.Delete(q.lines, 0, 1)
	}
	q.lines = append(q.lines, line)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default: // it has been told
	}
}

// queueHandler queues for one handler derived from the queue's.
type queueHandler struct {
	queue   *LogQueue
	handler slog.Handler
}

func (h queueHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.handler.Enabled(ctx, l)
}

func (h queueHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return queueHandler{h.queue, h.handler.WithAttrs(as)}
}

func (h queueHandler) WithGroup(name string) slog.Handler {
	return queueHandler{h.queue, h.handler.WithGroup(name)}
}

// Handle queues the record. What an attribute says, it says now: it is written by
// another goroutine, when what it points to may have changed.
func (h queueHandler) Handle(_ context.Context, r slog.Record) error {
	now := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		a.Value = a.Value.Resolve()
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(err.Error())
		}
		now.AddAttrs(a)
		return true
	})
	h.queue.put(logLine{h.handler, now})
	return nil
}
