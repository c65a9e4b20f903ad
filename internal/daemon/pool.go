// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import "context"

// pool does jobs beside the engine, so many at once. The engine alone submits, counts
// what is under way, and never submits more than there are workers: it never waits.
type pool struct {
	name    string
	workers int
	jobs    chan func(context.Context) // capacity: as many as there are workers
	flying  int                        // jobs under way, by the engine's count
	idle    int                        // those of them that nobody waits for
}

func newPool(name string, workers int) *pool {
	return &pool{name: name, workers: workers, jobs: make(chan func(context.Context), workers)}
}

// tasks returns the workers.
func (p *pool) tasks() []task {
	tasks := make([]task, p.workers)
	for i := range tasks {
		tasks[i] = worker{p, i}
	}
	return tasks
}

// begin counts a job as under way, which do then hands over.
func (p *pool) begin(idle bool) {
	if p.flying++; p.flying > p.workers {
		panic("invariant 12: more " + p.name + " at once than there are workers")
	}
	if idle {
		p.idle++
	}
}

// do hands a job over that was begun.
func (p *pool) do(job func(context.Context)) { p.jobs <- job }

// start begins a job and hands it over.
func (p *pool) start(idle bool, job func(context.Context)) {
	p.begin(idle)
	p.do(job)
}

// ended counts a job as over.
func (p *pool) ended(idle bool) {
	p.flying--
	if idle {
		p.idle--
	}
}

// worker is one goroutine of a pool.
type worker struct {
	pool   *pool
	number int // from 0
}

// String names the task.
func (w worker) String() string { return w.pool.name }

// Run does jobs until ctx ends.
func (w worker) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case job := <-w.pool.jobs:
			job(ctx)
		}
	}
}
