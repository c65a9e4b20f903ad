// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package telemetry

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves GET /metrics and GET /healthz. Healthz is 200 while the engine last ran at
// most limit ago, as standing tells it, and 503 after that. It says that the daemon runs,
// not that the group is well: restarting a daemon because its cloud is away would help
// nobody. Standing must be safe for concurrent use.
//
// Concurrent scrapes are not bounded here but by the connections of the server: a limit of
// its own is what a few clients that do not read their answers would keep others out by.
func (m *Metrics) Handler(standing func() (age, limit time.Duration)) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if age, limit := standing(); age > limit {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintf(w, "the engine loop last ran %v ago, at most %v is normal\n", age.Truncate(time.Millisecond), limit)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
