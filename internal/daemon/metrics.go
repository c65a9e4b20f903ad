// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fipctl/fipctl/pkg/election"
)

// healthyTurns is how many advert intervals the engine may stand still before
// /healthz says so.
const healthyTurns = 5

// metricsServer serves /metrics and /healthz.
type metricsServer struct {
	d     *daemon
	limit time.Duration
}

func (d *daemon) metricsTask() task {
	return metricsServer{d, max(time.Second, healthyTurns*d.cfg.AdvertInterval())}
}

// String names the task.
func (s metricsServer) String() string { return "metrics on " + s.d.parts.listen.Addr().String() }

// Run serves until ctx ends.
func (s metricsServer) Run(ctx context.Context) error {
	e := s.d.engine
	beat := func() time.Duration { return e.clock.now().Sub(election.Instant(e.beat.Load())) }
	server := &http.Server{Handler: e.metrics.Handler(beat, s.limit), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(s.d.parts.listen); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
