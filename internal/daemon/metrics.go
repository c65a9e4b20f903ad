// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// metricsServer serves /metrics and /healthz.
type metricsServer struct{ d *daemon }

// String names the task.
func (s metricsServer) String() string { return "metrics on " + s.d.parts.listen.Addr().String() }

// Run serves until ctx ends.
func (s metricsServer) Run(ctx context.Context) error {
	e := s.d.engine
	server := &http.Server{
		Handler: e.metrics.Handler(e.standing), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(e.log.Handler(), slog.LevelDebug), // not standard error, past the queue
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(s.d.parts.listen); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
