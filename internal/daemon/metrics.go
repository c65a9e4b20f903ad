// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package daemon

import (
	"time"

	"github.com/fipctl/fipctl/internal/serve"
)

// Limits of the metrics listener. A scrape is a few hundred KiB at most, and a Prometheus or
// two and a supervisor ask for one.
const (
	scrapersMax = 32
	scrapeWrite = 10 * time.Second
)

// newMetricsServer returns what serves /metrics and /healthz.
func (d *daemon) newMetricsServer() *serve.Server {
	return serve.New(serve.Config{
		Name: "metrics on", Listener: d.parts.listen, Handler: d.metrics.Handler(d.standing),
		Connections: scrapersMax, Write: scrapeWrite, Log: d.log,
	})
}
