// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"time"
)

// markState is what is known of the drain mark of a group.
type markState struct {
	set     bool  // the mark is on disk, or on its way there
	writing int   // changes under way
	err     error // of the last one
}

// marksMax bounds the changes that wait. Each follows an operator's order, of
// which few are under way at a time.
const marksMax = 64

var errMarksBusy = errors.New("too many changes of drain marks are under way")

// markWriter changes drain marks beside the engine: a disk may hang for seconds,
// and the election never waits for one.
type markWriter struct {
	drainMarks
	jobs   chan markJob // capacity marksMax; more are refused
	report func(group string, err error)
}

type markJob struct {
	group   string
	drained bool
}

func newMarkWriter(marks drainMarks) *markWriter {
	return &markWriter{drainMarks: marks, jobs: make(chan markJob, marksMax)}
}

// String names the task.
func (w *markWriter) String() string { return "drain marks in " + w.dir }

// Run changes marks until ctx ends, those that waited by then included: a drain
// must survive the stop that follows it.
func (w *markWriter) Run(ctx context.Context) error {
	for {
		select {
		case j := <-w.jobs:
			w.report(j.group, w.do(j))
		case <-ctx.Done():
			for {
				select {
				case j := <-w.jobs:
					w.report(j.group, w.do(j))
				default:
					return nil
				}
			}
		}
	}
}

func (w *markWriter) do(j markJob) error {
	if j.drained {
		return w.set(j.group, time.Now())
	}
	return w.clear(j.group)
}

// mark remembers on disk whether an operator keeps this node out of a group.
func (e *engine) mark(g *group, drained bool) {
	select {
	case e.marks.jobs <- markJob{g.cfg.Name, drained}:
		g.mark = markState{set: drained, writing: g.mark.writing + 1}
	default:
		g.mark.err = errMarksBusy
	}
}

// marked takes in the end of a change of a drain mark. Should it have failed, the
// node is drained or not as ordered, until the next start.
func (e *engine) marked(name string, err error) {
	if err != nil {
		e.log.Error("drain mark does not say what was ordered", "group", name, "error", err)
	}
	if g := e.group(name); g != nil && g.mark.writing > 0 {
		g.mark.writing--
		g.mark.err = err
	}
}
